package allowlist_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/identity"
)

// is says what the design says of callers, without an index and without the
// package's matcher.
func is(k allowlist.Caller, c identity.Caller) bool {
	switch {
	case k.JWT != nil:
		if c.Kind != identity.JWT || c.Issuer != k.JWT.Issuer || !slices.Contains(c.Audiences, k.JWT.Audience) {
			return false
		}
		for name, values := range k.JWT.Claims {
			if !slices.ContainsFunc(c.Claims[name].Values, func(v string) bool { return slices.Contains(values, v) }) {
				return false
			}
		}
		return true
	case c.Kind != identity.IAM && c.Kind != identity.RESTIAM:
		return false
	case k.IAM.Account != "":
		return c.Principal.Account == k.IAM.Account && (c.Principal.Type == arn.Role || c.Principal.Type == arn.User) && !c.Guest
	}
	want, id := k.IAM.Role, k.IAM.RoleID
	if want == "" {
		want, id = k.IAM.User, k.IAM.UserID
	}
	glob := strings.ReplaceAll(regexp.QuoteMeta(want), `\*`, `[^:/]*`)
	return regexp.MustCompile(`\A`+glob+`\z`).MatchString(c.Principal.Canonical()) && (id == "" || id == c.UniqueID)
}

var (
	anAccount = rapid.SampledFrom([]string{"444455556666", "777788889999"})
	aName     = rapid.StringMatching(`[ab]{1,3}`)
	aPattern  = rapid.StringMatching(`[ab]{0,2}\*?[ab]{1,2}\*?`)
	aValue    = rapid.SampledFrom([]string{"x", "y", "z"})
	aClaim    = rapid.SampledFrom([]string{"group", "tenant"})
	anID      = rapid.SampledFrom([]string{"", roleID, "AROAEXAMPLEBILLING01"})
)

func drawCaller(t *rapid.T) allowlist.Caller {
	switch rapid.IntRange(0, 3).Draw(t, "kind of caller") {
	case 0:
		return allowlist.Caller{IAM: &allowlist.IAMCaller{Account: anAccount.Draw(t, "account")}}
	case 1:
		return allowlist.Caller{IAM: &allowlist.IAMCaller{User: "arn:aws:iam::" + anAccount.Draw(t, "account") + ":user/" + aPattern.Draw(t, "user")}}
	case 2:
		k := &allowlist.IAMCaller{Role: "arn:aws:iam::" + anAccount.Draw(t, "account") + ":role/" + aPattern.Draw(t, "role")}
		if !strings.Contains(k.Role, "*") {
			k.RoleID = anID.Draw(t, "id")
		}
		return allowlist.Caller{IAM: k}
	default:
		claims := rapid.MapOfN(aClaim, rapid.SliceOfNDistinct(aValue, 1, 2, rapid.ID[string]), 0, 2).Draw(t, "claims")
		return allowlist.Caller{JWT: &allowlist.JWTCaller{Issuer: issuer + "/" + aValue.Draw(t, "issuer"), Audience: aValue.Draw(t, "audience"), Claims: claims}}
	}
}

func drawIdentity(t *rapid.T) identity.Caller {
	kind := rapid.SampledFrom([]identity.Kind{identity.IAM, identity.RESTIAM, identity.JWT, identity.JWT, identity.NoKind}).Draw(t, "kind")
	c := identity.Caller{Kind: kind, UniqueID: anID.Draw(t, "id"), Guest: rapid.IntRange(0, 5).Draw(t, "guest") == 0}
	if kind != identity.JWT {
		c.Principal = arn.Principal{
			Partition: rapid.SampledFrom([]string{"aws", "aws", "aws", "aws-cn"}).Draw(t, "partition"), Account: anAccount.Draw(t, "account"),
			Type: rapid.SampledFrom([]arn.PrincipalType{arn.Role, arn.Role, arn.User, arn.FederatedUser}).Draw(t, "type"),
			Name: aName.Draw(t, "name"), Session: aName.Draw(t, "session"),
		}
		c.Subject = c.Principal.Session
		return c
	}
	c.Issuer, c.Audiences, c.Subject = issuer+"/"+aValue.Draw(t, "issuer"), rapid.SliceOfN(aValue, 1, 2).Draw(t, "audiences"), aName.Draw(t, "sub")
	c.Claims = map[string]identity.Claim{}
	for name, values := range rapid.MapOfN(aClaim, rapid.SliceOfN(aValue, 0, 3), 0, 2).Draw(t, "claims") {
		c.Claims[name] = identity.Claim{Values: values, List: len(values) != 1}
	}
	return c
}

