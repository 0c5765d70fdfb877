package wire

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"dispatcher/channels"
)

// Config decodes the settings of one channel. Every getter names a key once;
// keys that no getter asked for are unknown. Problems are collected, each at
// its own place, and Done gives them all.
type Config struct {
	node   channels.ConfigNode
	env    channels.Env
	where  string // "webhook", "outbound": names the map in messages
	known  []string
	nested []*Config
	maps   map[string]*Config
	diags  *[]channels.Diagnostic
}

// NewConfig starts decoding. A missing node is an empty map.
func NewConfig(kind string, node channels.ConfigNode, env channels.Env) *Config {
	c := &Config{node: node, env: env, where: kind, diags: &[]channels.Diagnostic{}}
	c.checkMap()
	return c
}

func (c *Config) checkMap() {
	if c.node != nil && c.node.Kind != channels.NodeMap && c.node.Kind != channels.NodeNull {
		c.Problem(c.node, "E104", fmt.Sprintf("expected settings under %s here, one per line", c.where), "")
	}
}

// Problem reports an error at a node.
func (c *Config) Problem(at channels.ConfigNode, code, message, hint string) {
	d := channels.Diagnostic{Code: code, Severity: channels.SeverityError, Message: message, Hint: hint}
	if at == nil {
		at = c.node
	}
	if at != nil {
		d.Range = at.Words()
	}
	for _, seen := range *c.diags {
		if seen.Code == code && seen.Range == d.Range {
			return // one key may be read twice
		}
	}
	*c.diags = append(*c.diags, d)
}

// Node is the value of a key as written, nil when it is not there or empty.
func (c *Config) Node(key string) channels.ConfigNode {
	c.known = append(c.known, key)
	n := c.node.Get(key)
	if n == nil || n.Kind == channels.NodeNull {
		return nil
	}
	return n
}

// scalar is the words of a key; ok is false when it is missing or of another kind.
func (c *Config) scalar(key string) (n channels.ConfigNode, text string, ok bool) {
	n = c.Node(key)
	if n == nil {
		return nil, "", false
	}
	if n.Kind != channels.NodeScalar {
		c.Problem(n, "E104", "expected one value for "+key+" here", "")
		return n, "", false
	}
	return n, n.Text, true
}

// Text is a string.
func (c *Config) Text(key, def string) string {
	if _, text, ok := c.scalar(key); ok {
		return text
	}
	return def
}

// Choice is one of a few words.
func (c *Config) Choice(key, def string, words ...string) string {
	n, text, ok := c.scalar(key)
	if !ok {
		return def
	}
	for _, w := range words {
		if text == w {
			return text
		}
	}
	hint := ""
	if w, ok := channels.DidYouMean(text, words); ok {
		hint = "did you mean " + w + "?"
	}
	c.Problem(n, "E105", fmt.Sprintf("%q is not one of %s for %s", text, strings.Join(words, ", "), key), hint)
	return def
}

// Bool is true or false.
func (c *Config) Bool(key string, def bool) bool {
	n, text, ok := c.scalar(key)
	if !ok {
		return def
	}
	switch text {
	case "true":
		return true
	case "false":
		return false
	}
	c.Problem(n, "E105", fmt.Sprintf("%q is not true or false", text), "")
	return def
}

// Int is a whole number in a range.
func (c *Config) Int(key string, def, low, high int64) int64 {
	n, text, ok := c.scalar(key)
	if !ok {
		return def
	}
	i, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		c.Problem(n, "E105", fmt.Sprintf("%q is not a whole number", text), "")
		return def
	}
	if i < low || i > high {
		c.Problem(n, "E105", fmt.Sprintf("%s must be between %d and %d", key, low, high), "")
		return def
	}
	return i
}

