package rehearse

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxLine is the longest input line in bytes.
const maxLine = 1 << 20

// Script runs a talk from r, one input per line, and writes what happens to w:
//
//	bot: TEXT
//	  [n] LABEL
//	-- handoff QUEUE (REASON)
//	-- resolved REASON
//
// Lines that start with / are commands; a line that is an option's number
// chooses it. It ends at the end of the input or at /quit.
func Script(r io.Reader, w io.Writer, talk *Talk) error {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, 4096), maxLine)
	for in.Scan() {
		line := strings.TrimRight(in.Text(), "\r")
		if strings.TrimSpace(line) == "" {
			continue
		}
		lines, done, err := talk.Input(line)
		if err != nil {
			lines = append(lines, Line{Kind: LineNote, Text: "-- " + err.Error()})
		}
		if err := Print(w, lines); err != nil {
			return err
		}
		if done {
			return nil
		}
	}
	if err := in.Err(); err != nil {
		return fmt.Errorf("read the script: %w", err)
	}
	return nil
}

// Input does one line: a command when it starts with /, else the customer's
// words. done says that the talk is over.
func (t *Talk) Input(line string) (lines []Line, done bool, err error) {
	verb, rest := "", line
	if strings.HasPrefix(line, "/") {
		verb, rest, _ = strings.Cut(strings.TrimSpace(line[1:]), " ")
		rest = strings.TrimSpace(rest)
	}
	if verb == "quit" {
		return nil, true, nil
	}
	lines, err = t.command(verb, rest)
	if err == nil {
		t.take(verb, rest, lines)
	}
	return lines, false, err
}

// command does one command; the one without a name is the customer writing.
func (t *Talk) command(verb, rest string) ([]Line, error) {
	if told, ok := t.told(verb); ok {
		return told, nil
	}
	switch verb {
	case "":
		return t.Say(rest)
	case "back":
		return nil, t.goBack(rest)
	case "goto":
		return t.Goto(rest)
	case "set":
		name, value, ok := strings.Cut(rest, "=")
		if !ok {
			return nil, fmt.Errorf("write /set name=value")
		}
		return nil, t.Set(strings.TrimSpace(name), strings.TrimSpace(value))
	case "wait":
		d, err := parseWait(rest)
		if err != nil {
			return nil, err
		}
		return t.Wait(d)
	case "tap":
		return t.TapNumber(rest)
	case "send":
		kind, caption, _ := strings.Cut(rest, " ")
		return t.Media(kind, caption)
	case "lang":
		return nil, t.speak(rest)
	case "agent":
		return t.agentLine(rest)
	case "http":
		return t.Answer(rest)
	case "submit":
		return t.submitLine(rest)
	case "verify":
		outcome, ok := map[string]string{"ok": "ok", "fail": "failed", "expire": "expired"}[rest]
		if !ok {
			return nil, fmt.Errorf("write /verify ok, fail or expire")
		}
		return t.Verify(outcome)
	}
	return nil, fmt.Errorf("there is no /%s: /slots /state /why /back /goto /set /wait /tap /send /http /lang /agent /submit /verify /save /quit", verb)
}

// speak changes the contact's language to one of the project's.
func (t *Talk) speak(lang string) error {
	if have := t.live().Languages; !slices.Contains(have, lang) {
		return fmt.Errorf("%q is not one of the project's languages: %s", lang, strings.Join(have, ", "))
	}
	t.SetLanguage(lang)
	return nil
}

// told are the commands that only tell.
func (t *Talk) told(verb string) ([]Line, bool) {
	switch verb {
	case "slots":
		return notes(t.slotLines()), true
	case "state":
		st := t.State()
		return notes([]string{"-- " + st.Position() + " (" + ownerOf(st) + ")"}), true
	case "why":
		return notes(prefixed(t.Why())), true
	}
	return nil, false
}

func (t *Talk) goBack(rest string) error {
	n := 1
	if rest != "" {
		var err error
		if n, err = strconv.Atoi(rest); err != nil {
			return fmt.Errorf("/back takes a number")
		}
	}
	if !t.Back(n) {
		return fmt.Errorf("there are not that many steps to go back")
	}
	return nil
}

func (t *Talk) agentLine(rest string) ([]Line, error) {
	what, more, _ := strings.Cut(rest, " ")
	switch what {
	case "say":
		return t.AgentSays(more)
	case "delegate":
		if t.live().Flows[more] == nil {
			return nil, fmt.Errorf("%s: %w", more, ErrNoState)
		}
		return t.Delegate(more)
	}
	return t.Agent(rest)
}

// submitLine sends the open form with name=value pairs separated by semicolons.
func (t *Talk) submitLine(rest string) ([]Line, error) {
	values := map[string]string{}
	for _, pair := range strings.Split(rest, ";") {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, fmt.Errorf("write /submit name=value; name=value")
		}
		values[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return t.Submit(values)
}

// parseWait reads a duration, days included.
func parseWait(s string) (time.Duration, error) {
	if days, rest, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 || n > 400 {
			return 0, fmt.Errorf("%q is not a duration; write 10m, 2h or 1d", s)
		}
		d := time.Duration(n) * 24 * time.Hour
		if rest == "" {
			return d, nil
		}
		more, err := parseWait(rest)
		return d + more, err
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration; write 10m, 2h or 1d", s)
	}
	return d, nil
}

func (t *Talk) slotLines() []string {
	st := t.State()
	out := make([]string, 0, len(st.Order))
	for _, name := range st.Order {
		out = append(out, fmt.Sprintf("-- %s = %s (%s)", name, t.shownSlot(st, name), st.Slots[name].How))
	}
	if len(out) == 0 {
		out = append(out, "-- no slots filled")
	}
	return out
}

func prefixed(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = "-- " + l
	}
	return out
}

func notes(texts []string) []Line {
	out := make([]Line, len(texts))
	for i, s := range texts {
		out[i] = Line{Kind: LineNote, Text: s}
	}
	return out
}

// Print writes lines in the format of Script.
func Print(w io.Writer, lines []Line) error {
	var b strings.Builder
	for _, l := range lines {
		l.write(&b)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the transcript: %w", err)
	}
	return nil
}

// picture is a file in words.
func (l Line) picture() string { return "[" + l.Media.Kind + " " + l.Media.Path + "]" }

func (l Line) write(b *strings.Builder) {
	switch l.Kind {
	case LineBot:
		text := l.Text
		if text == "" && l.Media != nil {
			text = l.picture()
		}
		b.WriteString("bot: " + strings.ReplaceAll(harmless(text), "\n", "\n     ") + "\n")
		for i, o := range l.Options {
			fmt.Fprintf(b, "  [%d] %s\n", i+1, inOneLine(o.Label))
		}
	case LineHandoff:
		fmt.Fprintf(b, "-- handoff %s (%s)\n", l.Handoff.Queue, l.Handoff.Reason)
	case LineResolved:
		b.WriteString("-- resolved " + l.Reason + "\n")
	case LineNote:
		b.WriteString(harmless(l.Text) + "\n")
	}
}
