package proof

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dispatcher/channels/channeltest/fakeplatform"
	"dispatcher/internal/proof/canary"
	"dispatcher/internal/proof/kill"
)

// TestPromise_P18_Logs: at debug level, through a whole run with greetings,
// questions, handoffs, an agent's work, failing sends and every kind of error,
// neither the log nor the metrics hold a word that anybody wrote.
func TestPromise_P18_Logs(t *testing.T) {
	size := scale(t)
	begun := time.Now()
	people := of(size, 48, 2000, 2000)
	log, numbers := talkedOver(t, people, "text", "")
	json, more := talkedOver(t, of(size, 12, 500, 500), "json", "")
	for where, data := range map[string][]byte{"log": log, "log in JSON": json, "metrics": append(numbers, more...)} {
		if found := canary.Find(data); len(found) > 0 {
			t.Errorf("in the %s:\n%s", where, strings.Join(found, "\n"))
		}
	}
	calls := slogCalls(t)
	t.Run("mutant", func(t *testing.T) {
		if spoken, _ := talkedOver(t, 4, "text", "log_text"); len(canary.Find(spoken)) == 0 {
			t.Error("a program that logs texts is not caught")
		}
		planted := "package p\nfunc f() { s.log.Info(\"got it\", slog.String(\"note\", in.Text)); slog.Warn(\"x\", \"a\", strings.ToUpper(b.Body)) }"
		if got, _ := spoken(t, "planted.go", planted); len(got) != 2 {
			t.Errorf("the lint finds %d of 2 calls that log a text", len(got))
		}
	})
	report(t, "P18: %d people and an agent at --debug: 0 words in %d KiB of log and %d KiB of metrics; %d logging calls in the sources take no text; %.1f s",
		people, (len(log)+len(json))>>10, (len(numbers)+len(more))>>10, calls, time.Since(begun).Seconds())
}

// talkedOver runs the whole path once and gives what the service said of it.
// A mutant is the program with that fault planted.
func talkedOver(t *testing.T, people int, format, mutant string) (log, numbers []byte) {
	t.Helper()
	p := fakeplatform.Start(fakeplatform.Options{WebhookSecret: shopSecret})
	defer p.Close()
	p.Chance(18, 0.15, fakeplatform.ServerError, fakeplatform.Permanent, fakeplatform.WrongJSON, fakeplatform.ResetMidBody)
	opt := kill.Options{Project: crowdProject(t, p.URL), Args: append(slices.Clone(loud), "--log", format)}
	opt.Project["flows/welcome.yaml"] = stumbling(t, opt.Project["flows/welcome.yaml"])
	if mutant != "" {
		opt.Binary, opt.Env = kill.Build(t, instrumented), []string{"DISPATCHER_MUTANT=" + mutant}
	}
	s := kill.Start(t, opt)
	c := newCrowd(t, s, p)
	admin := s.Admin()
	c.come(people)
	c.serve(admin, 4)
	c.abuse(admin)
	s.Write(map[string]string{"flows/welcome.yaml": "flow: welcome\nstates: {start: {say: hi}}\n"}) // a broken set is told in full
	settled(t, p)
	numbers = c.metrics()
	s.Term()
	return []byte(s.Log()), numbers
}

// stumbling makes the details state fail for some: the engine's error is then
// about a value that somebody wrote.
func stumbling(t *testing.T, text string) string {
	t.Helper()
	old := "    goto: person\n\n  anything_else:"
	if !strings.Contains(text, old) {
		t.Fatal("the starter's welcome.yaml has no state details before anything_else")
	}
	return strings.Replace(text, old, "    goto: fails\n\n  fails:\n    branch:\n      - if: slots.details contains \"a\" and number(slots.details) > 1\n        goto: menu\n      - else: person\n\n  anything_else:", 1)
}

// Names of fields and variables that hold what people wrote or who they are.
var written = []string{"Text", "Body", "Raw", "Handle", "Prefill", "Slots", "Payload", "Preview", "Summary", "Question", "Said", "Display", "FirstName",
	"ExternalID", "MessageID", "Thread", "Address", "Email", "Password", "RawQuery", "RequestURI", "Authorization", "Label", "Labels", "Answer", "Typed"}

// designed are the texts of designers, not of customers, that may be logged
// under such a name: what a failed test of a flow prints, and how many
// conversations a set moves.
var designed = map[string][]string{"flows/watch/publish.go": {"Text", "Summary"}}

// slogCalls looks at every logging call of the program.
func slogCalls(t *testing.T) (calls int) {
	t.Helper()
	eachSource(t, func(name, text string) {
		if strings.HasSuffix(name, "mutant_on.go") {
			return
		}
		found, n := spoken(t, name, text)
		calls += n
		for _, f := range found {
			t.Error(f)
		}
	})
	if calls < 30 {
		t.Errorf("only %d logging calls were found: the lint looks at the wrong places", calls)
	}
	return calls
}

// spoken lists the logging calls of one source whose arguments read something
// that people wrote; len and the like of it may be logged.
func spoken(t *testing.T, name, text string) (found []string, calls int) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || !logs(call) {
			return true
		}
		calls++
		for _, arg := range call.Args {
			ast.Inspect(arg, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					if id, ok := n.Fun.(*ast.Ident); ok && (id.Name == "len" || id.Name == "count") {
						return false
					}
				case *ast.SelectorExpr:
					if slices.Contains(written, n.Sel.Name) && !slices.Contains(designed[name], n.Sel.Name) {
						found = append(found, fmt.Sprintf("%s:%d logs %s", name, fset.Position(n.Pos()).Line, n.Sel.Name))
					}
				case *ast.BasicLit:
					if key, err := strconv.Unquote(n.Value); err == nil && (key == "text" || key == "body" || key == "password" || key == "token") {
						found = append(found, fmt.Sprintf("%s:%d logs something called %s", name, fset.Position(n.Pos()).Line, key))
					}
				}
				return true
			})
		}
		return false
	})
	return found, calls
}

// logs says whether a call writes to a log or makes an attribute of one.
func logs(call *ast.CallExpr) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	on := ""
	switch x := sel.X.(type) {
	case *ast.Ident:
		on = x.Name
	case *ast.SelectorExpr:
		on = x.Sel.Name
	}
	switch on {
	case "slog", "log", "logger", "Logger":
	default:
		return false
	}
	switch sel.Sel.Name {
	case "Debug", "Info", "Warn", "Error", "Log", "LogAttrs", "DebugContext", "InfoContext", "WarnContext", "ErrorContext", "With", "String", "Any", "Print", "Printf", "Println":
		return true
	}
	return false
}
