package inbox

import (
	"encoding/hex"

	"github.com/google/uuid"

	"dispatcher/dm"
	"dispatcher/storage"
)

// The words behind the small integers of storage, by their number.
var (
	phaseWords    = [...]string{"new", dm.PhaseBot, dm.PhaseLent, dm.PhaseAfter, dm.PhaseQueue, dm.PhaseAgent, dm.PhaseParked, dm.PhaseClosed}
	ownerWords    = [...]string{dm.OwnerNone, dm.OwnerBot, dm.OwnerQueue, dm.OwnerAgent}
	priorityWords = [...]string{dm.PriorityLow, dm.PriorityNormal, dm.PriorityHigh, dm.PriorityUrgent}
	deliveryWords = [...]string{dm.DeliveryNone, dm.DeliveryPending, dm.DeliverySending, dm.DeliveryUnknown, dm.DeliverySent, dm.DeliveryDelivered, dm.DeliveryRead, dm.DeliveryFailed, dm.DeliveryCancelled}
	authorWords   = [...]string{"", dm.AuthorCustomer, dm.AuthorBot, dm.AuthorAgent, dm.AuthorAgentNative, dm.AuthorSystem, dm.AuthorNotice}
	kindWords     = [...]string{"", "text", "tap", "media", "form", "note", "event", "mention"}
)

func word(words []string, n int16) string {
	if n < 0 || int(n) >= len(words) {
		return ""
	}
	return words[n]
}

// PhaseWord is the word of a Conversation.Phase.
func PhaseWord(n int16) string { return word(phaseWords[:], n) }

// OwnerWord is the word of a Conversation.Owner.
func OwnerWord(n int16) string { return word(ownerWords[:], n) }

// PriorityWord is the word of a priority, low to urgent.
func PriorityWord(n int16) string { return word(priorityWords[:], n) }

// DeliveryWord is the word of a Message.Delivery.
func DeliveryWord(n int16) string { return word(deliveryWords[:], n) }

// AuthorWord is the word of a Message.Author.
func AuthorWord(n int16) string { return word(authorWords[:], n) }

// KindWord is the word of a Message.Kind.
func KindWord(n int16) string { return word(kindWords[:], n) }

// PriorityOf is the number of a priority's word; an unknown word is normal.
func PriorityOf(w string) int16 {
	for i, p := range priorityWords {
		if p == w {
			return int16(i)
		}
	}
	return 1
}

// UIDText is the text form of a public id.
func UIDText(u storage.UID) string { return uuid.UUID(u).String() }

// ParseUID reads the canonical text form of a public id.
func ParseUID(s string) (storage.UID, bool) {
	u, err := uuid.Parse(s)
	if err != nil || len(s) != 36 {
		return storage.UID{}, false
	}
	return storage.UID(u), true
}

// newUID makes a public id. It names, it never authorises.
func newUID() storage.UID { return storage.UID(uuid.Must(uuid.NewV7())) }

// setIDBytes is the flow set's id as storage keeps it: its first 16 bytes.
func setIDBytes(id string) []byte {
	b, err := hex.DecodeString(id)
	if err != nil || len(b) < 16 {
		return nil
	}
	return b[:16]
}
