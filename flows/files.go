package flows

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"
)

const (
	projectFile = "dispatcher.yaml"

	misnamedProject = "dispatcher.yml" // E007
	misnamed        = "this file ends in .yml and is not read; rename it to .yaml"

	maxFlowFiles = 500
	maxRead      = 1<<20 + 1 // one byte more than a file may have, so that E007 is seen
	maxMedia     = 10<<20 + 1
)

// Files is the sources of a project by path, relative to it, with /. Media
// files are kept as the SHA-256 of their bytes under Media.
type Files struct {
	Name  string // folder name, the project's name where it has none
	Data  map[string][]byte
	Media map[string][sha256.Size]byte
	Large map[string]bool // media files over 10 MiB
}

// ErrNoProject means that the folder holds neither dispatcher.yaml nor a flow.
var ErrNoProject = errors.New("no dispatcher.yaml and no flows/*.yaml in this folder")

// Read collects the files of a project from a folder. Symbolic links are
// followed as far as fsys follows them. An unreadable file is an error, so
// that a folder seen in the middle of a change is never taken for a small one.
func Read(fsys fs.FS, name string) (*Files, error) { return ReadAgain(fsys, name, nil) }

// ReadAgain is Read for a folder that was read before: every byte is read
// anew, and a file that is what it was shares its bytes with before, so that
// nothing is kept twice.
func ReadAgain(fsys fs.FS, name string, before *Files) (*Files, error) {
	f := &Files{Name: name, Data: map[string][]byte{}, Media: map[string][sha256.Size]byte{}, Large: map[string]bool{}}
	r := &reading{f: f, fsys: fsys}
	if before != nil {
		r.before = before.Data
	}
	data, err := r.file(projectFile, maxRead)
	switch {
	case err == nil:
		f.Data[projectFile] = r.kept(projectFile, data)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("project file: %w", err)
	}
	if data, err := r.file(misnamedProject, maxRead); err == nil {
		f.Data[misnamedProject] = r.kept(misnamedProject, data) // so that it is not missed silently
	}
	if err := r.folder("flows", 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if len(f.Data) == 0 {
		return nil, fmt.Errorf("project %s: %w", name, ErrNoProject)
	}
	return f, nil
}

// reading is one run of Read.
type reading struct {
	f      *Files
	fsys   fs.FS
	before map[string][]byte // what was read the last time, by path
	buffer bytes.Buffer      // of the file that is read
}

// folder reads one folder and those below it; fs.ReadDir with Stat is used
// because WalkDir does not follow symbolic links.
func (r *reading) folder(dir string, depth int) error {
	if depth > 20 {
		return fmt.Errorf("flows folder %s: folders are nested too deeply", dir)
	}
	entries, err := fs.ReadDir(r.fsys, dir)
	if err != nil {
		return fmt.Errorf("flows folder %s: %w", dir, err)
	}
	for _, e := range entries {
		if ignored(e.Name()) {
			continue
		}
		if err := r.entry(path.Join(dir, e.Name()), e.Type(), depth); err != nil {
			return err
		}
	}
	return nil
}

// entry reads one entry of a folder; what is a file by itself needs no look at
// what it leads to.
func (r *reading) entry(p string, typ fs.FileMode, depth int) error {
	if !typ.IsRegular() {
		info, err := fs.Stat(r.fsys, p)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a dangling link
		}
		if err != nil {
			return fmt.Errorf("flow file %s: %w", p, err)
		}
		typ = info.Mode().Type()
	}
	if typ.IsDir() {
		return r.folder(p, depth+1)
	}
	media := strings.HasPrefix(p, "flows/media/")
	if !typ.IsRegular() || !media && !strings.HasSuffix(p, ".yaml") && !strings.HasSuffix(p, ".yml") {
		return nil
	}
	limit := int64(maxRead)
	if media {
		limit = maxMedia
	}
	data, err := r.file(p, limit)
	switch {
	case errors.Is(err, fs.ErrNotExist): // removed since the folder was read
	case err != nil:
		return fmt.Errorf("flow file %s: %w", p, err)
	case media:
		r.f.Media[p] = sha256.Sum256(data)
		if len(data) == maxMedia {
			r.f.Large[p] = true
		}
	default:
		r.f.Data[p] = r.kept(p, data)
	}
	return nil
}

