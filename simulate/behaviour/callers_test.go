package behaviour

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const page = "../../docs/callers.md"

// rows are the measured rows of a table of docs/callers.md, by client.
func rows(t *testing.T, which string) map[string][][]string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, begins := strings.Cut(string(text), "<!-- made by test/callers/run.sh refresh --update: "+which+" -->\n")
	inside, _, ends := strings.Cut(rest, "<!-- end of what")
	if !begins || !ends {
		t.Fatalf("docs/callers.md has no table of %s", which)
	}
	found := map[string][][]string{}
	for _, line := range strings.Split(strings.TrimSpace(inside), "\n")[2:] {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		found[cells[0]] = append(found[cells[0]], cells)
	}
	if len(found) < 5 {
		t.Fatalf("only %d clients were found", len(found))
	}
	return found
}

func minutes(d time.Duration) string { return fmt.Sprintf("%.0f min", d.Minutes()) }

// session is the row that a kind would have, from the column of ten signings on.
func (k Kind) session() []string {
	persists := minutes(k.Persists)
	switch {
	case k.Crashes:
		persists = "its crash"
	case k.Renews == EachCommand:
		persists = "not at all"
	case k.Persists == 0:
		persists = "the end"
	}
	renews := minutes(k.Left)
	switch k.Renews {
	case EachCommand:
		renews = "with each command"
	case RefreshAfter:
		renews = "by `refreshAfter`"
		if k.Name == "client" { // the stand-in's refreshAfter is 36 minutes before an hour's end
			renews = "36 min"
		}
	case ByLeft:
	}
	return []string{fmt.Sprint(k.fetches(30 * time.Minute)), fmt.Sprint(k.fetches(15 * time.Minute)), renews, persists, "fetches"}
}

// fetches is how often it would fetch for ten signings, one a minute. With a
// fetch a second passes.
func (k Kind) fetches(life time.Duration) int {
	count, renew := 0, time.Duration(-1)
	for i := range 10 {
		now := time.Duration(i) * time.Minute
		switch {
		case k.Commands && k.Renews == EachCommand:
			count++
			continue
		case renew >= 0 && now < renew:
			continue
		}
		count++
		switch k.Renews {
		case ByLeft:
			renew = now + life - k.Left
		case RefreshAfter:
			renew = now + max(MinUse, time.Duration(RefreshFrom*float64(life)))
			if k.Commands {
				return count // its ten commands ran within a minute
			}
		case EachCommand:
		}
	}
	return count
}

// TestSessions: each kind behaves as docs/callers.md measured, and every client
// that was measured has a kind.
func TestSessions(t *testing.T) {
	measured := rows(t, "sessions")
	claimed := map[string]bool{}
	for _, k := range Kinds() {
		if (len(k.Labels) == 0) != (k.Source != "") {
			t.Errorf("%s is either measured, or says where it is from", k.Name)
		}
		for _, label := range k.Labels {
			claimed[label] = true
			if len(measured[label]) != 1 {
				t.Errorf("docs/callers.md has %d rows of %s", len(measured[label]), label)
				continue
			}
			got, want := k.session(), slices.Clone(measured[label][0][1:])
			// Two oddities of how it was measured. An AWS CLI command and botocore's
			// first signing fetch twice: once to begin, once as too old.
			switch k.Name {
			case "cli":
				want[1] = want[0]
			case "boto3":
				want[1] = "10"
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: the simulation has %q, docs/callers.md has %q", label, got, want)
			}
		}
	}
	for label := range measured {
		if !claimed[label] {
			t.Errorf("docs/callers.md measured %s, and no kind is it", label)
		}
	}
}

var seconds = regexp.MustCompile(`^(\d+) s$`)

// TestRefusals: tries, and the time that they take, are as measured.
func TestRefusals(t *testing.T) {
	measured := rows(t, "refusals")
	for _, k := range Kinds() {
		if len(k.Waits) != k.Tries-1 {
			t.Errorf("%s: %d tries and %d waits", k.Name, k.Tries, len(k.Waits))
		}
		whole := time.Duration(0)
		for _, w := range k.Waits {
			whole += w
		}
		for _, label := range k.Labels {
			found := 0
			for _, row := range measured[label] {
				for _, status := range []int{429, 503} {
					if !strings.Contains(row[1], fmt.Sprint(status)) {
						continue
					}
					found++
					if row[2] != fmt.Sprint(k.TriesAt(status)) {
						t.Errorf("%s at %d: %d tries, docs/callers.md has %s", label, status, k.TriesAt(status), row[2])
					}
					if m := seconds.FindStringSubmatch(row[3]); m == nil || fmt.Sprint(whole.Seconds()) != m[1] {
						t.Errorf("%s at %d: within %v, docs/callers.md has %s", label, status, whole, row[3])
					}
				}
			}
			if found != 2 {
				t.Errorf("docs/callers.md has %d of 429 and 503 for %s", found, label)
			}
		}
	}
}

// TestMix: what can be meant is read, what cannot is refused with the remedy.
func TestMix(t *testing.T) {
	for _, text := range []string{DefaultMix, Honouring, "go", "go=1,js=1"} {
		mix, err := ParseMix(text)
		sum := 0.0
		for _, s := range mix {
			sum += s.Part
		}
		if err != nil || sum < 0.999999 || sum > 1.000001 {
			t.Errorf("%s: %v, parts are %g", text, err, sum)
		}
	}
	for text, want := range map[string]string{
		"": "no kind of client", "rust=1": "the kinds are go, js", "go=0": "above 0", "go=-1": "above 0", "go=x": "above 0", "go=NaN": "above 0",
		"go=1,go=2": "twice", "go=1e300": "above 0",
	} {
		if _, err := ParseMix(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
