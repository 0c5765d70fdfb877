package proof

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"dispatcher/internal/proof/ledger"
	"dispatcher/storage"
	"dispatcher/storage/sqlite"
)

// storeChild names the folder in whose database a child writes; a test binary
// that finds it set does nothing else.
const storeChild = "PROOF_STORE_CHILD"

const (
	storeLanes = 12 // conversations that a child writes to at the same time
	storeBatch = 8  // turns that may share a commit
)

// TestPromise_P1_StoreKill: a turn that Apply has answered is there, once and
// in order, however often the process is killed inside the store.
func TestPromise_P1_StoreKill(t *testing.T) {
	s := scale(t)
	t.Parallel()
	start := time.Now()
	dir := filepath.Join(t.TempDir(), "data")
	rng := rand.New(rand.NewPCG(uint64(start.UnixNano()), 7))
	kills := of(s, 200, 2000, 2000)
	acked := map[int]int64{} // by lane: the last turn that was answered
	answers := 0
	for range kills {
		answers += storeLife(t, dir, time.Duration(rng.IntN(30_000))*time.Microsecond, acked)
		if t.Failed() {
			return
		}
	}
	bad, turns := storeFindings(t, dir, acked)
	for _, b := range bad {
		t.Error(b)
	}
	report(t, "P1_StoreKill: %d kills inside the store, %d turns answered, %d stored: %d findings; integrity ok; %.0f s",
		kills, answers, turns, len(bad), time.Since(start).Seconds())
	for lane := range acked {
		acked[lane]++ // as if it had been answered before it was written
	}
	if bad, _ := storeFindings(t, dir, acked); len(bad) == 0 {
		t.Error("an answer without its turn was not noticed")
	}
}

// storeLife is one child: started, killed so long after its first answer.
func storeLife(t *testing.T, dir string, after time.Duration, acked map[int]int64) (answers int) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), storeChild+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); answers++ {
		if answers == 0 {
			time.AfterFunc(after, func() { _ = child.Process.Kill() })
		}
		var lane int
		var seq int64
		if n, err := fmt.Sscanf(lines.Text(), "%d %d.", &lane, &seq); n == 2 && err == nil {
			acked[lane] = max(acked[lane], seq)
		}
	}
	_ = child.Wait() // it was killed
	if answers == 0 {
		t.Error("a child ended without an answer")
	}
	return answers
}

