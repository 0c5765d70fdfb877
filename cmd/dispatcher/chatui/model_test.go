package chatui_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"dispatcher/cmd/dispatcher/chatui"
	"dispatcher/flows"
	"dispatcher/flows/rehearse"
)

var rewrite = flag.Bool("rewrite", false, "write the frames of testdata anew, to be looked at before they are kept")

// shop is a small project with one of everything that the screen shows.
const shop = `flow: shop
slots:
  order: {type: text, example: AB123456, clean: [upper, remove_spaces], pattern: '[A-Z]{2}\d{6}', find: '\b[a-z]{2} ?\d{6}\b'}
  pin: {type: text, secret: true, keep: 1d, called: [pin]}
  n: {type: number}
states:
  start:
    say: ["Hi there.", "What can we help you with?"]
    options:
      Where's my order?: {goto: track, match: [parcel]}
      Return something: secret
      It arrived damaged: person
      My account: count
      Something else: person
  track:
    collect:
      slot: order
      ask: "What's your order number? It looks like AB123456."
      max_tries: 2
      options: {I don't have it: person}
    goto: secret
  secret: {collect: {slot: pin, ask: "And your PIN?"}, goto: checked}
  checked:
    branch:
      - {if: slots.pin == "1234", goto: count}
      - else: count
  count: {collect: {slot: n, ask: "How many?", options: {None: person}}, goto: person}
  person: {handoff: orders}
`

const projectYAML = `dispatcher: 1
project: acme-shop
timezone: Europe/London
start: shop
queues: {orders: {name: Orders}}
default_queue: orders
channels: {web: {}}
`

// load is a project made of one flow file, and whatever more.
func load(t testing.TB, flow string, more ...string) *flows.Project {
	t.Helper()
	fsys := fstest.MapFS{"dispatcher.yaml": {Data: []byte(projectYAML)}, "flows/shop.yaml": {Data: []byte(flow)}}
	for i := 0; i+1 < len(more); i += 2 {
		fsys[more[i]] = &fstest.MapFile{Data: []byte(more[i+1])}
	}
	files, err := flows.Read(fsys, "acme-shop")
	if err != nil {
		t.Fatal(err)
	}
	return flows.Load(files, flows.Options{})
}

// screen is a running screen without a terminal.
type screen struct {
	t testing.TB
	*chatui.Model
	talk  *rehearse.Talk
	quit  bool
	saved string
}

func open(t testing.TB, p *flows.Project, w, h int, color bool) *screen {
	t.Helper()
	if !p.OK() {
		var out strings.Builder
		p.WriteText(&out, false)
		t.Fatal(out.String())
	}
	s := &screen{t: t}
	s.talk = rehearse.New(p.Set, rehearse.Options{Now: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)})
	s.Model = chatui.New(chatui.Config{Project: p, Talk: s.talk, Channel: "web", Color: color, Save: func(_ *flows.Project, name string) error {
		if name == "" {
			return errors.New("write /save NAME")
		}
		s.saved = name
		return nil
	}})
	s.send(tea.WindowSizeMsg{Width: w, Height: h})
	return s
}

func (s *screen) send(msg tea.Msg) {
	s.t.Helper()
	_, cmd := s.Update(msg)
	if cmd != nil {
		if _, ok := cmd().(tea.QuitMsg); ok {
			s.quit = true
		}
	}
	s.frame()
}

// frame is the screen as drawn; every frame must fit and hold no control
// character but colours.
func (s *screen) frame() string {
	s.t.Helper()
	v := s.View()
	for i, line := range strings.Split(v.Content, "\n") {
		plain := ansi.Strip(line)
		if w := ansi.StringWidth(plain); w > s.width() {
			s.t.Fatalf("line %d is %d wide: %q", i, w, plain)
		}
		for _, r := range plain {
			if r < 0x20 || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e {
				s.t.Fatalf("%U reaches the terminal: %q", r, plain)
			}
		}
	}
	if c := v.Cursor; c != nil && (c.X >= max(s.width(), 1) || c.Y > strings.Count(v.Content, "\n")) {
		s.t.Fatalf("the cursor is outside at %d, %d", c.X, c.Y)
	}
	return v.Content
}

func (s *screen) width() int {
	w, _ := s.Size()
	return w
}

// plain is the frame without colours.
func (s *screen) plain() string { return ansi.Strip(s.frame()) }

// keys types a text one key after the other; names in <> are keys.
func (s *screen) keys(text string) {
	s.t.Helper()
	for text != "" {
		if name, rest, ok := strings.Cut(text[1:], ">"); ok && text[0] == '<' {
			s.send(named(s.t, name))
			text = rest
			continue
		}
		r := []rune(text)[0]
		s.send(tea.KeyPressMsg{Code: r, Text: string(r)})
		text = text[len(string(r)):]
	}
}

