package chatui

import (
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"dispatcher/engine"
	"dispatcher/flows"
)

// Bounds of what is kept.
const (
	maxItems   = 4000 // on the screen's memory; the oldest quarter goes
	maxHistory = 500
)

// Model is the screen: bubbletea drives it with messages.
type Model struct {
	cfg     Config
	project *flows.Project // live
	problem *flows.Project // the folder's, with errors
	missing string
	lang    string
	palette palette
	w, h    int

	items []*item
	marks []int // where each input that can be taken back begins in items
	up    int   // lines that the talk is scrolled up

	edit    editor
	history []string
	at      int    // in history; its length = the line that is being written
	draft   string // that line, while history is looked at
	cycle   []string
	turn    int // in cycle
}

// New is the screen at its start; it has no size before the first
// tea.WindowSizeMsg.
func New(cfg Config) *Model {
	m := &Model{cfg: cfg, project: cfg.Project, lang: cfg.Language, palette: colours(cfg.Color)}
	if m.lang == "" && len(cfg.Project.Set.Languages) > 0 {
		m.lang = cfg.Project.Set.Languages[0]
	}
	m.items = append(m.items, &item{tone: toneDim, text: "Write as a customer would; a digit presses its button. /help lists the commands, ctrl-c ends.", stays: true})
	for _, t := range cfg.Played {
		if t.Input != "" {
			m.items = append(m.items, played(t.Input))
		}
		m.items = append(m.items, items(t.Lines)...)
	}
	m.marks = make([]int, cfg.Talk.Steps())
	for i := range m.marks {
		m.marks[i] = 1
	}
	m.light()
	return m
}

// played is a step of a test as an input: "user: hello".
func played(input string) *item {
	kind, text, _ := strings.Cut(input, ": ")
	if kind == "user" {
		return you(text)
	}
	return &item{who: kind, whoTone: toneBold, text: Clean(text), tone: toneBold}
}

// you is what the customer wrote.
func you(text string) *item {
	return &item{who: "you", whoTone: toneBold, text: Clean(text), tone: toneBold}
}

// Init starts nothing: everything comes as a message.
func (m *Model) Init() tea.Cmd { return nil }

// Update does one message.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.w, m.h = max(msg.Width, 1), max(msg.Height, 1)
	case Edit:
		m.edited(msg)
	case tea.PasteMsg:
		m.written()
		m.edit.insert(msg.Content)
	case tea.KeyPressMsg:
		return m, m.key(msg)
	}
	return m, nil
}

// key does one key.
func (m *Model) key(k tea.KeyPressMsg) tea.Cmd {
	name := k.Keystroke()
	switch name {
	case "ctrl+c":
		return tea.Quit
	case "ctrl+d":
		if len(m.edit.text) == 0 {
			return tea.Quit
		}
	case "ctrl+z":
		return tea.Suspend
	case "ctrl+l":
		return tea.ClearScreen
	case "enter", "kpenter":
		return m.enter()
	case "tab", "shift+tab":
		m.complete(name == "shift+tab")
		return nil
	case "esc":
		m.edit.set("")
		m.written()
		m.up = 0
		return nil
	}
	if m.move(name) {
		return nil
	}
	if n, ok := m.pressed(k); ok {
		return m.do("/tap " + strconv.Itoa(n))
	}
	if m.edit.key(name) {
		m.written()
		return nil
	}
	if k.Text != "" {
		m.written()
		m.edit.insert(k.Text)
	}
	return nil
}

// move does the keys that scroll the talk and walk through the history.
func (m *Model) move(name string) bool {
	page := max(m.rows()-1, 1)
	switch name {
	case "up", "ctrl+p":
		m.recall(-1)
	case "down", "ctrl+n":
		m.recall(1)
	case "pgup":
		m.scroll(page)
	case "pgdown":
		m.scroll(-page)
	case "shift+up", "ctrl+up":
		m.scroll(1)
	case "shift+down", "ctrl+down":
		m.scroll(-1)
	case "ctrl+home":
		m.scroll(1 << 30)
	case "ctrl+end":
		m.scroll(-1 << 30)
	default:
		return false
	}
	return true
}

// pressed is the button that a digit stands for: on an empty line, or with
// alt. Where a number is asked for, only with alt.
func (m *Model) pressed(k tea.KeyPressMsg) (int, bool) {
	n := int(k.Code - '0')
	if n < 1 || n > 9 || n > len(m.cfg.Talk.Pressable()) {
		return 0, false
	}
	if k.Mod == tea.ModAlt {
		return n, true
	}
	return n, k.Mod == 0 && len(m.edit.text) == 0 && !m.asksNumber()
}

// asksNumber says that an answer to the open question may well begin with a
// digit.
func (m *Model) asksNumber() bool {
	set := m.project.Set
	st := m.cfg.Talk.State()
	if st.Question == nil || st.Question.Sub != "" {
		return false
	}
	sl := set.Slots[engine.AskedSlot(set, st)]
	if sl == nil {
		return false
	}
	return sl.Type == engine.SlotNumber || sl.Type == engine.SlotDate || sl.Example != "" && sl.Example[0] >= '0' && sl.Example[0] <= '9'
}

// written forgets what hung on the line as it was.
func (m *Model) written() {
	m.cycle, m.at = nil, len(m.history)
}

// recall walks through what was typed before.
func (m *Model) recall(step int) {
	to := m.at + step
	if to < 0 || to > len(m.history) {
		return
	}
	if m.at == len(m.history) {
		m.draft = m.edit.value()
	}
	if m.at, m.cycle = to, nil; to == len(m.history) {
		m.edit.set(m.draft)
		return
	}
	m.edit.set(m.history[to])
}

// complete finishes a command: as far as it is clear, then one after the
// other.
func (m *Model) complete(back bool) {
	if m.cycle == nil {
		all := m.fitting()
		if len(all) == 0 {
			return
		}
		if c := common(all); len(all) == 1 || c != m.edit.value() && strings.HasPrefix(c, m.edit.value()) {
			m.edit.set(c)
			return
		}
		m.cycle, m.turn = all, -1
		if back {
			m.turn = len(all)
		}
	}
	step := 1
	if back {
		step = -1
	}
	m.turn = (m.turn + step + len(m.cycle)) % len(m.cycle)
	m.edit.set(m.cycle[m.turn])
}

// fitting are the completions of the line.
func (m *Model) fitting() []string {
	return completions(m.project.Set, m.cfg.Talk.Buttons(), m.edit.value())
}

// scroll moves the talk by n lines, up when positive.
func (m *Model) scroll(n int) {
	m.up = min(max(m.up+n, 0), max(len(m.lines())-m.rows(), 0))
}

// light marks the buttons that can be pressed now.
func (m *Model) light() {
	left := m.cfg.Talk.Pressable()
	for i := len(m.items) - 1; i >= 0; i-- {
		it := m.items[i]
		if len(it.options) == 0 {
			continue
		}
		if on := left != nil; it.wait != on {
			it.wait, it.lines = on, nil
		}
		left = nil
	}
}
