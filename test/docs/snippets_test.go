package docs_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/credvend/credvend/internal/allowlist/yamldoc"
	"github.com/credvend/credvend/internal/audit"
	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/local/iam"
)

// TestJSON: every block of JSON parses, and what is a policy is one that IAM
// takes.
func TestJSON(t *testing.T) {
	policies := 0
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if b.lang != "json" {
				continue
			}
			var document any
			if err := json.Unmarshal([]byte(b.text), &document); err != nil {
				t.Errorf("%s:%d: %v", p.name, b.line, err)
				continue
			}
			if object, ok := document.(map[string]any); ok && object["Statement"] != nil {
				policies++
				if _, err := iam.ParsePolicy([]byte(b.text)); err != nil {
					t.Errorf("%s:%d: %v", p.name, b.line, err)
				}
			}
		}
	}
	if policies < 4 {
		t.Errorf("only %d policies were found", policies)
	}
}

// TestAllowlists: every piece of an allowlist compiles, in a document whose
// other sections are those of allowlist.yaml. The reference's whole examples
// have a test beside their reader.
func TestAllowlists(t *testing.T) {
	starter := sections(readFile(t, "allowlist.yaml"))
	count := 0
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if b.lang != "yaml" {
				continue
			}
			var document map[string]any
			if err := yaml.Unmarshal([]byte(b.text), &document); err != nil {
				t.Errorf("%s:%d: %v", p.name, b.line, err)
				continue
			}
			if document["targets"] == nil && document["callers"] == nil && document["rules"] == nil {
				continue
			}
			count++
			given := sections(b.text)
			whole := "version: 1\n"
			for _, name := range []string{"targets", "callers", "rules"} {
				switch {
				case given[name] != "":
					whole += given[name]
				case name == "rules":
					whole += "rules:\n  - { id: x, callers: [\"*\"], target: orders, routes: [\"GET /orders\"] }\n"
				default:
					whole += starter[name]
				}
			}
			if _, _, err := yamldoc.Load(p.name, []byte(whole)); err != nil && document["version"] == nil {
				t.Errorf("%s:%d: %v", p.name, b.line, err)
			} else if _, _, err := yamldoc.Load(p.name, []byte(b.text)); err != nil && document["version"] != nil {
				t.Errorf("%s:%d: %v", p.name, b.line, err)
			}
		}
	}
	if count < 5 {
		t.Errorf("only %d were found", count)
	}
}

// sections cuts a YAML text at its top-level keys.
func sections(text string) map[string]string {
	found := map[string]string{}
	name := ""
	for _, line := range strings.SplitAfter(text, "\n") {
		if m := regexp.MustCompile(`^([a-z]+):`).FindStringSubmatch(line); m != nil {
			name = m[1]
		}
		found[name] += line
	}
	return found
}

// auditFields are the members that an audit line can have.
func auditFields(t *testing.T) map[string]bool {
	t.Helper()
	fields := map[string]bool{"leftOut": true} // only where a list is too long
	entry := reflect.TypeFor[audit.Entry]()
	for i := range entry.NumField() {
		if name, _, _ := strings.Cut(entry.Field(i).Tag.Get("json"), ","); name != "-" {
			fields[name] = true
		}
	}
	golden, err := filepath.Glob(filepath.Join(root, "internal/audit/testdata/*.json"))
	if err != nil || len(golden) == 0 {
		t.Fatal(golden, err)
	}
	for _, name := range golden {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var line map[string]any
		if err := json.Unmarshal(text, &line); err != nil {
			t.Fatal(err)
		}
		for name := range line {
			fields[name] = true
		}
	}
	return fields
}

// TestAuditFields: the table of docs/operate.md has every field of an audit
// line, and its example is made of them.
func TestAuditFields(t *testing.T) {
	p := find(t, "docs/operate.md")
	fields, named := auditFields(t), map[string]bool{}
	for _, row := range p.table(t, "The audit trail") {
		for _, m := range code.FindAllStringSubmatch(row[0], -1) {
			named[m[2]] = true
		}
	}
	same(t, "the field", fields, named)
	examples := p.marked("audit line")
	if len(examples) != 1 {
		t.Fatalf("%d examples of an audit line", len(examples))
	}
	var line map[string]any
	if err := json.Unmarshal([]byte(examples[0].text), &line); err != nil {
		t.Fatal(err)
	}
	for name := range line {
		if !fields[name] {
			t.Errorf("the example has %s, which no audit line has", name)
		}
	}
}

