package proof

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dispatcher/inbox"
)

// canaryListener counts who connects; nobody may.
type canaryListener struct {
	net.Listener
	hits atomic.Int64
	port string
}

func listenCanary(t testing.TB, address string) *canaryListener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skipf("NOT PROVEN: %s cannot be listened on: %v", address, err)
	}
	c := &canaryListener{Listener: l}
	_, c.port, _ = net.SplitHostPort(l.Addr().String())
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.hits.Add(1)
			_ = conn.Close()
		}
	}()
	return c
}

// insideHosts are the spellings of addresses that no look-up may reach. Every
// one is dialled on the canary's port; the ones with a name of their own class
// lead to it when nobody stops them.
var insideHosts = []string{
	// this machine, in every spelling
	"127.0.0.1", "127.0.0.2", "127.1.2.3", "127.255.255.254", "localhost", "LOCALHOST", "localhost.", "127.0.0.1.", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1",
	"[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "0.0.0.0", "0.1.2.3", "0", "[::]",
	// private, link-local, carrier-grade
	"10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255", "100.64.0.1", "100.127.255.255", "169.254.0.1", "[::ffff:10.0.0.1]", "[::ffff:192.168.1.1]",
	// metadata of clouds
	"169.254.169.254", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[fe80::a9fe:a9fe]", "100.100.100.200", "192.0.0.192",
	// IPv6 of the inside, and IPv4 in its clothes
	"[fc00::1]", "[fd12:3456:789a::1]", "[fe80::1]", "[fe80::1%25lo]", "[fec0::1]", "[64:ff9b::7f00:1]", "[64:ff9b::a00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2002:a00:1::1]",
	"[2001:0:7f00:1::1]", "[2001:db8::1]", "[100::1]", "[::2]", "[3fff::1]", "[5f00::1]",
	// many, none, reserved
	"224.0.0.1", "239.255.255.250", "[ff02::1]", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "203.0.113.7", "192.88.99.1",
}

// TestPromise_P16_Addresses: nothing that a flow, a hook or a platform names
// makes the one HTTP client connect to the inside.
func TestPromise_P16_Addresses(t *testing.T) {
	scale(t)
	begun := time.Now()
	canary := listenCanary(t, "127.0.0.1:0")
	rows := append(slices.Clone(insideHosts), "http:127.0.0.1", "http:localhost", "http:10.0.0.1")
	tried := tryAll(t, inbox.NewClient(inbox.Guard{}), rows, canary.port, true)
	if n := canary.hits.Load(); n != 0 || tried < 60 {
		t.Errorf("%d connects from %d rows", n, tried)
	}
	private := tryPrivate(t, canary.port)
	t.Run("rebinding and redirects", func(t *testing.T) { inChild(t, "guarded") })
	t.Run("one constructor", oneConstructor)
	t.Run("mutant", func(t *testing.T) {
		naive := listenCanary(t, "127.0.0.1:0")
		tryAll(t, &http.Client{Timeout: time.Second}, []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"}, naive.port, false)
		if naive.hits.Load() == 0 {
			t.Error("the canary does not hear a client without guard")
		}
		inChild(t, "naive")
	})
	report(t, "P16: %d spellings, %d exceptions that cover one network only, rebinding, 25 redirects, a proxy in the environment: %d connects; %.1f s", tried, private, canary.hits.Load(), time.Since(begun).Seconds())
}

// tryAll asks for every row and wants a refusal of ours where the row is an
// address, any error where it is a name.
func tryAll(t *testing.T, c *http.Client, rows []string, port string, strict bool) int {
	t.Helper()
	var wg sync.WaitGroup
	for _, host := range rows {
		wg.Go(func() {
			target := "https://" + host + ":" + port + "/"
			if plain, ok := strings.CutPrefix(host, "http:"); ok {
				target = "http://" + plain + ":" + port + "/"
			}
			ctx, stop := context.WithTimeout(t.Context(), 3*time.Second)
			defer stop()
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader("{}"))
			if err != nil {
				return // not even an address
			}
			res, err := c.Do(req)
			if err == nil {
				_ = res.Body.Close()
			}
			if !strict {
				return
			}
			_, notAddress := netip.ParseAddr(strings.Trim(strings.ReplaceAll(host, "%25", "%"), "[]"))
			switch {
			case err == nil:
				t.Errorf("%s answered %d", target, res.StatusCode)
			case strings.HasPrefix(host, "http:") && !errors.Is(err, inbox.ErrForbiddenURL):
				t.Errorf("%s: %v", target, err)
			case notAddress == nil && !errors.Is(err, inbox.ErrForbiddenAddress):
				t.Errorf("%s: %v", target, err)
			}
		})
	}
	wg.Wait()
	return len(rows)
}

