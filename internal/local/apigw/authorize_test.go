package apigw

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/local/iam"
)

const (
	everything   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	forbiddenURL = `{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}`
)

// doors makes one door of each kind that takes signatures, owned by account B,
// and says which target to call.
func doors(b *bench, f Invoker) map[string]struct {
	handler http.Handler
	target  string
} {
	return map[string]struct {
		handler http.Handler
		target  string
	}{
		"HTTP API":     {must(NewHTTPAPI(HTTPAPIOptions{Door: b.door("a1b2c3", accountB), Invoker: f})), "/orders/42"},
		"function URL": {must(NewFunctionURL(FunctionURLOptions{Door: b.door("xyz", accountB), FunctionARN: functionARN, Invoker: f})), "/orders/42"},
		"REST API":     {must(NewRESTAPI(RESTAPIOptions{Door: b.door("r7s8t9", accountB), Stage: "prod", Invoker: f})), "/prod/orders/42"},
	}
}

// What is wrong with a signature is refused by each door, in its own words, and
// never reaches the function.
func TestBadSignatures(t *testing.T) {
	t.Parallel()
	type refusal struct{ text, errorType string } // text: how the REST API's message begins
	const mismatch = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method."
	cases := []struct {
		name   string
		change func(b *bench, s *sending)
		reason string
		rest   refusal
	}{
		{"unsigned", func(_ *bench, s *sending) { s.credential = nil }, "MissingAuthenticationToken",
			refusal{"Missing Authentication Token", "MissingAuthenticationTokenException"}},
		{"tampered path", func(_ *bench, s *sending) {
			s.tamper = func(r *http.Request) { r.URL.Path = strings.Replace(r.URL.Path, "42", "43", 1) }
		}, "SignatureDoesNotMatch", refusal{mismatch, "InvalidSignatureException"}},
		{"tampered query", func(_ *bench, s *sending) { s.tamper = func(r *http.Request) { r.URL.RawQuery = "all=1" } },
			"SignatureDoesNotMatch", refusal{mismatch, "InvalidSignatureException"}},
		{"tampered body", func(_ *bench, s *sending) {
			s.method, s.body = http.MethodPost, "1"
			s.tamper = func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("2")) }
		}, "SignatureDoesNotMatch", refusal{mismatch, "InvalidSignatureException"}},
		{"tampered method", func(_ *bench, s *sending) { s.tamper = func(r *http.Request) { r.Method = http.MethodDelete } },
			"SignatureDoesNotMatch", refusal{mismatch, "InvalidSignatureException"}},
		{"another's secret", func(b *bench, s *sending) {
			c := *s.credential
			c.SecretAccessKey = b.session(accountB, "other-role", iam.SessionSpec{}).SecretAccessKey
			s.credential = &c
		}, "SignatureDoesNotMatch", refusal{mismatch, "InvalidSignatureException"}},
		{"signed ten minutes ago", func(_ *bench, s *sending) { s.at = noon.Add(-10 * time.Minute) }, "SignatureExpired",
			refusal{"Signature expired: 20261122T115000Z is now earlier than 20261122T115500Z (20261122T120000Z - 5 min.)", "InvalidSignatureException"}},
		{"signed ten minutes ahead", func(_ *bench, s *sending) { s.at = noon.Add(10 * time.Minute) }, "SignatureNotYetCurrent",
			refusal{"Signature not yet current: 20261122T121000Z is still later than 20261122T120500Z (20261122T120000Z + 5 min.)", "InvalidSignatureException"}},
		{"expired credential", func(b *bench, s *sending) { b.clock.advance(2 * time.Hour) }, "ExpiredToken",
			refusal{"The security token included in the request is expired", "ExpiredTokenException"}},
		{"unknown access key", func(_ *bench, s *sending) {
			s.credential = &iam.Credential{AccessKeyID: "ASIANOBODY0000000000", SecretAccessKey: "x", SessionToken: "y"}
		}, "InvalidClientTokenId", refusal{"The security token included in the request is invalid.", "UnrecognizedClientException"}},
		{"session token left out", func(_ *bench, s *sending) {
			c := *s.credential
			c.SessionToken = ""
			s.credential = &c
		}, "InvalidToken", refusal{"The security token included in the request is invalid.", "UnrecognizedClientException"}},
		{"role deleted since", func(b *bench, s *sending) { b.world.RemoveRole("arn:aws:iam::" + accountB + ":role/team/caller") },
			"InvalidClientTokenId", refusal{"The security token included in the request is invalid.", "UnrecognizedClientException"}},
		{"wrong service", func(_ *bench, s *sending) { s.service = "sts" }, "WrongService",
			refusal{"Credential should be scoped to correct service: 'execute-api'.", "InvalidSignatureException"}},
		{"wrong region", func(_ *bench, s *sending) { s.region = "eu-west-1" }, "WrongRegion",
			refusal{"Credential should be scoped to a valid region.", "InvalidSignatureException"}},
		{"unsigned x-amz header added", func(_ *bench, s *sending) {
			s.tamper = func(r *http.Request) { r.Header.Set("X-Amz-Extra", "1") }
		}, "UnsignedHeader", refusal{"'x-amz-extra' must be a 'SignedHeader'", "InvalidSignatureException"}},
	}
	for _, door := range []string{"HTTP API", "function URL", "REST API"} {
		for _, c := range cases {
			t.Run(door+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				b, f := newBench(t), &fakeFunction{}
				d := doors(b, f)[door]
				cred := b.session(accountB, "caller", iam.SessionSpec{}, policy(t, everything))
				s := sending{target: d.target, credential: &cred}
				if door != "function URL" { // whose permissions need no resource policy within the account either
					if got := b.do(d.handler, s); got.status != http.StatusOK {
						t.Fatalf("unchanged: %d %s", got.status, got.body)
					}
				}
				before := f.calls()
				s.credential = &cred
				c.change(b, &s)
				if c.name == "expired credential" {
					s.at = b.clock.now()
				}
				got := b.do(d.handler, s)
				if got.status != http.StatusForbidden {
					t.Fatalf("status %d, body %s", got.status, got.body)
				}
				if f.calls() != before {
					t.Error("the function was called")
				}
				tr := b.lastTrace()
				if tr.Reason != c.reason || tr.Allowed || tr.Caller != "" || tr.Status != http.StatusForbidden || len(tr.Checks) != 0 {
					t.Errorf("trace %+v", tr)
				}
				if ct := got.header.Get("Content-Type"); ct != "application/json" {
					t.Errorf("content type %q", ct)
				}
				errorType := got.header.Get("x-amzn-errortype")
				switch door {
				case "HTTP API": // all refusals look alike
					if got.body != `{"message":"Forbidden"}` || errorType != "" || got.header.Get("apigw-requestid") == "" {
						t.Errorf("%s %v", got.body, got.header)
					}
				case "REST API":
					if !strings.HasPrefix(got.body, `{"message":"`+c.rest.text) || errorType != c.rest.errorType || got.header.Get("x-amzn-requestid") == "" {
						t.Errorf("%s %q", got.body, errorType)
					}
					if c.rest.text == mismatch && !strings.Contains(got.body, "The Canonical String for this request should have been") {
						t.Errorf("no canonical string: %s", got.body)
					}
				case "function URL":
					if c.name == "unsigned" && (got.body != forbiddenURL || errorType != "AccessDeniedException") {
						t.Errorf("%s %q", got.body, errorType)
					}
					if c.name != "unsigned" && errorType != c.rest.errorType {
						t.Errorf("%s %q", got.body, errorType)
					}
				}
				for _, text := range []string{got.body, fmt.Sprintf("%+v", tr)} {
					if strings.Contains(text, cred.SessionToken) || strings.Contains(text, cred.SecretAccessKey) {
						t.Errorf("a secret shows in %s", text)
					}
				}
			})
		}
	}
}

