package flows

import (
	"path"
	"slices"
	"strings"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

// mediaFiles are the kinds of media a state may show and the files each takes
// (language.md 1).
var mediaFiles = []struct {
	kind  string
	files []string
}{
	{"image", []string{".png", ".jpg", ".jpeg", ".gif", ".webp"}},
	{"video", []string{".mp4"}},
	{"file", []string{".png", ".jpg", ".jpeg", ".gif", ".webp", ".mp4", ".pdf"}},
}

// media compiles {image|video|file: path, alt: text}; at is what holds it.
func (l *loader) media(n *source.Node, at source.Range) *engine.MediaRef {
	if n.Kind != source.Map {
		if n.Kind == source.Null {
			l.err("E110", at, "media needs an image, a video or a file")
		}
		return nil
	}
	var out *engine.MediaRef
	for _, m := range mediaFiles {
		p := n.Pair(m.kind)
		if p == nil {
			continue
		}
		if out != nil {
			l.err("E105", p.Key.Words(), "one message shows one file: %s and %s are both written", out.Kind, m.kind)
			continue
		}
		out = &engine.MediaRef{Kind: m.kind}
		if name, ok := scalar(p.Value); ok {
			out.Path = l.mediaFile(p.Value, name, m.kind, m.files)
		} else if p.Value.Kind == source.Null {
			l.err("E110", p.Key.Words(), "%s needs a path, such as media/photo.jpg", m.kind)
		}
	}
	alt := n.Get("alt")
	switch {
	case out == nil:
		if !l.nearAny(n, "media", []string{"image", "video", "file"}) {
			l.err("E110", at, "media needs an image, a video or a file")
		}
		return nil
	case out.Kind == "image" && (alt == nil || alt.Kind == source.Null || alt.Kind == source.Scalar && strings.TrimSpace(alt.Text) == "") && !l.nearAny(n, "media", []string{"alt"}):
		l.err("E141", at, "an image needs alt text")
	}
	out.Alt = l.text(alt, scope{})
	return out
}

// mediaFile finds a file that flows name (E140): its path in the project.
func (l *loader) mediaFile(n *source.Node, name, kind string, ends []string) string {
	full := path.Join("flows", name)
	if !strings.HasPrefix(full, "flows/media/") || path.Clean(name) != name {
		full = ""
	}
	if _, there := l.files.Media[full]; !there {
		d := l.err("E140", n.Words(), "there is no file %s under flows", name)
		var have []string
		for p := range l.files.Media {
			have = append(have, strings.TrimPrefix(p, "flows/"))
		}
		if l.suggest(d, name, have); d.Hint == "" && slices.Contains(have, "media/"+name) {
			l.spelling(d, "media/"+name, true)
		}
		return ""
	}
	if end := strings.ToLower(path.Ext(name)); !slices.Contains(ends, end) {
		l.err("E105", n.Words(), "%s cannot be shown as %s: it takes %s", name, kind, strings.ReplaceAll(strings.Join(ends, " "), ".", ""))
	}
	if l.files.Large[full] {
		l.err("E007", n.Words(), "%s is over 10 MiB", name)
	}
	return full
}
