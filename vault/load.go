package vault

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrContainerKey says why a container did not make its own key.
var ErrContainerKey = errors.New("vault: no key in this container: mount a key file and set DISPATCHER_KEY_FILE to its path, or set DISPATCHER_KEY; make one with: openssl rand -base64 32")

// Source says where LoadKey looks. The zero value is the real environment.
type Source struct {
	Getenv     func(string) string    // nil: os.Getenv
	ConfigDir  func() (string, error) // nil: os.UserConfigDir
	SecretFile string                 // "": /run/secrets/dispatcher_key
}

// Loaded is what LoadKey found.
type Loaded struct {
	Keys    *Keys
	Where   string // for people: a path or "DISPATCHER_KEY"
	Created bool   // made just now: print "back this up; without it the data is unreadable"
	Wide    bool   // the file can be read by others than its owner: a weak setting
}

// LoadKey finds the master keys in the order of runtime.md 4.2:
// DISPATCHER_KEY_FILE, DISPATCHER_KEY, systemd credential, container secret,
// then the workstation's own file, which is made on first start unless
// DISPATCHER_CONTAINER=1 (ErrContainerKey). A place that is named but cannot
// be read is an error, never skipped.
func LoadKey(src Source) (Loaded, error) {
	src = src.withDefaults()
	if path := src.Getenv("DISPATCHER_KEY_FILE"); path != "" {
		return readKeyFile(path, "DISPATCHER_KEY_FILE")
	}
	if lines := src.Getenv("DISPATCHER_KEY"); lines != "" {
		keys, err := ParseKeys([]byte(strings.ReplaceAll(lines, `\n`, "\n")))
		if err != nil {
			return Loaded{}, fmt.Errorf("DISPATCHER_KEY: %w", err)
		}
		return Loaded{Keys: keys, Where: "DISPATCHER_KEY"}, nil
	}
	if dir := src.Getenv("CREDENTIALS_DIRECTORY"); dir != "" {
		if path := filepath.Join(dir, "dispatcher-key"); exists(path) {
			return readKeyFile(path, "systemd credential")
		}
	}
	if exists(src.SecretFile) {
		return readKeyFile(src.SecretFile, "container secret")
	}
	return workstationKey(src)
}

func (s Source) withDefaults() Source {
	if s.Getenv == nil {
		s.Getenv = os.Getenv
	}
	if s.ConfigDir == nil {
		s.ConfigDir = os.UserConfigDir
	}
	if s.SecretFile == "" {
		s.SecretFile = "/run/secrets/dispatcher_key"
	}
	return s
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func readKeyFile(path, what string) (Loaded, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Loaded{}, fmt.Errorf("vault: %s: %w; the data is unreadable without it: put the key file back or correct the path", what, err)
	}
	if info.IsDir() || info.Size() > 64<<10 {
		return Loaded{}, fmt.Errorf("vault: %s: %s is not a key file", what, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Loaded{}, fmt.Errorf("vault: %s: %w", what, err)
	}
	keys, err := ParseKeys(text)
	clear(text)
	if err != nil {
		return Loaded{}, fmt.Errorf("%s %s: %w", what, path, err)
	}
	return Loaded{Keys: keys, Where: path, Wide: info.Mode().Perm()&0o077 != 0}, nil
}

// workstationKey reads or makes the key in the user's own configuration
// folder, outside the data folder so that a copied data folder stays sealed.
func workstationKey(src Source) (Loaded, error) {
	inContainer := src.Getenv("DISPATCHER_CONTAINER") == "1"
	dir, err := src.ConfigDir()
	if err != nil {
		if inContainer {
			return Loaded{}, ErrContainerKey
		}
		return Loaded{}, fmt.Errorf("vault: no place for the key: %w; set DISPATCHER_KEY_FILE to a path outside the data folder", err)
	}
	path := filepath.Join(dir, "dispatcher", "key")
	if inContainer {
		return Loaded{}, ErrContainerKey
	}
	if exists(path) {
		return readKeyFile(path, "key file")
	}
	if err := createKeyFile(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return Loaded{}, fmt.Errorf("vault: make the key: %w; set DISPATCHER_KEY_FILE to a path outside the data folder", err)
	} else if err != nil {
		return readKeyFile(path, "key file") // another process made it first
	}
	got, err := readKeyFile(path, "key file")
	got.Created = true
	return got, err
}

// createKeyFile writes a complete key file or none: a half-written key would
// seal data that nobody can open again.
func createKeyFile(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, "key-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(GenerateKey())
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil { // fails when it exists: never overwrites a key
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
