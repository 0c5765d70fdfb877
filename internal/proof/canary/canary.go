// Package canary makes strings that occur nowhere else and finds them again,
// in the clear or in an everyday encoding. It promises that what Find does not
// report is not there in letters of either case, base64 of either alphabet,
// hex, UTF-16 or digits.
package canary

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf16"
)

// Mark begins every word, Digits every number. Letters and digits only: what
// cleans texts or builds URLs leaves them as they are.
const (
	Mark   = "kanarivogel"
	Digits = "7349182650"
)

// Word is the canary of one field of one person.
func Word(person int, field string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", person, field))
	return Mark + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
}

// Number is the canary of one field of one person where only digits fit: 19 of them.
func Number(person int, field string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", person, field))
	return fmt.Sprintf("%s%09d", Digits, binary.BigEndian.Uint32(sum[:])%1_000_000_000)
}

// needles are the forms in which a mark may stand; folded ones are looked for
// without regard to case.
func needles() (folded, exact [][]byte) {
	for _, mark := range []string{Mark, Digits} {
		for _, m := range []string{mark, strings.ToUpper(mark)} {
			var wide []byte
			for _, u := range utf16.Encode([]rune(m)) {
				wide = binary.LittleEndian.AppendUint16(wide, u)
			}
			exact = append(exact, wide)
			for off := range 3 { // the alignment in base64 is not known; edges depend on neighbours
				enc := base64.RawStdEncoding.EncodeToString(append(make([]byte, off), m...))
				exact = append(exact, []byte(enc[[]int{0, 2, 3}[off]:len(enc)-2]))
			}
			folded = append(folded, []byte(hex.EncodeToString([]byte(m))))
		}
		folded = append(folded, []byte(mark))
	}
	return folded, exact
}

// Find lists what is found in data, each with a little around it; at most 20.
func Find(data []byte) (found []string) {
	folded, exact := needles()
	lower := bytes.ToLower(data)
	for _, n := range folded {
		found = append(found, places(lower, data, n)...)
	}
	for _, n := range exact {
		found = append(found, places(data, data, n)...)
	}
	return found[:min(len(found), 20)]
}

func places(in, show, needle []byte) (found []string) {
	for at := 0; len(found) < 20; {
		i := bytes.Index(in[at:], needle)
		if i < 0 {
			return found
		}
		at += i
		found = append(found, fmt.Sprintf("%q", show[max(0, min(at, len(show))-60):min(len(show), at+len(needle)+30)]))
		at += len(needle)
	}
	return found
}

// Files looks into every file below a folder, and at every name; where each is.
func Files(dir string) (found []string, size int64, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		size += int64(len(data))
		for _, hit := range append(Find(data), Find([]byte(filepath.Base(path)))...) {
			found = append(found, filepath.Base(path)+": "+hit)
		}
		return nil
	})
	return found, size, err
}

// Holds counts the blobs, of eight bytes or more, that still stand somewhere
// below a folder, byte for byte.
func Holds(dir string, blobs [][]byte) (still int, err error) {
	begins := map[uint64][]int{}
	var first [256]bool
	for i, b := range blobs {
		key := binary.LittleEndian.Uint64(b)
		begins[key] = append(begins[key], i)
		first[b[0]] = true
	}
	seen := map[int]bool{}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		for at := 0; at+8 <= len(data); at++ {
			if !first[data[at]] {
				continue
			}
			for _, i := range begins[binary.LittleEndian.Uint64(data[at:])] {
				if bytes.HasPrefix(data[at:], blobs[i]) {
					seen[i] = true
				}
			}
		}
		return err
	})
	return len(seen), err
}
