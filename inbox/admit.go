package inbox

import (
	"container/list"
	"sync"
	"time"
)

// Budgets of events in flight (runtime.md 1.1).
const (
	budgetAll     = 4096
	budgetChannel = budgetAll / 2
	budgetAddress = 64
)

// Ages of the oldest waiting event at which the budgets are halved, and given back.
const (
	backlogHigh = 5 * time.Second
	backlogLow  = time.Second
)

// admission counts events in flight. A body is let in whole or not at all,
// before anything of it is accepted.
type admission struct {
	mu        sync.Mutex
	all       int
	byChannel map[int64]int
	byAddress map[laneKey]int
	order     *list.List // time.Time of arrival, oldest first
	halved    bool
	closed    bool

	window  time.Time // start of the second that is counted
	done    int
	drained float64 // events per second, smoothed
}

// ticket is one admitted event; release gives its place back.
type ticket struct {
	key laneKey
	at  *list.Element
}

func newAdmission() *admission {
	return &admission{byChannel: map[int64]int{}, byAddress: map[laneKey]int{}, order: list.New()}
}

// admit lets all keys of one body in. why names the budget that is used up.
// An address that has nothing in flight may bring a body of any size: it
// could never be delivered otherwise.
func (a *admission) admit(keys []laneKey, now time.Time) (tickets []ticket, why string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil, "stopping"
	}
	if why := a.refuses(keys, now); why != "" {
		return nil, why
	}
	for _, k := range keys {
		a.all++
		a.byChannel[k.channel]++
		a.byAddress[k]++
		tickets = append(tickets, ticket{key: k, at: a.order.PushBack(now)})
	}
	return tickets, ""
}

func (a *admission) refuses(keys []laneKey, now time.Time) string {
	a.look(now)
	if admitEverything() {
		return ""
	}
	share := 1
	if a.halved {
		share = 2
	}
	if a.all+len(keys) > budgetAll/share {
		return "global"
	}
	if len(keys) == 1 { // nearly always
		return a.refusesOne(keys[0], share)
	}
	channels, addresses := map[int64]int{}, map[laneKey]int{}
	for _, k := range keys {
		channels[k.channel]++
		addresses[k]++
	}
	for c, n := range channels {
		if a.byChannel[c]+n > budgetChannel/share {
			return "channel"
		}
	}
	for k, n := range addresses {
		if have := a.byAddress[k]; have > 0 && have+n > budgetAddress/share {
			return "address"
		}
	}
	return ""
}

func (a *admission) refusesOne(k laneKey, share int) string {
	switch {
	case a.byChannel[k.channel] >= budgetChannel/share:
		return "channel"
	case a.byAddress[k] >= budgetAddress/share:
		return "address"
	}
	return ""
}

// look halves the budgets while the oldest event waits too long.
func (a *admission) look(now time.Time) {
	age := a.age(now)
	switch {
	case age > backlogHigh:
		a.halved = true
	case age < backlogLow:
		a.halved = false
	}
}

func (a *admission) age(now time.Time) time.Duration {
	if front := a.order.Front(); front != nil {
		return now.Sub(front.Value.(time.Time))
	}
	return 0
}

func (a *admission) release(t ticket, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all--
	a.order.Remove(t.at)
	if a.byChannel[t.key.channel]--; a.byChannel[t.key.channel] == 0 {
		delete(a.byChannel, t.key.channel)
	}
	if a.byAddress[t.key]--; a.byAddress[t.key] == 0 {
		delete(a.byAddress, t.key)
	}
	a.count(now)
}

// count keeps the drain rate: the mean of whole seconds, the newest weighing half.
func (a *admission) count(now time.Time) {
	a.done++
	if a.window.IsZero() {
		a.window = now
	}
	if since := now.Sub(a.window); since >= time.Second {
		a.drained = (a.drained + float64(a.done)/since.Seconds()) / 2
		a.window, a.done = now, 0
	}
}

// retryAfter says when it is worth trying again: what waits at the measured
// drain rate, 2 to 30 s.
func (a *admission) retryAfter() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.drained <= 0 {
		return 5 * time.Second
	}
	wait := time.Duration(float64(a.all) / a.drained * float64(time.Second))
	return min(max(wait.Round(time.Second), 2*time.Second), 30*time.Second)
}

// backlog is the age of the oldest event in flight, and whether the budgets are halved.
func (a *admission) backlog(now time.Time) (oldest time.Duration, halved bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.look(now)
	return a.age(now), a.halved
}

// close refuses everything from now on.
func (a *admission) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
}

func (a *admission) inFlight() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.all
}
