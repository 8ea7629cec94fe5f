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

// withPolicies is a session whose role has several policies.
func withPolicies(t testing.TB, documents ...string) *Principal {
	t.Helper()
	p := session(t, accountA, "", "", "")
	for _, d := range documents {
		p.Policies = append(p.Policies, statements(t, d))
	}
	return p
}

func user(t testing.TB, identity, boundary string) *Principal {
	p := session(t, accountA, identity, boundary, "")
	p.ARN, p.UserID, p.RoleARN = "arn:aws:iam::111122223333:user/ana", "AIDAEXAMPLEANA000000", ""
	return p
}

// TestEvaluateFollowsAWSDocumentation plays AWS's pages on policy evaluation. A
// case is named after the sentence that it plays, shortened; the comments name
// the page. What no account here has (service and resource control policies,
// federated user sessions, access control lists) is not played.
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
		// "How AWS enforcement code logic evaluates requests to allow or deny access"
		{"by default, all requests are implicitly denied", session(t, accountA, "", "", ""), "", false, ""},
		{"an explicit allow in an identity-based policy overrides the default", session(t, accountA, allowGET, "", ""), "", true, "identity policy, statement 1 (Reads)"},
		{"an allow of something else is an implicit deny", session(t, accountA, allowPOST, "", ""), "", false, ""},
		{"an explicit deny overrides any allow", session(t, accountA, allowAll+","+denyGET, "", ""), "", false, "identity policy, statement 2 (NoReads)"},
		{"an explicit deny in a resource-based policy overrides an identity allow", session(t, accountA, allowAll, "", ""), resourceFor(`"*"`, "Deny"), false, "resource policy, statement 1"},
		{"an explicit deny for the account hits its roles", session(t, accountA, allowAll, "", ""), resourceFor(rootOfA, "Deny"), false, "resource policy, statement 1"},
		{"an explicit deny for the role hits its sessions", session(t, accountA, allowAll, "", ""), resourceFor(roleInA, "Deny"), false, "resource policy, statement 1"},
		{"an explicit deny for another principal hits nobody else", session(t, accountA, allowAll, "", ""), resourceFor(roleInB, "Deny"), true, "identity policy, statement 1"},

		{"if the code finds even one explicit deny that applies, the decision is Deny", withPolicies(t, allowAll, allowGET, denyGET), resourceFor(roleInA, "Allow"), false, "identity policy 3, statement 1 (NoReads)"},
		{"any statement in any applicable identity-based policy that allows is enough", withPolicies(t, allowPOST, allowGET), "", true, "identity policy 2, statement 1 (Reads)"},
		{"no statement in any identity-based policy allows: an implicit deny", withPolicies(t, allowPOST, allowPOST), "", false, ""},
		{"the root user is not spared an explicit deny of a resource-based policy", &Principal{ARN: "arn:aws:iam::111122223333:root", Account: accountA, UserID: accountA}, resourceFor(rootOfA, "Deny"), false, "resource policy, statement 1"},

		// "Permissions boundaries for IAM entities" and "Session policies"
		{"a permissions boundary limits the identity-based policy", session(t, accountA, allowAll, allowPOST, ""), "", false, ""},
		{"identity policy and boundary must both allow", session(t, accountA, allowGET, allowAll, ""), "", true, "identity policy, statement 1 (Reads)"},
		{"a boundary alone grants nothing", session(t, accountA, "", allowAll, ""), "", false, ""},
		{"an explicit deny in the boundary decides", session(t, accountA, allowAll, allowAll+","+denyGET, ""), "", false, "permissions boundary, statement 2 (NoReads)"},
		{"a session policy limits the role", session(t, accountA, allowAll, "", allowPOST), "", false, ""},
		{"a session policy alone grants nothing", session(t, accountA, "", "", allowAll), "", false, ""},
		{"the intersection of role and session policy is allowed", session(t, accountA, allowAll, "", allowGET), "", true, "identity policy, statement 1"},
		{"an explicit deny in the session policy decides", session(t, accountA, allowAll, "", allowAll+","+denyGET), "", false, "session policy, statement 2 (NoReads)"},

		{"the effective permissions are the intersection of all three policy types", session(t, accountA, allowAll, allowGET, allowGET), "", true, "identity policy, statement 1"},
		{"an implicit deny in one of the three is enough: the boundary", session(t, accountA, allowAll, allowPOST, allowGET), "", false, ""},
		{"an implicit deny in one of the three is enough: the session policy", session(t, accountA, allowAll, allowGET, allowPOST), "", false, ""},
		{"if there is no session policy, the code continues", session(t, accountA, allowGET, allowAll, ""), "", true, "identity policy, statement 1 (Reads)"},

		// "Evaluating identity-based policies with resource-based policies", within an account
		{"an allow in either of the two is enough: the identity's", session(t, accountA, allowGET, "", ""), resourceFor(userInA, "Allow"), true, "identity policy, statement 1 (Reads)"},
		{"within an account a resource-based policy alone is enough for a role", session(t, accountA, "", "", ""), resourceFor(roleInA, "Allow"), true, "resource policy, statement 1"},
		{"a grant to a role ARN is limited by an implicit deny in the boundary", session(t, accountA, "", allowPOST, ""), resourceFor(roleInA, "Allow"), false, ""},
		{"a grant to a role ARN is limited by an implicit deny in the session policy", session(t, accountA, "", "", allowPOST), resourceFor(roleInA, "Allow"), false, ""},
		{"a grant to a session ARN is not limited by the session policy", session(t, accountA, "", allowPOST, allowPOST), resourceFor(sessionInA, "Allow"), true, "resource policy, statement 1"},
		{"a grant to a session ARN is limited by an explicit deny", session(t, accountA, "", "", denyGET), resourceFor(sessionInA, "Allow"), false, "session policy, statement 1 (NoReads)"},
		{"a grant to a user ARN is not limited by an implicit deny in the boundary", user(t, "", allowPOST), resourceFor(userInA, "Allow"), true, "resource policy, statement 1"},
		{"a grant to everybody is limited by the boundary", user(t, "", allowPOST), resourceFor(`"*"`, "Allow"), false, ""},
		{"a grant to everybody reaches a principal without policies", user(t, "", ""), resourceFor(`{"AWS":"*"}`, "Allow"), true, "resource policy, statement 1"},
		{"a grant to a user ARN is limited by an explicit deny in the boundary", user(t, "", allowAll+","+denyGET), resourceFor(userInA, "Allow"), false, "permissions boundary, statement 2 (NoReads)"},
		{"a grant to a session ARN is not limited by an implicit deny in the identity-based policy", session(t, accountA, allowPOST, "", ""), resourceFor(sessionInA, "Allow"), true, "resource policy, statement 1"},
		{"a grant to a session ARN is for that session alone", session(t, accountA, "", "", ""), resourceFor(`{"AWS":"arn:aws:sts::111122223333:assumed-role/reader/bob"}`, "Allow"), false, ""},
		{"naming the account delegates to its identity policies", user(t, "", ""), resourceFor(rootOfA, "Allow"), false, ""},
		{"a user's ARN in a policy is no other user", user(t, "", ""), resourceFor(`{"AWS":"arn:aws:iam::111122223333:user/an"}`, "Allow"), false, ""},

		// "Cross-account policy evaluation logic"
		{"across accounts the identity policy alone is not enough", session(t, accountB, allowAll, "", ""), "", false, ""},
		{"across accounts the resource policy alone is not enough", session(t, accountB, "", "", ""), resourceFor(roleInB, "Allow"), false, ""},
		{"across accounts both allow", session(t, accountB, allowAll, "", ""), resourceFor(roleInB, "Allow"), true, "resource policy, statement 1"},
		{"across accounts the other account may be named", session(t, accountB, allowAll, "", ""), resourceFor(rootOfB, "Allow"), true, "resource policy, statement 1"},
		{"across accounts the session policy limits", session(t, accountB, allowAll, "", allowPOST), resourceFor(rootOfB, "Allow"), false, ""},
		{"across accounts the permissions boundary limits", session(t, accountB, allowAll, allowPOST, ""), resourceFor(rootOfB, "Allow"), false, ""},
		{"across accounts a grant to the very session does not make up for the session policy", session(t, accountB, allowAll, "", allowPOST), resourceFor(`{"AWS":"arn:aws:sts::444455556666:assumed-role/reader/ana"}`, "Allow"), false, ""},
		{"across accounts an explicit deny in the trusting account decides", session(t, accountB, allowAll, "", ""), resourceFor(rootOfB, "Allow") + "," + resourceFor(roleInB, "Deny"), false, "resource policy, statement 2"},
		{"across accounts an explicit deny in the trusted account decides", session(t, accountB, allowAll+","+denyGET, "", ""), resourceFor(rootOfB, "Allow"), false, "identity policy, statement 2 (NoReads)"},
		{"across accounts a grant to everybody needs the identity policy too", session(t, accountB, "", "", ""), resourceFor(`"*"`, "Allow"), false, ""},
		{"across accounts the other root user needs the resource policy too", &Principal{ARN: "arn:aws:iam::444455556666:root", Account: accountB, UserID: accountB}, "", false, ""},
		{"a third account is not let in", session(t, accountB, allowAll, "", ""), resourceFor(`{"AWS":"777788889999"}`, "Allow"), false, ""},

		// "AWS JSON policy elements: Principal"
		{"you can specify the account by its number or by its root ARN", session(t, accountB, allowAll, "", ""), resourceFor(`{"AWS":"arn:aws:iam::444455556666:root"}`, "Allow"), true, "resource policy, statement 1"},
		{"of several principals any one is enough", session(t, accountB, allowAll, "", ""), resourceFor(`{"AWS":["777788889999","444455556666"],"Service":"lambda.amazonaws.com"}`, "Allow"), true, "resource policy, statement 1"},
		{"an anonymous caller needs a policy for everybody", nil, resourceFor(rootOfA, "Allow"), false, ""},
		{"an anonymous caller is let in by a policy for everybody", nil, resourceFor(`"*"`, "Allow"), true, "resource policy, statement 1"},
		{"a service is let in by name", &Principal{Service: "apigateway.amazonaws.com"}, resourceFor(`{"Service":"apigateway.amazonaws.com"}`, "Allow"), true, "resource policy, statement 1"},
		{"a service is not another", &Principal{Service: "sns.amazonaws.com"}, resourceFor(`{"Service":"apigateway.amazonaws.com"}`, "Allow"), false, ""},
		{"a service needs a resource policy", &Principal{Service: "sns.amazonaws.com", Policies: []*Policy{statements(t, allowAll)}}, "", false, ""},
		{"the zero principal is refused", &Principal{}, "", false, ""},
		{"the zero principal is of no account", &Principal{Policies: []*Policy{statements(t, allowAll)}}, "", false, ""},
		{"the root user may do everything in its account", &Principal{ARN: "arn:aws:iam::111122223333:root", Account: accountA, UserID: accountA}, "", true, "the account's root user"},

		// "AWS JSON policy elements: NotPrincipal"
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

