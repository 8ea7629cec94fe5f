package identity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func TestIsRendering(t *testing.T) {
	tests := []struct {
		name, text, value string // value is JSON
		want              bool
	}{
		{"string", "a b", `"a b"`, true},
		{"string that looks like a list", "[a]", `"[a]"`, true},
		{"string is not quoted", `"a"`, `"a"`, false},
		{"empty string", "", `""`, true},
		{"empty string, null", "null", `""`, false},
		{"escapes are not kept", "é", `"\u00e9"`, true},
		{"list", "[a b]", `["a","b"]`, true},
		{"list of one with a blank", "[a b]", `["a b"]`, true},
		{"empty list", "[]", `[]`, true},
		{"list of an empty string", "[]", `[""]`, true},
		{"list of two empty strings", "[ ]", `["",""]`, true},
		{"list without its end", "[a", `["a"]`, false},
		{"list with more behind", "[a]]", `["a"]`, false},
		{"list without its start", "a]", `["a"]`, false},
		{"list of numbers", "[1 2.5 1.7953488e+09]", `[1,2.5,1795348800]`, true},
		{"list of another number", "[1 2]", `[1,3]`, false},
		{"list with one number too few", "[1", `[1,2]`, false},
		{"list of scalars", "[true <nil> null x]", `[true,null,null,"x"]`, true},
		{"list of another boolean", "[false]", `[true]`, false},
		{"list of lists", "[[a] [b]]", `[["a"],["b"]]`, true},
		{"list of lists as JSON", `[["a"],["b"]]`, `[["a"],["b"]]`, true},
		{"flat list as JSON", `["a"]`, `["a"]`, false},
		{"object", "map[a:1 b:[x y] c:map[d:e]]", `{"c":{"d":"e"},"b":["x","y"],"a":1}`, true},
		{"object with its keys in other order", "map[b:2 a:1]", `{"a":1,"b":2}`, false},
		{"object with a key less", "map[a:1]", `{"a":1,"b":2}`, false},
		{"object with a key more", "map[a:1 b:2]", `{"a":1}`, false},
		{"object with another key", "map[b:1]", `{"a":1}`, false},
		{"object with its key cut", "map[a", `{"a":1}`, false},
		{"empty object", "map[]", `{}`, true},
		{"empty object as JSON", "{}", `{}`, true},
		{"object as JSON", `{"b":[1,"x",true,null,{}],"a":1.0}`, `{"a":1,"b":[1,"x",true,null,{}]}`, true},
		{"object as JSON, list shorter", `{"b":[1]}`, `{"b":[1,2]}`, false},
		{"object as JSON, other types", `{"b":"1"}`, `{"b":1}`, false},
		{"object as JSON, number for string", `{"b":1}`, `{"b":"1"}`, false},
		{"object as JSON, object for string", `{"b":{}}`, `{"b":"x"}`, false},
		{"object as JSON, list for null", `{"b":[]}`, `{"b":null}`, false},
		{"object as JSON, string for list", `{"b":"[]"}`, `{"b":[]}`, false},
		{"object as JSON, string for object", `{"b":"{}"}`, `{"b":{}}`, false},
		{"object as JSON with more behind", `{}{}`, `{}`, false},
		{"number", "7", `7`, true},
		{"number as a float", "7.0", `7`, true},
		{"number with an exponent", "1.732284E9", `1732284000`, true},
		{"number with Go's exponent", "1.732284e+09", `1732284000`, true},
		{"number with a negative exponent", "25e-1", `2.5`, true},
		{"small number", "0.001", `1e-3`, true},
		{"zero", "0.0", `0`, true},
		{"zero with an exponent", "0E5", `0`, true},
		{"negative number", "-7", `-7`, true},
		{"negative number without its sign", "7", `-7`, false},
		{"number with a plus", "+7", `7`, false},
		{"number in another base", "0x7", `7`, false},
		{"number with a blank", " 7", `7`, false},
		{"number without digits", "", `7`, false},
		{"number without a whole", ".7", `0.7`, false},
		{"number without a fraction", "7.", `7`, false},
		{"number without an exponent", "7e", `7`, false},
		{"ten times as much", "70", `7`, false},
		{"big number is compared exactly", "12345678901234567891", `12345678901234567890`, false},
		{"big number rounded to a float", "1.2345678901234567e+19", `12345678901234567890`, false},
		{"endless exponent costs nothing", "1e999999999", `1e999999999`, true},
		{"endless exponent differs", "1e99999999", `1e999999999`, false},
		{"exponent beyond reading", "1e99999999999", `1e99999999999`, false},
		{"exponent of the token beyond reading", "1", `1e99999999999`, false},
		{"true", "true", `true`, true},
		{"false", "false", `false`, true},
		{"boolean as a number", "1", `true`, false},
		{"null as Go prints it", "<nil>", `null`, true},
		{"null as JSON", "null", `null`, true},
		{"null as nothing", "", `null`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, err := decodeJSON([]byte(tt.value))
			if err != nil {
				t.Fatal(err)
			}
			if got := isRendering(tt.text, v); got != tt.want {
				t.Errorf("%q for %s: %v, want %v", tt.text, tt.value, got, tt.want)
			}
		})
	}
}

// What fmt prints and what encoding/json writes is recognised, whatever the
// claim, with numbers as floats, as they were read by whoever printed them.
func TestIsRenderingKnowsFmt(t *testing.T) {
	text := rapid.StringMatching(`[a-z0-9 :\[\]"<>]{0,6}`)
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		kinds := []*rapid.Generator[any]{
			text.AsAny(),
			rapid.Int32().AsAny(),
			rapid.Bool().AsAny(),
			rapid.Just[any](nil),
		}
		if depth > 0 {
			inner := rapid.Deferred(func() *rapid.Generator[any] { return value(depth - 1) })
			kinds = append(kinds, rapid.SliceOfN(inner, 0, 3).AsAny(), rapid.MapOfN(text, inner, 0, 3).AsAny())
		}
		return rapid.OneOf(kinds...)
	}
	rapid.Check(t, func(rt *rapid.T) {
		b, err := json.Marshal(value(3).Draw(rt, "value"))
		if err != nil {
			rt.Fatal(err)
		}
		decoded, err := decodeJSON(b)
		if err != nil {
			rt.Fatalf("%s: %v", b, err)
		}
		var floats any
		if err := json.Unmarshal(b, &floats); err != nil {
			rt.Fatal(err)
		}
		var digits any
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		if err := d.Decode(&digits); err != nil {
			rt.Fatal(err)
		}
		for _, s := range []string{fmt.Sprint(floats), fmt.Sprint(digits)} {
			if !isRendering(s, decoded) {
				rt.Errorf("%s was printed %q, which is not recognised", b, s)
			}
			if isRendering(s+"x", decoded) || isRendering("x"+s, decoded) {
				rt.Errorf("%s: more than %q is recognised", b, s)
			}
		}
		if isNested(decoded) && !isRendering(string(b), decoded) {
			rt.Errorf("%s is not recognised as its own JSON", b)
		}
	})
}
