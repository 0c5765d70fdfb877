package watch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dispatcher/flows"
)

// memory is a service that remembers what the watcher decides.
type memory struct {
	mu     sync.Mutex
	log    []string // live staged tests_failed discarded …, each with the version of its set
	sets   map[string]*flows.Project
	staged *StagedInfo
	fail   bool // of its tests
	seen   int  // sets that were refused
	plan   func(p *flows.Project) *flows.Plan
}

func (m *memory) note(what string, p *flows.Project) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sets[p.SetID] = p
	m.log = append(m.log, what+" "+version(p))
}

// version is the words of the only sentence of a set.
func version(p *flows.Project) string {
	_, text, _ := strings.Cut(string(p.Files.Data["flows/a.yaml"]), "say: ")
	text, _, _ = strings.Cut(text, "\n")
	return text
}

// never says that a set was staged and nothing else.
func (m *memory) never(set string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	words := version(m.sets[set])
	return slices.Contains(m.log, "staged "+words) && !slices.ContainsFunc(m.log, func(l string) bool { return l != "staged "+words && strings.HasSuffix(l, " "+words) })
}

func (m *memory) publishing() *Publishing {
	return &Publishing{
		Was: m.staged,
		Tests: func(context.Context, *flows.Project) Tests {
			if m.fail {
				return Tests{Failed: 1, Text: "FAIL"}
			}
			return Tests{Passed: 1}
		},
		Plan: func(_ context.Context, p *flows.Project) (*flows.Plan, error) {
			if m.plan != nil {
				return m.plan(p), nil
			}
			return &flows.Plan{}, nil
		},
		Switch: func(_ context.Context, p *flows.Project, by, result string, held bool) error {
			if held {
				result += " held"
			}
			m.note(result, p)
			return nil
		},
		Stage: func(_ context.Context, p *flows.Project, st StagedInfo) error {
			m.note(st.Result, p)
			m.staged = &st
			return nil
		},
		Unstage: func(context.Context) error { m.staged = nil; return nil },
		Discard: func(context.Context, string) error { m.staged.Result = Discarded; return nil },
		Seen:    func(context.Context, string, string, string) { m.seen++ },
		Revision: func(_ context.Context, set string) (*flows.Project, error) {
			for id, p := range m.sets {
				if strings.HasPrefix(id, set) {
					return p, nil
				}
			}
			return nil, errors.New("no such set")
		},
		Ran: func(_ context.Context, set string) (bool, error) { return m.sets[set] != nil && !m.never(set), nil },
	}
}

// shop is one project folder and the watcher that keeps it live.
type shop struct {
	*memory
	t    *testing.T
	root string
	w    *Watcher
}

func (s *shop) write(reload, words string) {
	s.t.Helper()
	put(s.t, filepath.Join(s.root, "dispatcher.yaml"), "dispatcher: 1\nproject: shop\nreload: "+reload+"\n")
	put(s.t, filepath.Join(s.root, "flows", "a.yaml"), "flow: a\nstates:\n  start:\n    say: "+words+"\n    handoff: general\n")
}

func (s *shop) load() *flows.Project {
	s.t.Helper()
	return flows.Load(must(flows.Read(Dir(s.root), "shop")), flows.Options{})
}

// watching is a watcher whose live set is what the folder holds now.
func (s *shop) watching(live *flows.Project) {
	s.w = New(Config{
		Root: s.root, Name: "shop", Publishing: s.publishing(), Settle: time.Millisecond,
		Load: func(f *flows.Files) *flows.Project { return flows.Load(f, flows.Options{}) },
		Live: func(_ context.Context, p *flows.Project, _ string) error { s.note("live", p); return nil },
	}, live, s.load())
}

func newShop(t *testing.T, reload string) *shop {
	t.Helper()
	s := &shop{memory: &memory{sets: map[string]*flows.Project{}}, t: t, root: filepath.Join(t.TempDir(), "shop")}
	s.write(reload, "one")
	live := s.load()
	s.sets[live.SetID] = live
	s.watching(live)
	return s
}

func (s *shop) want(live, folder string, log ...string) {
	s.t.Helper()
	st := s.w.Status()
	if got := version(st.LiveProject); got != live || st.Folder.State != folder || !slices.Equal(s.log, log) {
		s.t.Fatalf("live %q, folder %+v, log %q; want %q %q %q", got, st.Folder, s.log, live, folder, log)
	}
}

// TestStagedWaitsForAPerson: a good set changes nothing until it is published,
// and is published once.
func TestStagedWaitsForAPerson(t *testing.T) {
	t.Parallel()
	s := newShop(t, "staged")
	ctx := t.Context()
	s.write("staged", "two")
	s.w.Reload(ctx)
	s.w.Reload(ctx) // the same files are staged once
	s.want("one", Good, "staged two")
	if st := s.w.Status(); st.Staged == nil || st.Staged.Result != Staged || st.Staged.Tests.Passed != 1 {
		t.Fatalf("staged %+v", st.Staged)
	}
	s.write("staged", "three")
	s.w.Reload(ctx)
	if _, err := s.w.Publish(ctx, "", "ana", Accept{}); err != nil {
		t.Fatal(err)
	}
	s.want("three", Same, "staged two", "staged three", "published three")
	if st := s.w.Status(); st.Live.By != "ana" || st.Live.Held || st.Staged != nil {
		t.Errorf("%+v", st)
	}
	if _, err := s.w.Publish(ctx, "", "ana", Accept{}); !errors.Is(err, ErrNothingStaged) {
		t.Errorf("published twice: %v", err)
	}
}

