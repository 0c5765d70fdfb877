package engine

import "errors"

// Expr is one compiled expression.
type Expr struct {
	Source string // as written
	Rule   string // where it stands: flow.state:line, for traces
}

type linked struct{}

// Pack is the built-in words and sentences of one language.
type Pack struct {
	Lang      string
	Sentences map[string]string   // by name of language.md 4.6, as written with {{ }}
	Words     map[string][]string // by row of language.md 4.6
}

var errNotYet = errors.New("engine: not built yet")

func Step(sets Sets, st State, ev Event) Result             { return Result{State: st} }
func EndsBurst(sets Sets, st State, text string) bool       { return false }
func (s *Set) Link() error                                  { s.linked = &linked{}; return nil }
func CompileExpr(src, rule string) (*Expr, error)           { return &Expr{Source: src, Rule: rule}, nil }
func Normalise(text string) string                          { return text }
func Words(normalised string) []string                      { return nil }
func Similarity(a, b string) float64                        { return 0 }
func PhraseIn(normalisedText, normalisedPhrase string) bool { return false }
func ReadValue(sl *Slot, lang string, dateOrder string, text string) (value any, ok bool) {
	return text, true
}
func ReadLiteral(sl *Slot, text string) (any, bool)                   { return text, true }
func PackOf(lang string) *Pack                                        { return nil }
func Packs() []string                                                 { return nil }
func NewState(set *Set) State                                         { return State{} }
func EncodeState(st State) ([]byte, error)                            { return nil, errNotYet }
func DecodeState(b []byte) (State, error)                             { return State{}, errNotYet }
func FormatValue(set *Set, lang string, value any) string             { return "" }
func StartFlow(set *Set, w World, public bool) (flow string, ok bool) { return "", false }
