package sqlite

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"dispatcher/storage"
)

// BenchmarkApply compares group commit with one transaction per turn for 1,
// 16 and 64 waiters: turns/s, and for the grouped run the ratio of the two.
func BenchmarkApply(b *testing.B) {
	for _, waiters := range []int{1, 16, 64} {
		alone := 0.0
		for _, grouped := range []bool{false, true} {
			name := fmt.Sprintf("waiters=%d/alone", waiters)
			if grouped {
				name = fmt.Sprintf("waiters=%d/grouped", waiters)
			}
			b.Run(name, func(b *testing.B) {
				rate := applyRate(b, waiters, grouped)
				b.ReportMetric(rate, "turns/s")
				b.ReportMetric(0, "ns/op")
				if grouped && alone > 0 {
					b.ReportMetric(rate/alone, "x-alone")
				} else if !grouped {
					alone = rate
				}
			})
		}
	}
}

// waiting is one turn and where its waiter hears of it.
type waiting struct {
	turn storage.Turn
	done chan storage.Outcome
}

// applyRate has each waiter write turns of its own conversation, about 900
// bytes each, as fast as they are acknowledged.
func applyRate(b *testing.B, waiters int, grouped bool) float64 {
	s := openStore(b, Options{})
	apply := func(turns []storage.Turn) []storage.Outcome {
		out, err := s.Apply(context.Background(), turns)
		if err != nil {
			b.Error(err)
			return make([]storage.Outcome, len(turns))
		}
		return out
	}
	queue := make(chan waiting, 1024)
	var batcher, writers sync.WaitGroup
	if grouped {
		batcher.Go(func() { group(queue, apply) })
	}
	one := func(t storage.Turn) storage.Outcome {
		if !grouped {
			return apply([]storage.Turn{t})[0]
		}
		w := waiting{t, make(chan storage.Outcome, 1)}
		queue <- w
		return <-w.done
	}
	convs := make([]storage.Conversation, waiters)
	for i := range convs {
		out := one(opening(i + 1))
		convs[i] = storage.Conversation{ID: out.Conversation, Version: 1, LastSeq: 2, Status: 1, Owner: 1, Epoch: 1, Channel: 1}
	}
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	for i := range convs {
		writers.Go(func() {
			for left.Add(-1) >= 0 {
				if out := one(benchTurn(&convs[i], int64(i))); out.Status != storage.Applied {
					b.Errorf("status %d: %v", out.Status, out.Err)
					return
				}
				convs[i].Version++
				convs[i].LastSeq += 3
			}
		})
	}
	writers.Wait()
	b.StopTimer()
	close(queue)
	batcher.Wait()
	return float64(b.N) / b.Elapsed().Seconds()
}

// group is the batcher of runtime.md 1.2: it drains what waits, without waiting.
func group(queue chan waiting, apply func([]storage.Turn) []storage.Outcome) {
	for first := range queue {
		batch := []waiting{first}
		for len(batch) < 256 && len(queue) > 0 {
			batch = append(batch, <-queue)
		}
		turns := make([]storage.Turn, len(batch))
		for i := range batch {
			turns[i] = batch[i].turn
		}
		for i, out := range apply(turns) {
			batch[i].done <- out
		}
	}
}

// benchTurn is one inbound message with two answers, as in runtime.md's figures.
func benchTurn(c *storage.Conversation, lane int64) storage.Turn {
	conv := *c
	conv.State = make([]byte, 300)
	key := storage.SeenKey{Channel: 1, AtS: 1_000_000 + c.Version}
	key.Key[0], key.Key[1] = byte(lane), byte(lane>>8)
	body := make([]byte, 120)
	out := storage.Message{Kind: 1, Dir: 2, Author: 2, Body: body, Delivery: storage.DeliveryPending}
	one, two := out, out
	one.Seq, two.Seq = c.LastSeq+2, c.LastSeq+3
	row := storage.OutboxRow{Kind: storage.RowSend, Origin: storage.OriginBot, Epoch: 1, Channel: 1, Request: body}
	return storage.Turn{Key: storage.Key{ID: c.ID}, Expect: c.Version, Conv: &conv, Seen: []storage.SeenKey{key},
		Messages: []storage.Message{{Seq: c.LastSeq + 1, Kind: 1, Dir: 1, Author: 1, Body: body}, one, two}, Outbox: []storage.OutboxRow{row, row}}
}
