package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dispatcher/cmd/dispatcher/chatui"
	"dispatcher/engine"
	"dispatcher/flows"
	"dispatcher/flows/rehearse"
)

// chatFlags is the command line of chat.
type chatFlags struct {
	channel, lang, at, start, script, replay string
	slots                                    []string
}

func (m *Main) chat() *cobra.Command {
	f := &chatFlags{}
	cmd := &cobra.Command{
		Use: "chat [PROJECT]", Short: "Talk to a project here, without a server", Args: words(0, 1),
		Long: `Runs one conversation with the project in this terminal: the same engine as the
service, a clock of its own, nothing stored, no network. Type as a customer
would; the number of a button presses it. An edit of the flows is live at once,
and the talk goes on in it. Lines that start with / are commands:

  /why        why the bot did what it did     /slots      what it has learnt
  /state      where it stands                 /back [n]   take back n inputs
  /goto S     enter flow.state                /set k=v    fill a slot
  /wait 10m   let time pass                   /tap N      press a button
  /send image send a picture                  /lang fr    change the language
  /http 404   answer a look-up; also /http 200 {"json": "body"}, /http timeout
  /agent claim|return|resolve, /agent say TEXT, /agent delegate FLOW
  /submit name=value; name=value              /verify ok|fail|expire
  /save NAME  keep the talk as a test in flows/tests/chat.test.yaml
  /quit

On a terminal it is a full screen with what decided every answer, the state and
the slots; with TERM=dumb, or when not on a terminal, it speaks in lines and an
edit is live with the next one.

--script FILE reads the inputs from a file (- is standard input) and prints
plain lines, for tests. --replay TESTFILE:LINE plays a test up to that line and
goes on from there.`,
		Example: `  dispatcher chat shop
  dispatcher chat shop --replay flows/tests/welcome.test.yaml:22
  printf 'hello\n1\nAB123456\n' | dispatcher chat shop --script -`,
		RunE: func(cmd *cobra.Command, args []string) error { return m.runChat(cmd.Context(), projectArg(args), f) },
	}
	cmd.Flags().StringVar(&f.channel, "channel", "", "channel of the project to talk on (default the first)")
	cmd.Flags().StringVar(&f.lang, "lang", "", "language of the customer")
	cmd.Flags().StringVar(&f.at, "at", "", "when the talk takes place, RFC 3339 (default now; in scripts 2026-01-05T10:00:00Z)")
	cmd.Flags().StringVar(&f.start, "start", "", "flow or flow.state to begin in")
	cmd.Flags().StringArrayVar(&f.slots, "slots", nil, "slot=value to begin with; repeatable")
	cmd.Flags().StringVar(&f.script, "script", "", "read the inputs from this file; - is standard input")
	cmd.Flags().StringVar(&f.replay, "replay", "", "TESTFILE:LINE: play a test up to this line first")
	return cmd
}

// chatting is one talk at the terminal or in a script.
type chatting struct {
	main    *Main
	root    string
	project *flows.Project
	sum     string // of the files that were loaded last, good or not
	talk    *rehearse.Talk
	plain   bool // the format of --script
}

func (m *Main) runChat(ctx context.Context, dir string, f *chatFlags) error {
	root, files, err := openFiles(dir)
	if err != nil {
		return err
	}
	c := &chatting{main: m, root: root, sum: files.Sum(), plain: f.script != "" || !m.Terminal}
	if c.project = m.loader(root, nil)(files); !c.project.OK() {
		c.project.WriteText(m.Err, false)
		return errFindings
	}
	opt, err := m.talkOptions(c.project, f)
	if err != nil {
		return err
	}
	if f.script == "" && m.fullScreen() {
		return c.screen(ctx, f, opt)
	}
	in := m.In
	if f.script != "" && f.script != "-" {
		file, err := os.Open(f.script)
		if err != nil {
			return err
		}
		defer file.Close()
		in = file
	}
	if !c.plain {
		c.greet(opt)
	}
	if err := c.begin(f, opt); err != nil {
		return err
	}
	return c.run(in)
}

// begin makes the talk: anew, or as a test leaves it.
func (c *chatting) begin(f *chatFlags, opt rehearse.Options) error {
	if f.replay != "" {
		return c.replayTest(f.replay, func(input string, lines []rehearse.Line) {
			if input != "" {
				lines = append([]rehearse.Line{{Kind: rehearse.LineNote, Text: "> " + input}}, lines...)
			}
			_ = c.print(lines) // a terminal that went away has nobody to tell
		})
	}
	c.talk = rehearse.New(c.project.Set, opt)
	lines, err := c.talk.Begin()
	if err != nil {
		return err
	}
	return c.print(lines)
}

// run takes one input after the other.
func (c *chatting) run(from io.Reader) error {
	in := bufio.NewScanner(from)
	in.Buffer(make([]byte, 0, 4096), 1<<20)
	for {
		if !c.plain {
			fmt.Fprint(c.main.Out, "> ")
		}
		if !in.Scan() {
			if !c.plain {
				fmt.Fprintln(c.main.Out)
			}
			return in.Err()
		}
		line := strings.TrimRight(in.Text(), "\r")
		if strings.TrimSpace(line) == "" {
			continue
		}
		done, err := c.input(line)
		if done || err != nil {
			return err
		}
	}
}

