package iam

import (
	"testing"
)

const (
	accountA = "111122223333"
	accountB = "444455556666"
	orderGET = "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default/GET/orders/42"
)

func mustPolicy(t testing.TB, doc string) *Policy {
	t.Helper()
	p, err := ParsePolicy([]byte(doc))
	if err != nil {
		t.Fatalf("ParsePolicy: %v\n%s", err, doc)
	}
	return p
}

// statements wraps statements into a document of the current version.
func statements(t testing.TB, body string) *Policy {
	t.Helper()
	return mustPolicy(t, `{"Version":"2012-10-17","Statement":[`+body+`]}`)
}

const (
	allowAll  = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	allowGET  = `{"Sid":"Reads","Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default/GET/*"}`
	allowPOST = `{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default/POST/*"}`
	denyGET   = `{"Sid":"NoReads","Effect":"Deny","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:*:*:*/GET/*"}`
)

func resourceFor(principal, effect string) string {
	return `{"Effect":"` + effect + `","Principal":` + principal + `,"Action":"execute-api:Invoke","Resource":"*"}`
}

func session(t testing.TB, account, identity, boundary, sessionPolicy string) *Principal {
	t.Helper()
	p := &Principal{
		ARN: "arn:aws:sts::" + account + ":assumed-role/reader/ana", Account: account,
		UserID: "AROAEXAMPLEREADER0000:ana", RoleARN: "arn:aws:iam::" + account + ":role/team/reader",
	}
	if identity != "" {
		p.Policies = []*Policy{statements(t, identity)}
	}
	if boundary != "" {
		p.Boundary = statements(t, boundary)
	}
	if sessionPolicy != "" {
		p.Session = statements(t, sessionPolicy)
	}
	return p
}

func user(t testing.TB, identity, boundary string) *Principal {
	p := session(t, accountA, identity, boundary, "")
	p.ARN, p.UserID, p.RoleARN = "arn:aws:iam::111122223333:user/ana", "AIDAEXAMPLEANA000000", ""
	return p
}

