package rehearse_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"dispatcher/engine"
	"dispatcher/flows"
	"dispatcher/flows/rehearse"
)

// TestTalks runs every transcript of testdata. In an archive the first part of
// a path is a project, PROJECT/NAME.talk is a talk with it:
//
//	# lang=fr channel=x start=a.menu at=2026-01-05T10:00:00Z contact.vip=true slots.x=1
//	> what the customer types, or a command of Script
//	bot: what must follow, as Script prints it
//
// Besides the commands of Script there are here /burst A | B (two parts of one
// burst), /reload PROJECT (an edit goes live), /path, /card and /tags.
func TestTalks(t *testing.T) {
	t.Parallel()
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, path := range archives {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sets := projects(t, a)
		for _, f := range a.Files {
			dir, name, _ := strings.Cut(f.Name, "/")
			talk, ok := strings.CutSuffix(name, ".talk")
			if !ok {
				continue
			}
			t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar")+"/"+dir+"/"+talk, func(t *testing.T) {
				t.Parallel()
				want := string(f.Data)
				if got := replay(t, sets, dir, want); got != want {
					t.Errorf("want\n%s\ngot\n%s", want, got)
				}
			})
		}
	}
}

// projects compiles every project of an archive; none may have an error.
func projects(t *testing.T, a *txtar.Archive) map[string]*engine.Set {
	t.Helper()
	files := map[string]*flows.Files{}
	for _, f := range a.Files {
		dir, name, ok := strings.Cut(f.Name, "/")
		if !ok {
			t.Fatalf("%s stands in no project", f.Name)
		}
		if files[dir] == nil {
			files[dir] = &flows.Files{Name: dir, Data: map[string][]byte{}}
		}
		if strings.HasSuffix(name, ".yaml") {
			files[dir].Data[name] = f.Data
		}
	}
	sets := map[string]*engine.Set{}
	for dir, f := range files {
		p := flows.Load(f, flows.Options{})
		if !p.OK() {
			var out strings.Builder
			p.WriteText(&out, false)
			t.Fatalf("project %s:\n%s", dir, out.String())
		}
		sets[dir] = p.Set
	}
	return sets
}

// player is one talk with the set that is live for it.
type player struct {
	talk *rehearse.Talk
	sets map[string]*engine.Set
	live *engine.Set
	last *engine.Handoff
}

// replay does the inputs of a transcript and writes what happens beside them.
func replay(t *testing.T, sets map[string]*engine.Set, dir, transcript string) string {
	t.Helper()
	p := &player{sets: sets, live: sets[dir]}
	opt := rehearse.Options{Live: func() *engine.Set { return p.live }, Slots: map[string]string{}}
	var out strings.Builder
	for line := range strings.Lines(transcript) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "#"):
			out.WriteString(line + "\n")
			circumstances(t, &opt, line[1:])
		case strings.HasPrefix(line, "> "):
			if p.talk == nil {
				p.talk = rehearse.New(p.live, opt)
			}
			out.WriteString(line + "\n")
			p.input(t, &out, line[2:])
		}
	}
	return out.String()
}

// circumstances reads the words with = of a comment.
func circumstances(t *testing.T, opt *rehearse.Options, comment string) {
	t.Helper()
	for _, word := range strings.Fields(comment) {
		key, value, ok := strings.Cut(word, "=")
		if !ok {
			continue
		}
		switch key {
		case "lang":
			opt.Language = value
		case "channel":
			opt.Channel = value
		case "start":
			opt.Start = value
		case "first_name":
			opt.Contact.FirstName = value
		case "tags":
			opt.Contact.Tags = strings.Split(value, ",")
		case "vip":
			opt.Contact.VIP = value == "true"
		case "at":
			at, err := time.Parse(time.RFC3339, value)
			if err != nil {
				t.Fatal(err)
			}
			opt.Now = at
		default:
			name, ok := strings.CutPrefix(key, "slots.")
			if !ok {
				t.Fatalf("unknown circumstance %q", key)
			}
			opt.Slots[name] = value
		}
	}
}

func (p *player) input(t *testing.T, out *strings.Builder, line string) {
	t.Helper()
	var lines []rehearse.Line
	var err error
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "/burst":
		parts := strings.Split(rest, "|")
		for i := range parts {
			parts[i] = strings.TrimSpace(parts[i])
		}
		lines, err = p.talk.Say(parts...)
	case "/reload":
		if p.live = p.sets[rest]; p.live == nil {
			t.Fatalf("no project %s", rest)
		}
	case "/path":
		for _, s := range p.talk.State().Path {
			fmt.Fprintf(out, "-- %s.%s %s\n", s.Flow, s.Name, s.Edge)
		}
	case "/card":
		if h := p.last; h != nil {
			fmt.Fprintf(out, "-- %s, cause %s\n", h.Priority, h.Cause)
			for line := range strings.Lines(h.Summary) {
				out.WriteString("-- " + strings.TrimSuffix(line, "\n") + "\n")
			}
		}
	case "/tags":
		out.WriteString("-- " + strings.Join(p.talk.State().Tags, ", ") + "\n")
	default:
		lines, _, err = p.talk.Input(line)
	}
	if err != nil {
		out.WriteString("-- " + err.Error() + "\n")
	}
	for _, l := range lines {
		if l.Handoff != nil {
			p.last = l.Handoff
		}
	}
	if err := rehearse.Print(out, lines); err != nil {
		t.Fatal(err)
	}
}
