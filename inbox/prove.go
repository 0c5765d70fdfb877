package inbox

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"

	"dispatcher/engine"
	"dispatcher/storage"
)

// hidden stands for what must be read by nobody.
const hidden = "••••••"

// Paths of a service that verifies by code (language.md 2.19).
const (
	pathStart = "/verification/start"
	pathCheck = "/verification/check"
)

// verifying says that a conversation waits for proof of who writes.
func verifying(st engine.State) bool { return st.Question != nil && st.Question.Kind == "verify" }

// start asks the service to send a code. A link waits for whoever opens it.
func (d *Draft) start(v engine.StartVerify) {
	if v.By != engine.VerifyCode {
		return
	}
	slots := v.Slots
	if slots == nil {
		slots = map[string]any{}
	}
	body, err := json.Marshal(map[string]any{"contact": UIDText(d.contact.UID), "slots": slots})
	d.fail("verification", err)
	d.Call(callRequest{For: callStart, ID: v.ID, Service: v.Service, Method: "post", Path: pathStart, Body: body})
}

// check asks the service about a code once the turn is stored. The code is in
// this request and nowhere else: a process that dies now has forgotten it.
func (d *Draft) check(v engine.CheckVerify) {
	body, err := json.Marshal(map[string]string{"contact": UIDText(d.contact.UID), "code": v.Code})
	d.fail("verification", err)
	d.checks = append(d.checks, callRequest{For: callCheck, ID: v.ID, Service: v.Service, Method: "post", Path: pathCheck, Body: body})
}

// check makes one such request and hands its answer to the conversation.
func (c *caller) check(conv int64, uid storage.UID, r callRequest) {
	if c.ctx == nil || c.ctx.Err() != nil {
		return
	}
	c.wg.Go(func() {
		got := failed(failRefused)
		if svc := c.service(r.Service); svc != nil {
			leave, ok := c.enter(svc)
			if !ok {
				return
			}
			defer leave()
			start := time.Now()
			if b := c.breaker(r.Service); b.allow(c.s.now()) {
				got = svc.ask(c.open, r, uuid.NewString(), c.wait)
				b.heard(got.well(), c.s.now())
			}
			c.told(uid, r, got, time.Since(start))
		}
		if c.open.Err() == nil {
			c.s.deliver(c.open, conv, r, got)
		}
	})
}

// ConfirmVerification is the service's word on a link that it was given: the
// customer has proved who they are, or has not. ErrNoPage, ErrPageClosed.
func (s *Service) ConfirmVerification(ctx context.Context, token string, ok bool) error {
	conv, id, err := s.readPageToken(pageVerify, token)
	if err != nil {
		return err
	}
	outcome := engine.VerifyFailed
	if ok {
		outcome = engine.VerifyOK
	}
	_, err = s.Do(ctx, storage.Key{UID: conv}, func(v *View) (*Draft, error) {
		q := v.State.Question
		if v.Snap.Conv.Status != storage.Open || !verifying(v.State) || q.ID != id || v.Now.UnixMilli() >= q.Expires {
			return nil, ErrPageClosed
		}
		return s.safely(v, func(d *Draft) error {
			return s.stepResult(d, engine.Event{Kind: engine.EvVerify, Verify: &engine.VerifyResult{ID: id, Outcome: outcome}})
		})
	})
	if errors.Is(err, storage.ErrNotFound) {
		err = ErrPageClosed
	}
	return err
}
