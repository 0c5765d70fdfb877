package engine

import (
	"errors"
	"math"
	"time"

	"dispatcher/dm/schedule"
)

var errSchedule = errors.New("there is no such schedule or queue")

// scheduleOf finds opening hours by the name of a schedule or a queue.
func (t *turn) scheduleOf(name string) (*schedule.Schedule, error) {
	if s, ok := t.set.Schedules[name]; ok {
		return s, nil
	}
	if q, ok := t.set.Queues[name]; ok {
		return q.Schedule, nil
	}
	return nil, errSchedule
}

func fnOpen(e *evaluator, args []any) (any, error) {
	name, err := arg[string](args, 0)
	if err != nil {
		return nil, err
	}
	s, err := e.t.scheduleOf(name)
	if err != nil {
		return nil, err
	}
	return s.Open(e.t.now), nil
}

func fnOpensAt(e *evaluator, args []any) (any, error) {
	name, err := arg[string](args, 0)
	if err != nil {
		return nil, err
	}
	s, err := e.t.scheduleOf(name)
	if err != nil {
		return nil, err
	}
	at, ok := s.Opens(e.t.now)
	if !ok {
		return nil, nil
	}
	e.t.quote(Quote{Kind: "opening", Name: name, Due: at})
	return at, nil
}

func fnWaitMinutes(e *evaluator, args []any) (any, error) {
	name, err := arg[string](args, 0)
	if err != nil {
		return nil, err
	}
	if _, ok := e.t.set.Queues[name]; !ok {
		return nil, errSchedule
	}
	q := e.t.ev.World.Queues[name]
	if q.WaitMinutes == nil {
		return nil, nil
	}
	due := e.t.now.Add(time.Duration(*q.WaitMinutes) * time.Minute)
	e.t.quote(Quote{Kind: "eta", Name: name, Due: due})
	return float64(*q.WaitMinutes), nil
}

func fnQueueLength(e *evaluator, args []any) (any, error) {
	name, err := arg[string](args, 0)
	if err != nil {
		return nil, err
	}
	if _, ok := e.t.set.Queues[name]; !ok {
		return nil, errSchedule
	}
	return float64(e.t.ev.World.Queues[name].Waiting), nil
}

// since counts full units between a date and now, negative for the future.
func since(unit time.Duration) exprFunc {
	return func(e *evaluator, args []any) (any, error) {
		at, err := arg[time.Time](args, 0)
		if err != nil {
			return nil, err
		}
		return math.Trunc(float64(e.t.now.Sub(at)) / float64(unit)), nil
	}
}

// dateText makes a function that writes a date in the contact's language.
func dateText(write func(*turn, time.Time) string) exprFunc {
	return func(e *evaluator, args []any) (any, error) {
		at, err := arg[time.Time](args, 0)
		if err != nil {
			return nil, err
		}
		return write(e.t, at), nil
	}
}

// checksum makes a function over the characters of a text.
func checksum(valid func(string) bool) exprFunc {
	return func(e *evaluator, args []any) (any, error) {
		s, err := arg[string](args, 0)
		if err != nil {
			return nil, err
		}
		return valid(s), e.spend(1 + len(s)/16)
	}
}

// digitsOf are the decimal digits of a text, in order.
func digitsOf(s string) []int {
	out := make([]int, 0, len(s))
	for _, r := range s {
		if r >= '0' && r <= '9' {
			out = append(out, int(r-'0'))
		}
	}
	return out
}

// luhn is ISO/IEC 7812-1: every second digit from the right doubled.
func luhn(s string) bool {
	d := digitsOf(s)
	sum := 0
	for i := range d {
		n := d[len(d)-1-i]
		if i%2 == 1 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return len(d) > 1 && sum%10 == 0
}

// mod11 weighs the digits 2, 3, 4 … from the right, the check digit first with
// weight 1, as in ISBN-10 (X is 10 in the last place).
func mod11(s string) bool {
	d := digitsOf(s)
	if n := len(s); n > 0 && (s[n-1] == 'X' || s[n-1] == 'x') {
		d = append(d, 10)
	}
	sum := 0
	for i := range d {
		sum += d[len(d)-1-i] * (i + 1)
	}
	return len(d) > 1 && sum%11 == 0
}

// mod97 is ISO 7064 MOD 97-10 over letters and digits; a text that starts with
// two letters and two digits is an IBAN, whose first four move to the end.
func mod97(s string) bool {
	var chars []byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' {
			chars = append(chars, c)
		}
	}
	if len(chars) < 3 {
		return false
	}
	if len(chars) > 4 && chars[0] >= 'A' && chars[1] >= 'A' && chars[2] < 'A' && chars[3] < 'A' {
		chars = append(chars[4:len(chars):len(chars)], chars[:4]...)
	}
	rest := 0
	for _, c := range chars {
		if c >= 'A' {
			rest = (rest*100 + int(c-'A') + 10) % 97
		} else {
			rest = (rest*10 + int(c-'0')) % 97
		}
	}
	return rest == 1
}
