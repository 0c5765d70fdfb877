package inbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"

	"dispatcher/vault"
)

// optionSecret signs the buttons of one channel. It comes from the root salt,
// so rotating the master key breaks no button (runtime.md ruling 16).
func optionSecret(v *vault.Vault, alias string) []byte { return v.Derive(optionLabel(alias)) }

func optionLabel(alias string) string { return "option " + alias }

// payload is what a button of message seq carries (channels.md 3.6):
// o1.<seq>.<index>.<mac>, numbers in base 36. conv is the public id.
func payload(secret []byte, conv string, seq int64, index int) string {
	s, i := strconv.FormatInt(seq, 36), strconv.FormatInt(int64(index), 36)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(optionPlace + conv + "|" + s + "|" + i))
	return writePayload(s, i, mac.Sum(nil))
}

// payloads are those of the first n buttons of a message, under the secret of
// the channel.
func payloads(v *vault.Vault, alias, conv string, seq int64, n int) []string {
	label, s, out := optionLabel(alias), strconv.FormatInt(seq, 36), make([]string, n)
	for index := range out {
		i := strconv.FormatInt(int64(index), 36)
		sum := v.MAC(label, optionPlace, conv, "|", s, "|", i)
		out[index] = writePayload(s, i, sum[:])
	}
	return out
}

// optionPlace begins what is signed of a button.
const optionPlace = "dispatcher-option.v1|"

func writePayload(seq, index string, mac []byte) string {
	var b [8]byte
	base64.RawURLEncoding.Encode(b[:], mac[:6])
	return "o1." + seq + "." + index + "." + string(b[:])
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
