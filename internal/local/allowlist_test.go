package local

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// severalTargets is a list with everything that a run must play apart: APIs that
// share a role and roles that share an API, a named stage, another region and
// account, two audiences, an issuer that nobody plays.
const severalTargets = `
version: 1
targets:
  orders:
    role: arn:aws:iam::111122223333:role/orders-invoke
    api: arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default
    endpoint: https://orders.example.com
    external_id: orders-7f3c9a
  orders-admin:
    role: arn:aws:iam::111122223333:role/orders-admin
    api: arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default
    external_id: admin-1b2c3d
  reports:
    role: arn:aws:iam::777788889999:role/reports-invoke
    api: arn:aws:execute-api:eu-west-1:777788889999:f6g7h8i9j0/v2
  stock:
    role: arn:aws:iam::111122223333:role/orders-invoke
    api: arn:aws:execute-api:us-east-1:111122223333:k1l2m3n4o5/live
    external_id: stock-000001
callers:
  billing-service:
    iam: { role: "arn:aws:iam::444455556666:role/billing-service", role_id: AROAEXAMPLEBILLING00 }
  operator:
    iam: { user: "arn:aws:iam::444455556666:user/operator" }
  operator-pinned:
    iam: { user: "arn:aws:iam::444455556666:user/operator", user_id: AIDAEXAMPLEOPERATOR0 }
  partner:
    iam: { role: "arn:aws:iam::777788889999:role/partner" }
  ci:
    iam: { role: "arn:aws:iam::444455556666:role/ci-*" }
  whole-account:
    iam: { account: "777788889999" }
  clerk:
    jwt: { issuer: https://idp.example.com/pool, audience: clerks }
  shopper:
    jwt: { issuer: https://idp.example.com/pool, audience: shoppers }
  visitor:
    jwt: { issuer: https://other.example.com, audience: visitors }
rules:
  - { id: read-orders, callers: [billing-service, operator, partner], target: orders, routes: ["GET /orders/*"] }
  - { id: admin-orders, callers: [operator-pinned], target: orders-admin, routes: ["* /*"] }
  - { id: read-reports, callers: [billing-service, partner, shopper], target: reports, routes: ["GET /reports/*"] }
  - { id: read-stock, callers: [billing-service, clerk], target: stock, routes: ["GET /stock/*"] }
  - { id: visit, callers: [visitor], target: stock, routes: ["GET /lobby"] }
`

