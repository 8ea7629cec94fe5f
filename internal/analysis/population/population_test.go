package population_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/analysis/population"
)

const account = "arn:aws:iam::444455556666:"

func source(t *testing.T, callers map[string]allowlist.Caller, rules ...allowlist.Rule) population.Source {
	t.Helper()
	doc := &allowlist.Document{
		Version: 1,
		Targets: map[string]allowlist.Target{"t": {Role: "arn:aws:iam::111122223333:role/r", API: "arn:aws:execute-api:us-east-1:111122223333:a/$default", RequireRoutes: true}},
		Callers: callers, Rules: rules,
	}
	if rules == nil {
		doc.Rules = []allowlist.Rule{{ID: "r", Callers: []string{"*"}, Target: "t", Routes: []string{"GET /"}}}
	}
	list, err := allowlist.Compile(doc)
	if err != nil {
		t.Fatal(err)
	}
	return population.Source{Doc: doc, List: list}
}

func role(pattern string) allowlist.Caller {
	return allowlist.Caller{IAM: &allowlist.IAMCaller{Role: account + "role/" + pattern}}
}

func user(pattern string) allowlist.Caller {
	return allowlist.Caller{IAM: &allowlist.IAMCaller{User: account + "user/" + pattern}}
}

func token(claims map[string][]string) allowlist.Caller {
	return allowlist.Caller{JWT: &allowlist.JWTCaller{Issuer: "https://idp.example.com", Audience: "app", Claims: claims}}
}

