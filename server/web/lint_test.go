package web

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// sources gives every file of ours that a browser reads.
func sources(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, from := range []struct {
		fs  fs.FS
		dir string
	}{{assetFiles, "assets"}, {templateFiles, "templates"}} {
		err := fs.WalkDir(from.fs, from.dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := fs.ReadFile(from.fs, path)
			all[path] = string(data)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// forbidden are the ways in which text becomes something else. A page of ours
// has no use for any of them.
var forbidden = []struct {
	in  string // suffix of the files
	pat *regexp.Regexp
}{
	{".js", regexp.MustCompile(`\b(innerHTML|outerHTML|insertAdjacentHTML|setHTMLUnsafe|parseHTMLUnsafe|createContextualFragment|DOMParser|srcdoc)\b`)},
	{".js", regexp.MustCompile(`\beval\b|\bnew Function\b|document\.write|setTimeout\(\s*['"\x60]|setInterval\(\s*['"\x60]|[^{|.a-z]\s*import\(`)},
	{".js", regexp.MustCompile(`\.on(click|load|error|input|change|submit|key\w+|mouse\w+)\s*=`)},
	{".js", regexp.MustCompile(`setAttribute\(\s*['"](style|on\w+|srcdoc)['"]`)},
	{".js", regexp.MustCompile(`\.cssText\b|document\.cookie|\bwith\s*\(`)},
	{".html", regexp.MustCompile(`(?i)\sstyle\s*=`)},
	{".html", regexp.MustCompile(`(?i)\son[a-z]+\s*=`)},
	{".html", regexp.MustCompile(`(?i)<style\b|javascript:|<base\b|<object\b|<embed\b`)},
	{".html", regexp.MustCompile(`(?i)<script>|<script [^>]*>[^<]`)},
	{".html", regexp.MustCompile(`(?i)(src|href|action)="(https?:)?//`)},
	{".css", regexp.MustCompile(`(?i)@import|url\(|expression\(`)},
}

func violations(path, text string) []string {
	var out []string
	for _, rule := range forbidden {
		if !strings.HasSuffix(path, rule.in) {
			continue
		}
		for _, at := range rule.pat.FindAllStringIndex(text, -1) {
			out = append(out, fmt.Sprintf("%s:%d: %q", path, 1+strings.Count(text[:at[0]], "\n"), text[at[0]:at[1]]))
		}
	}
	return out
}

func TestNothingTurnsTextIntoMarkup(t *testing.T) {
	t.Parallel()
	for path, text := range sources(t) {
		for _, v := range violations(path, text) {
			t.Error(v)
		}
	}
}

// TestTheLintSees proves that each rule refuses what it is there for.
func TestTheLintSees(t *testing.T) {
	t.Parallel()
	for path, text := range map[string]string{
		"a.js": "x.innerHTML = y", "b.js": "eval(x)", "c.js": "b.onclick = f", "d.js": "e.setAttribute('style', x)", "e.js": "e.style.cssText = x",
		"f.html": `<p style="x">`, "g.html": `<p onclick="x">`, "h.html": "<style>", "i.html": "<script>x</script>", "j.html": `<img src="//evil">`, "k.css": "@import 'x'",
		"l.js": "x.insertAdjacentHTML('a', b)", "m.js": "document.write(x)", "n.js": "setTimeout('x()', 1)",
	} {
		if len(violations(path, text)) == 0 {
			t.Errorf("%s: %q passes", path, text)
		}
	}
}

func TestModulesAreTyped(t *testing.T) {
	t.Parallel()
	imports := regexp.MustCompile(`(?:from|import)\s+'\./([^']+)'`)
	for path, text := range sources(t) {
		if !strings.HasSuffix(path, ".js") {
			continue
		}
		if !strings.HasPrefix(text, "// @ts-check\n// ") {
			t.Errorf("%s does not begin with // @ts-check and what it is for", path)
		}
		if n := strings.Count(text, "\n"); n > 500 {
			t.Errorf("%s has %d lines", path, n)
		}
		for _, m := range imports.FindAllStringSubmatch(text, -1) {
			if _, _, ok := Asset(m[1]); !ok {
				t.Errorf("%s imports %s, which does not exist", path, m[1])
			}
		}
	}
}

// reach lists an entry module and everything it imports.
func reach(t *testing.T, entry string, seen map[string]bool) {
	t.Helper()
	if seen[entry] {
		return
	}
	seen[entry] = true
	data, _, ok := Asset(entry)
	if !ok {
		t.Fatalf("no asset %s", entry)
	}
	for _, m := range regexp.MustCompile(`(?m)^(?:import|export) .*from '\./([^']+)'`).FindAllStringSubmatch(string(data), -1) {
		reach(t, m[1], seen)
	}
}

func gzipped(t *testing.T, data []byte) int {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Len()
}

// TestWeight holds the budgets, compressed: the console 150 kB at first load
// with everything it fetches, the scripts that a shop's visitor loads 20 kB.
func TestWeight(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		page    string
		data    any
		entries []string
		extra   []string
		limit   int
	}{
		{"console", PageConsole, Console{}, []string{"console.js", "theme.js"}, []string{"tokens.css", "console.css", "icon.svg"}, 150_000},
		{"widget", "", nil, []string{"widget.js", "frame.js", "theme.js"}, nil, 20_000},
	} {
		files := map[string]bool{}
		for _, e := range c.entries {
			reach(t, e, files)
		}
		for _, e := range c.extra {
			files[e] = true
		}
		var page bytes.Buffer
		if c.page != "" {
			if err := Render(&page, c.page, c.data); err != nil {
				t.Fatal(err)
			}
		}
		total := gzipped(t, page.Bytes())
		for name := range files {
			data, _, _ := Asset(name)
			total += gzipped(t, data)
		}
		t.Logf("%s: %d files and the page, %d bytes compressed of %d", c.name, len(files), total, c.limit)
		if total > c.limit {
			t.Errorf("%s weighs %d bytes, the budget is %d", c.name, total, c.limit)
		}
	}
}

// palette reads the tokens of one theme: the first block is light, the block
// of data-theme="dark" is dark.
func palette(t *testing.T, css, theme string) map[string]string {
	t.Helper()
	start := strings.Index(css, ":root {")
	if theme == "dark" {
		start = strings.Index(css, `:root[data-theme="dark"] {`)
	}
	if start < 0 {
		t.Fatalf("no block for %s", theme)
	}
	block := css[start:]
	block = block[:strings.Index(block, "\n}")]
	out := map[string]string{}
	for _, m := range regexp.MustCompile(`--([\w-]+):\s*(#[0-9A-Fa-f]{6})`).FindAllStringSubmatch(block, -1) {
		out[m[1]] = strings.ToUpper(m[2])
	}
	return out
}

func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	var l float64
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		v, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatalf("colour %q: %v", hex, err)
		}
		c := float64(v) / 255
		if c <= 0.03928 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		l += weight * c
	}
	return l
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

