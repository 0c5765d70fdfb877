package main

import "testing"

// What was taken a few times at each of many places is never drawn as a number.
func TestFewTimesStayAFew(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		told []int
		want int
	}{{[]int{0, 0, 0, 0, 0, 0}, 1}, {[]int{0, 7}, 7}, {[]int{7, 0}, 7}, {[]int{6, 8}, 14}} {
		sums := map[string]int{}
		for _, n := range c.told {
			addTimes(sums, "a", n)
		}
		if sums["a"] != c.want {
			t.Errorf("%v: %d, want %d", c.told, sums["a"], c.want)
		}
	}
}