func TestEvaluateFollowsAWSDocumentation(t *testing.T) {
	const (
		roleInA    = `{"AWS":"arn:aws:iam::111122223333:role/team/reader"}`
		sessionInA = `{"AWS":"arn:aws:sts::111122223333:assumed-role/reader/ana"}`
		userInA    = `{"AWS":"arn:aws:iam::111122223333:user/ana"}`
		rootOfA    = `{"AWS":"arn:aws:iam::111122223333:root"}`
		rootOfB    = `{"AWS":"444455556666"}`
		roleInB    = `{"AWS":"arn:aws:iam::444455556666:role/team/reader"}`
	)
	cases := []struct {
		name      string
		p         *Principal
		resource  string // resource policy; "": none
		want      bool
		statement string
	}{
		{"by default, all requests are implicitly denied", session(t, accountA, "", "", ""), "", false, ""},
		{"an explicit allow in an identity-based policy overrides the default", session(t, accountA, allowGET, "", ""), "", true, "identity policy, statement 1 (Reads)"},
		{"an allow of something else is an implicit deny", session(t, accountA, allowPOST, "", ""), "", false, ""},
		{"an explicit deny overrides any allow", session(t, accountA, allowAll+","+denyGET, "", ""), "", false, "identity policy, statement 2 (NoReads)"},
		{"an explicit deny in a resource-based policy overrides an identity allow", session(t, accountA, allowAll, "", ""), resourceFor(`"*"`, "Deny"), false, "resource policy, statement 1"},
		{"an explicit deny for the account hits its roles", session(t, accountA, allowAll, "", ""), resourceFor(rootOfA, "Deny"), false, "resource policy, statement 1"},
		{"an explicit deny for the role hits its sessions", session(t, accountA, allowAll, "", ""), resourceFor(roleInA, "Deny"), false, "resource policy, statement 1"},
		{"an explicit deny for another principal hits nobody else", session(t, accountA, allowAll, "", ""), resourceFor(roleInB, "Deny"), true, "identity policy, statement 1"},

		{"a permissions boundary limits the identity-based policy", session(t, accountA, allowAll, allowPOST, ""), "", false, ""},
		{"identity policy and boundary must both allow", session(t, accountA, allowGET, allowAll, ""), "", true, "identity policy, statement 1 (Reads)"},
		{"a boundary alone grants nothing", session(t, accountA, "", allowAll, ""), "", false, ""},
		{"an explicit deny in the boundary decides", session(t, accountA, allowAll, allowAll+","+denyGET, ""), "", false, "permissions boundary, statement 2 (NoReads)"},
		{"a session policy limits the role", session(t, accountA, allowAll, "", allowPOST), "", false, ""},
		{"a session policy alone grants nothing", session(t, accountA, "", "", allowAll), "", false, ""},
		{"the intersection of role and session policy is allowed", session(t, accountA, allowAll, "", allowGET), "", true, "identity policy, statement 1"},
		{"an explicit deny in the session policy decides", session(t, accountA, allowAll, "", allowAll+","+denyGET), "", false, "session policy, statement 2 (NoReads)"},

		{"within an account a resource-based policy alone is enough for a role", session(t, accountA, "", "", ""), resourceFor(roleInA, "Allow"), true, "resource policy, statement 1"},
		{"a grant to a role ARN is limited by an implicit deny in the boundary", session(t, accountA, "", allowPOST, ""), resourceFor(roleInA, "Allow"), false, ""},
		{"a grant to a role ARN is limited by an implicit deny in the session policy", session(t, accountA, "", "", allowPOST), resourceFor(roleInA, "Allow"), false, ""},
		{"a grant to a session ARN is not limited by the session policy", session(t, accountA, "", allowPOST, allowPOST), resourceFor(sessionInA, "Allow"), true, "resource policy, statement 1"},
		{"a grant to a session ARN is limited by an explicit deny", session(t, accountA, "", "", denyGET), resourceFor(sessionInA, "Allow"), false, "session policy, statement 1 (NoReads)"},
		{"a grant to a user ARN is not limited by an implicit deny in the boundary", user(t, "", allowPOST), resourceFor(userInA, "Allow"), true, "resource policy, statement 1"},
		{"a grant to everybody is limited by the boundary", user(t, "", allowPOST), resourceFor(`"*"`, "Allow"), false, ""},
		{"a grant to everybody reaches a principal without policies", user(t, "", ""), resourceFor(`{"AWS":"*"}`, "Allow"), true, "resource policy, statement 1"},
		{"naming the account delegates to its identity policies", user(t, "", ""), resourceFor(rootOfA, "Allow"), false, ""},
		{"a user's ARN in a policy is no other user", user(t, "", ""), resourceFor(`{"AWS":"arn:aws:iam::111122223333:user/an"}`, "Allow"), false, ""},

		{"across accounts the identity policy alone is not enough", session(t, accountB, allowAll, "", ""), "", false, ""},
		{"across accounts the resource policy alone is not enough", session(t, accountB, "", "", ""), resourceFor(roleInB, "Allow"), false, ""},
		{"across accounts both allow", session(t, accountB, allowAll, "", ""), resourceFor(roleInB, "Allow"), true, "resource policy, statement 1"},
		{"across accounts the other account may be named", session(t, accountB, allowAll, "", ""), resourceFor(rootOfB, "Allow"), true, "resource policy, statement 1"},
		{"across accounts the session policy limits", session(t, accountB, allowAll, "", allowPOST), resourceFor(rootOfB, "Allow"), false, ""},
		{"a third account is not let in", session(t, accountB, allowAll, "", ""), resourceFor(`{"AWS":"777788889999"}`, "Allow"), false, ""},

		{"an anonymous caller needs a policy for everybody", nil, resourceFor(rootOfA, "Allow"), false, ""},
		{"an anonymous caller is let in by a policy for everybody", nil, resourceFor(`"*"`, "Allow"), true, "resource policy, statement 1"},
		{"a service is let in by name", &Principal{Service: "apigateway.amazonaws.com"}, resourceFor(`{"Service":"apigateway.amazonaws.com"}`, "Allow"), true, "resource policy, statement 1"},
		{"a service is not another", &Principal{Service: "sns.amazonaws.com"}, resourceFor(`{"Service":"apigateway.amazonaws.com"}`, "Allow"), false, ""},
		{"a service needs a resource policy", &Principal{Service: "sns.amazonaws.com", Policies: []*Policy{statements(t, allowAll)}}, "", false, ""},
		{"the zero principal is refused", &Principal{}, "", false, ""},
		{"the zero principal is of no account", &Principal{Policies: []*Policy{statements(t, allowAll)}}, "", false, ""},
		{"the root user may do everything in its account", &Principal{ARN: "arn:aws:iam::111122223333:root", Account: accountA, UserID: accountA}, "", true, "the account's root user"},

		{"NotPrincipal with Deny spares one who is listed with account and role", session(t, accountA, allowAll, "", ""),
			`{"Effect":"Deny","NotPrincipal":{"AWS":["111122223333","arn:aws:iam::111122223333:role/team/reader","arn:aws:sts::111122223333:assumed-role/reader/ana"]},"Action":"*","Resource":"*"}`, true, "identity policy, statement 1"},
		{"NotPrincipal with Deny hits a session whose role alone is listed", session(t, accountA, allowAll, "", ""),
			`{"Effect":"Deny","NotPrincipal":` + roleInA + `,"Action":"*","Resource":"*"}`, false, "resource policy, statement 1"},
		{"NotPrincipal with Deny hits everybody else", user(t, allowAll, ""),
			`{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/bob"},"Action":"*","Resource":"*"}`, false, "resource policy, statement 1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var resource *Policy
			if c.resource != "" {
				resource = statements(t, c.resource)
			}
			got := Evaluate(c.p, resource, accountA, Request{Action: "execute-api:Invoke", Resource: orderGET})
			if got.Allowed != c.want || got.Statement != c.statement {
				t.Errorf("got %+v, want allowed %v by %q", got, c.want, c.statement)
			}
			if got.Reason == "" {
				t.Error("no reason given")
			}
		})
	}
	if (Result{}).Allowed {
		t.Error("the zero Result must be a denial")
	}
}