// TestContrast checks every colour of text on every surface it stands on, and
// every edge that carries meaning, in both themes (WCAG 2.2: 4.5 and 3).
func TestContrast(t *testing.T) {
	t.Parallel()
	data, _, _ := Asset("tokens.css")
	for _, theme := range []string{"light", "dark"} {
		p := palette(t, string(data), theme)
		for _, text := range []string{"ink", "ink2", "accent", "bot", "ok", "warn", "danger", "info"} {
			for _, ground := range []string{"bg", "surface", "raised", "mine", "note"} {
				if c := contrast(t, p[text], p[ground]); c < 4.5 {
					t.Errorf("%s: %s on %s is %.2f, want 4.5", theme, text, ground, c)
				}
			}
		}
		for _, edge := range []string{"edge", "focus"} {
			for _, ground := range []string{"bg", "surface", "raised", "mine", "note"} {
				if c := contrast(t, p[edge], p[ground]); c < 3 {
					t.Errorf("%s: %s beside %s is %.2f, want 3", theme, edge, ground, c)
				}
			}
		}
		if c := contrast(t, p["on-accent"], p["accent"]); c < 4.5 {
			t.Errorf("%s: words of the main button are %.2f", theme, c)
		}
		if c := contrast(t, p["surface"], p["danger"]); c < 4.5 {
			t.Errorf("%s: words of an overdue chip are %.2f", theme, c)
		}
	}
}

// TestThemesAgree: the block that follows the system and the explicit one are
// the same, for CSS cannot share them.
func TestThemesAgree(t *testing.T) {
	t.Parallel()
	data, _, _ := Asset("tokens.css")
	css := string(data)
	system := css[strings.Index(css, "prefers-color-scheme: dark"):]
	system = system[:strings.Index(system, `:root[data-theme="dark"]`)]
	for name, value := range palette(t, css, "dark") {
		if !strings.Contains(strings.ToUpper(system), strings.ToUpper("--"+name+": "+value)) {
			t.Errorf("--%s differs between the two dark blocks", name)
		}
	}
}

func TestAssets(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "..", "../web.go", "assets/console.js", "nothing.js", "console.html", "a/b.js"} {
		if _, _, ok := Asset(bad); ok {
			t.Errorf("Asset(%q) gives a file", bad)
		}
	}
	for _, name := range Assets() {
		data, kind, ok := Asset(name)
		if !ok || len(data) == 0 || kind == "" {
			t.Errorf("asset %s: %d bytes of %q", name, len(data), kind)
		}
	}
	if u := URL("console.js"); !regexp.MustCompile(`^/assets/[0-9a-f]{16}/console\.js$`).MatchString(u) {
		t.Errorf("URL gives %q", u)
	}
	if !strings.Contains(Policy(PageFrame, "https://shop.example"), "frame-ancestors 'self' https://shop.example;") || !strings.Contains(Policy(PageConsole), "frame-ancestors 'none'") {
		t.Error("the frame may be embedded by the wrong pages")
	}
	for _, page := range []string{PageConsole, PageFrame, PageChat, ""} {
		if p := Policy(page); !strings.HasPrefix(p, "default-src 'none'; script-src 'self'; style-src 'self';") || !strings.HasSuffix(p, "require-trusted-types-for 'script'; trusted-types 'none'") || strings.Contains(p, "unsafe") {
			t.Errorf("policy of %q is %s", page, p)
		}
	}
}
