package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// TestWalksOfTheDocuments does what a page of the designers' manual tells its
// reader to do, step by step in an empty folder: it saves the files, makes the
// changes, writes in the chat as a customer, types the commands of every console block, and compares what is
// printed. In a block, "$ " begins a command, "> " is typed into it, … stands
// for any words and a line with … alone for any lines. A block without a
// command is what the running service says next.
func TestWalksOfTheDocuments(t *testing.T) {
	t.Parallel()
	walked := 0
	for _, path := range globbed(t, "../../docs/designers/*.md") {
		text := readDoc(t, path)
		if !strings.Contains(text, "```console\n") {
			continue
		}
		walked++
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			(&walk{t: t, dir: t.TempDir(), page: path}).do(text)
		})
	}
	if walked == 0 {
		t.Error("no page has a walk")
	}
}

var (
	walkStep = regexp.MustCompile("(?ms)^```console\n(.*?)^```" +
		"|[Ss]ave\\s+this\\s+as\\s+`([^`]+)`:\\s+```\\w+\n(.*?)^```" +
		"|End\\s+the\\s+(service)\\s+with\\s+Ctrl\\+C" +
		"|[Ii]n\\s+the\\s+chat,\\s+write\\s+(`[^`]+`(?:,\\s+then\\s+`[^`]+`)*)" +
		"|[Ii]n\\s+`([^`]+)`,\\s+change\\s+`([^`]+)`\\s+to\\s+`([^`]+)`")
	walkSave    = regexp.MustCompile("[Ss]ave\\s+this\\s+as\\s+`[^`]+`:\\s+```yaml\n")
	walkPicture = regexp.MustCompile(`\]\(\.\./images/([^)]+)\)`)
	walkWords   = regexp.MustCompile(`>([^<>]+)</t(?:ext|span)>`)
	walkPrompt  = regexp.MustCompile(`(?m)^(> )+`)
	walkID      = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	walkAddress = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	walkTook    = regexp.MustCompile(`in \d+(\.\d\d)? ?m?s`)
)

// walk is one reader of one page.
type walk struct {
	t         *testing.T
	dir, page string
	id        string // of the conversation that was last spoken of
	service   *serviceOfWalk
}

func (w *walk) do(text string) {
	w.t.Helper()
	if blocks, saved := strings.Count(text, "\n```yaml\n"), len(walkSave.FindAllString(text, -1)); blocks != saved {
		w.t.Fatalf("%s: %d files are shown and %d are saved: write \"Save this as `PATH`:\" above each", w.page, blocks, saved)
	}
	for _, m := range walkStep.FindAllStringSubmatch(text, -1) {
		switch {
		case m[1] != "":
			w.console(m[1])
		case m[2] != "":
			if err := writeFile(filepath.Join(w.dir, m[2]), []byte(m[3])); err != nil {
				w.t.Fatal(err)
			}
		case m[4] != "":
			w.service.end(w.t)
			w.service = nil
		case m[5] != "":
			w.service.visit(w.t, m[5])
			w.id = newestOfWalk(w.t, filepath.Join(w.dir, "shop", "data"))
		default:
			w.change(m[6], m[7], m[8])
		}
		if w.t.Failed() {
			break
		}
	}
	w.service.end(w.t)
	for _, m := range walkPicture.FindAllStringSubmatch(text, -1) {
		w.picture(m[1])
	}
}

// picture compares the words in a picture of the page with those in the one
// its commands have drawn; where they stand is the business of graph.
func (w *walk) picture(name string) {
	drawn, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		return // a photograph
	}
	kept := "../../docs/images/" + name
	if *update {
		if err := writeFile(kept, drawn); err != nil {
			w.t.Fatal(err)
		}
	}
	if have, err := os.ReadFile(kept); err != nil || !slices.Equal(wordsIn(have), wordsIn(drawn)) {
		w.t.Errorf("%s: docs/images/%s is not what its commands draw; write it anew with: make docs", w.page, name)
	}
}

// wordsIn are the words that stand in a picture, sorted.
func wordsIn(svg []byte) []string {
	var out []string
	for _, m := range walkWords.FindAllSubmatch(svg, -1) {
		out = append(out, strings.Fields(string(m[1]))...)
	}
	slices.Sort(out)
	return out
}

