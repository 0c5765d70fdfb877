// Package channeltest is the conformance suite of channels (channels.md 1.5).
// Run proves of one kind of channel what every kind must promise: it fails
// closed, believes only what is signed, reads hostile bodies without a panic,
// keeps the platform's limits, loses no word without saying so, and lets no
// secret into what it renders. A kind without this suite is not released.
package channeltest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"dispatcher/channels"
	"dispatcher/dm"
)

// Spec describes one kind of channel to the suite.
type Spec struct {
	Open channels.Opener
	Name string // alias under which it is opened; default "shop"

	// GoodConfig is the YAML of a working channel with exactly one secret,
	// TwoSecrets the same with two, MissingSecrets variants that must not open
	// (C1). Kinds without a webhook leave TwoSecrets empty.
	GoodConfig     string
	TwoSecrets     string
	MissingSecrets []string

	// Corpus holds bodies, one a line; Golden the file that keeps what Parse
	// makes of them (UPDATE_GOLDEN=1 writes it).
	Corpus string // path of a .jsonl file
	Golden string

	// Sign adds to r what the platform would, with the first or second secret
	// of TwoSecrets (0, 1) or with one that is not configured (-1).
	Sign func(r *channels.Request, secret int)
	// SignatureHeader is the header that Sign writes.
	SignatureHeader string

	Secrets []string           // values that must never show (C10)
	Rows    []Row              // the Classify table (C12)
	Hostile []channels.Request // handshakes that must not get 200 (C4)
	// Tap is the body that the platform sends when a button is pressed, nil
	// where the rendered form has none; Typed is the body of typed words.
	Tap   func(payload, label string) []byte
	Typed func(text string) []byte
	// Classifier finds the option that words or a payload mean: language.md
	// 2.6, handed in by whoever may import it. Nil: exact payload, label and
	// number only.
	Classifier func(text, payload string, options []dm.Option) int
	// Echo is the body by which the platform echoes a message of ours (C13).
	Echo []byte
	// NoWebhook: the kind's events come by its own routes (the widget); Verify
	// and Parse refuse everything.
	NoWebhook bool
	// Env may change the environment of Open.
	Env func(*channels.Env)
}

// Row is one line of a Classify table.
type Row struct {
	Name   string
	Call   channels.Call
	Result channels.Result
	Want   channels.Outcome // Code is not compared
}

// Now is the time of the worked examples in channels.md: 20 November 2026, 08:00 UTC.
var Now = time.Unix(1795161600, 0).UTC()

// EntrySecret is the secret of entry tokens in the worked examples.
const EntrySecret = "example-entry-secret"

// Env is an environment that resolves literals and ${env:NAME} from the given values.
func Env(values map[string]string) channels.Env {
	return channels.Env{
		PublicURL: "https://dispatch.example",
		Loopback:  true,
		Secret: func(ref string) (string, error) {
			name, ok := strings.CutPrefix(ref, "${env:")
			if !ok {
				return ref, nil
			}
			v, ok := values[strings.TrimSuffix(name, "}")]
			if !ok {
				return "", errors.New("not set")
			}
			return v, nil
		},
		Derive: func(string) []byte { return []byte(EntrySecret) },
	}
}

// Config parses YAML or fails the test.
func Config(t testing.TB, yaml string) channels.ConfigNode {
	t.Helper()
	n, diags := channels.ParseConfig("dispatcher.yaml", []byte(yaml))
	if len(diags) > 0 {
		t.Fatalf("parse the settings: %+v", diags)
	}
	return n
}

// Open opens an adapter or fails the test.
func Open(t testing.TB, open channels.Opener, name, yaml string, env channels.Env) channels.Adapter {
	t.Helper()
	a, diags := open(name, Config(t, yaml), env)
	if a == nil {
		t.Fatalf("open %s: %+v", name, diags)
	}
	return a
}

// Lines reads a corpus: one body a line.
func Lines(t testing.TB, path string) [][]byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	sc := bufio.NewScanner(bytes.NewReader(raw))
	sc.Buffer(nil, 1<<21)
	for sc.Scan() {
		if len(bytes.TrimSpace(sc.Bytes())) > 0 {
			out = append(out, bytes.Clone(sc.Bytes()))
		}
	}
	return out
}

// Post is a request as server would hand it over.
func Post(body []byte) channels.Request {
	return channels.Request{Method: http.MethodPost, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
}

// suite is one run.
type suite struct {
	Spec
	adapter channels.Adapter
}

// ErrOffline is what a dial to another machine gets during tests.
var ErrOffline = errors.New("channeltest: tests do not leave this machine")

// Main runs the tests of a package with every way out closed: call it from
// TestMain (C15). Dials to loopback pass.
func Main(m *testing.M) {
	http.DefaultTransport = Transport()
	os.Exit(m.Run())
}

// Transport dials this machine only.
func Transport() *http.Transport {
	var d net.Dialer
	return &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			host, _, err := net.SplitHostPort(addr)
			if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
				return nil, ErrOffline
			}
			return d.DialContext(ctx, network, addr)
		},
	}
}

// offline fails when Main was not called.
func offline(t *testing.T) {
	t.Helper()
	resp, err := http.Get("http://192.0.2.1/")
	if err == nil {
		_ = resp.Body.Close()
	}
	if !errors.Is(err, ErrOffline) {
		t.Fatalf("C15: the test process can leave this machine (call channeltest.Main from TestMain): %v", err)
	}
}

// Run proves a kind of channel. Assertions that cannot apply to it (no
// webhook, no echoes) are left out.
func Run(t *testing.T, spec Spec) {
	t.Helper()
	offline(t)
	if spec.Name == "" {
		spec.Name = "shop"
	}
	s := &suite{Spec: spec}
	s.adapter = s.open(t, spec.GoodConfig)
	for name, check := range map[string]func(*testing.T){
		"C1_FailsClosed":       s.failsClosed,
		"C2_OnlySigned":        s.onlySigned,
		"C3_Rotation":          s.rotation,
		"C4_HostileHandshakes": s.hostileHandshakes,
		"C5_Corpus":            s.corpus,
		"C6_Shape":             s.shape,
		"C7_Mutations":         s.mutations,
		"C8_Limits":            s.limits,
		"C9_NothingLost":       s.nothingLost,
		"C10_NoSecrets":        s.noSecrets,
		"C11_RoundTrip":        s.roundTrip,
		"C12_Classify":         s.classify,
		"C13_Echo":             s.echo,
		"C14_Allocations":      s.allocations,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t)
		})
	}
}

func (s *suite) env() channels.Env {
	env := Env(nil)
	if s.Env != nil {
		s.Spec.Env(&env)
	}
	return env
}

func (s *suite) open(t testing.TB, yaml string) channels.Adapter {
	t.Helper()
	return Open(t, s.Open, s.Name, yaml, s.env())
}
