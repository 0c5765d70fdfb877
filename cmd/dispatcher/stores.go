package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"dispatcher/storage"
	"dispatcher/storage/sqlite"
	"dispatcher/vault"
)

// opened is a store with the vault that can read it.
type opened struct {
	store storage.Store
	vault *vault.Vault
	key   vault.Loaded
	dir   string
	fresh bool // made just now
}

// storeOptions is what an operator may say of the store.
type storeOptions struct {
	dir        string
	durability string
	backup     bool
	log        *slog.Logger
}

// openStore opens the data folder and proves that the key fits it before
// anything else is written.
func (m *Main) openStore(ctx context.Context, opt storeOptions) (*opened, error) {
	if err := os.MkdirAll(opt.dir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w; choose another with --data", err)
	}
	key, err := vault.LoadKey(vault.Source{Getenv: m.Getenv})
	if err != nil {
		return nil, err
	}
	store, err := sqlite.Open(ctx, sqlite.Options{Dir: opt.dir, Durability: sqlite.Durability(opt.durability),
		MigrationBackup: opt.backup, Logger: opt.log, Now: m.Now, Failpoint: m.storeFailpoint()})
	if err != nil {
		return nil, storeTrouble(opt.dir, err)
	}
	o := &opened{store: store, key: key, dir: opt.dir}
	if o.vault, o.fresh, err = unlock(ctx, store, key.Keys); err != nil {
		if key.Created { // a key that fits nothing must not stand where the right one belongs
			_ = os.Remove(key.Where)
		}
		return nil, errors.Join(keyTrouble(key, opt.dir, err), store.Close())
	}
	store.SetAuditKey(o.vault.AuditKey())
	return o, nil
}

func storeTrouble(dir string, err error) error {
	switch {
	case errors.Is(err, storage.ErrLocked):
		return fmt.Errorf("%w; stop it first, or use another folder with --data", err)
	case errors.Is(err, storage.ErrTooNew):
		return fmt.Errorf("%w; run that version, or restore a backup made by this one", err)
	case errors.Is(err, sqlite.ErrWideFolder):
		return err // it names the mode and the remedy
	}
	return fmt.Errorf("open the data in %s: %w", dir, err)
}

// Names of the two records that tie a database to its key.
var (
	recordRoot   = []byte("root_salt")
	recordCanary = []byte("canary")
)

// unlock opens the vault that belongs to this database, or makes one for a
// fresh database: root salt and canary are written together.
func unlock(ctx context.Context, store storage.Store, keys *vault.Keys) (*vault.Vault, bool, error) {
	root, err := store.Get(ctx, storage.KindSetting, recordRoot)
	if errors.Is(err, storage.ErrNotFound) {
		v, sealed, err := vault.New(keys)
		if err != nil {
			return nil, false, err
		}
		err = store.Put(ctx, []storage.Record{
			{Kind: storage.KindSetting, ID: recordRoot, Body: sealed},
			{Kind: storage.KindSetting, ID: recordCanary, Body: v.SealCanary()},
		}, nil)
		return v, true, err
	}
	if err != nil {
		return nil, false, err
	}
	v, err := vault.Open(keys, root.Body)
	if err != nil {
		return nil, false, err
	}
	canary, err := store.Get(ctx, storage.KindSetting, recordCanary)
	if err != nil {
		return nil, false, err
	}
	return v, false, v.OpenCanary(canary.Body)
}

// keyTrouble says which key does not fit. One that was made just now, because
// there was none, is not worth naming: it is gone again.
func keyTrouble(key vault.Loaded, dir string, err error) error {
	if key.Created && errors.Is(err, vault.ErrWrongKey) {
		return fmt.Errorf("there is no key at %s; the data in %s was written with another key: put its key file there, or name it with DISPATCHER_KEY_FILE; nothing was changed", key.Where, dir)
	}
	return fmt.Errorf("the key in %s does not open this data: %w; use the key it was written with (DISPATCHER_KEY_FILE), nothing was changed", key.Where, err)
}

// dataDir is where a project's data is unless --data says otherwise.
func dataDir(root, flag string) string {
	if flag != "" {
		return flag
	}
	return filepath.Join(root, "data")
}
