// Package engine is the pure runtime of one conversation:
//
//	Step(Sets, State, Event) Result
//
// It has no clock, randomness, I/O, goroutines or context; time arrives inside
// the event. The same arguments give the same result for ever, which is what
// replay, explain and the transcript tests rest on. expr and the classifier
// choose an edge; a pooled looplab/fsm machine fires it.
package engine