// TestTrustPolicyMustAllowExplicitly plays the same pages on trust policies, which
// "must explicitly allow": the exception to the rule that either policy is enough.
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
		{"an explicit deny in the caller's own policy", session(t, accountB, may+`,{"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*"}`, "", ""), trust(`{"AWS":"444455556666"}`, ""), false},
		{"a permissions boundary without sts:AssumeRole", session(t, accountB, may, allowGET, ""), trust(`{"AWS":"444455556666"}`, ""), false},
		{"trust in a role of the other account names it to its sessions", session(t, accountB, may, "", ""), trust(`{"AWS":"arn:aws:iam::444455556666:role/team/reader"}`, ""), true},
		{"trust in another role of the same name, on another path", session(t, accountB, may, "", ""), trust(`{"AWS":"arn:aws:iam::444455556666:role/reader"}`, ""), false},
		{"trust in the session itself", session(t, accountB, may, "", ""), trust(`{"AWS":"arn:aws:sts::444455556666:assumed-role/reader/ana"}`, ""), true},
		{"a condition that does not hold makes the statement not apply", session(t, accountB, may, "", ""), trust(`{"AWS":"444455556666"}`, `,"Condition":{"StringEquals":{"sts:ExternalId":"orders-7f3c9a"}}`), false},
		{"the identity policy names another role", session(t, accountB, `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::111122223333:role/other"}`, "", ""), trust(`{"AWS":"444455556666"}`, ""), false},
		{"sts:TagSession alone lets nobody assume", session(t, accountB, may, "", ""), `{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"sts:TagSession"}`, false},
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

