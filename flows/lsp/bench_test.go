package lsp

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dispatcher/flows"
)

// large is a project of n flows of 20 states.
func large(n int) string {
	var b, rules strings.Builder
	for i := range n {
		fmt.Fprintf(&rules, "  - {if: entry.ref == \"f%d\", flow: f%d}\n", i, i)
		fmt.Fprintf(&b, "-- flows/f%03d.yaml --\nflow: f%d\nstates:\n  start: {goto: s1}\n", i, i)
		for j := 1; j < 18; j++ {
			fmt.Fprintf(&b, "  s%d:\n    ask: \"Question %d of flow %d, {{ contact.first_name ?? 'you' }}?\"\n    options:\n      Go on: s%d\n      Stop here: bye\n", j, j, i, j+1)
		}
		b.WriteString("  s18: {goto: bye}\n  bye:\n    branch:\n      - if: contact.vip and message.words > 3\n        handoff: general\n      - else: start\n")
	}
	return "\n-- dispatcher.yaml --\ndispatcher: 1\nbudget: {questions: 99}\nstart:\n" + rules.String() + "  - else: f0\n" + b.String()
}

// BenchmarkKeystroke types into one of 200 flows, through the whole server and
// back: the time from the keystroke to the diagnostics of that very text. The
// letters go through every state that typing goes through: a new name of a
// state that others miss, a text, a quote that is open. x-load is the median
// over the time of a whole load of the project from nothing.
func BenchmarkKeystroke(b *testing.B) {
	project := large(200)
	before := files(project)
	data := map[string][]byte{}
	for path, text := range before {
		data[path] = []byte(text)
	}
	begin := time.Now()
	flows.Load(&flows.Files{Name: "large", Data: data}, flows.Options{})
	whole := time.Since(begin)
	c := start(b, project, "")
	text := before["flows/f100.yaml"]
	c.open("flows/f100.yaml", text)
	c.problems("flows/f100.yaml", 1)
	at := strings.Index(text, "  bye:\n")
	typed := "  new_state:\n    say: \"Hello {{ contact.first_name }}\"\n    goto: bye\n"
	var took []time.Duration
	for b.Loop() {
		for i := 1; i <= len(typed); i++ {
			began := time.Now()
			v := c.change("flows/f100.yaml", contentChange{Text: text[:at] + typed[:i] + text[at:]})
			c.problems("flows/f100.yaml", v)
			took = append(took, time.Since(began))
		}
	}
	slices.Sort(took)
	part := func(p float64) float64 { return float64(took[int(p*float64(len(took)-1))].Microseconds()) / 1000 }
	b.ReportMetric(part(0.5), "ms-p50")
	b.ReportMetric(part(0.95), "ms-p95")
	b.ReportMetric(part(1), "ms-worst")
	b.ReportMetric(part(0.5)/float64(whole.Microseconds())*1000, "x-load")
}
