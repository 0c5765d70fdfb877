package vault

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// ErrNoKey says that a key file holds no key.
var ErrNoKey = errors.New("vault: no key: a key file has one key per line, 32 bytes as base64 or 64 hex digits; make one with: openssl rand -base64 32")

// Keys are the master keys of a key file: the first is active, the others
// decrypt only.
type Keys struct {
	sealed
	list []masterKey
}

type masterKey struct {
	sealed
	bytes [KeyLen]byte
}

// id is the fingerprint of the key: the first 8 bytes of SHA-256 over a label
// and the key, so that it tells nothing of it.
func (k masterKey) id() int64 {
	sum := sha256.Sum256(append([]byte("dispatcher kid "), k.bytes[:]...))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// Len is the number of keys.
func (k *Keys) Len() int { return len(k.list) }

// ParseKeys reads a key file: one key per line, 32 bytes as base64 in the
// standard or URL alphabet (padding optional) or as 64 hex digits. Empty
// lines and lines that begin with # are skipped. An error names the line,
// never its content.
func ParseKeys(text []byte) (*Keys, error) {
	keys := &Keys{}
	lines := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		k, err := parseKey(line)
		if err != nil {
			return nil, fmt.Errorf("vault: key file line %d: %w", n, err)
		}
		for _, other := range keys.list {
			if other == k {
				return nil, fmt.Errorf("vault: key file line %d: the same key twice", n)
			}
		}
		keys.list = append(keys.list, k)
	}
	if lines.Err() != nil {
		return nil, errors.New("vault: key file: a line is too long to be a key")
	}
	if len(keys.list) == 0 {
		return nil, ErrNoKey
	}
	return keys, nil
}

func parseKey(line string) (masterKey, error) {
	var raw []byte
	var err error
	if len(line) == 2*KeyLen {
		raw, err = hex.DecodeString(line)
	} else {
		std := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(line, "="))
		raw, err = base64.RawStdEncoding.DecodeString(std)
	}
	if err != nil || len(raw) != KeyLen {
		return masterKey{}, errors.New("not a key: want 32 bytes as base64 or 64 hex digits; make one with: openssl rand -base64 32")
	}
	var k masterKey
	copy(k.bytes[:], raw)
	clear(raw)
	if k.bytes == ([KeyLen]byte{}) {
		return masterKey{}, errors.New("not a key: all zero")
	}
	return k, nil
}

// GenerateKey makes a new key as a line of a key file, newline included.
func GenerateKey() []byte {
	raw := make([]byte, KeyLen)
	rand.Read(raw)
	return []byte(base64.StdEncoding.EncodeToString(raw) + "\n")
}
