package engine

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/expr-lang/expr/vm"
)

var (
	errNoEvaluator = errors.New("no event to evaluate against")
	errFuel        = errors.New("this expression works too long")
	errBytes       = errors.New("this event builds too much text")
	errNil         = errors.New("a value is empty here")
	errNumber      = errors.New("the result is not a number")
)

// evaluator holds the counters of one event and what an expression may see.
// One belongs to one turn; expressions reach it through the hidden entry only.
type evaluator struct {
	t      *turn
	env    map[string]any
	fuel   int // of the running evaluation
	built  int // bytes of text built in this event
	nested int // depth of canned texts in texts

	noting bool     // a condition is being decided whose reasons are stored
	asked  []string // what the functions said that it asked
}

// spend takes n ticks of fuel.
func (e *evaluator) spend(n int) error {
	if e.fuel -= n; e.fuel < 0 {
		return errFuel
	}
	return nil
}

// build accounts for text of n bytes, in bytes of the event and in fuel.
func (e *evaluator) build(n int) error {
	if e.built += n; e.built > maxBuilt {
		return errBytes
	}
	return e.spend(n / 256)
}

// vms keeps virtual machines between evaluations; they hold no state of ours.
var vms = sync.Pool{New: func() any { return new(vm.VM) }}

// eval runs x. Whatever goes wrong inside becomes an error.
func (e *evaluator) eval(x *Expr) (out any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: %v", x.Rule, r)
		}
	}()
	for _, r := range x.reads {
		e.provide(r)
	}
	fuel := e.fuel
	if e.nested == 0 {
		e.fuel = maxFuel
	}
	machine := vms.Get().(*vm.VM)
	out, err = machine.Run(x.program, e.env)
	vms.Put(machine)
	if e.nested > 0 {
		e.fuel = min(e.fuel, fuel)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", x.Rule, err)
	}
	return out, nil
}

// provide puts what one read needs into the environment, always afresh.
func (e *evaluator) provide(r read) {
	if r.field == "" || !knownRoot(r.root) {
		e.env[r.root] = e.t.root(r.root)
		return
	}
	m, ok := e.env[r.root].(map[string]any)
	if !ok || m == nil {
		m = make(map[string]any, 8)
		e.env[r.root] = m
	}
	m[r.field] = e.t.field(r.root, r.field)
}

func knownRoot(name string) bool {
	switch name {
	case "slots", "contact", "conversation", "message", "entry", "channel", "queue", "form", "verify":
		return true
	}
	return false
}

// number reads a number of any kind.
func number(v any) (float64, bool) {
	switch n := v.(type) {
	case float64:
		return n, true
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	}
	return 0, false
}

func finite(f float64) (any, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, errNumber
	}
	return f, nil
}

// arithmetic makes a checked operator of two numbers.
func arithmetic(op func(a, b float64) (float64, error)) exprFunc {
	return func(_ *evaluator, args []any) (any, error) {
		if len(args) != 2 {
			return nil, errNil
		}
		a, okA := number(args[0])
		b, okB := number(args[1])
		if !okA || !okB {
			return nil, fmt.Errorf("cannot calculate with %s and %s", kindOf(args[0]), kindOf(args[1]))
		}
		f, err := op(a, b)
		if err != nil {
			return nil, err
		}
		return finite(f)
	}
}

var errZero = errors.New("division by zero")

func opSub(a, b float64) (float64, error) { return a - b, nil }
func opMul(a, b float64) (float64, error) { return a * b, nil }

func opDiv(a, b float64) (float64, error) {
	if b == 0 {
		return 0, errZero
	}
	return a / b, nil
}

func opMod(a, b float64) (float64, error) {
	if b == 0 {
		return 0, errZero
	}
	return math.Mod(a, b), nil
}

// opAdd adds numbers and joins texts, within the byte budget.
func opAdd(e *evaluator, args []any) (any, error) {
	if len(args) == 2 {
		a, okA := args[0].(string)
		b, okB := args[1].(string)
		if okA && okB {
			if err := e.build(len(a) + len(b)); err != nil {
				return nil, err
			}
			return a + b, nil
		}
	}
	return arithmetic(func(a, b float64) (float64, error) { return a + b, nil })(e, args)
}

// opIn is `in`, false whenever either side is nil.
func opIn(e *evaluator, args []any) (any, error) {
	if len(args) != 2 || args[0] == nil || args[1] == nil {
		return false, nil
	}
	switch list := args[1].(type) {
	case []string:
		return inStrings(e, args[0], list)
	case []any:
		if err := e.spend(1 + len(list)/8); err != nil {
			return nil, err
		}
		for _, have := range list {
			if sameValue(have, args[0]) {
				return true, nil
			}
		}
		return false, nil
	}
	return nil, fmt.Errorf("in needs a list, not %s", kindOf(args[1]))
}

func inStrings(e *evaluator, needle any, list []string) (any, error) {
	if err := e.spend(1 + len(list)/8); err != nil {
		return nil, err
	}
	s, ok := needle.(string)
	if !ok {
		return false, nil
	}
	for _, have := range list {
		if have == s {
			return true, nil
		}
	}
	return false, nil
}

// sameValue compares as == does: numbers by value, dates by moment.
func sameValue(a, b any) bool {
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x == y
	}
	switch x := a.(type) {
	case string:
		y, ok := b.(string)
		return ok && x == y
	case bool:
		y, ok := b.(bool)
		return ok && x == y
	case time.Time:
		y, ok := b.(time.Time)
		return ok && x.Equal(y)
	}
	return a == nil && b == nil
}

// opTick is one turn of a predicate.
func opTick(e *evaluator, _ []any) (any, error) { return true, e.spend(1) }

// opMeter passes its text on and charges for reading it.
func opMeter(e *evaluator, args []any) (any, error) {
	if len(args) != 1 {
		return nil, errNil
	}
	if s, ok := args[0].(string); ok {
		return s, e.spend(1 + len(s)/16)
	}
	return args[0], nil
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case string:
		return "a text"
	case float64, int, int64:
		return "a number"
	case bool:
		return "yes or no"
	case time.Time:
		return "a date"
	case []string, []any:
		return "a list"
	}
	return "this"
}

// environments keeps the maps of expressions between steps.
var environments = sync.Pool{New: func() any { return make(map[string]any, 8) }}

// release empties the environment of everything personal and gives it back.
func (e *evaluator) release() {
	for name, v := range e.env {
		if m, ok := v.(map[string]any); ok && knownRoot(name) { // others are the conversation's own
			clear(m)
			continue
		}
		delete(e.env, name)
	}
	environments.Put(e.env)
	e.env = nil
}
