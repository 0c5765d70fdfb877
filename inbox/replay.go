package inbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"dispatcher/flows"
	"dispatcher/storage"
)

// ReplayQuery says which stored conversations are run through an edited set.
type ReplayQuery struct {
	Since  time.Time     // only those in which something happened since
	Limit  int           // the newest so many; 0 = all
	Cursor string        // of the page before; "" = begin
	Within time.Duration // begin no further page after so long; 0 = go on to the end
}

// Replay is what an edited set would have done with stored conversations. It
// is what `replay --format json` prints and what the route answers.
type Replay struct {
	Version int       `json:"version"`
	Set     string    `json:"set"`
	Since   time.Time `json:"since"`

	Total  int            `json:"total"` // conversations that the query names; while Next is set, the most there can be
	Done   int            `json:"done"`  // of them, looked at
	Same   int            `json:"same"`
	Differ int            `json:"differ"`
	Kinds  map[string]int `json:"kinds"`   // of Differ, by kind
	Part   map[string]int `json:"part"`    // of Same and Differ: could be followed only in part, by why
	Skip   map[string]int `json:"skipped"` // the rest of Done, by why
	Turns  int            `json:"turns"`

	Differences []Difference `json:"differences"` // in the order of their conversations, newest first

	Newest time.Time `json:"newest,omitzero"`       // where none is named: when something happened last in any
	Next   string    `json:"next_cursor,omitempty"` // Cursor of the rest; "" = this was all
}

// NewReplay is one of nothing, for pages to be added to.
func NewReplay(set string, since time.Time) *Replay {
	return &Replay{Version: 1, Set: set, Since: since.UTC(), Kinds: map[string]int{}, Part: map[string]int{}, Skip: map[string]int{}, Differences: []Difference{}}
}

// Add counts a page of the same query in.
func (r *Replay) Add(page *Replay) {
	r.Done, r.Same, r.Differ, r.Turns = r.Done+page.Done, r.Same+page.Same, r.Differ+page.Differ, r.Turns+page.Turns
	r.Total = page.Total
	for _, sums := range []struct{ into, from map[string]int }{{r.Kinds, page.Kinds}, {r.Part, page.Part}, {r.Skip, page.Skip}} {
		for name, n := range sums.from {
			sums.into[name] += n
		}
	}
	r.Differences = append(r.Differences, page.Differences...)
	r.Newest, r.Next = page.Newest, page.Next
}

// Difference is the first thing in a conversation that differs. It holds
// nothing that a person has said.
type Difference struct {
	Conversation string    `json:"conversation"`
	Turn         int       `json:"turn"` // as explain counts them
	Seq          int64     `json:"seq,omitempty"`
	At           time.Time `json:"at"`
	Kind         string    `json:"kind"`            // one of DiffKinds
	Place        string    `json:"place,omitempty"` // file:line of the edited set that decides it
	Then         string    `json:"then"`
	Now          string    `json:"now"`
}

// DifferenceGroup is differences of one cause: of one kind, decided by one line.
type DifferenceGroup struct {
	Kind, Place string
	First       Difference
	All         []Difference
}

// Groups sorts differences by their cause, by kind and then the most frequent
// first.
func (r *Replay) Groups() []DifferenceGroup {
	index := map[[2]string]int{}
	var out []DifferenceGroup
	for _, d := range r.Differences {
		key := [2]string{d.Kind, d.Place}
		i, ok := index[key]
		if !ok {
			i = len(out)
			index[key], out = i, append(out, DifferenceGroup{Kind: d.Kind, Place: d.Place, First: d})
		}
		out[i].All = append(out[i].All, d)
	}
	kinds := DiffKinds()
	slices.SortStableFunc(out, func(a, b DifferenceGroup) int {
		return cmp.Or(slices.Index(kinds, a.Kind)-slices.Index(kinds, b.Kind), len(b.All)-len(a.All), strings.Compare(a.Place, b.Place))
	})
	return out
}

