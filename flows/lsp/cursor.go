package lsp

import (
	"maps"
	"strings"

	"dispatcher/flows"
)

// cursor is what a place in a file is, as far as its shape shows.
type cursor struct {
	path []flows.Step // what holds the place
	// key: a key is written here, so far word; used are those beside it.
	key  bool
	used map[string]bool
	// value: a value is written here, so far value.
	value string
	open  bool // a value may stand here
	word  int  // where the key or value begins, a byte of the file
	end   int  // of a key that is there: where its words end; else the place itself
}

// at is the cursor at a byte of the file.
func (o *outline) at(offset int) cursor {
	n := o.lineAt(offset)
	if head := o.lines[n].head; head >= 0 {
		return o.valueOf(head, offset)
	}
	line, col := o.line(n), offset-o.starts[n]
	col = min(col, len(line))
	s := o.lines[n]
	if s.empty {
		if strings.Contains(line[:col], "#") {
			return cursor{}
		}
		c := cursor{key: true, open: true, word: offset, end: offset, path: o.above(n, nil, col, false), used: o.beside(n, col)}
		return c
	}
	last := len(s.tokens) - 1
	if last >= 0 && !s.tokens[last].item && col > s.tokens[last].end {
		return o.valueOf(n, offset)
	}
	if last >= 0 && !s.tokens[last].item { // in the words of a key
		t := s.tokens[last]
		if col < t.col {
			return cursor{}
		}
		return cursor{key: true, path: o.above(n, s.tokens[:last], t.col, false), used: o.beside(n, t.col), word: o.starts[n] + t.col, end: o.starts[n] + t.end}
	}
	if col < s.value {
		s.value = col
	}
	if strings.Contains(line[s.value:col], " #") {
		return cursor{}
	}
	c := o.inValue(o.above(n, s.tokens, s.value, false), o.starts[n]+s.value, offset)
	if rest := line[s.value:col]; rest == "" || rest[0] != '{' && rest[0] != '[' { // perhaps a key without its colon yet
		c.key, c.used = true, o.beside(n, s.value)
	}
	return c
}

// valueOf is the cursor in what follows the tokens of a line.
func (o *outline) valueOf(n, offset int) cursor {
	s := o.lines[n]
	path := o.above(n, s.tokens, len(o.line(n))+1, false)
	start := o.starts[n] + min(s.value, len(o.line(n)))
	if offset < start {
		start = offset
	}
	if line := o.line(n); o.lineAt(offset) == n {
		if value := o.data[start:offset]; strings.Contains(value, " #") && !strings.ContainsAny(value[:1], `"'`) || strings.HasPrefix(strings.TrimLeft(line[s.value:], " "), "#") {
			return cursor{}
		}
	}
	return o.inValue(path, start, offset)
}

// inValue is the cursor in a value that begins at start, which may be brackets.
func (o *outline) inValue(path []flows.Step, start, offset int) cursor {
	value := o.data[start:offset]
	if value == "" || value[0] != '{' && value[0] != '[' {
		quotes := len(value) - len(strings.TrimLeft(value, `"'`))
		quotes = min(quotes, 1)
		return cursor{path: path, open: true, value: value[quotes:], word: start + quotes, end: offset}
	}
	f := &flowing{text: value}
	f.read()
	c := cursor{path: append(path, f.path()...), end: offset}
	if len(f.frames) == 0 { // behind the brackets
		return cursor{}
	}
	top := f.frames[len(f.frames)-1]
	rest := value[f.entry:]
	from := f.entry + indent(rest)
	if quoted := value[from:]; quoted != "" && strings.IndexByte(`"'`, quoted[0]) >= 0 {
		from++
	}
	c.word, c.value = start+from, value[from:]
	c.open = top.list || top.key != ""
	if !top.list && top.key == "" {
		c.key, c.used = true, top.used
		maps.Copy(c.used, keysAfter(o.data[offset:]))
	}
	return c
}

// flowing reads what stands between brackets up to the cursor.
type flowing struct {
	text   string
	frames []frame
	entry  int // where the present entry, or its value, begins
}

// frame is one pair of brackets that is open.
type frame struct {
	list bool
	key  string
	used map[string]bool
}

func (f *flowing) read() {
	for i := 0; i < len(f.text); i++ {
		c := f.text[i]
		switch c {
		case '{', '[':
			f.frames = append(f.frames, frame{list: c == '[', used: map[string]bool{}})
			f.entry = i + 1
		case '}', ']':
			if len(f.frames) > 0 {
				f.frames = f.frames[:len(f.frames)-1]
			}
			f.entry = i + 1
		case ',':
			if top := f.top(); top != nil {
				top.key = ""
			}
			f.entry = i + 1
		case '"', '\'':
			if strings.TrimSpace(f.text[f.entry:i]) != "" {
				continue // inside of a word, as in don't
			}
			end := quoted(f.text, i)
			if end < 0 {
				return
			}
			i = end
		case ':':
			top := f.top()
			if top == nil || top.list || top.key != "" || i+1 < len(f.text) && f.text[i+1] != ' ' {
				continue
			}
			top.key = strings.Trim(strings.TrimSpace(f.text[f.entry:i]), `"'`)
			top.used[top.key] = true
			f.entry = i + 1
		}
	}
}

func (f *flowing) top() *frame {
	if len(f.frames) == 0 {
		return nil
	}
	return &f.frames[len(f.frames)-1]
}

// quoted is where the quotes end that begin at i, -1 where they do not.
func quoted(s string, i int) int {
	for j := i + 1; j < len(s); j++ {
		switch {
		case s[j] == '\\' && s[i] == '"':
			j++
		case s[j] == s[i]:
			return j
		}
	}
	return -1
}

func (f *flowing) path() []flows.Step {
	var out []flows.Step
	for _, frame := range f.frames {
		switch {
		case frame.list:
			out = append(out, flows.Step{Item: true})
		case frame.key != "":
			out = append(out, flows.Step{Key: frame.key})
		}
	}
	return out
}

// keysAfter are the keys that follow up to the bracket that closes the map.
func keysAfter(rest string) map[string]bool {
	if end := strings.IndexByte(rest, '\n'); end >= 0 {
		rest = rest[:end]
	}
	f := &flowing{text: "{" + rest}
	out := map[string]bool{}
	f.frames = append(f.frames, frame{used: out})
	f.text = rest
	f.read()
	return out
}