func (w *walk) change(file, from, to string) {
	path := filepath.Join(w.dir, file)
	have := readDoc(w.t, path)
	if strings.Count(have, from) != 1 {
		w.t.Fatalf("%s: %q stands %d times in %s", w.page, from, strings.Count(have, from), file)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(have, from, to, 1)), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// console types the commands of one block.
func (w *walk) console(block string) {
	parts := strings.Split("\n"+block, "\n$ ")
	if said := strings.TrimPrefix(parts[0], "\n"); strings.TrimSpace(said) != "" {
		w.service.wants(w.t, w.page, said)
	}
	for _, part := range parts[1:] {
		command, want, _ := strings.Cut(part, "\n")
		var typed, printed strings.Builder
		for line := range strings.Lines(want) {
			if in, ok := strings.CutPrefix(line, "> "); ok {
				typed.WriteString(in)
				continue
			}
			printed.WriteString(line)
		}
		w.run(command, typed.String(), printed.String())
	}
}

func (w *walk) run(command, typed, want string) {
	command = walkID.ReplaceAllString(command, w.id)
	if dir, ok := strings.CutPrefix(command, "cd "); ok {
		w.dir = filepath.Join(w.dir, dir)
		return
	}
	cmd := exec.CommandContext(w.t.Context(), "sh", "-c", "exec "+command)
	if strings.ContainsAny(command, "|;&") {
		cmd = exec.CommandContext(w.t.Context(), "sh", "-c", command)
	}
	cmd.Dir, cmd.Stdin = w.dir, strings.NewReader(typed)
	cmd.Env = append(os.Environ(), "DISPATCHER_KEY="+strings.Repeat("ab", 32), "DISPATCHER_METRICS_LISTEN=off", "DISPATCHER_LISTEN=127.0.0.1:0", "NO_COLOR=1", "TERM=dumb")
	if strings.HasPrefix(command, "dispatcher serve") {
		w.service = startOfWalk(w.t, cmd)
		w.service.wants(w.t, w.page, want)
		return
	}
	out := onScreen(w.t, cmd)
	if typed != "" {
		out = walkPrompt.ReplaceAll(out, nil)
	}
	if id := walkID.Find(out); id != nil {
		w.id = string(id)
	}
	if !fitsPage(want, string(out)) {
		w.t.Errorf("%s: $ %s\nthe page says:\n%s\nit says:\n%s", w.page, command, want, out)
	}
}

// onScreen is what a command prints on a terminal of 80 columns. A finding is
// exit 1 and part of the page, so its exit code does not matter.
func onScreen(t *testing.T, cmd *exec.Cmd) []byte {
	t.Helper()
	screen, tty := terminalOfWalk(t)
	cmd.Stdout, cmd.Stderr = tty, tty
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tty.Close()
	out, _ := io.ReadAll(screen) // ends with an error when the last writer is gone
	screen.Close()
	_ = cmd.Wait() // the exit code
	return bytes.ReplaceAll(out, []byte("\r\n"), []byte("\n"))
}

func terminalOfWalk(t *testing.T) (screen, tty *os.File) {
	t.Helper()
	screen, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(screen, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		t.Fatal(err)
	}
	return screen, tty
}

// fitsPage compares what a page shows with what was printed.
func fitsPage(want, have string) bool {
	even := func(s string) string {
		s = walkID.ReplaceAllString(s, "ID")
		return strings.TrimSpace(walkTook.ReplaceAllString(walkAddress.ReplaceAllString(s, "127.0.0.1:8080"), "in 0.00s")) + "\n"
	}
	var pattern strings.Builder
	pattern.WriteString(`(?s)\A`)
	for line := range strings.Lines(even(want)) {
		if strings.TrimSpace(line) == "…" {
			pattern.WriteString(`(?:.*\n)?`)
			continue
		}
		parts := strings.Split(strings.TrimSuffix(line, "\n"), "…")
		for i, part := range parts {
			parts[i] = regexp.QuoteMeta(part)
		}
		pattern.WriteString(strings.Join(parts, `[^\n]*`) + `[ ]*\n`)
	}
	return regexp.MustCompile(pattern.String() + `\z`).MatchString(even(have))
}
