package inbox

import (
	"slices"
	"time"

	"dispatcher/storage"
)

// timerIdle is the engine's timer that ends a wait of the bot.
const timerIdle = "idle"

// idleAt sets the end of a wait. Every message pushes it, so a stored row that
// is due before stays while it has half of the time to go: a lively conversation
// writes it once. What counts is kept on the card, which every turn writes.
func (d *Draft) idleAt(at time.Time) {
	d.card.IdleAt = at.UnixMilli()
	soonest := d.View.Now.Add(at.Sub(d.View.Now) / 2).UnixMilli()
	have := d.View.Snap.Timers
	i := slices.IndexFunc(have, func(t storage.Timer) bool { return t.Name == timerIdle })
	if i < 0 || d.View.Snap.Conv.ID != d.conv.ID || have[i].DueAt < soonest || have[i].DueAt > d.card.IdleAt || d.dropped(have[i]) {
		d.Timer(timerIdle, at)
		return
	}
	d.timers = slices.DeleteFunc(d.timers, func(t storage.Timer) bool { return t.Name == timerIdle })
	d.turn.Cancel = slices.DeleteFunc(d.turn.Cancel, func(name string) bool { return name == timerIdle })
}

// notIdle sets the end of a wait anew when its row fired before: time has
// passed, nothing else, so the engine is not asked and nobody sees it.
func (d *Draft) notIdle() bool {
	due := time.UnixMilli(d.card.IdleAt)
	if !d.View.Now.Before(due) {
		return false
	}
	d.Timer(timerIdle, due)
	d.unmoved = true
	return true
}
