package flows

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

const (
	maxDuration = 400 * 24 * time.Hour
	maxPattern  = 256 // bytes of a regular expression
)

var (
	namePattern    = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
	channelPattern = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	projectPattern = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,39}$`)
	durationPart   = regexp.MustCompile(`^(\d{1,9})(ms|s|m|h|d)`)
	businessTime   = regexp.MustCompile(`^(\d{1,4}) open (hour|minute|day)s?(?: of ([a-z0-9_]+))?$`)
)

// name checks a declared name (E102).
func (l *loader) name(n *source.Node, what string, reserved ...string) bool {
	if !namePattern.MatchString(n.Text) {
		l.err("E102", n.Words(), "%q is not a usable name: small letters, digits and _", n.Text).Hint = usableName(n.Text)
		return false
	}
	for _, r := range reserved {
		if n.Text == r {
			l.err("E102", n.Words(), "%q cannot be the name of a %s: it has a meaning of its own", n.Text, what)
			return false
		}
	}
	return true
}

// usableName turns a name into one that can be used.
func usableName(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' && b.Len() > 0:
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
	}
	out := strings.TrimRight(b.String()[:min(b.Len(), 40)], "_")
	if out == "" {
		return "start with a letter; at most 40 characters"
	}
	return "write " + out
}

// scalar is the text of a node, false for nothing and for what is no text.
func scalar(n *source.Node) (string, bool) {
	if n == nil || n.Kind != source.Scalar {
		return "", false
	}
	return n.Text, true
}

// words are the texts of a name or a list of names.
func words(n *source.Node) []*source.Node {
	switch {
	case n == nil:
		return nil
	case n.Kind == source.Scalar:
		return []*source.Node{n}
	case n.Kind != source.List:
		return nil
	}
	var out []*source.Node
	for _, item := range n.Items {
		if item.Kind == source.Scalar {
			out = append(out, item)
		}
	}
	return out
}

func wordTexts(n *source.Node) []string {
	var out []string
	for _, w := range words(n) {
		out = append(out, w.Text)
	}
	return out
}

// boolean reads true or false (E105).
func (l *loader) boolean(n *source.Node, def bool) bool {
	s, ok := scalar(n)
	switch {
	case !ok:
		return def
	case s == "true":
		return true
	case s == "false":
		return false
	}
	l.err("E105", n.Words(), "%q is not understood; write true or false", s)
	return def
}

// oneOf reads one word of a closed list (E105).
func (l *loader) oneOf(n *source.Node, def string, values ...string) string {
	s, ok := scalar(n)
	if !ok {
		return def
	}
	for _, v := range values {
		if s == v {
			return s
		}
	}
	l.suggest(l.err("E105", n.Words(), "%q is not one of %s", s, strings.Join(values, ", ")), s, values)
	return def
}

// integer reads a whole number within bounds (E105).
func (l *loader) integer(n *source.Node, def, low, high int) int {
	s, ok := scalar(n)
	if !ok {
		return def
	}
	v, err := strconv.Atoi(s)
	if err != nil || v < low || v > high {
		l.err("E105", n.Words(), "%q is not a whole number from %d to %d", s, low, high)
		return def
	}
	return v
}

// fuzzy reads 0.6 to 1 or off; 0 = off.
func (l *loader) fuzzy(n *source.Node, def float64) float64 {
	s, ok := scalar(n)
	if !ok {
		return def
	}
	if s == "off" {
		return 0
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v >= 0.6 && v <= 1) {
		l.err("E105", n.Words(), "%q is not understood; fuzzy is a number from 0.6 to 1, or off", s)
		return def
	}
	return v
}

// duration reads 30s, 10m, 1h30m, 2d (E105).
func (l *loader) duration(n *source.Node, def time.Duration) time.Duration {
	s, ok := scalar(n)
	if !ok {
		return def
	}
	d, ok := parseDuration(s)
	if !ok || strings.Contains(s, "ms") {
		l.badDuration(n, s)
		return def
	}
	return d
}

func (l *loader) badDuration(n *source.Node, s string) {
	d := l.err("E105", n.Words(), "%q is not a duration; write 30s, 10m, 23h, 30d or 1h30m (1s to 400d)", s)
	if strings.HasSuffix(s, "ms") {
		return // it is not m that was meant
	}
	if m := regexp.MustCompile(`^(\d{1,6}) ?(s|m|h|d|sec|min|hour|day)[a-z]*$`).FindStringSubmatch(s); m != nil {
		if meant := m[1] + m[2][:1]; meant != s { // what is only too long is told the limits
			d.Message = strconv.Quote(s) + " is not a duration; write " + meant
		}
	}
}

func parseDuration(s string) (time.Duration, bool) {
	units := map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}
	var total time.Duration
	rest := s
	for rest != "" {
		m := durationPart.FindStringSubmatch(rest)
		if m == nil {
			return 0, false
		}
		n, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil || n > int64(maxDuration/units[m[2]]) {
			return 0, false
		}
		total += time.Duration(n) * units[m[2]]
		rest = rest[len(m[0]):]
	}
	return total, s != "" && total <= maxDuration && (total >= time.Second || strings.HasSuffix(s, "ms"))
}

// delay reads a duration or business time.
func (l *loader) delay(n *source.Node) (engine.Delay, bool) {
	s, ok := scalar(n)
	if !ok {
		return engine.Delay{}, false
	}
	m := businessTime.FindStringSubmatch(s)
	if m == nil {
		d, ok := parseDuration(s)
		if !ok || strings.Contains(s, "ms") {
			l.badDuration(n, s)
			return engine.Delay{}, false
		}
		return engine.Delay{For: d, Source: s}, true
	}
	return l.business(n, s, m)
}

func (l *loader) business(n *source.Node, s string, m []string) (engine.Delay, bool) {
	count, err := strconv.Atoi(m[1])
	if err != nil || count == 0 {
		l.badDuration(n, s)
		return engine.Delay{}, false
	}
	d := engine.Delay{Business: true, Source: s}
	switch m[2] {
	case "hour":
		d.For = time.Duration(count) * time.Hour
	case "minute":
		d.For = time.Duration(count) * time.Minute
	default:
		d.OpenDays = count
	}
	if m[3] != "" {
		from := strings.LastIndex(s, m[3])
		l.wantSchedule(m[3], n.At(from, len(s)))
		d.Schedule = l.set.Schedules[m[3]]
	} else if q := l.set.Queues[l.set.DefaultQueue]; q != nil {
		d.Schedule = q.Schedule
	}
	return d, true
}

// wantSchedule says that a schedule is used and complains when there is none (E217).
func (l *loader) wantSchedule(name string, at source.Range) {
	l.used["schedule "+name] = true
	if _, ok := l.schedules[name]; ok || l.projectUnread() {
		return
	}
	l.suggest(l.err("E217", at, "there is no schedule called %q", name), name, keysOf(l.schedules))
}

// wantQueue says that a queue is used and complains when there is none (E217).
func (l *loader) wantQueue(name string, at source.Range) {
	l.used["queue "+name] = true
	if _, ok := l.queues[name]; ok || l.projectUnread() {
		return
	}
	l.suggest(l.err("E217", at, "there is no queue called %q", name), name, keysOf(l.queues))
}

// projectUnread says that dispatcher.yaml did not parse: what it declares is not known.
func (l *loader) projectUnread() bool {
	_, there := l.docs[projectFile]
	return there && l.root == nil
}

func keysOf[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	return out
}
