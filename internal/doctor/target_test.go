package doctor

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/credvend/credvend/api"
)

func orders() TargetFacts {
	return TargetFacts{
		Name: "orders", RoleARN: "arn:aws:iam::111122223333:role/orders-invoke", AccountID: "111122223333",
		Endpoint: "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com", Region: "us-east-1",
	}
}

func TestRule(t *testing.T) {
	target := api.Target{Target: "orders", Routes: []string{"GET /orders"}, Rules: []string{"read"}}
	known := api.WhoAmI{Principal: "arn:aws:iam::444455556666:role/x", Callers: []string{"billing-service"}}
	for _, c := range []struct {
		name   string
		who    api.WhoAmI
		all    []api.Target
		target string
		want   []Cause
		yaml   string
	}{
		{"allowed", known, []api.Target{target}, "orders", nil, ""},
		{"allowed something", known, []api.Target{target}, "", nil, ""},
		{"nothing", known, nil, "", []Cause{NoRule, DenyRule}, "target: <TARGET>"},
		{"not this", known, []api.Target{target}, "reports", []Cause{NoRule, UnknownTarget}, "callers: [billing-service]\n    target: reports"},
		{"stranger", api.WhoAmI{Principal: "arn:aws:iam::444455556666:role/x"}, nil, "orders", []Cause{NoCaller, WrongIdentity}, `role: "arn:aws:iam::444455556666:role/x"`},
		{"strange user", api.WhoAmI{Principal: "arn:aws:iam::444455556666:user/x"}, nil, "orders", []Cause{NoCaller}, `user: "arn:aws:iam::444455556666:user/x"`},
		{"strange subject", api.WhoAmI{Issuer: "https://i.example.com", Subject: "a\"b"}, nil, "orders", []Cause{NoCaller}, `sub: ["a\"b"]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Rule(c.who, c.all, c.target)
			beginsWith(t, s, c.want...)
			if len(c.want) > 0 && !strings.Contains(s.Candidates[0].YAML, c.yaml) {
				t.Error(s.Candidates[0].YAML)
			}
		})
	}
}

// What the service says of a target that STS refuses it; see internal/assume.
const (
	wantTags   = "STS refused credvend the role R for want of sts:TagSession. Check, the likeliest first: (1) …"
	wantSource = "STS refused credvend the role R for want of sts:SetSourceIdentity. Check, …"
	wantAssume = "STS refused credvend the role R (AccessDenied), and AWS does not say why. Check, …: (4) in credvend's account its role's policy does not allow sts:AssumeRole on this role"
	noAction   = wantAssume + "; (5) one of those two policies lacks sts:TagSession; (6) one of those two policies lacks sts:SetSourceIdentity"
	badValue   = "STS did not take a value of the request for role R; its code does not say which. Check, …"
)

func TestAssume(t *testing.T) {
	for _, c := range []struct {
		name string
		a    Answer
		want []Cause
		not  Cause
	}{
		{"vended", Answer{Status: 200}, nil, ""},
		{"tags", ours(502, "target_misconfigured", wantTags), []Cause{TrustTags, BrokerTags}, ExternalID},
		{"source identity", ours(502, "target_misconfigured", wantSource), []Cause{TrustSourceID, BrokerSourceID}, TrustTags},
		{"assume role", ours(502, "target_misconfigured", wantAssume), []Cause{ExternalID, TrustPrincipal}, TrustTags},
		{"no action named", ours(502, "target_misconfigured", noAction), []Cause{ExternalID, TrustPrincipal}, SessionLimit},
		{"value", ours(502, "target_misconfigured", badValue), []Cause{RoleMissing, ExternalID}, TrustPrincipal},
		{"denied", ours(403, "denied", "no rule allows it"), []Cause{NoRule}, ""},
		{"too large", ours(400, "invalid_request", "the session policy packs larger"), []Cause{BadRequest}, ""},
		{"STS down", ours(503, "unavailable", "STS cannot be reached"), []Cause{ServiceDown}, ""},
		{"rate", ours(429, "throttled", "slow down"), []Cause{Throttled}, ""},
		{"internal", ours(500, "internal", "…"), []Cause{ServiceFails}, ""},
		{"the door refuses", answered(403, sayForbidden), []Cause{MayNotInvoke}, ""},
		{"the door fails", answered(504, `{"message":"Endpoint request timed out"}`), []Cause{DoorDown}, ""},
		{"broken off", Answer{Err: errors.New("EOF")}, []Cause{ServiceDown, Network}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Assume(orders(), "session", c.a)
			beginsWith(t, s, c.want...)
			if slices.Contains(causes(t, s), c.not) {
				t.Errorf("%s is suspected", c.not)
			}
		})
	}
	if all := causes(t, Assume(orders(), "", ours(502, "target_misconfigured", noAction))); !slices.Contains(all, TrustTags) || !slices.Contains(all, TrustSourceID) {
		t.Errorf("without an action named, tags and source identity may be it: %v", all)
	}
}

func TestUnsigned(t *testing.T) {
	probe := func(a Answer) ProbedRoute { return ProbedRoute{"GET", "/orders/credvend-doctor", false, a} }
	exact := func(a Answer) ProbedRoute { return ProbedRoute{"GET", "/orders", true, a} }
	refused, absent := answered(403, sayForbidden), answered(404, sayNotFound)
	for _, c := range []struct {
		name   string
		probes []ProbedRoute
		status Status
		want   []Cause
	}{
		{"refused", []ProbedRoute{exact(refused), probe(refused)}, OK, nil},
		{"one does not exist", []ProbedRoute{probe(absent), exact(refused)}, OK, nil},
		{"made up, and does not exist", []ProbedRoute{probe(absent)}, Unclear, []Cause{ListedAPI, NoSuchRoute}},
		{"granted by name, and does not exist", []ProbedRoute{exact(absent)}, Wrong, []Cause{ListedAPI, NoSuchRoute}},
		{"open", []ProbedRoute{probe(answered(200, "{}"))}, Wrong, []Cause{OpenRoute}},
		{"the second is open", []ProbedRoute{exact(refused), probe(answered(200, "{}"))}, Wrong, []Cause{OpenRoute}},
		{"open, and the backend has nothing", []ProbedRoute{probe(answered(404, `{"error":"no such order"}`))}, Wrong, []Cause{OpenRoute}},
		{"open, and the backend fails", []ProbedRoute{probe(answered(500, `{"message":"Internal Server Error"}`))}, Wrong, []Cause{OpenRoute}},
		{"open, and redirects", []ProbedRoute{probe(answered(302, ""))}, Wrong, []Cause{OpenRoute}},
		{"tokens", []ProbedRoute{probe(answered(401, sayUnauthorized))}, Wrong, []Cause{OtherAuthorizer}},
		{"throttled", []ProbedRoute{probe(answered(429, "{}"))}, Unclear, nil},
		{"unreachable", []ProbedRoute{probe(Answer{Err: errors.New("EOF")})}, Wrong, []Cause{ListedAPI, Network}},
		{"none", nil, Skipped, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Unsigned(orders(), c.probes)
			if s.Status != c.status {
				t.Errorf("%s: %s", s.Status, s.Says)
			}
			beginsWith(t, s, c.want...)
		})
	}
}

func TestSigned(t *testing.T) {
	for _, c := range []struct {
		name   string
		a      Answer
		status Status
		want   []Cause
	}{
		{"answered", answered(200, "{}"), OK, nil},
		{"let in, and there is no such order", answered(404, `{"error":"no such order"}`), OK, nil},
		{"let in, and redirected", answered(302, ""), OK, nil},
		{"no such route", answered(404, sayNotFound), Unclear, nil},
		{"refused", answered(403, sayForbidden), Wrong, []Cause{WrongAPI, RoleMayNot}},
		{"tokens", answered(401, sayUnauthorized), Wrong, []Cause{WrongAPI}},
		{"backend fails", answered(502, "{}"), Unclear, []Cause{BackendFails}},
		{"throttled", answered(429, "{}"), Unclear, nil},
		{"unreachable", Answer{Err: errors.New("EOF")}, Wrong, []Cause{ListedAPI}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Signed(orders(), ProbedRoute{"GET", "/orders", true, c.a})
			if s.Status != c.status {
				t.Errorf("%s: %s", s.Status, s.Says)
			}
			beginsWith(t, s, c.want...)
		})
	}
	s := Signed(orders(), ProbedRoute{"GET", "/orders", true, answered(403, sayForbidden)})
	const want = `{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default/*"}`
	if got := s.Candidates[0].Statement.Text(); got != want {
		t.Errorf("the statement to add is %s", got)
	}
}

// accounts are roles by ARN.
type accounts map[string]Role

func (a accounts) Role(_ context.Context, arn string) (Role, error) {
	if r, found := a[arn]; found {
		return r, nil
	}
	return Role{}, ErrNoRole
}

// TestNarrowInDoubt: what doctor cannot judge excludes nothing.
func TestNarrowInDoubt(t *testing.T) {
	const broker = "arn:aws:iam::444455556666:role/credvend-broker"
	may := Document{"vend", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Resource":"*"}}`}
	step := Assume(orders(), "", ours(502, "target_misconfigured", noAction))
	before := causes(t, step)
	for _, c := range []struct {
		name, trust string
		first       Cause
		keeps       []Cause
	}{
		{"not JSON", `{`, ExternalID, []Cause{ExternalID, TrustPrincipal, TrustPinned, TrustTags}},
		{"a kind of statement that is not known", `{"Version":"2012-10-17","Statement":{"Effect":"Perhaps","Principal":"*","Action":"*"}}`, ExternalID, []Cause{ExternalID, TrustPrincipal, TrustTags}},
		{"a condition that nothing here fulfils", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + broker + `"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-example"}}}}`, TrustCondition, []Cause{ExternalID}},
		{"a role that was made anew", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"AROAEXAMPLEDELETED00"},"Action":"sts:AssumeRole"}}`, ExternalID, []Cause{TrustPinned}},
		{"no trust in anybody", `{"Version":"2012-10-17","Statement":[]}`, ExternalID, []Cause{TrustPrincipal}},
	} {
		t.Run(c.name, func(t *testing.T) {
			look, facts := LookInto(t.Context(), accounts{orders().RoleARN: {ARN: orders().RoleARN, Trust: c.trust}, broker: {ARN: broker, ID: "AROAEXAMPLENEW000000", Policies: []Document{may}}}, orders(), "")
			s, looked := Narrow(step, facts, look, "")
			all := causes(t, s)
			if c.first == TrustCondition && !strings.Contains(s.Candidates[0].Evidence, "but for its conditions on aws:PrincipalOrgID") {
				t.Errorf("%q", s.Candidates[0].Evidence)
			}
			if all[0] != c.first || looked.Says == "" {
				t.Errorf("first is %s: %v; %s", all[0], all, looked.Says)
			}
			for _, cause := range c.keeps {
				if !slices.Contains(all, cause) {
					t.Errorf("%s is ruled out", cause)
				}
			}
		})
	}
	if after := causes(t, step); !slices.Equal(before, after) {
		t.Error("narrowing changed the step that it was given")
	}
	known := Look{Target: &Role{ARN: orders().RoleARN, Trust: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"AROAEXAMPLEDELETED00"},"Action":"sts:AssumeRole"}}`}, Broker: &Role{ARN: broker, ID: "AROAEXAMPLENEW000000", Policies: []Document{may}}}
	facts := orders()
	facts.BrokerARN = broker
	s, _ := Narrow(step, facts, known, "")
	beginsWith(t, s, TrustPinned)
}

func TestTrusted(t *testing.T) {
	for trust, want := range map[string][2]string{
		`{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:role/b"}}}`:                                                                                     {"arn:aws:iam::444455556666:role/b", "444455556666"},
		`{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Condition":{"ArnEquals":{"aws:PrincipalArn":["arn:aws:iam::444455556666:role/b"]}}}]}`: {"arn:aws:iam::444455556666:role/b", "444455556666"},
		`{"Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::444455556666:role/b","arn:aws:iam::444455556666:role/c"]}}]}`:                                              {"", "444455556666"},
		`{"Statement":[{"Effect":"Allow","Principal":{"AWS":["444455556666","777788889999"]}}]}`:                                                                                      {"", ""},
		`{"Statement":[{"Effect":"Allow","Principal":"*","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::444455556666:role/*"}}}]}`:                                          {"", "444455556666"},
		`[]`: {"", ""},
	} {
		if role, account := trusted(trust); role != want[0] || account != want[1] {
			t.Errorf("%s: %q %q", trust, role, account)
		}
	}
}

func TestReport(t *testing.T) {
	var r Report
	if r.Add(Step{Name: "a", Status: OK}); !r.OK {
		t.Error("nothing is wrong")
	}
	r.Add(Step{Name: "b", Status: Wrong})
	if r.Add(Step{Name: "c", Status: OK}); r.OK || len(r.Wrong()) != 1 {
		t.Error("one is wrong")
	}
}
