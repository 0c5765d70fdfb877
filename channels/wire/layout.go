package wire

import (
	"fmt"
	"strconv"
	"strings"

	"dispatcher/channels"
	"dispatcher/dm"
)

// Part is one platform message as it will be sent, within the channel's limits.
type Part struct {
	Text    string
	Options []dm.Option
	Links   []dm.Link
	Media   []dm.Media
}

// Layout fits a message into what a channel can carry: options into the best
// form that takes them, links and media beside the text or into it, long text
// into several parts. Options, links and media ride on the last part. It never
// fails; everything given up is in the report.
func Layout(out dm.Outbound, caps channels.Caps) ([]Part, []channels.Degradation) {
	l := layout{out: out, caps: caps, text: out.Text}
	l.links()
	l.media()
	l.options()
	if out.ReplyTo != "" && !caps.Replies {
		l.note(channels.Degradation{Code: "reply_to.none", Path: "reply_to"})
	}
	texts := Split(l.text, caps.Text)
	if len(texts) > 1 {
		l.note(channels.Degradation{Code: "text.split", Path: "text", Limit: caps.Text.N, Got: Length(l.text, caps.Text.Unit)})
	}
	parts := make([]Part, len(texts))
	for i, t := range texts {
		parts[i].Text = t
	}
	last := &parts[len(parts)-1]
	last.Options, last.Links, last.Media = l.opts, l.urls, l.files
	return parts, l.report
}

type layout struct {
	out    dm.Outbound
	caps   channels.Caps
	text   string
	opts   []dm.Option
	urls   []dm.Link
	files  []dm.Media
	report []channels.Degradation
}

func (l *layout) note(d channels.Degradation) { l.report = append(l.report, d) }

// paragraph adds words below the text.
func (l *layout) paragraph(words string) {
	if l.text != "" {
		l.text += "\n\n"
	}
	l.text += words
}

func (l *layout) options() {
	if len(l.out.Options) == 0 {
		return
	}
	form, first := l.form()
	if form.Name == channels.FormText {
		l.numbered()
		return
	}
	if !first {
		l.note(channels.Degradation{Code: "options.list", Path: "options", Got: len(l.out.Options)})
	}
	l.opts = l.fit(form)
}

// form is the best form that takes the options, and whether it is the channel's first.
func (l *layout) form() (f channels.Form, first bool) {
	for i, f := range l.caps.Forms {
		switch as := l.out.OptionsAs; {
		case f.Name == channels.FormText, len(l.out.Options) > f.Max:
			continue
		case as != "" && as != "auto" && as != f.Name:
			continue
		case f.NoURLs && anyURL(l.out.Options):
			continue
		}
		return f, i == 0
	}
	return channels.Form{Name: channels.FormText}, false
}

func anyURL(options []dm.Option) bool {
	for _, o := range options {
		if HasURL(o.Label) {
			return true
		}
	}
	return false
}

func (l *layout) numbered() {
	code, limit := "options.typed_only", 0
	for _, f := range l.caps.Forms {
		if f.Name != channels.FormText {
			code, limit = "options.text", max(limit, f.Max)
		}
	}
	l.note(channels.Degradation{Code: code, Path: "options", Limit: limit, Got: len(l.out.Options)})
	l.paragraph(Numbered(l.out.Options, l.out.Locale))
}

// fit makes the labels and descriptions of a native form keep its limits.
func (l *layout) fit(f channels.Form) []dm.Option {
	fitted := make([]dm.Option, len(l.out.Options))
	described := 0
	for i, o := range l.out.Options {
		fitted[i] = dm.Option{Payload: o.Payload, Label: l.label(i, o, f.Label), Description: l.description(i, o, f.Description)}
		if fitted[i].Description != "" {
			described++
		}
	}
	if f.AllOrNone && described > 0 && described < len(fitted) {
		for i := range fitted {
			if fitted[i].Description != "" {
				fitted[i].Description = ""
				l.note(channels.Degradation{Code: "description.dropped", Path: path("options", i, "description"), Loss: true})
			}
		}
	}
	tellApart(fitted, f.Label)
	return fitted
}

func (l *layout) label(i int, o dm.Option, limit dm.Limit) string {
	if Fits(o.Label, limit) {
		return o.Label
	}
	d := channels.Degradation{Path: path("options", i, "label"), Limit: limit.N, Got: Length(o.Label, limit.Unit)}
	if o.Short != "" && Fits(o.Short, limit) {
		d.Code = "label.short"
		l.note(d)
		return o.Short
	}
	d.Code, d.Loss = "label.cut", true
	l.note(d)
	short, _ := Cut(o.Label, limit)
	return short
}

