package scope_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/route"
	"github.com/credvend/credvend/internal/scope"
)

// plain is a grant as Decide gives one.
func plain(t testing.TB) allowlist.Grant {
	return allowlist.Grant{
		Target: allowlist.TargetInfo{
			Name: "orders", RoleARN: "arn:aws:iam::111122223333:role/orders-invoke", AccountID: "111122223333", ExternalID: "orders-7f3c9a",
			Stage:    arn.Stage{Partition: "aws", Region: "us-east-1", Account: "111122223333", API: "a1b2c3d4e5", Name: "$default"},
			Endpoint: "https://orders.example.com", DefaultDuration: 30 * time.Minute, MaxDuration: time.Hour, SourceIdentity: true, SessionTags: true,
		},
		CallerName: "billing", Callers: []string{"account", "billing"},
		Routes: parse(t, "GET /orders/*"), Denied: parse(t, "DELETE /*"), Rules: []string{"r1"},
		Tags:        []allowlist.Tag{{Key: "team", Value: "billing"}},
		MaxDuration: 40 * time.Minute, LimitedBy: "rule r1",
	}
}

func TestScopeOfAGrant(t *testing.T) {
	g := plain(t)
	got, err := scope.New(billing(), g, 0)
	if err != nil {
		t.Fatal(err)
	}
	id := scope.SourceIdentity(billing())
	want := scope.Scope{
		Target: "orders", RoleARN: "arn:aws:iam::111122223333:role/orders-invoke", ExternalID: "orders-7f3c9a", AccountID: "111122223333",
		Region: "us-east-1", Endpoint: "https://orders.example.com", CallerName: "billing",
		Policy:         route.Policy(g.Target.Stage, g.Routes, g.Denied),
		Tags:           []scope.Tag{{Key: "credvend:callers", Value: ":account:billing:"}, {Key: "credvend:subject", Value: id}, {Key: "team", Value: "billing"}},
		SourceIdentity: id, Duration: 30 * time.Minute, Routes: g.Routes, Denied: g.Denied, Rules: g.Rules,
		RequestedDuration: 30 * time.Minute, DurationLimitedBy: "default of target orders",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := got.SessionName("01hqzx4v5w6y7z8a9b0c1d2e3f"); got != "billing@01hqzx4v5w6y7z8a9b0c1d2e3f" {
		t.Errorf("session name %q", got)
	}
	if again, _ := scope.New(billing(), g, 0); !reflect.DeepEqual(got, again) {
		t.Error("equal input, another scope")
	}
}

func TestSourceIdentityAndTagsCanBeSwitchedOff(t *testing.T) {
	for _, source := range []bool{false, true} {
		for _, tags := range []bool{false, true} {
			g := plain(t)
			g.Target.SourceIdentity, g.Target.SessionTags = source, tags
			s, err := scope.New(billing(), g, 0)
			if err != nil || (s.SourceIdentity != "") != source || (len(s.Tags) == 3) != tags || !tags && s.Tags != nil {
				t.Errorf("source identity %v, tags %v: %+v, %v", source, tags, s, err)
			}
		}
	}
}

func TestDuration(t *testing.T) {
	for _, tc := range []struct {
		name                 string
		asked, def, most     time.Duration
		by                   string
		wantAsked, wantGiven time.Duration
		wantBy               string
	}{
		{"what is asked for", 20 * time.Minute, 30 * time.Minute, time.Hour, "target orders", 20 * time.Minute, 20 * time.Minute, "request"},
		{"the least there is", 15 * time.Minute, 30 * time.Minute, time.Hour, "target orders", 15 * time.Minute, 15 * time.Minute, "request"},
		{"the most there is", time.Hour, 30 * time.Minute, time.Hour, "target orders", time.Hour, time.Hour, "request"},
		{"just what the grant has", 40 * time.Minute, 30 * time.Minute, 40 * time.Minute, "rule r1", 40 * time.Minute, 40 * time.Minute, "request"},
		{"limited by a rule", time.Hour, 30 * time.Minute, 30 * time.Minute, "rule r1", time.Hour, 30 * time.Minute, "rule r1"},
		{"limited by the target", time.Hour, 30 * time.Minute, 50 * time.Minute, "target orders", time.Hour, 50 * time.Minute, "target orders"},
		{"the default", 0, 30 * time.Minute, time.Hour, "target orders", 30 * time.Minute, 30 * time.Minute, "default of target orders"},
		{"the default, limited by a rule", 0, 30 * time.Minute, 15 * time.Minute, "rule r1", 30 * time.Minute, 15 * time.Minute, "rule r1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := plain(t)
			g.Target.DefaultDuration, g.MaxDuration, g.LimitedBy = tc.def, tc.most, tc.by
			s, err := scope.New(billing(), g, tc.asked)
			if err != nil || s.RequestedDuration != tc.wantAsked || s.Duration != tc.wantGiven || s.DurationLimitedBy != tc.wantBy {
				t.Errorf("got %v, %v, %q, %v", s.RequestedDuration, s.Duration, s.DurationLimitedBy, err)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	tag := func(key, value string) func(*allowlist.Grant) {
		return func(g *allowlist.Grant) { g.Tags = []allowlist.Tag{{Key: key, Value: value}} }
	}
	many := func(n int) func(*allowlist.Grant) {
		return func(g *allowlist.Grant) {
			g.Tags = nil
			for i := range n {
				g.Tags = append(g.Tags, allowlist.Tag{Key: fmt.Sprint("k", i), Value: "v"})
			}
		}
	}
	bearing := func(n int) func(*allowlist.Grant) {
		return func(g *allowlist.Grant) {
			g.Callers = nil
			for i := range n {
				g.Callers = append(g.Callers, fmt.Sprintf("%s-%d", strings.Repeat("c", 29), i))
			}
		}
	}
	routes := func(texts ...string) func(*allowlist.Grant) {
		return func(g *allowlist.Grant) { g.Routes = parse(t, texts...) }
	}
	var each []string
	for i := range 50 {
		each = append(each, fmt.Sprintf("GET /orders/%02d", i))
	}
	for _, tc := range []struct {
		name  string
		edit  func(*allowlist.Grant)
		asked time.Duration
		want  string // empty: it passes
	}{
		{"48 tags and two of our own", many(48), 0, ""},
		{"49 tags and two of our own", many(49), 0, "denied: you match callers with 51 session tags together and STS takes 50; the allowlist's operator must remove some"},
		{"a value of 256 characters", tag("k", strings.Repeat("é", 256)), 0, ""},
		{"a value of 257 characters", tag("k", strings.Repeat("é", 257)), 0, "denied: the session tag k would be longer than STS's 256 characters; the allowlist's operator must shorten it"},
		{"an empty value", tag("k", ""), 0, ""},
		{"a value with a comma, from a claim", tag("k", "a,b"), 0, "denied: the session tag k would hold characters that STS takes in no tag (it takes letters, digits, spaces and _.:/=+-@)"},
		{"a value with a star", tag("k", "*"), 0, "denied: the session tag k would hold characters that STS takes in no tag (it takes letters, digits, spaces and _.:/=+-@)"},
		{"seven callers of long names", bearing(7), 0, ""},
		{"eight callers of long names", bearing(8), 0, "denied: the session tag credvend:callers would be longer than STS's 256 characters; the allowlist's operator must shorten it"},
		{"seven methods of a long path", routes("* /" + strings.Repeat("x", 300)), 0, "invalid_request: the session policy for this request has 3121 characters and STS takes 2048; name fewer routes in the request, or one method instead of `*`, which counts seven times"},
		{"50 routes", routes(each...), 0, "invalid_request: the session policy for this request has "},
		{"899 seconds", nil, 899 * time.Second, "invalid_request: durationSeconds must be a whole number from 900 to 3600"},
		{"3601 seconds", nil, 3601 * time.Second, "invalid_request: durationSeconds must be a whole number from 900 to 3600"},
		{"half seconds", nil, 1000*time.Second + time.Millisecond, "invalid_request: durationSeconds must be a whole number from 900 to 3600"},
		{"less than nothing", nil, -time.Hour, "invalid_request: durationSeconds must be a whole number from 900 to 3600"},
		{"the least duration", nil, -1 << 63, "invalid_request: durationSeconds must be a whole number from 900 to 3600"},
		{"no routes", func(g *allowlist.Grant) { g.Routes = nil }, 0, "internal: the grant for target \"orders\" confers nothing"},
		{"no caller name", func(g *allowlist.Grant) { g.CallerName = "" }, 0, "internal: the grant for target \"orders\" confers nothing"},
		{"the zero grant", func(g *allowlist.Grant) { *g = allowlist.Grant{} }, 0, "internal: the grant for target \"\" confers nothing"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := plain(t)
			if tc.edit != nil {
				tc.edit(&g)
			}
			s, err := scope.New(billing(), g, tc.asked)
			if tc.want == "" {
				if err != nil || s.Policy == "" {
					t.Errorf("got %+v, %v", s, err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) || !reflect.DeepEqual(s, scope.Scope{}) {
				t.Errorf("got %+v, %v\nwant %s", s, err, tc.want)
			}
			if fault.Of(err).Kind == fault.Internal && tc.want[:8] != "internal" {
				t.Errorf("%v is not for the caller", err)
			}
		})
	}
}

// A long list of denied routes must not keep a caller from asking for less:
// those that cannot matter are left out when there is no room.
func TestDeniesThatCannotMatterGiveWay(t *testing.T) {
	g := plain(t)
	g.Denied = parse(t, "GET /orders/secret")
	for i := range 40 {
		g.Denied = append(g.Denied, parse(t, fmt.Sprintf("GET /else/%02d", i))...)
	}
	s, err := scope.New(billing(), g, 0)
	if err != nil || len(s.Denied) != 1 || s.Denied[0].String() != "GET /orders/secret" || s.Policy != route.Policy(g.Target.Stage, g.Routes, s.Denied) {
		t.Errorf("got %v, %v", s.Denied, err)
	}
	g.Denied = g.Denied[:3]
	if s, err := scope.New(billing(), g, 0); err != nil || len(s.Denied) != 3 {
		t.Errorf("with room for all: %v, %v", s.Denied, err)
	}
	for i := range 40 {
		g.Denied = append(g.Denied, parse(t, fmt.Sprintf("GET /orders/%02d", i))...)
	}
	if _, err := scope.New(billing(), g, 0); fault.Of(err).Kind != fault.InvalidRequest {
		t.Errorf("denies that matter give way: %v", err)
	}
}