func named(t testing.TB, name string) tea.KeyPressMsg {
	t.Helper()
	var k tea.KeyPressMsg
	for _, mod := range []struct {
		name string
		mod  tea.KeyMod
	}{{"ctrl+", tea.ModCtrl}, {"alt+", tea.ModAlt}, {"shift+", tea.ModShift}} {
		if rest, ok := strings.CutPrefix(name, mod.name); ok {
			name, k.Mod = rest, k.Mod|mod.mod
		}
	}
	code, ok := map[string]rune{
		"enter": tea.KeyEnter, "tab": tea.KeyTab, "esc": tea.KeyEscape, "up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight,
		"pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "home": tea.KeyHome, "end": tea.KeyEnd, "backspace": tea.KeyBackspace, "delete": tea.KeyDelete,
	}[name]
	if k.Code = code; !ok {
		r := []rune(name)
		if len(r) != 1 {
			t.Fatalf("no key <%s>", name)
		}
		k.Code = r[0]
	}
	return k
}

// wants fails unless the frame shows every text.
func (s *screen) wants(texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		if frame := s.plain(); !strings.Contains(frame, text) {
			s.t.Fatalf("%q is not on the screen:\n%s", text, frame)
		}
	}
}

func (s *screen) lacks(texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		if frame := s.plain(); strings.Contains(frame, text) {
			s.t.Fatalf("%q is on the screen:\n%s", text, frame)
		}
	}
}

