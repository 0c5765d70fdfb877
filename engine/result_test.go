package engine

import "testing"

// edges are the names of the steps of the path.
func (c *chat) edges() []string {
	var out []string
	for _, p := range c.st.Path {
		out = append(out, p.Edge)
	}
	return out
}

// traced says whether the last step's trace has an edge, and how often.
func (c *chat) traced(edge string) int {
	n := 0
	for _, s := range c.trace.Steps {
		if s.What == "edge" && s.Edge == edge {
			n++
		}
	}
	return n
}

// What follows a call is named by the result, whoever says where it goes: the
// goto beside the call, on.else, the way out of the state, or a branch.
func TestWhatFollowsACallIsNamedByItsResult(t *testing.T) {
	t.Parallel()
	beside := call("b", to("a.other"))
	otherwise := call("b", nil)
	otherwise.On, otherwise.OnElse = map[string]*Exit{"yes": to("a.yes")}, to("a.other")
	both := call("b", to("a.yes"))
	both.OnElse = to("a.other")
	branch := call("b", nil)
	branch.OnElse = &Exit{Kind: ExitBranch, Arms: []Arm{{If: x("result == 'no'"), Exit: to("a.other")}, {Exit: to("a.yes")}}}
	for name, c := range map[string]struct {
		start *StateDef
		path  []string // after the call
	}{
		"goto beside": {&StateDef{Exit: beside}, []string{"result:no"}},
		"on.else":     {&StateDef{Exit: otherwise}, []string{"result:no"}},
		"both":        {&StateDef{Exit: both}, []string{"result:no"}},
		"the state's": {&StateDef{Ask: tx("A?"), Options: []*Option{opt("go", "Go", call("b", nil))}, Exit: to("a.other")}, []string{"result:no"}},
		"a branch":    {&StateDef{Exit: branch}, []string{"branch:0"}},
	} {
		set := linkedSet(t, []*Flow{
			flow("a", states{"start": c.start, "yes": {Exit: closes("yes")}, "other": {Ask: tx("Other?"), Options: []*Option{opt("x", "X", closes("x"))}}}),
			flow("b", states{"start": {Ask: tx("B?"), Options: []*Option{opt("yes", "Yes", back("yes")), opt("no", "No", back("no"))}}}),
		})
		talk := talk(t, set).user("hi")
		if c.start.Ask != nil {
			talk.user("go")
		}
		talk.says("bot: B? [Yes|No]").user("no").says("bot: Other? [X]").at("a.other")
		path := talk.edges()
		if got := path[len(path)-1]; got != c.path[0] {
			t.Errorf("%s: the path ends with %s, want %s: %v", name, got, c.path[0], path)
		}
		if n := talk.traced("result:no"); n != 1 {
			t.Errorf("%s: the trace has result:no %d times: %+v", name, n, talk.trace.Steps)
		}
	}
}

// Two options of a state may call the same flow and go on elsewhere: their
// edges share a name and no key.
func TestResultsOfTwoCallsDoNotClash(t *testing.T) {
	t.Parallel()
	set := linkedSet(t, []*Flow{
		flow("a", states{"start": {Ask: tx("A?"), Options: []*Option{opt("one", "One", call("b", to("a.x"))), opt("two", "Two", call("b", to("a.y")))}},
			"x": {Exit: closes("x")}, "y": {Exit: closes("y")}}),
		flow("b", states{"start": {Exit: back("")}}),
	})
	talk(t, set).user("hi").user("one").says("resolve x")
	c := talk(t, set).user("hi").user("two").says("resolve y")
	if c.traced("result:done") != 1 {
		t.Errorf("%+v", c.trace.Steps)
	}
	for _, edge := range []string{"opt:one/result:done", "opt:two/result:done"} {
		if !set.Flows["a"].machines.has("a.start", edge) {
			t.Errorf("link adds no edge %s", edge)
		}
	}
}

// A result that the linked flows do not know, as another version of the called
// flow may return, still leads on.
func TestUnknownResultLeadsOn(t *testing.T) {
	t.Parallel()
	flows := func(result string) []*Flow {
		return []*Flow{
			flow("a", states{"start": {Exit: call("b", to("a.other"))}, "other": {Exit: closes("other")}}),
			flow("b", states{"start": {Ask: tx("B?"), Options: []*Option{opt("no", "No", back(result))}}}),
		}
	}
	c := talk(t, linkedSet(t, flows("no"))).user("hi").says("bot: B? [No]")
	delete(c.set.linked.results["b"], "no")
	delete(c.set.Flows["a"].machines.known, [2]string{"call:b/result:no", "a.start"})
	c.user("no").says("resolve other")
	if c.traced("result:no") != 1 {
		t.Errorf("%+v", c.trace.Steps)
	}
}

// Slots between which a correction cannot tell are shown by what customers
// call them; those that share it, by their own names.
func TestWhichSlotShowsWhatItIsCalled(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		home, work []string
		want       string
	}{
		{[]string{"home address", "address"}, []string{"office address", "address"}, "home address|office address"},
		{[]string{"address"}, []string{"address"}, "home|work place"},
	} {
		set := linkedSet(t, []*Flow{flow("a", states{
			"start": {Collect: &Collect{Slot: "home", Ask: tx("Home?")}, Exit: to("a.work")},
			"work":  {Collect: &Collect{Slot: "work_place", Ask: tx("Work?")}, Exit: to("a.pet")},
			"pet":   {Collect: &Collect{Slot: "pet", Ask: tx("Pet?")}, Exit: closes("done")},
		})}, slot(&Slot{Name: "home", Type: SlotText, Called: c.home}), slot(&Slot{Name: "work_place", Type: SlotText, Called: c.work}), slot(&Slot{Name: "pet", Type: SlotText}))
		talk(t, set).user("hi").user("here").user("there").user("the address is wrong").
			says("bot: Which one is it? [" + c.want + "]").user("2").says("bot: Work?")
	}
}