// input does one line, on the flows as they are now.
func (c *chatting) input(line string) (done bool, err error) {
	if err := c.follow(); err != nil {
		return false, err
	}
	if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "/save"); ok {
		return false, c.print(c.saved(strings.TrimSpace(rest)))
	}
	lines, done, err := c.talk.Input(line)
	if err != nil {
		lines = append(lines, rehearse.Line{Kind: rehearse.LineNote, Text: "-- " + err.Error()})
	}
	return done, c.print(lines)
}

// follow takes an edit of the flows over; one with errors is shown and the
// talk goes on with the last good ones. A folder in the middle of a change is
// looked at again with the next line.
func (c *chatting) follow() error {
	_, files, err := openFiles(c.root)
	if err != nil || files.Sum() == c.sum {
		return nil
	}
	c.sum = files.Sum()
	project := c.main.loader(c.root, nil)(files)
	if !project.OK() {
		project.WriteText(c.main.Err, false)
		return c.print([]rehearse.Line{{Kind: rehearse.LineNote, Text: "-- the edit has errors; the talk goes on with the flows from before"}})
	}
	same := project.SetID == c.project.SetID
	if c.project = project; same {
		return nil
	}
	c.talk.Reload(project.Set)
	return c.print([]rehearse.Line{{Kind: rehearse.LineNote, Text: "-- the edit is live, set " + short(project.SetID)}})
}

// print shows what happened in the format of the talk.
func (c *chatting) print(lines []rehearse.Line) error {
	if c.plain {
		return rehearse.Print(c.main.Out, lines)
	}
	c.main.show(lines)
	return nil
}

// talkOptions reads the circumstances; a name that the project does not have
// is refused here, before a talk could begin somewhere else.
func (m *Main) talkOptions(p *flows.Project, f *chatFlags) (rehearse.Options, error) {
	opt := rehearse.Options{Channel: f.channel, Language: f.lang, Start: f.start, Slots: map[string]string{}, Services: p.Config.Service}
	if f.channel != "" && p.Set.Channels[f.channel] == nil {
		return opt, fmt.Errorf("there is no channel %q; the project has %s", f.channel, strings.Join(p.Set.ChannelOrder, ", "))
	}
	if f.start != "" {
		flow, state, _ := strings.Cut(f.start, ".")
		if def := p.Set.Flows[flow]; def == nil || state != "" && def.States[state] == nil {
			return opt, fmt.Errorf("there is no %s in this project; write a flow, or flow.state", f.start)
		}
	}
	for _, s := range f.slots {
		name, value, ok := strings.Cut(s, "=")
		if !ok || p.Set.Slots[name] == nil {
			return opt, fmt.Errorf("--slots %q: write slot=value with a slot of this project", s)
		}
		opt.Slots[name] = value
	}
	switch {
	case f.at != "":
		at, err := time.Parse(time.RFC3339, f.at)
		if err != nil {
			return opt, fmt.Errorf("--at %q: write a time like 2026-01-05T10:00:00Z", f.at)
		}
		opt.Now = at
	case f.script == "" && m.Terminal:
		opt.Now = m.Now()
	}
	return opt, nil
}

const rule = "────────────────────────────────────────────────────────────────────────────────"

// greet is the line above a talk: where and when it takes place.
func (c *chatting) greet(opt rehearse.Options) {
	channel := opt.Channel
	if channel == "" {
		channel = c.project.Set.ChannelOrder[0]
	}
	fmt.Fprintf(c.main.Out, "%s  %s  %s    set %s\n%s\nWrite as a customer would. /why says why, /quit ends, see also --help.\n",
		c.project.Name, channel, opt.Now.Format("Mon 2 Jan 15:04"), short(c.project.SetID), rule)
}

// show prints what happened in two columns: who, and what in at most 69.
func (m *Main) show(lines []rehearse.Line) {
	for _, l := range lines {
		switch l.Kind {
		case rehearse.LineBot:
			column(m.Out, "bot", l.Text)
			column(m.Out, "", buttons(l.Options))
		case rehearse.LineHandoff:
			column(m.Out, "handoff", l.Handoff.Queue+" ("+l.Handoff.Reason+")")
			column(m.Out, "", l.Handoff.Summary)
		case rehearse.LineResolved:
			column(m.Out, "resolved", l.Reason)
		default:
			column(m.Out, "", strings.TrimPrefix(l.Text, "-- "))
		}
	}
}

func buttons(options []engine.SayOption) string {
	parts := make([]string, len(options))
	for i, o := range options {
		parts[i] = fmt.Sprintf("[%d] %s", i+1, strings.ReplaceAll(o.Label, " ", "\u00a0"))
	}
	return strings.Join(parts, "   ")
}

const textWidth = 69

func column(w io.Writer, who, text string) {
	for _, paragraph := range strings.Split(strings.TrimRight(chatui.Clean(text), "\n"), "\n") {
		for _, line := range wrap(paragraph, textWidth) {
			if line == "" && who == "" {
				continue
			}
			fmt.Fprintf(w, "%9s  %s\n", who, strings.ReplaceAll(line, "\u00a0", " "))
			who = ""
		}
	}
}

// wrap breaks a line at spaces; a word that is longer stays whole.
func wrap(text string, width int) []string {
	var out []string
	line := ""
	for _, word := range strings.Split(text, " ") {
		switch {
		case line == "":
			line = word
		case len([]rune(line))+1+len([]rune(word)) > width:
			out = append(out, strings.TrimRight(line, " "))
			line = word
		default:
			line += " " + word
		}
	}
	return append(out, strings.TrimRight(line, " "))
}
