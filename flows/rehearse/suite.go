package rehearse

import (
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"time"

	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/flows"
)

// Suite is the tests of one project and what they need of the world.
type Suite struct {
	Project *flows.Project
	Tests   *flows.Tests

	// Open loads the project in a folder, relative to this one, for reload;
	// nil = reload fails.
	Open func(folder string) (*flows.Project, error)
	// Window is how long after the customer's last message a channel may still
	// be written to; nil = for ever.
	Window func(alias string) time.Duration
	// Only runs the tests whose name it matches; nil = all.
	Only *regexp.Regexp
	// Workers is how many tests run at once; 0 = one per processor. The report
	// is the same whatever it is, but for the times.
	Workers int
	// Watch is told what every step of every run decided, by several runs at
	// once; nil = nobody.
	Watch func(test string, r engine.Result)

	edits edits
}

// edits are the projects of reload steps, loaded once.
type edits struct {
	mu   sync.Mutex
	sets map[string]*engine.Set
	errs map[string]error
}

var errNoReload = errors.New("no folder can be loaded here")

// edit is the set in a folder.
func (s *Suite) edit(folder string) (*engine.Set, error) {
	s.edits.mu.Lock()
	defer s.edits.mu.Unlock()
	if s.edits.sets == nil {
		s.edits.sets, s.edits.errs = map[string]*engine.Set{}, map[string]error{}
	}
	if set, ok := s.edits.sets[folder]; ok {
		return set, s.edits.errs[folder]
	}
	set, err := s.load(folder)
	s.edits.sets[folder], s.edits.errs[folder] = set, err
	return set, err
}

func (s *Suite) load(folder string) (*engine.Set, error) {
	if s.Open == nil {
		return nil, errNoReload
	}
	p, err := s.Open(folder)
	if err != nil {
		return nil, err
	}
	if !p.OK() {
		for _, d := range p.Diagnostics {
			if d.Severity == "error" {
				return nil, fmt.Errorf("%s/%s:%d:%d: error[%s]: %s", folder, d.Range.File, d.Range.Line, d.Range.Column, d.Code, d.Message)
			}
		}
	}
	return p.Set, nil
}

// Outcome is what became of one run of one test.
type Outcome struct {
	Name    string
	File    string
	Line    int // of the test
	OK      bool
	Took    time.Duration
	Failure *Failure
	Log     []Entry // what happened, in order

	test  *flows.Test
	cover *hits
}

// Entry is one thing in the record of a run.
type Entry struct {
	Kind    string // user, tap, bot, handoff …
	Text    string
	Options []string // bot: labels
	Line    int      // of the step it belongs to; 0 = none
	Step    bool     // an input of the test, not an answer
}

// Failure is the first step that did not fit.
type Failure struct {
	Line         int // of the step
	Expected     string
	Got          string
	Why          []string
	Note         string  // said instead of what was expected and got
	Before       []Entry // what led there
	ExpectedKind string
	GotKind      string
	Trace        []string // of the last input, whole
}

// Report is the outcome of a suite, in the order of files and tests.
type Report struct {
	Outcomes []Outcome
	Passed   int
	Failed   int
	Took     time.Duration
	Coverage *Coverage
}

// OK says that every test has passed.
func (r *Report) OK() bool { return r.Failed == 0 }

// run is one test in one language from one state.
type run struct {
	test    *flows.Test
	file    *flows.TestFile
	name    string
	start   string
	lang    string
	inFirst bool
}

// runs spreads each and languages out.
func (s *Suite) runs() []run {
	var out []run
	for _, f := range s.Tests.Files {
		for _, t := range f.Tests {
			for _, r := range s.spread(f, t) {
				if s.Only == nil || s.Only.MatchString(r.name) {
					out = append(out, r)
				}
			}
		}
	}
	return out
}

func (s *Suite) spread(f *flows.TestFile, t *flows.Test) []run {
	starts, langs := t.Each, t.Languages
	if len(starts) == 0 {
		starts = []string{t.Start}
	}
	if len(langs) == 0 {
		langs = []string{t.Language}
	}
	first := ""
	if s.Project.Set != nil && len(s.Project.Set.Languages) > 0 {
		first = s.Project.Set.Languages[0]
	}
	var out []run
	for _, start := range starts {
		for _, lang := range langs {
			r := run{test: t, file: f, name: t.Name, start: start, lang: lang}
			if len(t.Each) > 0 {
				r.name += " [" + start + "]"
			}
			if len(t.Languages) > 0 {
				r.name += " [" + lang + "]"
				r.inFirst = lang != first
			}
			out = append(out, r)
		}
	}
	return out
}

// Run runs the tests.
func (s *Suite) Run() *Report {
	began := time.Now()
	runs := s.runs()
	r := &Report{Outcomes: make([]Outcome, len(runs))}
	workers := s.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	var wg sync.WaitGroup
	next := make(chan int, len(runs))
	for i := range runs {
		next <- i
	}
	close(next)
	for range min(workers, len(runs)) {
		wg.Go(func() {
			for i := range next {
				r.Outcomes[i] = s.one(runs[i])
			}
		})
	}
	wg.Wait()
	for _, o := range r.Outcomes {
		if o.OK {
			r.Passed++
		} else {
			r.Failed++
		}
	}
	r.Coverage = s.coverage(r.Outcomes)
	r.Took = time.Since(began)
	return r
}

// one runs one test from its beginning to its first step that does not fit.
func (s *Suite) one(r run) Outcome {
	began := time.Now()
	o := Outcome{Name: r.name, File: r.test.File, Line: r.test.Line, test: r.test, cover: newHits(r.file.Flows)}
	p := &player{suite: s, test: r.test, talk: New(s.Project.Set, s.options(r, o.cover))}
	o.Failure = p.play()
	o.OK, o.Log = o.Failure == nil, p.log
	o.Took = time.Since(began)
	return o
}

// options are the circumstances of a run.
func (s *Suite) options(r run, cover *hits) Options {
	t := r.test
	opt := Options{
		Channel: t.Channel, Language: r.lang, Now: t.Now, Contact: t.Contact, Entry: t.Entry,
		Before: t.Conversation.Now, Tags: t.Conversation.Tags, Unfinished: t.Conversation.Unfinished, Sample: t.Sample, Values: t.Slots,
		Public: t.Public, Start: r.start, Mocks: t.Mocks, Services: s.Project.Config.Service, InFirst: r.inFirst, Watch: cover.note,
	}
	if s.Watch != nil {
		opt.Watch = func(res engine.Result) { cover.note(res); s.Watch(r.name, res) }
	}
	opt.Contact.Tags = slices.Clone(t.Contact.Tags)
	opt.Queues = map[string]QueueFigures{}
	for alias, q := range t.Queues {
		opt.Queues[alias] = QueueFigures{Wait: q.Wait, Length: q.Length}
	}
	if s.Window != nil {
		alias := t.Channel
		if alias == "" && len(s.Project.Set.ChannelOrder) > 0 {
			alias = s.Project.Set.ChannelOrder[0]
		}
		opt.Window = s.Window(alias)
	}
	return opt
}

// owners are the words of expect: owner.
func ownerOf(st engine.State) string {
	if st.Owner == "" {
		return dm.OwnerBot
	}
	return st.Owner
}
