package sqlite

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"syscall"
	"testing"

	"dispatcher/storage"
)

// BenchmarkBatch applies batches of 64 turns, each of another conversation and
// with the rows that inbox writes for one inbound message and two answers. It
// reports the processor time of the process per turn, sync and all.
func BenchmarkBatch(b *testing.B) {
	const width = 64
	s := openStore(b, Options{})
	convs := make([]storage.Conversation, 160*width)
	for i := 0; i < len(convs); i += width {
		turns := make([]storage.Turn, width)
		for k := range turns {
			turns[k] = opening(i + k + 1)
		}
		for k, out := range benchApply(b, s, turns) {
			convs[i+k] = storage.Conversation{ID: out.Conversation, Contact: out.Contact, UID: out.UID, Version: 1, LastSeq: 2}
		}
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(convs), func(i, k int) { convs[i], convs[k] = convs[k], convs[i] })
	turns := make([]storage.Turn, width)
	before := processorTime(b)
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += width {
		at := convs[n%len(convs):][:width]
		for k := range turns {
			turns[k] = middle(&at[k])
		}
		benchApply(b, s, turns)
		for k := range at {
			at[k].Version++
			at[k].LastSeq += 3
		}
	}
	b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/turn")
}

func benchApply(b *testing.B, s *Store, turns []storage.Turn) []storage.Outcome {
	out, err := s.Apply(context.Background(), turns)
	if err != nil {
		b.Fatal(err)
	}
	for i := range out {
		if out[i].Status != storage.Applied {
			b.Fatalf("turn %d: status %d: %v", i, out[i].Status, out[i].Err)
		}
	}
	return out
}

// middle is one turn in the middle of a conversation, as inbox writes it.
func middle(c *storage.Conversation) storage.Turn {
	now := int64(1_795_179_370_052) + c.Version*1000
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(c.ID)), uint64(c.Version)))
	revision, sealed := sum[:16], make([]byte, 400)
	conv := *c
	conv.Channel, conv.Addr, conv.Status, conv.Owner, conv.Phase, conv.Epoch = 1, sum[:16], storage.Open, storage.OwnerBot, storage.PhaseBot, 1
	conv.HandledSeq, conv.Priority, conv.Revision, conv.Position, conv.State, conv.Card = c.LastSeq+1, 1, revision, "loop.start", sealed[:220], sealed[:160]
	conv.OpenedAt, conv.UpdatedAt, conv.Unread, conv.LastAuthor = now, now, 4, storage.AuthorBot
	seen := make([]storage.SeenKey, 3)
	for i := range seen {
		seen[i] = storage.SeenKey{Channel: 1, AtS: now / 1000}
		copy(seen[i].Key[:], sum[4*i:])
	}
	t := storage.Turn{Key: storage.Key{ID: c.ID}, Expect: c.Version, ID: binary.BigEndian.Uint64(sum[8:]), Seen: seen, Conv: &conv,
		Timers:   []storage.Timer{{Name: "idle", ID: int64(binary.BigEndian.Uint64(sum[16:]) >> 1), DueAt: now + 86_400_000}},
		Receipts: []storage.Receipt{{Channel: 1, Hash: sum[16:], Conversation: c.ID, Seq: c.LastSeq + 1, At: now}},
		Messages: []storage.Message{{Seq: c.LastSeq + 1, Kind: storage.MsgText, Dir: storage.DirIn, Author: storage.AuthorCustomer, At: now, PlatformAt: now,
			Body: sealed[:120], Trace: sealed[:330], External: sum[16:]}},
	}
	topics := []string{"all", "conversation:01a1f907-5635-7934-9c8e-23e9c515e7d2"}
	for i := range int64(3) {
		t.Events = append(t.Events, storage.Event{At: now, Conversation: c.ID, UID: c.UID, Seq: c.LastSeq + 1 + i, Type: "message.created", Topics: topics})
		if i == 0 {
			continue
		}
		t.Messages = append(t.Messages, storage.Message{Seq: c.LastSeq + 1 + i, Kind: storage.MsgText, Dir: storage.DirOut, Author: storage.AuthorBot, At: now,
			Body: sealed[:130], CauseSeq: c.LastSeq + 1, Revision: revision, Rule: "loop.start:" + strconv.Itoa(int(i)), Delivery: storage.DeliveryPending})
		t.Outbox = append(t.Outbox, storage.OutboxRow{UID: storage.UID(sum[i:]), Conversation: c.ID, Seq: c.LastSeq + 1 + i, Kind: storage.RowSend, Channel: 1,
			Origin: storage.OriginBot, Epoch: 1, Status: storage.RowPending, DueAt: now, ExpiresAt: now + 3_600_000, Priority: 2, Request: sealed[:280]})
	}
	return t
}

// processorTime is what this process has used so far, in nanoseconds.
func processorTime(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
