package architecture

import (
	"strings"
	"testing"
)

// The checker itself is tested on small graphs, each with one fault planted: a
// guard that lets everything pass looks just like a clean module.

func TestCheckerFindsPlantedFaults(t *testing.T) {
	rows := map[string][]string{"a": {}, "b": {"a"}, "c": {"a", "b"}}
	fence := map[string][]string{"example.com/lib": {"b"}}
	clean := func() []pkg {
		return []pkg{
			{ImportPath: module + "/a", Imports: []string{"fmt", "example.com/library"}},
			{ImportPath: module + "/b", Imports: []string{"fmt", module + "/a", "example.com/lib/v2"}},
			{ImportPath: module + "/c", Imports: []string{module + "/b"}},
		}
	}
	for _, c := range []struct {
		name  string
		plant func(packages []pkg) []pkg
		want  string // part of the one problem; empty: none
	}{
		{"clean", func(p []pkg) []pkg { return p }, ""},
		{"an arrow that the table lacks", func(p []pkg) []pkg {
			p[1].Imports = append(p[1].Imports, module+"/c")
			return p
		}, "b imports c: the table allows it [a]"},
		{"an arrow out of a package that may import nothing", func(p []pkg) []pkg {
			p[0].Imports = append(p[0].Imports, module+"/b")
			return p
		}, "a imports b"},
		{"a package that the table lacks", func(p []pkg) []pkg {
			return append(p, pkg{ImportPath: module + "/d"})
		}, "package d is not in the import table"},
		{"a folder below a package is another package", func(p []pkg) []pkg {
			return append(p, pkg{ImportPath: module + "/b/sub"})
		}, "package b/sub is not in the import table"},
		{"an arrow to a folder below an allowed one", func(p []pkg) []pkg {
			p[2].Imports = append(p[2].Imports, module+"/a/sub")
			return p
		}, "c imports a/sub"},
		{"an arrow to the module's own root", func(p []pkg) []pkg {
			p[0].Imports = append(p[0].Imports, module)
			return p
		}, "a imports " + module},
		{"a row without package", func(p []pkg) []pkg { return p[:2] }, "a row for c, and there is no such package"},
		{"a fenced library", func(p []pkg) []pkg {
			p[2].Imports = append(p[2].Imports, "example.com/lib")
			return p
		}, "c imports example.com/lib: only [b] may"},
		{"a part of a fenced library", func(p []pkg) []pkg {
			p[0].Imports = append(p[0].Imports, "example.com/lib/core")
			return p
		}, "a imports example.com/lib/core: only [b] may"},
	} {
		t.Run(c.name, func(t *testing.T) {
			expect(t, check(c.plant(clean()), rows, fence), c.want)
		})
	}
}

func TestCheckerFindsRowsThatAllowNothingReal(t *testing.T) {
	rows := map[string][]string{"a": {"gone"}}
	expect(t, check([]pkg{{ImportPath: module + "/a"}}, rows, nil), "the row of a allows gone")
}

func TestReachFindsPlantedFaults(t *testing.T) {
	for _, c := range []struct {
		dep  string
		want string // part of the one problem; empty: none
	}{
		{"fmt", ""},
		{"github.com/goccy/go-yaml/ast", "banned: yaml"},
		{"gopkg.in/yaml.v3", "banned: yaml"},
		{"github.com/santhosh-tekuri/jsonschema/v6", "banned: jsonschema"},
		{"github.com/spf13/cobra", "banned: spf13/"},
		{module + "/internal/local", "internal/local"},
		{module + "/internal/local/iam", "internal/local"},
		{module + "/internal/cli", "internal/cli"},
		{module + "/internal/vendtest", "internal/vendtest"},
		{module + "/client", "credvend/client"},
		{module + "/internal/clienttable", ""},
		{"testing", "banned: testing"},
		{"testing/iotest", "banned: testing"},
		{"github.com/aws/smithy-go/testing", ""},
	} {
		t.Run(c.dep, func(t *testing.T) {
			graph := []pkg{{ImportPath: module + "/functions/vend", Deps: []string{"os", c.dep}}}
			expect(t, checkReach(graph, "functions/vend", unreachable), c.want)
		})
	}
	expect(t, checkReach(nil, "functions/vend", unreachable), "no package functions/vend")
}

// The real table is sound: it has no cycle, and the judges share nothing with
// what they judge, by any way.
func TestTable(t *testing.T) {
	judged := append([]string{"internal/allowlist/yamldoc", "internal/assume", "internal/vend", "internal/gateway", "internal/function"}, pure...)
	for name := range table {
		reach := map[string]bool{}
		follow(table, name, reach)
		if reach[name] {
			t.Errorf("the table lets %s import itself by a way round", name)
		}
		if !strings.HasPrefix(name, "internal/local/") {
			continue
		}
		for _, j := range judged {
			if reach[j] {
				t.Errorf("the table lets %s reach %s, which it judges", name, j)
			}
		}
	}
	reach := map[string]bool{}
	follow(table, "internal/audit", reach)
	if reach["internal/assume"] {
		t.Error("the table lets audit reach assume: an entry could hold a credential")
	}
}

func follow(table map[string][]string, from string, reach map[string]bool) {
	for _, to := range table[from] {
		if !reach[to] {
			reach[to] = true
			follow(table, to, reach)
		}
	}
}

// expect wants exactly one problem that holds part, or none if part is empty.
func expect(t *testing.T, problems []string, part string) {
	t.Helper()
	switch {
	case part == "" && len(problems) > 0:
		t.Errorf("unexpected: %q", problems)
	case part != "" && (len(problems) != 1 || !strings.Contains(problems[0], part)):
		t.Errorf("problems %q, want one with %q", problems, part)
	}
}
