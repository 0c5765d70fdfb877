package rehearse

import (
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"sort"
	"strings"

	"dispatcher/flows"
)

// WriteHTML paints the flows by what the tests went through: one page that
// needs nothing else, in light and dark.
func (c *Coverage) WriteHTML(w io.Writer, p *flows.Project) error {
	page := htmlPage{Name: p.Name, Set: p.SetID[:min(8, len(p.SetID))]}
	for _, s := range [...]struct {
		name  string
		share Share
	}{{"states", c.States}, {"transitions", c.Transitions}, {"options", c.Options}, {"conditions", c.Conditions}} {
		page.Shares = append(page.Shares, htmlShare{s.name, s.share, int(s.share.Percent())})
	}
	byFile := map[string][]Item{}
	for _, it := range c.Items {
		byFile[it.File] = append(byFile[it.File], it)
	}
	for _, path := range slices.Sorted(maps.Keys(byFile)) {
		page.Files = append(page.Files, paint(path, p.Files.Data[path], byFile[path]))
	}
	if err := coverPage.Execute(w, page); err != nil {
		return fmt.Errorf("write the coverage page: %w", err)
	}
	return nil
}

type htmlPage struct {
	Name, Set string
	Shares    []htmlShare
	Files     []htmlFile
}

type htmlShare struct {
	Name    string
	Share   Share
	Percent int
}

type htmlFile struct {
	Path  string
	ID    string
	Share Share // of everything in it
	Lines []htmlLine
}

type htmlLine struct {
	N     int
	Mark  string // full none half, "" = nothing to cover
	Sign  string
	Text  string
	Notes string
}

// lineItems gathers the items that stand on one line.
type lineItems struct {
	hit, miss, half int
	state           bool // a state begins here
	notes           []string
}

// paint marks every line of a file.
func paint(path string, data []byte, items []Item) htmlFile {
	f := htmlFile{Path: path, ID: strings.NewReplacer("/", "-", ".", "-").Replace(path)}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	marks := map[int]*lineItems{}
	for _, it := range items {
		f.Share.add(it.Seen == 2)
		m := marks[it.Line]
		if m == nil {
			m = &lineItems{}
			marks[it.Line] = m
		}
		m.take(it)
	}
	dark := darkLines(items, lines)
	for i, text := range lines {
		line := htmlLine{N: i + 1, Text: strings.TrimRight(text, "\r")}
		switch m := marks[i+1]; {
		case dark[i+1]:
			line.Mark = "none"
			if m != nil && m.state {
				line.Notes = "never entered"
			}
		case m != nil:
			line.Mark, line.Notes = m.mark(), strings.Join(m.notes, " · ")
		}
		line.Sign = map[string]string{"full": "✓", "none": "✗", "half": "½"}[line.Mark]
		f.Lines = append(f.Lines, line)
	}
	return f
}

func (m *lineItems) take(it Item) {
	m.state = m.state || it.Kind == itemState
	switch it.Seen {
	case 2:
		m.hit++
		return
	case 1:
		m.half++
	default:
		m.miss++
	}
	switch {
	case it.Kind == itemState:
		m.notes = append(m.notes, "never entered")
	case it.Kind == itemTransition:
		m.notes = append(m.notes, it.Edge+" never taken")
	case it.Only == "true":
		m.notes = append(m.notes, "never false")
	case it.Only == "false":
		m.notes = append(m.notes, "never true")
	default:
		m.notes = append(m.notes, "never reached")
	}
}

func (m *lineItems) mark() string {
	switch {
	case m.miss == 0 && m.half == 0:
		return "full"
	case m.hit == 0 && m.half == 0:
		return "none"
	}
	return "half"
}

// darkLines are the lines of states that were never entered: from the state to
// the next one, blank lines and comments at its end left out.
func darkLines(items []Item, lines []string) map[int]bool {
	var states []Item
	for _, it := range items {
		if it.Kind == itemState {
			states = append(states, it)
		}
	}
	sort.Slice(states, func(i, j int) bool { return states[i].Line < states[j].Line })
	dark := map[int]bool{}
	for i, s := range states {
		if s.Seen == 2 {
			continue
		}
		end := len(lines)
		if i+1 < len(states) {
			end = states[i+1].Line - 1
		}
		for end > s.Line && (strings.TrimSpace(lines[end-1]) == "" || strings.HasPrefix(strings.TrimSpace(lines[end-1]), "#")) {
			end--
		}
		for n := s.Line; n <= end; n++ {
			dark[n] = strings.TrimSpace(lines[n-1]) != ""
		}
	}
	return dark
}

