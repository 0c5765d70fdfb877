package wire_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/wire"
)

func node(t *testing.T, yaml string) channels.ConfigNode {
	t.Helper()
	n, diags := channels.ParseConfig("dispatcher.yaml", []byte(yaml))
	if len(diags) > 0 {
		t.Fatalf("parse: %v", diags)
	}
	return n
}

func env() channels.Env {
	return channels.Env{Secret: func(ref string) (string, error) {
		switch ref {
		case "${env:SET}":
			return "a-secret-of-some-length", nil
		case "${env:EMPTY}":
			return "", nil
		}
		if strings.HasPrefix(ref, "${") {
			return "", errors.New("not set")
		}
		return ref, nil
	}}
}

// codes lists problems as line:column code.
func codes(diags []channels.Diagnostic) []string {
	var out []string
	for _, d := range diags {
		out = append(out, strings.Join([]string{itoa(d.Range.Line), itoa(d.Range.Column), d.Code}, ":"))
	}
	return out
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}

func TestConfigReportsEveryProblemAtItsPlace(t *testing.T) {
	t.Parallel()
	c := wire.NewConfig("shop", node(t, `kind: webhook
burts: 2s
burst: soon
enabled: perhaps
bot_ttl: [1h]
options_as: button
public: reply
ambiguous: {bot: hold, agnet: hold}
buckets: {sends: {n: 5, per: 1s}, sents: {n: 1, per: 1s}, other: 5}
base_url: http://shop.example
secret: "${env:UNSET}"
media: {max_bytes: 0}
price: {in: -1}
`), env())
	c.Common(0)
	c.Buckets([]channels.Bucket{{Name: "sends"}})
	c.Secrets("secret", true, 16)
	diags := c.Done()
	want := []string{"2:1:E101", "3:8:E105", "4:10:E105", "5:10:E104", "6:13:E105", "8:24:E101", "9:35:E103", "9:66:E104", "10:11:E134", "11:10:E130", "12:20:E105", "13:13:E105"}
	got := codes(diags)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	for _, d := range diags {
		if d.Code == "E101" && d.Range.Line == 2 && !strings.Contains(d.Hint, "burst") {
			t.Errorf("no hint: %+v", d)
		}
		if strings.Contains(d.Message+d.Hint, "a-secret") {
			t.Errorf("a secret is said: %+v", d)
		}
	}
}

func TestConfigSecrets(t *testing.T) {
	t.Parallel()
	for yaml, c := range map[string]struct {
		n    int
		code string
	}{
		`secret: "${env:SET}"`:                          {1, ""},
		`secret: ["${env:SET}", "another-long-secret"]`: {2, ""},
		`secret: ["${env:SET}", "${env:SET}", "x"]`:     {2, "E105"},
		`secret: "${env:EMPTY}"`:                        {0, "E130"},
		`secret: ""`:                                    {0, "E130"},
		`secret: short`:                                 {0, "E105"},
		`secret: changeme`:                              {0, "E105"},
		`secret: {a: b}`:                                {0, "E104"},
		`enabled: true`:                                 {0, "E110"},
		`secret:`:                                       {0, "E110"},
		`secret: ["${env:SET}", "${env:UNSET}"]`:        {1, "E130"},
	} {
		cfg := wire.NewConfig("shop", node(t, yaml), env())
		got := cfg.Secrets("secret", true, 16)
		cfg.Bool("enabled", true)
		diags := cfg.Done()
		code := ""
		if len(diags) > 0 {
			code = diags[0].Code
		}
		if len(got) != c.n || code != c.code {
			t.Errorf("%s: %d secrets, %v", yaml, len(got), codes(diags))
		}
	}
}

func TestConfigLimitsOnlyNeedsNoSecret(t *testing.T) {
	t.Parallel()
	e := env()
	e.LimitsOnly = true
	for _, yaml := range []string{`enabled: true`, `secret: "${env:UNSET}"`} {
		cfg := wire.NewConfig("shop", node(t, yaml), e)
		cfg.Bool("enabled", true)
		if got := cfg.Secrets("secret", true, 16); len(got) != 0 || len(cfg.Done()) != 0 {
			t.Errorf("%s: %d, %v", yaml, len(got), codes(cfg.Done()))
		}
	}
}

func TestConfigDefaultsAndOverrides(t *testing.T) {
	t.Parallel()
	c := wire.NewConfig("shop", nil, env())
	common := c.Common(1500 * time.Millisecond)
	if common.Burst != 1500*time.Millisecond || common.BurstSet || !common.Enabled || common.BotTTL != time.Hour || common.AgentTTL != 24*time.Hour || common.MediaMax != 26214400 {
		t.Errorf("%+v", common)
	}
	c = wire.NewConfig("shop", node(t, "burst: 0\nbot_ttl: 2d\nbase_url: http://127.0.0.1:9\ninsecure: true\nbuckets: {sends: {n: 500, per: 1s}}\n"), env())
	b := wire.NewBase("shop", c, channels.Caps{Burst: time.Second, Buckets: []channels.Bucket{{Name: "sends", N: 50, Per: time.Second}}})
	if d := c.Done(); len(d) > 0 {
		t.Fatal(codes(d))
	}
	if zero := wire.NewConfig("shop", node(t, "burst: 0s\n"), env()).Common(time.Second); zero.Burst != 0 || !zero.BurstSet {
		t.Errorf("0s: %+v", zero)
	}
	if b.Caps().Burst != 0 || !b.Common().BurstSet || b.Common().BotTTL != 48*time.Hour || b.Common().BaseURL != "http://127.0.0.1:9" || b.Caps().Buckets[0].N != 500 {
		t.Errorf("%+v", b)
	}
}
