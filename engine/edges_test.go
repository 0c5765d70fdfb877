package engine

import "testing"

// Where an agent sends a conversation has a name of the list in language.md
// 2.22, although no exit of a flow leads there.
func TestWhereAnAgentSendsAConversationHasAName(t *testing.T) {
	t.Parallel()
	set := newSet(t, []*Flow{
		flow("a", states{"start": {Exit: hand("")}, "size": {Ask: tx("What size?"), Options: []*Option{opt("s", "S", closes("done"))}}}),
		flow("csat", states{"start": {Ask: tx("How was it?"), Options: []*Option{opt("good", "Good", closes("done"))}}}),
	})
	set.AfterResolve = "csat"
	c := talk(t, relink(t, set)).user("hi")
	c.st.Owner = "agent"
	chosen := *c
	chosen.event(Event{Kind: EvReturned, Resume: "a.size"}).says("bot: What size? [S]").tookEdge("handoff:returned")
	c.event(Event{Kind: EvResolved}).says("bot: How was it? [Good]").tookEdge("handoff:resolved")
}
