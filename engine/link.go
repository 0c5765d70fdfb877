package engine

import (
	"fmt"
	"hash/fnv"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// linked is what Link adds to a set: everything a step would otherwise have
// to build.
type linked struct {
	lobby   *Flow                      // stands in for a flow before any is entered: escapes only
	byName  map[string]*Escape         // merged: built-in or declared
	side    map[string]string          // normalised phrase → help moment missing
	filler  map[string]bool            // normalised fillers of all recognised languages
	correct []string                   // normalised correction words
	find    []*Slot                    // slots with find that are looked for ahead of time
	langs   []string                   // recognised: the project's and English
	results map[string]map[string]bool // by flow: what it can return
	foreign sync.Map                   // *Flow of another set → *escapeIndex, for pinned flows
}

// Link finishes a set: names of edges, fsm tables and pools, phrase indexes,
// compiled patterns. After it the set is immutable and shared; nothing is
// compiled in a step. It fails on what the checker of package flows would have
// found: an edge with two targets, a pattern that does not compile.
//
// A flow that was linked in another set is taken as it is and not written to:
// whoever puts it here vouches that the languages, defaults, everywhere and
// slots of this set, and the results of the flows it calls, are those it was
// linked with.
func (s *Set) Link() error {
	s.linked = &linked{langs: recognised(s.Languages)}
	if err := s.linkSlots(); err != nil {
		return fmt.Errorf("link slots: %w", err)
	}
	s.linkWords()
	s.mergeEscapes()
	for _, name := range s.FlowOrder {
		f := s.Flows[name]
		if f.machines != nil {
			continue
		}
		f.surveys = f.asksSurvey()
		for _, state := range f.StateOrder {
			if err := s.linkState(f, f.States[state]); err != nil {
				return fmt.Errorf("link %s.%s: %w", name, state, err)
			}
		}
	}
	s.linkResults()
	s.linked.lobby = &Flow{}
	if err := s.linkFlow(s.linked.lobby); err != nil {
		return fmt.Errorf("link everywhere: %w", err)
	}
	for _, name := range s.FlowOrder {
		if s.Flows[name].machines != nil {
			continue
		}
		if err := s.linkFlow(s.Flows[name]); err != nil {
			return fmt.Errorf("link %s: %w", name, err)
		}
	}
	return nil
}

// recognised are the languages whose words count at all times.
func recognised(project []string) []string {
	langs := slices.Clone(project)
	if !slices.Contains(langs, "en") {
		langs = append(langs, "en")
	}
	return langs
}

// patterns are compiled once, however many slots have the same.
type patterns map[string]*regexp.Regexp

func (p patterns) of(pattern string) (*regexp.Regexp, error) {
	if re := p[pattern]; re != nil {
		return re, nil
	}
	re, err := regexp.Compile(pattern)
	if err == nil {
		p[pattern] = re
	}
	return re, err
}

func (s *Set) linkSlots() error {
	compiled := patterns{}
	for _, name := range s.SlotOrder {
		sl := s.Slots[name]
		if sl.Pattern != "" {
			re, err := compiled.of(anchored(sl.Pattern))
			if err != nil {
				return fmt.Errorf("pattern of %s: %w", name, err)
			}
			sl.pattern, sl.fits = re, shapeOf(sl.Pattern)
		}
		if sl.Find != "" {
			re, err := compiled.of("(?i)" + sl.Find)
			if err != nil {
				return fmt.Errorf("find of %s: %w", name, err)
			}
			sl.find, sl.finds = re, shapeOf("(?i)"+sl.Find)
			if !sl.Secret {
				s.linked.find = append(s.linked.find, sl)
			}
		}
		sl.rules = rulesOf(sl)
		if sl.Type == SlotChoice {
			sl.values = valueForms(sl)
		}
		sl.called = normalisedAll(sl.Called)
		if sl.Called == nil {
			sl.called = []string{Normalise(strings.ReplaceAll(name, "_", " "))}
		}
	}
	return nil
}

// rulesOf is a hash of what decides whether a value is valid, 0 for a slot that
// takes any text.
func rulesOf(sl *Slot) uint32 {
	plain := sl.Type == SlotText || sl.Type == ""
	if plain && sl.Pattern == "" && sl.Check == nil && sl.Min == nil && sl.Max == nil && len(sl.Clean) == 0 {
		return 0
	}
	h := fnv.New32a()
	_, _ = fmt.Fprintf(h, "%s|%q|%q", sl.Type, sl.Pattern, sl.Clean)
	if sl.Check != nil {
		_, _ = fmt.Fprintf(h, "|%q", sl.Check.Source)
	}
	for _, limit := range [...]*float64{sl.Min, sl.Max} {
		if limit != nil {
			_, _ = fmt.Fprintf(h, "|%g", *limit)
		}
		_, _ = h.Write([]byte{'|'})
	}
	for _, v := range sl.Values {
		_, _ = fmt.Fprintf(h, "|%q", v.ID)
	}
	return h.Sum32()
}

func normalisedAll(words []string) []string {
	out := make([]string, 0, len(words))
	for _, w := range words {
		if n := Normalise(w); n != "" {
			out = append(out, n)
		}
	}
	return out
}

func (s *Set) linkWords() {
	l := s.linked
	l.side, l.filler = map[string]string{}, map[string]bool{}
	for _, lang := range l.langs {
		p := PackOf(lang)
		if p == nil {
			continue
		}
		for _, row := range [...]string{"help", "moment", "missing"} {
			for _, w := range normalisedAll(p.Words[row]) {
				l.side[w] = row
			}
		}
		for _, w := range normalisedAll(p.Words["fillers"]) {
			l.filler[w] = true
		}
		l.correct = append(l.correct, normalisedAll(p.Words["correction"])...)
	}
}

// linkState names the edges of a state and indexes its options.
func (s *Set) linkState(f *Flow, st *StateDef) error {
	st.Flow = f.Name
	st.full = f.Name + "." + st.Name
	st.where = st.full + ":" + strconv.Itoa(st.At.Line)
	st.place = st.At.String()
	st.exits = map[string]*Exit{}
	st.hash = s.questionHash(st)
	s.nameEdges(st)
	if err := st.HTTP.link(); err != nil {
		return err
	}
	s.linkForm(st)
	for _, o := range st.allOptions() {
		ix, err := s.indexOption(o)
		if err != nil {
			return err
		}
		o.index = ix
	}
	shareEmoji(st.allOptions())
	return nil
}

// allOptions are the options of a state wherever they are written.
func (s *StateDef) allOptions() []*Option {
	if s.Collect != nil {
		return s.Collect.Options
	}
	return s.Options
}

// questionHash changes when the question reads differently or offers others.
func (s *Set) questionHash(st *StateDef) string {
	if !st.Asks() {
		return ""
	}
	h := fnv.New64a()
	write := func(t *Text) {
		if t == nil {
			return
		}
		for _, v := range append([]*Text{t}, t.Any...) {
			if tpl := v.Lang[s.first()]; tpl != nil {
				_, _ = h.Write([]byte(tpl.Source + "\x00"))
				for _, p := range tpl.Parts {
					_, _ = h.Write([]byte(p.Lit))
				}
			}
		}
	}
	write(st.asked())
	if st.Form != nil {
		for _, f := range st.Form.Fields {
			_, _ = h.Write([]byte("|" + f.Slot))
		}
	}
	if c := st.Collect; c != nil {
		_, _ = h.Write([]byte("collect " + c.Slot))
		write(c.Ask)
		if sl := s.Slots[c.Slot]; sl != nil {
			if c.Ask == nil {
				write(sl.Ask)
			}
			for _, v := range sl.Values {
				_, _ = h.Write([]byte("|" + v.ID))
			}
		}
	} else if i := st.spokenQuestion(); i >= 0 {
		write(st.Say[i].Text)
		for _, arm := range st.Say[i].Group {
			write(arm.Text)
		}
	}
	for _, o := range st.allOptions() {
		_, _ = h.Write([]byte("|" + o.ID))
	}
	return strconv.FormatUint(h.Sum64(), 36)
}

// first is the language the flows are written in.
func (s *Set) first() string {
	if len(s.Languages) == 0 {
		return "en"
	}
	return s.Languages[0]
}

func (p Place) String() string {
	if p.File == "" {
		return ""
	}
	return p.File + ":" + strconv.Itoa(p.Line)
}

// Rules is a hash of everything that decides whether a value is the slot's: 0
// for text without rules. A value keeps the one it was read by.
func (sl *Slot) Rules() uint32 { return sl.rules }