func TestPresignedRequests(t *testing.T) {
	t.Parallel()
	for _, door := range []string{"HTTP API", "function URL", "REST API"} {
		t.Run(door, func(t *testing.T) {
			t.Parallel()
			b, f := newBench(t), &fakeFunction{}
			d := doors(b, f)[door]
			cred := b.session(accountB, "caller", iam.SessionSpec{}, policy(t, everything))
			if got := b.do(d.handler, sending{target: d.target + "?X-Amz-Expires=60&a=b%20c", credential: &cred, presign: true}); got.status != http.StatusOK {
				t.Fatalf("%d %s", got.status, got.body)
			}
			if text := fmt.Sprintf("%+v", b.lastTrace()); strings.Contains(text, "X-Amz") || strings.Contains(text, cred.SessionToken) {
				t.Errorf("the trace shows the query: %s", text)
			}
			late := sending{target: d.target + "?X-Amz-Expires=60", credential: &cred, presign: true, at: noon.Add(-2 * time.Minute)}
			if got := b.do(d.handler, late); got.status != http.StatusForbidden || f.calls() != 1 {
				t.Errorf("past its life: %d %s", got.status, got.body)
			}
		})
	}
}

func TestHTTPAPIPermissions(t *testing.T) {
	t.Parallel()
	const api = "arn:aws:execute-api:us-east-1:444455556666:a1b2c3/"
	deny := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"No","Effect":"Deny","Action":"execute-api:Invoke","Resource":"` + api + `*/42"}]}`
	cases := []struct {
		name, account, policy, session string
		method, target, stage          string
		rawPath                        bool
		status                         int
	}{
		{name: "the exact resource", policy: api + "$default/GET/orders/42", status: 200},
		{name: "a wildcard", policy: api + "*", status: 200},
		{name: "another method", policy: api + "$default/POST/orders/42", status: 403},
		{name: "another stage", policy: api + "prod/GET/orders/42", status: 403},
		{name: "another API", policy: "arn:aws:execute-api:us-east-1:444455556666:zzz999/*", status: 403},
		{name: "another region", policy: "arn:aws:execute-api:eu-west-1:444455556666:a1b2c3/*", status: 403},
		{name: "another account's ARN", policy: "arn:aws:execute-api:us-east-1:111122223333:a1b2c3/*", status: 403},
		{name: "no policy", policy: "", status: 403},
		{name: "an explicit deny", policy: deny, status: 403},
		{name: "a narrower session policy", policy: api + "*", session: api + "$default/GET/orders/42", status: 200},
		{name: "a session policy for another route", policy: api + "*", session: api + "$default/GET/users/*", status: 403},
		{name: "a session policy cannot widen", policy: api + "$default/GET/users/*", session: api + "*", status: 403},
		{name: "another account, allowed everything there", account: accountC, policy: "*", status: 403},
		{name: "a named stage", policy: api + "prod/GET/orders/42", stage: "prod", target: "/prod/orders/42", status: 200},
		{name: "the stage is not part of the path", policy: api + "prod/GET/prod/orders/42", stage: "prod", target: "/prod/orders/42", status: 403},
		{name: "the root", policy: api + "$default/GET/", target: "/", status: 200},
		{name: "a query is not judged", policy: api + "$default/GET/orders/42", target: "/orders/42?admin=true", status: 200},
		{name: "the decoded path is judged", policy: api + "$default/GET/orders/a b", target: "/orders/a%20b", status: 200},
		{name: "or the raw one", policy: api + "$default/GET/orders/a b", target: "/orders/a%20b", rawPath: true, status: 403},
		{name: "the raw one allowed", policy: api + "$default/GET/orders/a%20b", target: "/orders/a%20b", rawPath: true, status: 200},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, f := newBench(t), &fakeFunction{}
			var policies []*iam.Policy
			switch {
			case strings.HasPrefix(c.policy, "{"):
				policies = append(policies, policy(t, c.policy))
			case c.policy != "":
				policies = append(policies, allow(t, "execute-api:Invoke", c.policy))
			}
			spec := iam.SessionSpec{}
			if c.session != "" {
				spec.Policy = allow(t, "execute-api:Invoke", c.session)
			}
			if c.account == "" {
				c.account = accountB
			}
			if c.target == "" {
				c.target = "/orders/42"
			}
			h := must(NewHTTPAPI(HTTPAPIOptions{Door: b.door("a1b2c3", accountB), Stage: c.stage, Invoker: f, JudgeRawPath: c.rawPath}))
			cred := b.session(c.account, "caller", spec, policies...)
			got := b.do(h, sending{method: c.method, target: c.target, credential: &cred})
			if got.status != c.status {
				t.Fatalf("%d %s; %+v", got.status, got.body, b.lastTrace())
			}
			tr := b.lastTrace()
			if tr.Caller != cred.Principal.ARN || tr.AccessKeyID != cred.AccessKeyID || tr.Allowed != (c.status == 200) || len(tr.Checks) != 1 {
				t.Fatalf("trace %+v", tr)
			}
			check := tr.Checks[0]
			if check.Action != "execute-api:Invoke" || !strings.HasPrefix(check.Resource, api) || check.Allowed != tr.Allowed || check.Reason == "" {
				t.Errorf("check %+v", check)
			}
			if c.status == 200 && check.Statement == "" {
				t.Error("the trace does not say which statement decided")
			}
			if c.status == 403 && (got.body != `{"message":"Forbidden"}` || f.calls() != 0) {
				t.Errorf("%s, %d calls", got.body, f.calls())
			}
		})
	}
}

func TestFunctionURLPermissions(t *testing.T) {
	t.Parallel()
	statement := func(sid, principal, action, condition string) string {
		return fmt.Sprintf(`{"Sid":%q,"Effect":"Allow","Principal":{"AWS":%q},"Action":%q,"Resource":%q,"Condition":%s}`, sid, principal, action, functionARN, condition)
	}
	resource := func(statements ...string) string {
		return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
	}
	const iamType, viaURL = `{"StringEquals":{"lambda:FunctionUrlAuthType":"AWS_IAM"}}`, `{"Bool":{"lambda:InvokedViaFunctionUrl":"true"}}`
	urlOf := func(account string) string { return statement("Url", account, "lambda:InvokeFunctionUrl", iamType) }
	invokeOf := func(account string) string { return statement("Invoke", account, "lambda:InvokeFunction", viaURL) }
	const both = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["lambda:InvokeFunctionUrl","lambda:InvokeFunction"],"Resource":"` + functionARN + `"}]}`
	only := func(action string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"` + action + `","Resource":"` + functionARN + `"}]}`
	}
	cases := []struct {
		name, account, identity, resource string
		status, checks                    int
	}{
		{"same account, both by identity", accountB, both, "", 200, 2},
		{"same account, URL alone", accountB, only("lambda:InvokeFunctionUrl"), "", 403, 2},
		{"same account, invoke alone", accountB, only("lambda:InvokeFunction"), "", 403, 1},
		{"same account, nothing", accountB, "", "", 403, 1},
		{"same account, one by identity and one by resource", accountB, only("lambda:InvokeFunctionUrl"),
			resource(statement("Invoke", "arn:aws:iam::444455556666:role/team/caller", "lambda:InvokeFunction", viaURL)), 200, 2},
		{"same account, naming the account does not grant", accountB, "", resource(urlOf(accountB), invokeOf(accountB)), 403, 1},
		{"other account, both sides both actions", accountC, both, resource(urlOf(accountC), invokeOf(accountC)), 200, 2},
		{"other account, identity alone", accountC, both, "", 403, 1},
		{"other account, resource alone", accountC, "", resource(urlOf(accountC), invokeOf(accountC)), 403, 1},
		{"other account, what SAM emits: the URL alone", accountC, both, resource(urlOf(accountC)), 403, 2},
		{"other account, invoke alone", accountC, both, resource(invokeOf(accountC)), 403, 1},
		{"other account, policy names a third", accountC, both, resource(urlOf(accountA), invokeOf(accountA)), 403, 1},
		{"other account, auth type NONE in the condition", accountC, both,
			resource(statement("Url", accountC, "lambda:InvokeFunctionUrl", `{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}`), invokeOf(accountC)), 403, 1},
		{"other account, not by way of the URL", accountC, both,
			resource(urlOf(accountC), statement("Invoke", accountC, "lambda:InvokeFunction", `{"Bool":{"lambda:InvokedViaFunctionUrl":"false"}}`)), 403, 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, f := newBench(t), &fakeFunction{}
			var policies []*iam.Policy
			if c.identity != "" {
				policies = append(policies, policy(t, c.identity))
			}
			cred := b.session(c.account, "caller", iam.SessionSpec{}, policies...)
			o := FunctionURLOptions{Door: b.door("xyz", accountB), FunctionARN: functionARN, Invoker: f}
			if c.resource != "" {
				o.Policy = policy(t, c.resource)
			}
			got := b.do(must(NewFunctionURL(o)), sending{target: "/v1/whoami", credential: &cred})
			tr := b.lastTrace()
			if got.status != c.status || len(tr.Checks) != c.checks || tr.Caller != cred.Principal.ARN {
				t.Fatalf("%d %s; %+v", got.status, got.body, tr)
			}
			if c.status == 403 && (got.body != forbiddenURL || got.header.Get("x-amzn-errortype") != "AccessDeniedException" || f.calls() != 0) {
				t.Errorf("%s %v", got.body, got.header)
			}
		})
	}
}

func TestRESTAPIPermissions(t *testing.T) {
	t.Parallel()
	const api = "arn:aws:execute-api:us-east-1:444455556666:r7s8t9/prod/"
	resource := func(effect, principal string) string {
		return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Sid":"R","Effect":%q,"Principal":%s,"Action":"execute-api:Invoke","Resource":"%s*"}]}`, effect, principal, api)
	}
	denied := func(who, suffix string) string {
		return `{"Message":"User: ` + who + ` is not authorized to perform: execute-api:Invoke on resource: arn:aws:execute-api:us-east-1:********6666:r7s8t9/prod/GET/orders/42` + suffix + `"}`
	}
	const b1, c1 = "arn:aws:sts::444455556666:assumed-role/caller/session-1", "arn:aws:sts::777788889999:assumed-role/caller/session-1"
	cases := []struct {
		name, account, identity, resource string
		body                              string // "": let in
	}{
		{"same account, identity alone", accountB, api + "GET/orders/*", "", ""},
		{"same account, resource policy alone", accountB, "", resource("Allow", `{"AWS":"arn:aws:iam::444455556666:role/team/caller"}`), ""},
		{"same account, neither", accountB, "", "", denied(b1, "")},
		{"same account, explicit deny", accountB, api + "*", resource("Deny", `"*"`), denied(b1, " with an explicit deny")},
		{"other account, both", accountC, api + "*", resource("Allow", `{"AWS":"777788889999"}`), ""},
		{"other account, both, everybody", accountC, api + "*", resource("Allow", `"*"`), ""},
		{"other account, identity alone", accountC, api + "*", "", denied(c1, "")},
		{"other account, resource alone", accountC, "", resource("Allow", `{"AWS":"777788889999"}`), denied(c1, "")},
		{"other account, a third is named", accountC, api + "*", resource("Allow", `{"AWS":"111122223333"}`), denied(c1, "")},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, f := newBench(t), &fakeFunction{}
			var policies []*iam.Policy
			if c.identity != "" {
				policies = append(policies, allow(t, "execute-api:Invoke", c.identity))
			}
			cred := b.session(c.account, "caller", iam.SessionSpec{}, policies...)
			o := RESTAPIOptions{Door: b.door("r7s8t9", accountB), Stage: "prod", Invoker: f}
			if c.resource != "" {
				o.Policy = policy(t, c.resource)
			}
			got := b.do(must(NewRESTAPI(o)), sending{target: "/prod/orders/42", credential: &cred})
			if c.body == "" {
				if got.status != http.StatusOK || f.calls() != 1 {
					t.Fatalf("%d %s; %+v", got.status, got.body, b.lastTrace())
				}
				return
			}
			if got.status != http.StatusForbidden || got.body != c.body || got.header.Get("x-amzn-errortype") != "AccessDeniedException" || f.calls() != 0 {
				t.Errorf("%d %s %v", got.status, got.body, got.header)
			}
		})
	}
}

