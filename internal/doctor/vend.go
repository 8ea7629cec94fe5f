package doctor

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/credvend/credvend/api"
)

// Rule judges whether a caller may have a target at all. With target "" the
// caller must be allowed any.
func Rule(w api.WhoAmI, all []api.Target, target string) Step {
	names := make([]string, len(all))
	for i, t := range all {
		names[i] = t.Target
	}
	if i := slices.Index(names, target); i >= 0 {
		return withTarget(ok(StepRule, fmt.Sprintf("as %s, by %s: %s", strings.Join(w.Callers, ", "), strings.Join(all[i].Rules, ", "), strings.Join(routesOf(all[i]), ", "))), target)
	}
	if target == "" && len(all) > 0 {
		return ok(StepRule, fmt.Sprintf("as %s, allowed: %s", strings.Join(w.Callers, ", "), strings.Join(names, ", ")))
	}
	name := orElse(target, "<TARGET>")
	if len(w.Callers) == 0 {
		return withTarget(wrong(StepRule, "no caller of the allowlist matches this identity, so no rule allows it anything",
			Candidate{Cause: NoCaller, Side: AccountB, Says: "the allowlist does not name this identity as a caller", Evidence: "what credvend says of this caller", Do: "add the caller, and a rule for it, to the allowlist; a role is named without its path, and a role_id must be that of the role as it is now", YAML: callerYAML(w) + ruleYAML("<NAME>", name)},
			Candidate{Cause: WrongIdentity, Side: Caller, Says: "this is another identity than the one that was agreed on", Do: "compare the identity above with what the operator has; choose another with --profile or --token-file"}), target)
	}
	none := Candidate{Cause: NoRule, Side: AccountB, Says: "no rule of the allowlist allows " + strings.Join(w.Callers, ", ") + " the target " + name, Evidence: "what credvend says this caller may have", Do: "add a rule to the allowlist", YAML: ruleYAML(w.Callers[0], name)}
	deny := Candidate{Cause: DenyRule, Side: AccountB, Says: "a deny rule without routes refuses it", Do: "run credvend allowlist explain, or look for a rule with effect: deny"}
	if len(names) == 0 {
		return withTarget(wrong(StepRule, "the allowlist knows this caller as "+strings.Join(w.Callers, ", ")+", and allows it nothing", none, deny), target)
	}
	mistyped := Candidate{Cause: UnknownTarget, Side: Caller, Says: "the target's name is mistyped; allowed are " + strings.Join(names, ", "), Do: "name one of them"}
	return withTarget(wrong(StepRule, fmt.Sprintf("%s is not among the targets that are allowed: %s", target, strings.Join(names, ", ")), none, mistyped, deny), target)
}

func withTarget(s Step, target string) Step {
	s.Target = target
	return s
}

func routesOf(t api.Target) []string {
	routes := slices.Clone(t.Routes)
	for _, r := range t.DeniedRoutes {
		routes = append(routes, "not "+r)
	}
	return routes
}

func quote(s string) string {
	b, err := json.Marshal(s) // a JSON string is a YAML one
	if err != nil {
		return `""`
	}
	return string(b)
}

// callerYAML is an entry for the allowlist's callers.
func callerYAML(w api.WhoAmI) string {
	const head = "callers:\n  <NAME>:\n"
	switch {
	case w.Issuer != "":
		return head + "    jwt: { issuer: " + quote(w.Issuer) + ", audience: \"<AUDIENCE>\", claims: { sub: [" + quote(w.Subject) + "] } }\n"
	case strings.Contains(w.Principal, ":user/"):
		return head + "    iam: { user: " + quote(w.Principal) + " }\n"
	default:
		return head + "    iam: { role: " + quote(w.Principal) + " }\n"
	}
}

func ruleYAML(caller, target string) string {
	return "rules:\n  - id: <ID>\n    callers: [" + caller + "]\n    target: " + target + "\n    routes: [\"GET /<PATH>\"]\n"
}

