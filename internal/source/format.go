package source

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// Rule is what a report says of a code beside the problems themselves.
type Rule struct {
	Title string // one line
	Help  string // why it matters
}

// GitHub writes one workflow command per problem, which that service shows
// beside the line. Of a range over several lines it is the first.
func GitHub(w io.Writer, diags []Diagnostic, files map[string][]byte) {
	p := newPrinter(files)
	for _, d := range diags {
		end := d.Range.EndColumn
		if line, ok := p.line(d.Range.File, d.Range.Line); ok && d.Range.EndLine != d.Range.Line {
			end = len(line.chars) + 1
		}
		fmt.Fprintf(&p.out, "::%s file=%s,line=%d,col=%d,endColumn=%d,title=%s::%s\n", d.Severity, property.Replace(d.Range.File),
			d.Range.Line, d.Range.Column, end, d.Code, message.Replace(d.Message))
	}
	_, _ = w.Write(p.out.Bytes()) // a pipe that closed has nobody to tell
}

// Escapes of workflow commands.
var (
	message  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// The parts of SARIF 2.1.0 (OASIS, 2020) that code scanning reads.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"semanticVersion,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID      string        `json:"id"`
		Short   sarifText     `json:"shortDescription"`
		Full    sarifText     `json:"fullDescription"`
		Help    sarifText     `json:"help"`
		Default sarifSeverity `json:"defaultConfiguration"`
	}
	sarifSeverity struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
		Related   []sarifLocation `json:"relatedLocations,omitempty"`
		Fixes     []sarifFix      `json:"fixes,omitempty"`
		More      *sarifMore      `json:"properties,omitempty"`
	}
	sarifMore struct {
		Hint string `json:"hint"`
	}
	sarifLocation struct {
		ID       int            `json:"id,omitempty"`
		Message  *sarifText     `json:"message,omitempty"`
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifLogical struct {
		Name string `json:"fullyQualifiedName"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI  string `json:"uri"`
		Base string `json:"uriBaseId"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
		EndLine     int `json:"endLine"`
		EndColumn   int `json:"endColumn"`
	}
	sarifFix struct {
		Description sarifText     `json:"description"`
		Changes     []sarifChange `json:"artifactChanges"`
	}
	sarifChange struct {
		Artifact     sarifArtifact      `json:"artifactLocation"`
		Replacements []sarifReplacement `json:"replacements"`
	}
	sarifReplacement struct {
		Deleted  sarifRegion `json:"deletedRegion"`
		Inserted sarifText   `json:"insertedContent"`
	}
)

// SARIF gives diagnostics as one run of SARIF 2.1.0. rule says what a code
// means; version is the program's, "" = unknown.
func SARIF(diags []Diagnostic, version string, rule func(code string) Rule) json.RawMessage {
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: "dispatcher", Version: version, Rules: []sarifRule{}}
	index := map[string]int{}
	for _, d := range diags {
		at, known := index[d.Code]
		if !known {
			at = len(run.Tool.Driver.Rules)
			index[d.Code] = at
			r := rule(d.Code)
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{ID: d.Code, Short: sarifText{r.Title}, Full: sarifText{r.Help},
				Help: sarifText{r.Help}, Default: sarifSeverity{d.Severity}})
		}
		run.Results = append(run.Results, sarifOf(d, at))
	}
	return marshal(sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}

func sarifOf(d Diagnostic, index int) sarifResult {
	r := sarifResult{RuleID: d.Code, RuleIndex: index, Level: d.Severity, Message: sarifText{d.Message},
		Locations: []sarifLocation{{Physical: physical(d.Range)}}}
	if d.Flow != "" {
		name := d.Flow
		if d.State != "" {
			name += "." + d.State
		}
		r.Locations[0].Logical = []sarifLogical{{name}}
	}
	for i, rel := range d.Related {
		r.Related = append(r.Related, sarifLocation{ID: i + 1, Message: &sarifText{rel.Message}, Physical: physical(rel.Range)})
	}
	if d.Hint != "" {
		r.More = &sarifMore{d.Hint}
	}
	if d.Fix == nil || len(d.Fix.Edits) == 0 {
		return r
	}
	change := sarifChange{Artifact: artifact(d.Range.File)}
	for _, e := range d.Fix.Edits {
		change.Replacements = append(change.Replacements, sarifReplacement{region(e.Range), sarifText{e.Text}})
	}
	text := d.Hint
	if text == "" {
		text = d.Message
	}
	r.Fixes = []sarifFix{{sarifText{text}, []sarifChange{change}}}
	return r
}

func physical(r Range) sarifPhysical { return sarifPhysical{artifact(r.File), region(r)} }

func artifact(file string) sarifArtifact {
	return sarifArtifact{(&url.URL{Path: file}).EscapedPath(), "%SRCROOT%"}
}

func region(r Range) sarifRegion { return sarifRegion{r.Line, r.Column, r.EndLine, r.EndColumn} }

// marshal writes JSON with < > & as they are; these objects hold nothing that
// cannot be written.
func marshal(v any) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return json.RawMessage("null")
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