// The whole of a talk, as it looks.
func TestFrames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		w, h  int
		color bool
	}{{80, 24, false}, {80, 24, true}, {40, 20, false}, {40, 20, true}, {20, 5, false}, {140, 24, false}} {
		name := fmt.Sprintf("%dx%d", c.w, c.h)
		if c.color {
			name += "-colour"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, load(t, shop), c.w, c.h, c.color)
			var frames []string
			shot := func() {
				frames = append(frames, strings.ReplaceAll(s.frame(), "\x1b", "␛"))
			}
			shot()
			s.keys("hello<enter>my parcel hasnt arived<enter>its ab 123456 i think<enter>")
			edited := load(t, strings.Replace(shop, "And your PIN?", "What is your PIN?", 1))
			s.send(chatui.Edit{Live: edited})
			s.keys("4711")
			shot()
			s.keys("<enter>/slots<enter>")
			s.send(chatui.Edit{Live: edited, Problem: load(t, strings.Replace(shop, "goto: secret", "goto: secrt", 1))})
			s.keys("/go")
			shot()
			golden(t, name, strings.Join(frames, "\n========\n"))
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *rewrite {
		if err := os.WriteFile(path, []byte(got+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got+"\n" != string(want) {
		t.Errorf("the frames differ from %s (-rewrite writes them):\n%s", path, got)
	}
}

// A digit on an empty line is the button; in a line, and where a number is
// asked for, it is a digit.
func TestDigitsPress(t *testing.T) {
	t.Parallel()
	s := open(t, load(t, shop), 80, 24, false)
	s.keys("1<backspace>hello<enter>")
	s.keys("4")
	s.wants("you  My account", "my_account, pressed", "How many?", "alt-1 presses")
	s.keys("1")
	s.wants("> 1")
	s.keys("2<enter>")
	s.wants("you  12", "n = 12", "handoff  orders")
	s.keys("/back<enter>")
	s.wants("How many?")
	s.send(tea.KeyPressMsg{Code: '1', Mod: tea.ModAlt})
	s.wants("you  None", "none, pressed")
}

// What was typed for a secret is nowhere on the screen, in no history, and
// neither is what a command fills it with.
func TestSecretsAreDots(t *testing.T) {
	t.Parallel()
	s := open(t, load(t, shop), 100, 60, false)
	s.keys("hello<enter>2hunter2")
	s.wants("> •••••••")
	s.keys("<enter>")
	s.wants("you  ••••", "pin = ••••", "pin=••••")
	s.keys("/why<enter>/slots<enter>/state<enter><up><up><up><up>")
	s.wants("> hello")
	s.keys("<esc>/set pin=0815")
	s.wants("> /set pin=••••")
	s.keys("<enter>")
	s.wants("/set pin=••••")
	s.lacks("hunter2", "0815")
	s.keys("<up>")
	s.lacks("0815")
}

// Taking inputs back takes them off the screen, and leaves what was told of
// the files.
func TestBack(t *testing.T) {
	t.Parallel()
	s := open(t, load(t, shop), 80, 40, false)
	s.keys("hello<enter>1")
	s.send(chatui.Edit{Live: load(t, strings.Replace(shop, "How many?", "How many of them?", 1))})
	s.keys("ab123456<enter>/why<enter>/back 2<enter>")
	s.wants("the last 2 inputs are taken back", "shop.count reworded. You are still in shop.track.", "you  hello")
	s.lacks("AB123456", "What's your order number?", "stage value")
	s.keys("4")
	s.wants("How many of them?")
	s.keys("/back 99<enter>")
	s.wants("there are not that many steps to go back")
}

// Whatever a flow or a person writes reaches the terminal as text.
func TestHostileText(t *testing.T) {
	t.Parallel()
	flow := strings.NewReplacer(
		`"Hi there."`, `"\e]0;owned\a\e[31mred\u0090\u009b2J \u202eevil\u2066 \u0300\u0300 one\ttab"`,
		"Return something", `"Ret\e[1murn"`).Replace(shop)
	for _, size := range [][2]int{{150, 30}, {80, 24}, {40, 20}, {20, 5}, {7, 3}, {1, 1}} {
		s := open(t, load(t, flow), size[0], size[1], true)
		s.keys("hello<enter>")
		s.send(tea.PasteMsg{Content: "\x1b[2J\x1b]52;c;AAAA\x07two\nlines \u009b31m" + strings.Repeat("e\u0301\u0302", 50)})
		s.frame()
		s.keys("<enter>/set x\x1b[0m=1<enter>/goto \u202eabc<enter>")
		s.send(chatui.Edit{Live: load(t, shop), Missing: "open \x1b[5mflows: gone\r\n"})
		s.keys("<pgup><pgup><pgdown>")
	}
}

// Wide characters, marks and long words keep their columns.
func TestWideText(t *testing.T) {
	t.Parallel()
	flow := strings.NewReplacer("Hi there.", strings.Repeat("漢字", 60)+" 👩‍👩‍👧‍👦🏳️‍🌈 e\u0301 "+strings.Repeat("x", 300), "Return something", "返品したい 👍🏽").Replace(shop)
	for w := 2; w < 150; w += 9 {
		s := open(t, load(t, flow), w, 24, false)
		s.keys("hello<enter>漢字 e\u0301 👍🏽<left><left><backspace><home><delete><end>ok<enter>")
		s.send(tea.PasteMsg{Content: strings.Repeat("長い", 80)})
		s.keys("<left><left><enter>")
	}
}

// Five hundred messages scroll, and a new one is looked at.
func TestScrolling(t *testing.T) {
	t.Parallel()
	s := open(t, load(t, shop), 80, 24, false)
	for i := range 500 {
		s.Update(tea.PasteMsg{Content: fmt.Sprintf("message %d", i)})
		s.Update(named(t, "enter"))
	}
	s.wants("message 499")
	s.keys("<pgup><pgup>")
	s.wants("lines below")
	s.lacks("message 499")
	before := s.plain()
	s.send(chatui.Edit{Live: load(t, strings.Replace(shop, "How many?", "How much?", 1))})
	talk := func(frame string) string { return strings.Join(strings.Split(frame, "\n")[1:10], "\n") }
	if talk(before) != talk(s.plain()) {
		t.Errorf("a reload moved what was looked at:\n%s\n%s", before, s.plain())
	}
	s.keys("<ctrl+home>")
	s.wants("you  message 0")
	s.send(tea.WindowSizeMsg{Width: 30, Height: 10})
	s.send(tea.WindowSizeMsg{Width: 120, Height: 50})
	s.keys("again<enter>")
	s.wants("you  again")
	s.lacks("lines below")
}

// Tab completes commands, states, slots and languages.
func TestCompletion(t *testing.T) {
	t.Parallel()
	s := open(t, load(t, shop), 80, 24, false)
	for _, c := range [][2]string{
		{"/wh<tab>", "> /why"},
		{"/go<tab>shop.c<tab>", "> /goto shop.checked"},
		{"/go<tab>shop.c<tab><tab>", "> /goto shop.count"},
		{"/go<tab>shop.c<tab><tab><tab>", "> /goto shop.checked"},
		{"/set o<tab>", "> /set order="},
		{"/set contact.la<tab>", "> /set contact.language="},
		{"/lang <tab>", "> /lang en"},
		{"/agent r<tab>", "> /agent re"},
		{"/agent d<tab><tab>", "> /agent delegate shop"},
		{"/send i<tab>", "> /send image"},
		{"hello<tab>", "> hello"},
	} {
		s.keys(c[0])
		s.wants(c[1])
		s.keys("<esc>")
	}
	s.keys("/")
	s.wants("/why  /slots  /state")
}

// Lines typed before come back, the one that is being written is not lost.
func TestHistory(t *testing.T) {
	t.Parallel()
	s := open(t, load(t, shop), 80, 24, false)
	s.keys("hello<enter>/state<enter>wri")
	s.keys("<up>")
	s.wants("> /state")
	s.keys("<up><up><up>")
	s.wants("> hello")
	s.keys("<down><down>")
	s.wants("> wri")
	s.keys("<ctrl+w>one two<ctrl+left><ctrl+k>three<ctrl+a>x<ctrl+e>y")
	s.wants("> xone threey")
}

// The keys that end it, and the command.
func TestLeaving(t *testing.T) {
	t.Parallel()
	for _, keys := range []string{"<ctrl+c>", "<ctrl+d>", "hello<ctrl+c>", "/quit<enter>"} {
		s := open(t, load(t, shop), 80, 24, false)
		if s.keys(keys); !s.quit {
			t.Errorf("%s did not end it", keys)
		}
	}
	s := open(t, load(t, shop), 80, 24, false)
	if s.keys("hello<home><ctrl+d>"); s.quit {
		t.Error("ctrl-d in a line must take the next character")
	}
	s.wants("> ello")
}

// Every command is done, with an answer that can be seen.
func TestCommands(t *testing.T) {
	t.Parallel()
	s := open(t, load(t, shop), 100, 50, false)
	for _, c := range []struct{ keys, wants string }{
		{"/state<enter>", "(bot)"},
		{"/goto shop.track<enter>", "What's your order number?"},
		{"/send image<enter>", "you  [image]"},
		{"/wait 10m<enter>", "Fri 20 Nov 10:10"},
		{"/set order=AB123456<enter>", "order=AB123456"},
		{"/slots<enter>", "order = AB123456 (set)"},
		{"/tap 1<enter>", "you  I don't have it"},
		{"/why<enter>", "stage tap"},
		{"/agent claim<enter>", "with an agent"},
		{"hello?<enter>", "an agent has the conversation"},
		{"/agent resolve<enter>", "closed"},
		{"/lang xx<enter>", "is not one of the project's languages"},
		{"/http 404<enter>", "the next look-up is answered like that"},
		{"/save my talk<enter>", `saved  as test "my talk" in flows/tests/chat.test.yaml`},
		{"/save<enter>", "not saved  write /save NAME"},
		{"/frobnicate<enter>", "there is no /frobnicate"},
		{"/help<enter>", "keep the talk as a test"},
	} {
		s.keys(c.keys)
		s.wants(c.wants)
	}
	if s.saved != "my talk" {
		t.Errorf("saved as %q", s.saved)
	}
}

// An edit is told in one line and says where that leaves the talk; a broken
// one is told with its place while the last good one goes on.
func TestEdits(t *testing.T) {
	t.Parallel()
	good := load(t, shop)
	s := open(t, good, 100, 40, false)
	s.keys("hello<enter>1")
	bad := load(t, strings.Replace(shop, "goto: checked", "goto: chekced", 1))
	s.send(chatui.Edit{Live: good, Problem: bad})
	s.wants("rejected  1 error in the edit", `error[E301]: there is no state called "chekced"`, "hint: did you mean checked?", "1 problem", "set "+good.SetID[:8])
	s.send(chatui.Edit{Live: good})
	s.wants("again: the folder is as it was.", "0 problems")
	s.send(chatui.Edit{Live: good, Missing: "no flow files are there"})
	s.wants("missing  the flows cannot be read", "goes on: no flow files are there")
	live := load(t, strings.Replace(shop, "track", "find", -1))
	s.send(chatui.Edit{Live: live})
	s.wants(live.SetID[:8]+" live:", "You were in shop.track, which is gone")
	s.keys("AB123456<enter>")
	s.wants("handoff  orders")
}

// The screen leaves when its context ends, and so does what follows the files.
func TestRunEnds(t *testing.T) {
	t.Parallel()
	p := load(t, shop)
	ctx, stop := context.WithCancel(t.Context())
	in, feed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	defer in.Close()
	cfg := chatui.Config{Project: p, Talk: rehearse.New(p.Set, rehearse.Options{}), Channel: "web"}
	var out strings.Builder
	err = chatui.Run(ctx, cfg, in, &out, nil, func(ctx context.Context, tell func(chatui.Edit)) {
		tell(chatui.Edit{Live: p})
		stop()
		<-ctx.Done()
	})
	if err != nil {
		t.Error(err)
	}
}