// TestPolicyAllows plays the pages on the elements Action, NotAction, Resource,
// NotResource and on wildcards.
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
		{"NotAction with Deny spares what it lists, and allows nothing", `{"Effect":"Deny","NotAction":"execute-api:Invoke","Resource":"*"}`, "execute-api:Invoke", orderGET, false},
		{"NotAction with Deny spares what it lists, which an Allow then grants", allowAll + `,{"Effect":"Deny","NotAction":"execute-api:*","Resource":"*"}`, "execute-api:Invoke", orderGET, true},
		{"NotAction with Deny denies every other", allowAll + `,{"Effect":"Deny","NotAction":"execute-api:*","Resource":"*"}`, "sts:AssumeRole", "*", false},
		{"NotAction with several: any one of them is left out", `{"Effect":"Allow","NotAction":["iam:*","execute-api:Inv*"],"Resource":"*"}`, "execute-api:Invoke", orderGET, false},
		{"NotResource with Allow takes every other", `{"Effect":"Allow","Action":"*","NotResource":"arn:aws:execute-api:*:*:*/POST/*"}`, "execute-api:Invoke", orderGET, true},
		{"an action's star matches the rest of its name", `{"Effect":"Allow","Action":"execute-api:In*ke","Resource":"*"}`, "execute-api:Invoke", orderGET, true},
		{"an action's star is of one service", `{"Effect":"Allow","Action":"sts:*","Resource":"*"}`, "execute-api:Invoke", orderGET, false},
		{"a resource's star does not make up for a wrong account", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:execute-api:us-east-1:444455556666:*"}`, "execute-api:Invoke", orderGET, false},
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
