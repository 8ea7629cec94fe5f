package docs_test

import (
	"path"
	"regexp"
	"strings"
	"testing"
)

var namedTest = regexp.MustCompile("\\[`((?:Test|Fuzz)[A-Za-z0-9_]+)`\\]\\(([^)]+_test\\.go)\\)")

// TestThreatModelNamesTestsThatExist: each attack of the threat model names
// at least one test, with the file that holds it.
func TestThreatModelNamesTestsThatExist(t *testing.T) {
	p := find(t, "docs/threat-model.md")
	files := map[string]string{}
	attacks, section, head := 0, "", false
	p.prose(func(number int, line string) {
		if m := heading.FindStringSubmatch(line); m != nil {
			section = m[2]
		}
		for _, m := range namedTest.FindAllStringSubmatch(line, -1) {
			file := path.Join("docs", m[2])
			if files[file] == "" {
				files[file] = readFile(t, file)
			}
			if !strings.Contains(files[file], "\nfunc "+m[1]+"(") {
				t.Errorf("%s:%d: %s has no %s", p.name, number, file, m[1])
			}
		}
		if strings.HasPrefix(line, "| attack |") {
			head = true
			return
		}
		if !strings.HasPrefix(line, "|") {
			head = false
		}
		if head && !strings.HasPrefix(line, "|--") {
			attacks++
			if !namedTest.MatchString(line) {
				t.Errorf("%s:%d: in %q, no test shows what stops this: %s", p.name, number, section, line)
			}
		}
	})
	if attacks < 30 {
		t.Errorf("only %d attacks were found", attacks)
	}
}
