package identity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestDecodeJSONDepth(t *testing.T) {
	at := strings.Repeat("[", maxDepth-1) + "1" + strings.Repeat("]", maxDepth-1)
	if _, err := decodeJSON([]byte(at)); err != nil {
		t.Errorf("%d levels: %v", maxDepth, err)
	}
	if _, err := decodeJSON([]byte("[" + at + "]")); err == nil {
		t.Errorf("%d levels were read", maxDepth+1)
	}
}

// What is read before something goes wrong must not decide what is said of it.
func TestDecodeJSONErrors(t *testing.T) {
	tests := []struct {
		name, text string
		want       error
	}{
		{"not UTF-8 before all else", "{\"a\":1,\"a\":\"\xff\"", errNotUTF8},
		{"cut behind a repeated key", `{"a":1,"a":2`, errSyntax},
		{"repeated key", `{"a":1,"b":[],"a":2}`, errDuplicate},
		{"repeated key, escaped", `{"a":1,"\u0061":2}`, errDuplicate},
		{"keys that are mended alike", `{"\ud800":1,"\udfff":2}`, errDuplicate},
		{"same key on two levels", `{"a":{"a":1}}`, nil},
		{"keys of two cases", `{"a":1,"A":2}`, nil},
		{"cut below too many levels", strings.Repeat("[", maxDepth+1), errSyntax},
		{"NUL behind the value", "1\x00", errSyntax},
		{"NUL before the value", "\x001", errSyntax},
		{"comma before the first", `{,"a":1}`, errSyntax},
		{"comma behind the last", `{"a":1,}`, errSyntax},
		{"comma behind the last of a list", `[1,]`, errSyntax},
		{"no comma", `[1 2]`, errSyntax},
		{"word cut", `[nul]`, errSyntax},
		{"word in capitals", `True`, errSyntax},
		{"number with a leading zero", `01`, errSyntax},
		{"number without a whole", `.5`, errSyntax},
		{"number without a fraction", `5.`, errSyntax},
		{"number without an exponent", `5e+`, errSyntax},
		{"minus alone", `-`, errSyntax},
		{"line feed in a string", "\"\n\"", errSyntax},
		{"quote escaped at the end", `"a\"`, errSyntax},
		{"unknown escape", `"\x41"`, errSyntax},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := decodeJSON([]byte(tt.text)); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

// An object of many members is found in and checked like one of few.
func TestDecodeJSONManyMembers(t *testing.T) {
	for _, n := range []int{many - 1, many, many + 1, 50_000} {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"k%d":"v%d"`, i*7919%n, i*7919%n)
		}
		v, err := decodeJSON([]byte("{" + b.String()[1:] + "}"))
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if name := fmt.Sprintf("k%d", i); !v.get(name).is("v" + name[1:]) {
				t.Fatalf("%d members: %s is %+v", n, name, v.get(name))
			}
		}
		if got := v.get("k"); got.shape != absent {
			t.Errorf("%d members: %+v for none", n, got)
		}
		if _, err := decodeJSON([]byte(`{"k0":1` + b.String() + "}")); !errors.Is(err, errDuplicate) {
			t.Errorf("%d members and one of them twice: %v", n, err)
		}
	}
}

// FuzzDecodeJSON holds the reader against encoding/json's: what is JSON, and
// what it says, they must see alike, down to the last escape. Two things are
// ours alone: a key never stands twice, and nesting has its bound.
func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{
		"", " ", "null", "true", "false", "0", "-0.5e+10", "1e5", `""`, "[]", "{}", `[1,"a",null,[{}]]`, `{"a":{"b":[true,false]},"c":""}`,
		`"\u00e9\ud83d\ude00\ud800\"\\\/\b\f\n\r\t"`, `{"a":1,"a":2}`, `{"a":1}{}`, "\ufeff1", "[1,]", `{"a":1,}`, "01", "1.", "\"\x1f\"", "\"\x7f\"", "\x00", "\u2028",
		strings.Repeat("[", 65) + strings.Repeat("]", 65),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := decodeJSON(b)
		switch {
		case !utf8.Valid(b):
			if !errors.Is(err, errNotUTF8) {
				t.Fatalf("%q is not UTF-8: %v", b, err)
			}
			return
		case json.Valid(b) == errors.Is(err, errSyntax):
			t.Fatalf("%q is JSON: %v; read: %v", b, json.Valid(b), err)
		case err != nil && v.shape != absent:
			t.Fatalf("%q: a value beside %v", b, err)
		}
		again, twice, deep := generic(t, b)
		switch {
		case err == nil && (twice || deep), errors.Is(err, errDuplicate) && !twice, errors.Is(err, errDeep) && !deep:
			t.Fatalf("%q: %v; a key twice: %v, too deep: %v", b, err, twice, deep)
		case err == nil && !reflect.DeepEqual(again, plain(v)):
			t.Fatalf("%q is %#v, read as %#v", b, again, plain(v))
		}
	})
}

// generic reads JSON with encoding/json, token by token.
func generic(t *testing.T, b []byte) (v any, twice, deep bool) {
	if !json.Valid(b) {
		return nil, false, false
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	next := func() any {
		token, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	var read func(depth int) any
	read = func(depth int) any {
		deep = deep || depth == 0
		switch token := next(); token {
		case json.Delim('{'):
			o := map[string]any{}
			for d.More() {
				name := next().(string)
				_, taken := o[name]
				twice = twice || taken
				o[name] = read(depth - 1)
			}
			next()
			return o
		case json.Delim('['):
			l := []any{}
			for d.More() {
				l = append(l, read(depth-1))
			}
			next()
			return l
		default:
			return token
		}
	}
	v = read(maxDepth)
	return v, twice, deep
}

// plain is a value as encoding/json would have it.
func plain(v value) any {
	switch v.shape {
	case boolean:
		return v.text == "true"
	case number:
		return json.Number(v.text)
	case text:
		return v.text
	case list:
		l := []any{}
		for _, m := range v.members {
			l = append(l, plain(m.value))
		}
		return l
	case object:
		o := map[string]any{}
		for _, m := range v.members {
			o[m.name] = plain(m.value)
		}
		return o
	default:
		return nil
	}
}
