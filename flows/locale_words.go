package flows

import "strings"

// withoutWords blanks the words an expression says itself, which a translation
// must be free to change: a text after ?? or in an arm of ? :, and the two
// forms given to plural(). A text that is compared, or names a schedule or a
// slot, is part of the expression and stays.
func withoutWords(src string) string {
	var out strings.Builder
	calls := []string{""} // the call each open bracket belongs to
	for i := 0; i < len(src); {
		switch c := src[i]; c {
		case '\'', '"', '`':
			end := i + literalLength(src[i:])
			if saysIt(out.String(), calls[len(calls)-1]) {
				out.WriteString(`""`)
			} else {
				out.WriteString(src[i:end])
			}
			i = end
			continue
		case '(', '[':
			calls = append(calls, lastName(out.String()))
		case ')', ']':
			if len(calls) > 1 {
				calls = calls[:len(calls)-1]
			}
		}
		out.WriteByte(src[i])
		i++
	}
	return out.String()
}

// saysIt tells whether a text that follows before is shown to somebody.
func saysIt(before, call string) bool {
	before = strings.TrimSpace(before)
	if call == "plural" {
		return strings.HasSuffix(before, ",")
	}
	return strings.HasSuffix(before, "?") || strings.HasSuffix(before, ":")
}

// literalLength is the length of the quoted text that s begins with, its
// quotes included.
func literalLength(s string) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && s[0] != '`':
			i++
		case s[i] == s[0]:
			return i + 1
		}
	}
	return len(s)
}

// lastName is the name at the end of s: that of a call whose bracket follows.
func lastName(s string) string {
	s = strings.TrimRight(s, " ")
	end := len(s)
	for end > 0 && isNameByte(s[end-1]) {
		end--
	}
	return s[end:]
}

func isNameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
