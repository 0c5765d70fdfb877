package flows

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"

	"dispatcher/internal/source"
)

const (
	maxFixRounds  = 50    // of checking a project again after its repairs
	maxSyntaxRuns = 2_000 // of reading one file again
)

// Repair is one repair that Fix has made.
type Repair struct {
	Code   string `json:"code"`
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Old    string `json:"old"`
	New    string `json:"new"`
}

// String is the change as check --fix prints it.
func (c Repair) String() string {
	what := shown(c.Old) + " → " + shown(c.New)
	if c.Old == "" {
		what = "added " + shown(c.New)
	}
	return c.File + ":" + strconv.Itoa(c.Line) + ":" + strconv.Itoa(c.Column) + ": " + c.Code + ": " + what
}

// shown makes blanks visible and long texts short.
func shown(s string) string {
	if strings.Trim(s, " \t") == "" {
		tabs, blanks := strings.Count(s, "\t"), strings.Count(s, " ")
		var parts []string
		if tabs > 0 {
			parts = append(parts, some(tabs, "tab"))
		}
		if blanks > 0 {
			parts = append(parts, some(blanks, "space"))
		}
		return strings.Join(parts, " and ")
	}
	if r := []rune(s); len(r) > 60 {
		return string(r[:57]) + "…"
	}
	return s
}

// Fix makes every repair that is safe: spelling where one word alone can have
// been meant, = for ==, tabs, missing quotes. load is the check. Every byte
// that is no part of a repair stays; files are not written. A repair that does
// not make the project better is taken back. The result is the project as it
// is after the repairs; a second Fix finds nothing to do.
func Fix(files *Files, load func(*Files) *Project) (*Project, []Repair) {
	now := &Files{Name: files.Name, Data: maps.Clone(files.Data), Media: files.Media}
	var done []Repair
	paths := keysOf(now.Data)
	slices.Sort(paths)
	for _, p := range paths {
		if strings.HasSuffix(p, ".yaml") {
			done = append(done, fixSyntax(now, p, load)...)
		}
	}
	f := &fixer{now: now, load: load, refused: map[string]bool{}}
	f.project = load(now)
	for range maxFixRounds {
		if !f.round() {
			break
		}
	}
	return f.project, append(done, f.done...)
}

// fixer repairs what needs the whole project to be seen.
type fixer struct {
	now     *Files
	project *Project
	load    func(*Files) *Project
	done    []Repair
	refused map[string]bool
}

// round makes all repairs at once, or, where together they do not help, one
// after the other. It says whether anything has changed.
func (f *fixer) round() bool {
	var safe []source.Diagnostic
	for _, d := range f.project.Diagnostics {
		if isSafe(d) && !f.refused[fixKey(d)] {
			safe = append(safe, d)
		}
	}
	if len(safe) == 0 {
		return false
	}
	if f.try(safe) {
		return true
	}
	for _, d := range safe {
		if f.try([]source.Diagnostic{d}) {
			return true // the others stand elsewhere now
		}
		f.refused[fixKey(d)] = true
	}
	return false
}

func isSafe(d source.Diagnostic) bool {
	return d.Fix != nil && d.Fix.Safe && len(d.Fix.Edits) > 0 && d.Range.File != ""
}

// fixKey names a repair by what it changes, wherever that has moved to.
func fixKey(d source.Diagnostic) string {
	return d.Code + " " + d.Range.File + ":" + strconv.Itoa(d.Range.Line) + " " + d.Message
}

// try makes repairs and keeps them when there are fewer errors than before and
// no file stopped being readable.
func (f *fixer) try(list []source.Diagnostic) bool {
	next := &Files{Name: f.now.Name, Data: maps.Clone(f.now.Data), Media: f.now.Media}
	var made []Repair
	for _, path := range keysOf(f.now.Data) {
		made = append(made, apply(next, path, list)...)
	}
	if len(made) == 0 {
		return false
	}
	p := f.load(next)
	if problems(p, source.Error) >= problems(f.project, source.Error) && problems(p, "") >= problems(f.project, "") || p.SetID == "" && f.project.SetID != "" {
		return false
	}
	slices.SortStableFunc(made, func(a, b Repair) int {
		return strings.Compare(a.File, b.File)
	})
	f.now, f.project, f.done = next, p, append(f.done, made...)
	return true
}

