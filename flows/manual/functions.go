package manual

import (
	"fmt"
	"strings"

	"dispatcher/flows"
	"dispatcher/flows/rehearse"
)

// uses is an example of every function. They are worked out on a Friday
// morning, in a conversation with the values of useProject.
func uses() map[string]string {
	return map[string]string{
		"now": `now() | day_and_time()`, "open": `open("support")`, "opens_at": `opens_at("night") | time()`,
		"wait_minutes": `wait_minutes("general")`, "queue_length": `queue_length("general")`,
		"day": `day(slots.ordered)`, "date": `date(slots.ordered)`, "time": `time(now())`, "day_and_time": `day_and_time(opens_at("night"))`,
		"days_since": `days_since(slots.ordered)`, "hours_since": `hours_since(slots.ordered)`, "money": `money(slots.amount)`,
		"plural": `plural(slots.amount, "item", "items")`, "mask": `mask(slots.email)`, "example": `example("email")`,
		"luhn": `luhn("4111 1111 1111 1111")`, "mod11": `mod11("0306406152")`, "mod97": `mod97("GB33BUKB20201555555555")`,
		"mentions": `mentions("Where's my REFUND?", "refund", "money back")`, "fuzzy": `fuzzy("parcel", "parcle")`,
		"empty": `empty(slots.city)`, "sample": `sample(0.5)`, "surveyed_within": `surveyed_within("30d")`, "dm_link": `dm_link("returns")`,
		"len": `len(slots.email)`, "upper": `upper("ab12")`, "lower": `lower("AB12")`, "trim": `trim("  ab12 ")`,
		"round": `round(4.5)`, "floor": `floor(4.5)`, "ceil": `ceil(4.2)`, "abs": `abs(-4)`, "max": `max(3, 7, 5)`, "min": `min(3, 7, 5)`,
		"string": `string(4) + "th"`, "number": `number("4") + 1`,
		"any": `any(slots.items, # == "tea")`, "all": `all(slots.items, len(#) > 2)`, "none": `none(slots.items, # == "milk")`,
		"one": `one(slots.items, # startsWith "c")`, "filter": `filter(slots.items, len(#) > 3)`, "map": `map(slots.items, upper(#))`,
		"count": `count(slots.items, len(#) == 3)`,
	}
}

const (
	useProject = `dispatcher: 1
currency: GBP
schedules: {support: {open: {mon-fri: 08:00-20:00}}, night: {open: {mon-sun: 22:00-23:00}}}
queues: {general: {schedule: support}, late: {schedule: night}}
default_queue: general
`
	useSlots = `slots: {ordered: {type: date, default: 2026-11-17}, amount: {type: number, default: 40}, email: {default: ann@shop.example, example: bob@shop.example}, city: text, items: {type: list, default: [tea, cake, jam]}}
`
	useTest = `tests:
  - name: functions
    now: 2026-11-20T10:00:00Z
    queues: {general: {wait: 4m, length: 2}}
    start: shop
    chat: [{bot: '/.*/'}, {bot: ...}, {handoff: '*'}]
`
)

// functionTable is every function with its example and what came of it.
func (m *writer) functionTable() (string, error) {
	var b strings.Builder
	b.WriteString("\n## Functions\n\nThe examples are worked out on Friday 20 November 2026 at 10:00, in a conversation in which `slots.ordered` is 2026-11-17,\n`slots.amount` is 40, `slots.email` is ann@shop.example, `slots.items` is tea, cake and jam, and `slots.city` is empty.\n\n" +
		"| function | what it answers | for example | comes out as |\n|---|---|---|---|\n")
	examples := uses()
	for _, f := range flows.Functions() {
		use, ok := examples[f.Name]
		if !ok {
			return "", fmt.Errorf("%s() has no example", f.Name)
		}
		out, err := m.workedOut(use)
		if err != nil {
			return "", fmt.Errorf("%s(): %w", f.Name, err)
		}
		fmt.Fprintf(&b, "| `%s(%s)` | %s: %s | `%s` | %s |\n", f.Name, f.Args, f.Result, cell(f.Doc), cell(use), cell(out))
	}
	return b.String(), nil
}

// workedOut is what a text that holds only this expression says.
func (m *writer) workedOut(use string) (string, error) {
	flow := "flow: shop\n" + useSlots + "states:\n  start:\n    say: '= {{ " + strings.ReplaceAll(use, "'", "''") + " }}'\n    handoff: general\n"
	files := &flows.Files{Name: "shop", Data: map[string][]byte{
		"dispatcher.yaml": []byte(useProject), "flows/shop.yaml": []byte(flow),
		"flows/tests/shop.test.yaml": []byte(useTest)}}
	project, tests := flows.LoadTests(files, m.opts)
	var said strings.Builder
	if !project.OK() || !tests.OK() {
		project.WriteText(&said, false)
		tests.WriteText(&said, false)
		return "", fmt.Errorf("%s", said.String())
	}
	report := (&rehearse.Suite{Project: project, Tests: tests, Workers: 1}).Run()
	if !report.OK() {
		report.WriteText(&said, rehearse.Style{})
		return "", fmt.Errorf("%s", said.String())
	}
	for _, e := range report.Outcomes[0].Log {
		if text, ok := strings.CutPrefix(e.Text, "= "); ok && e.Kind == "bot" {
			return text, nil
		}
	}
	return "", nil
}
