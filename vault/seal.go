package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// KeyLen is the length of every key in bytes (AES-256).
const KeyLen = 32

// version1 is the first byte of every sealed value: 0x01 | nonce 12 | ciphertext | tag 16.
const version1 = 0x01

// Overhead is how many bytes sealing adds.
const Overhead = 1 + 12 + 16

// Sealer seals and opens values under one key. It is safe for concurrent use.
type Sealer struct {
	sealed
	aead cipher.AEAD
}

// newSealer takes the key over and clears it (best effort: the expanded key
// lives on inside the cipher).
func newSealer(key []byte) (*Sealer, error) {
	defer clear(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("vault: cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("vault: cipher: %w", err)
	}
	return &Sealer{aead: aead}, nil
}

// Seal encrypts plain for the place aad. nil stays nil: an absent value needs
// no seal and a sealed one is never empty.
func (s *Sealer) Seal(plain, aad []byte) []byte {
	if plain == nil {
		return nil
	}
	out := make([]byte, 1, Overhead+len(plain))
	out[0] = version1
	return s.aead.Seal(out, nil, plain, aad)
}

// Open decrypts what Seal made for the same place. ErrSealed otherwise.
func (s *Sealer) Open(box, aad []byte) ([]byte, error) {
	if box == nil {
		return nil, nil
	}
	if len(box) < Overhead || box[0] != version1 {
		return nil, ErrSealed
	}
	plain, err := s.aead.Open(make([]byte, 0, len(box)-Overhead), nil, box[1:], aad)
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// mask is what every type of this package shows of itself.
const mask = "[sealed]"

// sealed is embedded by every type that holds keys or content: whichever way
// such a value reaches a log, an error or JSON, it shows the mask.
type sealed struct{}

// String implements fmt.Stringer.
func (sealed) String() string { return mask }

// GoString implements fmt.GoStringer.
func (sealed) GoString() string { return mask }

// Format implements fmt.Formatter for every verb.
func (sealed) Format(f fmt.State, _ rune) { io.WriteString(f, mask) }

// MarshalJSON implements json.Marshaler.
func (sealed) MarshalJSON() ([]byte, error) { return json.Marshal(mask) }

// MarshalText implements encoding.TextMarshaler.
func (sealed) MarshalText() ([]byte, error) { return []byte(mask), nil }

// LogValue implements slog.LogValuer.
func (sealed) LogValue() slog.Value { return slog.StringValue(mask) }

// Text is content in the clear on its way through the process, for example a
// slot value about to be sealed. It prints as the mask; Reveal gives it out.
type Text struct {
	sealed
	s string
}

// NewText wraps content.
func NewText(s string) Text { return Text{s: s} }

// Reveal gives the content.
func (t Text) Reveal() string { return t.s }
