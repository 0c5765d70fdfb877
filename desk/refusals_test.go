package desk

import (
	"errors"
	"strings"
	"testing"
)

// refusal is one thing that must not be done, and the code it is refused with.
type refusal struct {
	do   func() error
	want string
}

func refused(t *testing.T, all map[string]refusal) {
	t.Helper()
	for name, tc := range all {
		if got := code(t, tc.do()); got != tc.want {
			t.Errorf("%s: code %q, want %q", name, got, tc.want)
		}
	}
}

// Unknown and forbidden look the same to who may not read.
func TestDesk_RefusedToWhoMayNot(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	id := o.waiting(t, "web", "mia")
	refused(t, map[string]refusal{
		"not an id":               {func() error { _, err := o.Get(ctx, ana(), "x"); return err }, CodeNotFound},
		"unknown id":              {func() error { _, err := o.Get(ctx, ana(), "01922b9c-0000-7000-8000-000000000000"); return err }, CodeNotFound},
		"another queue: get":      {func() error { _, err := o.Get(ctx, outsider(), id); return err }, CodeNotFound},
		"another queue: claim":    {func() error { _, err := o.Claim(ctx, outsider(), id, Command{}); return err }, CodeNotFound},
		"another queue: messages": {func() error { _, err := o.Messages(ctx, outsider(), id, 0, 0, 0); return err }, CodeNotFound},
		"take next elsewhere":     {func() error { _, _, err := o.TakeNext(ctx, outsider(), "orders"); return err }, CodeNotFound},
		"designer claims":         {func() error { _, err := o.Claim(ctx, Actor{ID: "d", Role: RoleDesigner}, id, Command{}); return err }, CodeForbidden},
		"token without scope": {func() error {
			_, err := o.Claim(ctx, Actor{ID: "t", Role: RoleAPI, Token: true, Scopes: []string{ScopeRead}}, id, Command{})
			return err
		}, CodeForbidden},
		"token of another queue": {func() error {
			_, err := o.Get(ctx, Actor{ID: "t", Role: RoleAPI, Token: true, Scopes: []string{ScopeRead}, Queues: []string{"general"}}, id)
			return err
		}, CodeNotFound},
	})
}

func TestDesk_RefusedInThisState(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	id := o.waiting(t, "web", "mia")
	withBot := o.says(t, "web", "tom", "hello")
	claimed := o.waiting(t, "web", "leo")
	m := must[Moved](t)(o.Claim(ctx, ana(), claimed, Command{}))
	refused(t, map[string]refusal{
		"second claim":       {func() error { _, err := o.Claim(ctx, ben(), claimed, Command{IfEpoch: 2}); return err }, CodeAlreadyClaimed},
		"claim of old epoch": {func() error { _, err := o.Claim(ctx, ben(), id, Command{IfEpoch: 99}); return err }, CodeStaleEpoch},
		"claim from bot":     {func() error { _, err := o.Claim(ctx, ben(), withBot, Command{}); return err }, CodeNotOwner},
		"reply of another":   {func() error { _, err := o.Reply(ctx, ben(), claimed, Reply{Text: "hi"}, Command{}); return err }, CodeNotOwner},
		"stale epoch":        {func() error { _, err := o.Release(ctx, ana(), claimed, Command{IfEpoch: m.Epoch - 1}); return err }, CodeStaleEpoch},
		"blank open": {func() error {
			_, err := o.Reply(ctx, ana(), claimed, Reply{Text: "on [[date]]"}, Command{})
			return err
		}, CodeBlankOpen},
		"no words": {func() error { _, err := o.Reply(ctx, ana(), claimed, Reply{Text: " \n"}, Command{}); return err }, CodeInvalid},
		"too long": {func() error {
			_, err := o.Reply(ctx, ana(), claimed, Reply{Text: strings.Repeat("x", 10_001)}, Command{})
			return err
		}, CodeTooLong},
		"unseen message":        {func() error { _, err := o.Resolve(ctx, ana(), claimed, Command{LastSeenSeq: 1}); return err }, CodeNewMessage},
		"transfer to nowhere":   {func() error { _, err := o.Transfer(ctx, ana(), claimed, Command{Queue: "nope", Note: "n"}); return err }, CodeInvalid},
		"transfer without note": {func() error { _, err := o.Transfer(ctx, ana(), claimed, Command{Queue: "general"}); return err }, CodeInvalid},
		"transfer to the same": {func() error {
			_, err := o.Transfer(ctx, ana(), claimed, Command{Queue: "orders", Note: "n"})
			return err
		}, CodeInvalid},
		"hand back nowhere": {func() error { _, err := o.HandBack(ctx, ana(), claimed, Command{ResumeAt: "welcome.nope"}); return err }, CodeNoReturnPoint},
		"undo nothing":      {func() error { _, err := o.Undo(ctx, ben(), id, Command{}); return err }, CodeTooLate},
		"public without post": {func() error {
			_, err := o.Reply(ctx, ana(), claimed, Reply{Text: "hi", Visibility: "public"}, Command{})
			return err
		}, CodeInvalid},
		"view": {func() error { _, err := o.List(ctx, ana(), ListQuery{View: "nope"}); return err }, CodeInvalid},
	})
	_, err := o.Claim(ctx, ben(), claimed, Command{})
	var p *Problem
	if !errors.As(err, &p) || p.Status != 409 || p.Facts["owner"].(Owner).Name != "Ana Sousa" || p.Facts["since"] == nil {
		t.Errorf("the loser does not learn who and since when: %+v", p)
	}
	if again := must[Moved](t)(o.Claim(ctx, ana(), claimed, Command{IfEpoch: 1})); again.Epoch != m.Epoch {
		t.Errorf("a claim by the same agent moved the epoch to %d", again.Epoch)
	}
}

// An undo and a reopen are decided under the epoch that was seen, like every edge.
func TestDesk_RefusedUnderAnOldEpoch(t *testing.T) {
	t.Parallel()
	o := open(t)
	ctx := t.Context()
	id := o.waiting(t, "web", "mia")
	must[Moved](t)(o.Claim(ctx, ana(), id, Command{}))
	m := must[Moved](t)(o.Resolve(ctx, ana(), id, Command{}))
	old := Command{IfEpoch: m.Epoch - 1}
	refused(t, map[string]refusal{
		"undo":   {func() error { _, err := o.Undo(ctx, ana(), id, old); return err }, CodeStaleEpoch},
		"reopen": {func() error { _, err := o.Reopen(ctx, ana(), id, old); return err }, CodeStaleEpoch},
	})
	must[Moved](t)(o.Undo(ctx, ana(), id, Command{IfEpoch: m.Epoch}))
}