// TestStagedFolderGoesBack: the folder that is what runs again has nothing staged.
func TestStagedFolderGoesBack(t *testing.T) {
	t.Parallel()
	s := newShop(t, "staged")
	s.write("staged", "two")
	s.w.Reload(t.Context())
	s.write("staged", "one")
	s.w.Reload(t.Context())
	s.want("one", Same, "staged two")
	if s.w.Status().Staged != nil || s.staged != nil {
		t.Error("what nobody can see in the folder is still staged")
	}
}

// TestFailedTestsAreNotStaged until they pass, or somebody answers for it.
func TestFailedTestsAreNotStaged(t *testing.T) {
	t.Parallel()
	s := newShop(t, "staged")
	s.fail = true
	s.write("staged", "two")
	s.w.Reload(t.Context())
	var failed *ErrTests
	if _, err := s.w.Publish(t.Context(), "", "ana", Accept{}); !errors.As(err, &failed) || failed.Tests.Text != "FAIL" {
		t.Fatalf("published over failed tests: %v", err)
	}
	s.want("one", Good, "tests_failed two")
	s.fail = false
	put(t, filepath.Join(s.root, "flows", "tests", "a.test.yaml"), "tests: []\n") // a test was mended: the set is the same
	s.w.Reload(t.Context())
	s.want("one", Good, "tests_failed two", "staged two")
	s.fail = true
	s.write("staged", "three")
	s.w.Reload(t.Context())
	if _, err := s.w.Publish(t.Context(), "", "lead", Accept{Tests: true}); err != nil {
		t.Fatal(err)
	}
	s.want("three", Same, "tests_failed two", "staged two", "tests_failed three", "published three")
}

// TestDiscardedIsNotStagedAgain, over a restart too.
func TestDiscardedIsNotStagedAgain(t *testing.T) {
	t.Parallel()
	s := newShop(t, "staged")
	live := s.w.Status().LiveProject
	s.write("staged", "two")
	s.w.Reload(t.Context())
	if err := s.w.Discard(t.Context(), "ana"); err != nil {
		t.Fatal(err)
	}
	if err := s.w.Discard(t.Context(), "ana"); !errors.Is(err, ErrNothingStaged) {
		t.Errorf("discarded twice: %v", err)
	}
	s.w.Reload(t.Context())
	s.watching(live)
	s.w.Reload(t.Context())
	s.want("one", Good, "staged two")
	if st := s.w.Status(); st.Staged == nil || st.Staged.Result != Discarded {
		t.Errorf("%+v", st.Staged)
	}
	if _, err := s.w.Publish(t.Context(), "", "ana", Accept{}); !errors.Is(err, ErrNothingStaged) {
		t.Errorf("published what was discarded: %v", err)
	}
}

// TestChoiceMustBeAccepted: W501 keeps a set from going live until somebody says yes.
func TestChoiceMustBeAccepted(t *testing.T) {
	t.Parallel()
	s := newShop(t, "staged")
	s.plan = func(*flows.Project) *flows.Plan { return &flows.Plan{Choice: 2} }
	s.write("staged", "two")
	s.w.Reload(t.Context())
	var choice *ErrChoice
	if _, err := s.w.Publish(t.Context(), "", "ana", Accept{}); !errors.As(err, &choice) || choice.Plan.Choice != 2 {
		t.Fatalf("err %v", err)
	}
	s.want("one", Good, "staged two")
	if _, err := s.w.Publish(t.Context(), "", "ana", Accept{Choice: true}); err != nil {
		t.Fatal(err)
	}
	s.want("two", Same, "staged two", "published two")
}

