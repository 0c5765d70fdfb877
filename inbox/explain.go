package inbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dispatcher/storage"
)

// Explanation is why a conversation went as it did, turn by turn: the answer
// of GET /conversations/{id}/trace and of `dispatcher explain --format json`.
// It comes from what was stored when each turn was decided; the flow files
// that ran add where things stand. Personal data in it is masked.
type Explanation struct {
	Version      int             `json:"version"`
	Conversation string          `json:"conversation"`
	Channel      string          `json:"channel,omitempty"`
	OpenedAt     time.Time       `json:"opened_at"`
	Status       string          `json:"status"` // open resolved
	Owner        string          `json:"owner"`  // none bot queue agent
	OwnerID      string          `json:"owner_id,omitempty"`
	Position     string          `json:"position,omitempty"` // flow.state
	LiveSet      string          `json:"live_set,omitempty"`
	TurnCount    int             `json:"turn_count"` // of the conversation, however many are told here
	Notes        []string        `json:"notes"`      // what cannot be told, and why
	Turns        []ExplainedTurn `json:"turns"`
}

// ExplainedTurn is everything that the engine did for one event.
type ExplainedTurn struct {
	Turn       int                  `json:"turn"` // counts from 1
	Seq        int64                `json:"seq"`  // of the row that the event left
	At         time.Time            `json:"at"`
	Kind       string               `json:"kind"`               // of the row: text tap media form event mention
	Revision   string               `json:"revision,omitempty"` // as messages name it: the first half of Set
	Set        string               `json:"set,omitempty"`
	Live       bool                 `json:"live"` // that set is still live
	Event      ExplainedEvent       `json:"event"`
	From       string               `json:"from,omitempty"` // flow.state before it; "" = it opened the conversation
	To         string               `json:"to,omitempty"`
	Stage      string               `json:"stage,omitempty"` // the one that decided; none = nothing matched
	Stages     []ExplainedStage     `json:"stages"`
	Conditions []ExplainedCondition `json:"conditions"`
	Edges      []ExplainedEdge      `json:"edges"`
	Effects    []ExplainedEffect    `json:"effects"`
	Error      *ExplainedError      `json:"error,omitempty"`
	Missing    []string             `json:"missing,omitempty"` // what cannot be told of this turn, and why
	Later      []ExplainedLine      `json:"later,omitempty"`   // what people did before the next turn
}

// ExplainedEvent is what the turn was about.
type ExplainedEvent struct {
	Kind   string   `json:"kind"` // message start tap media timer lookup form verify returned resolved delegate mention
	Text   string   `json:"text,omitempty"`
	Option string   `json:"option,omitempty"` // of a tap
	Old    bool     `json:"old,omitempty"`    // a tap on an earlier question
	Media  []string `json:"media,omitempty"`  // kinds
	Entry  string   `json:"entry,omitempty"`  // how the customer came, of the first
	Result string   `json:"result,omitempty"` // of a look-up or a verification, in a word
}

// ExplainedStage is one way of understanding the message that was tried
// (language.md 2.6).
type ExplainedStage struct {
	Stage      string               `json:"stage"`
	Decided    bool                 `json:"decided"`
	Option     string               `json:"option,omitempty"`
	By         string               `json:"by,omitempty"`
	Score      float64              `json:"score,omitempty"`
	Needed     float64              `json:"needed,omitempty"` // score that would have been enough
	Note       string               `json:"note,omitempty"`
	At         string               `json:"at,omitempty"`
	Candidates []ExplainedCandidate `json:"candidates,omitempty"`
}

// ExplainedCandidate is how well one option fitted.
type ExplainedCandidate struct {
	Option string  `json:"option"`
	Score  float64 `json:"score"`
	By     string  `json:"by,omitempty"`
	At     string  `json:"at,omitempty"`
}

// ExplainedCondition is one condition that was looked at.
type ExplainedCondition struct {
	Condition string           `json:"condition"`
	Result    string           `json:"result"` // true false error
	Values    []ExplainedValue `json:"values"` // what it read
	At        string           `json:"at,omitempty"`
}

// ExplainedValue is one value that a condition read.
type ExplainedValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// ExplainedEdge is one edge that was taken (language.md 2.22).
type ExplainedEdge struct {
	State  string  `json:"state,omitempty"`
	Edge   string  `json:"edge"`
	Option string  `json:"option,omitempty"`
	By     string  `json:"by,omitempty"`
	Score  float64 `json:"score,omitempty"`
	Again  bool    `json:"again,omitempty"` // walked again after a correction, nothing asked
	At     string  `json:"at,omitempty"`
}