// TargetFacts are what is known of a target.
type TargetFacts struct {
	Name      string
	RoleARN   string
	AccountID string
	Endpoint  string
	APIARN    string // …/<api id>/<stage>, where an allowlist tells it
	BrokerARN string // credvend's role, where it is known
	Region    string // of the API
}

// apiARN is the stage's, with placeholders for what is not known.
func (t TargetFacts) apiARN() string {
	if t.APIARN != "" {
		return t.APIARN
	}
	h := HostOf(t.Endpoint)
	return "arn:" + partition(t.RoleARN) + ":execute-api:" + orElse(orElse(h.Region, t.Region), "<REGION>") + ":" + orElse(t.AccountID, "<ACCOUNT A>") + ":" + orElse(h.API, "<API ID>") + "/" + orElse(h.Stage, "<STAGE>")
}

// Assume judges a vend: its answer, or its refusal.
func Assume(t TargetFacts, session string, a Answer) Step {
	return withTarget(assume(t, session, a), t.Name)
}

func assume(t TargetFacts, session string, a Answer) Step {
	if a.Err != nil {
		return wrong(StepAssume, "credvend did not answer to the end: "+clip(reason(a.Err)),
			Candidate{Cause: ServiceDown, Side: AccountB, Says: "credvend waits for STS too long, or fails", Do: "try again; then look into the function's log"},
			Candidate{Cause: Network, Side: Caller, Says: "the connection broke", Do: "try again"})
	}
	if a.Status == http.StatusOK {
		return ok(StepAssume, session)
	}
	text, ours, isOurs := said(a.Body)
	says := fmt.Sprintf("HTTP %d %q", a.Status, text)
	if !isOurs {
		if a.Status == http.StatusForbidden {
			return wrong(StepAssume, "the front door lets this caller ask who it is, but not for credentials: "+says,
				Candidate{Cause: MayNotInvoke, Side: Caller, Says: "this identity's policy has GET /v1/whoami of the front door, but not POST /v1/credentials", Do: "attach credvend's caller policy (output CallerPolicyArn)"},
				Candidate{Cause: ResourcePolicy, Side: AccountB, Says: "the front door's resource policy leaves the route out", Do: "compare it with template.yaml"})
		}
		return wrong(StepAssume, "the front door failed: "+says,
			Candidate{Cause: DoorDown, Side: AccountB, Says: "the route POST /v1/credentials is missing or its integration fails, or the function ended", Do: "look at the function's log and at its resource policy"})
	}
	says = fmt.Sprintf("HTTP %d %s (request %s)", a.Status, clip(ours.Code), clip(ours.RequestID))
	switch ours.Code {
	case "target_misconfigured":
		return misconfigured(t, ours.Message, says)
	case "denied":
		return wrong(StepAssume, says+": "+clip(ours.Message),
			Candidate{Cause: NoRule, Side: AccountB, Says: "no rule grants what was asked for, or a deny rule refuses it", Do: "ask for less with --route, or have the operator add a rule"})
	case "invalid_request":
		return wrong(StepAssume, says+": "+clip(ours.Message),
			Candidate{Cause: BadRequest, Side: Caller, Says: "what was asked for is malformed, or too large for STS", Do: "name a route with --route; then have the operator shorten the grant"})
	case "unavailable":
		return unavailable(StepAssume, says+": "+clip(ours.Message))
	case "throttled":
		return throttled(StepAssume, says)
	default:
		return fails(StepAssume, says+": "+clip(ours.Message))
	}
}

