package proof

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"dispatcher/dm"
	"dispatcher/inbox"
	"dispatcher/internal/proof/kill"
	"dispatcher/internal/proof/ledger"
	"dispatcher/storage"
	"dispatcher/storage/sqlite"
)

// TestPromise_P20_Backup: a backup taken while customers write holds
// everything that was acknowledged before it began, whole conversations in
// order, and what its manifest says. (The verb comes later; this is Store.Backup.)
func TestPromise_P20_Backup(t *testing.T) {
	s := scale(t)
	t.Parallel()
	taken := of(s, 4, 50, 50)
	verified, f := backups(t, taken, func(db *sqlite.Store, _ string, w io.Writer) (storage.Manifest, error) {
		return db.Backup(context.Background(), w)
	})
	for _, bad := range verified {
		t.Error(bad)
	}
	report(t, "P20_Backup: %d backups under load, each opened and compared: %d findings; the last: %s", taken, len(verified), f)
	t.Run("mutant/plain_copy", func(t *testing.T) {
		t.Parallel()
		bad, _ := backups(t, 3, func(_ *sqlite.Store, dir string, w io.Writer) (storage.Manifest, error) {
			f, err := os.Open(filepath.Join(dir, sqlite.File)) // without what still stands in the log
			if err != nil {
				return storage.Manifest{}, err
			}
			defer f.Close()
			sum := sha256.New()
			n, err := io.Copy(io.MultiWriter(w, sum), f)
			return storage.Manifest{Bytes: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, err
		})
		if len(bad) == 0 {
			t.Error("copying the file of a running database was not noticed")
		}
	})
}

// backups loads a store, copies it so many times and verifies each copy.
func backups(t *testing.T, times int, backup func(db *sqlite.Store, dir string, w io.Writer) (storage.Manifest, error)) (bad []string, last *ledger.Findings) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	db, err := sqlite.Open(t.Context(), sqlite.Options{Dir: dir, Durability: sqlite.Normal})
	if err != nil {
		t.Fatal(err)
	}
	svc := bareService(t, db, db)
	w := &writers{svc: svc}
	ctx, stop := context.WithCancel(context.Background())
	wait := w.run(ctx, 8)
	for n := range times {
		pause(ctx, 100*time.Millisecond)
		offers := w.acked() // told before the backup began
		copied := filepath.Join(t.TempDir(), fmt.Sprintf("copy%d", n))
		m, err := backupTo(copied, func(f io.Writer) (storage.Manifest, error) { return backup(db, dir, f) })
		if err != nil {
			t.Error(err)
			continue
		}
		problems, f := w.verify(copied, m, offers)
		for _, p := range problems {
			bad = append(bad, fmt.Sprintf("backup %d: %s", n, p))
		}
		last = f
	}
	stop()
	wait()
	if err := errors.Join(svc.Stop(t.Context()), db.Close()); err != nil {
		t.Error(err)
	}
	return bad, last
}

func backupTo(dir string, backup func(io.Writer) (storage.Manifest, error)) (m storage.Manifest, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return m, err
	}
	f, err := os.OpenFile(filepath.Join(dir, sqlite.File), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return m, err
	}
	m, err = backup(f)
	return m, errors.Join(err, f.Close())
}

// writers are customers of a bare service.
type writers struct {
	svc *inbox.Service

	mu     sync.Mutex
	offers []*ledger.Offer
}

func (w *writers) run(ctx context.Context, n int) (wait func()) {
	var wg sync.WaitGroup
	for c := range n {
		wg.Go(func() {
			for k := 0; ctx.Err() == nil; k++ {
				w.customer(fmt.Sprintf("b%d-%d", c, k))
				pause(ctx, 2*time.Millisecond)
			}
		})
	}
	return wg.Wait
}

func (w *writers) customer(who string) {
	for k := range rigEvents {
		o := &ledger.Offer{Contact: who, Text: fmt.Sprintf("%s says %d", who, k), N: k}
		w.mu.Lock()
		w.offers = append(w.offers, o)
		w.mu.Unlock()
		id := fmt.Sprintf("%s-%d", who, k)
		in := dm.Inbound{Kind: dm.KindText, ExternalID: id, MessageID: id, Thread: who, Sender: dm.Party{ID: who}, At: time.Now(), Visibility: dm.Private, Text: o.Text}
		if _, err := w.svc.Accept(context.Background(), "shop", []dm.Inbound{in}); err == nil {
			w.mu.Lock()
			o.Acked = time.Now()
			w.mu.Unlock()
		}
	}
}

// acked copies the ledger as it stands, with what is told so far.
func (w *writers) acked() []ledger.Offer {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]ledger.Offer, len(w.offers))
	for i, o := range w.offers {
		out[i] = *o
	}
	return out
}

// verify opens a copy and compares it with the ledger: what was acknowledged
// before it began is there; what came later may be.
func (w *writers) verify(dir string, m storage.Manifest, told []ledger.Offer) (bad []string, f *ledger.Findings) {
	text, err := os.ReadFile(filepath.Join(dir, sqlite.File))
	if err != nil {
		return []string{err.Error()}, nil
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != m.SHA256 || int64(len(text)) != m.Bytes {
		bad = append(bad, "the manifest is of other bytes")
	}
	store, err := ledger.Read(dir, kill.Key)
	if err != nil {
		return append(bad, err.Error()), nil
	}
	book := &ledger.Book{Offers: told, Store: store, Answers: answersOf}
	for _, later := range w.acked()[len(told):] {
		later.Acked = time.Time{}
		book.Offers = append(book.Offers, later)
	}
	store.Unsettled = 0 // the answers wait to be pulled
	f = book.Check()
	messages := 0
	for _, v := range store.Conversations {
		messages += len(v.Messages)
	}
	if m.Counts["messages"] != int64(messages) || m.Counts["conversations"] != int64(len(store.Conversations)) {
		bad = append(bad, fmt.Sprintf("the manifest counts %d messages of %d conversations, the copy holds %d of %d",
			m.Counts["messages"], m.Counts["conversations"], messages, len(store.Conversations)))
	}
	return append(bad, f.Bad()...), f
}
