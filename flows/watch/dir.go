package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Dir is a project folder as a file system that follows symbolic links, as
// deployments by link swapping need. A link may lead to anything beside or
// below the project, or beside or below the place its flows folder really is;
// further away it is refused, so that a flow file cannot show a reader what
// else the machine holds (docs/decisions/0003).
func Dir(root string) fs.FS { return dir{root} }

type dir struct{ root string }

var errOutside = errors.New("this link leads out of the project")

// Open opens a file or folder by its path relative to the project.
func (d dir) Open(name string) (fs.File, error) {
	full, err := d.resolve("open", name)
	if err != nil {
		return nil, err
	}
	return os.Open(full)
}

// Stat follows links.
func (d dir) Stat(name string) (fs.FileInfo, error) {
	full, err := d.resolve("stat", name)
	if err != nil {
		return nil, err
	}
	return os.Stat(full)
}

// ReadDir lists a folder, each entry as what it leads to. An entry that leads
// nowhere is left out: in the middle of a swap that is normal.
func (d dir) ReadDir(name string) ([]fs.DirEntry, error) {
	full, err := d.resolve("readdir", name)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(full)
	if err != nil {
		return nil, err
	}
	out := entries[:0]
	for _, e := range entries {
		if e.Type()&fs.ModeSymlink != 0 {
			info, err := os.Stat(filepath.Join(full, e.Name()))
			if err != nil {
				continue
			}
			e = followed{e.Name(), info}
		}
		out = append(out, e)
	}
	return out, nil
}

type followed struct {
	name string
	info fs.FileInfo
}

func (f followed) Name() string               { return f.name }
func (f followed) IsDir() bool                { return f.info.IsDir() }
func (f followed) Type() fs.FileMode          { return f.info.Mode().Type() }
func (f followed) Info() (fs.FileInfo, error) { return f.info, nil }

// resolve gives the real path of name and refuses one that leads too far.
func (d dir) resolve(op, name string) (string, error) {
	if !fs.ValidPath(name) {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	full := filepath.Join(d.root, filepath.FromSlash(name))
	real, err := filepath.EvalSymlinks(full)
	if err != nil {
		return "", &fs.PathError{Op: op, Path: name, Err: errors.Unwrap(err)}
	}
	if d.reaches(real) {
		return real, nil
	}
	return "", &fs.PathError{Op: op, Path: name, Err: fmt.Errorf("%w: %w", errOutside, fs.ErrPermission)}
}

// reaches says whether a link may lead to a real path. Where the project
// itself lies is asked only for what is not below it by name.
func (d dir) reaches(real string) bool {
	places := [...]string{d.root, filepath.Join(d.root, "flows")}
	for _, p := range places {
		if beside(real, p) {
			return true
		}
	}
	for _, p := range places {
		if place, err := filepath.EvalSymlinks(p); err == nil && beside(real, place) {
			return true
		}
	}
	return false
}

// beside says whether a path is beside or below a place. Beside what lies at
// the root of the file system is nothing: it would be everything.
func beside(path, place string) bool {
	base := filepath.Dir(place)
	return base != filepath.Dir(base) && (path == base || strings.HasPrefix(path, base+string(filepath.Separator)))
}
