package proof

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/x"
	"dispatcher/inbox"
	"dispatcher/storage"
	"dispatcher/storage/sqlite"
)

// xTape is X as a function: it loses answers, and its read-back lags.
type xTape struct {
	*x.Adapter
	rng  *rand.Rand
	lies float64 // odds that the read-back does not show what is there

	blind bool // a planted fault: what may have arrived is sent again like what has not

	mu    sync.Mutex
	shown map[string][]xShown // by text
	tries map[string][]time.Time
	next  int
}

type xShown struct {
	id, to string
	at     time.Time
}

func (a *xTape) opener(name string, cfg channels.ConfigNode, env channels.Env) (channels.Adapter, []channels.Diagnostic) {
	got, diags := x.Open(name, cfg, env)
	if w, ok := got.(*x.Adapter); ok {
		a.Adapter = w
		return a, diags
	}
	return nil, diags
}

// Classify is the channel's own, unless the fault is planted.
func (a *xTape) Classify(call channels.Call, res channels.Result) channels.Outcome {
	out := a.Adapter.Classify(call, res)
	if a.blind && out.Verdict == channels.Ambiguous {
		out.Verdict = channels.Retry
	}
	return out
}

var errCut = errors.New("the connection was cut")

// Do implements channels.Local.
func (a *xTape) Do(_ context.Context, call channels.Call) channels.Result {
	time.Sleep(15 * time.Millisecond)
	a.mu.Lock()
	defer a.mu.Unlock()
	to, _, _ := strings.Cut(call.URL[strings.Index(call.URL, "/with/")+len("/with/"):], "/")
	if call.Kind == "check" {
		return a.readBack(to)
	}
	var m struct{ Text string }
	_ = json.Unmarshal(call.Body, &m)
	words, _, _ := strings.Cut(m.Text, "\n")
	a.tries[words] = append(a.tries[words], time.Now())
	a.next++
	id := fmt.Sprint(1_700_000_000 + a.next)
	accept := func() { a.shown[words] = append(a.shown[words], xShown{id, to, time.Now()}) }
	good := []byte(fmt.Sprintf(`{"data":{"dm_conversation_id":"900100-%s","dm_event_id":"%s"}}`, to, id))
	switch odds := a.rng.Float64(); {
	case odds < 0.06: // taken, and the answer lost
		accept()
		return channels.Result{Err: errCut, Written: true}
	case odds < 0.12: // not taken, and nobody can know
		return channels.Result{Err: errCut, Written: true}
	case odds < 0.18:
		accept()
		return channels.Result{Status: 502, Body: []byte("<html>"), Written: true}
	case odds < 0.24:
		return channels.Result{Status: 503, Body: []byte("<html>"), Written: true}
	case odds < 0.30:
		accept()
		return channels.Result{Status: 200, Body: []byte("<html>welcome</html>"), Written: true}
	}
	accept()
	return channels.Result{Status: 201, Body: good, Written: true}
}

func (a *xTape) readBack(to string) channels.Result {
	type event struct {
		ID      string `json:"id"`
		Text    string `json:"text"`
		Sender  string `json:"sender_id"`
		Type    string `json:"event_type"`
		Created string `json:"created_at"`
	}
	list := []event{}
	odds := a.rng.Float64()
	if odds < 0.1 {
		return channels.Result{Status: 500, Written: true}
	}
	if odds > 0.1+a.lies {
		for text, at := range a.shown {
			for _, m := range at {
				if m.to == to {
					list = append(list, event{m.id, text + "\n\n1. Goodbye\n\nReply with a number or in your own words.", standAccount, "MessageCreate", m.at.UTC().Format("2006-01-02T15:04:05.000Z")})
				}
			}
		}
	}
	body, _ := json.Marshal(map[string]any{"data": list})
	return channels.Result{Status: 200, Body: body, Written: true}
}

// TestPromise_P4_Reconcile: X loses answers, and its read-back may lag. What
// may have arrived is on record as unknown before it goes again, it goes again
// once at most, and a double is never more than such a record.
func TestPromise_P4_Reconcile(t *testing.T) {
	n := of(scale(t), 300, 20_000, 20_000)
	began := time.Now()
	v := reconcile(t, n, false)
	for _, bad := range v.bad {
		t.Error(bad)
	}
	if v.windows == 0 || v.doubles == 0 {
		t.Errorf("%d windows, %d doubles: the platform was too good to prove anything", v.windows, v.doubles)
	}
	report(t, "P4 reconcile, x: %d sends, 30 %% without an answer, read-back that lags in 30 %%: %d windows on record, %d doubles, each within one; %d left unknown for people; %.1f s",
		n, v.windows, v.doubles, v.open, time.Since(began).Seconds())
	t.Run("mutant", func(t *testing.T) {
		v := reconcile(t, 60, true)
		if len(v.bad) == 0 {
			t.Fatal("a channel that just sends again passes for one that asks first")
		}
		report(t, "P4 mutant blind retry: caught, %d findings, e.g. %s", len(v.bad), v.bad[0])
	})
}

