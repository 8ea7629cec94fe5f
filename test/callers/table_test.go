package callers_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what was measured into docs/callers.md")

const (
	page          = "../../docs/callers.md"
	sessionsBegin = "<!-- made by test/callers/run.sh refresh --update: sessions -->"
	refusalsBegin = "<!-- made by test/callers/run.sh refresh --update: refusals -->"
	tableEnd      = "<!-- end of what test/callers/run.sh made -->"

	sessionsHead = "| client | 30 min | 15 min | fetches anew with this left of an hour | if it cannot, signs on until this is left | once they have ended |\n|---|---|---|---|---|---|\n"
	refusalsHead = "| client | status | tries | within | says |\n|---|---|---|---|---|\n"
)

// between cuts a text at a marker and the end that follows it.
func between(t *testing.T, text, begin string) (before, inside, after string) {
	t.Helper()
	before, rest, ok := strings.Cut(text, begin+"\n")
	inside, after, ends := strings.Cut(rest, tableEnd)
	if !ok || !ends {
		t.Fatalf("docs/callers.md has no line %s, or none that ends what follows", begin)
	}
	return before + begin + "\n", inside, tableEnd + after
}

// rows are the rows of a table, without its head.
func rows(table string) []string {
	lines := strings.Split(strings.TrimSpace(table), "\n")
	return lines[min(2, len(lines)):]
}

// same is up to which column two rows must be equal.
func same(a, b string, columns int) bool {
	cut := func(row string) []string {
		return strings.Split(row, " | ")[:min(columns, strings.Count(row, " | ")+1)]
	}
	return slices.Equal(cut(a), cut(b))
}

// differences holds measured rows to those of the document, which may have
// others: clients that are not here.
func differences(measured, written []string, columns int) []string {
	var found []string
	for _, row := range measured {
		if !slices.ContainsFunc(written, func(w string) bool { return same(row, w, columns) }) {
			found = append(found, row)
		}
	}
	return found
}

// The columns that must be as written: of a refusal, delay and words differ with
// a client's version.
const sessionColumns, refusalColumns = 6, 3

// toRows writes rows as the document has them.
func toRows(sessions []session, refusals []refusal) (s, r []string) {
	for _, row := range sessions {
		s = append(s, row.row())
	}
	for _, row := range together(refusals) {
		r = append(r, row.row())
	}
	return s, r
}

// holdToDocument fails where the document says something else than was measured.
// With -update, it is the document that gives way.
func holdToDocument(t *testing.T, sessions []session, refusals []refusal) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	measuredSessions, measuredRefusals := toRows(sessions, refusals)
	if *update {
		updated := write(t, string(text), sessionsBegin, sessionsHead, measuredSessions)
		updated = write(t, updated, refusalsBegin, refusalsHead, measuredRefusals)
		if err := os.WriteFile(page, []byte(updated), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for begin, rowsOf := range map[string]struct {
		measured []string
		columns  int
	}{sessionsBegin: {measuredSessions, sessionColumns}, refusalsBegin: {measuredRefusals, refusalColumns}} {
		_, inside, _ := between(t, string(text), begin)
		for _, row := range differences(rowsOf.measured, rows(inside), rowsOf.columns) {
			t.Errorf("docs/callers.md does not have what was measured; if it is right, test/callers/run.sh refresh --update writes it:\n%s", row)
		}
	}
}

// write puts measured rows in the place of those of the same clients.
func write(t *testing.T, text, begin, head string, measured []string) string {
	t.Helper()
	before, inside, after := between(t, text, begin)
	all := slices.Clone(measured)
	for _, old := range rows(inside) {
		if old != "" && !slices.ContainsFunc(measured, func(row string) bool { return same(row, old, 1) }) {
			all = append(all, old)
		}
	}
	slices.Sort(all)
	return before + head + strings.Join(all, "\n") + "\n" + after
}

// TestTable plants what the comparison must find, and what it must let pass.
func TestTable(t *testing.T) {
	written := []string{"| A | 403 | 3 | 2 s | `x` |", "| B | 403 | 4 | 2 s | `x` |"}
	for name, c := range map[string]struct {
		row  string
		same bool
	}{
		"the same":         {"| A | 403 | 3 | 2 s | `x` |", true},
		"other words":      {"| A | 403 | 3 | 1 s | `y` |", true},
		"another count":    {"| A | 403 | 4 | 2 s | `x` |", false},
		"an unknown one":   {"| C | 403 | 3 | 2 s | `x` |", false},
		"another's status": {"| B | 503 | 4 | 2 s | `x` |", false},
	} {
		if got := len(differences([]string{c.row}, written, refusalColumns)) == 0; got != c.same {
			t.Errorf("%s: %v", name, got)
		}
	}
	for tries, want := range map[int]bool{3: true, 4: false} {
		if (refusal{label: "A", statuses: []int{429}, tries: tries}).among([]string{"| A | 403, 429 | 3 | 2 s | `x` |", "| B | 429 | 4 | 2 s | `x` |"}) != want {
			t.Errorf("%d tries are among those: not %v", tries, want)
		}
	}
	joined := together([]refusal{{"A", []int{403}, 1, 0, "x"}, {"A", []int{429}, 3, 1, "y"}, {"A", []int{503}, 3, 2, "z"}, {"B", []int{503}, 3, 0, "z"}})
	if len(joined) != 3 || !slices.Equal(joined[1].statuses, []int{429, 503}) || joined[1].waits != 2 {
		t.Errorf("joined: %v", joined)
	}
	text := "a\n" + refusalsBegin + "\n" + refusalsHead + strings.Join(written, "\n") + "\n" + tableEnd + "\nz"
	got := write(t, text, refusalsBegin, refusalsHead, []string{"| B | 403 | 5 | 2 s | `x` |", "| B | 503 | 5 | 2 s | `x` |"})
	want := "a\n" + refusalsBegin + "\n" + refusalsHead + "| A | 403 | 3 | 2 s | `x` |\n| B | 403 | 5 | 2 s | `x` |\n| B | 503 | 5 | 2 s | `x` |\n" + tableEnd + "\nz"
	if got != want {
		t.Errorf("wrote\n%s", got)
	}
}
