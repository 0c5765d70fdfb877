package engine

import "strconv"

// nameEdges gives every exit of a state its edge names where flows has not,
// and finds them by key.
func (s *Set) nameEdges(st *StateDef) {
	n := edgeNamer{st}
	n.exit(st.Else, "skip_state", "skip_state")
	if c := st.Collect; c != nil {
		n.exit(c.GiveUp, "give_up", "give_up")
		n.exit(c.Missing, "missing", "missing")
	}
	if st.Form != nil {
		n.exit(st.Form.FallbackExit, edgeFallback, edgeFallback)
	}
	if st.Verify != nil {
		n.exit(st.Verify.Failed, edgeUnverified, edgeUnverified)
	}
	for _, o := range st.allOptions() {
		n.exit(o.Exit, "opt:"+o.ID, "opt:"+o.ID)
	}
	for i, a := range st.NoMatch {
		edge := "no_match:" + strconv.Itoa(i+1)
		n.exit(a.Exit, edge, edge)
	}
	for i, w := range st.NoReply {
		edge := "no_reply:" + strconv.Itoa(i+1)
		n.exit(w.Exit, edge, edge)
	}
	if h := st.HTTP; h != nil {
		for result, x := range h.On {
			n.exit(x, "http:"+result, "http:"+result)
		}
		n.exit(h.OnElse, edgeFailed, edgeFailed)
	}
	n.own(st.Exit)
}

// edgeNamer names the exits of one state.
type edgeNamer struct{ st *StateDef }

// own names the state's own exit.
func (n edgeNamer) own(x *Exit) {
	if x == nil {
		return
	}
	edge := "next"
	switch x.Kind {
	case ExitBranch:
		edge = "branch"
	case ExitCall:
		edge = "call:" + x.Flow
	case ExitReturn:
		edge = "return:" + orDone(x.Result)
	case ExitHandoff:
		edge = "handoff"
	case ExitResolve:
		edge = "resolve:" + x.Reason
	}
	n.exit(x, edge, edge)
}

func orDone(result string) string {
	if result == "" {
		return "done"
	}
	return result
}

// exit names one exit and everything that hangs on it.
func (n edgeNamer) exit(x *Exit, edge, key string) {
	if x == nil {
		return
	}
	if x.Edge == "" {
		x.Edge = edge
	}
	if x.Key == "" {
		x.Key = key
	}
	if x.where == "" && x.At.File != "" { // else it is named, and may be running in another set
		x.where = x.At.String()
	}
	if have := n.st.exits[x.Key]; have != nil && have != x {
		n.st.clash = x.Key
	}
	n.st.exits[x.Key] = x
	n.exit(x.Else, "at_most", x.Key+"/at_most")
	for i := range x.Arms {
		n.arm(x, i)
	}
	for result, on := range x.On {
		n.exit(on, "result:"+result, x.Key+"/result:"+result)
	}
	n.exit(x.OnElse, "result:else", x.Key+"/result:else")
	n.exit(x.Then, "next", x.Key+"/then")
	if h := x.Hand; h != nil {
		n.hand(x, h)
	}
}

// arm names one arm: branch:0 of the state's own branch, KEY/branch:0 below.
func (n edgeNamer) arm(x *Exit, i int) {
	name := "branch:" + strconv.Itoa(i)
	if x.Arms[i].If == nil {
		name = "branch:else"
	}
	key := name
	if x.Key != "branch" {
		key = x.Key + "/" + name
	}
	n.exit(x.Arms[i].Exit, name, key)
}

func (n edgeNamer) hand(x *Exit, h *Hand) {
	if h.Returns != nil {
		n.exit(h.Returns.Exit, "handoff:returned", x.Key+"/returned")
	}
	n.exit(h.Resolved, "handoff:resolved", x.Key+"/resolved")
	for i, w := range h.Unanswered {
		name := "handoff:unanswered:" + strconv.Itoa(i+1)
		n.exit(w.Exit, name, x.Key+"/unanswered:"+strconv.Itoa(i+1))
	}
}
