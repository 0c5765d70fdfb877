package vault

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Files are sealed in chunks, so that neither side holds one whole. Each
// chunk's nonce is its number and whether it is the last, as in the STREAM
// construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015): chunks cannot be
// reordered, repeated or cut off at the end without being noticed. Counting
// is safe because every file has a key of its own.
const chunkLen = 64 << 10

// FileSealer seals or opens one file. It is used for one file only.
type FileSealer struct {
	sealed
	aead cipher.AEAD
}

// NewFile makes the key of one file. The caller keeps sealedKey beside the
// file's row; aad is the row's place.
func (s *Sealer) NewFile(aad []byte) (f *FileSealer, sealedKey []byte, err error) {
	key := make([]byte, KeyLen)
	rand.Read(key)
	sealedKey = s.Seal(key, aad)
	f, err = newFileSealer(key)
	return f, sealedKey, err
}

// OpenFile gives the sealer of a stored file key. ErrSealed: not this place or person.
func (s *Sealer) OpenFile(sealedKey, aad []byte) (*FileSealer, error) {
	key, err := s.Open(sealedKey, aad)
	if err != nil {
		return nil, err
	}
	if len(key) != KeyLen {
		return nil, ErrSealed
	}
	return newFileSealer(key)
}

func newFileSealer(key []byte) (*FileSealer, error) {
	defer clear(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("vault: file cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("vault: file cipher: %w", err)
	}
	return &FileSealer{aead: aead}, nil
}

// Seal copies r to w sealed and says how many bytes it wrote.
func (f *FileSealer) Seal(w io.Writer, r io.Reader) (int64, error) {
	if _, err := w.Write([]byte{version1}); err != nil {
		return 0, fmt.Errorf("vault: seal file: %w", err)
	}
	n, err := f.chunks(w, r, chunkLen, func(nonce, chunk []byte) ([]byte, error) {
		return f.aead.Seal(nil, nonce, chunk, nil), nil
	})
	return n + 1, err
}

// Open copies what Seal wrote from r to w in the clear. ErrSealed: changed,
// reordered or cut bytes; what was written before that is true, but not whole.
func (f *FileSealer) Open(w io.Writer, r io.Reader) (int64, error) {
	var version [1]byte
	if _, err := io.ReadFull(r, version[:]); err != nil || version[0] != version1 {
		return 0, ErrSealed
	}
	return f.chunks(w, r, chunkLen+f.aead.Overhead(), func(nonce, chunk []byte) ([]byte, error) {
		plain, err := f.aead.Open(nil, nonce, chunk, nil)
		if err != nil {
			return nil, ErrSealed
		}
		return plain, nil
	})
}

// chunks passes r through turn in pieces of size bytes; the last is shorter
// or, when the length is a multiple, the one after which nothing follows.
func (f *FileSealer) chunks(w io.Writer, r io.Reader, size int, turn func(nonce, chunk []byte) ([]byte, error)) (written int64, err error) {
	in := bufio.NewReaderSize(r, size+1)
	chunk := make([]byte, size)
	for number := uint64(0); ; number++ {
		n, err := io.ReadFull(in, chunk)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return written, fmt.Errorf("vault: read file: %w", err)
		}
		_, ahead := in.Peek(1)
		last := ahead != nil
		out, err := turn(nonceOf(number, last), chunk[:n])
		if err != nil {
			return written, err
		}
		k, err := w.Write(out)
		written += int64(k)
		if err != nil {
			return written, fmt.Errorf("vault: write file: %w", err)
		}
		if last {
			if !errors.Is(ahead, io.EOF) {
				return written, fmt.Errorf("vault: read file: %w", ahead)
			}
			return written, nil
		}
	}
}

func nonceOf(number uint64, last bool) []byte {
	nonce := make([]byte, 12)
	binary.BigEndian.PutUint64(nonce[3:], number)
	if last {
		nonce[11] = 1
	}
	return nonce
}
