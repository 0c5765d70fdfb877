package flows

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// mutated changes a file by chance. Most results are files of flows, some are
// no YAML any more.
func mutated(r *rand.Rand, text string) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	steps := []func(*rand.Rand, []string) []string{withComment, withComment, besides, withBlank, swapped, swapped, shifted, spread, restyled, restyled, flowSwapped, unindented, trailing}
	for range 1 + r.IntN(8) {
		lines = steps[r.IntN(len(steps))](r, lines)
	}
	out := strings.Join(lines, "\n")
	if r.IntN(8) > 0 {
		out += "\n"
	}
	if r.IntN(10) == 0 {
		out = strings.ReplaceAll(out, "\n", "\r\n")
	}
	if r.IntN(20) == 0 {
		out = "\ufeff" + out
	}
	return out
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

func newComment(r *rand.Rand) string { return fmt.Sprintf("#c%dc a note: {x}", r.Uint32()) }

func withComment(r *rand.Rand, lines []string) []string {
	at := r.IntN(len(lines) + 1)
	indent := 2 * r.IntN(6)
	if at < len(lines) && r.IntN(3) > 0 {
		indent = indentOf(lines[at])
	}
	return slices.Insert(lines, at, strings.Repeat(" ", indent)+newComment(r))
}

func besides(r *rand.Rand, lines []string) []string {
	if at := r.IntN(len(lines)); strings.TrimSpace(lines[at]) != "" {
		lines[at] += strings.Repeat(" ", 1+r.IntN(4)) + newComment(r)
	}
	return lines
}

func withBlank(r *rand.Rand, lines []string) []string {
	return slices.Insert(lines, r.IntN(len(lines)+1), []string{"", "", "   ", "\n"}[r.IntN(4)])
}

func trailing(r *rand.Rand, lines []string) []string {
	lines[r.IntN(len(lines))] += "  "
	return lines
}

// under is the end of what stands below a line and further to the right.
func under(lines []string, at int) int {
	end := at + 1
	for end < len(lines) && (strings.TrimSpace(lines[end]) == "" || indentOf(lines[end]) > indentOf(lines[at])) {
		end++
	}
	return end
}

// swapped changes the places of two neighbours of one depth.
func swapped(r *rand.Rand, lines []string) []string {
	for range 20 {
		at := r.IntN(len(lines))
		middle := under(lines, at)
		if middle >= len(lines) || indentOf(lines[middle]) != indentOf(lines[at]) || strings.TrimSpace(lines[at]) == "" {
			continue
		}
		end := under(lines, middle)
		return slices.Concat(lines[:at], lines[middle:end], lines[at:middle], lines[end:])
	}
	return lines
}

// shifted moves what is below a line to the right.
func shifted(r *rand.Rand, lines []string) []string {
	at := r.IntN(len(lines))
	by := strings.Repeat(" ", 1+r.IntN(4))
	for i := at + 1; i < under(lines, at); i++ {
		lines[i] = by + lines[i]
	}
	return lines
}

// spread multiplies every indentation.
func spread(r *rand.Rand, lines []string) []string {
	by := 1 + r.IntN(2)
	for i, line := range lines {
		lines[i] = strings.Repeat(" ", by*indentOf(line)) + line
	}
	return lines
}

// unindented moves a list to the left edge of its key.
func unindented(r *rand.Rand, lines []string) []string {
	for range 20 {
		at := r.IntN(len(lines))
		if at+1 < len(lines) && strings.HasPrefix(strings.TrimSpace(lines[at+1]), "- ") && indentOf(lines[at+1]) == indentOf(lines[at])+2 {
			for i := at + 1; i < under(lines, at) && strings.HasPrefix(lines[i], "  "); i++ {
				lines[i] = lines[i][2:]
			}
			break
		}
	}
	return lines
}

var (
	plainPair  = regexp.MustCompile(`^( *(?:- )?[a-z_]+:) ([A-Za-z][A-Za-z0-9 ,.!]*)$`)
	bracedPair = regexp.MustCompile(`\{([a-z_]+: [^{},\[\]"']+), ([a-z_]+: [^{},\[\]"']+)`)
)

// restyled writes a plain scalar in another style.
func restyled(r *rand.Rand, lines []string) []string {
	for range 20 {
		at := r.IntN(len(lines))
		found := plainPair.FindStringSubmatch(lines[at])
		if found == nil {
			continue
		}
		key, value := found[1], found[2]
		pad := "\n" + strings.Repeat(" ", indentOf(lines[at])+3+r.IntN(4))
		styles := []string{
			key + " " + strconv.Quote(value), key + " '" + value + "'", key + pad + value, key + " |" + pad + value + pad + "  more",
			key + " >-" + pad + value + "\n" + pad + value, key + " |+" + pad + value + "\n\n", key + " |2" + "\n" + strings.Repeat(" ", indentOf(key)+2) + "  " + value,
			key + " " + value + pad + value + "\n" + pad + value, key + ` "` + value + `\` + pad + value + `"`, key + " '" + value + "\n" + pad + value + "'",
			key + "   " + value, key + " >+" + pad + value + "\n   ",
		}
		lines[at] = styles[r.IntN(len(styles))]
		return strings.Split(strings.Join(lines, "\n"), "\n")
	}
	return lines
}

// flowSwapped changes two keys in brackets, or breaks the line between them.
func flowSwapped(r *rand.Rand, lines []string) []string {
	for range 20 {
		at := r.IntN(len(lines))
		if !bracedPair.MatchString(lines[at]) {
			continue
		}
		pad := "\n" + strings.Repeat(" ", indentOf(lines[at])+4)
		with := []string{"{$2, $1", "{$2, $1", "{$2," + pad + "$1", "{$2, " + newComment(r) + pad + "$1", "{ $2 ,$1"}[r.IntN(5)]
		lines[at] = bracedPair.ReplaceAllString(lines[at], with)
		return strings.Split(strings.Join(lines, "\n"), "\n")
	}
	return lines
}
