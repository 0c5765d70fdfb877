package canary

import (
	"encoding/base64"
	"encoding/hex"
	"flag"
	"net/url"
	"strings"
	"testing"
)

// The proofs of ./internal/proof/... are given one flag for all packages.
var _ = flag.String("proof.scale", "", "of package proof; not used here")

// TestFindSeesEveryForm: a canary that hides in an encoding is found.
func TestFindSeesEveryForm(t *testing.T) {
	t.Parallel()
	for _, word := range []string{Word(1, "name"), Number(1, "id")} {
		for _, around := range []string{"", "x", "xy", `{"text":"`} {
			text := around + word + " end"
			for name, data := range map[string]string{
				"clear": text, "upper": strings.ToUpper(text), "base64": base64.StdEncoding.EncodeToString([]byte(text)), "url base64": base64.URLEncoding.EncodeToString([]byte(text)),
				"hex": hex.EncodeToString([]byte(text)), "query": url.QueryEscape(text),
			} {
				if len(Find([]byte(name+" "+data))) == 0 {
					t.Errorf("%s in %s after %q is not found", word, name, around)
				}
			}
		}
	}
	if got := Find([]byte("a bird, and 73491 birds, a2FuYXJp")); len(got) != 0 {
		t.Errorf("found %q", got)
	}
	if Word(1, "a") == Word(2, "a") || Word(1, "a") == Word(1, "b") || len(Number(1, "a")) != 19 {
		t.Error("canaries are not unique")
	}
}
