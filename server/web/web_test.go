package web

import (
	"bytes"
	"strings"
	"testing"
)

// samples holds one filled value per page, so that every branch that a browser
// test does not reach is at least executed.
func samples() map[string][]any {
	return map[string][]any{
		PageLanding: {
			Landing{Project: "acme", Version: "0.1.0", Chat: "/chat", Loopback: true, Flows: 1},
			Landing{Project: "acme", HasAccount: true, Studio: true, Set: "3f2a91c7aabb", Problems: []Problem{{File: "flows/welcome.yaml", Line: 42, Column: 16, Code: "E301", Message: "no state menuu", Hint: "did you mean menu?"}}, Steps: []Step{{Name: "menu", Says: "What can we help you with?", Asks: true}}},
		},
		PageSetup: {
			Setup{Action: "/setup/abc", Project: "acme", Later: true, KeyPlace: "/keys/acme.key"},
			Setup{Errors: map[string]string{"password": "14 characters."}, Values: map[string]string{"name": "Ana"}},
			Setup{TOTPSecret: "JBSWY3DP", QR: "data:image/png;base64,AAAA", Recovery: []string{"aaaa-bbbb"}},
		},
		PageLogin:       {Login{}, Login{Email: "ana@acme.example", Error: "That is not right.", OIDC: "Acme"}},
		PageLoginSecond: {LoginSecond{}, LoginSecond{Error: "That code is old."}},
		PageChat:        {Chat{Project: "acme"}},
		PageFrame:       {Frame{Channel: "web"}, Frame{Channel: "shop", Base: "/x", Title: "Acme", Hours: "Here."}},
		PageConsole:     {Console{Me: Me{ID: "u1", Name: "Ana Sousa"}, Demo: true}, Console{SecondFactor: true, Rejected: true, Problems: []Problem{{Severity: "warning", File: "a.yaml"}, {Severity: "error", File: "flows/welcome.yaml", Line: 42, Column: 16, Message: "no state menuu", Hint: "did you mean menu?"}}}},
		PageProblem:     {ProblemPage{Status: 404, Title: "No such page"}, ProblemPage{ID: "7f3a", Back: "/login", Label: "Log in"}},
	}
}

func TestRenderEveryPage(t *testing.T) {
	t.Parallel()
	for page, values := range samples() {
		for _, data := range values {
			var b bytes.Buffer
			if err := Render(&b, page, data); err != nil {
				t.Fatalf("%s: %v", page, err)
			}
			html := b.String()
			if !strings.HasPrefix(html, "<!doctype html>") || !strings.Contains(html, "</html>") {
				t.Errorf("%s: not a whole page:\n%.200s", page, html)
			}
			if strings.Contains(html, "ZgotmplZ") {
				t.Errorf("%s: the template engine refused a value", page)
			}
			if n := strings.Count(html, "<h1"); n > 1 {
				t.Errorf("%s: %d first headings", page, n)
			}
		}
	}
}

func TestConsoleNamesTheWorstProblem(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := Render(&b, PageConsole, samples()[PageConsole][1]); err != nil {
		t.Fatal(err)
	}
	if want := `data-rejected data-place="flows/welcome.yaml:42:16" data-problem="no state menuu; did you mean menu?"`; !strings.Contains(b.String(), want) {
		t.Errorf("the console does not carry %s", want)
	}
}

func TestFrameSaysWhoAnswers(t *testing.T) {
	t.Parallel()
	for hours, want := range map[string][2]string{
		"":                           {"Assistant · a person is one message away", ""},
		"Chat with us":               {"Assistant · a person is one message away", ""},
		"Chat with us – about 4 min": {"Assistant · a person is one message away", "about 4 min"},
		"We are back Saturday 09:00 – leave a message": {"Assistant · people are back Saturday 09:00", ""},
		"Assistant · a person from 08:00 to 20:00":     {"Assistant · a person from 08:00 to 20:00", ""},
	} {
		f := Frame{Hours: hours}
		if got := [2]string{f.HoursLine(), f.WaitWords()}; got != want {
			t.Errorf("%q gives %q, want %q", hours, got, want)
		}
	}
}
