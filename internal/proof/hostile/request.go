package hostile

import (
	"bytes"
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha1" // an algorithm that must not be taken
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Request is one request with the statuses that refuse it.
type Request struct {
	Name   string
	Method string // "" = POST
	Path   string
	Header http.Header
	Body   []byte
	Want   []int
	Lie    int64 // Content-Length that is claimed; 0 = the true one
	Chunks bool  // without a length
}

// Target is what a corpus is aimed at.
type Target struct {
	Alias  string
	Secret string // the real one: half of the corpus knows it and breaks another rule
	Other  string // a good secret of another channel
	Token  string // web: a session of a visitor
	Origin string // web: the server's own
	Now    time.Time
}

// attack makes one request of a class; the generator picks at random.
type attack struct {
	name string
	make func(r *rand.Rand, t Target) Request
}

// Corpus makes n requests of a kind of channel: webhook, x or web.
func Corpus(kind string, t Target, n int, seed uint64) []Request {
	attacks := map[string][]attack{"webhook": append(webhookAttacks(), common()...), "x": append(xAttacks(), common()...), "web": webAttacks()}[kind]
	r := rand.New(rand.NewPCG(seed, 14))
	out := make([]Request, 0, n)
	for i := range n {
		a := attacks[i%len(attacks)]
		q := a.make(r, t)
		q.Name = kind + ": " + a.name
		if q.Method == "" {
			q.Method = http.MethodPost
		}
		if q.Path == "" {
			q.Path = "/channels/" + t.Alias + "/webhook"
		}
		if q.Header == nil {
			q.Header = http.Header{}
		}
		if _, set := q.Header["Content-Type"]; !set && q.Method == http.MethodPost {
			q.Header.Set("Content-Type", "application/json")
		}
		out = append(out, q)
	}
	return out
}

// blob is a body that would be one message if anybody took it.
func blob(r *rand.Rand, x bool) []byte {
	id := strconv.FormatUint(r.Uint64(), 10)
	if x {
		return fmt.Appendf(nil, `{"for_user_id":"900100","direct_message_events":[{"type":"message_create","id":"%s","created_timestamp":"%d","message_create":{"target":{"recipient_id":"900100"},"sender_id":"%s","message_data":{"text":"injected %s"}}}]}`,
			id, time.Now().UnixMilli(), id[:min(len(id), 15)], id)
	}
	return fmt.Appendf(nil, `{"type":"message.created","timestamp":"%s","data":{"id":"h-%s","contact":{"id":"h-%s","name":"Eve"},"text":"injected %s"}}`, time.Now().UTC().Format(time.RFC3339), id, id, id)
}

func mac(h func() hash.Hash, secret, text string) []byte {
	m := hmac.New(h, []byte(secret))
	m.Write([]byte(text))
	return m.Sum(nil)
}

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// webhookKey is the key inside of whsec_….
func webhookKey(secret string) string {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return secret
	}
	return string(key)
}

// signedHook is a request that the holder of secret signed.
func signedHook(r *rand.Rand, secret, id, at string, body []byte) Request {
	if id == "" {
		id = "evt-" + strconv.FormatUint(r.Uint64(), 36)
	}
	h := http.Header{}
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", at)
	h.Set("Webhook-Signature", "v1,"+b64(mac(sha256.New, webhookKey(secret), id+"."+at+"."+string(body))))
	return Request{Header: h, Body: body}
}

func (t Target) hook(r *rand.Rand, body []byte, want ...int) Request {
	q := signedHook(r, t.Secret, "", strconv.FormatInt(t.Now.Unix(), 10), body)
	q.Want = want
	return q
}

func (t Target) signedX(secret string, body []byte, want ...int) Request {
	h := http.Header{}
	h.Set("X-Twitter-Webhooks-Signature", "sha256="+b64(mac(sha256.New, secret, string(body))))
	return Request{Header: h, Body: body, Want: want}
}

// spoil changes one byte.
func spoil(r *rand.Rand, b []byte) []byte {
	out := bytes.Clone(b)
	i := r.IntN(len(out))
	out[i] ^= 1 << r.IntN(7)
	return out
}

// bomb is a megabyte of nothing in a kilobyte.
func bomb() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(bytes.Repeat([]byte(" "), 20<<20))
	_ = z.Close()
	return b.Bytes()
}

