package inbox

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"unicode/utf8"

	"dispatcher/dm"
	"dispatcher/engine"
	"dispatcher/storage"
)

// Errors of the pages that customers are sent to.
var (
	ErrNoPage     = errors.New("inbox: no such page")         // the link was never ours
	ErrPageClosed = errors.New("inbox: the page is not open") // used, expired, or nobody waits for it
)

// What a page's link is for.
const (
	pageForm   = "form"
	pageVerify = "verify"
)

// pageToken is a link's secret: it names conversation and page, and nobody
// can make another. What it opens is decided by the conversation: once sent,
// or past its time, it opens nothing.
func (s *Service) pageToken(kind string, conv storage.UID, id string) string {
	return base64.RawURLEncoding.EncodeToString(conv[:]) + "." + id + "." + s.pageMAC(kind, conv, id)
}

func (s *Service) pageMAC(kind string, conv storage.UID, id string) string {
	mac := hmac.New(sha256.New, s.vault.Derive("page "+kind))
	mac.Write([]byte("dispatcher-page.v1|" + kind + "|" + UIDText(conv) + "|" + id))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:18])
}

func (s *Service) readPageToken(kind, token string) (conv storage.UID, id string, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || len(token) > 100 {
		return conv, "", ErrNoPage
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(parts[0])
	if err != nil || len(raw) != len(conv) {
		return conv, "", ErrNoPage
	}
	copy(conv[:], raw)
	if !hmac.Equal([]byte(parts[2]), []byte(s.pageMAC(kind, conv, parts[1]))) {
		return conv, "", ErrNoPage
	}
	return conv, parts[1], nil
}

// formURL is where a form of this conversation is filled in; "" where nobody
// outside can reach us.
func (s *Service) formURL(conv storage.UID, id string) string {
	if s.cfg.PublicURL == "" {
		return ""
	}
	return strings.TrimSuffix(s.cfg.PublicURL, "/") + "/forms/" + s.pageToken(pageForm, conv, id)
}

// verifyURL is where a service proves who writes.
func (s *Service) verifyURL(conv storage.UID, service, id string) string {
	svc := s.calls.service(service)
	if svc == nil {
		return ""
	}
	base := *svc.base
	base.User = nil // whoever opens the link is no service of ours
	return base.String() + "/verification?token=" + s.pageToken(pageVerify, conv, id)
}

// FormPage is an open form as its page shows it.
type FormPage = engine.FormView

// Form is the open form behind a link. ErrNoPage, ErrPageClosed.
func (s *Service) Form(ctx context.Context, token string) (FormPage, error) {
	conv, id, err := s.readPageToken(pageForm, token)
	if err != nil {
		return FormPage{}, err
	}
	v, err := s.View(ctx, storage.Key{UID: conv})
	if errors.Is(err, storage.ErrNotFound) {
		err = ErrPageClosed // erased since
	}
	if err != nil {
		return FormPage{}, err
	}
	return s.formOf(v, id)
}

func (s *Service) formOf(v *View, id string) (FormPage, error) {
	if v.Snap.Conv.Status != storage.Open || v.State.Version == 0 || v.Project == nil {
		return FormPage{}, ErrPageClosed
	}
	page, ok := engine.FormOf(s.setsFor(v.Project, v.State), v.State)
	q := v.State.Question
	if !ok || page.ID != id || q.Field == "" && !v.Now.Before(page.Expires) {
		return FormPage{}, ErrPageClosed
	}
	return page, nil
}

// FormFile is one file of a form.
type FormFile struct {
	Name, MIME string
	Content    []byte
}

// SubmitForm takes a form that was sent: values by slot as typed, files of
// media fields. What is wrong comes back by slot, in words for the customer,
// and nothing was stored then. ErrNoPage, ErrPageClosed.
func (s *Service) SubmitForm(ctx context.Context, token string, values map[string]string, files map[string][]FormFile) (wrong map[string]string, err error) {
	conv, id, err := s.readPageToken(pageForm, token)
	if err != nil {
		return nil, err
	}
	in := &formEntry{id: id, values: map[string]string{}, files: files}
	for name, v := range values {
		in.values[name] = strings.ReplaceAll(strings.ToValidUTF8(v, "\uFFFD"), "\x00", "\uFFFD")
	}
	_, err = s.Do(ctx, storage.Key{UID: conv}, func(v *View) (*Draft, error) {
		if in.page, err = s.formOf(v, id); err != nil {
			return nil, err
		}
		in.attach()
		d, err := s.safely(v, func(d *Draft) error { return s.submitted(ctx, d, in) })
		if len(in.wrong) > 0 {
			return nil, nil
		}
		return d, err
	})
	if errors.Is(err, storage.ErrNotFound) {
		err = ErrPageClosed
	}
	return in.wrong, err
}

// formEntry is one form on its way in.
type formEntry struct {
	id     string
	page   FormPage
	values map[string]string
	files  map[string][]FormFile
	media  []dm.Media // of files, once kept
	wrong  map[string]string
}

// attach makes the files of media fields their values; nothing that was typed
// is one, and no other field takes a file.
func (in *formEntry) attach() {
	for _, f := range in.page.Fields {
		if f.Type != engine.SlotMedia {
			continue
		}
		kinds := make([]string, len(in.files[f.Slot]))
		for i, file := range in.files[f.Slot] {
			kinds[i] = mediaKind(file.MIME)
		}
		in.values[f.Slot] = strings.Join(kinds, ",")
	}
}

func (s *Service) submitted(ctx context.Context, d *Draft, in *formEntry) error {
	in.wrong = nil
	seq := d.conv.LastSeq + 1
	ev := engine.Event{Kind: engine.EvForm, Seq: seq, Form: &engine.FormResult{ID: in.id, Values: in.values}, World: s.world(d, engine.EntryNow{})}
	res, err := s.stepEngine(d, ev)
	if err != nil {
		return err
	}
	for _, e := range res.Effects {
		if bad, ok := e.(engine.FormErrors); ok {
			in.wrong = bad.Fields
			return nil
		}
	}
	if err := s.keepFiles(ctx, d, in); err != nil {
		return err
	}
	d.Append(NewMessage{Kind: storage.MsgForm, Dir: storage.DirIn, Author: storage.AuthorCustomer, Trace: res.Trace, Body: Body{Text: in.shown(d), Media: in.media}})
	for _, row := range s.mediaRows(d, seq, in.media) {
		d.Media(row)
	}
	d.Handled(seq)
	d.CancelTimers(timerBurst)
	return s.effects(d, ev, res)
}

// keepFiles keeps the files of a form, once for all times it is decided on.
func (s *Service) keepFiles(ctx context.Context, d *Draft, in *formEntry) error {
	if in.media != nil {
		return nil
	}
	for _, f := range in.page.Fields {
		if f.Type != engine.SlotMedia {
			continue
		}
		for _, file := range in.files[f.Slot] {
			m, err := s.host.SaveMedia(ctx, aliasOf(d), d.address.Thread, file.Name, file.MIME, strings.NewReader(string(file.Content)))
			if err != nil {
				return err
			}
			in.media = append(in.media, m)
		}
	}
	return nil
}

// shown is the form as people read it in the thread: personal values hidden as
// everywhere, secret ones not there.
func (in *formEntry) shown(d *Draft) string {
	var lines []string
	for _, f := range in.page.Fields {
		value := strings.TrimSpace(in.values[f.Slot])
		def := slotOf(d.set(), f.Slot)
		switch {
		case value == "" || f.Type == engine.SlotMedia:
			continue
		case f.Secret:
			value = hidden
		case def != nil && def.PII:
			value = Mask(value)
		}
		for _, v := range f.Values {
			if v.ID == value {
				value = v.Label
			}
		}
		lines = append(lines, labelled(f.Label, value))
	}
	return strings.Join(lines, "\n")
}

// labelled is one line of a form; a label that is a question needs no colon.
func labelled(label, value string) string {
	if last, _ := utf8.DecodeLastRuneInString(label); strings.ContainsRune("?!.:？؟", last) {
		return label + " " + value
	}
	return label + ": " + value
}
