package proof

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dispatcher/channels/channeltest/fakeplatform"
	"dispatcher/internal/proof/kill"
	"dispatcher/storage/sqlite"
)

const (
	standSecret  = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcY"
	standXSecret = "example-consumer-secret"
	standAccount = "900100"
)

// stand is the real program between customers and a platform that keeps a ledger.
type stand struct {
	t      testing.TB
	svc    *kill.Service
	fake   *fakeplatform.Server
	client *http.Client
	orders string // file with the failpoint to be reached next
	done   atomic.Int64
}

// standShops is how many webhook channels a stand has: shop, shop1, shop2 …
// Each brings eight senders of its own.
const standShops = 6

func shopName(n int) string {
	if n%standShops == 0 {
		return "shop"
	}
	return fmt.Sprintf("shop%d", n%standShops)
}

// standProject is a project with one flow, answering on the shops (webhook,
// push) and on x, without limits of their own.
func standProject(url, flow string) map[string]string {
	name, _, _ := strings.Cut(strings.TrimPrefix(flow, "flow: "), "\n")
	shops := ""
	for n := range standShops {
		shops += fmt.Sprintf(`  %s:
    kind: webhook
    secret: "${env:PROOF_SECRET}"
    insecure: true
    outbound: {mode: push, url: "%s/webhook", timeout: 2s}
    buckets: {sends: {n: 100000, per: 1s}}
`, shopName(n), url)
	}
	return map[string]string{"flows/" + name + ".yaml": flow, "dispatcher.yaml": fmt.Sprintf(`dispatcher: 1
project: proof
start: %s
queues: {general: {name: General}}
default_queue: general
channels:
%s  x:
    kind: x
    account_id: "900100"
    app_id: "7001"
    consumer_key: "${env:PROOF_X_TOKEN}"
    consumer_secret: "${env:PROOF_X_SECRET}"
    access_token: "${env:PROOF_X_TOKEN}"
    access_token_secret: "${env:PROOF_X_TOKEN}"
    insecure: true
    base_url: "%s"
    burst: 0
    buckets: {dm: {n: 100000, per: 1s}, dm_day: {n: 100000, per: 1s}, dm_app_day: {n: 100000, per: 1s}, check: {n: 100000, per: 1s}}
`, name, shops, url)}
}

// openStand starts a platform, and the program on a project that speaks to it.
func openStand(t testing.TB, project func(url string) map[string]string, opt kill.Options) *stand {
	t.Helper()
	return openStandWith(t, project, opt, time.Millisecond)
}

// openStandWith also says how long a slow platform takes for each byte.
func openStandWith(t testing.TB, project func(url string) map[string]string, opt kill.Options, drip time.Duration) *stand {
	t.Helper()
	s := &stand{t: t, fake: fakeplatform.Start(fakeplatform.Options{WebhookSecret: standSecret, Hang: 20 * time.Second, Drip: drip}),
		client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 128}}, orders: filepath.Join(t.TempDir(), "order")}
	t.Cleanup(s.fake.Close)
	t.Cleanup(s.client.CloseIdleConnections)
	opt.Project = project(s.fake.URL)
	opt.Env = append(opt.Env, "PROOF_SECRET="+standSecret, "PROOF_X_SECRET="+standXSecret, "PROOF_X_TOKEN=token-of-the-proof", "DISPATCHER_FAILPOINT_FILE="+s.orders)
	if opt.Listen == "" {
		opt.Listen = lowPort(t)
	}
	s.svc = kill.Start(t, opt)
	return s
}

// sender delivers to one channel until it is told 2xx, over kills and restarts.
func (s *stand) sender(channel string) *fakeplatform.Sender {
	at := s.svc.URL + "/channels/" + channel + "/webhook"
	out := fakeplatform.WebhookSender(at, standSecret)
	if channel == "x" {
		out = fakeplatform.XSender(at, standXSecret)
	}
	out.Client, out.Tries = s.client, 400
	out.Pauses = []time.Duration{20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond}
	return out
}

// restart brings a program that has ended back, whatever the machine is busy with.
func (s *stand) restart() {
	s.t.Helper()
	var err error
	for range 3 {
		if err = s.svc.Restart(); err == nil {
			return
		}
	}
	s.t.Fatalf("restart: %v\n%s", err, s.svc.Log())
}

// order says which failpoint acts next; "" = none.
func (s *stand) order(what string) {
	s.t.Helper()
	if err := os.WriteFile(s.orders, []byte(what), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// until waits for what others bring about.
func (s *stand) until(limit time.Duration, what string, good func() bool) bool {
	s.t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); pause(context.Background(), 5*time.Millisecond) {
		if good() {
			return true
		}
	}
	s.t.Errorf("not within %s: %s", limit, what)
	return false
}

// count asks the database beside the program; -1 = no answer now.
func (s *stand) count(query string, args ...any) int {
	s.t.Helper()
	db := s.db()
	defer db.Close()
	n := -1
	if err := db.QueryRow(query, args...).Scan(&n); err != nil {
		return -1
	}
	return n
}

func (s *stand) db() *sql.DB {
	s.t.Helper()
	path := (&url.URL{Path: filepath.Join(s.svc.Data, sqlite.File)}).EscapedPath()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=query_only(ON)")
	if err != nil {
		s.t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return db
}

// settled waits until no row is pending, being written or waiting for proof.
func (s *stand) settled(limit time.Duration) bool {
	s.t.Helper()
	return s.until(limit, "every message in a final state", func() bool { return s.count("SELECT count(*) FROM outbox WHERE status IN (1, 2)") == 0 })
}

// convOf reads a delivery's conversation.
func convOf(d fakeplatform.Delivery) string {
	var e struct {
		Data struct {
			Conversation string `json:"conversation"`
		} `json:"data"`
	}
	_ = json.Unmarshal(d.Body, &e)
	return e.Data.Conversation
}

// addPerson makes an account while no program runs on the data.
func addPerson(t testing.TB, binary, dir, data, email, role string) {
	t.Helper()
	cmd := exec.Command(binary, "user", "add", "--project", dir, "--data", data, "--email", email, "--name", strings.Split(email, "@")[0], "--role", role)
	cmd.Env = append(os.Environ(), "DISPATCHER_KEY="+kill.Key)
	cmd.Stdin = bytes.NewReader([]byte(personPassword + "\n"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("user add: %v\n%s", err, out)
	}
}

func containsWords(text, words string) bool { return strings.Contains(text, words) }

const personPassword = "a sentence about seven otters"
