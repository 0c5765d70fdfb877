package rehearse_test

import (
	"fmt"
	"strings"
	"testing"

	"dispatcher/flows"
	"dispatcher/flows/rehearse"
	"dispatcher/flows/starter"
	"dispatcher/internal/pace"
)

// thousand is the starter with a thousand transcripts of ten steps and more.
func thousand(t testing.TB) *rehearse.Suite {
	t.Helper()
	files, err := flows.Read(starter.FS, "starter")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("defaults: {now: 2026-11-20T10:00:00Z, contact: {first_name: Ann}, queues: {general: {wait: 4m}}}\ntests:\n")
	for i := range 1000 / slower {
		fmt.Fprintf(&b, `  - name: late parcel %d
    chat:
      - user: hello
      - bot: "Hi Ann 👋*"
      - bot: "*wait is about 4 min*"
      - bot: What can we help you with?
        options: ["Where's my order?", Return something, It arrived damaged, My account, Something else]
      - user: my parcel hasnt arived
      - bot: "What's your order number?*"
      - user: its ab 123456 i think
      - expect: {slots.order_number: AB123456}
      - bot: "And the postcode*"
      - user: why do you ask
      - bot: "It lets me check*"
      - wait: 10m
      - bot: "Still there?*"
      - user: SW1A 1AA
      - bot: "Thanks! I've passed this to Orders*"
      - handoff: orders
        tags: ["topic:order"]
        summary: {contains: "Order: AB123456"}
`, i)
	}
	files.Data["flows/tests/thousand.test.yaml"] = []byte(b.String())
	project, tests := flows.LoadTests(files, flows.Options{})
	if !project.OK() || !tests.OK() {
		t.Fatal(project.Summary(), tests.Diagnostics)
	}
	return &rehearse.Suite{Project: project, Tests: tests, Workers: 1}
}

// A thousand transcripts take at most two seconds on one core: that many units
// of one of 2025. Other programs may want the core too, and the machine may be
// a slower one.
func TestAThousandTranscripts(t *testing.T) { // not parallel: what the whole process does is counted
	const most = 400
	s := thousand(t)
	var report *rehearse.Report
	units := pace.OfProcess(func() { report = s.Run() })
	if !report.OK() || report.Passed < 1000/slower {
		var out strings.Builder
		report.WriteText(&out, rehearse.Style{})
		t.Fatal(out.String()[:min(out.Len(), 3000)])
	}
	t.Logf("%d transcripts cost %.0f units", report.Passed, units)
	if units > most {
		t.Errorf("1,000 transcripts cost %.0f units, more than %d", units, most)
	}
}

func BenchmarkThousandTranscripts(b *testing.B) {
	s := thousand(b)
	b.ResetTimer()
	for b.Loop() {
		if r := s.Run(); !r.OK() {
			b.Fatal("a test fails")
		}
	}
}
