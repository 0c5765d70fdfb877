package vault

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func TestFileRoundTrip(t *testing.T) {
	t.Parallel()
	v, _, _ := fresh(t)
	s, _, _, _ := v.NewContactKey()
	for _, size := range []int{0, 1, chunkLen - 1, chunkLen, chunkLen + 1, 2 * chunkLen, 3*chunkLen + 77} {
		plain := bytes.Repeat([]byte("picture "), size/8+1)[:size]
		f, key, err := s.NewFile([]byte("media 1"))
		if err != nil {
			t.Fatal(err)
		}
		var box, back bytes.Buffer
		n, err := f.Seal(&box, iotest.OneByteReader(bytes.NewReader(plain)))
		if err != nil || n != int64(box.Len()) {
			t.Fatalf("%d bytes: wrote %d of %d, %v", size, n, box.Len(), err)
		}
		if size > 20 && bytes.Contains(box.Bytes(), []byte("picture picture")) {
			t.Error("the file is in the clear")
		}
		g, err := s.OpenFile(key, []byte("media 1"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.Open(&back, &box); err != nil || !bytes.Equal(back.Bytes(), plain) {
			t.Errorf("%d bytes came back as %d, %v", size, back.Len(), err)
		}
		if _, err := s.OpenFile(key, []byte("media 2")); !errors.Is(err, ErrSealed) {
			t.Error("a file key opens in another place")
		}
	}
}

func TestFileCannotBeChanged(t *testing.T) {
	t.Parallel()
	v, _, _ := fresh(t)
	s, _, _, _ := v.NewContactKey()
	f, _, err := s.NewFile(nil)
	if err != nil {
		t.Fatal(err)
	}
	var whole bytes.Buffer
	if _, err := f.Seal(&whole, bytes.NewReader(make([]byte, 3*chunkLen))); err != nil {
		t.Fatal(err)
	}
	box, step := whole.Bytes(), chunkLen+16
	flipped := bytes.Clone(box)
	flipped[step+5] ^= 1
	swapped := bytes.Clone(box)
	copy(swapped[1:], box[1+step:1+2*step])
	copy(swapped[1+step:], box[1:1+step])
	for name, bad := range map[string][]byte{
		"empty": nil, "version": append([]byte{2}, box[1:]...), "cut at a chunk": box[:1+2*step], "cut in a chunk": box[:len(box)-5], "no chunk": box[:1],
		"flipped": flipped, "swapped": swapped, "repeated": append(bytes.Clone(box), box[1+2*step:]...), "longer": append(bytes.Clone(box), 0),
	} {
		if _, err := f.Open(io.Discard, bytes.NewReader(bad)); !errors.Is(err, ErrSealed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	broken := errors.New("broken pipe")
	if _, err := f.Seal(io.Discard, iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("read error %v", err)
	}
}
