package flows

import (
	"strconv"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

// survey compiles csat: a score from 1 to 5 and perhaps a comment.
func (l *loader) survey(p *source.Pair) *engine.Survey {
	n := p.Value
	if n.Kind != source.Map {
		if n.Kind == source.Null {
			l.err("E110", p.Key.Words(), "csat needs score")
		}
		return nil
	}
	out := &engine.Survey{At: l.place(p.Key.Range)}
	score := n.Get("score")
	src, ok := scalar(score)
	if !ok {
		if score == nil || score.Kind == source.Null {
			l.missing(n, "csat", "score", p.Key.Words(), "csat needs score")
		}
	} else {
		out.Score = l.expression(where{score, 0, src}, scope{text: true, want: kNumber}, false)
		if v, err := strconv.ParseFloat(src, 64); err == nil && !(v >= 1 && v <= 5) {
			l.err("E105", score.Words(), "%s is not a score; it goes from 1 to 5", src)
		}
	}
	if src, ok := scalar(n.Get("comment")); ok {
		out.Comment = l.expression(where{n.Get("comment"), 0, src}, scope{text: true, want: kText}, false)
	}
	return out
}
