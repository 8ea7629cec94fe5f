package guard_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/credvend/credvend/bench/guard"
)

const small = `# A comment,
# of two lines.

go 1.26
decide                               3  # compiled at load
vend                               100  # two lines of audit
vend:instructions:other          50000  # of another machine
`

func parse(t *testing.T, text string) guard.Baseline {
	t.Helper()
	b, err := guard.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseKeepsAll(t *testing.T) {
	if got := parse(t, small).String(); got != small {
		t.Error(cmp.Diff(small, got))
	}
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no Go version":       {"# comment\n", "names no Go version"},
		"empty":               {"", "names no Go version"},
		"count before it":     {"decide 3 # why\ngo 1.26\n", "line 1"},
		"no reason's mark":    {"go 1.26\ndecide 3\n", "line 2"},
		"no count":            {"go 1.26\ndecide # why\n", "line 2"},
		"a word for a count":  {"go 1.26\ndecide three # why\n", `"three" is not a count`},
		"below nothing":       {"go 1.26\ndecide -3 # why\n", `"-3" is not a count`},
		"huge":                {"go 1.26\ndecide 99999999999 # why\n", "is not a count"},
		"twice":               {"go 1.26\ndecide 3 # why\ndecide 4 # why\n", "decide stands here twice"},
		"comment in between":  {"go 1.26\n# lost at the next update\ndecide 3 # why\n", "line 2"},
		"a second Go version": {"go 1.26\ngo 1.27\n", "line 2"},
	} {
		if _, err := guard.Parse(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, and not %s", name, err, c.want)
		}
	}
}

func TestJudge(t *testing.T) {
	same := []guard.Count{{Name: "decide", N: 3}, {Name: "vend", N: 100}}
	with := func(decide, vend int) []guard.Count {
		return []guard.Count{{Name: "decide", N: decide}, {Name: "vend", N: vend}}
	}
	for name, c := range map[string]struct {
		baseline, version string
		counts            []guard.Count
		fails             string // the parts that fail
		texts             string // all of them must stand in the verdicts, parted by |
	}{
		"as it was":            {small, "go1.26.8", same, "", "3, as in the baseline (3)"},
		"within 5 %":           {small, "go1.26.8", with(3, 105), "", "105, as in the baseline (100)"},
		"within 5 % less":      {small, "go1.26.8", with(3, 95), "", "95, as"},
		"above 5 %":            {small, "go1.26.8", with(3, 106), "vend", "+6 %|vend                               106  # say why"},
		"a gain counts too":    {small, "go1.26.8", with(3, 94), "vend", "-6 %|vend                                94  # say why"},
		"one of few":           {small, "go1.26.8", with(4, 100), "decide", "+33 %"},
		"nothing from nothing": {strings.Replace(small, "3  #", "0  #", 1), "go1.26.8", with(0, 100), "", "0, as in"},
		"one from nothing":     {strings.Replace(small, "3  #", "0  #", 1), "go1.26.8", with(1, 100), "decide", "+100 %"},
		"unknown": {small, "go1.26.8", append(with(3, 100), guard.Count{Name: "new", N: 7}), "new",
			"the baseline does not know it|new                                  7  # say why"},
		"unknown and optional":           {small, "go1.26.8", append(with(3, 100), guard.Count{Name: "new", N: 7, Optional: true}), "", "not held"},
		"optional and held":              {small, "go1.26.8", append(with(3, 100), guard.Count{Name: "vend:instructions:other", N: 60000, Optional: true}), "vend:instructions:other", "+20 %"},
		"gone":                           {small, "go1.26.8", same[:1], "vend", "delete its line"},
		"another Go":                     {small, "go1.27.1", with(30, 200), "", "not held: the baseline is of go1.26, and this is go1.27"},
		"a release candidate of another": {small, "go1.27rc1", with(30, 100), "", "this is go1.27"},
		"no release":                     {small, "devel +abc", with(30, 100), "", "not held"},
		"not explained":                  {strings.Replace(small, "compiled at load", "say why", 1), "go1.26.8", same, "decide", "say behind the #"},
		"explained by nothing":           {strings.Replace(small, "compiled at load", "", 1), "go1.27.0", same, "decide", "say behind the #"},
	} {
		var fails, texts []string
		for _, v := range parse(t, c.baseline).Judge(c.version, c.counts) {
			if v.Fails {
				fails = append(fails, v.Name)
			}
			texts = append(texts, v.Text)
		}
		if got := strings.Join(fails, " "); got != c.fails {
			t.Errorf("%s: %q fail, and %q should: %s", name, got, c.fails, strings.Join(texts, "\n"))
		}
		for want := range strings.SplitSeq(c.texts, "|") {
			if !strings.Contains(strings.Join(texts, "\n"), want) {
				t.Errorf("%s: no %q in\n%s", name, want, strings.Join(texts, "\n"))
			}
		}
	}
}

// An update keeps what holds, another machine's counts and every reason but of
// what changed; it does not hold until those are given.
func TestUpdate(t *testing.T) {
	counts := []guard.Count{{Name: "decide", N: 3}, {Name: "vend", N: 80}, {Name: "new", N: 7}, {Name: "theirs", N: 400, Optional: true}}
	got := parse(t, small).Update("go1.26.9", counts).String()
	want := `# A comment,
# of two lines.

go 1.26
decide                               3  # compiled at load
vend                                80  # say why
new                                  7  # say why
vend:instructions:other          50000  # of another machine
`
	if got != want {
		t.Error(cmp.Diff(want, got))
	}
	for _, v := range parse(t, got).Judge("go1.26.9", counts) {
		if v.Fails != (v.Name == "vend" || v.Name == "new") {
			t.Errorf("%s: %+v", v.Name, v)
		}
	}
	if got := parse(t, small).Update("go1.27.0", counts[:1]).Go; got != "1.27" {
		t.Errorf("the new baseline is of go%s", got)
	}
}
