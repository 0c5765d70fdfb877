package flows

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"dispatcher/engine"
	"dispatcher/internal/source"

	"golang.org/x/text/currency"
	"golang.org/x/text/language"
)

var percentPattern = regexp.MustCompile(`^\d{1,3}(\.\d{1,6})?%$`)

// project reads dispatcher.yaml: everything that flows may name.
func (l *loader) project() {
	s := l.set
	s.Languages, s.Timezone, s.Currency, s.DateOrder = []string{"en"}, time.UTC, "USD", "dmy"
	s.IdleClose, s.ResumeWithin = 24*time.Hour, 24*time.Hour
	s.Defaults = engine.Defaults{MaxTries: 3, OldTaps: "jump", Fuzzy: 0.82}
	l.p.Config.Budget = Budget{Questions: 6, Words: 80, Messages: 5}
	l.p.Config.Reload = "auto"
	s.Project = l.p.Name
	root := l.root
	if root == nil {
		root = &source.Node{Kind: source.Map}
	} else {
		l.shape(root, "project")
		l.version(root)
	}
	l.basics(root)
	l.readSchedules(root.Get("schedules"))
	l.readQueues(root)
	l.readChannels(root.Get("channels"))
	l.readConfig(root)
	l.references()
}

func (l *loader) version(root *source.Node) {
	v := root.Pair("dispatcher")
	switch {
	case v == nil || v.Value.Kind == source.Null:
		l.missing(root, "project", "dispatcher", source.Range{File: projectFile, Line: 1, Column: 1, EndLine: 1, EndColumn: 1},
			"dispatcher is missing; write dispatcher: 1")
	case v.Value.Kind == source.Scalar && v.Value.Text != "1":
		l.err("E106", v.Value.Words(), "this file says dispatcher: %s, this program reads 1", v.Value.Text)
	}
}

func (l *loader) basics(root *source.Node) {
	s := l.set
	if n := root.Get("project"); n != nil && n.Kind == source.Scalar {
		if !projectPattern.MatchString(n.Text) && !strings.Contains(n.Text, "${") {
			l.err("E102", n.Words(), "%q is not a usable name: small letters, digits, - and _", n.Text).Hint = usableName(n.Text)
		}
		l.p.Name, s.Project = n.Text, n.Text
	}
	l.languages(root.Get("languages"))
	if n, ok := scalar(root.Get("timezone")); ok {
		if loc, err := time.LoadLocation(n); err == nil && n != "Local" && n != "" {
			s.Timezone = loc
		} else {
			l.err("E105", root.Get("timezone").Words(), "%q is not a time zone; write one like Europe/London", n)
		}
	}
	if n, ok := scalar(root.Get("currency")); ok {
		if !isCurrency(n) {
			l.err("E105", root.Get("currency").Words(), "%q is not a currency; write a code like GBP", n)
		}
		s.Currency = n
	}
	s.DateOrder = l.choose(root, "project", "date_order", "dmy")
	s.IdleClose = l.duration(root.Get("idle_close"), s.IdleClose)
	s.ResumeWithin = l.duration(root.Get("resume_within"), s.ResumeWithin)
	if by, ok := scalar(root.Get("desk").Get("lend_by")); ok { // desk.md's to check
		s.LendBy, _ = parseDuration(by)
	}
	s.Holdout, _ = l.percent(root.Get("holdout"))
	l.p.Config.Reload = l.choose(root, "project", "reload", "auto")
	l.versions = l.choose(root, "project", "versions", "migrate")
	if b := root.Get("budget"); b != nil {
		l.p.Config.Budget = Budget{Questions: l.count(b, "budget", "questions", 6), Words: l.count(b, "budget", "words", 80),
			Messages: l.count(b, "budget", "messages", 5)}
	}
	if r := root.Get("retention"); r != nil {
		l.p.Config.RetainMessages = l.duration(r.Get("messages"), 180*24*time.Hour)
		l.p.Config.RetainFacts = l.duration(r.Get("facts"), 400*24*time.Hour)
	}
}

// percent reads 0% to 100% as a share of 1 (E105).
func (l *loader) percent(n *source.Node) (float64, bool) {
	s, ok := scalar(n)
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseFloat(strings.TrimSuffix(s, "%"), 64)
	if !percentPattern.MatchString(s) || err != nil || v > 100 {
		l.err("E105", n.Words(), "%q is not a percentage; write 5%%", s)
		return 0, false
	}
	return v / 100, true
}

// isCurrency says that a word is an ISO 4217 code.
func isCurrency(s string) bool {
	_, err := currency.ParseISO(s)
	return err == nil && s == strings.ToUpper(s)
}

