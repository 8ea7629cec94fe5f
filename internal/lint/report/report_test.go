package report_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/lint"
	"github.com/credvend/credvend/internal/lint/report"
)

// odd is a report whose every text would mean more than itself somewhere.
func odd() lint.Report {
	return lint.Report{
		File: "a b,c:d%/list\n.yaml",
		Findings: []lint.Finding{
			{Check: "wildcard-write", Severity: lint.Warning, Line: 3, Column: 7, Excerpt: "    3 | x\x1b[31m\n      | ^", Rule: "r", Text: "one\n::error::two 100%\r", Remedy: "mend\u202e it"},
			{Check: "carve-out", Severity: lint.Warning, Line: 4, Column: 1, Text: "silenced", Silenced: true, Reason: "because"},
			{Check: "redundant-route", Severity: lint.Hint, Line: 5, Column: 1, Text: "a hint"},
			{Check: lint.DoesNotCompile, Severity: lint.Error, Line: 6, Column: 2, Text: "an error"},
		},
		More: map[string]int{"prefix-wildcard": 12},
	}
}

func TestGitHub(t *testing.T) {
	const want = "::warning file=a b%2Cc%3Ad%25/list%0A.yaml,line=3,col=7,title=wildcard-write::one%0A::error::two 100%25%0D; mend\u202e it\n" +
		"::notice file=a b%2Cc%3Ad%25/list%0A.yaml,line=5,col=1,title=redundant-route::a hint\n" +
		"::error file=a b%2Cc%3Ad%25/list%0A.yaml,line=6,col=2,title=does-not-compile::an error\n" +
		"::warning file=a b%2Cc%3Ad%25/list%0A.yaml,title=prefix-wildcard::and 12 more of prefix-wildcard\n"
	if got := string(report.GitHub(odd())); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestText(t *testing.T) {
	got := string(report.Text(odd()))
	for _, never := range []string{"\x1b", "\u202e", "silenced", "\r"} {
		if strings.Contains(got, never) {
			t.Errorf("%q stands in %q", never, got)
		}
	}
	if !strings.Contains(got, "and 12 more of prefix-wildcard") || report.Summary(odd()) != "1 error, 13 warnings, 1 hint, 1 silenced" {
		t.Errorf("%s\n%s", got, report.Summary(odd()))
	}
}

func TestJSON(t *testing.T) {
	text, err := report.JSON(odd())
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Errors, Warnings, Hints, Silenced int
		Findings                          []map[string]any
		More                              map[string]int
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.Errors != 1 || got.Warnings != 13 || got.Hints != 1 || got.Silenced != 1 || len(got.Findings) != 4 || got.More["prefix-wildcard"] != 12 {
		t.Errorf("%s", text)
	}
	if f := got.Findings[1]; f["silenced"] != true || f["reason"] != "because" || f["docs"] != "docs/lint.md#carve-out" {
		t.Errorf("%v", f)
	}
	if empty, err := report.JSON(lint.Report{}); err != nil || !strings.Contains(string(empty), `"findings": []`) {
		t.Errorf("%v %s", err, empty)
	}
}

// TestSARIF holds a log to what SARIF 2.1.0 demands of the parts that are
// written, and GitHub's code scanning with it.
func TestSARIF(t *testing.T) {
	text, err := report.SARIF(odd())
	if err != nil {
		t.Fatal(err)
	}
	var log struct {
		Schema  string `json:"$schema"`
		Version string
		Runs    []struct {
			ColumnKind string
			Tool       struct {
				Driver struct {
					Name, InformationURI string
					Rules                []struct {
						ID, HelpURI          string
						ShortDescription     struct{ Text string }
						DefaultConfiguration struct{ Level string }
					}
				}
			}
			Results []struct {
				RuleID, Level string
				RuleIndex     int
				Message       struct{ Text string }
				Locations     []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           *struct{ StartLine, StartColumn int }
					}
				}
				Suppressions []struct{ Kind, Justification string }
			}
		}
	}
	if err := json.Unmarshal(text, &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || !strings.Contains(log.Schema, "sarif-2.1.0") || len(log.Runs) != 1 {
		t.Fatalf("%.200s", text)
	}
	run := log.Runs[0]
	levels := map[string]bool{"error": true, "warning": true, "note": true}
	rules := run.Tool.Driver.Rules
	seen := map[string]bool{}
	for _, r := range rules {
		if u, err := url.Parse(r.HelpURI); err != nil || !u.IsAbs() || u.Fragment != r.ID || r.ShortDescription.Text == "" || !levels[r.DefaultConfiguration.Level] || seen[r.ID] {
			t.Errorf("%+v", r)
		}
		seen[r.ID] = true
	}
	if run.ColumnKind != "unicodeCodePoints" || run.Tool.Driver.Name == "" || len(rules) != len(lint.Checks()) || len(run.Results) != 5 {
		t.Errorf("%s", text)
	}
	for i, r := range run.Results {
		if r.RuleIndex >= len(rules) || rules[r.RuleIndex].ID != r.RuleID || !levels[r.Level] || r.Message.Text == "" || len(r.Locations) != 1 {
			t.Errorf("%+v", r)
			continue
		}
		place := r.Locations[0].PhysicalLocation
		if place.ArtifactLocation.URI != "a%20b,c:d%25/list%0A.yaml" && place.ArtifactLocation.URI != "./a%20b,c:d%25/list%0A.yaml" {
			t.Errorf("%q", place.ArtifactLocation.URI)
		}
		if i < 4 && (place.Region == nil || place.Region.StartLine < 1 || place.Region.StartColumn < 1) {
			t.Errorf("%+v", r)
		}
	}
	if s := run.Results[1].Suppressions; len(s) != 1 || s[0].Kind != "inSource" || s[0].Justification != "because" {
		t.Errorf("%+v", s)
	}
}
