package watch

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dispatcher/engine"
	"dispatcher/flows"
)

// stage is one watched project and everything that went live in it.
type stage struct {
	t    *testing.T
	root string
	w    *Watcher
	live chan string // text of flows/a.yaml and flows/b.yaml of every set that went live
	torn bool        // the machine made a pause in the middle of a save, so that a part may have gone live
}

// breath is the longest save of which no part can go live: two readings agree
// on it only when they are further apart.
const breath = 25 * time.Millisecond

// guard is how long a test waits for what surely comes.
const guard = time.Minute

const first = "flow: a\n# one\n"

// start lays out a project, starts a watcher on it and returns when it watches.
func start(t *testing.T, lay func(root string)) *stage {
	t.Helper()
	root := filepath.Join(t.TempDir(), "project")
	if lay == nil {
		lay = func(root string) { put(t, filepath.Join(root, "flows", "a.yaml"), first) }
	}
	lay(root)
	s := &stage{t: t, root: root, live: make(chan string, 64)}
	initial := s.load(must(flows.Read(Dir(root), "project")))
	s.w = New(Config{
		Root: root, Name: "project", Load: s.load, Poll: time.Hour,
		Live: func(_ context.Context, p *flows.Project, _ string) error {
			s.live <- text4(p.Files)
			return nil
		},
	}, initial, initial)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = s.w.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
	s.warm()
	return s
}

// warm waits until file events arrive: the watcher has no other sign that it watches.
func (s *stage) warm() {
	s.t.Helper()
	probe := filepath.Join(s.root, "flows", "probe.yaml")
	for end := time.Now().Add(guard); time.Now().Before(end); {
		put(s.t, probe, "flow: probe\n")
		select {
		case <-s.live:
			os.Remove(probe)
			s.expect(strings.ReplaceAll(text4(must(flows.Read(Dir(s.root), "project"))), "flow: probe\n", ""))
			return
		case <-time.After(50 * time.Millisecond):
			put(s.t, probe, "flow: probe\n# again\n")
		}
	}
	s.t.Fatal("no file event ever arrived")
}

func (s *stage) load(f *flows.Files) *flows.Project {
	p := &flows.Project{Files: f, SetID: f.SetID(), Name: "project"}
	if !strings.Contains(text4(f), "BROKEN") {
		p.Set = &engine.Set{ID: p.SetID}
	}
	return p
}

// text4 is what a set says, in the order of its paths.
func text4(f *flows.Files) string {
	var b strings.Builder
	for _, name := range []string{"flows/a.yaml", "flows/b.yaml", "flows/sub/c.yaml"} {
		b.Write(f.Data[name])
	}
	return b.String()
}

// expect wants exactly one reload with that text, and none after it.
func (s *stage) expect(want string) {
	s.t.Helper()
	deadline := time.After(guard)
	for {
		select {
		case got := <-s.live:
			if got != want && s.torn {
				continue
			}
			if got != want {
				s.t.Fatalf("went live with %q, want %q", got, want)
			}
			s.quiet()
			return
		case <-deadline:
			s.t.Fatalf("nothing went live, want %q; folder is %+v", want, s.w.Status().Folder)
		}
	}
}

// quiet wants no reload for longer than one would take.
func (s *stage) quiet() {
	s.t.Helper()
	select {
	case got := <-s.live:
		s.t.Fatalf("reloaded once more, with %q", got)
	case <-time.After(250 * time.Millisecond):
	}
}

func (s *stage) path(name string) string { return filepath.Join(s.root, "flows", name) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// put makes a file in one step: it is there with the text, or as before.
func put(t *testing.T, path, text string) {
	t.Helper()
	whole := filepath.Join(t.TempDir(), "whole")
	write(t, whole, text)
	fail(t, os.MkdirAll(filepath.Dir(path), 0o755), os.Rename(whole, path))
}

// write makes a file as most programs do: it is empty at first.
func write(t *testing.T, path, text string) {
	t.Helper()
	fail(t, os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644))
}

