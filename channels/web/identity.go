package web

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/wire"
)

// identityMost is the longest life of an identity token.
const identityMost = 24 * time.Hour

// slack allows for clocks that differ between the site and us.
const slack = 5 * time.Minute

// who is what an identity token proves.
type who struct{ sub, name string }

// checkIdentity reads di1.<payload>.<mac> (channels.md 2.2.1). Every error is
// channels.ErrUnauthorized: a visitor with a bad token is nobody in particular.
func (a *Adapter) checkIdentity(token string, now time.Time) (who, error) {
	bad := func(why string) (who, error) {
		return who{}, fmt.Errorf("identity token %s: %w", why, channels.ErrUnauthorized)
	}
	head, mac, ok := cutLast(token, ".")
	payload, prefixed := strings.CutPrefix(head, "di1.")
	if !ok || !prefixed || len(token) > 4096 {
		return bad("is not one")
	}
	sum, err := base64.RawURLEncoding.Strict().DecodeString(mac)
	if err != nil || !wire.AnyMAC(a.identity, head, sum) {
		return bad("is not signed by this site")
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(payload)
	if err != nil {
		return bad("is not base64url")
	}
	v, err := wire.ReadJSON(raw)
	if err != nil {
		return bad("is not JSON")
	}
	sub := v.Get("sub").ID()
	iat, okIat := v.Get("iat").Int()
	exp, okExp := v.Get("exp").Int()
	from, until := time.Unix(iat, 0), time.Unix(exp, 0)
	switch {
	case sub == "":
		return bad("names nobody")
	case !okIat || !okExp || until.Sub(from) > identityMost || !until.After(from):
		return bad("has no life of at most 24 hours")
	case now.Before(from.Add(-slack)) || !now.Before(until):
		return bad("is expired")
	}
	return who{sub: "sub:" + sub, name: wire.Clean(v.Get("name").Text())}, nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// sessionID names a session in dedupe keys without being of use to anybody who reads it.
func sessionID(token string) string {
	sum := sha256.Sum256([]byte("dispatcher-session.v1|" + token))
	return hex.EncodeToString(sum[:12])
}
