package conformance

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"dispatcher/engine/enginetest"
	"dispatcher/flows"
)

// damages is how many edits are made to each fixture.
const damages = 12

// TestDamage edits the files of every fixture as a slip of the hand does: a line
// gone or twice, two changed places, a word misspelled, a sign or an entry gone,
// another word of the file, a number off by one. A line of the record is an edit: what check finds,
// and a check sum of everything it says, proves, reckons, repairs and plans. The
// record says nothing about what is right; it notices what changes. Whoever
// means the change reads it in the failure and writes the records anew:
//
//	go test ./flows/conformance -run TestDamage -update
func TestDamage(t *testing.T) { // its sections at once, but nothing beside it: others weigh what a check costs
	compareSections(t, "damage", func(f *fixture) (string, func(int) string) {
		base, _, _ := f.load()
		r := rand.New(rand.NewPCG(uint64(crc32.ChecksumIEEE([]byte(f.path))), 11))
		var lines, whole []string
		add := func(what string, files *flows.Files) {
			line, all := f.examine(base, files)
			lines, whole = append(lines, what+": "+line), append(whole, all)
		}
		add("as it is", f.files)
		for _, name := range slices.Sorted(maps.Keys(f.edits)) {
			add(name, f.edits[name])
		}
		var paths []string // one for each line, but those of the tests
		for _, path := range slices.Sorted(maps.Keys(f.files.Data)) {
			n := bytes.Count(f.files.Data[path], []byte("\n"))
			if strings.HasSuffix(path, ".test.yaml") {
				n = min(n, 6)
			}
			paths = append(paths, slices.Repeat([]string{path}, n)...)
		}
		for range damages {
			if len(paths) == 0 {
				break
			}
			path := paths[r.IntN(len(paths))]
			what, data := slip(r, f.files.Data[path])
			if len(data) > 64<<10 { // what is long is slow, and others' to try
				continue
			}
			files := &flows.Files{Name: f.files.Name, Data: maps.Clone(f.files.Data), Media: f.files.Media}
			files.Data[path] = data
			add(path+":"+what, files)
		}
		return strings.Join(lines, "\n"), func(i int) string { return whole[min(i, len(whole)-1)] }
	})
}

var (
	aWord   = regexp.MustCompile(`[A-Za-z_]+`)
	aNumber = regexp.MustCompile(`\d+`)
	anEntry = regexp.MustCompile(`, [a-z_]+: ("[^"]*"|[^,{}\[\]"]+)|[a-z_]+: ("[^"]*"|[^,{}\[\]"]+), |(?m)^ +[a-z_]+: .*\n`)
	aSign   = regexp.MustCompile(`[^\w\s]+`)
)

// slip makes one edit and says which.
func slip(r *rand.Rand, data []byte) (what string, edited []byte) {
	lines := strings.Split(string(data), "\n")
	i := r.IntN(max(len(lines)-1, 1))
	line := lines[i]
	indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
	replace := func(kind string, at []int, with string) (string, []byte) {
		if at == nil {
			kind, lines[i] = "gone", ""
		} else {
			lines[i] = line[:at[0]] + with + line[at[1]:]
		}
		return fmt.Sprintf("%d %s", i+1, kind), []byte(strings.Join(lines, "\n"))
	}
	of := func(re *regexp.Regexp, text string) []int {
		all := re.FindAllStringIndex(text, -1)
		if len(all) == 0 {
			return nil
		}
		return all[r.IntN(len(all))]
	}
	switch r.IntN(11) {
	case 0:
		return replace("twice", []int{0, len(line)}, line+"\n"+line)
	case 1:
		at := of(aWord, line)
		if at == nil {
			return replace("gone", nil, "")
		}
		return replace("misspelled", at, swapped(line[at[0]:at[1]]))
	case 2:
		return replace("sign gone", of(aSign, line), "")
	case 3:
		other := of(aWord, string(data))
		if other == nil {
			return replace("empty", []int{0, len(line)}, indent)
		}
		return replace("another word", of(aWord, line), string(data[other[0]:other[1]]))
	case 4, 5:
		at := of(aNumber, string(data))
		if at == nil {
			return replace("empty", []int{0, len(line)}, indent)
		}
		n, _ := strconv.Atoi(string(data[at[0]:at[1]])) // too long a number becomes the largest
		n = []int{n + 1, n - 1, 0, n * 1000}[r.IntN(4)]
		return fmt.Sprintf("number %d", n), slices.Concat(data[:at[0]], []byte(strconv.Itoa(n)), data[at[1]:])
	case 6:
		j := r.IntN(len(lines))
		lines[i], lines[j] = lines[j], lines[i]
		return fmt.Sprintf("%d and %d change places", i+1, j+1), []byte(strings.Join(lines, "\n"))
	case 7, 8, 9:
		at := of(anEntry, string(data))
		if at == nil {
			return replace("gone", nil, "")
		}
		return "without " + strconv.Quote(string(data[at[0]:at[1]])), slices.Concat(data[:at[0]], data[at[1]:])
	default:
		return replace("gone", nil, "")
	}
}

// examine is what check finds in files, and everything that it says of them.
func (f *fixture) examine(base *flows.Project, files *flows.Files) (line, whole string) {
	var b bytes.Buffer
	opt := options(f.ask)
	opt.Proof, opt.Costs, opt.Texts = true, true, true
	p, tests := flows.LoadTests(files, opt)
	codes := map[string]int{}
	for _, d := range slices.Concat(p.Diagnostics, tests.Diagnostics) {
		codes[d.Code]++
		fmt.Fprintf(&b, "%s\n", enginetest.Short(d))
	}
	p.WriteText(&b, false)
	tests.WriteText(&b, false)
	writeTables(&b, p)
	if p.Proof != nil {
		p.Proof.WriteText(&b)
	}
	flows.WriteCosts(&b, p.Costs)
	p.WriteGitHub(&b)
	b.WriteString(flows.Texts(base.Files, files))
	if p.OK() {
		writeSet(&b, p.Set)
		writeTranslations(&b, p)
		if base.OK() {
			writePlan(&b, base, p)
			writePlan(&b, p, base)
		}
	}
	if len(codes) > 0 {
		fixed, repairs := flows.Fix(files, func(files *flows.Files) *flows.Project { return flows.Load(files, options(f.ask)) })
		for _, r := range repairs {
			fmt.Fprintf(&b, "%s\n", r)
		}
		for _, path := range slices.Sorted(maps.Keys(fixed.Files.Data)) {
			if !bytes.Equal(fixed.Files.Data[path], files.Data[path]) {
				fmt.Fprintf(&b, "%s\n%s\n", path, fixed.Files.Data[path])
			}
		}
	}
	whole = b.String()
	if p.SetID != "" {
		whole = strings.ReplaceAll(whole, p.SetID, "SET")
	}
	var found []string
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		found = append(found, fmt.Sprintf("%s×%d", code, codes[code]))
	}
	return fmt.Sprintf("%s %08x", strings.Join(found, " "), crc32.ChecksumIEEE([]byte(whole))), whole
}

// writeTranslations writes the locale files that i18n would write.
func writeTranslations(b *bytes.Buffer, p *flows.Project) {
	for _, lang := range p.Set.Languages[1:] {
		path, data, added := flows.Extract(p, lang)
		fmt.Fprintf(b, "%s %d\n%s\n", path, added, data)
	}
}