// fail ends a test on the first error of a chain of file operations.
func fail(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// link points name at target in one step, as deployments do.
func link(t *testing.T, target, name string) {
	t.Helper()
	fail(t, os.MkdirAll(filepath.Dir(name), 0o755), os.Symlink(target, name+"~new"), os.Rename(name+"~new", name))
}

// styles are the ways of saving of language.md 9.1: lay makes the project
// where it needs a special one, save writes text as flows/a.yaml. What a slow
// save does is its own business, and it says itself when it was torn.
var styles = []struct {
	name string
	slow bool
	lay  func(t *testing.T, root string)
	save func(t *testing.T, s *stage, text string)
}{
	{name: "1 truncate and write", save: func(t *testing.T, s *stage, text string) { write(t, s.path("a.yaml"), text) }},
	{name: "2 slow write in chunks", slow: true, save: slowWrite},
	{name: "3 editor with backup copy", save: func(t *testing.T, s *stage, text string) {
		old := must(os.ReadFile(s.path("a.yaml")))
		write(t, s.path("a.yaml~"), string(old))
		write(t, s.path("a.yaml"), "")
		write(t, s.path("a.yaml"), text)
		fail(t, os.Remove(s.path("a.yaml~")))
	}},
	{name: "4 editor with rename", save: func(t *testing.T, s *stage, text string) {
		fail(t, os.Rename(s.path("a.yaml"), s.path("a.yaml~")))
		write(t, s.path("a.yaml"), text)
		fail(t, os.Remove(s.path("a.yaml~")))
	}},
	{name: "5 temp file moved over", save: func(t *testing.T, s *stage, text string) {
		tmp := filepath.Join(filepath.Dir(s.root), "upload")
		write(t, tmp, text)
		fail(t, os.Rename(tmp, s.path("a.yaml")))
	}},
	{name: "6 in-place stream edit", save: func(t *testing.T, s *stage, text string) {
		write(t, s.path("sedXYZ"), text)
		fail(t, os.Rename(s.path("sedXYZ"), s.path("a.yaml")))
	}},
	{name: "7 hard link forced over", save: func(t *testing.T, s *stage, text string) {
		tmp := filepath.Join(filepath.Dir(s.root), "source")
		os.Remove(tmp)
		write(t, tmp, text)
		fail(t, os.Remove(s.path("a.yaml")), os.Link(tmp, s.path("a.yaml")))
	}},
	{name: "8 symlinked file swapped", lay: layLinkedFile, save: func(t *testing.T, s *stage, text string) {
		next := filepath.Join(filepath.Dir(s.root), "variants", "v"+time.Now().Format("150405.000000000")+".yaml")
		write(t, next, text)
		link(t, next, s.path("a.yaml"))
	}},
	{name: "9 target of symlinked file edited", lay: layLinkedFile, save: func(t *testing.T, s *stage, text string) {
		write(t, must(filepath.EvalSymlinks(s.path("a.yaml"))), text)
	}},
	{name: "10 ..data directory swap", lay: layConfigMap, save: func(t *testing.T, s *stage, text string) {
		next := "..v" + time.Now().Format("150405.000000000")
		write(t, s.path(next+"/a.yaml"), text)
		old := must(os.Readlink(s.path("..data")))
		link(t, next, s.path("..data"))
		fail(t, os.RemoveAll(s.path(old)))
	}},
	{name: "11 folder replaced", save: func(t *testing.T, s *stage, text string) {
		next := filepath.Join(filepath.Dir(s.root), "checkout")
		write(t, filepath.Join(next, "flows", "a.yaml"), text)
		fail(t, os.Rename(s.root, s.root+".old"), os.Rename(next, s.root), os.RemoveAll(s.root+".old"))
	}},
	{name: "12 flows is a symlink and is retargeted", lay: layLinkedFolder, save: func(t *testing.T, s *stage, text string) {
		next := filepath.Join(filepath.Dir(s.root), "releases", time.Now().Format("150405.000000000"))
		write(t, filepath.Join(next, "a.yaml"), text)
		link(t, next, filepath.Join(s.root, "flows"))
	}},
	{name: "13 folder removed and recreated", slow: true, save: func(t *testing.T, s *stage, text string) {
		fail(t, os.RemoveAll(filepath.Join(s.root, "flows")))
		time.Sleep(150 * time.Millisecond) // long enough for the watcher to see that it is gone
		s.whole(func() { write(t, s.path("a.yaml"), text) })
	}},
}

// slowGap is the longest gap that style 2 may have (language.md ruling 53).
const slowGap = 50 * time.Millisecond

func slowWrite(t *testing.T, s *stage, text string) {
	f := must(os.Create(s.path("a.yaml")))
	for chunk := []byte(text); len(chunk) > 0; {
		n := min(6, len(chunk))
		must(f.Write(chunk[:n]))
		chunk = chunk[n:]
		wrote := time.Now()
		time.Sleep(40 * time.Millisecond) // every prefix may be valid: the gap is the style itself
		s.torn = s.torn || time.Since(wrote) > slowGap
	}
	fail(t, f.Close())
}

// whole runs what should take no time at all, and notes when it did.
func (s *stage) whole(save func()) {
	began := time.Now()
	save()
	s.torn = s.torn || time.Since(began) > breath
}

func layLinkedFile(t *testing.T, root string) {
	target := filepath.Join(filepath.Dir(root), "variants", "v1.yaml")
	put(t, target, first)
	link(t, target, filepath.Join(root, "flows", "a.yaml"))
}

func layConfigMap(t *testing.T, root string) {
	put(t, filepath.Join(root, "flows", "..v0", "a.yaml"), first)
	link(t, "..v0", filepath.Join(root, "flows", "..data"))
	link(t, "..data/a.yaml", filepath.Join(root, "flows", "a.yaml"))
}

func layLinkedFolder(t *testing.T, root string) {
	next := filepath.Join(filepath.Dir(root), "releases", "0")
	put(t, filepath.Join(next, "a.yaml"), first)
	link(t, next, filepath.Join(root, "flows"))
}

func TestEveryWayOfSaving(t *testing.T) {
	t.Parallel()
	for _, style := range styles {
		t.Run(style.name, func(t *testing.T) {
			t.Parallel()
			var lay func(string)
			if style.lay != nil {
				lay = func(root string) { style.lay(t, root) }
			}
			s := start(t, lay)
			for n, edit := range []string{"second", "third, and longer than the one before"} {
				text := "flow: a\n# " + edit + "\n"
				if save := func() { style.save(t, s, text) }; style.slow {
					save()
				} else {
					s.whole(save)
				}
				s.expect(text)
				if st := s.w.Status(); st.Folder.State != Same || !st.OK {
					t.Fatalf("after edit %d the folder is %+v", n+1, st.Folder)
				}
			}
		})
	}
}

func TestTouchAndSameContentReloadNothing(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	now := time.Now()
	fail(t, os.Chtimes(s.path("a.yaml"), now, now))
	put(t, s.path("a.yaml"), first)
	s.quiet()
	put(t, s.path("a.yaml"), first+"# more\n")
	s.expect(first + "# more\n")
}

func TestNewFolderFileDeletedAndRenamed(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	put(t, s.path("sub/c.yaml"), "flow: c\n")
	s.expect(first + "flow: c\n")
	put(t, s.path("sub/c.yaml"), "flow: c\n# edited in the new folder\n")
	s.expect(first + "flow: c\n# edited in the new folder\n")
	fail(t, os.Rename(s.path("sub/c.yaml"), s.path("b.yaml")))
	s.expect(first + "flow: c\n# edited in the new folder\n")
	fail(t, os.Remove(s.path("b.yaml")))
	s.expect(first)
}

func TestBrokenSetChangesNothingAndIsSaidOnce(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	live := s.w.Status().Live
	put(t, s.path("a.yaml"), first+"BROKEN\n")
	s.until(Rejected)
	s.quiet()
	if got := s.w.Status(); got.Live != live || got.Problem == nil || got.OK {
		t.Fatalf("a broken set must leave the live one and show its problem: %+v", got)
	}
	put(t, s.path("a.yaml"), first)
	s.until(Same)
	if got := s.w.Status(); got.Problem != nil || !got.OK {
		t.Fatalf("the problem must go with the file that had it: %+v", got)
	}
	s.quiet()
}

func TestVanishedFolderKeepsTheLiveSet(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	live := s.w.Status().Live
	fail(t, os.Rename(s.root, s.root+".away"))
	s.until(Missing)
	if s.w.Status().Live != live {
		t.Fatal("the live set must stay when the folder vanishes")
	}
	fail(t, os.Rename(s.root+".away", s.root))
	s.until(Same)
	put(t, s.path("a.yaml"), "flow: a\n# back\n")
	s.expect("flow: a\n# back\n")
}

// until waits for a state of the folder.
func (s *stage) until(state string) {
	s.t.Helper()
	for end := time.Now().Add(guard); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if s.w.Status().Folder.State == state {
			return
		}
	}
	s.t.Fatalf("the folder is %+v, want %s", s.w.Status().Folder, state)
}