// ignored names are those of editors and of people who put something aside.
func ignored(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || strings.HasSuffix(name, "~") ||
		strings.HasSuffix(name, ".swp") || strings.HasSuffix(name, ".tmp")
}

// file reads one file; the bytes are there until the next is read.
func (r *reading) file(p string, limit int64) ([]byte, error) {
	file, err := r.fsys.Open(p)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // opened for reading only
	r.buffer.Reset()
	_, err = r.buffer.ReadFrom(io.LimitReader(file, limit))
	return r.buffer.Bytes(), err
}

// kept gives bytes that stay: those of the last time where they are the same.
func (r *reading) kept(p string, data []byte) []byte {
	if was, ok := r.before[p]; ok && bytes.Equal(was, data) {
		return was
	}
	return bytes.Clone(data)
}

// Belongs says that a file with this path, relative to the project and with /,
// is one that Read keeps the text of.
func Belongs(p string) bool {
	if p == projectFile || p == misnamedProject {
		return true
	}
	return strings.HasPrefix(p, "flows/") && !strings.HasPrefix(p, "flows/media/") && !slices.ContainsFunc(strings.Split(p, "/"), ignored) &&
		(strings.HasSuffix(p, ".yaml") || strings.HasSuffix(p, ".yml"))
}

// isTest, isLocale and isFlow sort the files under flows/.
func isTest(p string) bool   { return strings.HasPrefix(p, "flows/tests/") }
func isLocale(p string) bool { return strings.HasPrefix(p, "flows/locales/") }
func isFlow(p string) bool {
	return strings.HasPrefix(p, "flows/") && strings.HasSuffix(p, ".yaml") && !isTest(p) && !isLocale(p)
}

// SetID is the id of the set these files make (language.md 9.3): hex SHA-256
// over path, NUL, length, NUL and bytes of each file in byte order of paths.
// Tests are not part of it; a media file stands in with its own hash.
func (f *Files) SetID() string {
	paths := make([]string, 0, len(f.Data)+len(f.Media))
	for p := range f.Data {
		if p == projectFile || strings.HasSuffix(p, ".yaml") && !isTest(p) {
			paths = append(paths, p)
		}
	}
	for p := range f.Media {
		paths = append(paths, p)
	}
	sort.Strings(paths)
	h := sha256.New()
	for _, p := range paths {
		data := f.Data[p]
		if sum, ok := f.Media[p]; ok {
			data = sum[:]
		}
		part(h, p, data)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Same says that both are the same files with the same bytes: those whose Sum
// is the same, without the hashing.
func (f *Files) Same(as *Files) bool {
	return maps.EqualFunc(f.Data, as.Data, bytes.Equal) && maps.Equal(f.Media, as.Media)
}

// Sum is a hash over everything that was read, also what is not part of the
// set but may hold an error: tests, and files that are named wrongly.
func (f *Files) Sum() string {
	paths := make([]string, 0, len(f.Data))
	for p := range f.Data {
		if p != projectFile && (!strings.HasSuffix(p, ".yaml") || isTest(p)) {
			paths = append(paths, p)
		}
	}
	if len(paths) == 0 {
		return f.SetID()
	}
	sort.Strings(paths)
	h := sha256.New()
	part(h, "", []byte(f.SetID()))
	for _, p := range paths {
		part(h, p, f.Data[p])
	}
	return hex.EncodeToString(h.Sum(nil))
}

func part(h hash.Hash, p string, data []byte) {
	h.Write([]byte(p + "\x00" + strconv.Itoa(len(data)) + "\x00"))
	h.Write(data)
}
