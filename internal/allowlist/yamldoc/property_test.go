package yamldoc_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/allowlist/yamldoc"
)

// value draws text as values and keys of an allowlist could hold, and worse.
func value() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`[a-zA-Z0-9 :#,{}\[\]'"\\*&!|>%@$/._~?=+-]{1,12}`),
		rapid.SampledFrom([]string{"yes", "null", "~", "1", "0x1", "1e3", "2001-01-01", "<<", "---", "...", "- a", "a: b", "a #b", "#", "é", "true", "a'b", `a"b`, `\`, "GET /users/${claims.sub}/*", " a", "a ", "?", "12:30"}),
	)
}

func document() *rapid.Generator[*allowlist.Document] {
	return rapid.Custom(func(t *rapid.T) *allowlist.Document {
		maybe := func(label string) string {
			if rapid.Bool().Draw(t, label+"?") {
				return value().Draw(t, label)
			}
			return ""
		}
		flag := func(label string) *bool {
			return rapid.SampledFrom([]*bool{nil, new(true), new(false)}).Draw(t, label)
		}
		doc := &allowlist.Document{
			Version: rapid.IntRange(-2, 2000).Draw(t, "version"),
			Targets: map[string]allowlist.Target{}, Callers: map[string]allowlist.Caller{}, Rules: []allowlist.Rule{},
		}
		keys := rapid.SliceOfNDistinct(value(), 0, 3, rapid.ID[string])
		for _, name := range keys.Draw(t, "targets") {
			doc.Targets[name] = allowlist.Target{
				Role: value().Draw(t, "role"), API: value().Draw(t, "api"), Endpoint: maybe("endpoint"), ExternalID: maybe("external id"),
				DefaultDuration: maybe("default"), MaxDuration: maybe("max"), RequireRoutes: rapid.Bool().Draw(t, "require"),
				SourceIdentity: flag("source identity"), SessionTags: flag("tags"),
			}
		}
		for _, name := range keys.Draw(t, "callers") {
			c := allowlist.Caller{}
			if rapid.Bool().Draw(t, "iam") {
				c.IAM = &allowlist.IAMCaller{Role: maybe("role"), RoleID: maybe("role id"), User: maybe("user"), UserID: maybe("user id"), Account: maybe("account")}
			} else {
				c.JWT = &allowlist.JWTCaller{Issuer: value().Draw(t, "issuer"), Audience: value().Draw(t, "audience")}
				for _, claim := range keys.Draw(t, "claims") {
					if c.JWT.Claims == nil {
						c.JWT.Claims = map[string][]string{}
					}
					c.JWT.Claims[claim] = rapid.SliceOfN(value(), 1, 3).Draw(t, "values")
				}
			}
			for _, key := range keys.Draw(t, "tags") {
				if c.Tags == nil {
					c.Tags = map[string]string{}
				}
				c.Tags[key] = rapid.OneOf(value(), rapid.Just("")).Draw(t, "tag")
			}
			doc.Callers[name] = c
		}
		for range rapid.IntRange(0, 3).Draw(t, "rules") {
			r := allowlist.Rule{
				ID: value().Draw(t, "id"), Effect: maybe("effect"), Callers: rapid.SliceOfN(value(), 1, 3).Draw(t, "callers"),
				Target: value().Draw(t, "target"), MaxDuration: maybe("duration"),
			}
			if routes := rapid.SliceOfN(value(), 0, 3).Draw(t, "routes"); len(routes) > 0 {
				r.Routes = routes
			}
			doc.Rules = append(doc.Rules, r)
		}
		return doc
	})
}

// writer writes a value in one of the ways YAML has for it, as dice fall.
type writer struct {
	t       *rapid.T
	newline string
}

func (w *writer) flip(label string) bool { return rapid.Bool().Draw(w.t, label) }

// text writes s in single or double quotes, or in none where its letters raise
// no question.
func (w *writer) text(s string) string {
	bare := s != "" && strings.Trim(s, "abcdefghijklmopqrtuvwxz") == "" && !slices.Contains([]string{"true", "null"}, s) && len(s) > 3
	switch {
	case bare && w.flip("bare"):
		return s
	case w.flip("single quotes"):
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	default:
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
	}
}

// flow writes v in brackets.
func (w *writer) flow(v any) string {
	switch v := v.(type) {
	case map[string]any:
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, w.text(k)+": "+w.flow(v[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, w.flow(e))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case string:
		return w.text(v)
	default:
		return fmt.Sprint(v)
	}
}

// block writes v as what follows a key or a dash at the given indentation.
func (w *writer) block(v any, indent int) string {
	pad := w.newline + strings.Repeat(" ", indent)
	if w.flip("comment") {
		pad = " # " + "why: [" + pad
	}
	var b strings.Builder
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 || w.flip("flow") {
			return " " + w.flow(v)
		}
		for i, k := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				pad = w.newline + strings.Repeat(" ", indent)
			}
			b.WriteString(pad + w.text(k) + ":" + w.block(v[k], indent+rapid.IntRange(1, 4).Draw(w.t, "indent")))
		}
	case []any:
		if len(v) == 0 || w.flip("flow") {
			return " " + w.flow(v)
		}
		for i, e := range v {
			if i > 0 {
				pad = w.newline + strings.Repeat(" ", indent)
			}
			b.WriteString(pad + "-" + w.block(e, indent+rapid.IntRange(1, 4).Draw(w.t, "indent")))
		}
	default:
		return " " + w.flow(v)
	}
	return b.String()
}

func (w *writer) document(doc *allowlist.Document) string {
	var v map[string]any
	if err := json.Unmarshal(doc.JSON(), &v); err != nil {
		w.t.Fatal(err)
	}
	if w.flip("all flow") {
		return w.flow(v) + w.newline
	}
	return strings.TrimLeft(w.block(v, 0), " ") + w.newline
}

// TestRoundTrip: whatever a document holds and however it is written, it reads
// back the same.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := document().Draw(t, "document")
		w := &writer{t: t, newline: rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "newline")}
		text := w.document(doc)
		f, err := yamldoc.Parse("drawn", []byte(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if diff := cmp.Diff(doc, f.Doc); diff != "" {
			t.Fatalf("%s\n%s", diff, text)
		}
		agree(t, text, f.Doc)
	})
}

type tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

// agree checks that a general YAML parser, where it can read the text at all,
// reads the same from it: what a reviewer's tools show is what is built.
func agree(t tester, text string, doc *allowlist.Document) bool {
	t.Helper()
	var theirs any
	if err := yaml.Unmarshal([]byte(text), &theirs); err != nil {
		return false
	}
	var ours any
	if err := json.Unmarshal(doc.JSON(), &ours); err != nil {
		t.Fatalf("%v", err)
	}
	// Both go through JSON, so that numbers compare; what is empty or false
	// stands in neither.
	encoded, err := json.Marshal(theirs)
	if err != nil {
		t.Fatalf("a general parser reads something that is not JSON: %v\n%s", err, text)
	}
	if err := json.Unmarshal(encoded, &theirs); err != nil {
		t.Fatalf("%v", err)
	}
	if diff := cmp.Diff(prune(ours), prune(theirs)); diff != "" {
		t.Fatalf("a general parser reads otherwise (-ours +theirs)\n%s\n%s", diff, text)
	}
	return true
}

// prune drops null, empty, false and zero members of mappings.
func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			switch e := prune(e).(type) {
			case nil, bool:
				delete(v, k)
			case string:
				if e == "" {
					delete(v, k)
				}
			case float64:
				if e == 0 {
					delete(v, k)
				}
			case map[string]any:
				if len(e) == 0 {
					delete(v, k)
				}
			case []any:
				if len(e) == 0 {
					delete(v, k)
				}
			}
		}
	case []any:
		for i := range v {
			v[i] = prune(v[i])
		}
	}
	return v
}
