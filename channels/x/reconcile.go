package x

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"dispatcher/channels"
	"dispatcher/channels/wire"
	"dispatcher/dm"
)

// slack allows for clocks that differ between X and us.
const slack = 5 * time.Second

// RenderReconcile reads the conversation back (15 reads in 15 minutes).
func (a *Adapter) RenderReconcile(out dm.Outbound, _ time.Time) (channels.Call, error) {
	if !digits.MatchString(out.Thread) || out.Visibility == dm.Public {
		return channels.Call{}, fmt.Errorf("only direct messages can be read back from x")
	}
	q := url.Values{
		"max_results":     {"100"},
		"event_types":     {"MessageCreate"},
		"dm_event.fields": {"id,text,sender_id,created_at,event_type,entities"},
	}
	return channels.Call{
		Kind: "check", Method: http.MethodGet, URL: a.base + "/2/dm_conversations/with/" + out.Thread + "/dm_events?" + q.Encode(),
		Header: http.Header{}, Bucket: "check",
	}, nil
}

// ParseReconcile looks for our own message with the same words, created after
// the send was decided (Outbound.At). The newest match wins.
func (a *Adapter) ParseReconcile(res channels.Result, out dm.Outbound) (found bool, messageID string, err error) {
	if res.Err != nil || res.Status != http.StatusOK {
		return false, "", fmt.Errorf("read the conversation back: status %d, %w", res.Status, errOr(res.Err))
	}
	body, err := wire.ReadJSON(res.Body)
	if err != nil {
		return false, "", fmt.Errorf("read the conversation back: %w", err)
	}
	wanted := a.sentTexts(out)
	newest := ""
	body.Get("data").Items(func(e wire.Value) bool {
		at, err := time.Parse(time.RFC3339, e.Get("created_at").Text())
		ours := e.Get("sender_id").ID() == a.account && wanted[sameWords(words(e.Get("text").Text(), e.Get("entities", "urls"), false))]
		if id := e.Get("id").ID(); ours && err == nil && !at.Before(out.At.Add(-slack)) && order(id) > order(newest) {
			newest = id
		}
		return true
	})
	return newest != "", prefixed("dm:", newest), nil
}

func errOr(err error) error {
	if err == nil {
		return channels.ErrMalformed
	}
	return err
}

// sentTexts are the words that were written: those of the part in doubt, or of
// the whole message as it is rendered in one part.
func (a *Adapter) sentTexts(out dm.Outbound) map[string]bool {
	wanted := map[string]bool{sameWords(out.Text): true}
	if plan, err := a.Render(out); err == nil && len(plan.Calls) == 1 {
		wanted[sameWords(plan.Calls[0].Text)] = true
	}
	delete(wanted, "")
	return wanted
}

func sameWords(s string) string { return strings.Join(strings.Fields(s), " ") }