// tryPrivate: an exception lets in its own network and nothing beside it.
func tryPrivate(t *testing.T, port string) int {
	t.Helper()
	rows := map[string]string{"10.1.0.0/16": "10.2.0.1", "192.168.7.0/24": "192.168.8.1", "127.0.0.2/32": "127.0.0.1", "fd00::/16": "[fd01::1]"}
	for net, host := range rows {
		tryAll(t, inbox.NewClient(inbox.Guard{AllowPrivate: []netip.Prefix{netip.MustParsePrefix(net)}}), []string{host}, port, true)
	}
	return len(rows)
}

// inChild runs TestP16Child with the environment that it needs: a root that
// signs its own server, and a proxy that would lead to the canary.
func inChild(t *testing.T, what string) {
	t.Helper()
	open := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if to := r.URL.Query().Get("to"); to != "" {
			w.Header().Set("Location", to)
			var status int
			_, _ = fmt.Sscan(r.URL.Query().Get("status"), &status)
			w.WriteHeader(status)
		}
	}))
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skipf("NOT PROVEN: 127.0.0.2 cannot be listened on: %v", err)
	}
	_ = open.Listener.Close()
	open.Listener = l
	open.StartTLS()
	defer open.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	canary, proxy := listenCanary(t, "127.0.0.1:"+port), listenCanary(t, "127.0.0.1:0")
	root := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(root, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: open.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestP16Child$", "-test.v")
	cmd.Env = append(os.Environ(), "P16_CHILD="+what, "P16_PORT="+port, "SSL_CERT_FILE="+root, "SSL_CERT_DIR="+t.TempDir(),
		"HTTPS_PROXY=http://127.0.0.1:"+proxy.port, "HTTP_PROXY=http://127.0.0.1:"+proxy.port, "ALL_PROXY=http://127.0.0.1:"+proxy.port)
	out, err := cmd.CombinedOutput()
	hits := canary.hits.Load() + proxy.hits.Load()
	switch {
	case !strings.Contains(string(out), "--- PASS: TestP16Child") && !strings.Contains(string(out), "--- FAIL: TestP16Child"):
		t.Errorf("the child did not run: %v\n%s", err, out)
	case what == "guarded" && (err != nil || hits != 0):
		t.Errorf("%d connects (canary %d, proxy %d), %v\n%s", hits, canary.hits.Load(), proxy.hits.Load(), err, out)
	case what == "naive" && canary.hits.Load() < 2:
		t.Errorf("the canary does not hear a client that looks only before it dials (%d connects)\n%s", hits, out)
	}
}

// TestP16Child is the other half of inChild: example.com is a name whose
// server says 127.0.0.2, which an exception allows, and then 127.0.0.1.
func TestP16Child(t *testing.T) {
	what, port := os.Getenv("P16_CHILD"), os.Getenv("P16_PORT")
	if what == "" {
		t.Skip("the child of P16")
	}
	dns := serveNames(t)
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", dns.addr)
	}}
	client := inbox.NewClient(inbox.Guard{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}})
	if what == "naive" {
		client = &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}}
	}
	get := func(target string) (int, error) {
		ctx, stop := context.WithTimeout(t.Context(), 2*time.Second)
		defer stop()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			return 0, err
		}
		_ = res.Body.Close()
		return res.StatusCode, nil
	}
	rebind(t, dns, get, client, port, what)
	dns.say("127.0.0.2")
	client.CloseIdleConnections()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, to := range []string{"https://127.0.0.1:" + port + "/", "http://127.0.0.1:" + port + "/", "//127.0.0.1:" + port, "https://[::ffff:127.0.0.1]:" + port, "http://localhost:" + port + "/latest/meta-data"} {
			got, err := get(fmt.Sprintf("https://example.com:%s/?status=%d&to=%s", port, status, to))
			if what == "guarded" && (err != nil || got != status) {
				t.Errorf("redirect %d to %s: %d, %v", status, to, got, err)
			}
		}
	}
}

