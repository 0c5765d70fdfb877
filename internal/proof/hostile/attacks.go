package hostile

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// webhookAttacks knock at our own signed channel.
func webhookAttacks() []attack {
	return slices.Concat(bentHooks(), forgedHooks(), mistimedHooks(), signedHooks())
}

// bentHooks are well-made posts whose signature is bent.
func bentHooks() (out []attack) {
	for _, bad := range any401() {
		out = append(out, attack{bad.name, func(r *rand.Rand, t Target) Request {
			q := t.hook(r, blob(r, false), 401)
			bad.bend(r, q.Header, "Webhook-Signature", webhookKey(t.Secret), q.Header.Get("Webhook-Id")+"."+q.Header.Get("Webhook-Timestamp")+"."+string(q.Body))
			return q
		}})
	}
	return out
}

// hookTime is the time header of a post that is off by some seconds.
func hookTime(t Target, off int64) string { return strconv.FormatInt(t.Now.Unix()+off, 10) }

// forgedHooks are signed for something else than what is sent.
func forgedHooks() []attack {
	return []attack{
		{"another channel's secret", func(r *rand.Rand, t Target) Request {
			q := signedHook(r, t.Other, "", hookTime(t, 0), blob(r, false))
			q.Want = []int{401}
			return q
		}},
		{"changed body", func(r *rand.Rand, t Target) Request {
			q := t.hook(r, blob(r, false), 401)
			switch r.IntN(4) {
			case 0:
				q.Body = spoil(r, q.Body)
			case 1:
				q.Body = append(q.Body, '\n')
			case 2:
				q.Body = q.Body[:len(q.Body)-1-r.IntN(20)]
			default:
				q.Body = bytes.ReplaceAll(q.Body, []byte(":"), []byte(": "))
			}
			return q
		}},
		{"changed id or time", func(r *rand.Rand, t Target) Request {
			q := t.hook(r, blob(r, false), 401)
			if r.IntN(2) == 0 {
				q.Header.Set("Webhook-Id", q.Header.Get("Webhook-Id")+"x")
			} else {
				q.Header.Set("Webhook-Timestamp", hookTime(t, 1+r.Int64N(200)))
			}
			return q
		}},
		{"missing header", func(r *rand.Rand, t Target) Request {
			q := t.hook(r, blob(r, false), 401)
			q.Header.Del([]string{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"}[r.IntN(3)])
			return q
		}},
	}
}

// mistimedHooks are signed, with a time or an id that cannot be.
func mistimedHooks() []attack {
	return []attack{
		{"late or early", func(r *rand.Rand, t Target) Request {
			off := (330 + r.Int64N(1<<uint(10+r.IntN(20)))) * (1 - 2*r.Int64N(2))
			q := signedHook(r, t.Secret, "", hookTime(t, off), blob(r, false))
			q.Want = []int{401}
			return q
		}},
		{"no time", func(r *rand.Rand, t Target) Request {
			q := signedHook(r, t.Secret, "", []string{"", "now", "1e9", "-1", "0x5", "99999999999999999999", hookTime(t, 0) + ".5", "+" + hookTime(t, 0), " " + hookTime(t, 0) + " 1"}[r.IntN(9)], blob(r, false))
			q.Want = []int{401}
			return q
		}},
		{"strange id", func(r *rand.Rand, t Target) Request {
			q := signedHook(r, t.Secret, []string{"a b", "a/b", "../x", "ä", "a;b", strings.Repeat("a", 129), "'--", "a\tb"}[r.IntN(8)], hookTime(t, 0), blob(r, false))
			q.Want = []int{401}
			return q
		}},
	}
}

// signedHooks are signed well and carry what no message is.
func signedHooks() []attack {
	return []attack{
		{"signed, not its JSON", func(r *rand.Rand, t Target) Request { return t.hook(r, badJSON(r, blob(r, false)), 400) }},
		{"signed, too deep", func(r *rand.Rand, t Target) Request { return t.hook(r, deep(33+r.IntN(10_000)), 413, 400) }},
		{"signed, no contact", func(r *rand.Rand, t Target) Request {
			return t.hook(r, fmt.Appendf(nil, `{"type":"message.created","timestamp":"2026-11-20T08:00:00Z","data":{"id":"h-%d","text":%s}}`, r.Uint64(), []string{`"x"`, "1", "null", "{}"}[r.IntN(4)]), 400)
		}},
		{"signed, wrong shape", func(r *rand.Rand, t Target) Request {
			return t.hook(r, []byte([]string{`[]`, `"x"`, `1`, `{}`, `{"type":1}`, `{"type":"message.created","data":[]}`, `null`, `{"data":{}}`}[r.IntN(8)]), 400)
		}},
	}
}

// xAttacks knock at X's door.
func xAttacks() (out []attack) {
	for _, bad := range any401() {
		out = append(out, attack{bad.name, func(r *rand.Rand, t Target) Request {
			q := t.signedX(t.Secret, blob(r, true), 401)
			bad.bend(r, q.Header, "X-Twitter-Webhooks-Signature", t.Secret, string(q.Body))
			return q
		}})
	}
	return append(out, []attack{
		{"another channel's secret", func(r *rand.Rand, t Target) Request { return t.signedX(t.Other, blob(r, true), 401) }},
		{"changed body", func(r *rand.Rand, t Target) Request {
			q := t.signedX(t.Secret, blob(r, true), 401)
			q.Body = append(spoil(r, q.Body), []string{"", "\n", " "}[r.IntN(3)]...)
			return q
		}},
		{"another channel's header", func(r *rand.Rand, t Target) Request {
			q := t.signedX(t.Secret, blob(r, true), 401)
			q.Header.Set("X-Hub-Signature-256", q.Header.Get("X-Twitter-Webhooks-Signature"))
			q.Header.Del("X-Twitter-Webhooks-Signature")
			return q
		}},
		{"CRC forgery", func(r *rand.Rand, _ Target) Request {
			token := []string{`{"for_user_id":"900100"}`, "%7B%22direct_message_events%22%3A%5B%5D%7D", strings.Repeat("a", 129), "", "a&crc_token=b", "%00", "a%0Ab", "%E2%80%8B", "a;b", "<b>"}[r.IntN(10)]
			q := Request{Method: http.MethodGet, Want: []int{400, 429}}
			q.Path = "/channels/x/webhook?crc_token=" + strings.NewReplacer("{", "%7B", `"`, "%22", "<", "%3C", ">", "%3E").Replace(token)
			return q
		}},
		{"CRC without token", func(*rand.Rand, Target) Request { return Request{Method: http.MethodGet, Want: []int{400, 405, 429}} }},
		{"signed, too deep", func(r *rand.Rand, t Target) Request { return t.signedX(t.Secret, deep(33+r.IntN(10_000)), 413) }},
		{"signed, another account", func(r *rand.Rand, t Target) Request {
			return t.signedX(t.Secret, bytes.ReplaceAll(blob(r, true), []byte(`"900100"`), []byte(`"900199"`)), 200)
		}},
	}...)
}

// common are the requests that no channel takes, whoever signs them.
func common() []attack {
	return []attack{
		{"unknown channel", func(r *rand.Rand, t Target) Request {
			q := t.hook(r, blob(r, false), 404)
			q.Path = "/channels/" + []string{"nobody", "shop2", strings.Repeat("a", 40), "SHOP", "sh%00op", "..%2fshop", "shop%20", "%C3%A4"}[r.IntN(8)] + "/webhook"
			return q
		}},
		{"another method", func(r *rand.Rand, t Target) Request {
			q := t.hook(r, blob(r, false), 405)
			q.Method = []string{"PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "HEAD"}[r.IntN(6)]
			return q
		}},
		{"not JSON by its type", func(r *rand.Rand, t Target) Request {
			q := t.hook(r, blob(r, false), 415)
			q.Header["Content-Type"] = []string{[]string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/xml", "json", "*/*"}[r.IntN(7)]}
			return q
		}},
		{"encoded", func(r *rand.Rand, t Target) Request {
			q := t.hook(r, []byte("{}"), 415)
			if r.IntN(4) == 0 {
				q = t.hook(r, bomb(), 415)
			}
			q.Header.Set("Content-Encoding", []string{"gzip", "deflate", "br", "zstd", "identity", "gzip, gzip"}[r.IntN(6)])
			return q
		}},
		{"too large", func(r *rand.Rand, t Target) Request {
			if r.IntN(4) > 0 {
				q := t.hook(r, blob(r, false), 413)
				q.Lie = 1<<20 + 1 + r.Int64N(1<<40)
				return q
			}
			q := t.hook(r, bytes.Repeat([]byte(" "), 1<<20+1+r.IntN(1<<19)), 413)
			q.Chunks = r.IntN(2) == 0
			return q
		}},
	}
}

// browser is a request of a page of ours.
func (t Target) browser(path, body string, want ...int) Request {
	h := http.Header{}
	h.Set("Origin", t.Origin)
	return Request{Path: "/channels/" + t.Alias + "/web/v1" + path, Header: h, Body: []byte(body), Want: want}
}

func (t Target) visitor(path, body string, want ...int) Request {
	q := t.browser(path, body, want...)
	q.Header.Set("Authorization", "Bearer "+t.Token)
	return q
}

func clientID(r *rand.Rand) string {
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<12), r.IntN(1<<12), r.Uint64()>>16)
}

func said(r *rand.Rand) string { return `{"client_id":"` + clientID(r) + `","text":"injected"}` }

// webAttacks come from other sites and from visitors who are not who they say.
func webAttacks() []attack {
	return slices.Concat(strangers(), badMessages(), badFiles(), badRoutes())
}

// strangers come from elsewhere or say they are somebody else.
func strangers() []attack {
	return []attack{
		{"foreign origin", func(r *rand.Rand, t Target) Request {
			q := t.visitor([]string{"/messages", "/session", "/identity", "/typing", "/read"}[r.IntN(5)], said(r), 403)
			q.Header.Set("Origin", []string{"https://evil.example", "null", "http://127.0.0.1", t.Origin + ".evil.example", "file://", t.Origin + "@evil.example"}[r.IntN(6)])
			return q
		}},
		{"no token", func(r *rand.Rand, t Target) Request {
			return t.browser([]string{"/messages", "/identity", "/read", "/media"}[r.IntN(4)], said(r), 401)
		}},
		{"guessed token", func(r *rand.Rand, t Target) Request {
			q := t.visitor("/messages", said(r), 401)
			q.Header.Set("Authorization", []string{"Bearer " + t.Token[:len(t.Token)-1], "Bearer " + t.Token + "A", "Bearer " + strings.ToUpper(t.Token), "Basic " + t.Token, t.Token, "Bearer", "Bearer " + strconv.FormatUint(r.Uint64(), 36), "Bearer ' OR 1=1 --"}[r.IntN(8)])
			return q
		}},
		{"token in the address", func(r *rand.Rand, t Target) Request {
			return t.browser("/messages?token="+t.Token+"&access_token="+t.Token, said(r), 401)
		}},
		{"forged identity", func(r *rand.Rand, t Target) Request {
			forged := []string{"di1.eyJzdWIiOiJhZG1pbiJ9.", "di1.eyJzdWIiOiJhZG1pbiJ9.AAAA", "di1..", "di2.x.y", "", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.", strings.Repeat("a", 5000)}[r.IntN(7)]
			return t.visitor("/identity", fmt.Sprintf(`{"identity":%q}`, forged), 401)
		}},
	}
}

// badMessages are no messages, or too much of one.
func badMessages() []attack {
	return []attack{
		{"not JSON", func(r *rand.Rand, t Target) Request {
			return t.visitor("/messages", []string{"{", "[]", `{"client_id":1}`, `{"client_id":"x","text":"injected"}`, `{"client_id":"` + clientID(r) + `","client_id":"` + clientID(r) + `","text":"injected"}`,
				`{"client_id":"` + clientID(r) + `","text":{}}`, `{"client_id":"` + clientID(r) + `"}`, said(r) + "x", "\xff\xfe"}[r.IntN(9)], 400)
		}},
		{"too deep", func(r *rand.Rand, t Target) Request {
			return t.visitor("/messages", string(deep(33+r.IntN(5000))), 413, 400)
		}},
		{"not JSON by its type", func(r *rand.Rand, t Target) Request {
			q := t.visitor("/messages", said(r), 415)
			q.Header.Set("Content-Type", []string{"text/plain", "application/x-www-form-urlencoded", "text/json"}[r.IntN(3)])
			return q
		}},
		{"too large", func(r *rand.Rand, t Target) Request {
			q := t.visitor("/messages", said(r), 413, 400)
			if r.IntN(4) == 0 {
				q.Body = bytes.Repeat([]byte(" "), 1<<20+1+r.IntN(1<<18))
			} else {
				q.Body = []byte(`{"client_id":"` + clientID(r) + `","text":"` + strings.Repeat("x", 1<<20) + `"}`)
			}
			return q
		}},
	}
}

// badFiles ask for files of others and send what is no picture.
func badFiles() []attack {
	return []attack{
		{"another's files", func(r *rand.Rand, t Target) Request {
			if r.IntN(2) == 0 {
				return t.visitor("/messages", `{"client_id":"`+clientID(r)+`","text":"injected","media":["`+[]string{"med_1", "../../dispatcher.db", "%2e%2e", "1 OR 1=1"}[r.IntN(4)]+`"]}`, 404)
			}
			q := t.visitor("/media/"+[]string{"med_1", "..%2f..%2fdispatcher.db", "med_" + strconv.FormatUint(r.Uint64(), 10), "%00"}[r.IntN(4)], "", 404, 400)
			q.Method = http.MethodGet
			return q
		}},
		{"a file that runs", func(r *rand.Rand, t Target) Request {
			part := []string{"<svg onload=alert(1)>", "<!doctype html><script>1</script>", "<?xml version='1.0'?><svg/>", "  <SCRIPT>1</SCRIPT>"}[r.IntN(4)]
			q := t.visitor("/media", "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n"+part+"\r\n--b--\r\n", 415)
			q.Header.Set("Content-Type", "multipart/form-data; boundary=b")
			return q
		}},
		{"half a form", func(r *rand.Rand, t Target) Request {
			q := t.visitor("/media", []string{"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\nhalf", "--b--\r\n", "", "--b\r\n" + strings.Repeat("X: y\r\n", 2000)}[r.IntN(4)], 400, 415, 413)
			q.Header.Set("Content-Type", "multipart/form-data; boundary=b")
			return q
		}},
	}
}

// badRoutes use our addresses in ways they are not made for.
func badRoutes() []attack {
	return []attack{
		{"another method", func(r *rand.Rand, t Target) Request {
			q := t.visitor("/messages", said(r), 405)
			q.Method = []string{"PUT", "PATCH", "PROPFIND"}[r.IntN(3)]
			return q
		}},
		{"no such route", func(r *rand.Rand, t Target) Request {
			return t.visitor([]string{"/admin", "/../../../api/v1/users", "/messages/1", "/session/x", "//"}[r.IntN(5)], said(r), 404, 405, 400, 401, 301)
		}},
		{"strange position", func(r *rand.Rand, t Target) Request {
			q := t.visitor("/events?after="+[]string{"-1", "x", "1e9", "99999999999999999999", "%00"}[r.IntN(5)], "", 400)
			q.Method = http.MethodGet
			return q
		}},
	}
}
