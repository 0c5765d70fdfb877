package lsp

import (
	"fmt"
	"strings"

	"dispatcher/flows"
	"dispatcher/internal/source"
)

// describe says in Markdown what a name stands for.
func (l look) describe(m flows.Mention) string {
	title := fmt.Sprintf("**%s** `%s`", m.Kind, m.Name)
	if m.Kind == flows.NameState {
		title = fmt.Sprintf("**%s** `%s.%s`", m.Kind, m.Flow, m.Name)
	}
	declared := l.Declarations(m)
	if len(declared) == 0 {
		return title + "\n\nThere is no " + m.Kind + " of this name."
	}
	d := declared[0]
	var lines []string
	if d.Node != nil {
		lines = details(d)
	}
	where := fmt.Sprintf("Declared in %s:%d.", d.At.File, d.At.Line)
	if !d.Declares {
		where = fmt.Sprintf("Text without rules: it is declared nowhere and first filled in %s:%d.", d.At.File, d.At.Line)
	}
	return strings.Join(append(append([]string{title}, lines...), where), "\n\n")
}

// short is describe on one line, for lists.
func (l look) short(m flows.Mention) string {
	if m.Node == nil {
		return m.Kind
	}
	if lines := details(m); len(lines) > 0 {
		line, _, _ := strings.Cut(lines[0], "\n")
		return strings.Trim(line, "“”")
	}
	return m.Kind
}

func details(m flows.Mention) []string {
	n := m.Node
	switch m.Kind {
	case flows.NameSlot:
		return slotDetails(n)
	case flows.NameState:
		return stateDetails(n)
	case flows.NameFlow:
		return flowDetails(n)
	case flows.NameQueue:
		return given(n, "name", "schedule", "first_reply", "members", "closed")
	case flows.NameSchedule:
		return given(n, "timezone", "open", "closed", "except")
	case flows.NameService:
		return given(n, "url", "methods", "timeout")
	case flows.NameLookup:
		return given(n, "service", "get", "post", "put", "patch", "delete", "returns")
	case flows.NameCanned:
		return said(firstOf(n, "text"))
	case flows.NameChannel:
		return given(n, "kind", "enabled")
	}
	return nil
}

// firstOf is the value of a key where there is a map with it, else the node.
func firstOf(n *source.Node, key string) *source.Node {
	if v := n.Get(key); v != nil {
		return v
	}
	return n
}

func slotDetails(n *source.Node) []string {
	if n.Kind != source.Map {
		return []string{n.Text}
	}
	kind := "text"
	if t := n.Get("type"); t != nil {
		kind = t.Text
	}
	for _, key := range []string{"scope", "pii", "secret"} {
		if v := n.Get(key); v != nil && v.Text != "false" {
			kind += ", " + map[string]string{"scope": "of the " + v.Text, "pii": "personal", "secret": "secret"}[key]
		}
	}
	return append([]string{kind}, given(n, "values", "example", "pattern", "find", "min", "max", "default", "ask", "keep")...)
}

func flowDetails(n *source.Node) []string {
	var out []string
	if d := n.Get("description"); d != nil {
		out = append(out, d.Text)
	}
	if states := n.Get("states"); states != nil {
		out = append(out, fmt.Sprintf("%d states", len(states.Pairs)))
	}
	return append(out, given(n, "on", "owner")...)
}

// stateDetails are what a state says and asks, and where it leads.
func stateDetails(n *source.Node) []string {
	var out []string
	for _, key := range []string{"say", "ask"} {
		out = append(out, said(n.Get(key))...)
	}
	if c := n.Get("collect"); c != nil && c.Kind == source.Map {
		if ask := c.Get("ask"); ask != nil {
			out = append(out, said(ask)...)
		} else if len(c.Pairs) == 1 {
			out = append(out, said(c.Pairs[0].Value)...)
		}
	}
	for _, key := range []string{"form", "verify"} {
		out = append(out, said(n.Get(key).Get("ask"))...)
	}
	if labels := optionLabels(n.Get("options")); len(labels) > 0 {
		out = append(out, "Options: "+strings.Join(labels, " · "))
	}
	return append(out, given(n, "collect", "http", "goto", "branch", "call", "return", "handoff", "resolve")...)
}

func optionLabels(n *source.Node) []string {
	var out []string
	if n == nil {
		return nil
	}
	for _, p := range n.Pairs {
		out = append(out, p.Key.Text)
	}
	for _, item := range n.Items {
		if label := item.Get("label"); label != nil {
			out = append(out, label.Text)
		}
	}
	return out
}

// said are the texts of a node between quotes.
func said(n *source.Node) []string {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case source.Scalar:
		return []string{"“" + strings.TrimSpace(n.Text) + "”"}
	case source.List:
		var out []string
		for _, item := range n.Items {
			out = append(out, said(item)...)
		}
		return out
	case source.Map:
		for _, key := range []string{"text", "else", "any"} {
			if v := n.Get(key); v != nil {
				return said(v)
			}
		}
		if len(n.Pairs) > 0 { // one per language
			return said(n.Pairs[0].Value)
		}
	}
	return nil
}

// given are the keys that a map has of these, with their values.
func given(n *source.Node, keys ...string) []string {
	var out []string
	for _, key := range keys {
		if v := n.Get(key); v != nil && v.Kind != source.Null {
			out = append(out, "`"+key+"`: "+inline(v, 0))
		}
	}
	return out
}

const (
	maxInline = 3 // levels
	maxItems  = 8
)

// inline is a value on one line, long ones cut short.
func inline(n *source.Node, depth int) string {
	var parts []string
	open, shut := "[", "]"
	switch {
	case n.Kind == source.Scalar:
		return strings.Join(strings.Fields(n.Text), " ")
	case n.Kind == source.Null:
		return ""
	case depth == maxInline:
		return "…"
	case n.Kind == source.Map:
		open, shut = "{", "}"
		for _, p := range n.Pairs {
			parts = append(parts, p.Key.Text+": "+inline(p.Value, depth+1))
		}
	}
	for _, item := range n.Items {
		parts = append(parts, inline(item, depth+1))
	}
	if len(parts) > maxItems {
		parts = append(parts[:maxItems], "…")
	}
	return open + strings.Join(parts, ", ") + shut
}
