package main

import (
	"bufio"

	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dispatcher/engine"
	"dispatcher/flows"
	"dispatcher/flows/rehearse"
)

// chatFlags is the command line of chat.
type chatFlags struct {
	channel, lang, at, start, script string
	slots                            []string
}

func (m *Main) chat() *cobra.Command {
	f := &chatFlags{}
	cmd := &cobra.Command{
		Use: "chat [PROJECT]", Short: "Talk to a project here, without a server", Args: cobra.MaximumNArgs(1),
		Long: `Runs one conversation with the project in this terminal: the same engine as the
service, a clock of its own, nothing stored. Type as a customer would; the
number of a button presses it. Lines that start with / are commands:

  /why        why the bot did what it did     /slots      what it has learnt
  /state      where it stands                 /back [n]   take back n inputs
  /goto S     enter flow.state                /set k=v    fill a slot
  /wait 10m   let time pass                   /tap N      press a button
  /send image send a picture                  /lang fr    change the language
  /agent claim|return|resolve                 /quit

--script FILE reads the inputs from a file (- is standard input) and prints
plain lines, for tests.`,
		Example: `  dispatcher chat shop
  printf 'hello\n1\nAB123456\n' | dispatcher chat shop --script -`,
		RunE: func(_ *cobra.Command, args []string) error { return m.runChat(projectArg(args), f) },
	}
	cmd.Flags().StringVar(&f.channel, "channel", "", "channel of the project to talk on (default the first)")
	cmd.Flags().StringVar(&f.lang, "lang", "", "language of the customer")
	cmd.Flags().StringVar(&f.at, "at", "", "when the talk takes place, RFC 3339 (default now; in scripts 2026-01-05T10:00:00Z)")
	cmd.Flags().StringVar(&f.start, "start", "", "flow or flow.state to begin in")
	cmd.Flags().StringArrayVar(&f.slots, "slots", nil, "slot=value to begin with; repeatable")
	cmd.Flags().StringVar(&f.script, "script", "", "read the inputs from this file; - is standard input")
	return cmd
}

func (m *Main) runChat(dir string, f *chatFlags) error {
	root, files, err := openFiles(dir)
	if err != nil {
		return err
	}
	project := m.loader(root, nil)(files)
	if !project.OK() {
		project.WriteText(m.Err, false)
		return errFindings
	}
	opt, err := m.talkOptions(project, f)
	if err != nil {
		return err
	}
	talk := rehearse.New(project.Set, opt)
	if f.script == "" && !m.Terminal {
		f.script = "-"
	}
	if f.script == "" {
		return m.talk(project, talk, opt)
	}
	in := m.In
	if f.script != "-" {
		file, err := os.Open(f.script)
		if err != nil {
			return err
		}
		defer file.Close()
		in = file
	}
	return rehearse.Script(in, m.Out, talk)
}

// talkOptions reads the circumstances; a name that the project does not have
// is refused here, before a talk could begin somewhere else.
func (m *Main) talkOptions(p *flows.Project, f *chatFlags) (rehearse.Options, error) {
	opt := rehearse.Options{Channel: f.channel, Language: f.lang, Start: f.start, Slots: map[string]string{}}
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

// talk is the line mode: one prompt, one answer, the state of things above it.
func (m *Main) talk(p *flows.Project, talk *rehearse.Talk, opt rehearse.Options) error {
	channel := opt.Channel
	if channel == "" {
		channel = p.Set.ChannelOrder[0]
	}
	fmt.Fprintf(m.Out, "%s  %s  %s    set %s\n%s\nWrite as a customer would. /why says why, /quit ends, see also --help.\n",
		p.Name, channel, talk.Now().Format("Mon 2 Jan 15:04"), short(p.SetID), rule)
	in := bufio.NewScanner(m.In)
	in.Buffer(make([]byte, 0, 4096), 1<<20)
	for {
		fmt.Fprint(m.Out, "> ")
		if !in.Scan() {
			fmt.Fprintln(m.Out)
			return in.Err()
		}
		line := strings.TrimSpace(in.Text())
		if line == "" {
			continue
		}
		lines, done, err := talk.Input(line)
		if err != nil {
			fmt.Fprintf(m.Out, "           %s\n", err)
		}
		m.show(lines)
		if done {
			return nil
		}
	}
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
	for _, paragraph := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
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
