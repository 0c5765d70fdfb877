// Package pace says what work costs in units of this machine, for tests that
// bound it. It counts the processor time of the work alone and divides by that
// of a fixed piece of work beside it: a busy or a slow machine changes nothing,
// work that became several times dearer does.
package pace

import (
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Of is what f costs, in units. One unit is a few milliseconds of a processor
// of 2025. What f leaves to other goroutines is not counted.
func Of(f func()) float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return measured(f, threadTime)
}

// OfProcess is Of for work in several goroutines: it counts all that the
// process does meanwhile, so nothing else may run in it.
func OfProcess(f func()) float64 { return measured(f, processTime) }

func measured(f func(), clock func() time.Duration) float64 {
	before := clock()
	f()
	took := clock() - before
	return float64(took) / float64(one())
}

// calibration is how much processor time the unit is measured over: some
// machines count theirs in hundredths of a second only.
const calibration = 250 * time.Millisecond

// one is the processor time of a unit on this machine.
var one = sync.OnceValue(func() time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	unit() // everything is warm
	begun, n := threadTime(), 0
	for ; threadTime()-begun < calibration; n++ {
		unit()
	}
	return (threadTime() - begun) / time.Duration(n)
})

// unit is work of the kind that reading and checking text is: maps, small
// allocations, comparisons.
func unit() {
	words := map[string]int{}
	var keys []string
	for i := range 10_000 {
		key := "word" + strconv.Itoa(i*7919%9973)
		words[key] += len(strings.Fields(key + " and more of it"))
		keys = append(keys, key)
	}
	slices.Sort(keys)
	if len(words) != 9973 || len(keys) != 10_000 {
		panic("pace: the unit is not what it was")
	}
}
