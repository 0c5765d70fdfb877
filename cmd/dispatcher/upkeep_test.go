package main

import (
	"testing"
	"time"

	"dispatcher/flows"
)

func TestRetentionFollowsTheProject(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	days := func(at int64) int { return int(now.Sub(time.UnixMilli(at)).Hours() / 24) }
	r := retention(nil, now)
	if days(r.Messages) != 180 || days(r.Facts) != 400 || days(r.Seen) != 35 || days(r.Audit) != 730 || days(r.Events) != 1 {
		t.Errorf("defaults are %+v", r)
	}
	p := &flows.Project{}
	p.Config.RetainMessages, p.Config.RetainFacts = 30*24*time.Hour, 60*24*time.Hour
	if r := retention(p, now); days(r.Messages) != 30 || days(r.Facts) != 60 || days(r.Seen) != 35 {
		t.Errorf("the project says 30 and 60 days, this is %+v", r)
	}
}