// TestAllowlistMode: each target has a role and an API that echoes, each caller
// with a literal ARN a profile of its name, and all of it works together.
func TestAllowlistMode(t *testing.T) {
	s := startWith(t, severalTargets)
	if got, want := slices.Sorted(maps.Keys(s.World.Profiles)), []string{"billing-service", "operator", "operator-pinned", "partner", "stranger"}; !slices.Equal(got, want) {
		t.Fatalf("profiles %q, want %q", got, want)
	}
	urls := map[string]string{}
	for _, target := range s.World.Targets {
		urls[target.Name] = target.URL
	}
	if got := slices.Sorted(maps.Keys(urls)); !slices.Equal(got, []string{"orders", "orders-admin", "reports", "stock"}) {
		t.Fatalf("targets %q", got)
	}
	if urls["orders"] != urls["orders-admin"] || urls["orders"] == urls["stock"] {
		t.Errorf("one API, one address: %q", urls)
	}
	if !strings.HasSuffix(urls["reports"], "/v2") || !strings.HasSuffix(urls["stock"], "/live") {
		t.Errorf("named stages stand in the address: %q", urls)
	}
	want := []string{
		"caller visitor: nobody plays its issuer https://other.example.com here, since a front door takes one issuer",
		"target reports: the list has no external_id, and accounts/target.yaml wants one: its role is made here without that condition",
		"targets orders, stock share the role orders-invoke: accounts/target.yaml makes a role for one API, so here it is what their stacks make together",
		"tokens of https://idp.example.com/pool are played by " + s.World.IssuerURL,
	}
	if diff := cmp.Diff(want, s.World.Adapted); diff != "" {
		t.Errorf("notes for people (-want +got):\n%s", diff)
	}
	for _, c := range []struct {
		name, profile, door, service, target string
		want                                 int
		path, other                          string // granted, not granted
	}{
		{"a role", "billing-service", s.World.URL, "execute-api", "orders", 200, "/orders/1", "/stock/1"},
		{"a role, another region and account, a named stage", "billing-service", s.World.URL, "execute-api", "reports", 200, "/reports/1", "/reports"},
		{"a role, an API that shares its role", "billing-service", s.World.URL, "execute-api", "stock", 200, "/stock/1", "/orders/1"},
		{"a role, not on this list", "billing-service", s.World.URL, "execute-api", "orders-admin", 403, "", ""},
		{"a user", "operator", s.World.URL, "execute-api", "orders", 200, "/orders/1", "/other"},
		{"a user, pinned", "operator-pinned", s.World.URL, "execute-api", "orders-admin", 200, "/any/thing", ""},
		{"a user of both names", "operator", s.World.URL, "execute-api", "orders-admin", 200, "/any/thing", ""},
		{"another account at the function URL", "partner", s.World.FunctionURL, "lambda", "orders", 200, "/orders/1", "/stock/1"},
		{"another account at the REST API", "partner", s.World.RESTURL, "execute-api", "reports", 200, "/reports/1", "/orders/1"},
		{"our own account at the function URL", "billing-service", s.World.FunctionURL, "lambda", "orders", 200, "/orders/1", "/stock/1"},
		{"our own account at the REST API", "operator", s.World.RESTURL, "execute-api", "orders", 200, "/orders/1", "/stock/1"},
		{"another account at the HTTP API", "partner", s.World.URL, "execute-api", "orders", 403, "", ""},
		{"the stranger", "stranger", s.World.URL, "execute-api", "orders", 403, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := call{url: c.door, body: ask(c.target), keys: s.World.Profiles[c.profile].keys(), service: c.service, region: "us-east-1"}.vend(t, c.want)
			if c.want == http.StatusOK {
				v.check(t, urls[c.target], c.path, c.other)
			}
		})
	}
	for _, c := range []struct {
		name   string
		claims map[string]any
		target string
		want   int
		path   string
	}{
		{"the first audience", map[string]any{"sub": "cleo", "aud": "clerks"}, "stock", 200, "/stock/1"},
		{"the second audience", map[string]any{"sub": "sam", "aud": "shoppers"}, "reports", 200, "/reports/1"},
		{"the other's target", map[string]any{"sub": "sam", "aud": "shoppers"}, "stock", 403, ""},
		{"an audience of the other issuer", map[string]any{"sub": "val", "aud": "visitors"}, "stock", 401, ""},
		{"the issuer's real name", map[string]any{"sub": "cleo", "aud": "clerks", "iss": "https://idp.example.com/pool"}, "stock", 401, ""},
	} {
		t.Run("a token of "+c.name, func(t *testing.T) {
			token, err := s.Token(c.claims)
			if err != nil {
				t.Fatal(err)
			}
			v := call{url: s.World.JWTURL, body: ask(c.target), bearer: token}.vend(t, c.want)
			if c.want == http.StatusOK {
				v.check(t, urls[c.target], c.path, "/elsewhere")
			}
		})
	}
}

// check uses vended credentials: the endpoint is the local one, the granted path
// echoes, and another does not.
func (v vended) check(t *testing.T, url, path, other string) {
	t.Helper()
	if v.Grant.Endpoint != url {
		t.Errorf("endpoint %s, want %s", v.Grant.Endpoint, url)
	}
	if status, text := v.use(t, path); status != http.StatusOK || !strings.Contains(text, `"path":"`+path+`"`) || !strings.Contains(text, `"session":"`+v.Grant.Caller+"@") {
		t.Errorf("GET %s: %d %s", path, status, text)
	}
	if other != "" {
		if status, text := v.use(t, other); status != http.StatusForbidden {
			t.Errorf("GET %s: %d %s", other, status, text)
		}
	}
}

