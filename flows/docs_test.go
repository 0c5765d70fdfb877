package flows

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// guideFiles are the files of one example: "# flows/x.yaml" on a line of its own begins one.
func guideFiles(block string) *Files {
	heading := regexp.MustCompile(`^# ((?:dispatcher|flows/\S+)\.yaml)\n$`)
	files, name := &Files{Name: "t", Data: map[string][]byte{}}, "flows/a.yaml"
	for line := range strings.Lines(block) {
		if m := heading.FindStringSubmatch(line); m != nil {
			name = m[1]
			continue
		}
		files.Data[name] = append(files.Data[name], line...)
	}
	return files
}

// Every YAML block of the designers' guide is a complete project without a finding.
func TestGuideIsTrue(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../docs/designers/language.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(data), -1)
	if len(blocks) == 0 {
		t.Fatalf("%d blocks", len(blocks))
	}
	for _, b := range blocks {
		p := Load(guideFiles(b[1]), testOptions())
		if len(p.Diagnostics) > 0 {
			var out strings.Builder
			p.WriteText(&out, false)
			t.Errorf("%s\n%s", b[1], out.String())
		}
	}
}

// Every key of the language has a form that the shape checker knows, and every
// form names a construct that exists.
func TestGrammarIsWhole(t *testing.T) {
	t.Parallel()
	g := grammar()
	known := map[string]bool{"scalar": true, "expr": true, "exitname": true, "any": true, "text": true, "texts": true, "say": true,
		"bool": true, "word": true, "percent": true, "duration": true, "delay": true, "values": true, "slot": true, "exit": true, "options": true, "collect": true, "fields": true, "canned": true, "names": true, "mock": true, "wanted": true}
	var check func(form string)
	check = func(form string) {
		head, rest, _ := strings.Cut(form, ":")
		switch head {
		case "map", "list":
			if _, ok := g[rest]; !ok {
				t.Errorf("no construct %q", rest)
			}
		case "mapof", "listof":
			check(rest)
		case "either":
			a, b, _ := strings.Cut(rest, "|")
			check(a)
			check(b)
		default:
			if !known[head] && !isScalarForm(head) {
				t.Errorf("no form %q", form)
			}
		}
	}
	for _, c := range g {
		for _, k := range c.keys {
			check(k.form)
		}
	}
}
