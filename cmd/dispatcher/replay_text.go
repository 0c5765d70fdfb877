package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"dispatcher/cmd/dispatcher/chatui"
	"dispatcher/inbox"
)

// replayText writes a replay for people: the sum first, then the differences
// by what causes them, then what to run next.
type replayText struct {
	main  *Main
	flags *replayFlags
	out   *inbox.Replay
	since time.Time
}

// shownExamples is how many conversations of one cause are named.
const shownExamples = 3

// replayWords are the kinds of difference in the words of the sum.
var replayWords = map[string]string{
	inbox.DiffQuestion: "other question", inbox.DiffQueue: "other queue", inbox.DiffOutcome: "other outcome", inbox.DiffEdge: "other way",
	inbox.DiffTags: "other tags", inbox.DiffUnknown: "not known", inbox.DiffWording: "question reworded",
}

func (t *replayText) write() {
	o := t.out
	if o.Done == 0 {
		t.nothing()
		return
	}
	t.line("%s of %s: %s", howMany(o.Done, "conversation"), t.window(), t.sum())
	t.notes()
	groups := o.Groups()
	for _, g := range groups {
		t.group(g)
	}
	if len(groups) > 0 {
		d := groups[0].First
		t.line("")
		t.line("see turn by turn how it went then:")
		fmt.Fprintf(t.main.Out, "  dispatcher explain %s %d%s\n", d.Conversation, d.Turn, t.flags.explainArgs()) // never broken: it is to be copied
	}
}

// line writes one line, broken at words where a terminal is narrower.
func (t *replayText) line(format string, args ...any) {
	s := chatui.Clean(fmt.Sprintf(format, args...))
	if !t.main.Terminal {
		fmt.Fprintln(t.main.Out, s)
		return
	}
	for _, l := range folded(s, max(t.main.columns(), pageNarrow)) {
		fmt.Fprintln(t.main.Out, l)
	}
}

// nothing says that the window is empty, and where there would be something.
func (t *replayText) nothing() {
	if t.out.Newest.IsZero() {
		t.line("no conversation is stored yet")
		return
	}
	t.line("no conversation in %s; the newest is of %s: --since %s", t.window(), t.out.Newest.Local().Format("2006-01-02 15:04"), t.out.Newest.Local().Format(time.DateOnly))
}

// window is the time that was looked at.
func (t *replayText) window() string {
	since := t.flags.since
	if number := strings.TrimRight(since, "mhdw"); number != "" && len(since)-len(number) == 1 {
		if _, err := strconv.Atoi(number); err == nil {
			return "the last " + number + " " + map[byte]string{'m': "min", 'h': "h", 'd': "d", 'w': "weeks"}[since[len(since)-1]]
		}
	}
	return "the time since " + t.since.Local().Format("2006-01-02 15:04")
}

func (t *replayText) sum() string {
	o := t.out
	out := fmt.Sprintf("%s as before, %s", grouped(o.Same), grouped(o.Differ)+" "+verb(o.Differ, "differs", "differ"))
	var kinds []string
	for _, kind := range inbox.DiffKinds() {
		if n := o.Kinds[kind]; n > 0 {
			kinds = append(kinds, grouped(n)+" "+replayWords[kind])
		}
	}
	if len(kinds) > 0 {
		out += ": " + strings.Join(kinds, ", ")
	}
	if n := sumOf(o.Skip); n > 0 {
		out += ", " + grouped(n) + " left out"
	}
	return out
}

var skipWords = []struct{ why, words string }{
	{inbox.SkipPurged, "past retention"}, {inbox.SkipErased, "erased, or under another key"}, {inbox.SkipSilent, "never seen by a flow"},
	{inbox.SkipNoSet, "ran on a set that is stored no more"}, {inbox.SkipBroken, "cannot be run"},
}

var partWords = []struct{ why, words string }{
	{inbox.LostMoment, "hung on something of the moment, such as a switch or how long a queue was"}, {inbox.LostWords, "hold words that nobody may read"},
	{inbox.LostAnswer, "hold an answer that is stored no more"}, {inbox.LostSources, "went on in a set that is stored no more"},
}

// notes says what the sum rests on.
func (t *replayText) notes() {
	o := t.out
	for _, s := range skipWords {
		if n := o.Skip[s.why]; n > 0 {
			t.line("left out: %s %s", grouped(n), s.words)
		}
	}
	for _, s := range partWords {
		if n := o.Part[s.why]; n > 0 {
			t.line("followed in part: %s %s", grouped(n), s.words)
		}
	}
	if o.Next == "" && o.Done >= t.flags.limit {
		t.line("these are the newest %s; --limit takes more", grouped(o.Done))
	}
}

// group tells differences of one cause.
func (t *replayText) group(g inbox.DifferenceGroup) {
	t.line("")
	title := fmt.Sprintf("%s: %s", replayWords[g.Kind], howMany(len(g.All), "conversation"))
	if g.Place != "" {
		title += ", by " + g.Place
	}
	t.line("%s", title)
	t.line("  then: %s", g.First.Then)
	if g.Kind == inbox.DiffUnknown {
		t.line("  now:  %s, which never ran", g.First.Now)
	} else {
		t.line("  now:  %s", g.First.Now)
	}
	for _, d := range g.All[:min(len(g.All), shownExamples)] {
		t.line("  %s turn %d, %s", d.Conversation, d.Turn, d.At.Local().Format("2006-01-02 15:04"))
	}
	if more := len(g.All) - shownExamples; more > 0 {
		t.line("  and %s more", grouped(more))
	}
}

func sumOf(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// grouped writes a number as people read it: 1,000.
func grouped(n int) string {
	digits := []byte(strconv.Itoa(n))
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = slices.Insert(digits, i, ',')
	}
	return string(digits)
}

func howMany(n int, what string) string { return grouped(n) + " " + verb(n, what, what+"s") }

func verb(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}

// shellWord is a path as a shell takes it.
func shellWord(s string) string {
	if strings.ContainsAny(s, " '\"\\$&;()<>|*?`\t\n") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}