func TestTrustPolicyMustAllowExplicitly(t *testing.T) {
	const role = "arn:aws:iam::111122223333:role/orders-invoke"
	trust := func(principal, condition string) string {
		return `{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"` + condition + `}`
	}
	const may = `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"` + role + `"}`
	byARN := `,"Condition":{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::444455556666:role/team/reader"}}`
	cases := []struct {
		name  string
		p     *Principal
		trust string
		want  bool
	}{
		{"within an account the identity policy alone is not enough", user(t, may, ""), trust(`{"AWS":"777788889999"}`, ""), false},
		{"within an account a trusted user needs no identity policy", user(t, "", ""), trust(`{"AWS":"arn:aws:iam::111122223333:user/ana"}`, ""), true},
		{"trust in the own account delegates to identity policies", user(t, "", ""), trust(`{"AWS":"111122223333"}`, ""), false},
		{"trust in the own account with an identity policy", user(t, may, ""), trust(`{"AWS":"111122223333"}`, ""), true},
		{"across accounts both are needed: only trust", session(t, accountB, "", "", ""), trust(`{"AWS":"444455556666"}`, ""), false},
		{"across accounts both are needed: only identity", session(t, accountB, may, "", ""), trust(`{"AWS":"777788889999"}`, ""), false},
		{"across accounts both allow", session(t, accountB, may, "", ""), trust(`{"AWS":"444455556666"}`, ""), true},
		{"aws:PrincipalArn of a session is its role's ARN, with the path", session(t, accountB, may, "", ""), trust(`{"AWS":"444455556666"}`, byARN), true},
		{"aws:PrincipalArn of another role", session(t, accountB, may, "", ""), trust(`{"AWS":"444455556666"}`, `,"Condition":{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::444455556666:role/reader"}}`), false},
		{"an explicit deny in the trust policy", session(t, accountB, may, "", ""), trust(`{"AWS":"444455556666"}`, "") + `,{"Effect":"Deny","Principal":"*","Action":"sts:*"}`, false},
		{"a session policy without sts:AssumeRole", session(t, accountB, may, "", allowGET), trust(`{"AWS":"444455556666"}`, ""), false},
		{"an anonymous caller assumes nothing, whatever the policy", nil, trust(`"*"`, ""), false},
		{"a service is trusted by name", &Principal{Service: "lambda.amazonaws.com"}, trust(`{"Service":"lambda.amazonaws.com"}`, ""), true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := EvaluateTrust(c.p, statements(t, c.trust), accountA, Request{Action: "sts:AssumeRole", Resource: role})
			if got.Allowed != c.want {
				t.Errorf("got %+v, want allowed %v", got, c.want)
			}
		})
	}
	if EvaluateTrust(user(t, allowAll, ""), nil, accountA, Request{Action: "sts:AssumeRole", Resource: role}).Allowed {
		t.Error("a role without a trust policy was assumed")
	}
}