func (l *loader) languages(n *source.Node) {
	var list []string
	for _, w := range words(n) {
		if _, err := language.Parse(w.Text); err != nil {
			l.err("E105", w.Words(), "%q is not a language; write a code like en or pt-BR", w.Text)
			continue
		}
		list = append(list, w.Text)
		if engine.PackOf(w.Text) == nil && !l.hasPack(w.Text) {
			l.warn("W425", w.Words(), "no built-in words for %s; customers cannot type \"agent\" in %s", w.Text, languageName(w.Text))
		}
	}
	if len(list) > 0 {
		l.set.Languages = list
	}
}

// hasPack says whether the packs of language.md 4.6 cover the base language.
func (l *loader) hasPack(code string) bool {
	base, _, _ := strings.Cut(code, "-")
	return engine.PackOf(base) != nil
}

// readConfig keeps the parts other packages read.
func (l *loader) readConfig(root *source.Node) {
	p, c := l.p, &l.p.Config
	p.Server, p.Storage, p.Auth, p.Links = root.Get("server"), root.Get("storage"), root.Get("auth"), root.Get("links")
	c.Server, c.Storage, c.Auth, c.Links = p.Server, p.Storage, p.Auth, p.Links
	c.Services, c.Desk, c.Webhooks, c.Numbers = root.Get("services"), root.Get("desk"), root.Get("webhooks"), root.Get("numbers")
	c.Search, c.Studio, c.CSAT = root.Get("search"), root.Get("studio"), root.Get("csat")
	c.ReopenWithin, c.CloseAfter, c.PublicReply = root.Get("reopen_within"), root.Get("close_after"), root.Get("public_reply")
	l.readServices(c.Services)
}

// checkRollout: whoever the share leaves out needs another rule (E315).
func (l *loader) checkRollout(other *source.Node) {
	name, _ := scalar(other)
	f := l.byName[name]
	if f == nil {
		return
	}
	if share, ok := scalar(f.root.Get("rollout")); ok && share != "100%" && percentPattern.MatchString(share) {
		l.err("E315", other.Words(), "the last start rule cannot be a flow in rollout")
	}
}

// readStart compiles the start rules; it runs when the flows are known.
func (l *loader) readStart() {
	var n *source.Node
	if l.root != nil {
		n = l.root.Get("start")
	}
	switch {
	case n == nil || n.Kind == source.Null:
		l.onlyFlow()
	case n.Kind == source.Scalar:
		if l.wantFlow(n.Text, n.Words()) {
			l.set.Start = []engine.StartRule{{Flow: n.Text, At: l.place(n.Range)}}
		}
	case n.Kind == source.List:
		l.startRules(l.root.Pair("start"))
	}
}

func (l *loader) onlyFlow() {
	if len(l.flows) == 1 && !l.unreadable {
		l.set.Start = []engine.StartRule{{Flow: l.flows[0].name, At: engine.Place{File: l.flows[0].doc.Path, Line: 1}}}
		return
	}
	if len(l.flows) > 1 && !l.projectUnread() {
		l.fileProblem("E107", projectFile, "start is missing: several flows exist and none is chosen")
	}
}

func (l *loader) startRules(p *source.Pair) {
	env := scope{start: true}
	var above bool
	for _, item := range p.Value.Items {
		if item.Kind != source.Map {
			continue
		}
		rule := engine.StartRule{At: l.place(item.Range)}
		target := item.Get("flow")
		cond, other := item.Pair("if"), item.Pair("else")
		switch {
		case other != nil:
			target = other.Value
			l.checkRollout(target)
		case cond != nil:
			rule.If = l.condition(cond.Value, env)
			above = l.constant(cond.Value, above)
		default:
			l.missing(item, "start_rule", "if", item.Words(), "a start rule needs if and flow, or else")
		}
		if target == nil {
			l.missing(item, "start_rule", "flow", item.Words(), "a start rule needs a flow")
			continue
		}
		if name, ok := scalar(target); ok && l.wantFlow(name, target.Words()) {
			rule.Flow = name
			l.set.Start = append(l.set.Start, rule)
		}
	}
	l.lastElse(p)
}

// lastElse wants one else, at the end of a list of alternatives (E316). What is
// missing is said of the key that holds the list.
func (l *loader) lastElse(p *source.Pair) {
	found, last := false, len(p.Value.Items)-1
	for i, item := range p.Value.Items {
		if item.Kind != source.Map {
			found = found || i == last // E104 says what is wrong with it
			continue
		}
		other := item.Pair("else")
		if other != nil && i != last {
			l.err("E316", other.Key.Words(), "else must be the last item of the list")
		}
		found = found || other != nil
	}
	if !found {
		l.err("E316", p.Key.Words(), "the list needs a last item with else")
	}
}

// wantFlow complains when there is no flow of that name (E302).
func (l *loader) wantFlow(name string, at source.Range) bool {
	if _, ok := l.byName[name]; ok {
		return true
	}
	if !l.unreadable {
		l.suggest(l.err("E302", at, "there is no flow called %q", name), name, keysOf(l.byName))
	}
	return false
}
