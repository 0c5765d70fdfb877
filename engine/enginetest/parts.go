package enginetest

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const partOf = "==== "

// ReadParts reads a file of records, a part by its name; none where there is no
// file.
func ReadParts(path string) (map[string]string, error) {
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the records: %w", err)
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq("\n"+string(data), "\n"+partOf) {
		if name, text, ok := strings.Cut(part, "\n"); ok && name != "" {
			parts[name] = strings.TrimSuffix(text, "\n") + "\n"
		}
	}
	return parts, nil
}

// WriteParts writes a file of records.
func WriteParts(path string, parts map[string]string) error {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		b.WriteString(partOf + name + "\n" + parts[name])
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write the records: %w", err)
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("write the records: %w", err)
	}
	return nil
}

// Compare gives how what is now differs from a file of records, "" when it does
// not; with update it writes the file anew.
func Compare(path string, now map[string]string, update bool) (string, error) {
	if update {
		return "", WriteParts(path, now)
	}
	recorded, err := ReadParts(path)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if d := Difference(recorded[name], now[name]); d != "" {
			b.WriteString(name + ": " + d + "\n")
		}
	}
	return b.String(), nil
}