// Whatever the list: an identity bears just the names that it should; a grant
// holds no route of a rule that names none of them; who bears no name gets
// nothing at all.
func TestIsolationProperty(t *testing.T) {
	var listed, unlisted int
	rapid.Check(t, func(t *rapid.T) {
		doc := story()
		doc.Callers, doc.Rules = map[string]allowlist.Caller{}, nil
		var all []string
		for i := range rapid.IntRange(6, 16).Draw(t, "callers") {
			all = append(all, fmt.Sprintf("k%02d", i))
			doc.Callers[all[i]] = drawCaller(t)
		}
		for i := range rapid.IntRange(1, 6).Draw(t, "rules") {
			r := allow(fmt.Sprint("r", i), "*", fmt.Sprintf("GET /r%d/*", i), "GET /r"+fmt.Sprint(i)+"/${caller.name}")
			if rapid.IntRange(0, 3).Draw(t, "for all") > 0 {
				r.Callers = rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, 3, rapid.ID[string]).Draw(t, "names")
			}
			doc.Rules = append(doc.Rules, r)
		}
		list, err := allowlist.Compile(doc)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			c := drawIdentity(t)
			want := []string{}
			for _, name := range all {
				if is(doc.Callers[name], c) {
					want = append(want, name)
				}
			}
			if got := list.Names(c); !slices.Equal(got, want) {
				t.Fatalf("%+v is %v, want %v", c, got, want)
			}
			if len(want) > 0 {
				listed++
			} else {
				unlisted++
			}
			d := list.Decide(c, allowlist.Request{Target: "orders"})
			if len(want) == 0 && (d.Allowed() || len(list.Access(c)) > 0 || len(d.Tried) > 0 || d.Refusal() == nil) {
				t.Fatalf("%+v is not on the list and has %s", c, write(d))
			}
			for i, r := range doc.Rules {
				mine := slices.ContainsFunc(want, func(name string) bool { return r.Callers[0] == "*" || slices.Contains(r.Callers, name) })
				if has := strings.Contains(write(d), fmt.Sprintf("/r%d/", i)); has != mine {
					t.Fatalf("%+v: rule %s: concerns it: %v, in the grant: %v: %s", c, r.ID, mine, has, write(d))
				}
			}
			if d.Allowed() && !slices.Contains(want, d.Grant.CallerName) {
				t.Fatalf("%+v is given the name %s", c, d.Grant.CallerName)
			}
		}
	})
	t.Logf("%d identities on the list, %d not", listed, unlisted)
	if min(listed, unlisted)*10 < listed+unlisted {
		t.Error("one kind is too rare")
	}
}

func TestNames(t *testing.T) {
	for s, want := range map[string]bool{
		"orders": true, "o": true, "orders-2_b": true, strings.Repeat("o", 64): true,
		"": false, "Orders": false, "2orders": false, "-o": false, "o/x": false, "o.x": false, "../o": false, "o ": false, "ö": false,
		"o\x00": false, strings.Repeat("o", 65): false, "*": false,
	} {
		if allowlist.IsTargetName(s) != want {
			t.Errorf("IsTargetName(%q) is %v", s, !want)
		}
	}
	for s, want := range map[string]bool{
		"https://orders.example.com": true, "https://orders.example.com:8443/base/path": true,
		"http://localhost:8080": true, "http://127.0.0.1:8080": true, "http://[::1]:8080": true, "https://[2001:db8::1]": true,
		"http://127.0.0.1.example.com": false, "http://localhost.example.com": false, "http://orders.example.com": false,
		"https://": false, "https://:443": false, "https:orders": false, "orders.example.com": false, "//orders.example.com": false,
		"ftp://orders.example.com": false, "https://user:pw@orders.example.com": false, "https://orders.example.com/": false,
		"https://orders.example.com?x=1": false, "https://orders.example.com?": false, "https://orders.example.com#x": false,
		"https://orders.example.com#": false, "https://orders.example.com/a b": false, "https://örders.example.com": false,
		"https://orders.example.com/\n": false, "https://orders.example.com/\"": false, "javascript:alert(1)": false,
	} {
		doc := story()
		target(func(t *allowlist.Target) { t.Endpoint = s })(doc)
		if got := problems(t, doc) == nil; got != want {
			t.Errorf("endpoint %q compiles: %v", s, got)
		}
	}
	for s, want := range map[string]bool{
		"orders-7f3c9a": true, "ab": true, "a:b/c=,.@-_+": true, strings.Repeat("x", 1224): true,
		"a": false, "a b": false, "a*": false, "ä1": false, strings.Repeat("x", 1225): false,
	} {
		doc := story()
		target(func(t *allowlist.Target) { t.ExternalID = s })(doc)
		if got := problems(t, doc) == nil; got != want {
			t.Errorf("external id %q compiles: %v", s, got)
		}
	}
}

func TestTargetsAsTheyCompile(t *testing.T) {
	no := false
	doc := story()
	target(func(t *allowlist.Target) {
		t.Role, t.ExternalID = "arn:aws:iam::111122223333:role/team/orders-invoke", "orders-7f3c9a"
		t.DefaultDuration, t.MaxDuration, t.SourceIdentity = "15m", "40m", &no
	})(doc)
	got := compile(t, doc).Decide(role("billing"), ask(t)).Grant.Target
	want := allowlist.TargetInfo{
		Name: "orders", RoleARN: "arn:aws:iam::111122223333:role/team/orders-invoke", AccountID: "111122223333", ExternalID: "orders-7f3c9a",
		Stage:    arn.Stage{Partition: "aws", Region: "us-east-1", Account: "111122223333", API: "a1b2c3d4e5", Name: "$default"},
		Endpoint: "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com", DefaultDuration: 15 * 60e9, MaxDuration: 40 * 60e9, SessionTags: true,
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for _, tc := range []struct{ def, most, wantDef, wantMost string }{
		{"", "", "30m0s", "1h0m0s"}, {"", "20m", "20m0s", "20m0s"}, {"1h", "", "1h0m0s", "1h0m0s"}, {"15m", "1800s", "15m0s", "30m0s"},
	} {
		doc := story()
		target(func(t *allowlist.Target) { t.DefaultDuration, t.MaxDuration = tc.def, tc.most })(doc)
		got := compile(t, doc).Decide(role("billing"), ask(t)).Grant.Target
		if got.DefaultDuration.String() != tc.wantDef || got.MaxDuration.String() != tc.wantMost {
			t.Errorf("%+v: got %v and %v", tc, got.DefaultDuration, got.MaxDuration)
		}
	}
}
