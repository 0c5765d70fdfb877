package server

import (
	"bytes"
	"crypto/rand"
	"encoding/base32"
	"encoding/hex"
	"html/template"
	"image/png"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
)

const (
	totpPeriod    = 30 // seconds
	recoveryCodes = 10
)

// newTOTPSecret makes a 160-bit secret in base32.
func newTOTPSecret() string {
	b := make([]byte, 20)
	rand.Read(b)
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)
}

// totpStep says whether a code is right now or one step to either side, and
// which step it belongs to, so that a code is taken once.
func totpStep(secret, code string, now time.Time) (step int64, ok bool) {
	if secret == "" || len(code) != 6 {
		return 0, false
	}
	opts := totp.ValidateOpts{Period: totpPeriod, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}
	for _, shift := range []int64{0, -1, 1} {
		at := now.Add(time.Duration(shift*totpPeriod) * time.Second)
		if good, err := totp.ValidateCustom(code, secret, at, opts); err == nil && good {
			return at.Unix() / totpPeriod, true
		}
	}
	return 0, false
}

// newRecovery replaces the recovery codes; only their hashes are kept.
func newRecovery(u *userSecret) []string {
	codes := make([]string, recoveryCodes)
	u.Recovery = make([]string, recoveryCodes)
	for i := range codes {
		plain := strings.ToLower(rand.Text())[:12]
		codes[i] = plain[:4] + "-" + plain[4:8] + "-" + plain[8:]
		u.Recovery[i] = hex.EncodeToString(hashSecret(plain))
	}
	return codes
}

// qrImage is the link as a picture to scan; empty when it cannot be drawn.
func qrImage(link string) template.URL {
	key, err := otp.NewKeyFromURL(link)
	if err != nil {
		return ""
	}
	img, err := key.Image(240, 240)
	if err != nil {
		return ""
	}
	var b bytes.Buffer
	if png.Encode(&b, img) != nil {
		return ""
	}
	return template.URL("data:image/png;base64," + b64(b.Bytes())) //nolint:gosec // made by us
}
