package sqlite

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"dispatcher/storage"
)

// opening is a first turn with a row in most tables.
func opening(n int) storage.Turn {
	addr := make([]byte, 16)
	binary.BigEndian.PutUint64(addr, uint64(n))
	seen := storage.SeenKey{Channel: 1, AtS: int64(n)}
	return storage.Turn{Key: storage.Key{Channel: 1, Addr: addr, Seen: []storage.SeenKey{seen}}, ID: uint64(n), Seen: []storage.SeenKey{seen},
		Contact:    &storage.Contact{Wrapped: []byte("wrapped"), Profile: []byte("profile")},
		Identities: []storage.Identity{{Channel: 1, Addr: addr}},
		Conv:       &storage.Conversation{Status: 1, Owner: 1, Phase: 1, Epoch: 1, Channel: 1, Addr: addr},
		Messages: []storage.Message{{Seq: 1, Kind: 1, Dir: 1, Author: 1, Body: fmt.Appendf(nil, "canary %d", n)},
			{Seq: 2, Kind: 1, Dir: 2, Author: 2, Delivery: storage.DeliveryPending}},
		Outbox:    []storage.OutboxRow{{Seq: 2, Kind: storage.RowSend, Origin: storage.OriginBot, Epoch: 1, Channel: 1, DueAt: 1}},
		Intervals: []storage.Interval{{Epoch: 1, Owner: 1}},
		Timers:    []storage.Timer{{Name: "close", ID: int64(n), DueAt: 1}},
		Handoffs:  []storage.Handoff{{Queue: "orders", Cause: "flow", Packet: []byte("packet")}},
		Events:    []storage.Event{{Type: "message.created"}}, Audit: []storage.AuditEntry{{Actor: "a", Verb: "b"}},
		Receipts: []storage.Receipt{{Channel: 1, Hash: addr, Seq: 1}}, Lookups: []storage.Lookup{{Kind: 1, Hash: addr}},
		Records: []storage.Record{{Kind: storage.KindLink, ID: addr}},
	}
}

func applyOne(t testing.TB, s *Store, turn storage.Turn) storage.Outcome {
	t.Helper()
	out, err := s.Apply(context.Background(), []storage.Turn{turn})
	if err != nil {
		t.Fatal(err)
	}
	if out[0].Status != storage.Applied {
		t.Fatalf("status %d: %v", out[0].Status, out[0].Err)
	}
	return out[0]
}