// A request's own facts must not pass for facts of its signer.
func TestRequestCannotSpeakForThePrincipal(t *testing.T) {
	p := session(t, accountA, `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"billing"}}}`, "", "")
	for _, key := range []string{"aws:PrincipalTag/team", "AWS:principaltag/TEAM"} {
		r := Request{Action: "execute-api:Invoke", Resource: orderGET, Context: Context{key: {"billing"}}}
		if got := Evaluate(p, nil, accountA, r); got.Allowed {
			t.Errorf("a request with the context key %s was allowed: %+v", key, got)
		}
	}
	p.Tags = map[string]string{"Team": "billing"}
	if got := Evaluate(p, nil, accountA, Request{Action: "execute-api:Invoke", Resource: orderGET}); !got.Allowed {
		t.Errorf("a session with the tag was refused: %+v", got)
	}
}

func TestPolicyAllows(t *testing.T) {
	cases := []struct {
		name             string
		policy           string
		action, resource string
		want             bool
	}{
		{"an allow that matches", allowGET, "execute-api:Invoke", orderGET, true},
		{"an action in other letters", allowGET, "EXECUTE-API:invoke", orderGET, true},
		{"a resource in other letters", allowGET, "execute-api:Invoke", "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default/get/orders", false},
		{"nothing matches", allowPOST, "execute-api:Invoke", orderGET, false},
		{"a deny beats the allow, in either order", denyGET + "," + allowAll, "execute-api:Invoke", orderGET, false},
		{"a star crosses from the method into the path", `{"Effect":"Allow","Action":"execute-api:*","Resource":"arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default/*/orders"}`,
			"execute-api:Invoke", "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default/DELETE/admin/orders", true},
		{"a question mark is one character", `{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:*:*:*/GET/a?c"}`, "execute-api:Invoke", "arn:aws:execute-api:r:1:x/s/GET/a/c", true},
		{"a question mark is not none", `{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:*:*:*/GET/a?c"}`, "execute-api:Invoke", "arn:aws:execute-api:r:1:x/s/GET/ac", false},
		{"NotAction leaves its action out", `{"Effect":"Allow","NotAction":"execute-api:Invoke","Resource":"*"}`, "execute-api:Invoke", orderGET, false},
		{"NotAction takes every other", `{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`, "execute-api:Invoke", orderGET, true},
		{"NotResource leaves its resource out", `{"Effect":"Allow","Action":"*","NotResource":"arn:aws:execute-api:*:*:*/GET/*"}`, "execute-api:Invoke", orderGET, false},
		{"Deny with NotResource fences", allowAll + `,{"Effect":"Deny","Action":"*","NotResource":"arn:aws:execute-api:*:*:*/POST/*"}`, "execute-api:Invoke", orderGET, false},
		{"a statement that names principals allows nobody here", resourceFor(`"*"`, "Allow"), "execute-api:Invoke", orderGET, false},
		{"a statement that names principals still denies", allowAll + "," + resourceFor(`"*"`, "Deny"), "execute-api:Invoke", orderGET, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := PolicyAllows(statements(t, c.policy), c.action, c.resource, nil); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	if PolicyAllows(nil, "a:b", "*", nil) {
		t.Error("no policy allowed something")
	}
}