// TestPartitions: a list of another partition has everything there.
func TestPartitions(t *testing.T) {
	for _, c := range []struct{ partition, region string }{{"aws-cn", "cn-north-1"}, {"aws-us-gov", "us-gov-west-1"}} {
		t.Run(c.partition, func(t *testing.T) {
			yaml := strings.NewReplacer("arn:aws:", "arn:"+c.partition+":", "us-east-1", c.region).Replace(string(storyAllowlist))
			s := startWith(t, yaml)
			if s.World.Region != c.region || !strings.HasPrefix(s.World.Profiles["billing-service"].ARN(), "arn:"+c.partition+":sts:") {
				t.Errorf("region %s, profile %s", s.World.Region, s.World.Profiles["billing-service"].ARN())
			}
			v := call{url: s.World.URL, body: ask("orders"), keys: s.World.Profiles["billing-service"].keys(), service: "execute-api", region: c.region}.vend(t, http.StatusOK)
			v.check(t, s.World.Targets[0].URL, "/orders/1", "/users/1")
		})
	}
}

// TestTwoPartitions: targets of two partitions cannot be played at once.
func TestTwoPartitions(t *testing.T) {
	o := options(t)
	o.Allowlist = writeList(t, strings.Replace(severalTargets, "arn:aws:iam::777788889999:role/reports-invoke\n    api: arn:aws:execute-api:eu-west-1", "arn:aws-cn:iam::777788889999:role/reports-invoke\n    api: arn:aws-cn:execute-api:cn-north-1", 1))
	_, err := Start(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "target reports is of the partition aws-cn and another of aws: a local run plays one partition") {
		t.Errorf("%v", err)
	}
}

// TestBadAllowlists: what is wrong with a list is told as `allowlist build`
// tells it, before anything is started or written.
func TestBadAllowlists(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.yaml")
	for _, c := range []struct {
		name, file string
		want       []string
	}{
		{"missing", missing, []string{"the allowlist cannot be read", missing}},
		{"a folder", t.TempDir(), []string{"the allowlist cannot be read"}},
		{"not YAML", writeList(t, "version: 1\n\ttargets:\n"), []string{"allowlist.yaml:2:1", "tab"}},
		{"an unknown key", writeList(t, strings.Replace(string(storyAllowlist), "external_id", "externalid", 1)), []string{"allowlist.yaml:9:5", "externalid", "external_id"}},
		{"no such target", writeList(t, strings.Replace(string(storyAllowlist), "target: orders", "target: order", 1)), []string{"allowlist.yaml:26:13", `"order"`}},
		{"nothing", writeList(t, ""), []string{"allowlist.yaml"}},
		{"no targets", writeList(t, "version: 1\ntargets: {}\ncallers: {}\nrules: []\n"), []string{"allowlist.yaml", "targets"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options(t)
			o.Allowlist = c.file
			_, err := Start(t.Context(), o)
			if err == nil {
				t.Fatal("it starts")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error lacks %q:\n%v", part, err)
				}
			}
			if _, err := os.Stat(o.Dir); !os.IsNotExist(err) {
				t.Errorf("the folder was made: %v", err)
			}
		})
	}
}

// TestSameRole: two callers of one role are one principal, and the pin of either
// is the role's unique id.
func TestSameRole(t *testing.T) {
	s := startWith(t, strings.Replace(string(storyAllowlist), "  analytics-account:", `  billing-again:
    iam: { role: "arn:aws:iam::444455556666:role/billing-service" }
  a-bill:
    iam: { role: "arn:aws:iam::444455556666:role/billing-service" }
  analytics-account:`, 1))
	for _, profile := range []string{"a-bill", "billing-again", "billing-service"} {
		call{url: s.World.URL, body: ask("orders"), keys: s.World.Profiles[profile].keys(), service: "execute-api", region: "us-east-1"}.vend(t, http.StatusOK)
	}
}
