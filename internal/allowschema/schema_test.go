package allowschema_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/oasdiff/yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/allowlist/yamldoc"
	"github.com/credvend/credvend/internal/allowschema"
)

var update = flag.Bool("update", false, "rewrite the shipped schema")

const shipped = "../../schema/allowlist.schema.json"

// TestShipped: the file that editors read is what the types say.
func TestShipped(t *testing.T) {
	got, err := allowschema.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(shipped, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(shipped)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s differs (%v); write it anew: go test ./internal/allowschema -update", shipped, err)
	}
	starter, err := os.ReadFile("../../allowlist.yaml")
	if err != nil || !bytes.HasPrefix(starter, []byte("# yaml-language-server: $schema=schema/allowlist.schema.json\n")) {
		t.Errorf("the starter file does not name the schema: %v", err)
	}
}

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := allowschema.JSON()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler() // validates the schema against its own
	c.DefaultDraft(jsonschema.Draft7)
	const name = "https://raw.githubusercontent.com/credvend/credvend/main/schema/allowlist.schema.json"
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// judge asks the schema about a file, as an editor does.
func judge(t *testing.T, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	asJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(value)
}

// TestAcceptsWhatCompiles: an editor marks nothing in a list that builds. The
// lists are those of the repository, in the documents, shipped, and in tests.
func TestAcceptsWhatCompiles(t *testing.T) {
	s := compile(t)
	compiled := 0
	try := func(name string, text []byte) {
		if _, _, err := yamldoc.Load(name, text); err != nil {
			return
		}
		compiled++
		if err := judge(t, s, text); err != nil {
			t.Errorf("%s builds, and the schema refuses it: %v", name, err)
		}
	}
	for _, pattern := range []string{"../../*.yaml", "../../events/*.yaml", "../local/story/*.yaml", "../allowlist/yamldoc/testdata/*.yaml", "../lint/testdata/*.yaml", "../../test/*/testdata/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			try(path, text)
		}
	}
	reference, err := os.ReadFile("../../docs/allowlist.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(reference, -1) {
		try("docs/allowlist.md", block[1])
	}
	if compiled < 50 {
		t.Errorf("only %d lists were tried", compiled)
	}
}

