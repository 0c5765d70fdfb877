package vault

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// machine is an environment of its own.
type machine struct {
	env map[string]string
	dir string
}

func newMachine(t *testing.T) *machine {
	return &machine{env: map[string]string{}, dir: t.TempDir()}
}

func (m *machine) source() Source {
	return Source{
		Getenv:     func(name string) string { return m.env[name] },
		ConfigDir:  func() (string, error) { return filepath.Join(m.dir, "config"), nil },
		SecretFile: filepath.Join(m.dir, "secrets", "dispatcher_key"),
	}
}

func (m *machine) file(t *testing.T, name string, mode os.FileMode) (path string, key []byte) {
	t.Helper()
	path, key = filepath.Join(m.dir, name), GenerateKey()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, key, mode); err != nil {
		t.Fatal(err)
	}
	return path, key
}

// TestOrderOfPlaces adds places from the last to the first: each new one wins.
func TestOrderOfPlaces(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	made, err := LoadKey(m.source())
	if err != nil || !made.Created || made.Wide {
		t.Fatalf("%+v %v", made, err)
	}
	again, err := LoadKey(m.source())
	if err != nil || again.Created || again.Keys.list[0] != made.Keys.list[0] {
		t.Fatalf("the second start: %+v %v", again, err)
	}
	last := made.Keys
	expect := func(name, where string, key []byte) {
		t.Helper()
		got, err := LoadKey(m.source())
		if err != nil || got.Where != where || got.Keys.list[0] == last.list[0] || got.Keys.list[0] != mustKeys(t, key).list[0] || got.Created {
			t.Errorf("%s: from %s, %v", name, got.Where, err)
		}
		last = got.Keys
	}
	path, key := m.file(t, "secrets/dispatcher_key", 0o400)
	expect("container secret", path, key)
	path, key = m.file(t, "credentials/dispatcher-key", 0o400)
	m.env["CREDENTIALS_DIRECTORY"] = filepath.Dir(path)
	expect("systemd credential", path, key)
	key = GenerateKey()
	m.env["DISPATCHER_KEY"] = strings.TrimSpace(string(key))
	expect("variable", "DISPATCHER_KEY", key)
	path, key = m.file(t, "mine", 0o600)
	m.env["DISPATCHER_KEY_FILE"] = path
	expect("named file", path, key)
}

func TestWorkstationKeyIsPrivate(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	got, err := LoadKey(m.source())
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(got.Where)
	if err != nil || info.Mode().Perm() != 0o600 || got.Where != filepath.Join(m.dir, "config", "dispatcher", "key") {
		t.Errorf("%s %v %v", got.Where, info.Mode(), err)
	}
	left, err := os.ReadDir(filepath.Dir(got.Where))
	if err != nil || len(left) != 1 {
		t.Errorf("other files stayed: %v %v", left, err)
	}
	if err := os.Chmod(got.Where, 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err = LoadKey(m.source()); err != nil || !got.Wide {
		t.Errorf("a key that others can read is not told: %+v %v", got, err)
	}
}

// TestFirstStartsAtOnce: whoever starts first makes the key, all use that one.
func TestFirstStartsAtOnce(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	var wg sync.WaitGroup
	keys := make([]*Keys, 16)
	for i := range keys {
		wg.Go(func() {
			got, err := LoadKey(m.source())
			if err != nil {
				t.Error(err)
				return
			}
			keys[i] = got.Keys
		})
	}
	wg.Wait()
	for _, k := range keys[1:] {
		if k == nil || k.list[0] != keys[0].list[0] {
			t.Fatal("two starts use two keys")
		}
	}
}

func TestContainerMakesNoKey(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.env["DISPATCHER_CONTAINER"] = "1"
	_, err := LoadKey(m.source())
	if !errors.Is(err, ErrContainerKey) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "DISPATCHER_KEY_FILE") {
		t.Errorf("error %v", err)
	}
	if entries, _ := os.ReadDir(m.dir); len(entries) != 0 {
		t.Errorf("something was written: %v", entries)
	}
	m.env["DISPATCHER_KEY"] = string(GenerateKey())
	if _, err := LoadKey(m.source()); err != nil {
		t.Error(err)
	}
}

func TestNamedKeyMissing(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.env["DISPATCHER_KEY_FILE"] = filepath.Join(m.dir, "gone")
	if _, err := LoadKey(m.source()); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "DISPATCHER_KEY_FILE") {
		t.Errorf("error %v", err)
	}
	m.env["DISPATCHER_KEY_FILE"] = m.dir
	if _, err := LoadKey(m.source()); err == nil {
		t.Error("a folder was taken for a key")
	}
	delete(m.env, "DISPATCHER_KEY_FILE")
	m.env["DISPATCHER_KEY"] = "nonsense"
	if _, err := LoadKey(m.source()); err == nil || !strings.Contains(err.Error(), "DISPATCHER_KEY:") || strings.Contains(err.Error(), "nonsense") {
		t.Errorf("error %v", err)
	}
	src := m.source()
	delete(m.env, "DISPATCHER_KEY")
	src.ConfigDir = func() (string, error) { return "", errors.New("no home") }
	if _, err := LoadKey(src); err == nil || !strings.Contains(err.Error(), "DISPATCHER_KEY_FILE") {
		t.Errorf("no home: %v", err)
	}
}

// TestDefaultsAreTheRealEnvironment only looks at what would be asked.
func TestDefaultsAreTheRealEnvironment(t *testing.T) {
	t.Parallel()
	src := Source{}.withDefaults()
	if src.Getenv == nil || src.ConfigDir == nil || src.SecretFile != "/run/secrets/dispatcher_key" {
		t.Errorf("%+v", src.SecretFile)
	}
	if bytes.Equal(GenerateKey(), GenerateKey()) {
		t.Error("two equal keys")
	}
}
