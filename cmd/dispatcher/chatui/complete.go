package chatui

import (
	"slices"
	"strings"
	"unicode/utf8"

	"dispatcher/engine"
)

// command is one of the commands with what it does.
type command struct{ name, args, about string }

// commands are those of language.md 8, in the order in which they are shown.
func commands() []command {
	return []command{
		{"/why", "", "why the bot did what it did"},
		{"/slots", "", "what it has learnt"},
		{"/state", "", "where it stands"},
		{"/back", "[n]", "take back n inputs"},
		{"/goto", "STATE", "enter flow or flow.state"},
		{"/set", "k=v", "fill a slot, or contact.FIELD"},
		{"/wait", "10m", "let time pass"},
		{"/tap", "N", "press a button"},
		{"/send", "image", "send a picture"},
		{"/http", "404", `answer a look-up; also 200 {"json": "body"}, timeout`},
		{"/lang", "fr", "change the language"},
		{"/agent", "claim", "an agent: claim, return, resolve, say TEXT, delegate FLOW"},
		{"/submit", "k=v; k=v", "send the open form"},
		{"/verify", "ok", "end a verification: ok, fail or expire"},
		{"/save", "NAME", "keep the talk as a test"},
		{"/help", "", "this list"},
		{"/quit", "", "end"},
	}
}

// contactFields may be set like slots.
var contactFields = [...]string{"first_name", "name", "language", "channel_handle", "verified", "verified_by", "vip", "new", "unreachable", "tags"}

// completions are the whole inputs that a begun command may become, in order.
func completions(set *engine.Set, buttons []engine.SayOption, input string) []string {
	if !strings.HasPrefix(input, "/") {
		return nil
	}
	verb, rest, ok := strings.Cut(input, " ")
	if !ok {
		var out []string
		for _, c := range commands() {
			if strings.HasPrefix(c.name, verb) {
				if c.args != "" {
					out = append(out, c.name+" ")
					continue
				}
				out = append(out, c.name)
			}
		}
		return out
	}
	lead, word := verb+" ", rest
	if verb == "/submit" {
		if i := strings.LastIndex(rest, ";"); i >= 0 {
			word = strings.TrimLeft(rest[i+1:], " ")
			lead += rest[:i+1] + " "
		}
	}
	var out []string
	for _, w := range arguments(set, buttons, verb, word) {
		if strings.HasPrefix(w, word) && w != word {
			out = append(out, lead+w)
		}
	}
	return out
}

// arguments are the words that a command takes.
func arguments(set *engine.Set, buttons []engine.SayOption, verb, word string) []string {
	switch verb {
	case "/goto":
		return states(set)
	case "/set", "/submit":
		return assignments(set, verb == "/set")
	case "/wait":
		return []string{"10m", "1h", "1d"}
	case "/tap":
		var out []string
		for _, o := range buttons {
			out = append(out, o.ID)
		}
		return out
	case "/send":
		return []string{"image", "video", "audio", "file", "location"}
	case "/http":
		return []string{"200 {}", "404", "500", "timeout", "refused", "invalid"}
	case "/lang":
		return set.Languages
	case "/verify":
		return []string{"ok", "fail", "expire"}
	case "/agent":
		if strings.HasPrefix(word, "delegate ") {
			return delegates(set)
		}
		return []string{"claim", "return", "resolve", "say ", "delegate "}
	}
	return nil
}

// states are the flows and their states.
func states(set *engine.Set) []string {
	var out []string
	for _, name := range set.FlowOrder {
		out = append(out, name)
		for _, s := range set.Flows[name].StateOrder {
			out = append(out, name+"."+s)
		}
	}
	return out
}

func assignments(set *engine.Set, contact bool) []string {
	var out []string
	for _, name := range set.SlotOrder {
		out = append(out, name+"=")
	}
	if contact {
		for _, f := range contactFields {
			out = append(out, "contact."+f+"=")
		}
	}
	return out
}

// delegates are the flows that an agent may lend a conversation to, those with
// a button of their own first.
func delegates(set *engine.Set) []string {
	var first, then []string
	for _, name := range set.FlowOrder {
		if set.Flows[name].Delegate != nil {
			first = append(first, "delegate "+name)
			continue
		}
		then = append(then, "delegate "+name)
	}
	return slices.Concat(first, then)
}

// common is the longest beginning that all texts share.
func common(all []string) string {
	out := all[0]
	for _, s := range all[1:] {
		for !strings.HasPrefix(s, out) {
			_, n := utf8.DecodeLastRuneInString(out)
			out = out[:len(out)-n]
		}
	}
	return out
}
