package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dispatcher/channels"
)

func (s *site) upload(name string, data []byte) *httptest.ResponseRecorder {
	s.t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	part, err := form.CreateFormFile("file", name)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := part.Write(data); err != nil || form.Close() != nil {
		s.t.Fatal(err)
	}
	r := s.request("POST", "/web/v1/media", b.String())
	r.Header.Set("Content-Type", form.FormDataContentType())
	return s.do(r)
}

func TestMedia(t *testing.T) {
	t.Parallel()
	s := newSite(t, good+"media: {max_bytes: 2000}\n")
	s.open(`{}`, 201)
	png := append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 100)...)
	if w := s.upload("../../box.png", png); w.Code != 201 || !strings.Contains(w.Body.String(), `{"media":"med_1"}`) {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	w := s.call("GET", "/web/v1/media/med_1", "")
	if h := w.Header(); w.Code != 200 || h.Get("Content-Type") != "image/png" || !strings.HasPrefix(h.Get("Content-Disposition"), "inline") || strings.Contains(h.Get("Content-Disposition"), "..") ||
		h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") || !bytes.Equal(w.Body.Bytes(), png) {
		t.Errorf("%d %v", w.Code, h)
	}
	for name, data := range map[string]string{
		"a.svg": `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`, "b.png": `<?xml version="1.0"?><svg/>`,
		"c.html": "<!doctype html><script>1</script>", "d.txt": "   \n<SCRIPT>alert(1)</SCRIPT>",
	} {
		if w := s.upload(name, []byte(data)); w.Code != 415 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := s.upload("big.png", append(png, make([]byte, 2000)...)); w.Code != 413 {
		t.Errorf("too large: %d %s", w.Code, w.Body)
	}
	if w := s.upload("notes.txt", []byte("plain words")); w.Code != 201 {
		t.Errorf("text: %d", w.Code)
	}
	if w := s.call("GET", "/web/v1/media/med_2", ""); w.Header().Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") {
		t.Errorf("%v", w.Header())
	}
	said := s.call("POST", "/web/v1/messages", `{"client_id":"`+client+`","media":["med_1"]}`)
	if got := s.h.Accepted(); said.Code != 201 || len(got[0].Media) != 1 || got[0].Media[0].MIME != "image/png" {
		t.Errorf("%d %s", said.Code, said.Body)
	}
	s.token = ""
	s.open(`{}`, 201)
	if w := s.call("GET", "/web/v1/media/med_1", ""); w.Code != 404 {
		t.Errorf("another visitor's file: %d", w.Code)
	}
	if w := s.call("POST", "/web/v1/messages", `{"client_id":"`+client+`","media":["med_1"]}`); w.Code != 404 {
		t.Errorf("another visitor's file in a message: %d", w.Code)
	}
}

func shown(seq int64, text string) channels.Shown {
	return channels.Shown{Seq: seq, Event: "message", Data: json.RawMessage(fmt.Sprintf(`{"seq":%d,"text":%q}`, seq, text))}
}

// thread is the one that the session of s writes in.
func (s *site) thread() string {
	s.t.Helper()
	session, err := s.h.Session(s.t.Context(), "web", s.token)
	if err != nil {
		s.t.Fatal(err)
	}
	return session.Thread
}

func TestLongPoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, good)
		s.open(`{}`, 201)
		thread := s.thread()
		s.h.Show(thread, shown(1, "one"))
		s.h.Show("anon:other", shown(1, "not yours"))
		w := s.call("GET", "/web/v1/events?after=0&wait=25", "")
		if got := strings.TrimSpace(w.Body.String()); got != `{"events":[{"seq":1,"event":"message","data":{"seq":1,"text":"one"}}],"seq":1}` {
			t.Errorf("%s", got)
		}
		go func() {
			time.Sleep(4 * time.Second)
			s.h.Show(thread, shown(2, "two"))
		}()
		begun := time.Now()
		if w := s.call("GET", "/web/v1/events?after=1&wait=25", ""); !strings.Contains(w.Body.String(), "two") || time.Since(begun) != 4*time.Second {
			t.Errorf("after %v: %s", time.Since(begun), w.Body)
		}
		begun = time.Now()
		if w := s.call("GET", "/web/v1/events?after=2&wait=99", ""); strings.TrimSpace(w.Body.String()) != `{"events":[],"seq":2}` || time.Since(begun) != 25*time.Second {
			t.Errorf("after %v: %s", time.Since(begun), w.Body)
		}
		if w := s.call("GET", "/web/v1/events?after=x", ""); w.Code != 400 {
			t.Errorf("%d", w.Code)
		}
	})
}

func TestStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, good)
		s.open(`{}`, 201)
		thread := s.thread()
		s.h.Show(thread, shown(8, "old"))
		s.h.Show(thread, shown(9, "missed"))
		go func() {
			time.Sleep(20 * time.Second)
			s.h.Show(thread, shown(10, "a\nb"))
		}()
		r := s.request("GET", "/web/v1/events?after=3", "")
		r.Header.Set("Accept", "text/event-stream")
		r.Header.Set("Last-Event-ID", "8")
		begun := time.Now()
		w := s.do(r)
		if d := time.Since(begun); d != 10*time.Minute {
			t.Errorf("closed after %v", d)
		}
		got := w.Body.String()
		if !strings.HasPrefix(got, "id: 9\nevent: message\ndata: {\"seq\":9,\"text\":\"missed\"}\n\n: \n\nid: 10\nevent: message\ndata: {\"seq\":10,\"text\":\"a\\nb\"}\n\n") {
			t.Errorf("%q", got)
		}
		if n := strings.Count(got, ": \n\n"); n < 38 || n > 40 {
			t.Errorf("%d heartbeats in ten minutes", n)
		}
		if w.Header().Get("Content-Type") != "text/event-stream" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%v", w.Header())
		}
	})
}

// A visitor who waits hears of a new place in line with the next heartbeat,
// once, and without a number that would count as read.
func TestStreamFollowsTheLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, good)
		s.open(`{}`, 201)
		place := func(data string) channels.Shown { return channels.Shown{Event: "owner", Data: json.RawMessage(data)} }
		first, thread := place(`{"owner":"queue","position":2}`), s.thread()
		s.h.Show(thread, channels.Shown{Seq: 4, Event: first.Event, Data: first.Data})
		s.h.Stand(thread, first)
		go func() {
			time.Sleep(20 * time.Second)
			s.h.Stand(thread, place(`{"owner":"queue","position":1}`))
		}()
		r := s.request("GET", "/web/v1/events?after=3", "")
		r.Header.Set("Accept", "text/event-stream")
		got := s.do(r).Body.String()
		want := "id: 4\nevent: owner\ndata: {\"owner\":\"queue\",\"position\":2}\n\n: \n\nevent: owner\ndata: {\"owner\":\"queue\",\"position\":1}\n\n: \n\n"
		if !strings.HasPrefix(got, want) || strings.Count(got, "event: owner") != 2 {
			t.Errorf("%q", got)
		}
	})
}
