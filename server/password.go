package server

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// argonCost is what one hash takes.
type argonCost struct {
	memory uint32 // KiB
	time   uint32
}

// fullCost is argon2id as runtime.md 5.3 wants it: about 25 ms and 19 MiB each.
var fullCost = argonCost{memory: 19 * 1024, time: 2}

const (
	argonThreads = 1
	argonKey     = 32
	argonSalt    = 16
)

// minPassword is the least length of a password in characters.
const minPassword = 15

//go:embed common.txt
var commonText string

// hasher makes and checks password hashes, two at a time at most: an attack
// on the log-in page may cost memory and processor for two, not for all.
type hasher struct {
	slots chan struct{}
	cost  argonCost
	dummy func() string // checked when there is no such user, so that both take the same time
}

func newHasher(cost argonCost) *hasher {
	h := &hasher{slots: make(chan struct{}, 2), cost: cost}
	h.dummy = sync.OnceValue(func() string { return h.hash(rand.Text()) })
	return h
}

func (h *hasher) acquire(ctx context.Context) error {
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// make hashes a password as a PHC string.
func (h *hasher) make(ctx context.Context, password string) (string, error) {
	if err := h.acquire(ctx); err != nil {
		return "", err
	}
	defer func() { <-h.slots }()
	return h.hash(password), nil
}

func (h *hasher) hash(password string) string {
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	key := argon2.IDKey(plainPassword(password), salt, h.cost.time, h.cost.memory, argonThreads, argonKey)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.cost.memory, h.cost.time, argonThreads,
		b64.EncodeToString(salt), b64.EncodeToString(key))
}

// check compares in constant time. An empty hash stands for an unknown user:
// the same work is done and the answer is false.
func (h *hasher) check(ctx context.Context, hash, password string) (bool, error) {
	if err := h.acquire(ctx); err != nil {
		return false, err
	}
	defer func() { <-h.slots }()
	known := hash != ""
	if !known {
		hash = h.dummy()
	}
	var version, memory, rounds, threads int
	parts := strings.Split(hash, "$")
	if len(parts) != 6 {
		return false, fmt.Errorf("password hash: not a PHC string")
	}
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &rounds, &threads); err != nil {
		return false, fmt.Errorf("password hash: %w", err)
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(want) == 0 {
		return false, fmt.Errorf("password hash: not base64")
	}
	got := argon2.IDKey(plainPassword(password), salt, uint32(rounds), uint32(memory), uint8(threads), uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

// plainPassword makes equal what looks equal on two keyboards.
func plainPassword(p string) []byte { return norm.NFKC.Bytes([]byte(p)) }

// checkPassword says in words what is wrong with a new password; "" = nothing.
func checkPassword(password, email, name string) string {
	n := utf8.RuneCountInString(password)
	switch {
	case n < minPassword:
		return fmt.Sprintf("%d characters. It needs %d or more; a sentence is fine.", n, minPassword)
	case n > 1024:
		return "is longer than 1024 characters"
	case isCommon(password):
		return "is one of the passwords that are tried first; a sentence of your own is fine"
	}
	local, _, _ := strings.Cut(email, "@")
	rest := letters(password)
	for _, own := range []string{letters(email), letters(local), letters(name), "dispatcher"} {
		if len(own) >= 3 {
			rest = strings.ReplaceAll(rest, own, "")
		}
	}
	if utf8.RuneCountInString(rest) < 6 {
		return "is little more than your name or address; a sentence of your own is fine"
	}
	return ""
}

// isCommon finds the passwords everybody tries: one word of the embedded list,
// however often and whatever digits stand around it, one short piece repeated,
// rows of the keyboard and the alphabet. Several words are a sentence, and a
// sentence is what we ask for.
func isCommon(password string) bool {
	p := letters(password)
	if repeats(p) || inRow(p) {
		return true
	}
	for _, word := range strings.Fields(commonText) {
		rest := strings.TrimFunc(strings.ReplaceAll(p, word, ""), unicode.IsDigit)
		if utf8.RuneCountInString(rest) <= 2 {
			return true
		}
	}
	return false
}

// letters keeps letters and digits, in lower case, with the usual disguises undone.
func letters(s string) string {
	undo := strings.NewReplacer("@", "a", "$", "s", "!", "i", "€", "e")
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, undo.Replace(norm.NFKC.String(s)))
}

// repeats: the whole is one piece of at most a third of its length, again and again.
func repeats(s string) bool {
	for size := 1; size <= len(s)/3; size++ {
		if strings.HasPrefix(strings.Repeat(s[:size], len(s)/size+1), s) {
			return true
		}
	}
	return len(s) == 0
}

// rows of keys and characters that people slide along.
var keyRows = []string{
	"01234567890123456789", "98765432109876543210", "abcdefghijklmnopqrstuvwxyz", "zyxwvutsrqponmlkjihgfedcba",
	"qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm", "azertyuiopqsdfghjklmwxcvbn", "mnbvcxzlkjhgfdsapoiuytrewq",
	"1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik", "1q2w3e4r5t6y7u8i9o0p",
}

func inRow(s string) bool {
	return slices.ContainsFunc(keyRows, func(row string) bool { return strings.Contains(row, s) })
}
