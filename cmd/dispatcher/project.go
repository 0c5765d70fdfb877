package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/flows"
	"dispatcher/flows/watch"
	"dispatcher/internal/source"
)

// openFiles reads the sources of the project in a folder.
func openFiles(dir string) (root string, files *flows.Files, err error) {
	root, err = filepath.Abs(dir)
	if err != nil {
		return "", nil, err
	}
	info, err := os.Stat(root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return root, nil, fmt.Errorf("there is no folder %s; make a project with: dispatcher init %s", dir, dir)
	case err != nil:
		return root, nil, err
	case !info.IsDir():
		return root, nil, fmt.Errorf("%s is a file; name the project's folder, the one that holds dispatcher.yaml and flows", dir)
	}
	files, err = flows.Read(watch.Dir(root), filepath.Base(root))
	if err != nil && !errors.Is(err, flows.ErrNoProject) {
		return root, nil, fmt.Errorf("read the project in %s: %w", dir, err)
	}
	if err != nil || len(files.Data) == 0 {
		return root, nil, fmt.Errorf("no flows in %s; flow files live in %s. Start with: dispatcher init %s", dir, filepath.Join(dir, "flows"), filepath.Join(dir, "shop"))
	}
	return root, files, nil
}

// loader gives the one call that check, serve, chat and the watcher share.
// kinds limits whose limits are checked; nil = every channel's.
func (m *Main) loader(root string, kinds []string) func(*flows.Files) *flows.Project {
	opts := m.options(root, kinds)
	return func(f *flows.Files) *flows.Project { return flows.Load(f, opts) }
}

// options are what the checker asks of this machine and of the adapters.
func (m *Main) options(root string, kinds []string) flows.Options {
	return flows.Options{
		Env:      m.lookup,
		ReadFile: m.projectFile(root),
		Warm:     new(flows.Warm),
		Only:     kinds,
		Limits: func(alias, kind string, cfg *source.Node) (dm.Limits, bool, []source.Diagnostic) {
			return m.limits(root, alias, kind, cfg)
		},
	}
}

// limits opens an adapter only to ask what it can carry: a channel without
// credentials is checked all the same, and says nothing of what it lacks.
func (m *Main) limits(root, alias, kind string, cfg *source.Node) (dm.Limits, bool, []source.Diagnostic) {
	open, known := channelKinds[kind]
	if !known {
		limits, known := plannedKinds[kind]
		limits.Channel = alias
		return limits, known, nil
	}
	adapter, diags := open(alias, cfg, channels.Env{
		LimitsOnly: true, Loopback: true, CapsOf: capsOf, Secret: m.secrets(root, true),
	})
	if adapter != nil {
		return channels.LimitsOf(alias, adapter.Caps()), true, diags
	}
	caps, _ := capsOf(kind)
	return channels.LimitsOf(alias, caps), true, diags
}

func (m *Main) lookup(name string) (string, bool) {
	v := m.Getenv(name)
	return v, v != ""
}

// projectFile reads a ${file:PATH}, relative to the project.
func (m *Main) projectFile(root string) func(string) ([]byte, error) {
	return func(path string) ([]byte, error) {
		if !filepath.IsAbs(path) {
			path = filepath.Join(root, path)
		}
		return os.ReadFile(path)
	}
}

// secrets resolves references in channel settings. With lenient, a reference
// that has no value here counts as some secret: check is about the file, not
// about this machine (it warns W132 by itself).
func (m *Main) secrets(root string, lenient bool) func(string) (string, error) {
	return func(ref string) (string, error) {
		value, err := flows.Resolve(ref, m.lookup, m.projectFile(root))
		if err != nil && lenient {
			return "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcY", nil
		}
		return value, err
	}
}
