package watch

import (
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"

	"github.com/fsnotify/fsnotify"
)

// watched is the set of folders that file events come from.
type watched struct {
	fs   *fsnotify.Watcher
	root string
	have map[string]uint64          // folder → what it was when it was added
	only map[string]map[string]bool // folder → the entries that matter; absent: all do
}

// refresh brings the watched folders to what the project is now: the root and
// flows with every sub-folder, what they really are, the folder of every
// link's target, and the parents of all those, of which only the one entry
// matters. A folder that was replaced under the same name is added anew: the
// kernel watches what a name was, not the name.
func (d *watched) refresh() {
	want := map[string]uint64{}
	only := map[string]map[string]bool{}
	add := func(p, entry string) {
		info, err := os.Stat(p)
		if err != nil || !info.IsDir() {
			return
		}
		_, seen := want[p]
		want[p] = inodeOf(info)
		switch {
		case entry == "":
			delete(only, p)
		case !seen:
			only[p] = map[string]bool{entry: true}
		case only[p] != nil:
			only[p][entry] = true
		}
	}
	parent := func(p string) { add(filepath.Dir(p), filepath.Base(p)) }
	links := func(p string) {
		for _, at := range linkChain(p) {
			parent(at)
			parent(filepath.Dir(at))
		}
	}
	parent(d.root)
	links(d.root)
	folder := func(p string) {
		links(p)
		add(p, "")
		if real, err := filepath.EvalSymlinks(p); err == nil && real != p {
			parent(real)
			add(real, "")
		}
	}
	folder(d.root)
	walkLinks(d.root, func(path string, dir bool) {
		if dir {
			folder(path)
		} else {
			links(path)
		}
	})
	d.apply(want)
	d.only = only
}

func (d *watched) apply(want map[string]uint64) {
	for p, ino := range d.have {
		if want[p] != ino {
			_ = d.fs.Remove(p)
		}
	}
	for p, ino := range want {
		if d.have[p] != ino {
			_ = d.fs.Add(p)
		}
	}
	d.have = want
}

// concerns says whether an event could have changed the set: data/ never
// does, and of a parent folder only the entries that lead to the project.
func (d *watched) concerns(ev fsnotify.Event) bool {
	if ev.Op == fsnotify.Chmod {
		return false
	}
	data := filepath.Join(d.root, "data")
	if ev.Name == data || strings.HasPrefix(ev.Name, data+string(filepath.Separator)) {
		return false
	}
	names, some := d.only[filepath.Dir(ev.Name)]
	return !some || names[filepath.Base(ev.Name)]
}

// told says whether an event that concerns the set waits to be read.
func (d *watched) told() bool {
	for {
		select {
		case ev, ok := <-d.fs.Events:
			if !ok || d.concerns(ev) {
				return ok
			}
		default:
			return false
		}
	}
}

// linkChain lists what a path leads through, link by link, ending at a place
// that is no link; empty for a path that is none.
func linkChain(path string) []string {
	var out []string
	for range 16 {
		to, err := os.Readlink(path)
		if err != nil {
			return out
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
		out = append(out, path)
	}
	return out
}

// walkLinks visits dispatcher.yaml and everything below flows, through links,
// and never data/.
func walkLinks(root string, visit func(path string, dir bool)) {
	visit(filepath.Join(root, "dispatcher.yaml"), false)
	top := filepath.Join(root, "flows")
	visit(top, true)
	left := 4096
	var walk func(dir string, depth int)
	walk = func(dir string, depth int) {
		entries, err := os.ReadDir(dir)
		if err != nil || depth > 16 {
			return
		}
		for _, e := range entries {
			if left--; left < 0 {
				return
			}
			p := filepath.Join(dir, e.Name())
			info, err := os.Stat(p)
			if err != nil {
				continue
			}
			visit(p, info.IsDir())
			if info.IsDir() {
				walk(p, depth+1)
			}
		}
	}
	walk(top, 0)
}

// fingerprint is a cheap guess whether anything changed; only the poll trusts it.
type fingerprint uint64

func fingerprintOf(root string) fingerprint {
	h := fnv.New64a()
	walkLinks(root, func(path string, dir bool) {
		if info, err := os.Stat(path); err == nil && !dir {
			fmt.Fprintf(h, "%s|%d|%d|%d\n", path, info.Size(), info.ModTime().UnixNano(), inodeOf(info))
		} else {
			fmt.Fprintf(h, "%s|%v\n", path, err == nil)
		}
	})
	return fingerprint(h.Sum64())
}