// lines are the people as NAMES NOTES, each kind once, sorted.
func lines(t *testing.T, s population.Source, extra ...string) []string {
	t.Helper()
	people, err := population.Of([]population.Source{s}, extra...)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range people {
		line := strings.Join(p.Names[0], "+")
		if len(p.Notes) > 0 {
			line += " " + strings.Join(p.Notes, ", ")
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestPeople(t *testing.T) {
	const guest, unusable = "a guest of an identity pool", "whose claims.sub cannot stand in a route, such as a/b"
	pinned := role("r")
	pinned.IAM.RoleID = "AROAEXAMPLEBILLING00"
	whole := allowlist.Caller{IAM: &allowlist.IAMCaller{Account: "444455556666"}}
	own := allowlist.Rule{ID: "own", Callers: []string{"k"}, Target: "t", Routes: []string{"GET /u/${claims.sub}"}}
	admin := allowlist.Rule{ID: "admin", Effect: "deny", Callers: []string{"k"}, Target: "t", Routes: []string{"GET /u/adm*"}}
	tests := []struct {
		name    string
		callers map[string]allowlist.Caller
		rules   []allowlist.Rule
		want    []string
	}{
		{"a name and a pattern that it fits", map[string]allowlist.Caller{"a": role("ci"), "b": role("ci*")}, nil, []string{"a+b", "b"}},
		{"patterns that overlap", map[string]allowlist.Caller{"a": role("ci-*"), "b": role("*-deploy")}, nil, []string{"a", "a+b", "b"}},
		{"patterns that do not", map[string]allowlist.Caller{"a": role("ci-*"), "b": role("x*")}, nil, []string{"a", "b"}},
		{"patterns that overlap in names that are too long alone", map[string]allowlist.Caller{"a": role(strings.Repeat("a", 40) + "*"), "b": role("*" + strings.Repeat("b", 40))}, nil, []string{"a", "b"}},
		{"one pattern inside another", map[string]allowlist.Caller{"a": role("ci-*"), "b": role("*")}, nil, []string{"a+b", "b"}},
		{"a role is no user", map[string]allowlist.Caller{"a": role("x"), "b": user("x")}, nil, []string{"a", "b"}},
		{"a star stops at a slash", map[string]allowlist.Caller{"a": user("*"), "b": user("people/*")}, nil, []string{"a", "b"}},
		{"a whole account, and its guests", map[string]allowlist.Caller{"a": role("x*"), "b": whole}, nil, []string{"a " + guest, "a+b", "b"}},
		{"a pinned id", map[string]allowlist.Caller{"a": pinned, "b": role("r")}, nil, []string{"a+b", "b of another unique id"}},
		{"tokens add up", map[string]allowlist.Caller{"a": token(map[string][]string{"g": {"x"}}), "b": token(map[string][]string{"g": {"y"}}), "c": token(nil)}, nil,
			[]string{"a+b+c", "a+c", "b+c", "c"}},
		{"sub is one", map[string]allowlist.Caller{"a": token(map[string][]string{"sub": {"x"}}), "b": token(map[string][]string{"sub": {"y"}})}, nil, []string{"a", "b"}},
		{"values in routes", map[string]allowlist.Caller{"k": token(nil)}, []allowlist.Rule{own}, []string{"k", "k " + unusable, `k whose claims.sub is "u"`}},
		{"values that rules spell out", map[string]allowlist.Caller{"k": token(nil)}, []allowlist.Rule{own, admin}, []string{
			"k", "k " + unusable, `k whose claims.sub is "9any9adm"`, `k whose claims.sub is "9any9adm9any9"`, `k whose claims.sub is "adm"`, `k whose claims.sub is "adm9any9"`, `k whose claims.sub is "u"`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := lines(t, source(t, tt.callers, tt.rules...)); !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// What stands for any value is like no text of the routes, and is named.
func TestValues(t *testing.T) {
	rule := allowlist.Rule{ID: "own", Callers: []string{"k"}, Target: "t", Routes: []string{"GET /ZZZ/${claims.sub}/${claims.tenant}"}}
	s := source(t, map[string]allowlist.Caller{"k": token(nil)}, rule)
	people, err := population.Of([]population.Source{s})
	if err != nil {
		t.Fatal(err)
	}
	p, ok := population.Base(people, 0, "k")
	if !ok {
		t.Fatal("nobody is k")
	}
	routes := s.List.AccessTo(p.Identity, "t").Grant.Routes
	if got := p.Values.Name(routes[0].String()); got != "GET /ZZZ/<claims.sub>/<claims.tenant>" {
		t.Errorf("%s reads %s", routes[0], got)
	}
	if got, ok := population.Write("GET /x/${claims.sub}", people[0].Identity); !ok || strings.Contains(got, "$") {
		t.Errorf("%q %v", got, ok)
	}
	if _, ok := population.Write("GET /x/${claims.other}", people[0].Identity); ok {
		t.Error("a claim that is missing was written")
	}
}

// Callers that overlap in more ways than are looked at are refused, aloud.
func TestTooMany(t *testing.T) {
	callers := map[string]allowlist.Caller{}
	for i := range 40 {
		callers[fmt.Sprintf("k%d", i)] = role(fmt.Sprintf("*%c*%c*%c*", 'a'+i%26, 'a'+(i*7+1)%26, 'a'+(i*11+2)%26))
	}
	if _, err := population.Of([]population.Source{source(t, callers)}); err == nil || !strings.Contains(err.Error(), "so they are not compared") {
		t.Error(err)
	}
	callers = map[string]allowlist.Caller{}
	var denied []string
	for i := range 500 {
		name := fmt.Sprintf("k%d", i)
		callers[name] = token(map[string][]string{"g": {fmt.Sprint(i)}})
		denied = append(denied, name)
	}
	_, err := population.Of([]population.Source{source(t, callers, allowlist.Rule{ID: "r", Callers: []string{"*"}, Target: "t", Routes: []string{"GET /"}}, allowlist.Rule{ID: "d", Effect: "deny", Callers: denied, Target: "t", Routes: []string{"GET /a"}})})
	var many *population.TooManyError
	if !errors.As(err, &many) || !strings.Contains(err.Error(), "https://idp.example.com overlap in more than 100000 ways") {
		t.Error(err)
	}
}