// ExplainedEffect is one thing that came of the turn: say slot tag lookup form
// verify migrate handoff resolve, or an edge of ownership.
type ExplainedEffect struct {
	Kind     string   `json:"kind"`
	Seq      int64    `json:"seq,omitempty"`      // of the message of say
	Text     string   `json:"text,omitempty"`     // of say
	Options  []string `json:"options,omitempty"`  // labels of its buttons
	Delivery string   `json:"delivery,omitempty"` // what became of it
	Public   bool     `json:"public,omitempty"`
	Name     string   `json:"name,omitempty"`  // slot, tag, look-up, queue
	Value    string   `json:"value,omitempty"` // of a slot, masked where personal; what came back of a look-up
	How      string   `json:"how,omitempty"`   // asked found form link …; of a look-up: method and service
	Cause    string   `json:"cause,omitempty"`
	Reason   string   `json:"reason,omitempty"`
	Priority string   `json:"priority,omitempty"`
	Rule     string   `json:"rule,omitempty"` // flow.state:line
	At       string   `json:"at,omitempty"`
}

// ExplainedError is an engine error.
type ExplainedError struct {
	Error string `json:"error"`
	At    string `json:"at,omitempty"`
}

// ExplainedLine is what happened beside the engine's turns.
type ExplainedLine struct {
	Seq  int64     `json:"seq"`
	At   time.Time `json:"at"`
	Kind string    `json:"kind"` // message: the customer's, unanswered by the bot; reply: a person's; else the edge
	By   string    `json:"by,omitempty"`
	Text string    `json:"text,omitempty"`
}

// explainPage is how many rows are read at once.
const explainPage = 500

// Explain tells why a conversation went as it did; storage.ErrNotFound: there
// is none. A key that no longer opens, messages past their retention and sets
// whose files are gone leave gaps, which it names.
func (s *Service) Explain(ctx context.Context, uid storage.UID) (*Explanation, error) {
	snaps, err := s.store.Load(ctx, []storage.Key{{UID: uid}})
	if err != nil {
		return nil, fmt.Errorf("inbox: load: %w", err)
	}
	if snaps[0].Conv.ID == 0 {
		return nil, storage.ErrNotFound
	}
	x := &explaining{s: s, snap: snaps[0], sets: map[string]*explainedSet{}, byCause: map[int64]int{}}
	if x.rows, err = s.allRows(ctx, snaps[0].Conv.ID); err != nil {
		return nil, err
	}
	x.begin()
	x.unseal(ctx)
	x.turns()
	x.finish()
	return x.out, nil
}

// allRows reads every row of a conversation.
func (s *Service) allRows(ctx context.Context, conv int64) ([]storage.Message, error) {
	var rows []storage.Message
	for after := int64(0); ; {
		page, err := s.store.Thread(ctx, storage.ThreadQuery{Conversation: conv, After: after, N: explainPage})
		if err != nil {
			return nil, fmt.Errorf("inbox: thread: %w", err)
		}
		rows = append(rows, page.Items...)
		if page.Next == "" || len(page.Items) == 0 {
			return rows, nil
		}
		after = page.Items[len(page.Items)-1].Seq
	}
}

// begin fills in what is not sealed.
func (x *explaining) begin() {
	c := x.snap.Conv
	x.out = &Explanation{
		Version: 1, Conversation: UIDText(c.UID), OpenedAt: time.UnixMilli(c.OpenedAt).UTC(), Status: "open", Owner: OwnerWord(c.Owner), OwnerID: c.OwnerID,
		Position: c.Position, Notes: []string{}, Turns: []ExplainedTurn{},
	}
	if c.Status == storage.Resolved {
		x.out.Status = "resolved"
	}
	if a, ok := x.s.AccountOf(c.Channel); ok {
		x.out.Channel = a.Alias
	}
	if live := x.s.Live(); live != nil {
		x.out.LiveSet = live.SetID
	}
}

// unseal opens every row. A key that does not open leaves what is in clear.
func (x *explaining) unseal(ctx context.Context) {
	x.opened = make([]explainedRow, len(x.rows))
	reader, err := NewReader(x.s.vault, x.snap.Contact)
	if err != nil {
		x.note("This person's data was erased, or the key that opens it is not here: no words, conditions or scores can be told.")
		return
	}
	x.reader = reader
	conv := x.snap.Conv.UID
	for i, m := range x.rows {
		row := &x.opened[i]
		var errBody, errTrace error
		row.body, errBody = reader.Body(conv, m)
		row.trace, errTrace = x.trace(m)
		row.bad = errors.Join(errBody, errTrace) != nil
	}
	x.learnSets(ctx)
	x.learnPersonal()
}

func (x *explaining) note(text string) { x.out.Notes = append(x.out.Notes, text) }
