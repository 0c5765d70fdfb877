package x

import (
	"crypto/hmac"
	"crypto/sha1" // OAuth 1.0a signs with HMAC-SHA1; nothing else here does
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/wire"
)

// credentials are one of two: OAuth 1.0a of the account, or a bearer token.
type credentials struct {
	consumerKey, consumerSecret string
	token, tokenSecret          string
	bearer                      string
}

func readCredentials(c *wire.Config) credentials {
	oauth2 := c.Map("oauth2")
	bearer := string(c.Secret("bearer", false, 0))
	user := string(oauth2.Secret("access_token", false, 0))
	oauth2.Secret("client_id", false, 0)
	oauth2.Secret("refresh_token", false, 0)
	if user != "" {
		bearer = user
	}
	need := bearer == "" // without a bearer the account's own OAuth 1.0a is needed, whole
	out := credentials{
		bearer:      bearer,
		consumerKey: string(c.Secret("consumer_key", need, 0)),
		token:       string(c.Secret("access_token", need, 0)),
		tokenSecret: string(c.Secret("access_token_secret", need, 0)),
	}
	if out.token != "" && out.tokenSecret != "" && out.consumerKey != "" && user == "" {
		out.bearer = "" // app-only tokens manage webhooks, they do not send
	}
	return out
}

// Authorize adds OAuth 1.0a, or the bearer token where no account token is configured.
func (a *Adapter) Authorize(req *http.Request, now time.Time, nonce string) error {
	if a.auth.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+a.auth.bearer)
		return nil
	}
	if a.auth.consumerKey == "" || a.auth.consumerSecret == "" || a.auth.token == "" || a.auth.tokenSecret == "" {
		return fmt.Errorf("channel %s has no credentials to send with", a.Name)
	}
	form, err := formOf(req)
	if err != nil {
		return fmt.Errorf("read the form to sign: %w", err)
	}
	req.Header.Set("Authorization", a.auth.oauth1(req.Method, req.URL, form, nonce, now))
	return nil
}

// formOf gives the fields of a form body, which are signed; a JSON body is not.
func formOf(req *http.Request) (url.Values, error) {
	if req.Header.Get("Content-Type") != formType {
		return nil, nil
	}
	raw, err := wire.PeekBody(req)
	if err != nil {
		return nil, err
	}
	return url.ParseQuery(string(raw))
}

// oauth1 is the Authorization header of RFC 5849, HMAC-SHA1.
func (k credentials) oauth1(method string, u *url.URL, form url.Values, nonce string, now time.Time) string {
	oauth := map[string]string{
		"oauth_consumer_key":     k.consumerKey,
		"oauth_nonce":            nonce,
		"oauth_signature_method": "HMAC-SHA1",
		"oauth_timestamp":        strconv.FormatInt(now.Unix(), 10),
		"oauth_token":            k.token,
		"oauth_version":          "1.0",
	}
	var pairs []string
	add := func(key, value string) { pairs = append(pairs, escape(key)+"="+escape(value)) }
	for key, value := range oauth {
		add(key, value)
	}
	for _, values := range []url.Values{u.Query(), form} {
		for key, list := range values {
			for _, v := range list {
				add(key, v)
			}
		}
	}
	sort.Strings(pairs)
	base := method + "&" + escape(u.Scheme+"://"+u.Host+u.EscapedPath()) + "&" + escape(strings.Join(pairs, "&"))
	mac := hmac.New(sha1.New, []byte(escape(k.consumerSecret)+"&"+escape(k.tokenSecret)))
	mac.Write([]byte(base))
	oauth["oauth_signature"] = base64.StdEncoding.EncodeToString(mac.Sum(nil))
	var fields []string
	for key, value := range oauth {
		fields = append(fields, key+`="`+escape(value)+`"`)
	}
	sort.Strings(fields)
	return "OAuth " + strings.Join(fields, ", ")
}

// escape is RFC 3986 percent-encoding: everything but letters, digits and - . _ ~.
func escape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '-' || c == '.' || c == '_' || c == '~' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// signaturePrefix stands before the base64 of both the CRC answer and the webhook signature.
const signaturePrefix = "sha256="

const headerSignature = "X-Twitter-Webhooks-Signature"

// crcShape keeps event JSON out of the handshake: its answer has key, prefix
// and encoding in common with the signature of a webhook.
var crcShape = regexp.MustCompile(`^[A-Za-z0-9_+/=-]{1,128}$`)

// Handshake answers the CRC of every GET: 200 with the HMAC of crc_token by
// the first secret, or 400 for a token that is missing, repeated or not one.
func (a *Adapter) Handshake(r channels.Request) (channels.Response, bool) {
	if r.Method != http.MethodGet {
		return channels.Response{}, false
	}
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	tokens := r.Query["crc_token"]
	if len(tokens) != 1 || len(a.secrets) == 0 {
		return channels.Response{Status: http.StatusBadRequest, Header: h, Body: []byte(`{"error":"crc_token"}`)}, true
	}
	token := strings.ReplaceAll(tokens[0], " ", "+") // a plus in a query is decoded as a space
	if !crcShape.MatchString(token) {
		return channels.Response{Status: http.StatusBadRequest, Header: h, Body: []byte(`{"error":"crc_token"}`)}, true
	}
	sum := base64.StdEncoding.EncodeToString(wire.MAC(a.secrets[0], token))
	body, err := json.Marshal(map[string]string{"response_token": signaturePrefix + sum})
	if err != nil { // a map of strings always marshals
		return channels.Response{Status: http.StatusInternalServerError}, true
	}
	return channels.Response{Status: http.StatusOK, Header: h, Body: body}, true
}

// Verify checks the webhook signature over the raw body. X signs no time: a
// replay is caught by the dedupe of 35 days.
func (a *Adapter) Verify(r channels.Request, _ time.Time) error {
	values := r.Header.Values(headerSignature)
	if len(values) != 1 {
		return fmt.Errorf("the signature header is missing or repeated: %w", channels.ErrSignature)
	}
	b64, ok := strings.CutPrefix(values[0], signaturePrefix)
	if !ok {
		return fmt.Errorf("the signature does not start with %s: %w", signaturePrefix, channels.ErrSignature)
	}
	sum, err := base64.StdEncoding.Strict().DecodeString(b64)
	if err != nil || !wire.AnyMAC(a.secrets, string(r.Body), sum) {
		return fmt.Errorf("the signature does not match: %w", channels.ErrSignature)
	}
	return nil
}

// Sign is the signature header's value for a body, as X writes it; the fake platform and tests use it.
func Sign(secret, body []byte) string {
	return signaturePrefix + base64.StdEncoding.EncodeToString(wire.MAC(secret, string(body)))
}
