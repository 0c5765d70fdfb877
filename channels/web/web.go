// Package web is the embeddable widget's channel (channels.md 2.2): REST and
// server-sent events below /channels/{name}/web/v1. It has no outbox: a message
// is sent when it is committed, and the browser fetches it by its number, so a
// lost connection loses nothing. It promises that a visitor reaches only the
// thread of its own token, that a page of another site reaches nothing, and
// that a name is verified only by an identity token that the site signed.
package web

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/wire"
	"dispatcher/dm"
)

// Kind is the name of this kind of channel in dispatcher.yaml.
const Kind = "web"

// Limits of what the widget shows (design).
const (
	textLimit        = 4000
	optionLimit      = 13
	labelLimit       = 36
	descriptionLimit = 72
	linkLimit        = 13
)

// Adapter is one widget.
type Adapter struct {
	wire.Base
	origins   []string
	own       string // origin of public_url, "" when unknown
	identity  [][]byte
	ttl       time.Duration
	sessions  rule
	mediaMax  int64
	mediaKind []string
	button    button
	locale    string
}

type button struct{ text, position, color string }

// rule is n in per.
type rule struct {
	n   int
	per time.Duration
}

// Open reads the channel's settings. The widget needs none: without origins it
// serves this server's own pages only.
func Open(name string, cfg channels.ConfigNode, env channels.Env) (channels.Adapter, []channels.Diagnostic) {
	c := wire.NewConfig(Kind, cfg, env)
	media := c.Map("media")
	a := &Adapter{
		mediaMax:  media.Int("max_bytes", 10<<20, 1, 1<<30),
		mediaKind: media.Words("kinds", []string{"image", "file"}, "image", "file"),
	}
	a.Base = wire.NewBase(name, c, caps(a.mediaKind, a.mediaMax))
	a.Settings.MediaMax = a.mediaMax
	a.origins = origins(c)
	a.own = originOf(env.PublicURL)
	a.identity = c.Secrets("identity_secret", false, 16)
	c.Secrets("directline_secret", false, 16)
	a.ttl = c.Duration("session_ttl", 720*time.Hour)
	limit := c.Map("new_sessions")
	a.sessions = rule{n: int(limit.Int("n", 10, 1, math.MaxInt32)), per: limit.Duration("per", time.Hour)}
	a.button = readButton(c.Map("button"))
	a.locale = "en"
	if l := a.Settings.Languages; len(l) > 0 {
		a.locale = l[0]
	}
	diags := c.Done()
	if !wire.OK(diags) {
		return nil, diags
	}
	return a, diags
}

func caps(kinds []string, most int64) channels.Caps {
	runes := func(n int) dm.Limit { return dm.Limit{N: n, Unit: wire.Runes} }
	media := map[string]channels.MediaCap{}
	for _, k := range kinds {
		media[k] = channels.MediaCap{Bytes: most, ByURL: true}
	}
	return channels.Caps{
		Kind: Kind, Text: runes(textLimit), MaxInbound: wire.MaxInbound,
		Forms: []channels.Form{
			{Name: channels.FormButtons, Max: optionLimit, Label: runes(labelLimit), Description: runes(descriptionLimit)},
			{Name: channels.FormText, Max: math.MaxInt32},
		},
		Links:  &channels.LinkCap{Max: linkLimit, Label: labelLimit},
		Media:  media,
		Typing: &channels.TypingCap{Resend: 4 * time.Second, Max: 20 * time.Second},
		Read:   true, Edit: true, Ordered: true, Native: true,
		Send: channels.Idempotent, AckWithin: 10 * time.Second,
	}
}

var colorShape = regexp.MustCompile(`^#[0-9a-fA-F]{3}([0-9a-fA-F]{3})?$`)

func readButton(c *wire.Config) button {
	b := button{
		text:     c.Text("text", "auto"),
		position: c.Choice("position", "right", "right", "left"),
		color:    c.Text("color", "#0b5fff"),
	}
	if !colorShape.MatchString(b.color) {
		c.Problem(c.Node("color"), "E105", fmt.Sprintf("%q is not a colour; write #0b5fff", b.color), "")
	}
	return b
}

