package rehearse

import (
	"strings"
	"testing"
	"time"

	"github.com/rivo/uniseg"
)

func screenReport() *Report {
	return &Report{
		Passed: 31, Failed: 1, Took: 40 * time.Millisecond,
		Outcomes: []Outcome{{
			Name: "late parcel goes to orders with a summary", File: "flows/tests/welcome.test.yaml", Line: 8,
			Failure: &Failure{
				Line:         18,
				Before:       []Entry{{Kind: "bot", Text: "What can we help you with?"}, {Kind: "user", Text: "my pakage hasnt come"}},
				ExpectedKind: "bot", Expected: "What's your order number?*",
				GotKind: "bot", Got: "Sorry, I didn't catch that. Please pick one of these.",
				Why: []string{`welcome.menu: nothing matched "my pakage hasnt come"`, `closest: damaged 0.57 of 0.82 by "damaged" (flows/welcome.yaml:39)`},
			},
		}},
		Coverage: &Coverage{
			States: Share{27, 28}, Transitions: Share{47, 58}, Options: Share{17, 18}, Conditions: Share{17, 20},
			Items: []Item{
				{Kind: itemState, State: "track_order.broken", File: "flows/track_order.yaml", Line: 76},
				{Kind: itemTransition, State: "track_order.look_up", Edge: "http:else", File: "flows/track_order.yaml", Line: 51},
				{Kind: itemTransition, State: "welcome.menu", Edge: "no_match:2", File: "flows/welcome.yaml", Line: 52},
				{Kind: itemTransition, State: "welcome.menu", Edge: "opt:a", File: "flows/welcome.yaml", Line: 53},
				{Kind: itemTransition, State: "welcome.menu", Edge: "opt:b", File: "flows/welcome.yaml", Line: 54},
			},
		},
	}
}

// TestReportOnAScreen: a failure and the coverage as a person sees them in 80
// columns.
func TestReportOnAScreen(t *testing.T) {
	t.Parallel()
	const want = `FAIL  late parcel goes to orders with a summary
      flows/tests/welcome.test.yaml:8

      bot   What can we help you with?
      user  my pakage hasnt come
    - bot   What's your order number?*                    expected, line 18
    + bot   Sorry, I didn't catch that. Please pick one   got
            of these.

      why   welcome.menu: nothing matched "my pakage hasnt come"
            closest: damaged 0.57 of 0.82 by "damaged"
            flows/welcome.yaml:39
      rerun dispatcher test --run "late parcel goes" -v

31 passed, 1 failed in 0.04s

states       27/28   =================================================...   96 %
transitions  47/58   ==========================================..........   81 %
options      17/18   ================================================....   94 %
conditions   17/20   ============================================........   85 %

not covered: track_order.broken (flows/track_order.yaml:76)
             track_order.look_up http:else (flows/track_order.yaml:51)
             welcome.menu no_match:2 (flows/welcome.yaml:52)
             2 more with -v
`
	report := screenReport()
	report.Outcomes = append(report.Outcomes, Outcome{Name: "late parcel again", OK: true})
	var b strings.Builder
	report.WriteScreen(&b, Style{Cover: true}, 80)
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// TestNoLineIsWiderThanTheScreen, whatever it says; only the command to run
// again stays in one piece, to be copied.
func TestNoLineIsWiderThanTheScreen(t *testing.T) {
	t.Parallel()
	report := screenReport()
	report.Outcomes[0].Failure.Got = "日本語の長い文章がここに入りますので折り返しが必要です " + strings.Repeat("x", 200) + "\nsecond line"
	report.Outcomes[0].Log = report.Outcomes[0].Failure.Before
	for _, width := range []int{36, 40, 59, 60, 80, 132} {
		for _, style := range []Style{{Cover: true}, {Verbose: true, Cover: true}} {
			var b strings.Builder
			report.WriteScreen(&b, style, width)
			for line := range strings.Lines(b.String()) {
				line = strings.TrimSuffix(line, "\n")
				if uniseg.StringWidth(line) > width && !strings.Contains(line, "rerun ") {
					t.Errorf("%d columns: %q", width, line)
				}
			}
			for _, word := range []string{"second line", "welcome.menu no_match:2", "expected, line 18", "31 passed"} {
				if flat := strings.Join(strings.Fields(b.String()), " "); !strings.Contains(flat, word) {
					t.Errorf("%d columns: %q is not said\n%s", width, word, b.String())
				}
			}
		}
	}
}
