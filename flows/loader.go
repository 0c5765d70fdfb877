package flows

import (
	"fmt"
	"sort"
	"strings"

	"dispatcher/dm/schedule"
	"dispatcher/engine"
	"dispatcher/internal/source"
)

// loader is one run of Load. Nothing of it outlives the call but the Project.
type loader struct {
	files   *Files
	opts    Options
	p       *Project
	set     *engine.Set
	grammar map[string]construct
	diags   []source.Diagnostic
	found   map[fileKind]int  // problems, also those that are not kept
	beyond  source.Diagnostic // the last one that was not
	docs    map[string]*source.Doc
	root    *source.Node // of dispatcher.yaml, nil when there is none
	flows   []*flowSrc   // in byte order of their paths
	byName  map[string]*flowSrc

	unreadable bool   // a file did not parse: names it may declare are not missed
	flow       string // where diagnostics are, for JSON
	state      string

	slots     map[string]*slotSrc
	slotOrder []string
	lost      map[*engine.Exit]bool // exits whose target does not exist: reported elsewhere
	schedules map[string]source.Range
	queues    map[string]source.Range
	used      map[string]bool // "slot x", "queue x", "schedule x", "service x"
	now       kept            // what this load has made
	before    kept            // what those before left; only read
	reused    bool            // flows are taken from before
	regexes   map[string]error
	weight    int                           // of all patterns together
	compared  int                           // words that were looked through for a did-you-mean
	heldIn    *source.Doc                   // the file held is of
	held      map[*source.Node]*source.Node // key by value, see heldBy
	uses      []*use                        // every compiled expression, for the path checks
	useOf     map[*engine.Expr]*use
	saidTexts []textSrc
	objects   map[string]typ
	lookups   map[string]*lookupSrc // results of look-ups by the name they are saved under
	functions map[string]function
	escapes   []escapeSrc
	loops     map[*stateSrc]bool // states that E304 reported
	results   []resultSrc
	recursive map[string]bool // flows that E305 reported
	limits    []channelLimits
	topics    []*source.Node    // of canned responses: for
	versions  string            // of flows that do not say: migrate or pin
	phrases   map[string]string // normalised, by phrase
	locale    locales           // what flows/locales adds
}

// flowSrc is one flow file.
type flowSrc struct {
	name   string
	doc    *source.Doc
	key    *source.Node // value of flow:
	root   *source.Node
	def    *engine.Flow
	public bool
	states map[string]*stateSrc

	part     *keptFlow // where it was taken from, nil when it is compiled anew
	declared effect    // what reading its names left behind
	compiled effect    // what compiling it left behind
	alone    effect    // what was found in it alone
}

// stateSrc is one state as written.
type stateSrc struct {
	flow *flowSrc
	name string
	key  *source.Node
	node *source.Node
	def  *engine.StateDef
	bad  bool // something about its ways out is unknown
	opts []*optionSrc
	ways []way  // out of it; set by graph
	out  []leaf // of its ways; set by graph
	n    int    // its number in the graph
	// returns is the shape of its look-up's answer
	returns []engine.LookupField
}

// optionSrc is one option as written.
type optionSrc struct {
	at    source.Range // its label
	idAt  source.Range // its id, where written
	def   *engine.Option
	words []*source.Node // of match
	// written says that it has a way out of its own
	written bool
}

func newLoader(files *Files, opts Options) *loader {
	if files == nil {
		files = &Files{Data: map[string][]byte{}}
	}
	return &loader{
		files: files, opts: opts, grammar: grammar(),
		p: &Project{Name: files.Name, Files: files, Channels: map[string]ChannelConfig{}},
		set: &engine.Set{Schedules: map[string]*schedule.Schedule{}, Queues: map[string]*engine.Queue{}, Channels: map[string]*engine.Channel{},
			Canned: map[string]*engine.Canned{}, Slots: map[string]*engine.Slot{}, Flows: map[string]*engine.Flow{}},
		found: map[fileKind]int{}, docs: map[string]*source.Doc{}, byName: map[string]*flowSrc{},
		slots: map[string]*slotSrc{}, lost: map[*engine.Exit]bool{},
		lookups: map[string]*lookupSrc{}, schedules: map[string]source.Range{}, queues: map[string]source.Range{}, used: map[string]bool{},
		now: newKept(), before: opts.Warm.take(), regexes: map[string]error{}, phrases: map[string]string{},
		useOf: map[*engine.Expr]*use{}, objects: objects(), recursive: map[string]bool{}, functions: functions(),
	}
}

