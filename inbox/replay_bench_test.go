package inbox

import (
	"flag"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/flows"
	"dispatcher/storage/sqlite"
	"dispatcher/vault"
)

// replayTalks is how many conversations the benchmark stores; the figure of
// the documents is that of 10000.
var replayTalks = flag.Int("replay.talks", 300, "conversations of BenchmarkReplay")

// BenchmarkReplay runs stored conversations through an edit, and says how many
// there are in a second and how many of the engine's own steps a turn costs.
func BenchmarkReplay(b *testing.B) {
	s, live := benchService(b)
	storeTalks(b, s, *replayTalks)
	files := &flows.Files{Name: "shop", Data: map[string][]byte{"dispatcher.yaml": []byte(shopProject), "flows/welcome.yaml": []byte(shopFlow + "\n# edited\n")}}
	edit := compileFiles(files)
	if !edit.OK() || edit.SetID == live.SetID {
		b.Fatal("no edit")
	}
	var out *Replay
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if out, err = s.Replay(b.Context(), edit, ReplayQuery{}); err != nil {
			b.Fatal(err)
		}
	}
	if out.Same != *replayTalks || len(out.Part)+len(out.Skip) > 0 {
		b.Fatalf("%d of %d are as before; part %v, skipped %v", out.Same, *replayTalks, out.Part, out.Skip)
	}
	each := b.Elapsed() / time.Duration(b.N)
	b.ReportMetric(float64(*replayTalks)/each.Seconds(), "talks/s")
	b.ReportMetric(float64(each.Nanoseconds())/float64(out.Turns)/float64(stepCost(edit.Set).Nanoseconds()), "steps/turn")
}

// stepCost is what the engine alone takes for a turn of such a talk.
func stepCost(set *engine.Set) time.Duration {
	const rounds = 2000
	now := time.Unix(1_800_000_000, 0)
	start := time.Now()
	for range rounds {
		st := engine.NewState(set)
		for i, words := range []string{"hello", "My order", "AB-123456"} {
			st = engine.Step(engine.Sets{Live: set}, st, engine.Event{Kind: engine.EvMessage, Seq: int64(i), Text: words, Opening: i == 0, World: engine.World{Now: now}}).State
		}
	}
	return time.Since(start) / (3 * rounds)
}

func benchService(b *testing.B) (*Service, *flows.Project) {
	b.Helper()
	keys, err := vault.ParseKeys(vault.GenerateKey())
	if err != nil {
		b.Fatal(err)
	}
	v, _, err := vault.New(keys)
	if err != nil {
		b.Fatal(err)
	}
	db, err := sqlite.Open(b.Context(), sqlite.Options{Dir: filepath.Join(b.TempDir(), "data"), Durability: sqlite.Normal})
	if err != nil {
		b.Fatal(err)
	}
	adapter := &fakeAdapter{url: "http://127.0.0.1:1", common: channels.Common{Insecure: true, BurstSet: true}, caps: channels.Caps{Kind: "fake", Send: channels.Idempotent, Pull: true}}
	s, err := New(Config{Vault: v, Store: db, Loopback: true, AcceptWithin: time.Minute, Openers: map[string]channels.Opener{
		"fake": func(string, channels.ConfigNode, channels.Env) (channels.Adapter, []channels.Diagnostic) {
			return adapter, nil
		}}})
	if err != nil {
		b.Fatal(err)
	}
	live := compileFiles(&flows.Files{Name: "shop", Data: map[string][]byte{"dispatcher.yaml": []byte(shopProject), "flows/welcome.yaml": []byte(shopFlow)}})
	if err := s.SetLive(b.Context(), live); err != nil {
		b.Fatal(err)
	}
	if err := s.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = s.Stop(b.Context())
		_ = db.Close()
	})
	return s, live
}

// storeTalks lets n people talk, some at a time.
func storeTalks(b *testing.B, s *Service, n int) {
	b.Helper()
	var wg sync.WaitGroup
	people := make(chan int)
	for range 32 {
		wg.Go(func() {
			for i := range people {
				who := fmt.Sprintf("p-%d", i)
				for _, words := range []string{"hello", "My order", fmt.Sprintf("AB-%06d", i)} {
					if _, err := s.Accept(b.Context(), "fake", []dm.Inbound{text(who, words)}); err != nil {
						b.Error(err)
					}
				}
			}
		})
	}
	for i := range n {
		people <- i
	}
	close(people)
	wg.Wait()
}
