package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// block is one fenced example of a document.
type block struct {
	file, lang, text string
	line             int
}

var fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```")

// blocks reads README.md and everything below docs.
func blocks(t *testing.T) []block {
	t.Helper()
	var out []block
	add := func(path string) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fence.FindAllSubmatchIndex(data, -1) {
			out = append(out, block{file: path, lang: string(data[m[2]:m[3]]), text: string(data[m[4]:m[5]]), line: 1 + bytes.Count(data[:m[0]], []byte("\n"))})
		}
	}
	for _, path := range documents(t) {
		add(path)
	}
	if len(out) == 0 {
		t.Fatal("no examples found")
	}
	return out
}

// quiet is a program whose output is kept and whose environment is empty but
// for a key and ports that nobody else uses.
func quiet(in string) (*Main, *bytes.Buffer) {
	out := &bytes.Buffer{}
	env := map[string]string{"DISPATCHER_KEY": strings.Repeat("ab", 32), "DISPATCHER_METRICS_LISTEN": "off", "DISPATCHER_LISTEN": "127.0.0.1:0"}
	return &Main{In: strings.NewReader(in), Out: out, Err: out, Getenv: func(k string) string { return env[k] }, Now: time.Now}, out
}

const oneFlow = "flow: hello\nstates:\n  start:\n    say: Hi\n    handoff: general\n"

// TestYAMLOfTheDocuments checks every YAML example as part of a project.
func TestYAMLOfTheDocuments(t *testing.T) {
	t.Parallel()
	for _, b := range blocks(t) {
		if b.lang != "yaml" || strings.Contains(b.file, "designers") { // package flows runs the designers' own
			continue
		}
		dir := t.TempDir()
		files := map[string]string{"flows/hello.yaml": b.text}
		if !strings.HasPrefix(b.text, "flow:") {
			files = map[string]string{"flows/hello.yaml": oneFlow, "dispatcher.yaml": "dispatcher: 1\n" + b.text}
		}
		for name, text := range files {
			if err := writeFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		m, out := quiet("")
		if code := m.Run(context.Background(), []string{"check", dir}); code != exitOK {
			t.Errorf("%s:%d: exit %d\n%s", b.file, b.line, code, out)
		}
	}
}

// TestJSONOfTheDocuments reads every JSON example.
func TestJSONOfTheDocuments(t *testing.T) {
	t.Parallel()
	for _, b := range blocks(t) {
		if b.lang == "json" && !json.Valid([]byte(b.text)) {
			t.Errorf("%s:%d is not JSON", b.file, b.line)
		}
	}
}

// TestCommandsOfTheDocuments runs every dispatcher command of the documents,
// block after block in one empty folder. A serve runs until it listens.
func TestCommandsOfTheDocuments(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ran, project := 0, "shop"
	for _, b := range blocks(t) {
		if b.lang != "sh" {
			continue
		}
		if m := begun.FindStringSubmatch(b.text); m != nil {
			dir, project = t.TempDir(), m[1]
		}
		for line := range strings.Lines(b.text) {
			command, _, _ := strings.Cut(strings.TrimSpace(line), "#")
			words := strings.Fields(command)
			if len(words) > 1 && words[0] == "dispatcher" {
				runExample(t, b, filepath.Join(dir, project), words[1:])
				ran++
			}
		}
	}
	if ran < 8 {
		t.Errorf("only %d commands were found in the documents", ran)
	}
}

// begun is the folder in which an example begins a project.
var begun = regexp.MustCompile(`dispatcher init (\w+)`)

// runExample runs one command; the name of a project's folder means project.
func runExample(t *testing.T, b block, project string, words []string) {
	t.Helper()
	in := ""
	for i, w := range words {
		switch {
		case i > 0 && w == filepath.Base(project) && words[i-1] != "--template":
			words[i] = project
		case w == "<":
			in, words = "seven violet kettles sing\n", words[:i]
		}
		if w == "<" {
			break
		}
	}
	if words[0] == "init" && words[1] != project && !strings.HasPrefix(words[1], "-") {
		t.Fatalf("%s:%d: dispatcher init %s would write into this folder; begin one project a block", b.file, b.line, words[1])
	}
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	m, out := quiet(in)
	if words[0] == "serve" {
		m.Out = &until{buf: out, text: "listening on", do: stop}
	}
	if code := m.Run(ctx, words); code != exitOK {
		t.Errorf("%s:%d: dispatcher %s: exit %d\n%s", b.file, b.line, strings.Join(words, " "), code, out)
	}
}

// until ends a service as soon as it has said a text.
type until struct {
	buf  *bytes.Buffer
	text string
	do   func()
}

// Write is part of io.Writer.
func (u *until) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(u.text)) {
		u.do()
	}
	return len(p), nil
}

// TestLinksOfTheDocuments follows every relative link, to the heading it names.
func TestLinksOfTheDocuments(t *testing.T) {
	t.Parallel()
	anchors := map[string]map[string]bool{}
	for _, path := range documents(t) {
		for _, m := range docLink.FindAllStringSubmatch(codeOf.ReplaceAllString(readDoc(t, path), ""), -1) {
			to, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
				continue
			}
			target := path
			if to != "" {
				target = filepath.Join(filepath.Dir(path), to)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which is not there", path, m[1])
				continue
			}
			if anchor == "" {
				continue
			}
			if anchors[target] == nil {
				anchors[target] = headings(readDoc(t, target))
			}
			if !anchors[target][anchor] {
				t.Errorf("%s links to %s, which has no such heading", path, m[1])
			}
		}
	}
}

var (
	docLink    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	codeOf     = regexp.MustCompile("(?ms)^```.*?^```|`[^`\n]*`")
	docHeading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	notInSlug  = regexp.MustCompile(`[^\p{L}\p{N}\- _]`)
)

// headings are the anchors of a document, as its readers' programs make them.
func headings(text string) map[string]bool {
	out := map[string]bool{}
	for _, m := range docHeading.FindAllStringSubmatch(regexp.MustCompile("(?ms)^```.*?^```").ReplaceAllString(text, ""), -1) {
		out[strings.ReplaceAll(notInSlug.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")] = true
	}
	return out
}

func readDoc(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// documents are README.md and every page below docs.
func documents(t *testing.T) []string {
	t.Helper()
	out := []string{"../../README.md"}
	err := filepath.WalkDir("../../docs", func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".md") {
			out = append(out, path)
		}
		return err
	})
	if err != nil || len(out) < 5 {
		t.Fatalf("%d documents: %v", len(out), err)
	}
	return out
}
