package engine

// resultOf names what follows a call by the result it came back with.
func resultOf(x *Exit, result string) chooser {
	return chooser{edge: "result:" + result, key: x.Key + "/result:" + result}
}

// afterCall is what follows a call whose result has no exit of its own:
// on.else, the goto beside the call, else the way out of the state.
func (s *StateDef) afterCall(x *Exit) *Exit {
	switch {
	case x.OnElse != nil:
		return x.OnElse
	case x.Then != nil:
		return x.Then
	case s.Exit != x:
		return s.Exit
	}
	return nil
}

// linkResults finds the results that each flow can return: what its states
// say, and what they inherit from the project.
func (s *Set) linkResults() {
	shared := map[string]bool{}
	for _, a := range s.Defaults.NoMatch {
		returns(a.Exit, shared)
	}
	for _, w := range s.Defaults.NoReply {
		returns(w.Exit, shared)
	}
	for _, e := range s.Everywhere {
		returns(e.Exit, shared)
	}
	s.linked.results = map[string]map[string]bool{}
	for name, f := range s.Flows {
		if f.machines != nil {
			s.linked.results[name] = f.results
			continue
		}
		found := map[string]bool{}
		for result := range shared {
			found[result] = true
		}
		returns(f.Vanished, found)
		for _, e := range f.Everywhere {
			returns(e.Exit, found)
		}
		for _, st := range f.States {
			for _, x := range st.exits {
				returns(x, found)
			}
		}
		f.results, s.linked.results[name] = found, found
	}
}

func returns(x *Exit, found map[string]bool) {
	eachExit(x, func(x *Exit) {
		if x.Kind == ExitReturn {
			found[orDone(x.Result)] = true
		}
	})
}

// resultEdges adds, to the calls among some exits of a state, an edge for
// every result of the called flow that has no exit of its own.
func (s *Set) resultEdges(t *table, st *StateDef, exits map[string]*Exit) error {
	for _, x := range exits {
		if x.Kind != ExitCall {
			continue
		}
		after := st.afterCall(x)
		if after == nil || s.destination(after) == "" {
			continue
		}
		for result := range s.linked.results[x.Flow] {
			key := resultOf(x, result).key
			if _, written := exits[key]; written {
				continue
			}
			if err := t.add(key, st.full, s.destination(after)); err != nil {
				return err
			}
		}
	}
	return nil
}
