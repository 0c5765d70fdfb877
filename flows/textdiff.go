package flows

import (
	"bytes"
	"fmt"
	"strings"
)

// around is how many unchanged lines stand around a change.
const around = 3

// maxCompared bounds the lines that are compared one with another; what is
// longer is shown as taken out and put in.
const maxCompared = 4000

func lines(data []byte) []string {
	if len(data) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
}

// TextDiff is the difference of two versions of a file as unified text, "" when
// they are the same.
func TextDiff(path string, old, new []byte) string {
	if bytes.Equal(old, new) {
		return ""
	}
	var b strings.Builder
	unified(&b, path, ended(old), ended(new))
	return b.String()
}

// ended are lines that say where the last has no line break.
func ended(data []byte) []string {
	out := lines(data)
	if len(out) > 0 && !bytes.HasSuffix(data, []byte("\n")) {
		out[len(out)-1] += "\n\\ No newline at end of file"
	}
	return out
}

// lineEdit is one line of a comparison: ' ', '-' or '+'.
type lineEdit struct {
	op   byte
	text string
}

// unified writes the difference of two files as unified text.
func unified(b *strings.Builder, path string, old, new []string) {
	edits := compared(old, new)
	fmt.Fprintf(b, "--- a/%s\n+++ b/%s\n", path, path)
	from, to, i := 1, 1, 0
	for i < len(edits) {
		if edits[i].op == ' ' {
			from, to, i = from+1, to+1, i+1
			continue
		}
		begin := max(0, i-around)
		for k := i; k > begin; k-- { // back over the lines before
			from, to = from-1, to-1
		}
		end, quiet := i, 0
		for end < len(edits) && quiet <= 2*around {
			if edits[end].op == ' ' {
				quiet++
			} else {
				quiet = 0
			}
			end++
		}
		end -= max(0, quiet-around)
		from, to = hunk(b, edits[begin:end], from, to)
		i = end
	}
}

// hunk writes one stretch and says on which lines the next begins.
func hunk(b *strings.Builder, edits []lineEdit, from, to int) (int, int) {
	a, c := 0, 0
	for _, e := range edits {
		if e.op != '+' {
			a++
		}
		if e.op != '-' {
			c++
		}
	}
	fmt.Fprintf(b, "@@ -%d,%d +%d,%d @@\n", min(from, from+a-1), a, min(to, to+c-1), c)
	for _, e := range edits {
		b.WriteByte(e.op)
		b.WriteString(e.text)
		b.WriteByte('\n')
	}
	return from + a, to + c
}

// compared finds a shortest way from one text to the other, line by line.
func compared(old, new []string) []lineEdit {
	var head, tail []lineEdit
	for len(old) > 0 && len(new) > 0 && old[0] == new[0] {
		head = append(head, lineEdit{' ', old[0]})
		old, new = old[1:], new[1:]
	}
	for len(old) > 0 && len(new) > 0 && old[len(old)-1] == new[len(new)-1] {
		tail = append(tail, lineEdit{' ', old[len(old)-1]})
		old, new = old[:len(old)-1], new[:len(new)-1]
	}
	out := append(head, middle(old, new)...)
	for i := len(tail) - 1; i >= 0; i-- {
		out = append(out, tail[i])
	}
	return out
}

// middle compares what differs at both ends, by the longest common subsequence.
func middle(old, new []string) []lineEdit {
	var out []lineEdit
	if len(old)*len(new) > maxCompared*maxCompared/4 {
		for _, s := range old {
			out = append(out, lineEdit{'-', s})
		}
		for _, s := range new {
			out = append(out, lineEdit{'+', s})
		}
		return out
	}
	common := make([][]int32, len(old)+1)
	for i := range common {
		common[i] = make([]int32, len(new)+1)
	}
	for i := len(old) - 1; i >= 0; i-- {
		for j := len(new) - 1; j >= 0; j-- {
			if old[i] == new[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(old) || j < len(new) {
		switch {
		case i < len(old) && j < len(new) && old[i] == new[j]:
			out = append(out, lineEdit{' ', old[i]})
			i, j = i+1, j+1
		case i < len(old) && (j == len(new) || common[i+1][j] >= common[i][j+1]):
			out = append(out, lineEdit{'-', old[i]})
			i++
		default:
			out = append(out, lineEdit{'+', new[j]})
			j++
		}
	}
	return out
}
