package source

import (
	"encoding/json"
	"strings"
	"testing"
)

// sample is a problem over two lines, behind an emoji, in a file with a BOM and
// a name that has to be escaped.
func sample() ([]Diagnostic, map[string][]byte) {
	data := "\xef\xbb\xbfask: \"👋 {{ a\n  b }} c\"\n"
	doc, _ := Parse("flows/a b,c.yaml", []byte(data))
	n := doc.Root.Get("ask")
	from := strings.Index(n.Text, "a")
	r := n.At(from, from+3)
	return []Diagnostic{{Code: "E201", Severity: Error, Message: "100% <not>\nfinished: a, b", Hint: "write ab", Range: r, Flow: "a", State: "start",
			Related: []Related{{Range: n.Range, Message: "here"}}, Fix: &Fix{Safe: true, Edits: []Edit{{Range: r, Text: "ab"}}}},
			{Code: "W214", Severity: Warning, Message: "always", Range: n.Range}},
		map[string][]byte{"flows/a b,c.yaml": []byte(data)}
}

func TestGitHub(t *testing.T) {
	t.Parallel()
	diags, files := sample()
	var out strings.Builder
	GitHub(&out, diags, files)
	want := "::error file=flows/a b%2Cc.yaml,line=1,col=12,endColumn=13,title=E201::100%25 <not>%0Afinished: a, b\n" +
		"::warning file=flows/a b%2Cc.yaml,line=1,col=6,endColumn=13,title=W214::always\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

// What code scanning needs: version, one run, a driver with rules, and results
// with ruleId, level, message and a region whose columns count characters.
func TestSARIF(t *testing.T) {
	t.Parallel()
	diags, _ := sample()
	raw := SARIF(diags, "0.1.0", func(code string) Rule { return Rule{"title of " + code, "why"} })
	var log struct {
		Schema  string `json:"$schema"`
		Version string
		Runs    []struct {
			ColumnKind string
			Tool       struct {
				Driver struct {
					Name  string
					Rules []struct {
						ID                   string
						ShortDescription     struct{ Text string }
						FullDescription      struct{ Text string }
						Help                 struct{ Text string }
						DefaultConfiguration struct{ Level string }
					}
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI, URIBaseID string }
						Region           struct{ StartLine, StartColumn, EndLine, EndColumn int }
					}
					LogicalLocations []struct{ FullyQualifiedName string }
				}
				RelatedLocations []struct{ ID int }
				Fixes            []struct {
					ArtifactChanges []struct {
						Replacements []struct{ InsertedContent struct{ Text string } }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(raw, &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || !strings.Contains(log.Schema, "sarif-2.1.0") || len(log.Runs) != 1 {
		t.Fatalf("%s", raw)
	}
	run := log.Runs[0]
	if run.ColumnKind != "unicodeCodePoints" || run.Tool.Driver.Name != "dispatcher" || len(run.Tool.Driver.Rules) != 2 || len(run.Results) != 2 {
		t.Fatalf("%s", raw)
	}
	rule := run.Tool.Driver.Rules[0]
	if rule.ID != "E201" || rule.ShortDescription.Text != "title of E201" || rule.Help.Text != "why" || rule.FullDescription.Text != "why" || rule.DefaultConfiguration.Level != "error" {
		t.Errorf("%+v", rule)
	}
	r := run.Results[0]
	at := r.Locations[0].PhysicalLocation
	if r.RuleID != "E201" || r.RuleIndex != 0 || r.Level != "error" || r.Message.Text != "100% <not>\nfinished: a, b" ||
		at.ArtifactLocation.URI != "flows/a%20b,c.yaml" || at.Region.StartLine != 1 || at.Region.StartColumn != 12 || at.Region.EndLine != 2 || at.Region.EndColumn != 4 ||
		r.Locations[0].LogicalLocations[0].FullyQualifiedName != "a.start" || len(r.RelatedLocations) != 1 || r.RelatedLocations[0].ID != 1 ||
		r.Fixes[0].ArtifactChanges[0].Replacements[0].InsertedContent.Text != "ab" {
		t.Errorf("%+v", r)
	}
	if run.Results[1].Level != "warning" || run.Results[1].RuleIndex != 1 {
		t.Errorf("%+v", run.Results[1])
	}
	if empty := SARIF(nil, "", nil); !strings.Contains(string(empty), `"results":[]`) || !strings.Contains(string(empty), `"rules":[]`) {
		t.Errorf("%s", empty)
	}
}

// Bytes count the mark at the head of a file, columns do not; an emoji is two
// units of UTF-16.
func TestJSONPlaces(t *testing.T) {
	t.Parallel()
	diags, files := sample()
	var list []struct {
		Offset, Length, Column int
		UTF16Column            int `json:"utf16_column"`
		EndLine                int `json:"end_line"`
		EndColumn              int `json:"end_column"`
		Message                string
		Related                []struct{ Line, Column int }
	}
	raw := JSON(diags, files)
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	data := files["flows/a b,c.yaml"]
	got := list[0]
	if text := string(data[got.Offset : got.Offset+got.Length]); text != "a\n  b" {
		t.Errorf("bytes %q", text)
	}
	if got.Column != 12 || got.UTF16Column != 13 || got.EndLine != 2 || got.EndColumn != 4 || len(got.Related) != 1 {
		t.Errorf("%+v", got)
	}
	if !strings.Contains(string(raw), "<not>") {
		t.Errorf("%s", raw)
	}
}

func TestMeant(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		word  string
		among []string
		best  string
		near  int
	}{
		{"welcom_back", []string{"welcome_back", "bye"}, "welcome_back", 1},
		{"bye_", []string{"bye_1", "bye_2", "bye_1"}, "bye_1", 2},
		{"orders", []string{"order", "borders"}, "borders", 2},
		{"abc", []string{"xyz"}, "", 0},
	} {
		best, near := Meant(c.word, c.among)
		if best != c.best || near != c.near {
			t.Errorf("%s: %s %d", c.word, best, near)
		}
	}
}