func problems(p *Project, severity string) int {
	n := 0
	for _, d := range p.Diagnostics {
		if severity == "" || d.Severity == severity {
			n++
		}
	}
	return n
}

// apply makes the edits that concern one file, none of which overlap.
func apply(files *Files, path string, list []source.Diagnostic) []Repair {
	type edit struct {
		source.Edit
		code string
	}
	var edits []edit
	for _, d := range list {
		if d.Range.File != path {
			continue
		}
		for _, e := range d.Fix.Edits {
			edits = append(edits, edit{e, d.Code})
		}
	}
	slices.SortStableFunc(edits, func(a, b edit) int { return a.Range.Offset - b.Range.Offset })
	data := files.Data[path]
	head := len(data) - len(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))) // no part of what offsets count
	out := slices.Clone(data[:head])
	at := 0
	var made []Repair
	for _, e := range edits {
		from, to := e.Range.Offset, e.Range.Offset+e.Range.Length
		if from < at || to > len(data)-head {
			continue
		}
		out = append(append(out, data[head+at:head+from]...), e.Text...)
		made = append(made, Repair{Code: e.code, File: path, Line: e.Range.Line, Column: e.Range.Column, Old: string(data[head+from : head+to]), New: e.Text})
		at = to
	}
	if len(made) > 0 {
		files.Data[path] = append(out, data[head+at:]...)
	}
	return made
}

// fixSyntax repairs what keeps a file from being read, one mistake after the
// other, as far as each repair moves the next mistake down or away.
func fixSyntax(files *Files, path string, load func(*Files) *Project) []Repair {
	var done []Repair
	for range maxSyntaxRuns {
		d, ok := syntaxProblem(path, files.Data[path])
		if !ok || !isSafe(d) {
			break
		}
		before := files.Data[path]
		made := fixOne(files, path, d, load)
		if len(made) == 0 {
			break
		}
		if next, bad := syntaxProblem(path, files.Data[path]); bad && next.Range.Line <= d.Range.Line {
			files.Data[path] = before
			break
		}
		done = append(done, made...)
	}
	return done
}

// syntaxProblem is what keeps a file from being read.
func syntaxProblem(path string, data []byte) (source.Diagnostic, bool) {
	_, diags := source.Parse(path, data)
	for _, d := range diags {
		if d.Code < "E100" {
			return d, true
		}
	}
	return source.Diagnostic{}, false
}

// fixOne makes one repair; of a tab, with the width that leaves the fewest problems.
func fixOne(files *Files, path string, d source.Diagnostic, load func(*Files) *Project) []Repair {
	if d.Code != "E002" {
		return apply(files, path, []source.Diagnostic{d})
	}
	before := files.Data[path]
	best, least := []byte(nil), 0
	var made []Repair
	for _, width := range []int{2, 4, 8} {
		files.Data[path] = before
		changes := apply(files, path, []source.Diagnostic{retabbed(d, before, width)})
		worse := 0
		if next, bad := syntaxProblem(path, files.Data[path]); bad {
			worse = 1_000_000 - next.Range.Line
		} else {
			worse = problems(load(files), source.Error)
		}
		if best == nil || worse < least {
			best, least, made = files.Data[path], worse, changes
		}
	}
	files.Data[path] = best
	return made
}

// retabbed is the repair of tabs with another number of blanks for each.
func retabbed(d source.Diagnostic, data []byte, width int) source.Diagnostic {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	fix := &source.Fix{Safe: true}
	for _, e := range d.Fix.Edits {
		old := string(data[e.Range.Offset : e.Range.Offset+e.Range.Length])
		fix.Edits = append(fix.Edits, source.Edit{Range: e.Range, Text: strings.ReplaceAll(old, "\t", strings.Repeat(" ", width))})
	}
	d.Fix = fix
	return d
}
