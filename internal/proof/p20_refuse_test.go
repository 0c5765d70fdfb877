package proof

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dispatcher/internal/proof/kill"
	"dispatcher/storage/sqlite"
)

// otherKey is a master key that opens nothing.
const otherKey = "IB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgE="

// TestPromise_P20_Refuse: a database from a newer version, a folder that
// another process has, a wrong key and a missing one are refused with exit
// status 2 and the remedy, before anything is written.
func TestPromise_P20_Refuse(t *testing.T) {
	scale(t) // the same at every size
	t.Parallel()
	r := newRig(t, kill.Options{})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	wait := r.load(ctx, 20, 2, time.Millisecond)
	if !r.ackAfter(20, 30*time.Second) {
		t.Fatal("no load")
	}
	second := serveOnce(t, r, "DISPATCHER_KEY="+kill.Key)
	second.wants(t, "a second process", fmt.Sprint(r.svc.Pid()), "stop it first", "--data")
	if !r.ackAfter(r.acks.Load(), 10*time.Second) {
		t.Error("the first process stopped accepting")
	}
	cancel()
	wait()
	r.settle(time.Minute)
	r.svc.Term()
	home := t.TempDir()
	for _, c := range []struct {
		name string
		env  []string
		want []string
	}{
		{"a wrong key", []string{"DISPATCHER_KEY=" + otherKey}, []string{"does not open this data", "DISPATCHER_KEY_FILE"}},
		{"a missing key file", []string{"DISPATCHER_KEY_FILE=" + filepath.Join(home, "gone")}, []string{"gone", "put the key file back"}},
		{"no key at all", []string{"HOME=" + home, "XDG_CONFIG_HOME="}, []string{"written with another key", "put its key file there", "DISPATCHER_KEY_FILE"}},
		{"no key in a container", []string{"HOME=" + home, "DISPATCHER_CONTAINER=1"}, []string{"mount a key file", "DISPATCHER_KEY_FILE", "openssl rand -base64 32"}},
	} {
		before := footprint(t, r.svc.Data)
		serveOnce(t, r, c.env...).wants(t, c.name, c.want...)
		if changed := differences(before, footprint(t, r.svc.Data)); len(changed) > 0 {
			t.Errorf("%s: %q changed", c.name, changed)
		}
		if left := footprint(t, home); len(left) > 0 {
			t.Errorf("%s: %v was made at home", c.name, slices.Collect(maps.Keys(left)))
		}
	}
	newer(t, r, func() { // with the newer schema in the file
		before := footprint(t, r.svc.Data)
		serveOnce(t, r, "DISPATCHER_KEY="+kill.Key).wants(t, "a newer schema", "schema 9", "restore a backup")
		if changed := differences(before, footprint(t, r.svc.Data)); len(changed) > 0 {
			t.Errorf("a newer schema: %q changed", changed)
		}
	})
	if err := r.svc.Restart(); err != nil {
		t.Fatalf("after all refusals: %v", err)
	}
	f := r.book()
	clean(t, f)
	report(t, "P20_Refuse: newer schema, second process, wrong, missing and absent key: each exit 2 with its remedy, 0 bytes changed; afterwards %s", f)
	t.Run("mutant/one_byte", func(t *testing.T) {
		t.Parallel()
		plantedChange(t)
	})
}

// refusal is a run that did not come up.
type refusal struct {
	code int
	said string
}

// serveOnce runs serve on the rig's folders with only these keys in its environment.
func serveOnce(t *testing.T, r *rig, env ...string) refusal {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, kill.Build(t, ""), "serve", r.svc.Dir, "--data", r.svc.Data, "--listen", "127.0.0.1:0", "--metrics-listen", "off")
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "NO_COLOR=1", "PROOF_SECRET=" + rigSecret}, env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return refusal{cmd.ProcessState.ExitCode(), out.String()}
}

func (r refusal) wants(t *testing.T, what string, words ...string) {
	t.Helper()
	if r.code != 2 {
		t.Errorf("%s: exit status %d, want 2: %s", what, r.code, r.said)
	}
	for _, w := range words {
		if !strings.Contains(r.said, w) {
			t.Errorf("%s: %q is not said: %s", what, w, r.said)
		}
	}
}

// footprint is a sum of every file below a folder, by name. The pid in the
// lock file is for people and belongs to whoever looked last.
func footprint(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	out := map[string][32]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) == ".lock" {
			return err
		}
		text, err := os.ReadFile(path)
		out[path] = sha256.Sum256(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func differences(a, b map[string][32]byte) (names []string) {
	for name, sum := range a {
		if b[name] != sum {
			names = append(names, filepath.Base(name))
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, filepath.Base(name))
		}
	}
	return names
}

// newer makes the database one of schema 9 while f runs.
func newer(t *testing.T, r *rig, f func()) {
	t.Helper()
	set := func(version int) (was int) {
		db, err := sql.Open("sqlite", "file:"+filepath.Join(r.svc.Data, sqlite.File))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		db.SetMaxOpenConns(1)
		if err := db.QueryRow("PRAGMA user_version").Scan(&was); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(fmt.Sprintf("PRAGMA user_version = %d", version)); err != nil {
			t.Fatal(err)
		}
		return was
	}
	was := set(9)
	f()
	set(was)
}

// plantedChange shows that the comparison of two footprints finds one changed
// byte, one new file and one that is gone.
func plantedChange(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("0123456789"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := footprint(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "a"), []byte("0123456780"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "b"), filepath.Join(dir, "c")); err != nil {
		t.Fatal(err)
	}
	got := differences(before, footprint(t, dir))
	slices.Sort(got)
	if !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("found %q", got)
	}
}
