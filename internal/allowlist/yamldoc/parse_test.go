package yamldoc_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/allowlist/yamldoc"
)

// parse fails the test if text does not parse.
func parse(t testing.TB, text string) *yamldoc.File {
	t.Helper()
	f, err := yamldoc.Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return f
}

// TestSpellings holds spellings of one rule that all mean the same.
func TestSpellings(t *testing.T) {
	want := []allowlist.Rule{{ID: "a-b", Callers: []string{"x y", "*"}, Target: "t", Routes: []string{"GET /u/${claims.sub}/*"}}}
	for name, text := range map[string]string{
		"block":                 "rules:\n  - id: a-b\n    callers:\n      - x y\n      - \"*\"\n    target: t\n    routes:\n      - GET /u/${claims.sub}/*\n",
		"list as left as key":   "rules:\n- id: a-b\n  callers:\n  - x y\n  - '*'\n  target: t\n  routes:\n  - GET /u/${claims.sub}/*\n",
		"flow":                  `rules: [{id: a-b, callers: [x y, "*"], target: t, routes: ["GET /u/${claims.sub}/*"]}]`,
		"flow over lines":       "rules: [\n  {id: a-b, # why\n   callers: [ 'x y',\n     '*', ],\n  target: t, routes: ['GET /u/${claims.sub}/*',],\n  },\n]\n",
		"JSON":                  `{"rules":[{"id":"a-b","callers":["x y","*"],"target":"t","routes":["GET /u/${claims.sub}/*"]}]}`,
		"JSON with slashes":     `{"rules":[{"id":"a-b","callers":["x y","*"],"target":"t","routes":["GET \/u\/${claims.sub}\/*"]}]}`,
		"CRLF":                  "rules:\r\n  - id: a-b\r\n\r\n    callers: [x y, '*'] # c\r\n    target: t\r\n    routes: ['GET /u/${claims.sub}/*']\r\n",
		"marker":                "# why\n---\nrules:\n  - {id: a-b, callers: [x y, '*'], target: t, routes: ['GET /u/${claims.sub}/*']}",
		"marker with a comment": "--- # why\nrules: [{id: a-b, callers: [x y, '*'], target: t, routes: ['GET /u/${claims.sub}/*']}]",
		"comments anywhere":     "# 1\nrules: # 2\n# 3\n  # 4\n  - # 5\n    # 6\n    id: # 7\n      a-b # 8\n      # 9\n    callers: [x y, '*']\n# 10\n    target: t\n    routes: ['GET /u/${claims.sub}/*']\n  # 11",
		"nested indentation":    "    rules:\n     -\n        target:      t\n        id: \"a-b\"\n        callers:   [x y,'*']\n        routes:\n         -   GET /u/${claims.sub}/*   \n",
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want, parse(t, text).Doc.Rules); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestText holds values that look like something else, and how they read.
func TestText(t *testing.T) {
	for text, want := range map[string]string{
		`arn:aws:iam::1:role/x`:  "arn:aws:iam::1:role/x",
		`a#b`:                    "a#b",
		`a # b`:                  "a",
		`a: b`:                   "", // refused
		`"a: b"`:                 "a: b",
		`'it''s'`:                "it's",
		`"say \"\\\" \/"`:        `say "\" /`,
		`-a`:                     "-a",
		`?a`:                     "?a",
		`:a`:                     ":a",
		`a,b]c}`:                 "a,b]c}",
		`a "b" 'c'`:              `a "b" 'c'`,
		`1h`:                     "1h",
		`30m`:                    "30m",
		`1example23456789`:       "1example23456789",
		`AROAEXAMPLEBILLING00`:   "AROAEXAMPLEBILLING00",
		`2001-12-14x`:            "2001-12-14x",
		`nobody`:                 "nobody",
		`trueish`:                "trueish",
		`"true"`:                 "true",
		`"null"`:                 "null",
		`'777788889999'`:         "777788889999",
		`été ☂`:                  "été ☂",
		`a  b`:                   "a  b",
		`us-east-1`:              "us-east-1",
		`-`:                      "",
		`"a`:                     "",
		`"a\`:                    "",
		`'a`:                     "",
		`"\x61"`:                 "",
		`"a\` + "\n" + ` b"`:     "",
		strings.Repeat("7", 100): "",
		`0777`:                   "",
		`0o17`:                   "",
		`0b1`:                    "",
		`1.`:                     "",
		`.5`:                     "",
		`+1`:                     "",
		`1:30`:                   "",
		`.NaN`:                   "",
		`-.Inf`:                  "",
		`Off`:                    "",
		`no`:                     "",
		`yes`:                    "",
		`on`:                     "",
		`n`:                      "",
		"one\n     two":          "", // one column deeper than id
		"one\n        two":       "",
		`Y`:                      "",
		`NULL`:                   "",
		`2001-1-1 10:00:00`:      "",
	} {
		f, err := yamldoc.Parse("test.yaml", []byte("rules:\n  - id: "+text+"\n"))
		switch {
		case want == "" && err == nil:
			t.Errorf("%s was read as %q; want an error", text, f.Doc.Rules[0].ID)
		case want != "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != "" && f.Doc.Rules[0].ID != want:
			t.Errorf("%s was read as %q; want %q", text, f.Doc.Rules[0].ID, want)
		}
	}
}

func TestPosition(t *testing.T) {
	f := parse(t, "# é\nversion: 1\ncallers:\n  é-caller: {tags: {é: è, \"a b\": c}}\nrules:\n  - id: one\n    routes: [\"GET /é\", 'x']\n  - id: two\n")
	for _, c := range []struct {
		path         []any
		key          bool
		line, column int
	}{
		{nil, false, 2, 1},
		{[]any{"version"}, false, 2, 10},
		{[]any{"version"}, true, 2, 1},
		{[]any{"callers", "é-caller"}, true, 4, 3},
		{[]any{"callers", "é-caller", "tags", "a b"}, true, 4, 27},
		{[]any{"callers", "é-caller", "tags", "a b"}, false, 4, 34},
		{[]any{"callers", "é-caller", "iam", "role"}, false, 4, 3}, // missing: the caller's name
		{[]any{"targets"}, false, 2, 1},
		{[]any{"rules", 0, "routes", 1}, false, 7, 24},
		{[]any{"rules", 0, "routes", 1}, true, 7, 24},
		{[]any{"rules", 1, "callers"}, false, 8, 5}, // missing: the rule
		{[]any{"rules", 2}, false, 5, 1},
		{[]any{"rules", -1}, false, 5, 1},
		{[]any{"rules", "x", 3}, false, 5, 1},
		{[]any{1.5}, false, 2, 1},
	} {
		if line, column := f.Position(c.path, c.key); line != c.line || column != c.column {
			t.Errorf("%v (key %v) at %d:%d; want %d:%d", c.path, c.key, line, column, c.line, c.column)
		}
	}
}

func TestAnnotate(t *testing.T) {
	f := parse(t, "version: 1\nrules:\n  - id: one\n  - id: two\n")
	if err := f.Annotate(nil); err != nil {
		t.Errorf("no problems gave %v", err)
	}
	err := f.Annotate(allowlist.Problems{{Path: []any{"rules", 1, "id"}, Text: "b"}, {Path: []any{"rules", 0, "id"}, Key: true, Text: "a", Remedy: "mend it"}})
	want := "test.yaml:3:5: a; mend it\n    3 |   - id: one\n      |     ^\ntest.yaml:4:9: b\n    4 |   - id: two\n      |         ^"
	if err.Error() != want {
		t.Errorf("%s\nwant\n%s", err, want)
	}
	var ds yamldoc.Diagnostics
	if !errors.As(err, &ds) || len(ds) != 2 || ds[0].Line != 3 || ds[0].Column != 5 {
		t.Errorf("%#v", ds)
	}
}

// TestLoadKeepsFile: lint wants the file where the list does not compile.
func TestLoadKeepsFile(t *testing.T) {
	if f, l, err := yamldoc.Load("a", []byte("version: 2\n")); err == nil || f == nil || l != nil {
		t.Errorf("%v %v %v", f, l, err)
	}
	if f, l, err := yamldoc.Load("a", []byte("version 2\n")); err == nil || f != nil || l != nil {
		t.Errorf("%v %v %v", f, l, err)
	}
}

// TestEveryKey sets each key of the document, found by reflection, to a value
// of a wrong form: a key that the reader does not know, or whose type it does
// not check, shows.
func TestEveryKey(t *testing.T) {
	keys := 0
	var walk func(t reflect.Type, open, shut string)
	walk = func(typ reflect.Type, open, shut string) {
		switch typ.Kind() {
		case reflect.Pointer:
			walk(typ.Elem(), open, shut)
		case reflect.Map:
			walk(typ.Elem(), open+`{"k": `, "}"+shut)
		case reflect.Slice:
			walk(typ.Elem(), open+"[", "]"+shut)
		case reflect.Struct:
			for i := range typ.NumField() {
				key, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
				wrong := "[]"
				if typ.Field(i).Type.Kind() == reflect.Slice {
					wrong = "{}"
				}
				keys++
				text := fmt.Sprintf("%s{%q: %s}%s", open, key, wrong, shut)
				_, err := yamldoc.Parse("t", []byte(text))
				if err == nil || !strings.Contains(err.Error(), key+" takes ") {
					t.Errorf("%s: %v", text, err)
				}
				walk(typ.Field(i).Type, fmt.Sprintf("%s{%q: ", open, key), "}"+shut)
			}
		}
	}
	walk(reflect.TypeFor[allowlist.Document](), "", "")
	if keys != 30 {
		t.Errorf("the document has %d keys; if that is meant, mend this figure and docs/allowlist.md", keys)
	}
}

// TestHostile: shapes on which YAML parsers take quadratic time, recurse
// without bound or expand. Were one of them quadratic here, this test would
// not end.
func TestHostile(t *testing.T) {
	const n = 1 << 18
	bomb := "a: &a [x, x]\n"
	for c := 'b'; c < 'z'; c++ {
		bomb += fmt.Sprintf("%c: &%c [*%c, *%c, *%c, *%c]\n", c, c, c-1, c-1, c-1, c-1)
	}
	keys := &strings.Builder{}
	for i := range n / 4 {
		fmt.Fprintf(keys, "k%d: v\n", i)
	}
	stairs := &strings.Builder{}
	for i := range 2000 {
		stairs.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	for name, text := range map[string]string{
		"bomb":            bomb,
		"brackets":        strings.Repeat("[", n),
		"braces":          strings.Repeat("{a: ", n),
		"closing":         strings.Repeat("]", n),
		"dashes":          strings.Repeat("- ", n),
		"dash lines":      strings.Repeat("-\n", n),
		"question marks":  strings.Repeat("? ", n),
		"colons":          strings.Repeat(":", n),
		"a key again":     strings.Repeat("a:\n", n),
		"keys":            keys.String(),
		"stairs":          stairs.String(),
		"tabs":            "a: \"" + strings.Repeat("\t", n) + "\"",
		"tabs and blanks": strings.Repeat("\t ", n),
		"quotes":          strings.Repeat("'", n),
		"lone quotes":     strings.Repeat("\"\n", n),
		"spaces":          "a:" + strings.Repeat(" ", n) + "\n" + strings.Repeat(" ", n),
		"line ends":       strings.Repeat("\r\n", n) + "a",
		"carriage":        strings.Repeat("\r", n),
		"commas":          "[" + strings.Repeat("a,", n) + "]",
		"empty lists":     "rules: [" + strings.Repeat("[],", n) + "]",
		"tags":            strings.Repeat("a: !!x\n", n),
		"comments":        strings.Repeat("#\n", n),
		"escapes":         "a: \"" + strings.Repeat("\\x", n) + "\"",
		"nul":             strings.Repeat("\x00", n),
		"no UTF-8":        strings.Repeat("\xff", n),
		"long key":        strings.Repeat("a", n) + ": b",
		"long number":     "rules: [{id: " + strings.Repeat("1", n) + "}]",
		"far column":      strings.Repeat("a,", n) + "\x00" + strings.Repeat("é", n),
		"too large":       strings.Repeat("a", yamldoc.MaxSize+1),
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := yamldoc.Load(name, []byte(text))
			var ds yamldoc.Diagnostics
			if !errors.As(err, &ds) || len(ds) == 0 || len(ds) > 1000 {
				t.Fatalf("%d diagnostics: %.300v", len(ds), err)
			}
			if len(err.Error()) > 20*1200 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		})
	}
}

// BenchmarkLoad loads a list of 100,000 rules.
func BenchmarkLoad(b *testing.B) {
	var text strings.Builder
	text.WriteString("version: 1\ntargets:\n  orders:\n    role: arn:aws:iam::111122223333:role/orders-invoke\n    api: arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default\ncallers:\n")
	for i := range 20_000 {
		fmt.Fprintf(&text, "  service-%d:\n    iam: { role: \"arn:aws:iam::444455556666:role/service-%d\" }\n", i, i)
	}
	text.WriteString("rules:\n")
	for i := range 100_000 {
		fmt.Fprintf(&text, "  - id: rule-%d\n    callers: [service-%d]\n    target: orders\n    routes: [\"GET /orders/%d\", \"GET /orders/%d/*\"]\n    max_duration: 30m\n", i, i%20_000, i, i)
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := yamldoc.Load("bench", []byte(text.String())); err != nil {
			b.Fatal(err)
		}
	}
}
