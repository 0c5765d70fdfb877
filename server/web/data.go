package web

import (
	"fmt"
	"html/template"
	"regexp"
	"strings"
	"time"
)

// Problem is one diagnostic of the flow files, in the words of `dispatcher check`.
type Problem struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Message  string `json:"message"`
	Hint     string `json:"hint"`
}

// Place is file:line:column.
func (p Problem) Place() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// Landing is the page at /: what runs and where to go.
type Landing struct {
	Project    string
	Version    string
	Address    string    // http://127.0.0.1:8080
	Set        string    // id of the live set; shown shortened
	Since      time.Time // when it went live
	Flows      int
	States     int
	Problems   []Problem
	People     string // "until 20:00, then Sat 09:00"; "" leaves the row out
	Edit       string // a file worth editing; "" = flows/welcome.yaml
	Orders     bool   // the live set reads the order numbers of the example shop
	Loopback   bool   // only this machine sees the page
	HasAccount bool   // opens inbox and studio
	Studio     bool   // studio is served
	Chat       string // address of the demo page; "" = no demo page
	Steps      []Step // what the live set does, in order; may be empty
}

// ShortSet is the set's id as people read it aloud.
func (l Landing) ShortSet() string { return shorten(l.Set, 8) }

// EditFile is the file that the page tells the reader to change.
func (l Landing) EditFile() string {
	if l.Edit == "" {
		return "flows/welcome.yaml"
	}
	return l.Edit
}

// Step is one state of the live set on the start page.
type Step struct {
	Name string // state
	Says string // its first words
	Asks bool   // waits for an answer
	Ends bool   // leaves the flow: a queue, a goodbye
}

// Setup is the form behind the one-time link, and, once the account asked for
// its second factor, the page that shows the code to scan.
type Setup struct {
	Action   string // where the form posts: the same address
	Project  string
	Flows    int
	Problems int
	Listen   string            // 127.0.0.1:8080
	KeyPlace string            // path of the key file, or the variable that holds the key
	Later    bool              // second_factor=later is allowed (loopback only)
	Values   map[string]string // name, email, second_factor: what was typed
	Errors   map[string]string // by field; "" holds one for the whole form

	// Second step, when TOTPSecret is not empty: the form then posts `code`.
	TOTPSecret string
	QR         template.URL // data: address of the picture to scan
	Recovery   []string     // shown once
}

// KeyIsFile says whether KeyPlace is a path and not a variable's name.
func (s Setup) KeyIsFile() bool { return strings.ContainsAny(s.KeyPlace, `/\\`) }

// Chosen is the second factor chosen so far.
func (s Setup) Chosen() string {
	if v := s.Values["second_factor"]; v != "" {
		return v
	}
	return "now"
}

// Login is the log-in form.
type Login struct {
	Action  string // "" = /login
	Project string
	Host    string
	Email   string
	Error   string // one sentence, above the button
	OIDC    string // name of the identity provider; "" = none
}

// LoginSecond asks for the second factor.
type LoginSecond struct {
	Action  string // "" = /login/second
	Project string
	Email   string
	Error   string
}

// Chat is the demo shop with the widget open.
type Chat struct {
	Channel string // alias of the web channel; "" = web
	Project string
	Edit    string // flow file named in the bar; "" = flows/welcome.yaml
	Orders  bool   // the live set reads the order numbers of the example shop, so they are worth typing
}

// ChannelName is the channel, `web` by default.
func (c Chat) ChannelName() string {
	if c.Channel == "" {
		return "web"
	}
	return c.Channel
}

// EditFile is the file that the page tells the reader to change.
func (c Chat) EditFile() string { return Landing{Edit: c.Edit}.EditFile() }

// Frame is the inside of the widget.
type Frame struct {
	Channel string
	Base    string // "" = /channels/{channel}/web/v1
	Title   string // "Acme support"
	Hours   string // "Assistant · a person from 08:00 to 20:00", or the button's sentence; "" = a plain word for it
	Wait    string // "about 4 min", beside "Talk to a person"; may be empty
	Origins string // space-separated origins that may talk to the frame; "" = only its own
}

// BaseURL is where the frame's calls go.
func (f Frame) BaseURL() string {
	if f.Base != "" {
		return f.Base
	}
	return "/channels/" + f.Channel + "/web/v1"
}

// Name is the title, or a plain word for it.
func (f Frame) Name() string {
	if f.Title == "" {
		return "Support"
	}
	if slug.MatchString(f.Title) { // a project's name, as its file has it
		words := strings.NewReplacer("-", " ", "_", " ").Replace(f.Title)
		return strings.ToUpper(words[:1]) + words[1:]
	}
	return f.Title
}

var slug = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)

// HoursLine is who answers until an event says otherwise. It begins with the
// assistant, whatever sentence of the button it was made from.
func (f Frame) HoursLine() string {
	words, _, _ := strings.Cut(f.Hours, " – ")
	switch {
	case strings.Contains(f.Hours, "ssistant"):
		return f.Hours
	case strings.HasPrefix(words, "We are back"):
		return "Assistant · people" + strings.TrimPrefix(words, "We")
	default:
		return "Assistant · a person is one message away"
	}
}

// WaitWords stands beside "Talk to a person": the live quote.
func (f Frame) WaitWords() string {
	if _, after, ok := strings.Cut(f.Hours, " – about "); ok && f.Wait == "" {
		return "about " + after
	}
	return f.Wait
}

// Me is the person who looks at the console.
type Me struct {
	ID    string
	Name  string
	Email string
	Role  string
}

// Initials are the letters in the circle.
func (m Me) Initials() string {
	out := ""
	for _, w := range strings.Fields(m.Name) {
		out += firstRune(w)
	}
	if r := []rune(out); len(r) > 2 {
		out = string(r[0]) + string(r[len(r)-1])
	}
	return strings.ToUpper(out)
}

// Console is the shell of the agent console; everything else comes from the API.
type Console struct {
	Me           Me
	Project      string
	Version      string
	Paused       string // "Assistant paused by Ines Moor at 10:02."; "" = it answers
	Degraded     string // "The disk is almost full."; "" = all is well
	SecondFactor bool   // false shows the admin's reminder
	Problems     []Problem
	Rejected     bool // the folder was rejected, the last good set serves
	Demo         bool // the demo chat exists: empty inbox links to it
}

// Worst is the problem that the banner names: the first error, else the first.
func (c Console) Worst() *Problem {
	for i := range c.Problems {
		if c.Problems[i].Severity == "error" {
			return &c.Problems[i]
		}
	}
	if len(c.Problems) == 0 {
		return nil
	}
	return &c.Problems[0]
}

// ProblemPage is a refusal in words, for a person who followed a link.
type ProblemPage struct {
	Status int
	Title  string
	Detail string
	Back   string // address of the one button; "" = /
	Label  string // its words; "" = "Back to start"
	ID     string // error id, for the log
}

// BackURL is where the button leads.
func (p ProblemPage) BackURL() string {
	if p.Back == "" {
		return "/"
	}
	return p.Back
}

// BackLabel is what the button says.
func (p ProblemPage) BackLabel() string {
	if p.Label == "" {
		return "Back to start"
	}
	return p.Label
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}

func shorten(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

func clock(t time.Time) string { return t.Format("15:04") }

func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// firstBad names the field that gets the focus: the first with an error, in
// the order of the form.
func firstBad(errs map[string]string, order ...string) string {
	for _, name := range order {
		if errs[name] != "" {
			return name
		}
	}
	if len(order) > 0 {
		return order[0]
	}
	return ""
}
