package config_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The reference names each variable that this package reads, and none of the
// function's that it does not.
func TestDocumentNamesEveryVariable(t *testing.T) {
	source, err := os.ReadFile("config.go")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	names := func(text []byte, form string) (found []string) {
		for _, m := range regexp.MustCompile(form).FindAllSubmatch(text, -1) {
			found = append(found, string(m[1]))
		}
		slices.Sort(found)
		return slices.Compact(found)
	}
	function, _, _ := strings.Cut(string(doc), "## The tool")
	read := names(source, `"(CREDVEND_[A-Z_]+)"`)
	told := names([]byte(function), "`(CREDVEND_[A-Z_]+)`")
	if len(read) == 0 || !slices.Equal(read, told) {
		t.Errorf("read: %v\ntold: %v", read, told)
	}
}