// contents is every row of the store.
func contents(t testing.TB, s *Store) string {
	t.Helper()
	var b bytes.Buffer
	err := s.Walk(context.Background(), storage.WalkQuery{}, func(r storage.Row) error {
		_, err := fmt.Fprintln(&b, r.Table, r.Vals)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// failAt fails the n-th statement from when it is armed.
type failAt struct {
	armed atomic.Bool
	left  atomic.Int64
	err   error
	hit   atomic.Bool
}

func (f *failAt) point(name string) error {
	if name == "statement" && f.armed.Load() && f.left.Add(-1) == 0 {
		f.hit.Store(true)
		return f.err
	}
	return nil
}

// TestEveryStatementCanFail: whichever statement of whichever write the disk
// refuses, nothing of it stays, the error says degraded, and the next goes.
func TestEveryStatementCanFail(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	writes := map[string]func(s *Store) error{
		"apply": func(s *Store) error {
			_, err := s.Apply(ctx, []storage.Turn{opening(2), opening(3)})
			return err
		},
		"settle": func(s *Store) error {
			_, err := s.Settle(ctx, []storage.Settlement{{Do: "mark", Row: 1, Now: 1}, {Do: "sent", Row: 1, Now: 2, External: []byte("x"), Events: []storage.Event{{Type: "e"}}}})
			return err
		},
		"put": func(s *Store) error {
			return s.Put(ctx, []storage.Record{{Kind: 1, ID: []byte("a")}, {Kind: 1, ID: []byte("b")}}, []storage.AuditEntry{{Actor: "x"}})
		},
		"erase": func(s *Store) error {
			_, err := s.Erase(ctx, storage.Erasure{Contact: 1, Tag: []byte("tag")})
			return err
		},
	}
	empty := blank(t)
	for name, write := range writes {
		for _, cause := range []error{syscall.ENOSPC, syscall.EIO, syscall.EROFS} {
			t.Run(fmt.Sprint(name, "/", cause), func(t *testing.T) {
				t.Parallel()
				failEach(t, empty, cause, write)
			})
		}
	}
}

// failEach tries write again and again, failing one statement later each time,
// until none is left to fail.
func failEach(t *testing.T, empty []byte, cause error, write func(*Store) error) {
	ctx := context.Background()
	fault := &failAt{err: cause}
	s := openCopy(t, empty, Options{Failpoint: fault.point})
	applyOne(t, s, opening(1))
	before := contents(t, s)
	n, step := int64(1), int64(1)
	if cause != syscall.ENOSPC {
		step = 7 // the errors differ in their name only
	}
	for ; ; n += step {
		fault.hit.Store(false)
		fault.left.Store(n)
		fault.armed.Store(true)
		err := write(s)
		fault.armed.Store(false)
		if !fault.hit.Load() {
			if err != nil {
				t.Fatalf("after the disk is back: %v", err)
			}
			break
		}
		if !errors.Is(err, storage.ErrDegraded) {
			t.Fatalf("statement %d: %v", n, err)
		}
		if h, _ := s.Health(ctx); h.OK || h.Why == "" {
			t.Fatalf("statement %d: healthy with a broken disk: %+v", n, h)
		}
		if after := contents(t, s); after != before {
			t.Fatalf("statement %d: something stayed:\n%s\nwas\n%s", n, after, before)
		}
	}
	if n < 4 && step == 1 {
		t.Errorf("only %d statements were tried", n)
	}
	if h, _ := s.Health(ctx); !h.OK {
		t.Errorf("still degraded: %+v", h)
	}
	if contents(t, s) == before {
		t.Error("the write that was let through did nothing")
	}
}

// TestLostAnswer: the commit went through but its answer did not arrive.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	var cut atomic.Bool
	s := openStore(t, Options{Failpoint: func(name string) error {
		if name == "apply.after_commit" && cut.CompareAndSwap(true, false) {
			return syscall.EIO
		}
		return nil
	}})
	cut.Store(true)
	if _, err := s.Apply(context.Background(), []storage.Turn{opening(1)}); !errors.Is(err, storage.ErrDegraded) {
		t.Fatalf("error %v", err)
	}
	once := contents(t, s)
	applyOne(t, s, opening(1))
	if contents(t, s) != once {
		t.Error("the redo had a second effect")
	}
}

// TestDiskFull lets SQLite itself run out of pages.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	applyOne(t, s, opening(1))
	limit := func(pages int) {
		c := <-s.writer
		defer func() { s.writer <- c }()
		var n int
		if _, err := c.one(fmt.Sprintf("PRAGMA max_page_count = %d", pages), nil, &n); err != nil {
			t.Fatal(err)
		}
	}
	limit(1) // SQLite makes it the present size
	big := opening(2)
	big.Messages[0].Body = make([]byte, 1<<20)
	if _, err := s.Apply(context.Background(), []storage.Turn{opening(3), big}); !errors.Is(err, storage.ErrDegraded) {
		t.Fatalf("error %v", err)
	}
	if h, _ := s.Health(context.Background()); h.OK || h.Why != "disk full" {
		t.Errorf("health %+v", h)
	}
	limit(1 << 30)
	out, err := s.Apply(context.Background(), []storage.Turn{opening(3), big})
	if err != nil || out[0].Status != storage.Applied || out[1].Status != storage.Applied {
		t.Errorf("after space is back: %+v %v", out, err)
	}
	var ok string
	if err := s.walkDB.QueryRow("PRAGMA integrity_check").Scan(&ok); err != nil || ok != "ok" {
		t.Errorf("integrity %s %v", ok, err)
	}
}

func TestNamedFailpoints(t *testing.T) {
	t.Parallel()
	var names atomic.Pointer[map[string]bool]
	names.Store(&map[string]bool{})
	s := openStore(t, Options{Failpoint: func(name string) error {
		next := map[string]bool{name: true}
		for k := range *names.Load() {
			next[k] = true
		}
		names.Store(&next)
		return nil
	}})
	ctx := context.Background()
	applyOne(t, s, opening(1))
	if _, err := s.Settle(ctx, []storage.Settlement{{Do: "mark", Row: 1, Now: 1}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(ctx, nil, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Erase(ctx, storage.Erasure{Contact: 1, Tag: []byte("t")}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"statement", "apply.after_seen", "apply.before_commit", "apply.after_commit", "settle.before", "settle.before_commit",
		"settle.after_commit", "put.before_commit", "erase.before_commit"} {
		if !(*names.Load())[want] {
			t.Errorf("failpoint %s was not reached", want)
		}
	}
}

func TestRestart(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dir := tempDir(t)
	s := openStore(t, Options{Dir: dir})
	applyOne(t, s, opening(1))
	if _, _, err := s.Lease(ctx, storage.LeaseQuery{What: "outbox", Now: 10}); err != nil {
		t.Fatal(err)
	}
	if set, err := s.Settle(ctx, []storage.Settlement{{Do: "mark", Row: 1, Now: 10}}); err != nil || !set[0].OK {
		t.Fatal(set, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, Options{Dir: dir})
	work, _, err := s.Lease(ctx, storage.LeaseQuery{What: "outbox", Now: 11, Any: true})
	if err != nil || len(work) != 1 || work[0].Row.Attempt != 1 || work[0].Row.Status != storage.RowSending {
		t.Fatalf("rows of an older boot: %+v %v", work, err)
	}
	twin := opening(1)
	twin.ID = 99
	out, err := s.Apply(ctx, []storage.Turn{twin, opening(2)})
	if err != nil || out[0].Status != storage.Duplicate || out[1].Cursor != 2 {
		t.Errorf("after a restart: %+v %v", out, err)
	}
}

// TestIDsAreNotUsedAgain: an emptied table does not start at 1 (ruling 2).
func TestIDsAreNotUsedAgain(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	first := applyOne(t, s, opening(1))
	if _, err := s.Erase(context.Background(), storage.Erasure{Contact: first.Contact, Tag: []byte("t")}); err != nil {
		t.Fatal(err)
	}
	second := applyOne(t, s, opening(2))
	if second.Contact == first.Contact || second.Conversation == first.Conversation || second.Cursor == first.Cursor {
		t.Errorf("ids of an erased person came back: %+v", second)
	}
}

// TestErasedTextIsGone greps the raw files.
func TestErasedTextIsGone(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := openStore(t, Options{})
	marker := []byte("canary-erase-me-7741")
	for n := range 20 {
		turn := opening(n + 1)
		if n%2 == 0 {
			for i := range 40 {
				turn.Messages = append(turn.Messages, storage.Message{Seq: int64(i + 3), Kind: 1, Dir: 1, Author: 1, Body: append(bytes.Repeat([]byte{'x'}, i*40), marker...)})
			}
		}
		applyOne(t, s, turn)
	}
	grep := func() (n int) {
		for _, name := range []string{s.path, s.path + "-wal"} {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			n += bytes.Count(b, marker)
		}
		return n
	}
	if grep() == 0 {
		t.Fatal("the marker is not found while the person is there: the test looks in the wrong place")
	}
	for n := 0; n < 20; n += 2 {
		if _, err := s.Erase(ctx, storage.Erasure{Contact: int64(n + 1), Tag: []byte{byte(n)}}); err != nil {
			t.Fatal(err)
		}
	}
	if n := grep(); n != 0 {
		t.Errorf("found %d times after the erasure", n)
	}
}

func TestAuditChain(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	key := []byte("audit key")
	s := openStore(t, Options{AuditKey: key})
	for n := range 30 {
		applyOne(t, s, opening(n+1))
	}
	if err := s.chain(ctx); err != nil {
		t.Fatal(err)
	}
	read := func() (rows []storage.AuditEntry) {
		page, err := s.Trail(ctx, storage.TrailQuery{})
		if err != nil {
			t.Fatal(err)
		}
		for i := len(page.Items) - 1; i >= 0; i-- {
			rows = append(rows, page.Items[i])
		}
		return rows
	}
	rows := read()
	if len(rows) != 30 || rows[0].ChainNo != 1 {
		t.Fatalf("%d rows, first chain number %d", len(rows), rows[0].ChainNo)
	}
	if err := storage.VerifyChain(key, nil, rows); err != nil {
		t.Errorf("untouched: %v", err)
	}
	for col, value := range map[string]string{"actor": "'mallory'", "verb": "'x'", "object": "'x'", "at": "5", "detail": "x'00'"} {
		if _, err := s.checkDB.Exec("UPDATE audit SET " + col + " = " + value + " WHERE chain_no = 7"); err != nil {
			t.Fatal(err)
		}
		if storage.VerifyChain(key, nil, read()) == nil {
			t.Errorf("a changed %s is not found", col)
		}
	}
	if _, err := s.checkDB.Exec("DELETE FROM audit WHERE chain_no = 7"); err != nil {
		t.Fatal(err)
	}
	if storage.VerifyChain(key, nil, read()) == nil {
		t.Error("a missing row is not found")
	}
}

// TestLogStaysShort: the checkpointer empties the log beside a busy writer, and
// a reader that stays does not stop it for good.
func TestLogStaysShort(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, err := openIdle(ctx, Options{Dir: tempDir(t), CheckpointBytes: 512 << 10}) // the test is the checkpointer
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for n := 1; s.walBytes() < 2*s.opt.CheckpointBytes; n++ {
		applyOne(t, s, opening(n))
	}
	now := s.opt.Now()
	if !s.checkpointDue(now) {
		t.Error("a long log is not due")
	}
	reader, err := s.walkDB.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := reader.QueryRow("SELECT count(*) FROM contacts").Scan(&n); err != nil {
		t.Fatal(err)
	}
	applyOne(t, s, opening(5000))
	if blocked, err := s.shorten(ctx); err != nil || !blocked {
		t.Errorf("a reader on the log: blocked %v, %v", blocked, err)
	}
	applyOne(t, s, opening(5001)) // the writer does not suffer
	if err := reader.Rollback(); err != nil {
		t.Fatal(err)
	}
	if blocked, err := s.shorten(ctx); err != nil || blocked || s.pendingBytes() != 0 {
		t.Errorf("blocked %v, %d bytes left, %v", blocked, s.pendingBytes(), err)
	}
	applyOne(t, s, opening(5002))
	for n := range 300 { // about ten times as much as the log may hold
		applyOne(t, s, opening(6000+n))
		if !s.checkpointDue(now) {
			continue
		}
		if _, err := s.shorten(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if long := s.walBytes(); long > 3*s.opt.CheckpointBytes {
		t.Errorf("the log grew to %d bytes beside a busy writer", long)
	}
	if _, err := s.shorten(ctx); err != nil {
		t.Fatal(err)
	}
	applyOne(t, s, opening(9001))
	if s.checkpointDue(s.opt.Now()) || !s.checkpointDue(s.opt.Now().Add(2*idleBefore)) {
		t.Error("a short log is due while it is written, or not due when it is quiet")
	}
}

// TestOddPath: the folder's name goes into the driver's address.
func TestOddPath(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"with space ü", "per%20cent?is=this#sh"} {
		dir := filepath.Join(tempDir(t), name)
		s := openStore(t, Options{Dir: dir})
		applyOne(t, s, opening(1))
		if info, err := os.Stat(filepath.Join(dir, File)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