// add notes a problem. Of one file and severity at most so many are kept that
// the list stays bounded; the first error is always among them.
func (l *loader) add(severity, code string, r source.Range, format string, args ...any) *source.Diagnostic {
	in := fileKind{r.File, severity}
	if l.found[in]++; l.found[in] > source.MostProblems {
		l.beyond = source.Diagnostic{}
		return &l.beyond
	}
	l.diags = append(l.diags, source.Diagnostic{Code: code, Severity: severity, Message: fmt.Sprintf(format, args...),
		Range: r, Flow: l.flow, State: l.state})
	return &l.diags[len(l.diags)-1]
}

// fileKind is what problems are counted by.
type fileKind struct{ file, severity string }

// err adds an error; the result may be given a hint until the next is added.
func (l *loader) err(code string, r source.Range, format string, args ...any) *source.Diagnostic {
	return l.add(source.Error, code, r, format, args...)
}

// warn adds a warning.
func (l *loader) warn(code string, r source.Range, format string, args ...any) *source.Diagnostic {
	return l.add(source.Warning, code, r, format, args...)
}

func (l *loader) place(r source.Range) engine.Place { return engine.Place{File: r.File, Line: r.Line} }

// rule is where an expression stands, as traces show it.
func (l *loader) rule(r source.Range) string {
	if l.flow == "" {
		return fmt.Sprintf("%s:%d", r.File, r.Line)
	}
	return fmt.Sprintf("%s.%s:%d", l.flow, l.state, r.Line)
}

// parse reads every file of the set into nodes.
func (l *loader) parse() {
	paths := make([]string, 0, len(l.files.Data))
	for p := range l.files.Data {
		if !isTest(p) {
			paths = append(paths, p)
		}
	}
	sort.Strings(paths)
	count := 0
	for _, p := range paths {
		switch {
		case strings.HasSuffix(p, ".yml"):
			l.fileProblem("E007", p, misnamed)
		case isLocale(p):
			l.parseLocale(p)
		case p == projectFile, isFlow(p):
			if isFlow(p) {
				count++
			}
			l.parseFile(p)
		}
	}
	if count > maxFlowFiles {
		l.fileProblem("E007", paths[len(paths)-1], fmt.Sprintf("there are %d flow files; at most %d are read", count, maxFlowFiles))
	}
}

func (l *loader) fileProblem(code, path, message string) {
	l.err(code, source.Range{File: path, Line: 1, Column: 1, EndLine: 1, EndColumn: 1}, "%s", message)
}

func (l *loader) parseFile(p string) {
	doc, diags := l.doc(p)
	l.docs[p] = doc
	l.diags = append(l.diags, diags...)
	if doc.Root == nil {
		l.unreadable = true
		return
	}
	if doc.Root.Kind != source.Map {
		l.unreadable = true
		l.err("E104", doc.Root.Words(), "expected a map with keys here, this is %s", kindName(doc.Root))
		return
	}
	if p == projectFile {
		l.root = doc.Root
		return
	}
	l.flows = append(l.flows, &flowSrc{doc: doc, root: doc.Root, states: map[string]*stateSrc{}})
}

// finish sorts what was found and decides whether there is a set.
func (l *loader) finish() *Project {
	defer func() { l.opts.Warm.leave(l.left()) }()
	l.withhold()
	source.Sort(l.diags)
	l.p.Diagnostics = source.Dedup(l.diags)
	bad := false
	for _, d := range l.p.Diagnostics {
		bad = bad || d.Severity == source.Error
	}
	if !l.unreadable && !l.locale.broken {
		l.p.SetID = l.files.SetID()
	}
	if bad {
		l.p.sound = l.set
		return l.p
	}
	l.set.ID = l.p.SetID
	if err := l.set.Link(); err != nil {
		l.state, l.flow = "", ""
		l.fileProblem("E299", l.firstFile(), "internal problem in these flows; please report it: "+err.Error())
		l.p.Diagnostics = l.diags
		source.Sort(l.p.Diagnostics)
		return l.p
	}
	l.p.Set = l.set
	return l.p
}

func (l *loader) firstFile() string {
	if len(l.flows) > 0 {
		return l.flows[0].doc.Path
	}
	return projectFile
}
