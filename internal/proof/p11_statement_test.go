package proof

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/webhook"
	"dispatcher/dm"
	"dispatcher/flows"
	"dispatcher/inbox"
	"dispatcher/internal/proof/kill"
	"dispatcher/internal/proof/ledger"
	"dispatcher/internal/source"
	"dispatcher/storage"
	"dispatcher/storage/sqlite"
	"dispatcher/vault"
)

// TestPromise_P11_EveryStatement: whichever statement the disk refuses, the
// event is either acknowledged and stored or refused and sent again, and the
// program goes on.
func TestPromise_P11_EveryStatement(t *testing.T) {
	scale(t) // the same at every size: each statement is tried
	t.Parallel()
	for _, cause := range []error{syscall.ENOSPC, syscall.EIO, syscall.EROFS} {
		t.Run(cause.Error(), func(t *testing.T) {
			t.Parallel()
			failed, f := everyStatement(t, cause, 1, func(s storage.Store) storage.Store { return s })
			clean(t, f)
			if failed < 20 {
				t.Errorf("only %d statements were refused", failed)
			}
			report(t, "P11_EveryStatement: %v at each of %d statements of a conversation: %s; integrity ok", cause, failed, f)
		})
	}
	t.Run("mutant/lying_store", func(t *testing.T) {
		t.Parallel()
		_, f := everyStatement(t, syscall.ENOSPC, 3, func(s storage.Store) storage.Store { return &lying{s} })
		if len(f.Lost) == 0 {
			t.Errorf("a store that says yes to what the disk refused was not noticed: %s", f)
		}
	})
}

// lying is a store that tells nobody that the disk refused.
type lying struct{ storage.Store }

func (s *lying) Apply(ctx context.Context, turns []storage.Turn) ([]storage.Outcome, error) {
	out, err := s.Store.Apply(ctx, turns)
	if errors.Is(err, storage.ErrDegraded) {
		return make([]storage.Outcome, len(turns)), nil
	}
	return out, err
}

// refuser is a disk that refuses the n-th statement from when it is armed.
type refuser struct {
	left  atomic.Int64
	cause error
	hits  atomic.Int64
}

func (d *refuser) point(name string) error {
	if name != "statement" || d.left.Add(-1) != 0 {
		return nil
	}
	d.hits.Add(1)
	return d.cause
}

// everyStatement has one conversation after the other, each with a later
// statement refused, until one has no statement left to refuse.
func everyStatement(t *testing.T, cause error, step int, between func(storage.Store) storage.Store) (failed int, found *ledger.Findings) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	book := &ledger.Book{Answers: answersOf}
	synctest.Test(t, func(t *testing.T) {
		d := &refuser{cause: cause}
		db, err := sqlite.Open(t.Context(), sqlite.Options{Dir: dir, Failpoint: d.point, Durability: sqlite.Normal})
		if err != nil {
			t.Fatal(err)
		}
		svc := bareService(t, db, between(db))
		for n := 1; ; n += step {
			before := d.hits.Load()
			d.left.Store(int64(n))
			converse(t, svc, book, n)
			d.left.Store(0)
			if d.hits.Load() == before {
				break
			}
			failed++
		}
		if err := errors.Join(svc.Stop(t.Context()), db.Close()); err != nil {
			t.Error(err)
		}
	})
	var err error
	if book.Store, err = ledger.Read(dir, kill.Key); err != nil {
		t.Fatal(err)
	}
	book.Store.Unsettled = 0 // the answers wait to be pulled
	return failed, book.Check()
}

// converse is one whole conversation, from the greeting to the queue; what is
// refused is sent again, as a platform does.
func converse(t *testing.T, svc *inbox.Service, book *ledger.Book, n int) {
	t.Helper()
	who := fmt.Sprintf("e%d", n)
	for k, text := range []string{who + " says 0", who + " says 1", "A person"} {
		id := fmt.Sprintf("%s-%d", who, k)
		in := dm.Inbound{Kind: dm.KindText, ExternalID: id, MessageID: id, Thread: who, Sender: dm.Party{ID: who}, At: time.Now(), Visibility: dm.Private, Text: text}
		o := ledger.Offer{Contact: who, Text: text, N: k}
		for try := 0; o.Acked.IsZero(); try++ {
			if _, err := svc.Accept(t.Context(), "shop", []dm.Inbound{in}); err == nil {
				o.Acked = time.Now()
			} else if try == 50 {
				t.Fatalf("%s was refused for %d s: %v", id, try, err)
			}
			time.Sleep(time.Second)
		}
		book.Offers = append(book.Offers, o)
	}
}

// bareService is inbox on a store, with rigFlow on one webhook that is pulled.
func bareService(t *testing.T, db *sqlite.Store, store storage.Store) *inbox.Service {
	t.Helper()
	keys, err := vault.ParseKeys([]byte(kill.Key))
	if err != nil {
		t.Fatal(err)
	}
	v, root, err := vault.New(keys)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Put(t.Context(), []storage.Record{{Kind: storage.KindSetting, ID: []byte("root_salt"), Body: root}}, nil); err != nil {
		t.Fatal(err)
	}
	svc, err := inbox.New(inbox.Config{AcceptWithin: time.Minute, Store: store, Vault: v, Loopback: true, Openers: map[string]channels.Opener{"webhook": webhook.Open},
		Secret: func(string) (string, error) { return rigSecret, nil }})
	if err != nil {
		t.Fatal(err)
	}
	project := "dispatcher: 1\nproject: proof\nstart: talk\nqueues: {general: {name: General}}\ndefault_queue: general\nchannels:\n  shop: {kind: webhook, secret: \"${env:PROOF_SECRET}\"}\n"
	p := flows.Load(&flows.Files{Name: "proof", Data: map[string][]byte{"dispatcher.yaml": []byte(project), "flows/talk.yaml": []byte(rigFlow)}}, flows.Options{
		Env: func(string) (string, bool) { return rigSecret, true },
		Limits: func(alias, kind string, _ *source.Node) (dm.Limits, bool, []source.Diagnostic) {
			return dm.Limits{Channel: alias, Kind: kind}, true, nil
		},
	})
	if !p.OK() {
		t.Fatalf("the project: %+v", p.Diagnostics)
	}
	if err := errors.Join(svc.SetLive(t.Context(), p), svc.Start(t.Context())); err != nil {
		t.Fatal(err)
	}
	return svc
}
