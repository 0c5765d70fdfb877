package flows

import (
	"encoding/json"
	"fmt"
	"io"
	"path"
	"sort"
	"strings"
	"time"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

// testSuffix is how the file of a transcript test ends.
const testSuffix = ".test.yaml"

// Tests are the transcripts of a project, flows/tests/*.test.yaml, read and
// checked against its flows. Running them is the business of flows/rehearse.
type Tests struct {
	Files       []*TestFile // in byte order of their paths
	Diagnostics []source.Diagnostic

	data map[string][]byte
	read int // files, also those that did not parse
}

// TestFile is one file of tests.
type TestFile struct {
	Path  string
	Flows []string // what its coverage is about; nil = every flow
	Tests []*Test
}

// Test is one conversation with the circumstances it takes place in.
type Test struct {
	Name         string
	File         string
	Line         int // of its name
	Channel      string
	Language     string
	Languages    []string // run once per language; nil = once in Language
	Now          time.Time
	Contact      engine.ContactNow
	Conversation TestConversation
	Entry        engine.EntryNow
	Queues       map[string]TestQueue
	Public       bool
	Start        string   // flow.state, "" = the start rules
	Each         []string // one run per state; nil = one run
	Slots        []TestValue
	Sample       bool
	Mocks        []Mock
	Steps        []TestStep
}

// TestConversation is what came before the test.
type TestConversation struct {
	Now        engine.ConversationNow
	Tags       []string
	Unfinished string // flow.state whose question was open, "" = none
}

// TestQueue is what wait_minutes and queue_length answer.
type TestQueue struct {
	Wait   *time.Duration // nil = unknown
	Length int
}

// TestValue fills one name: a slot, or contact.FIELD.
type TestValue struct {
	Name  string
	Text  string // as typed
	List  []string
	Empty bool
	Line  int
}

// Kinds of TestStep.
const (
	StepUser     = "user"
	StepTap      = "tap"
	StepSend     = "send"
	StepBot      = "bot"
	StepSilent   = "silent"
	StepWait     = "wait"
	StepExpect   = "expect"
	StepHandoff  = "handoff"
	StepResolved = "resolved"
	StepAgent    = "agent"
	StepSubmit   = "submit"
	StepVerify   = "verify"
	StepHTTP     = "http"
	StepSet      = "set"
	StepReload   = "reload"
)

// TestStep is one step of a chat; Kind says which of the other fields are used.
type TestStep struct {
	Kind    string
	Line    int
	Text    string   // tap, send (kind of media), handoff, resolved, agent, verify, reload: the value as written
	Texts   []string // user: one, or the parts of a burst
	Caption string   // send
	Wait    time.Duration

	Pattern *Pattern
	At      source.Range // of the pattern, for a rewrite
	Plain   bool         // the pattern was written without quotes
	Options []string     // bot; nil = not looked at
	Public  bool         // bot: must be public

	Expect []Expect

	Priority, Reason, Cause string // handoff; "" = not looked at
	Tags                    []string
	Summary                 *Wanted

	Agent  string // agent: what is said, or the flow that is run
	Values []TestValue
	Mocks  []Mock
}

// Expect is one line of expect: what is looked at and what it should be.
type Expect struct {
	Left  string       // as written
	Expr  *engine.Expr // nil for state, owner, language and tags
	Slot  *engine.Slot // the slot it looks at, nil = none
	Right Wanted
	Line  int
}

// Wanted is a literal, nothing, or something that must be in there.
type Wanted struct {
	Null     bool
	Text     string
	List     []string // a list was written
	IsList   bool
	Contains []string // nil = the whole value is compared
}

// Mock answers calls of one verb and path.
type Mock struct {
	Method string // get post …
	Path   string // may hold *
	Query  string // as written after ?, "" fits any
	HasQ   bool
	Key    string // as written
	Line   int
	Says   []MockAnswer // one per call, the last repeats
}

// MockAnswer is one response, or how there is none.
type MockAnswer struct {
	Status int
	Body   json.RawMessage
	Fail   string // timeout refused invalid; "" = it answers
	After  time.Duration
}

// LoadTests reads a project like Load and its tests with it. Problems of test
// files are kept apart: a broken test never keeps an edit from going live.
func LoadTests(files *Files, opts Options) (*Project, *Tests) {
	l := loaded(files, opts)
	p := l.finish()
	counts := p.Counts
	tests := l.tests()
	p.Counts = counts
	return p, tests
}

// OK says that no test file has an error.
func (t *Tests) OK() bool {
	for _, d := range t.Diagnostics {
		if d.Severity == source.Error {
			return false
		}
	}
	return true
}

// WriteText writes the problems of test files as check prints its own.
func (t *Tests) WriteText(w io.Writer, color bool) {
	if len(t.Diagnostics) == 0 {
		return
	}
	source.Text(w, t.Diagnostics, t.data, color)
	n := 0
	for _, d := range t.Diagnostics {
		if d.Severity == source.Error {
			n++
		}
	}
	fmt.Fprintf(w, "\n%s: %s\n", some(t.read, "test file"), some(n, "error"))
}

// Problems is the list "problems" of JSON output.
func (t *Tests) Problems() json.RawMessage { return source.JSON(t.Diagnostics, t.data) }

// testPaths are the files of tests, sorted.
func (l *loader) testPaths() []string {
	var paths []string
	for p := range l.files.Data {
		if isTest(p) && strings.HasSuffix(p, testSuffix) {
			paths = append(paths, p)
		}
	}
	sort.Strings(paths)
	return paths
}

// tests reads every test file with diagnostics of its own.
func (l *loader) tests() *Tests {
	t := &Tests{data: l.files.Data, read: len(l.testPaths())}
	l.diags, l.flow, l.state = nil, "", ""
	l.before, l.now = l.now, newKept() // what the load has made is only read from here on
	for _, p := range l.testPaths() {
		doc, diags := source.Parse(p, l.files.Data[p])
		l.diags = append(l.diags, diags...)
		switch {
		case doc.Root == nil:
		case doc.Root.Kind != source.Map:
			l.err("E104", doc.Root.Words(), "expected a map with keys here, this is %s", kindName(doc.Root))
		default:
			t.Files = append(t.Files, l.testFile(p, doc.Root))
		}
	}
	for p := range l.files.Data {
		if path.Dir(p) == "flows/tests" && !strings.HasSuffix(p, testSuffix) {
			l.fileProblem("E007", p, "this file is not read: the name of a test ends in "+testSuffix)
		}
	}
	source.Sort(l.diags)
	t.Diagnostics = source.Dedup(l.diags)
	l.diags = nil
	return t
}