// Permissions are judged at each request: a revocation bites a live session.
func TestRevocationBites(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h := must(NewHTTPAPI(HTTPAPIOptions{Door: b.door("a1b2c3", accountB), Backend: Echo()}))
	cred := b.session(accountB, "caller", iam.SessionSpec{}, policy(t, everything))
	if got := b.do(h, sending{target: "/", credential: &cred}); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	b.clock.advance(time.Minute)
	role, _ := b.world.Role("arn:aws:iam::" + accountB + ":role/team/caller")
	role.Policies = append(role.Policies, policy(t, `{"Version":"2012-10-17","Statement":[{"Sid":"Revoke","Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"2026-11-22T12:00:30Z"}}}]}`))
	if err := b.world.UpdateRole(role); err != nil {
		t.Fatal(err)
	}
	if got := b.do(h, sending{target: "/", credential: &cred}); got.status != http.StatusForbidden {
		t.Errorf("%d %s", got.status, got.body)
	}
	if tr := b.lastTrace(); len(tr.Checks) != 1 || !strings.Contains(tr.Checks[0].Statement, "Revoke") {
		t.Errorf("trace %+v", tr)
	}
	fresh := b.session(accountB, "caller", iam.SessionSpec{})
	if got := b.do(h, sending{target: "/", credential: &fresh}); got.status != http.StatusOK {
		t.Errorf("a later session: %d %s", got.status, got.body)
	}
}