// ReadSince reads how far back a query goes: 90m, 24h, 7d, 2w, or a day or a
// moment of ISO 8601.
func ReadSince(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return at, nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	for unit, long := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		number, ok := strings.CutSuffix(text, unit)
		if n, err := strconv.ParseUint(number, 10, 16); ok && err == nil && n > 0 {
			return now.Add(-time.Duration(n) * long), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no length of time and no date; write 90m, 24h, 7d or 2026-11-19", text)
}

// replayPage is how many conversations are listed at once: the most that a
// store gives, since it looks at all of them for every page.
const replayPage = 1000

// Replay runs stored conversations through a set that need not be live, beside
// the set that ran then, and says where they part. Nothing is written, sent or
// asked. A conversation that people write in meanwhile is read as it stands.
func (s *Service) Replay(ctx context.Context, to *flows.Project, q ReplayQuery) (*Replay, error) {
	out := NewReplay(to.SetID, q.Since)
	channels, err := s.channelNames(ctx)
	if err != nil {
		return nil, err
	}
	begun, at := s.now(), readReplayCursor(q.Cursor)
	for {
		n := replayPage
		if q.Limit > 0 {
			n = min(n, q.Limit-at.done)
		}
		page, more, err := s.replayPage(ctx, at.list, q.Since, n)
		if err != nil {
			return nil, err
		}
		if err := s.replayAll(ctx, to, channels, page.Items, out); err != nil {
			return nil, err
		}
		at.done, at.list = at.done+len(page.Items), page.Next
		if !more || q.Limit > 0 && at.done >= q.Limit {
			out.Total = at.done
			return out, s.newest(ctx, out)
		}
		if q.Within > 0 && s.now().Sub(begun) >= q.Within {
			out.Next, out.Total = at.String(), q.Limit
			return out, nil
		}
	}
}

// replayPage lists the next conversations; more says that others follow.
func (s *Service) replayPage(ctx context.Context, cursor string, since time.Time, n int) (page storage.Page[storage.Summary], more bool, err error) {
	if n <= 0 {
		return page, false, nil
	}
	page, err = s.store.List(ctx, storage.ListQuery{View: "all", Order: "newest", Cursor: cursor, N: n})
	if err != nil {
		return page, false, fmt.Errorf("inbox: replay: %w", err)
	}
	from := since.UnixMilli()
	all := len(page.Items)
	page.Items = page.Items[:sort.Search(all, func(i int) bool { return page.Items[i].Conv.UpdatedAt < from })]
	return page, len(page.Items) == all && page.Next != "", nil
}

// newest says when anything happened at all, where the query names nothing.
func (s *Service) newest(ctx context.Context, out *Replay) error {
	if out.Total > 0 {
		return nil
	}
	page, err := s.store.List(ctx, storage.ListQuery{View: "all", Order: "newest", N: 1})
	if err != nil {
		return fmt.Errorf("inbox: replay: %w", err)
	}
	if len(page.Items) > 0 {
		out.Newest = time.UnixMilli(page.Items[0].Conv.UpdatedAt).UTC()
	}
	return nil
}

// replayed is what became of one conversation.
type replayed struct {
	differs *Difference
	lost    string
	turns   int
	err     error
}

// replayAll walks a page of conversations, as many at once as there are
// processors, and adds them up in their order.
func (s *Service) replayAll(ctx context.Context, to *flows.Project, channels map[int64]namedChannel, rows []storage.Summary, out *Replay) error {
	done := make([]replayed, len(rows))
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(runtime.GOMAXPROCS(0), len(rows)) {
		wg.Go(func() {
			for i := range next {
				done[i] = s.replayOne(ctx, to, rows[i], channels)
			}
		})
	}
	for i := range rows {
		next <- i
	}
	close(next)
	wg.Wait()
	for i := range done {
		if err := out.count(done[i]); err != nil {
			return err
		}
	}
	return nil
}

// replayOne walks one conversation. Whatever goes wrong inside is that
// conversation's alone.
func (s *Service) replayOne(ctx context.Context, to *flows.Project, row storage.Summary, channels map[int64]namedChannel) (out replayed) {
	if out.err = ctx.Err(); out.err != nil {
		return out
	}
	st, err := s.tell(ctx, row, channels)
	if err != nil {
		return replayed{err: err}
	}
	var w *replayWalk
	if err := recovered(func() (err error) { w, err = s.walk(ctx, st, to.Set); return err }); err != nil {
		if errors.Is(err, errPanic) {
			err = errSkipped(SkipBroken)
		}
		return replayed{err: err}
	}
	return replayed{differs: w.difference(), lost: w.lost, turns: w.turns}
}

// difference is the first thing that differs; words count where nothing else
// does.
func (w *replayWalk) difference() *Difference {
	f, at := w.found, w.foundAt
	if f == nil {
		f, at = w.wording, w.wordAt
	}
	if f == nil {
		return nil
	}
	return &Difference{Conversation: UIDText(w.st.conv.UID), Turn: at.turn, Seq: at.seq, At: at.at.UTC(), Kind: f.kind, Place: f.place, Then: f.then, Now: f.now}
}

// count counts one conversation.
func (r *Replay) count(one replayed) error {
	why := skipped(one.err)
	if one.err != nil && why == "" {
		return one.err
	}
	r.Done++
	r.Turns += one.turns
	switch {
	case why != "":
		r.Skip[why]++
		return nil
	case one.differs != nil:
		r.Differences = append(r.Differences, *one.differs)
		r.Differ++
		r.Kinds[one.differs.Kind]++
	default:
		r.Same++
	}
	if one.lost != "" {
		r.Part[one.lost]++
	}
	return nil
}

// replayCursor is where a replay goes on: how many are done, and the store's
// own cursor.
type replayCursor struct {
	done int
	list string
}

// String writes it for a caller to give back.
func (c replayCursor) String() string { return fmt.Sprintf("%d.%s", c.done, c.list) }

func readReplayCursor(s string) (c replayCursor) {
	if n, list, ok := strings.Cut(s, "."); ok {
		c.done, _ = strconv.Atoi(n) // a cursor that is nobody's begins anew
		c.list = list
	}
	return c
}
