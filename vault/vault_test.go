package vault

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func mustKeys(t testing.TB, lines ...[]byte) *Keys {
	t.Helper()
	keys, err := ParseKeys(bytes.Join(lines, nil))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func fresh(t testing.TB) (*Vault, []byte, []byte) {
	t.Helper()
	line := GenerateKey()
	v, root, err := New(mustKeys(t, line))
	if err != nil {
		t.Fatal(err)
	}
	return v, root, line
}

func TestParseKeys(t *testing.T) {
	t.Parallel()
	raw := bytes.Repeat([]byte{0xfb, 0xef}, 16)
	std, url, hexed := base64.StdEncoding.EncodeToString(raw), base64.URLEncoding.EncodeToString(raw), hex.EncodeToString(raw)
	if std == url {
		t.Fatal("the two alphabets must differ here")
	}
	want := mustKeys(t, []byte(std)).list[0]
	for name, text := range map[string]string{
		"url": url, "hex": hexed, "HEX": strings.ToUpper(hexed), "no padding": strings.TrimRight(url, "="), "CRLF and BOM": "\xef\xbb\xbf" + std + "\r\n",
		"comments": "# made on Monday\n\n  " + std + "  \n",
	} {
		keys, err := ParseKeys([]byte(text))
		if err != nil || keys.Len() != 1 || keys.list[0] != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"empty": "", "only a comment": "# x", "31 bytes": base64.StdEncoding.EncodeToString(raw[:31]), "33 bytes": base64.StdEncoding.EncodeToString(append(raw, 1)),
		"63 digits": hexed[1:], "words": "correct horse battery staple", "zero": strings.Repeat("0", 64), "twice": std + "\n" + hexed,
		"second line": std + "\nnot a key at all", "endless": strings.Repeat("a", 1<<20),
	} {
		_, err := ParseKeys([]byte(text))
		if err == nil {
			t.Errorf("%s was taken", name)
			continue
		}
		if len(text) > 20 && strings.Contains(err.Error(), text[:20]) {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}
	if _, err := ParseKeys([]byte(std + "\nnot a key at all")); !strings.Contains(err.Error(), "line 2") {
		t.Errorf("no line: %v", err)
	}
	if _, err := ParseKeys(nil); !errors.Is(err, ErrNoKey) {
		t.Errorf("error %v", err)
	}
}

func TestSealedOpensOnlyInItsPlace(t *testing.T) {
	t.Parallel()
	v, _, _ := fresh(t)
	a, _, _, err := v.NewContactKey()
	if err != nil {
		t.Fatal(err)
	}
	b, _, _, _ := v.NewContactKey()
	here := AAD("messages", [16]byte{1}, [16]byte{2}, 3, "body")
	box := a.Seal([]byte("hello"), here)
	if got, err := a.Open(box, here); err != nil || string(got) != "hello" {
		t.Fatalf("%q %v", got, err)
	}
	if box[0] != 0x01 || len(box) != len("hello")+Overhead || bytes.Contains(box, []byte("hello")) {
		t.Errorf("sealed form %x", box)
	}
	if bytes.Equal(box, a.Seal([]byte("hello"), here)) {
		t.Error("two seals of one value are equal")
	}
	for name, aad := range map[string][]byte{
		"table": AAD("outbox", [16]byte{1}, [16]byte{2}, 3, "body"), "contact": AAD("messages", [16]byte{9}, [16]byte{2}, 3, "body"),
		"conversation": AAD("messages", [16]byte{1}, [16]byte{9}, 3, "body"), "seq": AAD("messages", [16]byte{1}, [16]byte{2}, 4, "body"),
		"column": AAD("messages", [16]byte{1}, [16]byte{2}, 3, "trace"), "nothing": nil,
	} {
		if _, err := a.Open(box, aad); !errors.Is(err, ErrSealed) {
			t.Errorf("opens with another %s", name)
		}
	}
	if _, err := b.Open(box, here); !errors.Is(err, ErrSealed) {
		t.Error("opens with another contact's key")
	}
	if a.Seal(nil, here) != nil {
		t.Error("nil was sealed")
	}
	if got, err := a.Open(a.Seal([]byte{}, here), here); err != nil || got == nil || len(got) != 0 {
		t.Errorf("an empty value: %v %v", got, err)
	}
}

func TestWrongKeyIsFoundBeforeAnythingIsRead(t *testing.T) {
	t.Parallel()
	v, root, line := fresh(t)
	canary := v.SealCanary()
	other := mustKeys(t, GenerateKey())
	if _, err := Open(other, root); !errors.Is(err, ErrWrongKey) {
		t.Errorf("another key opens the root: %v", err)
	}
	if _, err := Open(mustKeys(t, line), root[:len(root)-1]); !errors.Is(err, ErrWrongKey) {
		t.Error("a cut root opens")
	}
	w, _, err := New(other)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.OpenCanary(canary); !errors.Is(err, ErrWrongKey) {
		t.Errorf("another key opens the canary: %v", err)
	}
	if err := w.OpenCanary(nil); !errors.Is(err, ErrWrongKey) {
		t.Error("a missing canary passes")
	}
	again, err := Open(mustKeys(t, line), root)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.OpenCanary(canary); err != nil {
		t.Error(err)
	}
	if _, _, err := New(nil); !errors.Is(err, ErrNoKey) {
		t.Errorf("no keys: %v", err)
	}
}

// TestRotation is the life of a key: sealed under the old, rotated, rewrapped,
// the old line taken out.
func TestRotation(t *testing.T) {
	t.Parallel()
	before, root, old := fresh(t)
	s, wrapped, kid, err := before.NewContactKey()
	if err != nil {
		t.Fatal(err)
	}
	box, system, canary := s.Seal([]byte("text"), nil), before.SealSystem([]byte("token"), nil), before.SealCanary()
	newer := GenerateKey()
	during, err := Open(mustKeys(t, newer, old), root)
	if err != nil {
		t.Fatal(err)
	}
	if during.ActiveKey() == kid || len(during.KeyIDs()) != 2 || during.KeyIDs()[1] != kid {
		t.Errorf("active %x, all %x, old %x", during.ActiveKey(), during.KeyIDs(), kid)
	}
	if !bytes.Equal(before.Index("phone", "+49"), during.Index("phone", "+49")) || !bytes.Equal(before.PayloadKey(), during.PayloadKey()) || !bytes.Equal(before.AuditKey(), during.AuditKey()) || !bytes.Equal(before.TokenKey(), during.TokenKey()) {
		t.Error("rotation changed a hash or a derived key")
	}
	opened, err := during.OpenContactKey(wrapped, kid)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := opened.Open(box, nil); err != nil || string(got) != "text" {
		t.Errorf("%q %v", got, err)
	}
	if got, err := during.OpenSystem(system, nil); err != nil || string(got) != "token" {
		t.Errorf("%q %v", got, err)
	}
	if err := during.OpenCanary(canary); err != nil {
		t.Error(err)
	}
	again, active, err := during.Rewrap(wrapped, kid)
	if err != nil || active != during.ActiveKey() {
		t.Fatal(active, err)
	}
	after, err := Open(mustKeys(t, newer), during.SealRoot())
	if err != nil {
		t.Fatal(err)
	}
	if opened, err = after.OpenContactKey(again, active); err != nil {
		t.Fatal(err)
	}
	if got, err := opened.Open(box, nil); err != nil || string(got) != "text" {
		t.Errorf("after the rotation: %q %v", got, err)
	}
	if _, err := after.OpenContactKey(wrapped, kid); !errors.Is(err, ErrSealed) {
		t.Error("a key opens without its line")
	}
	if _, err := Open(mustKeys(t, newer), root); !errors.Is(err, ErrWrongKey) {
		t.Error("the old root opens without its line")
	}
}

func TestIndex(t *testing.T) {
	t.Parallel()
	v, _, _ := fresh(t)
	other, _, _ := fresh(t)
	h := v.Index("phone", "+4930")
	if len(h) != 16 || !bytes.Equal(h, v.Index("phone", "+4930")) {
		t.Errorf("hash %x", h)
	}
	for name, g := range map[string][]byte{"kind": v.Index("email", "+4930"), "value": v.Index("phone", "+4931"), "deployment": other.Index("phone", "+4930"),
		"boundary": v.Index("phon", "e+4930"), "parts": v.Index("phone", "+49", "30")} {
		if bytes.Equal(h, g) {
			t.Errorf("the same hash for another %s", name)
		}
	}
	if bytes.Equal(v.AuditKey(), v.TokenKey()) || len(v.Derive("x")) != 32 || bytes.Equal(v.Derive("x"), v.Derive("y")) {
		t.Error("derived keys")
	}
}

// TestNothingPrints puts every type through every road to a log or an answer.
func TestNothingPrints(t *testing.T) {
	t.Parallel()
	v, _, line := fresh(t)
	keys := mustKeys(t, line)
	s, _, _, _ := v.NewContactKey()
	secret := NewText("secret words")
	if secret.Reveal() != "secret words" {
		t.Error("Reveal")
	}
	raw := keys.list[0].bytes[:]
	for _, value := range []any{v, *v, keys, *keys, keys.list[0], s, *s, secret, &secret} {
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", value)
		asJSON, err := json.Marshal(map[string]any{"v": value})
		if err != nil {
			t.Errorf("%T: %v", value, err)
		}
		all := fmt.Sprintf("%v %+v %#v %s %q %x %d", value, value, value, value, value, value, value) + log.String() + string(asJSON) + fmt.Sprint(value)
		for _, bad := range []string{"secret words", fmt.Sprintf("%x", "secret words"), hex.EncodeToString(raw), strings.TrimSpace(string(line)), fmt.Sprint(raw)} {
			if strings.Contains(all, bad) {
				t.Errorf("%T shows its content: %s", value, all)
			}
		}
		if !strings.Contains(all, "[sealed]") {
			t.Errorf("%T does not show [sealed]: %s", value, all)
		}
	}
}

func TestSealRoundTrip(t *testing.T) {
	t.Parallel()
	v, _, _ := fresh(t)
	s, _, _, _ := v.NewContactKey()
	rapid.Check(t, func(t *rapid.T) {
		plain, aad := rapid.SliceOf(rapid.Byte()).Draw(t, "plain"), rapid.SliceOf(rapid.Byte()).Draw(t, "aad")
		box := s.Seal(plain, aad)
		got, err := s.Open(box, aad)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%x %v", got, err)
		}
		at := rapid.IntRange(0, len(box)-1).Draw(t, "flip")
		box[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := s.Open(box, aad); !errors.Is(err, ErrSealed) {
			t.Fatalf("a flipped bit in byte %d opens", at)
		}
	})
}

// TestAADIsUnambiguous: two places never share their additional data.
func TestAADIsUnambiguous(t *testing.T) {
	t.Parallel()
	type place struct {
		table, column string
		contact, conv byte
		seq           int64
	}
	seen := map[string]place{}
	draw := rapid.Custom(func(t *rapid.T) place {
		word := rapid.StringMatching(`[ab]{0,3}`)
		return place{word.Draw(t, "table"), word.Draw(t, "column"), rapid.ByteRange(0, 1).Draw(t, "contact"), rapid.ByteRange(0, 1).Draw(t, "conv"), rapid.Int64Range(0, 2).Draw(t, "seq")}
	})
	rapid.Check(t, func(t *rapid.T) {
		p := draw.Draw(t, "place")
		aad := string(AAD(p.table, [16]byte{p.contact}, [16]byte{p.conv}, p.seq, p.column))
		if q, ok := seen[aad]; ok && q != p {
			t.Fatalf("%+v and %+v", p, q)
		}
		seen[aad] = p
	})
}

func FuzzOpen(f *testing.F) {
	v, _, _ := fresh(f)
	s, wrapped, kid, _ := v.NewContactKey()
	good := s.Seal([]byte("hello"), nil)
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add([]byte{})
	f.Add([]byte{1})
	f.Add(bytes.Repeat([]byte{1}, Overhead))
	f.Add(wrapped)
	f.Fuzz(func(t *testing.T, box []byte) {
		plain, err := s.Open(box, nil)
		if err == nil && box != nil && !bytes.Equal(box, good) {
			t.Errorf("opened a forgery: %q", plain)
		}
		if _, err := v.OpenContactKey(box, kid); err == nil && !bytes.Equal(box, wrapped) {
			t.Error("unwrapped a forgery")
		}
		if v.OpenCanary(box) == nil {
			t.Error("a canary from nowhere")
		}
	})
}

func FuzzParseKeys(f *testing.F) {
	f.Add(GenerateKey())
	f.Add([]byte("# c\n" + strings.Repeat("ab", 32)))
	f.Add([]byte("\xff\x00\n\n="))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := ParseKeys(text)
		if (err == nil) != (keys != nil && keys.Len() > 0) {
			t.Errorf("%d keys, error %v", keys.Len(), err)
		}
	})
}

func TestMACIsThatOfTheDerivedKey(t *testing.T) {
	t.Parallel()
	v, _, _ := fresh(t)
	for _, label := range []string{"x", "y", "x"} {
		mac := hmac.New(sha256.New, v.Derive(label))
		mac.Write([]byte("one|two"))
		if got := v.MAC(label, "one", "|", "two"); !bytes.Equal(got[:], mac.Sum(nil)) {
			t.Errorf("under %q: %x", label, got)
		}
	}
}