// words of CloudWatch Logs Insights that the queries use.
const insightsWords = ` filter stats sort fields parse by as and or in desc asc count sum avg max min pct bin like ispresent strcontains limit `

// TestQueries: the queries over the audit trail use its fields alone.
func TestQueries(t *testing.T) {
	fields := auditFields(t)
	queries := find(t, "docs/operate.md").marked("insights")
	if len(queries) < 7 {
		t.Fatalf("only %d queries", len(queries))
	}
	for _, q := range queries {
		if q.marker != "insights" {
			continue // over a log of Account A
		}
		text := regexp.MustCompile(`"[^"]*"`).ReplaceAllString(q.text, " ")
		own := map[string]bool{}
		for _, m := range regexp.MustCompile(` as (\w+)`).FindAllStringSubmatch(text, -1) {
			own[m[1]] = true
		}
		for _, word := range regexp.MustCompile(`[A-Za-z_][\w.]*`).FindAllString(regexp.MustCompile(`\(\d+[smhd]\)`).ReplaceAllString(text, " "), -1) {
			first, _, _ := strings.Cut(word, ".")
			if !fields[first] && !own[word] && !strings.Contains(insightsWords, " "+word+" ") {
				t.Errorf("docs/operate.md:%d: %s is no field of an audit line", q.line, word)
			}
		}
	}
}

// TestErrorTable: the table of errors has every code, with the status that the
// service answers.
func TestErrorTable(t *testing.T) {
	status := map[string]int{}
	for n := 100; n < 600; n++ {
		status[strings.ReplaceAll(http.StatusText(n), " ", "")] = n
	}
	kinds := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\t([A-Z]\w+): +"([a-z_]+)",$`).FindAllStringSubmatch(readFile(t, "internal/fault/fault.go"), -1) {
		kinds[m[1]] = m[2]
	}
	exist := map[string]bool{}
	for _, m := range regexp.MustCompile(`fault\.(\w+): +http\.Status(\w+),`).FindAllStringSubmatch(readFile(t, "internal/gateway/answer.go"), -1) {
		exist[fmt.Sprintf("%d %s", status[m[2]], kinds[m[1]])] = true
	}
	if len(exist) != len(fault.Kinds()) {
		t.Errorf("%d statuses, %d kinds", len(exist), len(fault.Kinds()))
	}
	named := map[string]bool{}
	for _, row := range find(t, "docs/operate.md").table(t, "What each error means, and who mends it") {
		if _, err := strconv.Atoi(row[0]); err != nil || len(row) != 5 {
			t.Errorf("the row %v", row)
			continue
		}
		named[row[0]+" "+quoted.ReplaceAllString(row[1], "$1")] = true
	}
	same(t, "the error", exist, named)
}

// TestAlarms: docs/operate.md has every alarm of the template, by its logical
// name.
func TestAlarms(t *testing.T) {
	exist, named := map[string]bool{}, map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^  (\w+):\n    Type: AWS::CloudWatch::Alarm`).FindAllStringSubmatch(readFile(t, "template.yaml"), -1) {
		exist[m[1]] = true
	}
	for _, row := range find(t, "docs/operate.md").table(t, "Alarms of the template") {
		named[quoted.ReplaceAllString(row[0], "$1")] = true
	}
	same(t, "the alarm", exist, named)
}

// TestUnsure: the ids of docs/deploy.md stand once each.
func TestUnsure(t *testing.T) {
	seen := map[string]int{}
	for _, row := range find(t, "docs/deploy.md").table(t, "What is unsure") {
		seen[row[0]]++
	}
	for id := range maps.Keys(seen) {
		if seen[id] != 1 || !quoted.MatchString(id) {
			t.Errorf("%s stands %d times", id, seen[id])
		}
	}
}
