package main

import (
	"context"
	"errors"
	"strings"

	"dispatcher/flows"
	"dispatcher/flows/rehearse"
	"dispatcher/flows/watch"
	"dispatcher/inbox"
	"dispatcher/storage"
)

// publisher joins the watcher of a folder to what the inbox remembers of sets.
type publisher struct {
	m     *Main
	root  string
	inbox *inbox.Service
	// swap makes a set live; a stopped service only writes down that it is.
	swap func(ctx context.Context, p *flows.Project, how inbox.Switch) error
}

// publishing is what the watcher asks of the service, beginning with what was
// so before this start.
func (p *publisher) publishing(ctx context.Context) (*watch.Publishing, error) {
	out := &watch.Publishing{
		Tests: p.tests, Plan: p.inbox.Plan, Switch: p.switchTo, Stage: p.stage, Unstage: p.inbox.Unstage, Discard: p.discard,
		Seen:     func(ctx context.Context, set, by, result string) { _ = p.inbox.Seen(ctx, set, by, result) }, // the log says it too
		Revision: p.inbox.Revision, Ran: p.inbox.Ran,
	}
	live, err := p.inbox.LiveSince(ctx)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return nil, err
	}
	out.Held, out.Live = live.Held, watch.SetInfo{Since: live.Since, By: live.By}
	st, err := p.inbox.Staged(ctx)
	switch {
	case err == nil:
		out.Was = &watch.StagedInfo{Set: st.Set, Since: st.Since, By: st.By, Result: st.Result, Tests: watch.Tests(st.Tests)}
	case !errors.Is(err, storage.ErrNotFound):
		return nil, err
	}
	return out, nil
}

// tests runs the tests of a set that is not live yet.
func (p *publisher) tests(_ context.Context, set *flows.Project) watch.Tests {
	project, tests := flows.LoadTests(set.Files, p.m.options(p.root, nil))
	var text strings.Builder
	if !tests.OK() {
		tests.WriteText(&text, false)
		return watch.Tests{Failed: 1, Text: text.String()}
	}
	suite := (&tester{main: p.m}).suite(p.root, project, tests)
	report := suite.Run()
	out := watch.Tests{Passed: report.Passed, Failed: report.Failed}
	if !report.OK() {
		report.WriteText(&text, rehearse.Style{})
		out.Text = text.String()
	}
	return out
}

func (p *publisher) audit(actor, verb, set string) []storage.AuditEntry {
	return []storage.AuditEntry{{At: p.m.Now().UnixMilli(), Actor: actor, Verb: verb, Object: "set:" + set}}
}

func (p *publisher) switchTo(ctx context.Context, set *flows.Project, by, result string, held bool) error {
	verb := map[string]string{watch.Published: "flows.publish", watch.RolledBack: "flows.rollback"}[result]
	return p.swap(ctx, set, inbox.Switch{By: by, Result: result, Held: held, Audit: p.audit(by, verb, set.SetID)})
}

func (p *publisher) stage(ctx context.Context, set *flows.Project, st watch.StagedInfo) error {
	return p.inbox.Stage(ctx, set, inbox.StagedSet{By: st.By, Result: st.Result, Tests: inbox.TestCount(st.Tests)})
}

func (p *publisher) discard(ctx context.Context, by string) error {
	st, err := p.inbox.Staged(ctx)
	if err == nil {
		_, err = p.inbox.Discard(ctx, by, p.audit(by, "flows.discard", st.Set))
	}
	if errors.Is(err, storage.ErrNotFound) {
		err = watch.ErrNothingStaged
	}
	return err
}

// chosen is the set that a service starts with: the stored live one where the
// folder's has to wait for a person, else the folder's.
func (p *publisher) chosen(ctx context.Context, folder *flows.Project) (*flows.Project, error) {
	stored, err := p.inbox.LiveSince(ctx)
	if errors.Is(err, storage.ErrNotFound) || err == nil && stored.Set == folder.SetID {
		return folder, nil
	} else if err != nil {
		return nil, err
	}
	live, err := p.inbox.Revision(ctx, stored.Set)
	switch {
	case errors.Is(err, inbox.ErrUnknownSet):
		return folder, nil
	case err != nil:
		return nil, err
	case !live.OK():
		return folder, nil // this version cannot run it any more
	case stored.Held, folder.Config.Reload == "staged", live.Config.Reload == "staged":
		return live, nil
	}
	return folder, nil
}
