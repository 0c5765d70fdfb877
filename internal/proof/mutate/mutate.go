// Package mutate does to a project folder what editors, deployments, full
// disks and accidents do to it. It promises that the same seed gives the same
// damage, and that Restore makes the folder whole again, whatever was done.
package mutate

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Mutation is what was done, and to which file.
type Mutation struct{ Kind, File string }

// Mutator damages one folder. It belongs to one goroutine.
type Mutator struct {
	root string
	good map[string]string
	r    *rand.Rand
	made []string // what Restore takes away again
	n    int
}

// New takes the folder and what it holds when it is whole.
func New(root string, good map[string]string, seed uint64) *Mutator {
	return &Mutator{root: root, good: maps.Clone(good), r: rand.New(rand.NewPCG(seed, 8))}
}

// Good changes what the folder holds when it is whole; Restore writes it.
func (m *Mutator) Good(file, text string) { m.good[file] = text }

type damage struct {
	kind string
	do   func(m *Mutator, file string) error
}

// damages are in the order of runtime.md 6.1, P8.
var damages = [...]damage{
	{"bytes", (*Mutator).bytes}, {"node", (*Mutator).node}, {"half-written", (*Mutator).half}, {"renamed", (*Mutator).rename}, {"symlink", (*Mutator).symlink},
	{"deleted", (*Mutator).remove}, {"0 bytes", (*Mutator).empty}, {"100 MB", (*Mutator).sparse}, {"a folder", (*Mutator).folder}, {"stray file", (*Mutator).stray}, {"garbage", (*Mutator).garbage},
}

// Next damages one flow file in the next way; the project's own file is only
// made unreadable as YAML, so that no channel is taken out of service by an
// edit that says so.
func (m *Mutator) Next() (Mutation, error) {
	files := slices.Sorted(maps.Keys(m.good))
	d, file := damages[m.n%len(damages)], files[m.r.IntN(len(files))]
	m.n++
	if file == "dispatcher.yaml" {
		d = damages[len(damages)-1]
	}
	if err := d.do(m, file); err != nil {
		return Mutation{}, fmt.Errorf("mutate: %s of %s: %w", d.kind, file, err)
	}
	return Mutation{d.kind, file}, nil
}

// Restore writes every file anew that is not as it should be, each in one
// step, and takes away what does not belong there.
func (m *Mutator) Restore() error {
	for _, path := range m.made {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("mutate: restore: %w", err)
		}
	}
	m.made = nil
	for file, text := range m.good {
		path := m.path(file)
		info, err := os.Lstat(path)
		if err == nil && info.Mode().IsRegular() && info.Size() == int64(len(text)) {
			if have, err := os.ReadFile(path); err == nil && string(have) == text {
				continue
			}
		}
		if err == nil && info.IsDir() {
			if err := os.RemoveAll(path); err != nil {
				return fmt.Errorf("mutate: restore: %w", err)
			}
		}
		next := filepath.Join(m.root, ".restore")
		if err := os.WriteFile(next, []byte(text), 0o644); err != nil {
			return fmt.Errorf("mutate: restore: %w", err)
		}
		if err := os.Rename(next, path); err != nil {
			return fmt.Errorf("mutate: restore: %w", err)
		}
	}
	return nil
}

func (m *Mutator) path(file string) string { return filepath.Join(m.root, filepath.FromSlash(file)) }

// write replaces whatever stands there.
func (m *Mutator) write(file string, data []byte) error {
	path := m.path(file)
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return os.WriteFile(path, data, 0o644)
}

// bytes flips, inserts or takes out a few bytes.
func (m *Mutator) bytes(file string) error {
	data := []byte(m.good[file])
	for range 1 + m.r.IntN(6) {
		at := m.r.IntN(len(data))
		switch m.r.IntN(3) {
		case 0:
			data[at] ^= 1 << m.r.IntN(8)
		case 1:
			data = slices.Insert(data, at, []byte("{}[]:-#&*!|>'\"%@`\t\n\x00\xff")[m.r.IntN(21)])
		default:
			data = slices.Delete(data, at, min(len(data)-1, at+1+m.r.IntN(20)))
		}
	}
	return m.write(file, data)
}

// node changes one node of the document, which stays good YAML.
func (m *Mutator) node(file string) error {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(m.good[file]), &doc); err != nil {
		return err
	}
	var all []*yaml.Node
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		all = append(all, n)
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(&doc)
	n := all[1+m.r.IntN(len(all)-1)]
	switch {
	case len(n.Content) > 1 && m.r.IntN(2) == 0:
		i := 2 * m.r.IntN(len(n.Content)/2)
		n.Content = slices.Delete(n.Content, i, i+2)
	case len(n.Content) > 1:
		n.Content = append(n.Content, n.Content[0], n.Content[1])
	case n.Kind == yaml.ScalarNode:
		n.Value = []string{"nowhere", "", "{{ slots.", "{{ 1 + }}", "9", "true", n.Value + "x", "welcome.nowhere", "~"}[m.r.IntN(9)]
		n.Tag = ""
	default:
		n.Kind, n.Content, n.Value = yaml.ScalarNode, nil, "was more"
	}
	out, err := yaml.Marshal(&doc)
	if err != nil {
		out = []byte(m.good[file] + "\n}{")
	}
	return m.write(file, out)
}

func (m *Mutator) half(file string) error {
	return m.write(file, []byte(m.good[file])[:m.r.IntN(len(m.good[file]))])
}

func (m *Mutator) rename(file string) error {
	to := m.path(file) + []string{".bak", "~", ".yaml", ".swp", "-copy.yaml"}[m.r.IntN(5)]
	m.made = append(m.made, to)
	err := os.Rename(m.path(file), to)
	if os.IsNotExist(err) {
		return nil // it is gone already
	}
	return err
}

// symlink puts a link in the file's place: to nothing, to itself, out of the
// project, to a folder, to a device that never ends.
func (m *Mutator) symlink(file string) error {
	path := m.path(file)
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	return os.Symlink([]string{"nothing.yaml", filepath.Base(path), "/etc/passwd", "..", "/dev/zero", "/proc/self/mem", "/dev/stdin"}[m.r.IntN(7)], path)
}

func (m *Mutator) remove(file string) error { return os.RemoveAll(m.path(file)) }

func (m *Mutator) empty(file string) error { return m.write(file, nil) }

// sparse is a file of 100 MB that takes no room.
func (m *Mutator) sparse(file string) error {
	if err := m.write(file, []byte(m.good[file])); err != nil {
		return err
	}
	return os.Truncate(m.path(file), 100<<20)
}

func (m *Mutator) folder(file string) error {
	if err := os.RemoveAll(m.path(file)); err != nil {
		return err
	}
	return os.MkdirAll(filepath.Join(m.path(file), "inside.yaml"), 0o755)
}

// stray adds a file that is none of the project's.
func (m *Mutator) stray(string) error {
	path := m.path("flows/stray" + []string{".yaml", ".yml", ".txt", ".yaml.tmp"}[m.r.IntN(4)])
	m.made = append(m.made, path)
	return os.WriteFile(path, bytes.Repeat([]byte("stray: {\n"), 1+m.r.IntN(50)), 0o644)
}

// garbage is no YAML from some line on.
func (m *Mutator) garbage(file string) error {
	lines := strings.SplitAfter(m.good[file], "\n")
	at := m.r.IntN(len(lines))
	return m.write(file, []byte(strings.Join(lines[:at], "")+"\t}: [ {\n"+strings.Join(lines[at:], "")))
}