func (l *layout) description(i int, o dm.Option, limit dm.Limit) string {
	if o.Description == "" {
		return ""
	}
	d := channels.Degradation{Path: path("options", i, "description"), Limit: limit.N, Got: Length(o.Description, limit.Unit), Loss: true}
	if limit.N == 0 {
		d.Code = "description.dropped"
		l.note(d)
		return ""
	}
	short, cut := Cut(o.Description, limit)
	if cut {
		d.Code = "label.cut"
		l.note(d)
	}
	return short
}

// tellApart gives the later ones of equal labels " (2)", " (3)" inside the limit.
func tellApart(options []dm.Option, limit dm.Limit) {
	seen := make(map[string]bool, len(options))
	for i := range options {
		label := options[i].Label
		for n := 2; seen[label]; n++ {
			mark := " (" + strconv.Itoa(n) + ")"
			room := dm.Limit{N: limit.N - len(mark), Unit: limit.Unit}
			head := options[i].Label
			if limit.N > 0 {
				head, _ = Cut(head, room)
			}
			label = head + mark
		}
		options[i].Label = label
		seen[label] = true
	}
}

func (l *layout) links() {
	for i, link := range l.out.Links {
		if l.caps.Links != nil && i < l.caps.Links.Max {
			room := dm.Limit{N: l.caps.Links.Label, Unit: Runes}
			short, cut := Cut(link.Label, room)
			if cut {
				l.note(channels.Degradation{Code: "label.cut", Path: path("links", i, "label"), Limit: room.N, Got: Length(link.Label, Runes), Loss: true})
			}
			l.urls = append(l.urls, dm.Link{Label: short, URL: link.URL})
			continue
		}
		l.note(channels.Degradation{Code: "link.text", Path: fmt.Sprintf("links[%d]", i)})
		l.paragraph(join(": ", link.Label, link.URL))
	}
}

func (l *layout) media() {
	taken := map[string]int{}
	for i, m := range l.out.Media {
		limit, ok := l.caps.Media[m.Kind]
		ok = ok && (limit.PerMessage == 0 || taken[m.Kind] < limit.PerMessage) && (limit.Bytes == 0 || m.Bytes <= limit.Bytes)
		switch {
		case ok && (m.Handle != "" || limit.ByURL && m.URL != ""):
			taken[m.Kind]++
			l.files = append(l.files, m)
		case m.URL != "":
			l.note(channels.Degradation{Code: "media.link", Path: fmt.Sprintf("media[%d]", i)})
			l.paragraph(join(": ", firstOf(m.Alt, m.Name), m.URL))
		default:
			l.note(channels.Degradation{Code: "media.dropped", Path: fmt.Sprintf("media[%d]", i), Loss: true})
			if name := firstOf(m.Alt, m.Name); name != "" {
				l.paragraph("(" + name + ")")
			}
		}
	}
}

// Numbered is a list of options as text, for platforms without buttons.
func Numbered(options []dm.Option, locale string) string {
	var b strings.Builder
	for i, o := range options {
		b.WriteString(strconv.Itoa(i+1) + ". " + join(" – ", o.Label, o.Description) + "\n")
	}
	b.WriteString("\n" + howToReply(locale))
	return b.String()
}

// howToReply is the closing line of a numbered list in the customer's language, English where we have no words.
func howToReply(locale string) string {
	language, _, _ := strings.Cut(strings.ToLower(locale), "-")
	switch language {
	case "de":
		return "Antworten Sie mit einer Zahl oder mit eigenen Worten."
	case "es":
		return "Responda con un número o con sus propias palabras."
	case "fr":
		return "Répondez par un numéro ou avec vos propres mots."
	case "it":
		return "Risponda con un numero o con parole sue."
	case "nl":
		return "Antwoord met een nummer of in uw eigen woorden."
	case "pt":
		return "Responda com um número ou com as suas próprias palavras."
	}
	return "Reply with a number or in your own words."
}

func path(list string, i int, field string) string { return fmt.Sprintf("%s[%d].%s", list, i, field) }

func join(between string, words ...string) string {
	var some []string
	for _, w := range words {
		if w != "" {
			some = append(some, w)
		}
	}
	return strings.Join(some, between)
}

func firstOf(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}
