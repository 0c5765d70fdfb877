package inbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"strconv"
	"strings"

	"dispatcher/vault"
)

// optionSecret signs the buttons of one channel. It comes from the root salt,
// so rotating the master key breaks no button (runtime.md ruling 16).
func optionSecret(v *vault.Vault, alias string) []byte { return v.Derive("option " + alias) }

// payload is what a button of message seq carries (channels.md 3.6):
// o1.<seq>.<index>.<mac>, numbers in base 36. conv is the public id.
func payload(secret []byte, conv string, seq int64, index int) string {
	return payloadBy(hmac.New(sha256.New, secret), conv, seq, index)
}

// payloadBy is payload with the keyed hash at hand.
func payloadBy(mac hash.Hash, conv string, seq int64, index int) string {
	s, i := strconv.FormatInt(seq, 36), strconv.FormatInt(int64(index), 36)
	mac.Reset()
	mac.Write([]byte("dispatcher-option.v1|" + conv + "|" + s + "|" + i))
	return "o1." + s + "." + i + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))[:8]
}

// readPayload gives the message and the index a button names. It says nothing
// of its truth: compare with payload of the conversation it must belong to.
func readPayload(p string) (seq int64, index int, ok bool) {
	parts := strings.Split(p, ".")
	if len(parts) != 4 || parts[0] != "o1" || len(p) > 40 {
		return 0, 0, false
	}
	seq, err := strconv.ParseInt(parts[1], 36, 64)
	if err != nil || seq < 1 {
		return 0, 0, false
	}
	i, err := strconv.ParseInt(parts[2], 36, 16)
	if err != nil || i < 0 {
		return 0, 0, false
	}
	return seq, int(i), true
}

// checkPayload says whether p is a button of that conversation, and which.
func checkPayload(secret []byte, conv, p string) (seq int64, index int, ok bool) {
	seq, index, ok = readPayload(p)
	if !ok || !hmac.Equal([]byte(p), []byte(payload(secret, conv, seq, index))) {
		return 0, 0, false
	}
	return seq, index, true
}
