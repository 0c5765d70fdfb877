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

// sentence is a built-in sentence: the project's own if it has one in the
// conversation's language, else the pack's. A language without a pack takes the
// project's own in its first language before English.
func (t *turn) sentence(name string) string {
	if own := t.ownSentence(name); own != nil {
		return t.text(own)
	}
	return packOr(t.lang).Sentences[name]
}

// ownSentence is a built-in sentence in the project's words, nil for the pack's.
func (t *turn) ownSentence(name string) *Text {
	if own := t.set.Sentences[name]; t.speaks(own) {
		return own
	}
	if c := t.set.Canned["builtin_"+name]; c != nil && t.speaks(c.Text) {
		return c.Text
	}
	return nil
}

// speaks says that a sentence of the project is the one to say in the
// conversation's language.
func (t *turn) speaks(own *Text) bool {
	if own == nil {
		return false
	}
	first := t.set.first()
	return own.Lang == nil || own.Lang[t.lang] != nil || own.Lang[first] != nil && (PackOf(t.lang) == nil || t.lang == first)
}

// safeSentence is a sentence for a turn in which something went wrong already:
// what fails in the project's own words gives the pack's.
func (t *turn) safeSentence(name string) (s string) {
	defer func() {
		if recover() != nil || s == "" {
			s = packOr(t.lang).Sentences[name]
		}
	}()
	return t.sentence(name)
}

// confirmText fills the value into the built-in read-back.
func (t *turn) confirmText(value string) string {
	return strings.ReplaceAll(t.sentence("confirm"), "{{ value }}", value)
}
