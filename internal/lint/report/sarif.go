package report

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/credvend/credvend/internal/lint"
)

// The parts of a SARIF 2.1.0 log that are written. Names are the standard's.
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
		Name           string      `json:"name"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID                   string       `json:"id"`
		ShortDescription     sarifMessage `json:"shortDescription"`
		HelpURI              string       `json:"helpUri"`
		DefaultConfiguration sarifLevel   `json:"defaultConfiguration"`
	}
	sarifLevel struct {
		Level string `json:"level"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID       string             `json:"ruleId"`
		RuleIndex    int                `json:"ruleIndex"`
		Level        string             `json:"level"`
		Message      sarifMessage       `json:"message"`
		Locations    []sarifLocation    `json:"locations"`
		Suppressions []sarifSuppression `json:"suppressions"`
	}
	sarifLocation struct {
		PhysicalLocation sarifPlace `json:"physicalLocation"`
	}
	sarifPlace struct {
		ArtifactLocation sarifArtifact `json:"artifactLocation"`
		Region           *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Justification string `json:"justification"`
	}
)

// SARIF is a log of the Static Analysis Results Interchange Format 2.1.0, for
// code scanning. Silenced findings are suppressed results.
func SARIF(r lint.Report) ([]byte, error) {
	run := sarifRun{
		Tool:       sarifTool{sarifDriver{Name: "credvend allowlist lint", InformationURI: site}},
		ColumnKind: "unicodeCodePoints",
		Results:    []sarifResult{},
	}
	index := map[string]int{}
	for i, c := range lint.Checks() {
		index[c.Name] = i
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{
			ID: c.Name, ShortDescription: sarifMessage{c.Short}, HelpURI: site + "#" + c.Name, DefaultConfiguration: sarifLevel{level(c.Severity)},
		})
	}
	file := sarifArtifact{uri(r.File)}
	for _, f := range r.Findings {
		result := sarifResult{
			RuleID: f.Check, RuleIndex: index[f.Check], Level: level(f.Severity), Message: sarifMessage{message(f)},
			Locations:    []sarifLocation{{sarifPlace{file, &sarifRegion{f.Line, f.Column}}}},
			Suppressions: []sarifSuppression{},
		}
		if f.Silenced {
			result.Suppressions = append(result.Suppressions, sarifSuppression{"inSource", f.Reason})
		}
		run.Results = append(run.Results, result)
	}
	for _, c := range lint.Checks() {
		if more := r.More[c.Name]; more > 0 {
			run.Results = append(run.Results, sarifResult{
				RuleID: c.Name, RuleIndex: index[c.Name], Level: level(c.Severity), Message: sarifMessage{fmt.Sprintf("and %d more of %s", more, c.Name)},
				Locations: []sarifLocation{{sarifPlace{file, nil}}}, Suppressions: []sarifSuppression{},
			})
		}
	}
	for _, name := range r.Cut {
		run.Results = append(run.Results, sarifResult{
			RuleID: name, RuleIndex: index[name], Level: "warning", Message: sarifMessage{stopped(name)},
			Locations: []sarifLocation{{sarifPlace{file, nil}}}, Suppressions: []sarifSuppression{},
		})
	}
	return encode(sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}

func level(s lint.Severity) string {
	if s == lint.Hint {
		return "note"
	}
	return string(s)
}

// uri writes a path as SARIF wants it: a relative reference, or file:///….
func uri(path string) string {
	path = filepath.ToSlash(path)
	u := url.URL{Path: path}
	if strings.HasPrefix(path, "/") {
		u.Scheme = "file"
	}
	return u.String()
}
