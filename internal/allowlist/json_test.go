package allowlist_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/credvend/credvend/internal/allowlist"
)

// plain is a document as people would write it in JSON.
const plain = `{
  "version": 1,
  "targets": {"orders": {"role": "arn:aws:iam::111122223333:role/orders-invoke", "api": "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default", "session_tags": false}},
  "callers": {"shopper": {"jwt": {"issuer": "https://idp.example.com", "audience": "aud", "claims": {"group": ["a", "b"]}}}},
  "rules": [{"id": "r1", "callers": ["shopper"], "target": "orders", "routes": ["GET /<&>x"], "max_duration": "30m"}]
}`

func TestStrictness(t *testing.T) {
	const remedy = "; write the allowlist in YAML and run `credvend allowlist build`"
	for _, tc := range []struct{ name, old, new, want string }{
		{"as it is", "", "", ""},
		{"another order of keys", `"id": "r1", "callers": ["shopper"]`, `"callers": ["shopper"], "id": "r1"`, ""},
		{"escapes", `"r1"`, `"\u0072\u0031"`, ""},
		{"a key in another case", `"rules"`, `"Rules"`, "a key is misspelt (case counts), missing, or there with an empty value"},
		{"a nested key in another case", `"max_duration"`, `"MAX_DURATION"`, "a key is misspelt (case counts), missing, or there with an empty value"},
		{"a key that folds", `"session_tags"`, `"ſession_tagſ"`, "a key is misspelt (case counts), missing, or there with an empty value"},
		{"an unknown key", `"version": 1`, `"version": 1, "comment": ""`, `unknown field "comment"`},
		{"an unknown nested key", `"id": "r1"`, `"id": "r1", "effects": "deny"`, `unknown field "effects"`},
		{"a repeated key", `"id": "r1"`, `"id": "r0", "id": "r1"`, `the key "id" stands twice in one object`},
		{"a repeated key with one value", `"id": "r1"`, `"id": "r1", "id": "r1"`, `the key "id" stands twice in one object`},
		{"a repeated key in two cases", `"id": "r1"`, `"ID": "r0", "id": "r1"`, "a key is misspelt (case counts), missing, or there with an empty value"},
		{"a repeated key by escapes", `"id": "r1"`, `"\u0069d": "r0", "id": "r1"`, `the key "id" stands twice in one object`},
		{"a repeated name", `{"shopper": {`, `{"shopper": {"jwt": {"issuer": "i", "audience": "a"}}, "shopper": {`, `the key "shopper" stands twice in one object`},
		{"a repeated section", `"version": 1`, `"rules": [], "version": 1`, `the key "rules" stands twice in one object`},
		{"null", `["GET /<&>x"]`, `null`, `"routes" is null, holds a null or is missing`},
		{"null in a list", `"GET /<&>x"`, `"GET /<&>x", null`, `"routes" is null, holds a null or is missing`},
		{"null for false", `"session_tags": false`, `"session_tags": null`, `"session_tags" is null, holds a null or is missing`},
		{"null for a name's object", `{"issuer": "https://idp.example.com", "audience": "aud", "claims": {"group": ["a", "b"]}}`, `null`, `"jwt" is null, holds a null or is missing`},
		{"null for a string", `"r1"`, `null`, `"id" is null, holds a null or is missing`},
		{"an empty list", `["GET /<&>x"]`, `[]`, "a key is misspelt (case counts), missing, or there with an empty value"},
		{"a flag that is off by itself", `"session_tags": false`, `"require_routes": false`, "a key is misspelt (case counts), missing, or there with an empty value"},
		{"claims that are none", `{"group": ["a", "b"]}`, `{}`, "a key is misspelt (case counts), missing, or there with an empty value"},
		{"tags that are none", `"callers": {"shopper": {`, `"callers": {"shopper": {"tags": {}, `, "a key is misspelt (case counts), missing, or there with an empty value"},
		{"an endpoint that is none", `"session_tags": false`, `"endpoint": ""`, "a key is misspelt (case counts), missing, or there with an empty value"},
		{"a tab in a text", `"r1"`, "\"r\t1\"", "invalid character"},
		{"an empty text", `"30m"`, `""`, "a key is misspelt (case counts), missing, or there with an empty value"},
		{"a missing list", `"callers": ["shopper"], `, ``, `"callers" is null, holds a null or is missing`},
		{"a missing text", `"id": "r1", `, ``, "a key is misspelt (case counts), missing, or there with an empty value"},
		{"text behind it", "]\n}", "]\n} x", "there is text after the document"},
		{"a second document", "]\n}", "]\n} {}", "there is text after the document"},
		{"a closing brace behind it", "]\n}", "]\n}}", "there is text after the document"},
		{"it ends too soon", "]\n}", "]", "the text ends too soon"},
		{"a number for a string", `"r1"`, `1`, `"rules.id" must be a string, not number`},
		{"a string for a number", `"version": 1`, `"version": "1"`, `"version" must be a whole number, not string`},
		{"a fraction", `"version": 1`, `"version": 1.5`, `"version" must be a whole number, not number 1.5`},
		{"a number with a point", `"version": 1`, `"version": 1.0`, `"version" must be a whole number, not number 1.0`},
		{"a string for a list", `["shopper"]`, `"shopper"`, `"rules.callers" must be a list, not string`},
		{"a string for false", `"session_tags": false`, `"session_tags": "false"`, `must be true or false, not string`},
		{"a list for an object", `{"group": ["a", "b"]}`, `["a"]`, `must be an object, not array`},
		{"a string in a list's place", `["a", "b"]`, `"a"`, `must be a list, not string`},
		{"a comma too many", `"version": 1,`, `"version": 1,,`, "invalid character ','"},
		{"a comment", `"version": 1,`, `"version": 1, // one`, "invalid character '/'"},
		{"broken UTF-8", `"r1"`, "\"r\xff\"", "the text is not UTF-8"},
		{"a byte order mark", "{\n", "\ufeff{\n", "invalid character"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if !strings.Contains(plain, tc.old) {
				t.Fatalf("%q is not in the document", tc.old)
			}
			doc, err := allowlist.Parse([]byte(strings.Replace(plain, tc.old, tc.new, 1)))
			if tc.want == "" {
				if err != nil || doc.Rules[0].ID != "r1" || len(problems(t, doc)) != 1 { // the route has < and >
					t.Errorf("got %+v, %v", doc, err)
				}
				return
			}
			if doc != nil || err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "allowlist JSON: ") || !strings.HasSuffix(err.Error(), remedy) {
				t.Errorf("got %v, %v\nwant %s", doc, err, tc.want)
			}
		})
	}
	for _, s := range []string{"", " ", `{"\`, `{"version`, `{"version":`, `{"version":1`, "null", "[]", `"x"`, "1", "true", "{}", "{", "nul", `{"version":1,"targets":null,"callers":null,"rules":null}` + "\n", strings.Repeat("[", 100_000), strings.Repeat(`{"a":`, 100_000)} {
		if doc, err := allowlist.Parse([]byte(s)); err == nil || len(err.Error()) > 300 {
			t.Errorf("%.20q: got %v, %v", s, doc, err)
		}
	}
	if _, err := allowlist.Parse(nil); err == nil {
		t.Error("nothing at all is taken for a document")
	}
}

func TestDigestIsOfTheCanonicalFile(t *testing.T) {
	doc, err := allowlist.Parse([]byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	canonical := doc.JSON()
	const want = `{"version":1,"targets":{"orders":{"role":"arn:aws:iam::111122223333:role/orders-invoke","api":"arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default","session_tags":false}},"callers":{"shopper":{"jwt":{"issuer":"https://idp.example.com","audience":"aud","claims":{"group":["a","b"]}}}},"rules":[{"id":"r1","callers":["shopper"],"target":"orders","routes":["GET /<&>x"],"max_duration":"30m"}]}` + "\n"
	if string(canonical) != want {
		t.Errorf("got  %s\nwant %s", canonical, want)
	}
	if got, want := doc.Digest(), fmt.Sprintf("sha256:%x", sha256.Sum256(canonical)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var indented strings.Builder
	enc := json.NewEncoder(&indented)
	enc.SetIndent("\t", "  ")
	if err := enc.Encode(doc); err != nil {
		t.Fatal(err)
	}
	again, err := allowlist.Parse([]byte(indented.String()))
	if err != nil || again.Digest() != doc.Digest() {
		t.Errorf("another layout: %v, %v", again, err)
	}
}

// What is written is read back, and the digest tells any two documents apart.
func TestJSONProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawDocument(t, "a"), drawDocument(t, "b")
		for _, doc := range []*allowlist.Document{a, b} {
			read, err := allowlist.Parse(doc.JSON())
			if err != nil || !reflect.DeepEqual(read, doc) {
				t.Fatalf("read %+v, %v\nwrote %s", read, err, doc.JSON())
			}
		}
		if (a.Digest() == b.Digest()) != reflect.DeepEqual(a, b) {
			t.Fatalf("digests %s and %s of\n%s%s", a.Digest(), b.Digest(), a.JSON(), b.JSON())
		}
	})
}

// drawDocument draws a document that need not compile. What JSON leaves out
// when empty is nil when empty.
func drawDocument(t *rapid.T, label string) *allowlist.Document {
	text := rapid.StringOfN(rapid.SampledFrom([]rune("ab<&\"\\\u2028é")), 0, 3, -1)
	flag := rapid.SampledFrom([]*bool{nil, new(bool)})
	some := rapid.IntRange(0, 2)
	list := func(l string) []string { return rapid.SliceOfN(text, 1, 2).Draw(t, l) }
	doc := &allowlist.Document{
		Version: rapid.IntRange(-1, 2).Draw(t, label),
		Targets: map[string]allowlist.Target{}, Callers: map[string]allowlist.Caller{}, Rules: []allowlist.Rule{},
	}
	for range some.Draw(t, "targets") {
		doc.Targets[text.Draw(t, "name")] = allowlist.Target{
			Role: text.Draw(t, "role"), API: text.Draw(t, "api"), Endpoint: text.Draw(t, "endpoint"), ExternalID: text.Draw(t, "external"),
			RequireRoutes: rapid.Bool().Draw(t, "require"), SessionTags: flag.Draw(t, "tags"), SourceIdentity: flag.Draw(t, "source"),
		}
	}
	for range some.Draw(t, "callers") {
		k := allowlist.Caller{IAM: &allowlist.IAMCaller{Role: text.Draw(t, "role"), Account: text.Draw(t, "account")}}
		if rapid.Bool().Draw(t, "jwt") {
			k = allowlist.Caller{JWT: &allowlist.JWTCaller{Issuer: text.Draw(t, "issuer"), Claims: map[string][]string{text.Draw(t, "claim"): list("values")}}}
		}
		if rapid.Bool().Draw(t, "tagged") {
			k.Tags = map[string]string{text.Draw(t, "key"): text.Draw(t, "value")}
		}
		doc.Callers[text.Draw(t, "name")] = k
	}
	for range some.Draw(t, "rules") {
		r := allowlist.Rule{ID: text.Draw(t, "id"), Effect: text.Draw(t, "effect"), Callers: list("callers"), Target: text.Draw(t, "target")}
		if rapid.Bool().Draw(t, "routed") {
			r.Routes = list("routes")
		}
		doc.Rules = append(doc.Rules, r)
	}
	return doc
}
