package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// MAC is HMAC-SHA256.
func MAC[T []byte | string](secret []byte, message T) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(message))
	return h.Sum(nil)
}

// AnyMAC says whether sum is the MAC of message under one of the secrets, in
// constant time for each. No secret: never.
func AnyMAC[T []byte | string](secrets [][]byte, message T, sum []byte) bool {
	good := false
	for _, s := range secrets {
		if len(s) > 0 && hmac.Equal(MAC(s, message), sum) {
			good = true
		}
	}
	return good
}

// ShortID keeps ids of a platform bounded: they are opaque, and one longer
// than 512 bytes becomes "h:" and its SHA-256 (channels.md 5).
func ShortID(id string) string {
	if len(id) <= 512 {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "h:" + hex.EncodeToString(sum[:])
}

// SyntheticID is the dedupe key of an event to which its platform gave no id (channels.md 3.2).
func SyntheticID(thread, timestamp, kind string, raw []byte) string {
	h := sha256.New()
	for _, s := range []string{thread, timestamp, kind} {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	h.Write(raw)
	return "synthetic:" + hex.EncodeToString(h.Sum(nil))
}

// OptionPayload names one option of one message: what a button carries (channels.md 3.6).
func OptionPayload(secret []byte, conversation string, seq int64, index int) string {
	s, i := strconv.FormatInt(seq, 36), strconv.FormatInt(int64(index), 36)
	return "o1." + s + "." + i + "." + optionMAC(secret, conversation, s, i)
}

func optionMAC(secret []byte, conversation, seq, index string) string {
	sum := MAC(secret, "dispatcher-option.v1|"+conversation+"|"+seq+"|"+index)
	return base64.RawURLEncoding.EncodeToString(sum)[:8]
}

var optionShape = regexp.MustCompile(`^o1\.([0-9a-z]{1,13})\.([0-9a-z]{1,4})\.[A-Za-z0-9_-]{8}$`)

var greetingShape = regexp.MustCompile(`^g1\.[a-z][a-z0-9_]{0,39}$`)

// CheckOption reads a payload that came back in a conversation; ok is false
// for one that was not made for it.
func CheckOption(secret []byte, conversation, payload string) (seq int64, index int, ok bool) {
	m := optionShape.FindStringSubmatch(payload)
	if m == nil || len(secret) == 0 {
		return 0, 0, false
	}
	want := optionMAC(secret, conversation, m[1], m[2])
	if !hmac.Equal([]byte(want), []byte(payload[len(payload)-8:])) {
		return 0, 0, false
	}
	seq, err := strconv.ParseInt(m[1], 36, 64)
	if err != nil {
		return 0, 0, false
	}
	i, err := strconv.ParseInt(m[2], 36, 32)
	return seq, int(i), err == nil
}

// IsPayload says whether s has the shape of a payload of ours: an option
// (o1.…) or a greeting or menu item (g1.…). Only inbox can tell a forged one.
func IsPayload(s string) bool { return optionShape.MatchString(s) || greetingShape.MatchString(s) }

// EntryToken is a signed reference that a link carries (channels.md 6). It
// says where somebody came from, never who they are.
type EntryToken struct {
	Key int       // 1..9
	Ref string    // [a-z0-9-]{1,40}
	End time.Time // last day (UTC) on which it is good; zero = for ever
}

var (
	entryEpoch = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	entryShape = regexp.MustCompile(`^e1([0-9])([0-9a-z]{4})([a-z0-9-]{1,40})([A-Za-z0-9_-]{16})$`)
	refShape   = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)
)

// MakeEntry writes a token for one channel.
func MakeEntry(secret []byte, channel string, t EntryToken) string {
	day := int64(0)
	if !t.End.IsZero() {
		day = int64(t.End.UTC().Sub(entryEpoch) / (24 * time.Hour))
	}
	days := strconv.FormatInt(day, 36)
	head := "e1" + strconv.Itoa(t.Key) + strings.Repeat("0", max(0, 4-len(days))) + days + t.Ref
	return head + entryMAC(secret, channel, head)
}

func entryMAC(secret []byte, channel, head string) string {
	return base64.RawURLEncoding.EncodeToString(MAC(secret, "dispatcher-entry.v1|"+channel+"|"+head)[:12])
}

// ReadEntry reads what a link brought. A good token gives its reference and
// signed; a token that is forged, expired or of another channel gives its
// reference unsigned; anything else is itself a plain reference, cleaned.
func ReadEntry(secret []byte, channel, s string, now time.Time) (ref string, signed bool) {
	m := entryShape.FindStringSubmatch(s)
	if m == nil {
		return PlainRef(s), false
	}
	ref = m[3]
	if len(secret) == 0 || !hmac.Equal([]byte(entryMAC(secret, channel, s[:len(s)-16])), []byte(m[4])) {
		return ref, false
	}
	day, err := strconv.ParseInt(m[2], 36, 64)
	if err != nil {
		return ref, false
	}
	end := entryEpoch.AddDate(0, 0, int(day)+1) // good through the whole of its last day
	return ref, day == 0 || now.Before(end)
}

// PlainRef keeps an unsigned reference short and printable.
func PlainRef(s string) string {
	s = Clean(strings.TrimSpace(s))
	if len(s) > 200 {
		s = s[:runePrefix(s, 200, Bytes)]
	}
	return s
}

var tagShape = regexp.MustCompile(`\s*[\[(]([a-z0-9-]{1,40})-([a-z2-7]{4})[\])]\s*$`)

// TextTag is the reference behind the words of a link on platforms that carry nothing else: "[returns-i54a]".
func TextTag(secret []byte, channel, ref string) string {
	return "[" + ref + "-" + tagMAC(secret, channel, ref) + "]"
}

func tagMAC(secret []byte, channel, ref string) string {
	sum := MAC(secret, "dispatcher-tag.v1|"+channel+"|"+ref)
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum))[:4]
}

// CutTag takes a good tag off the end of a text. A tag guards against typing
// errors, not against people: it never signs anything.
func CutTag(secret []byte, channel, text string) (rest, ref string) {
	m := tagShape.FindStringSubmatchIndex(text)
	if m == nil || len(secret) == 0 {
		return text, ""
	}
	ref = text[m[2]:m[3]]
	if !hmac.Equal([]byte(tagMAC(secret, channel, ref)), []byte(text[m[4]:m[5]])) {
		return text, ""
	}
	return text[:m[0]], ref
}

// IsRef says whether s may be the reference of a token or tag.
func IsRef(s string) bool { return refShape.MatchString(s) }