// origins are exact: scheme, host and port as a browser writes them.
func origins(c *wire.Config) []string {
	var out []string
	nodes := c.Node("origins")
	for i, o := range c.List("origins") {
		at := nodes
		if nodes.Kind == channels.NodeList && i < len(nodes.Items) {
			at = nodes.Items[i]
		}
		switch {
		case strings.Contains(o, "*"):
			c.Problem(at, "E105", fmt.Sprintf("%q: an origin is exact, without *", o), "write every site, for example https://shop.example")
		case originOf(o) != o:
			c.Problem(at, "E105", fmt.Sprintf("%q is not an origin", o), "write scheme, host and port only, for example https://shop.example")
		default:
			out = append(out, o)
		}
	}
	return out
}

// originOf is the origin of an address, as a browser writes it.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.Scheme + "://" + strings.ToLower(u.Host)
}

// Origins lists the sites whose pages may embed the widget.
func (a *Adapter) Origins() []string { return append([]string(nil), a.origins...) }

// Handshake: a browser makes none.
func (a *Adapter) Handshake(channels.Request) (channels.Response, bool) {
	return channels.Response{}, false
}

// Verify refuses everything: the widget has no webhook, its routes carry a token.
func (a *Adapter) Verify(channels.Request, time.Time) error {
	return fmt.Errorf("channel %s has no webhook: %w", a.Name, channels.ErrNotFound)
}

// Parse refuses everything, as Verify does.
func (a *Adapter) Parse(channels.Request) ([]dm.Inbound, error) {
	return nil, fmt.Errorf("channel %s has no webhook: %w", a.Name, channels.ErrNotFound)
}

// Content is what the browser shows of a message, without what only the
// commit knows (id, seq, author, at): the body of every call that Render makes.
type Content struct {
	Text    string      `json:"text"`
	Options []dm.Option `json:"options"`
	Links   []dm.Link   `json:"links"`
	Media   []dm.Media  `json:"media"`
}

// Render fits a message into what the widget shows. Its calls are never
// written to a network: inbox keeps each as a message of its own, Body being a
// Content.
func (a *Adapter) Render(out dm.Outbound) (channels.Plan, error) {
	if out.Kind != dm.OutMessage && out.Kind != dm.OutGreeting && out.Kind != "" {
		return channels.Plan{}, nil // marks reach the browser as events of inbox
	}
	if out.OptionsAs == "" {
		out.OptionsAs = a.Settings.OptionsAs
	}
	parts, report := wire.Layout(out, a.Limits)
	plan := channels.Plan{Degradations: report}
	for i, p := range parts {
		body, err := json.Marshal(Content{Text: p.Text, Options: some(p.Options), Links: some(p.Links), Media: some(p.Media)})
		if err != nil {
			return channels.Plan{}, fmt.Errorf("encode a message for the widget: %w", err)
		}
		plan.Calls = append(plan.Calls, channels.Call{Part: i, Kind: "send", Body: body, Text: p.Text})
	}
	return plan, nil
}

// some makes an empty list of none: browsers iterate over it.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// Classify: the commit is the delivery.
func (a *Adapter) Classify(channels.Call, channels.Result) channels.Outcome {
	return channels.Outcome{Verdict: channels.Sent}
}

// Routes are the widget's, each answering OPTIONS too. {id} in a path is the
// last segment of it; the handlers read it from the URL themselves.
func (a *Adapter) Routes(h channels.Host) []channels.Route {
	s := newService(a, h)
	table := []struct {
		method, path string
		serve        http.HandlerFunc
		stream       bool
	}{
		{"GET", "/config", s.config, false},
		{"POST", "/session", s.open, false},
		{"DELETE", "/session", s.forget, false},
		{"POST", "/open", s.panel, false},
		{"POST", "/identity", s.identify, false},
		{"POST", "/messages", s.message, false},
		{"GET", "/events", s.events, true},
		{"POST", "/typing", s.typing, false},
		{"POST", "/read", s.read, false},
		{"POST", "/media", s.upload, false},
		{"GET", "/media/{id}", s.download, false},
	}
	var routes []channels.Route
	asked := map[string]bool{}
	for _, r := range table {
		routes = append(routes, channels.Route{Method: r.method, Path: "/web/v1" + r.path, Handler: s.guard(r.serve), Stream: r.stream})
		if !asked[r.path] {
			asked[r.path] = true
			routes = append(routes, channels.Route{Method: http.MethodOptions, Path: "/web/v1" + r.path, Handler: s.guard(preflight)})
		}
	}
	return routes
}
