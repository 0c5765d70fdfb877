package inbox

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dispatcher/storage"
)

// Unreadable says that an error is about a contact's key that does not open.
func Unreadable(err error) bool { return errors.Is(err, errKeyUnreadable) }

// ParseMessageID takes the id of a message apart, CONVERSATION-SEQ; seq is 0
// where id is that of a conversation.
func ParseMessageID(id string) (conversation string, seq int64) {
	const uidText = 36
	if len(id) > uidText+1 && id[uidText] == '-' {
		if n, err := strconv.ParseInt(id[uidText+1:], 10, 64); err == nil && n > 0 {
			return id[:uidText], n
		}
	}
	return id, 0
}

// UIDRange is the public ids that begin with some hex digits, dashes left out;
// false: they are no beginning of one, or fewer than four.
func UIDRange(prefix string) (from, to storage.UID, ok bool) {
	digits := strings.ReplaceAll(strings.ToLower(prefix), "-", "")
	if len(digits) < 4 || len(digits) > 32 {
		return from, to, false
	}
	low, err := hex.DecodeString(digits + strings.Repeat("0", 32-len(digits)))
	if err != nil {
		return from, to, false
	}
	high, err := hex.DecodeString(digits + strings.Repeat("f", 32-len(digits)))
	return storage.UID(low), storage.UID(high), err == nil
}

// TurnOf is the turn that a message belongs to, as its cause, as something
// that was said, or as written before it; 0: none.
func (e *Explanation) TurnOf(seq int64) int {
	for _, t := range e.Turns {
		if t.Seq == seq || slices.ContainsFunc(t.Effects, func(f ExplainedEffect) bool { return f.Seq == seq }) {
			return t.Turn
		}
	}
	return 0
}

// Only keeps one turn; false: there is no such.
func (e *Explanation) Only(turn int) bool {
	i := slices.IndexFunc(e.Turns, func(t ExplainedTurn) bool { return t.Turn == turn })
	if i >= 0 {
		e.Turns = e.Turns[i : i+1]
	}
	return i >= 0
}

// Has says in words which turns there are.
func (e *Explanation) Has() string {
	switch e.TurnCount {
	case 0:
		return "the assistant has decided nothing in this conversation"
	case 1:
		return "this conversation has one turn, number 1"
	}
	return fmt.Sprintf("this conversation has turns 1 to %d", e.TurnCount)
}