func TestDataFolderIsNobodysBusiness(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	for range 20 {
		put(t, filepath.Join(s.root, "data", "dispatcher.db"), time.Now().String())
	}
	s.quiet()
}

func TestPollFindsWhatNoEventTold(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "project")
	put(t, filepath.Join(root, "flows", "a.yaml"), first)
	s := &stage{t: t, root: root, live: make(chan string, 8)}
	initial := s.load(must(flows.Read(Dir(root), "project")))
	s.w = New(Config{Root: root, Name: "project", Load: s.load, Poll: 20 * time.Millisecond,
		Live: func(_ context.Context, p *flows.Project, _ string) error { s.live <- text4(p.Files); return nil }}, initial, initial)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); s.w.poll(ctx) }() // the way without file events
	t.Cleanup(func() { stop(); <-ended })
	put(t, s.path("a.yaml"), "flow: a\n# found\n")
	s.expect("flow: a\n# found\n")
}

func TestLinkOutOfTheProjectIsRefused(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	root := filepath.Join(base, "deep", "project")
	put(t, filepath.Join(root, "flows", "a.yaml"), first)
	put(t, filepath.Join(base, "elsewhere", "secret.yaml"), "password: hunter2\n")
	link(t, filepath.Join(base, "elsewhere", "secret.yaml"), filepath.Join(root, "flows", "b.yaml"))
	files, err := flows.Read(Dir(root), "project")
	if err == nil && bytes.Contains(files.Data["flows/b.yaml"], []byte("hunter2")) {
		t.Fatal("a link must not bring in what lies outside the project")
	}
}

func TestLinkCircleEnds(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "project")
	put(t, filepath.Join(root, "flows", "a.yaml"), first)
	link(t, root, filepath.Join(root, "flows", "round"))
	done := make(chan struct{})
	go func() { defer close(done); fingerprintOf(root); _, _ = flows.Read(Dir(root), "project") }()
	select {
	case <-done:
	case <-time.After(guard):
		t.Fatal("a circle of links must end")
	}
}
