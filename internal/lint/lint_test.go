package lint_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/lint"
	"github.com/credvend/credvend/internal/lint/report"
	"github.com/credvend/credvend/internal/route"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// operations are what route-without-operation is held against.
func operations(t *testing.T) lint.Options {
	t.Helper()
	var routes []route.Route
	for _, text := range []string{"GET /orders", "POST /orders", "GET /orders/*"} {
		r, err := route.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		routes = append(routes, r)
	}
	return lint.Options{Operations: map[string][]route.Route{"orders": routes}}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestChecks holds each check against a file that it is about, and against one
// that looks like it and is right.
func TestChecks(t *testing.T) {
	for _, c := range lint.Checks() {
		t.Run(c.Name, func(t *testing.T) {
			opts := lint.Options{}
			if c.Name == "route-without-operation" {
				opts = operations(t)
			}
			only := func(file string) lint.Report {
				r := lint.Run(file, read(t, filepath.Join("testdata", file)), opts)
				if c.Name != lint.DoesNotCompile && r.Count(lint.Error) > 0 {
					t.Fatalf("does not compile:\n%s", report.Text(r))
				}
				r.Findings = slices.DeleteFunc(r.Findings, func(f lint.Finding) bool { return f.Check != c.Name || f.Silenced })
				return r
			}
			if ok := only(c.Name + ".ok.yaml"); len(ok.Findings) > 0 {
				t.Errorf("found in a file that is right:\n%s", report.Text(ok))
			}
			bad := only(c.Name + ".yaml")
			if len(bad.Findings) == 0 {
				t.Fatal("nothing was found")
			}
			for _, f := range bad.Findings {
				if f.Severity != c.Severity || f.Remedy == "" && f.Check != lint.DoesNotCompile || f.Line == 0 || f.Excerpt == "" {
					t.Errorf("%+v", f)
				}
			}
			golden(t, c.Name+".txt", report.Text(bad))
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if want := string(read(t, path)); string(got) != want {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

// TestShippedLists: what people start from is an example to follow.
func TestShippedLists(t *testing.T) {
	for _, path := range []string{"../../allowlist.yaml", "../local/story/allowlist.yaml"} {
		if r := lint.Run(path, read(t, path), lint.Options{}); report.Summary(r) != "0 errors, 0 warnings, 0 hints, 2 silenced" {
			t.Errorf("%s\n%s", report.Summary(r), report.Text(r))
		}
	}
}

// TestReasonless: a comment without a reason silences nothing.
func TestReasonless(t *testing.T) {
	r := lint.Run("list.yaml", read(t, "testdata/silence-without-reason.yaml"), lint.Options{})
	open := slices.ContainsFunc(r.Findings, func(f lint.Finding) bool { return f.Check == "account-wide-caller" && !f.Silenced })
	if !open || r.Silenced() != 0 || r.Count(lint.Warning) != 2 {
		t.Errorf("%s\n%s", report.Summary(r), report.Text(r))
	}
}

// TestDocumented: docs/lint.md has a heading for each check, with its severity,
// and for nothing else.
func TestDocumented(t *testing.T) {
	var documented, known []string
	for _, m := range regexp.MustCompile("(?m)^### `([a-z-]+)`\n\n\\*(Error|Warning|Hint)\\*").FindAllStringSubmatch(string(read(t, "../../docs/lint.md")), -1) {
		documented = append(documented, m[1]+" "+strings.ToLower(m[2]))
	}
	for _, c := range lint.Checks() {
		known = append(known, c.Name+" "+string(c.Severity))
		if !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(c.Name) || c.Short == "" {
			t.Errorf("%+v", c)
		}
	}
	if !slices.Equal(documented, known) {
		t.Errorf("documented\n%q\nknown\n%q", documented, known)
	}
}

// TestHostileFiles: a message with its place, at once, whatever the file is.
func TestHostileFiles(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x]\n"
	for i := range 20 {
		bomb += fmt.Sprintf("b%d: &b%d [*a, *a, *a, *a, *a, *a, *a, *a]\n", i, i)
	}
	errors := "version: 1\n"
	for i := range 3000 {
		errors += fmt.Sprintf("wrong%d: 1\n", i)
	}
	good := string(read(t, "testdata/does-not-compile.ok.yaml"))
	for name, c := range map[string]struct{ text, want string }{
		"empty":           {"", "the file is empty"},
		"blanks":          {" \n\n", "the file is empty"},
		"binary":          {"\x7fELF\x00\x01\xff", "character U+007F"},
		"UTF-16":          {"\xff\xfev\x00", "UTF-16"},
		"byte-order mark": {"\xef\xbb\xbf" + good, "byte-order mark"},
		"bomb":            {bomb, "unknown key \"a\""},
		"many errors":     {errors, "unknown key \"wrong0\""},
		"lone returns":    {strings.ReplaceAll(good, "\n", "\r"), "carriage return"},
		"too large":       {strings.Repeat("# 50 MiB and more\n", 4<<20), "the limit is"},
		"deep":            {strings.Repeat("[", 100_000), "inside one another"},
	} {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			r := lint.Run("list.yaml", []byte(c.text), lint.Options{})
			if len(r.Findings) == 0 || !strings.Contains(r.Findings[0].Text, c.want) || r.Findings[0].Check != lint.DoesNotCompile || len(r.Findings) > lint.MaxPerCheck {
				t.Errorf("%d findings: %.200s", len(r.Findings), report.Text(r))
			}
			if !slices.IsSortedFunc(r.Findings, func(a, b lint.Finding) int { return a.Line - b.Line }) {
				t.Error("out of order")
			}
			if took := time.Since(begun); took > 20*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
	mixed := strings.Replace(good, "\n", "\r\n", 3)
	if r := lint.Run("list.yaml", []byte(mixed), lint.Options{}); r.Count(lint.Error) > 0 {
		t.Errorf("mixed line ends:\n%s", report.Text(r))
	}
}

// many writes a list of so many rules, each of which is a finding or more.
func many(rules int) []byte {
	var b strings.Builder
	b.WriteString("version: 1\ntargets:\n")
	for i := range 100 {
		fmt.Fprintf(&b, "  t%d: { role: \"arn:aws:iam::111122223333:role/r%d\", api: \"arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default\" }\n", i, i)
	}
	b.WriteString("callers:\n")
	for i := range rules / 4 {
		fmt.Fprintf(&b, "  c%d: { iam: { role: \"arn:aws:iam::%012d:role/c%d-*\" }, tags: { team: t%d } }\n", i, 100000000000+i%500, i, i)
	}
	b.WriteString("rules:\n")
	for i := range rules {
		switch i % 20 {
		case 0:
			fmt.Fprintf(&b, "  - { id: r%d, effect: deny, callers: [c%d], target: t%d, routes: [\"* /a%d/x\"] }\n", i, i%(rules/4), i%100, i)
		default:
			fmt.Fprintf(&b, "  - { id: r%d, callers: [c%d], target: t%d, routes: [\"POST /a%d/*\", \"GET /b*\"] }\n", i, i%(rules/4), i%100, i)
		}
	}
	return []byte(b.String())
}

// TestManyFindings: those beyond the limit are counted, and count.
func TestManyFindings(t *testing.T) {
	r := lint.Run("list.yaml", many(4000), lint.Options{})
	if r.Count(lint.Error) > 0 {
		t.Fatalf("%.300s", report.Text(r))
	}
	if r.More["wildcard-write"] != 3800-lint.MaxPerCheck || r.Count(lint.Warning) < 7000 {
		t.Errorf("%v %s", r.More, report.Summary(r))
	}
	if text := string(report.Text(r)); !strings.Contains(text, "and 2800 more of wildcard-write") {
		t.Errorf("%s", text[max(0, len(text)-300):])
	}
}

// TestTooManyComparisons: a check that would take minutes stops and says so.
func TestTooManyComparisons(t *testing.T) {
	var b strings.Builder
	b.WriteString("version: 1\ntargets:\n  t: { role: \"arn:aws:iam::111122223333:role/r\", api: \"arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default\", require_routes: true }\n" +
		"callers:\n  a: { iam: { role: \"arn:aws:iam::444455556666:role/a-*\" } }\nrules:\n")
	for i := range 4_600 { // 21 million pairs
		fmt.Fprintf(&b, "  - { id: a%d, callers: [a], target: t, routes: [\"GET /a/%d\"] }\n  - { id: d%d, effect: deny, callers: [a], target: t, routes: [\"GET /d/%d\"] }\n", i, i, i, i)
	}
	begun := time.Now()
	r := lint.Run("list.yaml", []byte(b.String()), lint.Options{})
	if !slices.Contains(r.Cut, "carve-out") || r.Count(lint.Error) > 0 || r.Count(lint.Warning) < len(r.Cut) || !strings.Contains(string(report.Text(r)), "carve-out stopped before") {
		t.Errorf("%v %s", r.Cut, report.Summary(r))
	}
	if took := time.Since(begun); took > time.Minute {
		t.Errorf("it took %v", took)
	} else {
		t.Logf("it took %v", took)
	}
}

func BenchmarkLint100000Rules(b *testing.B) {
	text := many(100_000)
	for b.Loop() {
		if r := lint.Run("list.yaml", text, lint.Options{}); r.Count(lint.Error) > 0 {
			b.Fatal("does not compile")
		}
	}
}
