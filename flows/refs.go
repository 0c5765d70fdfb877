package flows

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"dispatcher/internal/source"
)

var reference = regexp.MustCompile(`\$\{(env|file):([^}]*)\}`)

// ErrNoValue means that a reference has no value on this machine.
var ErrNoValue = errors.New("no value on this machine")

// Resolve replaces every ${env:NAME} and ${file:PATH} in ref; a file's trailing
// line break is dropped. The error names the reference, never a value.
func Resolve(ref string, env func(string) (string, bool), readFile func(string) ([]byte, error)) (string, error) {
	var failed error
	out := reference.ReplaceAllStringFunc(ref, func(m string) string {
		parts := reference.FindStringSubmatch(m)
		if parts[1] == "env" && env != nil {
			if v, ok := env(parts[2]); ok {
				return v
			}
		}
		if parts[1] == "file" && readFile != nil && projectPath(parts[2]) {
			if data, err := readFile(parts[2]); err == nil {
				return strings.TrimRight(string(data), "\r\n")
			}
		}
		failed = errors.Join(failed, fmt.Errorf("reference %s: %w", m, ErrNoValue))
		return ""
	})
	if failed != nil {
		return "", failed
	}
	return out, nil
}

// projectPath refuses paths that leave the project.
func projectPath(p string) bool {
	return p != "" && !strings.HasPrefix(p, "/") && !strings.Contains("/"+p+"/", "/../")
}

// references checks where references stand (E131), whether they have a value
// here (W132), and that no secret is written out (W133).
func (l *loader) references() {
	if l.root != nil {
		open := map[string]bool{"services": true, "channels": true, "server": true, "storage": true, "auth": true, "links": true,
			"after_resolve": true, "reopen_within": true, "close_after": true, "public_reply": true, "csat": true, "search": true,
			"numbers": true, "studio": true, "webhooks": true, "desk": true}
		for _, p := range l.root.Pairs {
			l.refs(p.Value, p.Key.Text, open[p.Key.Text])
		}
	}
	for _, f := range l.flows {
		if f.part == nil { // else it has none
			l.refs(f.root, "", false)
		}
	}
}

func (l *loader) refs(n *source.Node, under string, allowed bool) {
	for _, p := range n.Pairs {
		l.refs(p.Value, p.Key.Text, allowed)
	}
	for _, item := range n.Items {
		l.refs(item, under, allowed)
	}
	if n.Kind != source.Scalar {
		return
	}
	if strings.Contains(n.Text, "${") {
		for _, m := range reference.FindAllStringSubmatchIndex(n.Text, -1) {
			l.oneRef(n, m, allowed)
		}
	}
	if allowed && secretName(under) && n.Text != "" && !reference.MatchString(n.Text) {
		l.warn("W133", n.Words(), "this looks like a secret; use ${env:NAME}")
	}
}

func (l *loader) oneRef(n *source.Node, m []int, allowed bool) {
	whole, kind, name := n.Text[m[0]:m[1]], n.Text[m[2]:m[3]], n.Text[m[4]:m[5]]
	at := n.At(m[0], m[1])
	if !allowed {
		l.err("E131", at, "%s can only be used under services and channels", whole)
		return
	}
	if kind == "env" && l.opts.Env != nil {
		if _, ok := l.opts.Env(name); !ok {
			l.warn("W132", at, "%s is not set on this machine", whole)
		}
	}
	if kind == "file" && l.opts.ReadFile != nil {
		if !projectPath(name) {
			l.err("E105", at, "%s must be a path inside the project", whole)
		} else if _, err := l.opts.ReadFile(name); err != nil {
			l.warn("W132", at, "%s cannot be read on this machine", whole)
		}
	}
}

// secretName says whether a key's name is that of a credential.
func secretName(name string) bool {
	lower := strings.ToLower(name)
	for _, part := range []string{"token", "secret", "password", "key"} {
		if strings.Contains(lower, part) {
			return true
		}
	}
	return lower == "authorization"
}
