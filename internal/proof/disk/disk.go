// Package disk gives a proof a small disk of its own that it can fill and free
// again. It promises that the disk is gone when the test ends.
package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Small is a tmpfs of a few megabytes.
type Small struct {
	Dir     string
	ballast string
}

// ErrNotAllowed says that this machine lets us mount nothing.
var ErrNotAllowed = errors.New("disk: not allowed to mount")

// Mount makes a disk of so many MiB.
func Mount(t testing.TB, mib int) (*Small, error) {
	dir := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, fmt.Sprintf("size=%dm,mode=0700", mib))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotAllowed, err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return &Small{Dir: dir, ballast: filepath.Join(dir, "ballast")}, nil
}

// Free is how many bytes are left.
func (s *Small) Free() (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(s.Dir, &st); err != nil {
		return 0, fmt.Errorf("disk: %w", err)
	}
	return int64(st.Bavail) * st.Bsize, nil
}

// Fill takes everything but so many bytes, at once. With 0 the last page too.
func (s *Small) Fill(leave int64) error {
	f, err := os.OpenFile(s.ballast, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("disk: ballast: %w", err)
	}
	defer f.Close()
	free, err := s.Free()
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("disk: ballast: %w", err)
	}
	size := info.Size()
	for step := free - leave; step >= 1<<10; { // others write meanwhile: halve what does not fit
		switch err := syscall.Fallocate(int(f.Fd()), 0, size, step); {
		case err == nil && leave > 0:
			return nil
		case err == nil:
			size += step
		case errors.Is(err, syscall.ENOSPC):
			step /= 2
		default:
			return fmt.Errorf("disk: ballast: %w", err)
		}
	}
	return nil
}

// Clear gives the space back.
func (s *Small) Clear() error { return os.Remove(s.ballast) }