// TestRollbackHoldsFileChanges until the next publish, although the project
// says auto; and it is still so after a restart.
func TestRollbackHoldsFileChanges(t *testing.T) {
	t.Parallel()
	s := newShop(t, "auto")
	first := s.w.Status().LiveProject
	s.write("auto", "two")
	s.w.Reload(t.Context())
	s.want("two", Same, "live two")
	if _, err := s.w.Rollback(t.Context(), s.w.Status().Live.Set[:8], "ana", Accept{}); !errors.Is(err, ErrIsLive) {
		t.Errorf("rolled back to itself: %v", err)
	}
	if _, err := s.w.Rollback(t.Context(), first.SetID[:8], "ana", Accept{}); err != nil {
		t.Fatal(err)
	}
	s.want("one", Good, "live two", "rolled_back held one", "staged two")
	if !s.w.Status().Live.Held {
		t.Error("nobody says that file changes are held")
	}
	s.write("auto", "three")
	s.w.Reload(t.Context())
	s.want("one", Good, "live two", "rolled_back held one", "staged two", "staged three")
	if _, err := s.w.Rollback(t.Context(), s.load().SetID, "ana", Accept{}); !errors.Is(err, ErrNeverRan) {
		t.Errorf("rolled back to a set that never ran: %v", err)
	}
	was := s.w.Status().Live
	s.watching(first)
	s.w = New(s.held(was), first, s.load())
	s.w.Reload(t.Context())
	s.want("one", Good, "live two", "rolled_back held one", "staged two", "staged three")
	if _, err := s.w.Publish(t.Context(), "", "ana", Accept{}); err != nil {
		t.Fatal(err)
	}
	s.write("auto", "four")
	s.w.Reload(t.Context())
	s.want("four", Same, "live two", "rolled_back held one", "staged two", "staged three", "published three", "live four")
}

func (s *shop) held(live SetInfo) Config {
	cfg := s.w.cfg
	cfg.Publishing = s.publishing()
	cfg.Publishing.Held, cfg.Publishing.Live = true, live
	return cfg
}

// TestOlderIsPublishedOverItsTestsOnly: a stored set is published as a staged
// one is, with its tests; it holds file changes, and a roll-back asks for none.
func TestOlderIsPublishedOverItsTestsOnly(t *testing.T) {
	t.Parallel()
	s := newShop(t, "staged")
	first := s.w.Status().LiveProject
	s.write("staged", "two")
	s.w.Reload(t.Context())
	if _, err := s.w.Publish(t.Context(), "", "ana", Accept{}); err != nil {
		t.Fatal(err)
	}
	s.fail = true
	var failed *ErrTests
	if _, err := s.w.Publish(t.Context(), first.SetID[:8], "ana", Accept{}); !errors.As(err, &failed) || failed.Tests.Failed != 1 {
		t.Fatalf("published over failed tests: %v", err)
	}
	s.want("two", Same, "staged two", "published two")
	s.fail = false
	if _, err := s.w.Publish(t.Context(), first.SetID[:8], "ana", Accept{}); err != nil {
		t.Fatal(err)
	}
	if !s.w.Status().Live.Held {
		t.Error("files that hold another set are not held")
	}
	s.fail = true
	second := s.w.Status().Staged.Set
	if _, err := s.w.Publish(t.Context(), second, "lead", Accept{Tests: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.w.Rollback(t.Context(), first.SetID[:8], "ana", Accept{}); err != nil {
		t.Fatalf("a roll-back waits for tests: %v", err)
	}
}

// TestRejectedIsNotedOnce: a publish does not refuse the same files again.
func TestRejectedIsNotedOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t, "staged")
	s.write("staged", "two")
	s.w.Reload(t.Context())
	put(t, filepath.Join(s.root, "flows", "a.yaml"), "flow: a\nstates:\n  start:\n    goto: nowhere\n")
	s.w.Reload(t.Context())
	if _, err := s.w.Publish(t.Context(), "", "ana", Accept{}); err != nil {
		t.Fatal(err)
	}
	s.w.Reload(t.Context())
	st := s.w.Status()
	if s.seen != 1 || st.Folder.State != Rejected || st.Problem == nil || st.OK || version(st.LiveProject) != "two" {
		t.Errorf("refused %d times; folder %+v, ok %v", s.seen, st.Folder, st.OK)
	}
	s.write("staged", "three")
	s.w.Reload(t.Context())
	if st := s.w.Status(); st.Folder.State != Good || st.Problem != nil || !st.OK {
		t.Errorf("mended files: %+v", st.Folder)
	}
}

// TestSwitchToStagedIsStaged: the edit that asks for staged waits already, and
// so does the one that ends it.
func TestSwitchToStagedIsStaged(t *testing.T) {
	t.Parallel()
	s := newShop(t, "auto")
	s.write("staged", "two")
	s.w.Reload(t.Context())
	s.want("one", Good, "staged two")
	if _, err := s.w.Publish(t.Context(), "", "ana", Accept{}); err != nil {
		t.Fatal(err)
	}
	s.write("auto", "three")
	s.w.Reload(t.Context())
	s.want("two", Good, "staged two", "published two", "staged three")
}

// TestRejectedKeepsWhatIsStaged: a broken save takes nothing away.
func TestRejectedKeepsWhatIsStaged(t *testing.T) {
	t.Parallel()
	s := newShop(t, "staged")
	s.write("staged", "two")
	s.w.Reload(t.Context())
	put(t, filepath.Join(s.root, "flows", "a.yaml"), "flow: a\nstates: nothing\n")
	s.w.Reload(t.Context())
	s.want("one", Rejected, "staged two")
	if err := os.Remove(filepath.Join(s.root, "flows", "a.yaml")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.w.Publish(t.Context(), "", "ana", Accept{}); err != nil {
		t.Fatal(err)
	}
	if got := version(s.w.Status().LiveProject); got != "two" {
		t.Errorf("live %q", got)
	}
}
