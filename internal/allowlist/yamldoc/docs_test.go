package yamldoc_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/allowlist/yamldoc"
)

const reference = "../../../docs/allowlist.md"

// TestReferenceExamples loads every example of the reference.
func TestReferenceExamples(t *testing.T) {
	text, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	examples := 0
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		if !strings.HasPrefix(block[1], "version:") {
			continue
		}
		examples++
		if _, _, err := yamldoc.Load("docs/allowlist.md", []byte(block[1])); err != nil {
			t.Errorf("%v", err)
		}
	}
	if examples < 3 {
		t.Errorf("only %d examples were found", examples)
	}
}

// TestReferenceKeys: the reference has a row for each key of the document, and
// no row for a key that does not exist.
func TestReferenceKeys(t *testing.T) {
	text, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		documented[row[1]] = true
	}
	known := map[string]bool{}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Map, reflect.Slice:
			walk(typ.Elem())
		case reflect.Struct:
			for i := range typ.NumField() {
				key, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
				known[key] = true
				walk(typ.Field(i).Type)
			}
		}
	}
	walk(reflect.TypeFor[allowlist.Document]())
	for key := range known {
		if !documented[key] {
			t.Errorf("%s has no row for %s", reference, key)
		}
	}
	for key := range documented {
		if !known[key] {
			t.Errorf("%s tells of %s, which does not exist", reference, key)
		}
	}
}

// TestReferenceMessages: the messages that the reference explains are those
// that the compiler gives. What stands for a name is cut out.
func TestReferenceMessages(t *testing.T) {
	text, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	source := &strings.Builder{}
	for _, dir := range []string{"..", "../../route", "../../arn"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".go") && !strings.HasSuffix(e.Name(), "_test.go") {
				b, err := os.ReadFile(dir + "/" + e.Name())
				if err != nil {
					t.Fatal(err)
				}
				source.Write(b)
			}
		}
	}
	verb := regexp.MustCompile(`%[a-z]`)
	said := strings.ReplaceAll(verb.ReplaceAllString(source.String(), "…"), `\"`, `"`)
	_, table, _ := strings.Cut(string(text), "## What the compiler refuses")
	rows := regexp.MustCompile("(?m)^\\| (`.*?`) \\|").FindAllStringSubmatch(table, -1)
	if len(rows) < 30 {
		t.Errorf("only %d messages were found", len(rows))
	}
	for _, row := range rows {
		first := regexp.MustCompile("^(?:`` (.*?) ``|`(.*?)`)").FindStringSubmatch(row[1])
		message := first[1] + first[2]
		longest := ""
		for _, part := range regexp.MustCompile(`…|"aud"|\b[0-9]+\b|15m to 1h|\b(user|role_id|role|targets|target|rules?|claim)\b`).Split(message, -1) {
			if len(part) > len(longest) {
				longest = part
			}
		}
		if longest = strings.TrimSpace(longest); len(longest) < 6 || !strings.Contains(said, longest) {
			t.Errorf("no message of the compiler holds %q (of %q)", longest, message)
		}
	}
}
