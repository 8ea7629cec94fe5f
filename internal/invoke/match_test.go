package invoke

import (
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestPlaceholders(t *testing.T) {
	for _, c := range []struct {
		want, got string // got as JSON
		holds     bool
	}{
		{"<request id>", `"a491eb2f-d2f1-4691-a98e-292b398d88d2"`, true},
		{"<request id>", `"A491EB2F-d2f1-4691-a98e-292b398d88d2"`, false},
		{"<request id>", `"a491eb2f-d2f1-4691-a98e-292b398d88d2 "`, false},
		{"<request id>", `7`, false},
		{"<receipt>", `"ujz6s2xjsmnqmybkk2swokcu"`, true},
		{"<receipt>", `""`, false},
		{"<access key id>", `"ASIAYB3XAHIKX24YWUUO"`, true},
		{"<access key id>", `"AKIAYB3XAHIKX24YWUUO"`, false},
		{"<secret key>", `"` + strings.Repeat("a/", 20) + `"`, true},
		{"<secret key>", `null`, false},
		{"<session token>", `"short"`, false},
		{"<digest>", `"sha256:` + strings.Repeat("0", 64) + `"`, true},
		{"<digest>", `"` + strings.Repeat("0", 64) + `"`, false},
		{"<time>", `"2026-11-22T18:24:57Z"`, true},
		{"<time>", `"2026-11-22T18:24:57.5Z"`, false},
		{"<time>", `"2026-11-22T18:24:57+01:00"`, false},
		{"<time>", `"2026-13-22T18:24:57Z"`, false},
		{"<percent>", `0`, true},
		{"<percent>", `100`, true},
		{"<percent>", `101`, false},
		{"<percent>", `"7"`, false},
		{"<seconds>", `"7"`, true},
		{"<seconds>", `"0"`, false},
		{"<seconds>", `"99999"`, false},
		{"<about 1800>", `1800`, true},
		{"<about 1800>", `1740`, true},
		{"<about 1800>", `1739`, false},
		{"<about 1800>", `1801`, false},
		{"<about 1800>", `1799.5`, false},
		{"<about 1800>", `"1800"`, false},
		{"1800", `1800`, false},
		{"text", `"text"`, true},
	} {
		var got any
		if err := decode([]byte(c.got), &got); err != nil {
			t.Fatal(err)
		}
		if d := differences("x", got, c.want); (len(d) == 0) != c.holds {
			t.Errorf("%s for %s: %q", c.got, c.want, d)
		}
	}
}

func TestDifferences(t *testing.T) {
	for _, c := range []struct {
		name, got, want string
		differs         []string
	}{
		{"equal", `{"a":[1,{"b":null}],"c":true}`, `{"c":true,"a":[1,{"b":null}]}`, nil},
		{"a field too many", `{"a":1,"b":2}`, `{"a":1}`, []string{"x.b: got 2, want nothing"}},
		{"a field too few", `{"a":1}`, `{"a":1,"b":2}`, []string{"x.b: missing"}},
		{"null is not missing", `{"a":null}`, `{}`, []string{"x.a: got null, want nothing"}},
		{"a longer list", `[1,2]`, `[1]`, []string{"x: got [1,2], want [1]"}},
		{"another order", `[1,2]`, `[2,1]`, []string{"x[0]: got 1, want 2", "x[1]: got 2, want 1"}},
		{"an object for a text", `{"a":1}`, `"a"`, []string{`x: got {"a":1}, want "a"`}},
		{"a text for an object", `"a"`, `{"a":1}`, []string{`x: got "a", want {"a":1}`}},
		{"a text for a number", `"1"`, `1`, []string{`x: got "1", want 1`}},
		{"secrets inside", `{"a":[{"SecretAccessKey":"s3cret"}]}`, `{"a":[]}`, []string{`x.a: got [{"SecretAccessKey":"(hidden)"}], want []`}},
		{"a secret", `{"Token":"s3cret"}`, `{}`, []string{"x.Token: got (hidden), want nothing"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got, want any
			if err := decode([]byte(c.got), &got); err != nil {
				t.Fatal(err)
			}
			if err := decode([]byte(c.want), &want); err != nil {
				t.Fatal(err)
			}
			if d := differences("x", got, want); !slices.Equal(d, c.differs) {
				t.Errorf("got %q, want %q", d, c.differs)
			}
		})
	}
}

func TestUnknownPlaceholder(t *testing.T) {
	for _, text := range []string{`"<requestid>"`, `{"a":["<about many>"]}`, `["<ReceIpt>"]`, `"<about 123456>"`} {
		var want any
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		if err := checkPlaceholders(want); err == nil || !strings.Contains(err.Error(), "there are <access key id>") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if err := checkPlaceholders(map[string]any{"a": []any{"<time>", "a < b > c", nil}}); err != nil {
		t.Error(err)
	}
}

// TestAnswers: what no gateway takes is no answer.
func TestAnswers(t *testing.T) {
	for _, payload := range []string{
		``, `null x`, `{"statusCode":200,"headers":{},"body":"{}","isBase64Encoded":false,"more":1}`,
		`{"statusCode":200,"headers":{},"body":"{}","isBase64Encoded":true}`,
		`{"statusCode":200,"headers":{},"body":"<html>","isBase64Encoded":false}`,
		`{"statusCode":"200","headers":{},"body":"{}"}`,
		`{"errorMessage":"nil pointer","errorType":"Runtime"}`,
	} {
		if a, err := parseAnswer([]byte(payload)); err == nil {
			t.Errorf("%s: %v", payload, a)
		}
	}
}

// TestHiding: a secret is hidden wherever it stands, and however it is shown.
func TestHiding(t *testing.T) {
	a, err := parseAnswer([]byte(`{"statusCode":200,"headers":{"A":"b"},"body":"{\"Token\":\"s3cret\",\"Grant\":{\"SessionToken\":\"s3cret\",\"caller\":\"x\"},\"SecretAccessKey\":\"s3cret\"}"}`))
	if err != nil {
		t.Fatal(err)
	}
	var hiding, showing strings.Builder
	if err := a.Write(&hiding, false); err != nil {
		t.Fatal(err)
	}
	if err := a.Write(&showing, true); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(showing.String(), "s3cret"); n != 3 {
		t.Errorf("%d of 3 secrets are shown:\n%s", n, showing.String())
	}
	want := strings.ReplaceAll(showing.String(), "s3cret", hidden)
	if hiding.String() != want {
		t.Errorf("got\n%s\nwant\n%s", hiding.String(), want)
	}
}

// TestReadme: the events' README names every placeholder, field and mood, and
// no placeholder that is none.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../events/README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(text)
	names := slices.Collect(maps.Keys(placeholders))
	for field := range reflect.TypeFor[Want]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, "`"+name+"`")
	}
	for _, mood := range []STSMood{Refuses, Fails, Throttles} {
		names = append(names, "`"+string(mood)+"`")
	}
	for _, name := range names {
		if !strings.Contains(readme, name) {
			t.Errorf("events/README.md does not name %s", name)
		}
	}
	for _, name := range regexp.MustCompile(`<[a-z0-9 ]+>`).FindAllString(readme, -1) {
		if _, ok := placeholder(name); !ok {
			t.Errorf("events/README.md has %s, which is no placeholder", name)
		}
	}
}