// TestJudgesLikeTheParser plants a mistake in a list that is right; what the
// schema refuses the parser or the compiler must refuse, and the other way
// round. Mistakes that need more than a look at one value (a name that is not
// there, a grant too large) are the compiler's alone.
func TestJudgesLikeTheParser(t *testing.T) {
	s := compile(t)
	good := `version: 1
targets:
  orders:
    role: arn:aws:iam::111122223333:role/path/orders-invoke
    api: arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default
    endpoint: https://orders.example.com/v1
    external_id: orders-7f3c9a
    default_duration: 15m
    max_duration: 1h0m0s
    require_routes: true
    source_identity: false
    session_tags: true
callers:
  billing:
    iam: { role: "arn:aws:iam::444455556666:role/billing", role_id: AROAEXAMPLEBILLING00 }
    tags: { team: "${caller.name}" }
  op:
    iam: { user: "arn:aws:iam::444455556666:user/ops/op-*" }
  them:
    iam: { account: "777788889999" }
  shopper:
    jwt: { issuer: "https://idp.example.com", audience: app, claims: { "cognito:groups": [shoppers] } }
rules:
  - id: reads
    effect: allow
    callers: [billing, op]
    target: orders
    routes: ["GET /orders", "* /x/*"]
    max_duration: 30m
  - id: own
    callers: [shopper]
    target: orders
    routes: ['GET /users/${claims["cognito:username"]}/*', "GET /u/${claims.sub}"]
  - id: none
    effect: deny
    callers: ["*"]
    target: orders
`
	if _, _, err := yamldoc.Load("good", []byte(good)); err != nil {
		t.Fatal(err)
	}
	if err := judge(t, s, []byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, old, new string }{
		{"version", "version: 1", "version: 2"},
		{"version as text", "version: 1", `version: "1"`},
		{"no version", "version: 1\n", ""},
		{"unknown key above", "rules:", "ruls: []\nrules:"},
		{"unknown key of a target", "external_id", "externalid"},
		{"unknown key of a caller", "    tags: { team", "    tag: { team"},
		{"unknown key of a rule", "    target: orders\n    routes", "    taget: orders\n    routes"},
		{"target's name", "  orders:\n", "  Orders:\n"},
		{"caller's name", "  them:\n", "  them_:\n"},
		{"role is no ARN", "role: arn:aws:iam::111122223333:role/path/orders-invoke", "role: orders-invoke"},
		{"role of no account", "444455556666:role/billing", "4444:role/billing"},
		{"caller's role has a path", "role/billing", "role/team/billing"},
		{"api with a wildcard", "a1b2c3d4e5/$default", "a1b2c3d4e5/*"},
		{"api without a stage", "a1b2c3d4e5/$default", "a1b2c3d4e5"},
		{"endpoint with a query", "example.com/v1", "example.com/v1?x"},
		{"endpoint with a slash", "example.com/v1", "example.com/v1/"},
		{"external id", "orders-7f3c9a", `"orders 7f3c9a"`},
		{"external id of one letter", "orders-7f3c9a", "x"},
		{"duration", "max_duration: 30m", "max_duration: soon"},
		{"duration of nothing", "max_duration: 30m", "max_duration: 0m"},
		{"boolean as text", "require_routes: true", `require_routes: "true"`},
		{"two kinds", "    jwt:", "    iam: { account: \"777788889999\" }\n    jwt:"},
		{"two principals", `iam: { account: "777788889999" }`, `iam: { account: "777788889999", user: "arn:aws:iam::444455556666:user/x" }`},
		{"id of another kind", `{ user: "arn`, `{ role_id: AROAEXAMPLEBILLING00, user: "arn`},
		{"unique id", "AROAEXAMPLEBILLING00", "AIDAEXAMPLEBILLING00"},
		{"account of 11 digits", "77778888999", "7777888899"},
		{"account as number", `"777788889999"`, "777788889999"},
		{"audience with a star", "audience: app", `audience: "app*"`},
		{"no audience", ", audience: app", ""},
		{"claim that is matched already", `"cognito:groups"`, "aud"},
		{"claim without values", "[shoppers]", "[]"},
		{"claim as text", "[shoppers]", "shoppers"},
		{"empty tags", `tags: { team: "${caller.name}" }`, "tags: {}"},
		{"rule id", "id: reads", `id: "-reads"`},
		{"no rule id", "  - id: reads\n    effect", "  - effect"},
		{"effect", "effect: allow", "effect: permit"},
		{"no callers", "callers: [shopper]", "callers: []"},
		{"a caller twice", "[billing, op]", "[billing, billing]"},
		{"callers as text", "[shopper]", "shopper"},
		{"allow without routes", "\n    routes: [\"GET /orders\", \"* /x/*\"]", ""},
		{"deny with a duration", "    effect: deny\n", "    effect: deny\n    max_duration: 30m\n"},
		{"route without a method", "GET /orders", "/orders"},
		{"lower-case method", "GET /orders", "get /orders"},
		{"route with a query", "GET /orders", "GET /orders?a"},
		{"route with percent", "GET /orders", "GET /a%2f"},
		{"a route twice", `"* /x/*"`, `"GET /orders"`},
		{"no rules", good[strings.Index(good, "rules:"):], "rules: []\n"},
		{"null", "external_id: orders-7f3c9a", "external_id: null"},
		{"empty text", "external_id: orders-7f3c9a", `external_id: ""`},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(good, c.old, c.new, 1)
			if text == good {
				t.Fatal("nothing was planted")
			}
			if _, _, err := yamldoc.Load("bad", []byte(text)); err == nil {
				t.Error("it builds")
			}
			if err := judge(t, s, []byte(text)); err == nil {
				t.Error("the schema accepts it")
			}
		})
	}
}

// TestKeys: the schema's keys are the document's, each described; that the
// reference has a row for each, package yamldoc tests.
func TestKeys(t *testing.T) {
	text, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		object, _ := v.(map[string]any)
		properties, _ := object["properties"].(map[string]any)
		for key, p := range properties {
			if about, _ := p.(map[string]any); about["description"] != nil {
				got[key] = true
			}
		}
		definitions, _ := object["definitions"].(map[string]any)
		for _, d := range definitions {
			walk(d)
		}
	}
	walk(schema)
	want := map[string]bool{}
	var keys func(reflect.Type)
	keys = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Map, reflect.Slice:
			keys(typ.Elem())
		case reflect.Struct:
			for i := range typ.NumField() {
				key, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
				want[key] = true
				keys(typ.Field(i).Type)
			}
		}
	}
	keys(reflect.TypeFor[allowlist.Document]())
	if !reflect.DeepEqual(got, want) || len(want) < 25 {
		t.Errorf("schema %v\ndocument %v", got, want)
	}
}
