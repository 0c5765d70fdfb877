package flows

import (
	"time"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

// verify compiles a proof of who is writing (language.md 2.19).
func (l *loader) verify(p *source.Pair) *engine.Verify {
	n := p.Value
	if n.Kind != source.Map {
		if n.Kind == source.Null {
			l.err("E110", p.Key.Words(), "verify needs by, service and ask")
		}
		return nil
	}
	v := &engine.Verify{At: l.place(p.Key.Range), Expires: 10 * time.Minute, Keep: 30 * time.Minute}
	by := n.Get("by")
	if by == nil || by.Kind == source.Null {
		l.missing(n, "verify", "by", p.Key.Words(), "verify needs by: link or code")
	}
	v.By = l.choose(n, "verify", "by", "")
	v.Service = l.wantService(n.Get("service"), n, "verify", p.Key.Words())
	for _, w := range words(n.Get("send")) {
		if l.wantSlot(w) {
			v.Send = append(v.Send, w.Text)
		}
	}
	v.Ask = l.linkText(n, p, "verify", scope{verify: v.By != engine.VerifyCode}, v.By == engine.VerifyLink)
	v.MaxTries = l.count(n, "verify", "max_tries", 3)
	v.Expires = l.duration(n.Get("expires"), v.Expires)
	v.Keep = l.duration(n.Get("keep"), v.Keep)
	if e := n.Pair("failed"); e != nil {
		v.Failed = l.exit(e.Value, e.Key.Words(), "verify:failed", "verify:failed")
	}
	return v
}

// verifyWays are the ways out of a verification.
func verifyWays(s *stateSrc) []way {
	at := s.key.Words()
	return []way{{by: byAnswer, exit: s.def.Exit, at: at}, {by: byKnown, exit: s.def.Exit, at: at},
		{by: byGivingUp, exit: s.def.Verify.Failed, name: "failed", at: at}}
}