// badJSON is what only looks like an envelope. Each breaks before it is read.
func badJSON(r *rand.Rand, good []byte) []byte {
	switch r.IntN(8) {
	case 0:
		return good[:1+r.IntN(len(good)-1)]
	case 1:
		return append(bytes.Clone(good), good...)
	case 2:
		return bytes.Replace(good, []byte("{"), []byte(`{"type":"ping","type":"ping",`), 1)
	case 3:
		return bytes.Replace(good, []byte("injected"), []byte("\xff\xfe"), 1)
	case 4:
		return append(bytes.Clone(good), '\x00')
	case 5:
		return []byte(`<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>`)
	case 6:
		return bytes.Replace(good, []byte(`"`), []byte(`'`), 2)
	}
	return nil
}

func deep(n int) []byte {
	return []byte(`{"type":"message.created","data":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`)
}

// bent is one way to sign that is none.
type bent struct {
	name string
	bend func(r *rand.Rand, h http.Header, name, secret, text string)
}

// any401 are the ways to sign that are none, given the right headers of a
// signed request; they work on the one header that holds the signature.
func any401() []bent {
	return []bent{
		{"no signature", func(_ *rand.Rand, h http.Header, name, _, _ string) { h.Del(name) }},
		{"empty", func(_ *rand.Rand, h http.Header, name, _, _ string) { h.Set(name, "") }},
		{"two headers", func(_ *rand.Rand, h http.Header, name, _, _ string) { h.Add(name, h.Get(name)) }},
		{"random MAC", func(r *rand.Rand, h http.Header, name, _, _ string) {
			h.Set(name, prefixOf(h.Get(name))+b64(mac(sha256.New, strconv.FormatUint(r.Uint64(), 10), "")))
		}},
		{"truncated MAC", func(r *rand.Rand, h http.Header, name, secret, text string) {
			h.Set(name, prefixOf(h.Get(name))+b64(mac(sha256.New, secret, text)[:r.IntN(32)]))
		}},
		{"one bit off", func(r *rand.Rand, h http.Header, name, secret, text string) {
			h.Set(name, prefixOf(h.Get(name))+b64(spoil(r, mac(sha256.New, secret, text))))
		}},
		{"longer MAC", func(_ *rand.Rand, h http.Header, name, secret, text string) {
			h.Set(name, prefixOf(h.Get(name))+b64(append(mac(sha256.New, secret, text), 0)))
		}},
		{"SHA-1", func(_ *rand.Rand, h http.Header, name, secret, text string) {
			h.Set(name, prefixOf(h.Get(name))+b64(mac(sha1.New, secret, text)))
		}},
		{"hex", func(_ *rand.Rand, h http.Header, name, secret, text string) {
			h.Set(name, prefixOf(h.Get(name))+hex.EncodeToString(mac(sha256.New, secret, text)))
		}},
		{"plain hash", func(_ *rand.Rand, h http.Header, name, _, text string) {
			sum := sha256.Sum256([]byte(text))
			h.Set(name, prefixOf(h.Get(name))+b64(sum[:]))
		}},
		{"empty key", func(_ *rand.Rand, h http.Header, name, _, text string) {
			h.Set(name, prefixOf(h.Get(name))+b64(mac(sha256.New, "", text)))
		}},
		{"no prefix", func(_ *rand.Rand, h http.Header, name, secret, text string) {
			h.Set(name, b64(mac(sha256.New, secret, text)))
		}},
		{"other algorithm named", func(r *rand.Rand, h http.Header, name, secret, text string) {
			h.Set(name, []string{"none", "sha1=", "md5=", "SHA256=", "v1a,", "v2,", "V1,", "sha512="}[r.IntN(8)]+b64(mac(sha256.New, secret, text)))
		}},
		{"a comma list", func(_ *rand.Rand, h http.Header, name, _, _ string) { h.Set(name, h.Get(name)+","+h.Get(name)) }},
		{"junk", func(r *rand.Rand, h http.Header, name, _, _ string) {
			h.Set(name, strings.Repeat(string(rune('!'+r.IntN(90))), 1+r.IntN(3000)))
		}},
	}
}

// prefixOf is what stands before the MAC.
func prefixOf(v string) string {
	for _, p := range []string{"v1,", "sha256="} {
		if strings.HasPrefix(v, p) {
			return p
		}
	}
	return ""
}
