package doctor

import (
	"fmt"
	"net/http"
	"strings"
)

// ProbedRoute is a concrete request that stands for a granted route.
type ProbedRoute struct {
	Method, Path string
	Exact        bool // the route has no wildcard: an API without it is wrong
	Answer       Answer
}

func (p ProbedRoute) String() string { return p.Method + " " + p.Path }

// noRoute reports whether API Gateway itself says that it has no such route.
func (p ProbedRoute) noRoute() bool {
	text, _, _ := said(p.Answer.Body)
	return p.Answer.Status == http.StatusNotFound && text == "Not Found"
}

// Unsigned judges calls to the target without a signature, which must all be
// refused: a route without AWS_IAM is open to everybody.
func Unsigned(t TargetFacts, probes []ProbedRoute) Step {
	return withTarget(unsigned(t, probes), t.Name)
}

func unsigned(t TargetFacts, probes []ProbedRoute) Step {
	var refused, absent []string
	exact := false
	for _, p := range probes {
		a := p.Answer
		switch {
		case a.Err != nil:
			return Reach(StepUnsigned, t.Endpoint, a.Err, AccountB)
		case a.Status == http.StatusForbidden:
			refused = append(refused, p.String())
		case a.Status == http.StatusUnauthorized:
			return wrong(StepUnsigned, fmt.Sprintf("%s without a signature: HTTP 401, as an authorizer for tokens answers", p),
				Candidate{Cause: OtherAuthorizer, Side: AccountA, Account: t.AccountID, Says: "the route has another authorizer than AWS_IAM, so that vended credentials are of no use there", Evidence: "401 instead of 403", Do: "set the route's AuthorizationType to AWS_IAM"},
				Candidate{Cause: ListedAPI, Side: AccountB, Says: "the allowlist's api or endpoint is of another API", Do: "compare it with the output ApiArn of the target's stack"})
		case p.noRoute():
			absent = append(absent, p.String())
			exact = exact || p.Exact
		case a.Status == http.StatusTooManyRequests:
			return Step{Name: StepUnsigned, Status: Unclear, Says: fmt.Sprintf("%s: HTTP 429, the target is throttled; try again", p)}
		default:
			open := Candidate{Cause: OpenRoute, Side: AccountA, Account: t.AccountID, Says: "the route " + p.String() + " has no AWS_IAM: whatever credvend does, it is open to everybody", Evidence: fmt.Sprintf("HTTP %d to a call without a signature", a.Status), Do: "set the route's AuthorizationType to AWS_IAM, and deploy the stage: aws apigatewayv2 update-route --api-id " + orElse(HostOf(t.Endpoint).API, "<API ID>") + " --route-id <ROUTE ID> --authorization-type AWS_IAM"}
			listed := Candidate{Cause: ListedAPI, Side: AccountB, Says: "the allowlist's endpoint is another site, which is public", Do: "compare endpoint in the allowlist with the API's custom domain"}
			return wrong(StepUnsigned, fmt.Sprintf("%s without a signature was let in: HTTP %d", p, a.Status), open, listed)
		}
	}
	switch {
	case len(probes) == 0:
		return Skip(StepUnsigned, `no GET route is granted, and only reading is tried; name one with --route "GET /…"`)
	case len(refused) > 0:
		return ok(StepUnsigned, strings.Join(refused, ", ")+": refused, as it must be (HTTP 403)")
	}
	s := wrong(StepUnsigned, strings.Join(absent, ", ")+": the API has no such route (HTTP 404)",
		Candidate{Cause: ListedAPI, Side: AccountB, Says: "the stage or the API's id in the allowlist's api is another than the API has (" + t.apiARN() + ")", Do: "set api of the target in the allowlist to the output ApiArn of the target's stack"},
		Candidate{Cause: NoSuchRoute, Side: AccountA, Account: t.AccountID, Says: "the API has no route for this path, or it is not deployed", Do: `look at the API's routes; name a path that exists with --route "GET /…"`})
	if !exact {
		s.Status = Unclear // the path was made up, and the API may have others
	}
	return s
}

// Signed judges a call that the credentials are good for.
func Signed(t TargetFacts, p ProbedRoute) Step { return withTarget(signed(t, p), t.Name) }

func signed(t TargetFacts, p ProbedRoute) Step {
	a := p.Answer
	text, _, _ := said(a.Body)
	switch {
	case a.Err != nil:
		return Reach(StepSigned, t.Endpoint, a.Err, AccountB)
	case p.noRoute():
		return Step{Name: StepSigned, Status: Unclear, Says: fmt.Sprintf("%s: the API has no such route (HTTP 404); name a path that exists with --route", p)}
	case a.Status == http.StatusForbidden, a.Status == http.StatusUnauthorized:
		return wrong(StepSigned, fmt.Sprintf("%s, signed and granted: HTTP %d %q, and API Gateway does not say why", p, a.Status, text), signedCandidates(t)...)
	case a.Status == http.StatusTooManyRequests:
		return Step{Name: StepSigned, Status: Unclear, Says: fmt.Sprintf("%s: HTTP 429, the target is throttled; try again", p)}
	case a.Status >= 500:
		return Step{Name: StepSigned, Status: Unclear, Says: fmt.Sprintf("%s: HTTP %d: the call was let in, and the target's own backend fails", p, a.Status), Candidates: []Candidate{
			{Cause: BackendFails, Side: AccountA, Account: t.AccountID, Says: "the API's integration or backend fails", Do: "look into the API's logs"},
		}}
	case a.Status >= 200 && a.Status < 300:
		return ok(StepSigned, fmt.Sprintf("%s: HTTP %d", p, a.Status))
	default:
		return ok(StepSigned, fmt.Sprintf("%s: let in; the target's backend answered HTTP %d", p, a.Status))
	}
}

// signedCandidates are why a granted call may be refused.
func signedCandidates(t TargetFacts) []Candidate {
	return []Candidate{
		{Cause: WrongAPI, Side: AccountA, Account: t.AccountID, Says: "the role's policy allows another API id, stage or region than the one that answers here", Do: "set ApiId, Stage and ApiRegion of the target's stack to the API's own", Statement: roleInvokes(t), Where: inTargetRole},
		{Cause: RoleMayNot, Side: AccountA, Account: t.AccountID, Says: "the role's policies do not allow execute-api:Invoke, or only on other routes", Do: "add the statement to the role", Statement: roleInvokes(t), Where: inTargetRole},
		{Cause: ListedAPI, Side: AccountB, Says: "the allowlist's api names another API id or stage than the one behind the endpoint, so that the session policy is for that one", Do: "set api of the target in the allowlist to the output ApiArn of the target's stack"},
		{Cause: ExplicitDeny, Side: AccountA, Account: t.AccountID, Says: "a Deny in the role's policies, its permissions boundary or a service control policy hits it", Do: "look for a Deny on execute-api:Invoke"},
	}
}