// Number is a number that is not negative.
func (c *Config) Number(key string, def float64) float64 {
	n, text, ok := c.scalar(key)
	if !ok {
		return def
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !(f >= 0 && f < 1e12) {
		c.Problem(n, "E105", fmt.Sprintf("%q is not a number of 0 or more", text), "")
		return def
	}
	return f
}

// Duration is written as in language.md 1.1, milliseconds allowed; 0 is off.
func (c *Config) Duration(key string, def time.Duration) time.Duration {
	n, text, ok := c.scalar(key)
	if !ok {
		return def
	}
	d, ok := duration(text)
	if !ok {
		c.Problem(n, "E105", fmt.Sprintf("%q is not a duration; write 10m or 1500ms", text), "")
		return def
	}
	return d
}

func duration(text string) (time.Duration, bool) {
	if text == "0" {
		return 0, true
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * 24 * time.Hour, err == nil && n >= 0 && n <= 400
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d >= 0 && d <= 400*24*time.Hour
}

// List is a list of strings; one string is a list of one.
func (c *Config) List(key string) []string {
	var out []string
	for _, n := range c.items(key) {
		out = append(out, n.Text)
	}
	return out
}

// items are the scalars of a list, or the one scalar that stands for it.
func (c *Config) items(key string) []channels.ConfigNode {
	n := c.Node(key)
	switch {
	case n == nil:
		return nil
	case n.Kind == channels.NodeScalar:
		return []channels.ConfigNode{n}
	case n.Kind != channels.NodeList:
		c.Problem(n, "E104", "expected a list for "+key+" here", "")
		return nil
	}
	var out []channels.ConfigNode
	for _, item := range n.Items {
		if item.Kind != channels.NodeScalar {
			c.Problem(item, "E104", "expected one value here", "")
			continue
		}
		out = append(out, item)
	}
	return out
}

// Words is a list of words out of a closed set.
func (c *Config) Words(key string, def []string, words ...string) []string {
	nodes := c.items(key)
	if nodes == nil {
		return def
	}
	var out []string
	for _, n := range nodes {
		if !contains(words, n.Text) {
			c.Problem(n, "E105", fmt.Sprintf("%q is not one of %s", n.Text, strings.Join(words, ", ")), "")
			continue
		}
		out = append(out, n.Text)
	}
	return out
}

func contains(words []string, w string) bool {
	for _, x := range words {
		if x == w {
			return true
		}
	}
	return false
}

// Map decodes a map inside this one. It is never nil, and the same for every call with one key.
func (c *Config) Map(key string) *Config {
	if sub := c.maps[key]; sub != nil {
		return sub
	}
	sub := &Config{node: c.Node(key), env: c.env, where: key, diags: c.diags}
	sub.checkMap()
	c.nested = append(c.nested, sub)
	if c.maps == nil {
		c.maps = map[string]*Config{}
	}
	c.maps[key] = sub
	return sub
}

// Each visits the entries of a map with free keys.
func (c *Config) Each(key string, visit func(name channels.ConfigNode, entry *Config)) {
	n := c.Node(key)
	if n == nil {
		return
	}
	if n.Kind != channels.NodeMap {
		c.Problem(n, "E104", "expected names with settings under "+key+" here", "")
		return
	}
	for _, p := range n.Pairs {
		sub := &Config{node: p.Value, env: c.env, where: p.Key.Text, diags: c.diags}
		if sub.checkMap(); p.Value.Kind != channels.NodeMap {
			continue
		}
		visit(p.Key, sub)
		c.nested = append(c.nested, sub)
	}
}

// Has says whether the key is written with a value.
func (c *Config) Has(key string) bool { return c.Node(key) != nil }

// BaseURL is where the platform answers, without a slash at its end.
func (c *Config) BaseURL(key, def string, insecure bool) string {
	return strings.TrimRight(c.URL(key, def, insecure), "/")
}

// URL is an address that we call: https, or http on this machine with insecure.
func (c *Config) URL(key, def string, insecure bool) string {
	n, text, ok := c.scalar(key)
	if !ok || text == "" {
		return def
	}
	text, ok = c.resolve(n, key)
	if !ok {
		return def
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		c.Problem(n, "E105", key+" is not a web address", "write https://host/path")
	case u.Scheme == "https", u.Scheme == "http" && insecure && IsLoopback(u.Hostname()):
		return text
	default:
		c.Problem(n, "E134", key+": http:// is allowed only for this machine with insecure: true", "write https://")
	}
	return def
}

// IsLoopback says whether a host name is this machine by its very spelling; no look-up is made.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// resolve gives the value behind a reference; problems are reported.
func (c *Config) resolve(n channels.ConfigNode, key string) (string, bool) {
	if c.env.Secret == nil {
		return n.Text, true
	}
	v, err := c.env.Secret(n.Text)
	if err != nil {
		if !c.env.LimitsOnly {
			c.Problem(n, "E130", fmt.Sprintf("%s: %s is not set", key, refName(n.Text)), "set it, or take the key out")
		}
		return "", false
	}
	return v, true
}

// refName is what may be said of a value in a message: its reference, never the value.
func refName(text string) string {
	if strings.HasPrefix(text, "${") && strings.HasSuffix(text, "}") {
		return text
	}
	return "the value"
}

// Secret is a value or reference that must not be empty, nil when the key is
// missing. required reports a missing one as E110: a channel whose only errors
// are E110 is not started, and serve goes on without it.
func (c *Config) Secret(key string, required bool, min int) []byte {
	for _, s := range c.secrets(key, required, min, 1) {
		return s.value
	}
	return nil
}

// Secrets is one secret, or two during rotation: both verify, the first signs.
// min is the least number of bytes for secrets that we choose, 0 where the platform does.
func (c *Config) Secrets(key string, required bool, min int) [][]byte {
	var out [][]byte
	for _, s := range c.secrets(key, required, min, 2) {
		out = append(out, s.value)
	}
	return out
}

// secret is one good value and where it is written.
type secret struct {
	at    channels.ConfigNode
	value []byte
}

func (c *Config) secrets(key string, required bool, min, most int) []secret {
	nodes := c.items(key)
	if len(nodes) == 0 && required && !c.env.LimitsOnly {
		c.Problem(c.node.Get(key), "E110", fmt.Sprintf("%s needs %s; it does not start without", c.where, key),
			"write "+key+": \"${env:NAME}\" and set NAME")
	}
	if len(nodes) > most {
		c.Problem(nodes[most], "E105", fmt.Sprintf("%s takes at most %d", key, most), "")
		nodes = nodes[:most]
	}
	var out []secret
	for _, n := range nodes {
		if v, ok := c.resolve(n, key); ok && c.goodSecret(n, key, v, min) {
			out = append(out, secret{n, []byte(v)})
		}
	}
	return out
}

func (c *Config) goodSecret(n channels.ConfigNode, key, v string, min int) bool {
	switch {
	case c.env.LimitsOnly && v == "":
		return false
	case strings.TrimSpace(v) == "":
		c.Problem(n, "E130", fmt.Sprintf("%s: %s is empty", key, refName(n.Text)), "")
	case placeholder(v):
		c.Problem(n, "E105", key+" still holds a placeholder", "put a value that only you know")
	case len(v) < min:
		c.Problem(n, "E105", fmt.Sprintf("%s is too short: at least %d characters", key, min), "make one with: openssl rand -base64 24")
	default:
		return true
	}
	return false
}

// placeholder knows the words that manuals put where a secret belongs.
func placeholder(v string) bool {
	switch strings.ToLower(strings.Trim(v, "<>[]{} ")) {
	case "changeme", "change-me", "change_me", "secret", "password", "default", "example", "todo", "xxx",
		"your-secret", "your_secret", "yoursecret", "my-secret", "test", "token", "whsec_", "none", "null":
		return true
	}
	return false
}

// WebhookSecrets are whsec_ and the base64 of 24 to 64 bytes (Standard Webhooks).
func (c *Config) WebhookSecrets(key string) [][]byte {
	var out [][]byte
	for _, s := range c.secrets(key, true, 16, 2) {
		raw, ok := strings.CutPrefix(string(s.value), "whsec_")
		k, err := base64.StdEncoding.DecodeString(raw)
		if !ok || err != nil || len(k) < 24 || len(k) > 64 {
			c.Problem(s.at, "E105", key+" is not whsec_ and the base64 of 24 to 64 bytes",
				"make one with: echo whsec_$(openssl rand -base64 32)")
			continue
		}
		out = append(out, k)
	}
	return out
}

// Done reports keys that nobody asked for, and gives every problem in the order of the file.
func (c *Config) Done() []channels.Diagnostic {
	c.unknown()
	channels.SortDiagnostics(*c.diags)
	return *c.diags
}

func (c *Config) unknown() {
	for _, sub := range c.nested {
		sub.unknown()
	}
	if c.node == nil || c.node.Kind != channels.NodeMap {
		return
	}
	for _, p := range c.node.Pairs {
		if contains(c.known, p.Key.Text) {
			continue
		}
		hint := ""
		if w, ok := channels.DidYouMean(p.Key.Text, c.known); ok {
			hint = "did you mean " + w + "?"
		}
		c.Problem(p.Key, "E101", fmt.Sprintf("%s has no setting called %q", c.where, p.Key.Text), hint)
	}
}

// OK says whether no error was found so far.
func OK(diags []channels.Diagnostic) bool {
	for _, d := range diags {
		if d.Severity == channels.SeverityError {
			return false
		}
	}
	return true
}