// storeFindings opens what is left and looks for what should not be.
func storeFindings(t *testing.T, dir string, acked map[int]int64) (bad []string, turns int64) {
	t.Helper()
	if said, err := ledger.Integrity(dir); said != "ok" || err != nil {
		bad = append(bad, fmt.Sprintf("integrity: %s %v", said, err))
	}
	db, err := sqlite.Open(t.Context(), sqlite.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for lane, last := range acked {
		snaps, err := db.Load(t.Context(), []storage.Key{{Channel: 1, Addr: laneAddr(lane)}})
		if err != nil {
			t.Fatal(err)
		}
		conv := snaps[0].Conv
		turns += conv.Version
		if conv.Version < last {
			bad = append(bad, fmt.Sprintf("lane %d: turn %d was answered, %d is the last", lane, last, conv.Version))
		}
		thread := wholeThread(t, db, conv.ID)
		if int64(len(thread)) != conv.LastSeq || conv.LastSeq != 2*conv.Version {
			bad = append(bad, fmt.Sprintf("lane %d: %d turns, %d messages, the last is %d", lane, conv.Version, len(thread), conv.LastSeq))
		}
		for i, m := range thread {
			if m.Seq != int64(i)+1 || binary.BigEndian.Uint64(m.Body) != uint64((m.Seq+1)/2) {
				bad = append(bad, fmt.Sprintf("lane %d: message %d is out of its place", lane, m.Seq))
				break
			}
		}
	}
	return bad, turns
}

func wholeThread(t *testing.T, db *sqlite.Store, conv int64) (thread []storage.Message) {
	t.Helper()
	for after := int64(0); ; after = thread[len(thread)-1].Seq {
		page, err := db.Thread(t.Context(), storage.ThreadQuery{Conversation: conv, After: after, N: 500})
		if err != nil {
			t.Fatal(err)
		}
		if thread = append(thread, page.Items...); len(page.Items) == 0 || len(thread) == 0 {
			return thread
		}
	}
}

// writeUntilKilled is the child: every lane writes one turn after the other,
// offers each a second time in one of eight, and says what was answered.
func writeUntilKilled(dir string, out io.Writer) error {
	ctx := context.Background()
	db, err := sqlite.Open(ctx, sqlite.Options{Dir: dir})
	if err != nil {
		return err
	}
	next := make([]storage.Turn, storeLanes)
	for lane := range next {
		snaps, err := db.Load(ctx, []storage.Key{{Channel: 1, Addr: laneAddr(lane)}})
		if err != nil {
			return err
		}
		next[lane] = laneTurn(lane, snaps[0].Conv)
	}
	var say sync.Mutex
	group := func(lanes []int) error {
		for {
			turns := make([]storage.Turn, len(lanes))
			for i, lane := range lanes {
				turns[i] = next[lane]
			}
			outs, err := db.Apply(ctx, turns)
			if err != nil {
				return err
			}
			for i, lane := range lanes {
				if outs[i].Status != storage.Applied {
					return fmt.Errorf("lane %d: turn %d has status %d: %w", lane, turns[i].Expect+1, outs[i].Status, outs[i].Err)
				}
				say.Lock()
				_, err = fmt.Fprintf(out, "%d %d.\n", lane, outs[i].Version)
				say.Unlock()
				if err != nil {
					return err
				}
				if rand.IntN(8) != 0 { // else once more: the answer was lost
					next[lane] = laneTurn(lane, storage.Conversation{ID: outs[i].Conversation, Version: outs[i].Version, LastSeq: 2 * outs[i].Version})
				}
			}
		}
	}
	failed := make(chan error, 2)
	lanes := rand.Perm(storeLanes)
	go func() { failed <- group(lanes[:storeBatch]) }()
	go func() { failed <- group(lanes[storeBatch:]) }()
	return <-failed
}

// laneTurn is the turn that follows conv: one message in, one out, both with
// the turn's number.
func laneTurn(lane int, conv storage.Conversation) storage.Turn {
	n := conv.Version + 1
	body := binary.BigEndian.AppendUint64(nil, uint64(n))
	at := time.Now().UnixMilli()
	t := storage.Turn{
		Key: storage.Key{Channel: 1, Addr: laneAddr(lane)}, Expect: conv.Version, ID: uint64(lane)<<32 + uint64(n),
		Conv: &storage.Conversation{ID: conv.ID, Channel: 1, Addr: laneAddr(lane), Status: storage.Open, Owner: storage.OwnerBot, Epoch: 1, HandledSeq: conv.LastSeq + 1},
		Messages: []storage.Message{
			{Seq: conv.LastSeq + 1, Kind: storage.MsgText, Dir: storage.DirIn, Author: storage.AuthorCustomer, At: at, Body: body},
			{Seq: conv.LastSeq + 2, Kind: storage.MsgText, Dir: storage.DirOut, Author: storage.AuthorBot, At: at, Body: body, Delivery: storage.DeliveryPending},
		},
		Outbox: []storage.OutboxRow{{Seq: conv.LastSeq + 2, Kind: storage.RowSend, Channel: 1, Origin: storage.OriginBot, Epoch: 1, DueAt: at, Request: body}},
		Events: []storage.Event{{Type: "message.created", Seq: conv.LastSeq + 1}},
	}
	key := sha256.Sum256(fmt.Appendf(nil, "%d %d", lane, n))
	t.Seen = []storage.SeenKey{{Channel: 1, AtS: n, Key: [12]byte(key[:12])}}
	if conv.ID == 0 {
		t.Contact = &storage.Contact{Wrapped: []byte("key"), KeyID: 1}
		t.Identities = []storage.Identity{{Channel: 1, Addr: laneAddr(lane), LastInAt: at}}
	}
	return t
}

func laneAddr(lane int) []byte { return fmt.Appendf(nil, "store-kill-%05d", lane) }
