package server

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"
)

const cursorLife = 24 * time.Hour

// cursor is what next_cursor holds: where a list goes on, for which question,
// and until when. It is opaque to clients and signed.
type cursor struct {
	At      string `json:"a"` // the inner cursor
	Query   []byte `json:"q"` // hash of caller and filters
	Expires int64  `json:"e"` // ms
}

func (s *Server) cursorMAC(b []byte) []byte {
	mac := hmac.New(sha256.New, s.cfg.Vault.Derive("cursor"))
	mac.Write(b)
	return mac.Sum(nil)[:16]
}

// sealCursor signs the inner cursor of a list; "" stays "".
func (s *Server) sealCursor(inner string, query ...string) string {
	if inner == "" {
		return ""
	}
	b, _ := json.Marshal(cursor{At: inner, Query: hashAll(query...)[:8], Expires: s.now().Add(cursorLife).UnixMilli()})
	return base64.RawURLEncoding.EncodeToString(append(s.cursorMAC(b), b...))
}

// openCursor gives the inner cursor back when it is ours, young enough and for
// the same question.
func (s *Server) openCursor(text string, query ...string) (string, error) {
	if text == "" {
		return "", nil
	}
	bad := problem("invalid", "")
	bad.Errors = []FieldError{{"query.cursor", "is not a cursor of this list, or older than a day"}}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) < 17 || !hmac.Equal(raw[:16], s.cursorMAC(raw[16:])) {
		return "", bad
	}
	var c cursor
	if json.Unmarshal(raw[16:], &c) != nil || c.Expires <= s.now().UnixMilli() || !hmac.Equal(c.Query, hashAll(query...)[:8]) {
		return "", bad
	}
	return c.At, nil
}