// rebind: a name that was good when it was looked at is another one when it is
// dialled, on a fresh connection each time.
func rebind(t *testing.T, dns *names, get func(string) (int, error), client *http.Client, port, what string) {
	t.Helper()
	target := "https://example.com:" + port + "/"
	dns.say("127.0.0.2")
	if status, err := get(target); what == "guarded" && (status != http.StatusOK || err != nil) {
		t.Fatalf("the allowed address: %d, %v", status, err)
	}
	for _, answer := range [][]string{{"127.0.0.1"}, {"127.0.0.1", "10.0.0.1"}, {"169.254.169.254"}, {"0.0.0.0"}, {"10.0.0.1", "127.0.0.1"}} {
		dns.say(answer...)
		client.CloseIdleConnections()
		if what == "naive" { // looks at the name first, as the field does, and dials it then
			dns.say("127.0.0.2")
			if ips, err := net.LookupHost("example.com"); err != nil || !slices.Equal(ips, []string{"127.0.0.2"}) {
				t.Fatal(ips, err)
			}
			dns.say("127.0.0.1")
		}
		if status, err := get(target); what == "guarded" && !errors.Is(err, inbox.ErrForbiddenAddress) {
			t.Errorf("a name that is now %v: %d, %v", answer, status, err)
		}
	}
}

// names is a name server with one answer for everything, which may change.
type names struct {
	addr string
	mu   sync.Mutex
	now  []string
}

func (n *names) say(addrs ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.now = addrs
}

func serveNames(t *testing.T) *names {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	n := &names{addr: conn.LocalAddr().String()}
	go func() {
		buf := make([]byte, 1500)
		for {
			size, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if out := n.answer(buf[:size]); out != nil {
				_, _ = conn.WriteTo(out, from)
			}
		}
	}()
	return n
}

// answer is the reply to one query: its own question, and an A record for
// every address where A was asked (RFC 1035, 4.1).
func (n *names) answer(query []byte) []byte {
	end := 12
	for end < len(query) && query[end] != 0 {
		end += int(query[end]) + 1
	}
	if end += 5; end > len(query) {
		return nil
	}
	out := slices.Clone(query[:end])
	out[2], out[3] = 0x81, 0x80 // an answer, recursion available
	clear(out[6:12])
	n.mu.Lock()
	defer n.mu.Unlock()
	if out[end-3] != 1 { // AAAA: there is none
		return out
	}
	out[7] = byte(len(n.now))
	for _, addr := range n.now {
		ip := netip.MustParseAddr(addr).As4()
		out = append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		out = append(out, ip[:]...)
	}
	return out
}

// clients are the ways to make a request that goes round the constructor.
var clients = regexp.MustCompile(`http\.Client\{|http\.Transport\{|http\.DefaultClient|http\.DefaultTransport|http\.(Get|Post|PostForm|Head)\(|net\.Dial(Timeout)?\(|net\.Dialer\{`)

// oneConstructor: no other place of the program can call out.
func oneConstructor(t *testing.T) {
	// The second asks this very process; the others are the program at the
	// operator's hand: a service by its socket file, or by --server.
	allowed := []string{"inbox/client.go", "cmd/dispatcher/healthcheck.go", "cmd/dispatcher/local.go", "cmd/dispatcher/api.go"}
	eachSource(t, func(name, text string) {
		if m := clients.FindString(text); m != "" && !slices.Contains(allowed, name) {
			t.Errorf("%s uses %s: requests go out through inbox.NewClient only", name, m)
		}
	})
	if !clients.MatchString("c := &http.Client{}") {
		t.Error("the lint does not see a client")
	}
}

// eachSource gives every source of the program, tests and proofs left out.
func eachSource(t *testing.T, f func(name, text string)) {
	t.Helper()
	root, seen := os.DirFS("../.."), 0
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (p == "internal/proof" || p == "bench" || p == "channels/channeltest" || p == "storage/storagetest" || p == "data" || p != "." && strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go"):
			return nil
		}
		data, err := fs.ReadFile(root, p)
		if err == nil {
			seen++
			f(p, string(data))
		}
		return err
	})
	if err != nil || seen < 200 {
		t.Fatalf("%d sources, %v", seen, err)
	}
}