// misconfigured lists why STS may refuse credvend the role. The service's text
// says which action STS named, if it named one.
func misconfigured(t TargetFacts, message, says string) Step {
	c := assumeCandidates(t)
	switch {
	case strings.Contains(message, "for want of sts:TagSession"):
		return wrong(StepAssume, says+": STS named sts:TagSession", pick(c, "STS named the action, not the policy", TrustTags, BrokerTags, OrganisationDeny)...)
	case strings.Contains(message, "for want of sts:SetSourceIdentity"):
		return wrong(StepAssume, says+": STS named sts:SetSourceIdentity", pick(c, "STS named the action, not the policy", TrustSourceID, BrokerSourceID, OrganisationDeny)...)
	case strings.Contains(message, "STS did not take a value"):
		return wrong(StepAssume, says+": STS did not take a value of the request", pick(c, "", RoleMissing, ExternalID, SessionLimit)...)
	}
	order := []Cause{ExternalID, TrustPrincipal, TrustPinned, RoleMissing, BrokerAssume, TrustCondition}
	if strings.Contains(message, "lacks sts:TagSession") {
		order = append(order, TrustTags)
	}
	if strings.Contains(message, "lacks sts:SetSourceIdentity") {
		order = append(order, TrustSourceID)
	}
	return wrong(StepAssume, says+": STS refused credvend the role "+orElse(t.RoleARN, "of the target")+", and does not say why", pick(c, "", append(order, OrganisationDeny)...)...)
}

// pick takes candidates in an order.
func pick(all []Candidate, evidence string, causes ...Cause) []Candidate {
	return first(all, evidence, causes...)[:len(causes)]
}

// assumeCandidates are all that may stand between credvend and the role.
func assumeCandidates(t TargetFacts) []Candidate {
	a, b := t.AccountID, accountOf(t.BrokerARN)
	trust := func(cause Cause, says, do string, s *Statement) Candidate {
		c := Candidate{Cause: cause, Side: AccountA, Account: a, Says: says, Do: do, Statement: s}
		if s != nil {
			c.Where = inTrust
		}
		return c
	}
	broker := func(cause Cause, action string) Candidate {
		return Candidate{Cause: cause, Side: AccountB, Account: b, Says: "credvend's own role may not do " + action + " on this role", Do: "add the role to TargetRoleArns of credvend's stack and deploy it", Statement: brokerMay(t, "sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"), Where: inBrokerRole}
	}
	return []Candidate{
		trust(ExternalID, "the external id that the role's trust asks for is not the one of the allowlist's target", "make them the same: ExternalId of the target's stack, or external_id in the allowlist", trustAssumes(t)),
		trust(TrustPrincipal, "the role's trust does not let credvend's role in: it names another one, or does not allow sts:AssumeRole", "set BrokerRoleArns of the target's stack to the output BrokerRoleArn of credvend's", trustAssumes(t)),
		trust(TrustPinned, "the trust is bound to the unique id of a role of credvend's that was deleted and made again", "set BrokerRoleIds to the output BrokerRoleId, or leave it empty; save a trust that names the role as principal once more", nil),
		trust(TrustCondition, "a condition of the trust does not hold", "compare the trust with accounts/target.yaml", nil),
		{Cause: RoleMissing, Side: AccountB, Says: "there is no such role: its ARN in the allowlist is mistyped, lacks the path, or it was deleted", Do: "set role of the target in the allowlist to the output RoleArn of the target's stack"},
		{Cause: SessionLimit, Side: AccountA, Account: a, Says: "the session is longer than the role's maximum", Do: "set the role's MaxSessionDuration to 3600, or max_duration of the target lower"},
		broker(BrokerAssume, "sts:AssumeRole"),
		trust(TrustTags, "the role's trust does not let credvend's role do sts:TagSession", "add it beside sts:SetSourceIdentity, as accounts/target.yaml does; or session_tags: false for the target", trustLets(t, "sts:TagSession")),
		broker(BrokerTags, "sts:TagSession"),
		trust(TrustSourceID, "the role's trust does not let credvend's role do sts:SetSourceIdentity", "add it beside sts:TagSession, as accounts/target.yaml does; or source_identity: false for the target", trustLets(t, "sts:SetSourceIdentity")),
		broker(BrokerSourceID, "sts:SetSourceIdentity"),
		{Cause: BrokerCondition, Side: AccountB, Account: b, Says: "a condition in the policy of credvend's own role does not hold, such as lambda:SourceFunctionArn", Do: "compare the policy with template.yaml"},
		{Cause: OrganisationDeny, Side: AccountB, Account: b, Says: "a service control policy, a permissions boundary or a VPC endpoint policy denies it", Do: "ask who keeps the organisation's policies, of either account"},
	}
}
