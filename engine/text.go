package engine

import (
	"errors"
	"strings"
	"unicode/utf8"
)

var errLongText = errors.New("this text is longer than 10,000 characters")

// text renders a text in the contact's language, else in the first. Values
// are rendered once: what they hold is never read as a template.
func (t *turn) text(tx *Text) string {
	s, err := t.render(tx)
	if err != nil {
		t.fail(tx.At.String(), err)
	}
	return s
}

func (t *turn) render(tx *Text) (string, error) {
	if tx == nil {
		return "", nil
	}
	if len(tx.Any) > 0 {
		n := share(t.ev.World.ID+"/"+t.st.Position(), tx.At.String()+string(rune('a'+t.st.Visit%26)))
		return t.render(tx.Any[int(n*float64(len(tx.Any)))])
	}
	return t.template(tx.in(t.lang, t.set.first()))
}

// in is the template of a language, else of the first.
func (tx *Text) in(lang, first string) *Template {
	if tpl := tx.Lang[lang]; tpl != nil {
		return tpl
	}
	if tpl := tx.Lang[first]; tpl != nil {
		return tpl
	}
	for _, tpl := range tx.Lang {
		if len(tx.Lang) == 1 {
			return tpl
		}
	}
	return nil
}

func (t *turn) template(tpl *Template) (string, error) {
	if s, ok := tpl.constant(); ok {
		return trimLines(s), nil
	}
	if tpl == nil {
		return "", nil
	}
	var b strings.Builder
	for _, p := range tpl.Parts {
		if p.Expr == nil {
			b.WriteString(p.Lit)
			continue
		}
		v, err := t.eval.eval(p.Expr)
		if err != nil {
			return "", err
		}
		s := t.formatValue(v)
		if t.eval.built += len(s); t.eval.built > maxBuilt {
			return "", errBytes
		}
		b.WriteString(s)
	}
	out := trimLines(b.String())
	if len(out) > maxRendered && utf8.RuneCountInString(out) > maxRendered {
		return "", errLongText
	}
	return out, nil
}

// trimLines drops leading and trailing blank lines.
func trimLines(s string) string {
	for {
		i := strings.IndexByte(s, '\n')
		if i < 0 || strings.TrimSpace(s[:i]) != "" {
			break
		}
		s = s[i+1:]
	}
	return strings.TrimRight(s, " \t\r\n")
}

// sentence is a built-in sentence: the project's own if it has one, else the
// pack of the language.
func (t *turn) sentence(name string) string {
	if c := t.set.Canned["builtin_"+name]; c != nil && c.Text != nil {
		if _, translated := c.Text.Lang[t.lang]; translated || PackOf(t.lang) == nil || t.lang == t.set.first() {
			return t.text(c.Text)
		}
	}
	return packOr(t.lang).Sentences[name]
}

// confirmText fills the value into the built-in read-back.
func (t *turn) confirmText(value string) string {
	return strings.ReplaceAll(t.sentence("confirm"), "{{ value }}", value)
}