// coverPage is the page; it holds no script and asks for nothing.
var coverPage = template.Must(template.New("coverage").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Coverage of {{.Name}}</title>
<style>
:root {
  color-scheme: light dark;
  --bg: #fff; --ink: #1c2024; --soft: #5d6670; --line: #e3e6ea; --track: #e9ecef;
  --full: #e3f4e6; --full-ink: #1b6b33; --none: #fde6e4; --none-ink: #a1261b; --half: #fdf1d3; --half-ink: #7a5300;
}
@media (prefers-color-scheme: dark) {
  :root {
    --bg: #15181c; --ink: #e6e9ec; --soft: #9aa4ae; --line: #2b3037; --track: #2b3037;
    --full: #17301f; --full-ink: #7fd498; --none: #3d1c1a; --none-ink: #ff9d92; --half: #372c12; --half-ink: #f0c766;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
header, main { max-width: 72rem; margin: 0 auto; padding: 1.5rem 1rem 0; }
main { padding: 0 1rem 3rem; }
h1 { margin: 0 0 1rem; font-size: 1.35rem; }
h1 small, h2 small { color: var(--soft); font-weight: 400; font-size: .9rem; }
h2 { margin: 2rem 0 .75rem; font-size: 1.05rem; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: 1rem; margin: 0; }
dt { color: var(--soft); font-size: .85rem; }
dd { margin: 0; font-variant-numeric: tabular-nums; }
.bar { display: block; height: 6px; margin-top: .35rem; border-radius: 3px; background: var(--track); overflow: hidden; }
.bar > span { display: block; height: 100%; background: var(--full-ink); }
.legend { display: flex; flex-wrap: wrap; gap: .5rem 1rem; margin: 1.25rem 0 0; padding: 0; list-style: none; font-size: .85rem; }
.legend li { padding: .1rem .5rem; border-radius: 4px; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 1.25rem 0 0; padding: 0; list-style: none; font-size: .9rem; }
a { color: inherit; }
.code { border: 1px solid var(--line); border-radius: 6px; overflow-x: auto; font: 13px/1.55 ui-monospace, monospace; }
.code table { border-collapse: collapse; min-width: 100%; }
td { padding: 0 .6rem; vertical-align: top; white-space: pre; }
td.n { color: var(--soft); text-align: right; user-select: none; font-variant-numeric: tabular-nums; }
td.s { padding: 0 .2rem; user-select: none; }
td.w { white-space: normal; font: 12px/1.65 system-ui, sans-serif; min-width: 11rem; }
.full { background: var(--full); } .none { background: var(--none); } .half { background: var(--half); }
.full .s, li.full { color: var(--full-ink); } .none .s, .none .w, li.none { color: var(--none-ink); } .half .s, .half .w, li.half { color: var(--half-ink); }
</style>
</head>
<body>
<header>
<h1>Coverage of {{.Name}} <small>set {{.Set}}</small></h1>
<dl>
{{- range .Shares}}
<div><dt>{{.Name}}</dt><dd>{{.Share}} · {{.Percent}} %<span class="bar"><span style="width:{{.Percent}}%"></span></span></dd></div>
{{- end}}
</dl>
<ul class="legend"><li class="full">✓ covered</li><li class="half">½ in part</li><li class="none">✗ not covered</li></ul>
<nav aria-label="Files"><ul>
{{- range .Files}}<li><a href="#{{.ID}}">{{.Path}}</a> {{.Share}}</li>{{end -}}
</ul></nav>
</header>
<main>
{{- range .Files}}
<section>
<h2 id="{{.ID}}">{{.Path}} <small>{{.Share}}</small></h2>
<div class="code" tabindex="0" role="region" aria-label="{{.Path}}"><table>
{{- range .Lines}}
<tr{{if .Mark}} class="{{.Mark}}"{{end}}><td class="n">{{.N}}</td><td class="s">{{.Sign}}</td><td>{{.Text}}</td><td class="w">{{.Notes}}</td></tr>
{{- end}}
</table></div>
</section>
{{- end}}
</main>
</body>
</html>
`))
