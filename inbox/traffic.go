package inbox

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"dispatcher/engine"
	"dispatcher/storage"
)

// Traffic says how often conversations took each edge. Nothing of it is about
// one person: no ids, no words, no times.
type Traffic struct {
	Since         time.Time
	Conversations int           // that were counted
	More          bool          // there were more, older ones, than are counted
	Edges         []EdgeTraffic // by state, edge and line
}

// EdgeTraffic is one edge of one state, where it stood when it was taken.
type EdgeTraffic struct {
	State string // flow.state
	Edge  string // language.md 2.22
	Line  int
	N     int
}

// mostTraffic bounds how many conversations are counted, the newest first: 10,000
// are read in a few seconds.
const mostTraffic = 20_000

// Traffic counts the edges that turns since then have taken, from the stored
// traces. Conversations whose person was erased have none.
func (s *Service) Traffic(ctx context.Context, since time.Time) (*Traffic, error) {
	out := &Traffic{Since: since.UTC()}
	counts := map[EdgeTraffic]int{}
	from := since.UnixMilli()
	for cursor := ""; ; {
		page, err := s.store.List(ctx, storage.ListQuery{View: "all", Order: "newest", Cursor: cursor, N: replayPage})
		if err != nil {
			return nil, fmt.Errorf("inbox: traffic: %w", err)
		}
		for _, row := range page.Items {
			if row.Conv.UpdatedAt < from {
				page.Next = ""
				break
			}
			if out.Conversations == mostTraffic {
				out.More, page.Next = true, ""
				break
			}
			if err := s.countEdges(ctx, row, from, counts); err != nil {
				return nil, err
			}
			out.Conversations++
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	for e, n := range counts {
		e.N = n
		out.Edges = append(out.Edges, e)
	}
	slices.SortFunc(out.Edges, func(a, b EdgeTraffic) int {
		if d := strings.Compare(a.State+" "+a.Edge, b.State+" "+b.Edge); d != 0 {
			return d
		}
		return a.Line - b.Line
	})
	return out, nil
}

// countEdges adds the edges of one conversation.
func (s *Service) countEdges(ctx context.Context, row storage.Summary, from int64, counts map[EdgeTraffic]int) error {
	keys, err := NewReader(s.vault, row.Contact)
	if err != nil {
		return nil //nolint:nilerr // erased: nothing of it may be read
	}
	for after := int64(0); ; {
		page, err := s.store.Thread(ctx, storage.ThreadQuery{Conversation: row.Conv.ID, After: after, N: threadRows})
		if err != nil {
			return fmt.Errorf("inbox: traffic: %w", err)
		}
		for _, m := range page.Items {
			after = m.Seq
			if m.At < from || len(m.Trace) == 0 {
				continue
			}
			var trace struct{ Steps []engine.TraceStep }
			raw, err := keys.Trace(row.Conv.UID, m)
			if err != nil || json.Unmarshal(raw, &trace) != nil {
				continue // one that cannot be read counts nothing
			}
			for _, step := range trace.Steps {
				if step.What == "edge" {
					counts[EdgeTraffic{State: step.State, Edge: step.Edge, Line: lineAt(step.At)}]++
				}
			}
		}
		if page.Next == "" || len(page.Items) == 0 {
			return nil
		}
	}
}

// lineAt is the line of file:line, 0 where there is none.
func lineAt(at string) int {
	n, _ := strconv.Atoi(at[strings.LastIndexByte(at, ':')+1:])
	return n
}
