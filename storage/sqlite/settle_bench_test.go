package sqlite

import (
	"context"
	"testing"

	"dispatcher/storage"
)

// BenchmarkSettle sends rows in batches of 64: each is marked and then sent,
// with the receipt and the event that a sender writes. It reports the
// processor time of both per row.
func BenchmarkSettle(b *testing.B) {
	const width = 64
	ctx := context.Background()
	s := openStore(b, Options{})
	for i := 0; i < b.N; i += width {
		turns := make([]storage.Turn, width)
		for k := range turns {
			turns[k] = opening(i + k + 1)
		}
		benchApply(b, s, turns)
	}
	before := processorTime(b)
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += width {
		marks, sent := make([]storage.Settlement, width), make([]storage.Settlement, width)
		for k := range marks {
			row := int64(i + k + 1)
			marks[k] = storage.Settlement{Do: "mark", Row: row, Now: 1, Switches: []string{"global", "channel:hook"}}
			sent[k] = storage.Settlement{Do: "sent", Row: row, Now: 2, External: []byte("0123456789abcdef"), Events: []storage.Event{{Type: "message.changed", Seq: 2}},
				Receipts: []storage.Receipt{{Channel: 1, Hash: append([]byte("0123456789ab"), byte(row), byte(row>>8), byte(row>>16)), At: 2}}}
		}
		for _, list := range [][]storage.Settlement{marks, sent} {
			out, err := s.Settle(ctx, list)
			if err != nil || !out[0].OK || !out[width-1].OK {
				b.Fatal(out, err)
			}
		}
	}
	b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/row")
}

// BenchmarkLoad reads what a turn is decided on.
func BenchmarkLoad(b *testing.B) {
	ctx := context.Background()
	s := openStore(b, Options{})
	turns := make([]storage.Turn, 256)
	for k := range turns {
		turns[k] = opening(k + 1)
	}
	benchApply(b, s, turns)
	before := processorTime(b)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if snaps, err := s.Load(ctx, []storage.Key{turns[i%len(turns)].Key}); err != nil || snaps[0].Conv.ID == 0 {
			b.Fatal(snaps, err)
		}
	}
	b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/load")
}