// doubt is what a run without answers came to.
type doubt struct {
	windows, doubles, open int
	bad                    []string
}

// reconcile lets n customers write to an X that loses answers.
func reconcile(t *testing.T, n int, blind bool) (v doubt) {
	dir := t.TempDir()
	seed := rand.Uint64()
	synctest.Test(t, func(t *testing.T) {
		a := &xTape{rng: rand.New(rand.NewPCG(seed, 4)), lies: 0.3, blind: blind, shown: map[string][]xShown{}, tries: map[string][]time.Time{}}
		s := openInside(t, dir, insideSetup{project: xAsShop(), now: time.Now, openers: map[string]channels.Opener{"x": a.opener}})
		convs := make([]string, n)
		for i := range n {
			convs[i] = s.says(fmt.Sprintf("5%05d", i), fmt.Sprintf("dm:%d", i), fmt.Sprintf("m-%d", i))
		}
		time.Sleep(4 * time.Minute)
		recorded := s.records()
		for i := range n {
			words := fmt.Sprintf("Heard m-%d", i)
			if why := v.judge(recorded[convs[i]], len(a.shown[words]), a.tries[words]); why != "" {
				v.bad = append(v.bad, fmt.Sprintf("seed %d: %q %s", seed, words, why))
			}
		}
		s.stop()
	})
	return v
}

// xAsShop is a project whose channel shop is an account on X.
func xAsShop() map[string]string {
	project := standProject("http://127.0.0.1:9", repeatFlow)
	head, _, _ := strings.Cut(project["dispatcher.yaml"], "  shop:\n")
	_, account, _ := strings.Cut(project["dispatcher.yaml"], "  x:\n")
	project["dispatcher.yaml"] = strings.NewReplacer("PROOF_X_TOKEN", "PROOF_SECRET", "PROOF_X_SECRET", "PROOF_SECRET").Replace(head + "  shop:\n" + account)
	return project
}

// judge holds one message against what is on record of it; "" = good.
func (v *doubt) judge(r record, shown int, tries []time.Time) string {
	v.windows += len(r.unknown)
	v.doubles += max(0, shown-1)
	if r.delivery == int64(storage.DeliveryUnknown) {
		v.open++
	}
	switch {
	case shown > 1+len(r.unknown):
		return fmt.Sprintf("was shown %d times with %d windows on record", shown, len(r.unknown))
	case len(tries) > 2:
		return fmt.Sprintf("went %d times", len(tries))
	case len(tries) == 2 && (len(r.unknown) == 0 || r.unknown[0].After(tries[1])):
		return "went again before it was unknown on record"
	case shown == 0 && r.delivery != int64(storage.DeliveryUnknown) && r.delivery != int64(storage.DeliveryFailed):
		return fmt.Sprintf("was never shown and is recorded as %d", r.delivery)
	}
	return ""
}

// record is what the store knows of the first message of the bot in a conversation.
type record struct {
	delivery int64
	unknown  []time.Time // when it was put on record that nobody knows
}

// records reads them, by conversation.
func (s *inside) records() map[string]record {
	s.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.dir, sqlite.File)+"?_pragma=query_only(ON)")
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT c.uid, m.delivery, coalesce(e.at, 0) FROM conversations c JOIN messages m ON m.conversation_id = c.id AND m.seq = 2
		LEFT JOIN events e ON e.conversation_id = c.id AND e.seq = m.seq AND e.ref = 'unknown' ORDER BY e.id`)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	out := map[string]record{}
	for rows.Next() {
		var uid []byte
		var delivery, at int64
		if err := rows.Scan(&uid, &delivery, &at); err != nil {
			s.t.Fatal(err)
		}
		name := inbox.UIDText(storage.UID(uid))
		r := out[name]
		if r.delivery = delivery; at > 0 {
			r.unknown = append(r.unknown, time.UnixMilli(at))
		}
		out[name] = r
	}
	return out
}
