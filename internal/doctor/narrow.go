package doctor

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/local/iam"
)

// narrowed is what a look into the accounts shows.
type narrowed struct {
	found    map[Cause]string // with the evidence
	excluded map[Cause]bool
	notes    []string
}

func (n *narrowed) find(c Cause, format string, args ...any) {
	if n.found[c] == "" {
		n.found[c] = fmt.Sprintf(format, args...)
	}
}

func (n *narrowed) rule(out ...Cause) {
	for _, c := range out {
		n.excluded[c] = true
	}
}

func (n *narrowed) note(format string, args ...any) {
	n.notes = append(n.notes, fmt.Sprintf(format, args...))
}

// Narrow puts first what a look into the accounts shows to be the cause of a
// failed step, and takes out what it shows to be in order. The second step says
// what was looked at.
func Narrow(s Step, t TargetFacts, look Look, route string) (Step, Step) {
	n := &narrowed{found: map[Cause]string{}, excluded: map[Cause]bool{}}
	switch s.Name {
	case StepAssume:
		n.trust(t, look)
		n.broker(t, look)
		if len(n.found) == 0 && look.Target != nil && look.Broker != nil && look.ExternalID == nil && n.excluded[TrustPrincipal] {
			n.find(ExternalID, "all else in both roles' policies lets credvend in; the external id of the allowlist is the one thing that was not seen: give --allowlist")
		}
	case StepSigned:
		n.invoke(t, look, route)
	}
	candidates := slices.Clone(s.Candidates)
	for _, c := range signedOrAssumed(s.Name, t) { // what STS did not hint at, IAM may show
		if n.found[c.Cause] != "" && !slices.ContainsFunc(candidates, func(d Candidate) bool { return d.Cause == c.Cause }) {
			candidates = append(candidates, c)
		}
	}
	candidates = slices.DeleteFunc(candidates, func(c Candidate) bool { return n.excluded[c.Cause] && n.found[c.Cause] == "" })
	shown := candidates[:0:0]
	rest := candidates[:0:0]
	for _, c := range candidates {
		if evidence := n.found[c.Cause]; evidence != "" {
			c.Evidence = evidence
			shown = append(shown, c)
			continue
		}
		if len(n.found) > 0 {
			c.Evidence = ""
		}
		rest = append(rest, c)
	}
	s.Candidates = append(shown, rest...)
	looked := Step{Name: StepAccounts, Target: s.Target, Status: OK, Says: strings.Join(n.notes, "; ")}
	if look.Target == nil && look.Broker == nil && !errors.Is(look.TargetErr, ErrNoRole) {
		looked.Status = Unclear
	}
	return s, looked
}

func signedOrAssumed(step string, t TargetFacts) []Candidate {
	if step == StepSigned {
		return signedCandidates(t)
	}
	return assumeCandidates(t)
}

// trust looks into the target role's trust policy.
func (n *narrowed) trust(t TargetFacts, look Look) {
	if look.Target == nil {
		n.note("Account A's role was not read: %s", look.TargetErr)
		if errors.Is(look.TargetErr, ErrNoRole) {
			n.find(RoleMissing, "IAM of account %s has no such role", t.AccountID)
		}
		return
	}
	n.rule(RoleMissing)
	doc, err := parse(Document{"trust", look.Target.Trust})
	if err != nil {
		n.note("Account A's role %s: %s", look.Target.ARN, err)
		return
	}
	n.note("read the trust of %s", look.Target.ARN)
	if t.BrokerARN == "" {
		return
	}
	p := &iam.Principal{ARN: sessionOf(t.BrokerARN), Account: accountOf(t.BrokerARN), RoleARN: t.BrokerARN, Policies: []*iam.Policy{everything()}, UserID: "AROAUNKNOWN0000000000:x"}
	if look.Broker != nil && look.Broker.ID != "" {
		p.UserID = look.Broker.ID + ":x"
	}
	lets := func(action string, externalID *string) bool {
		ctx := iam.Context{}
		if externalID != nil {
			ctx.Set("sts:externalid", *externalID)
		}
		return iam.EvaluateTrust(p, doc.parsed, t.AccountID, iam.Request{Action: action, Resource: look.Target.ARN, Context: ctx}).Allowed
	}
	wanted := conditionValues(doc.whole, "sts:ExternalId")
	n.assumes(t, look, doc, wanted, func(id *string) bool { return lets("sts:AssumeRole", id) })
	if n.found[TrustPrincipal]+n.found[TrustPinned]+n.found[TrustCondition] != "" {
		return // the same keeps all three from being allowed
	}
	for action, cause := range map[string]Cause{"sts:TagSession": TrustTags, "sts:SetSourceIdentity": TrustSourceID} {
		allowed := lets(action, look.ExternalID)
		for _, id := range wanted {
			allowed = allowed || lets(action, &id)
		}
		if allowed {
			n.rule(cause)
		} else {
			n.find(cause, "no statement of the trust allows %s to %s%s", action, t.BrokerARN, reserve(doc))
		}
	}
}

// assumes finds why the trust does not allow sts:AssumeRole, if it does not.
func (n *narrowed) assumes(t TargetFacts, look Look, doc policy, wanted []string, lets func(*string) bool) {
	if look.ExternalID != nil && lets(look.ExternalID) || len(wanted) == 0 && lets(nil) {
		n.rule(ExternalID)
		n.ruleTrust(t, look)
		return
	}
	for _, id := range wanted {
		if !lets(&id) {
			continue
		}
		n.ruleTrust(t, look)
		switch {
		case look.ExternalID == nil:
		case *look.ExternalID == "":
			n.find(ExternalID, "the trust asks for an external id, and the allowlist's target has none")
		default:
			n.find(ExternalID, "the trust would let credvend in with the external id that it asks for, which is not the allowlist's")
		}
		return
	}
	text := look.Target.Trust
	ids := uniqueID.FindAllString(text, -1)
	acts := slices.ContainsFunc(statements(doc.whole, "Allow"), func(s map[string]any) bool {
		return slices.ContainsFunc(stringsOf(s["Action"]), func(a string) bool { return strings.EqualFold(a, "sts:AssumeRole") || a == "*" || a == "sts:*" })
	})
	switch {
	case len(ids) > 0 && (look.Broker == nil || !slices.Contains(ids, look.Broker.ID)):
		n.find(TrustPinned, "the trust holds the unique id %s, which is not that of credvend's role", ids[0])
	case !acts:
		n.find(TrustPrincipal, "no statement of the trust allows sts:AssumeRole")
	case !strings.Contains(text, `"`+t.BrokerARN+`"`):
		n.find(TrustPrincipal, "the trust does not name %s", t.BrokerARN)
	case !strings.Contains(text, accountOf(t.BrokerARN)):
		n.find(TrustPrincipal, "no principal of the trust is of account %s", accountOf(t.BrokerARN))
	default:
		n.find(TrustCondition, "the trust names credvend's role, and does not let it in%s", reserve(doc))
	}
}

// ruleTrust takes out what a trust that lets the broker in shows to be in order.
func (n *narrowed) ruleTrust(t TargetFacts, look Look) {
	n.rule(TrustPinned, TrustCondition)
	if look.Guessed {
		n.note("it lets %s in; whether that is credvend's role, its output BrokerRoleArn or --broker-role would tell", t.BrokerARN)
		return
	}
	n.rule(TrustPrincipal)
}

// broker looks into the policies of credvend's own role.
func (n *narrowed) broker(t TargetFacts, look Look) {
	if look.Broker == nil {
		n.note("Account B's role was not read: %s", look.BrokerErr)
		if errors.Is(look.BrokerErr, ErrNoRole) {
			n.find(TrustPrincipal, "the trust names %s, and IAM has no such role", t.BrokerARN)
		}
		return
	}
	own, err := identityOf(*look.Broker)
	if err != nil {
		n.note("Account B's role %s: %s", look.Broker.ARN, err)
		return
	}
	n.note("read the policies of %s", look.Broker.ARN)
	if functions := own.functions(); len(functions) > 0 {
		n.note("its policy holds if credvend is the function %s", strings.Join(functions, ", "))
	}
	for _, a := range []struct {
		action string
		cause  Cause
	}{{"sts:AssumeRole", BrokerAssume}, {"sts:TagSession", BrokerTags}, {"sts:SetSourceIdentity", BrokerSourceID}} {
		if result := own.judge(look.Broker.ARN, a.action, t.RoleARN); result.Allowed {
			n.rule(a.cause)
		} else {
			n.find(a.cause, "%s on %s: %s%s", a.action, t.RoleARN, result.Reason, reserve(own.policies...))
		}
	}
	if n.excluded[BrokerAssume] && len(own.functions()) == 0 {
		n.rule(BrokerCondition)
	}
}

// invoke looks into what the target's role may call.
func (n *narrowed) invoke(t TargetFacts, look Look, route string) {
	if look.Target == nil {
		n.note("Account A's role was not read: %s", look.TargetErr)
		return
	}
	own, err := identityOf(*look.Target)
	if err != nil {
		n.note("Account A's role %s: %s", look.Target.ARN, err)
		return
	}
	n.note("read the policies of %s", look.Target.ARN)
	allowed := invokes(own.policies)
	if len(allowed) == 0 {
		n.find(RoleMayNot, "none of the role's policies allows execute-api:Invoke")
		n.rule(WrongAPI, ListedAPI, ExplicitDeny)
		return
	}
	api := t.apiARN()
	if strings.Contains(api, "<") {
		n.find(WrongAPI, "the role's policy allows %s; compare it with the API's id and stage, or give --allowlist", strings.Join(allowed, ", "))
		return
	}
	method, path, _ := strings.Cut(route, " ")
	result := own.judge(look.Target.ARN, "execute-api:Invoke", api+"/"+method+"/"+strings.TrimPrefix(path, "/"))
	switch {
	case result.Allowed:
		n.rule(WrongAPI, RoleMayNot)
		n.find(ListedAPI, "the role's policy allows the route on %s, which the allowlist names: the endpoint may be another API's", api)
	case strings.HasPrefix(result.Reason, "explicit deny"), strings.Contains(result.Reason, "boundary"):
		n.find(ExplicitDeny, "%s", result.Reason)
	default:
		n.elsewhere(api, allowed)
	}
}

// elsewhere tells in what the resources of a role differ from the API.
func (n *narrowed) elsewhere(api string, allowed []string) {
	want := strings.FieldsFunc(api, func(r rune) bool { return r == ':' || r == '/' })
	names := []string{"", "partition", "service", "region", "account", "API id", "stage"}
	for _, resource := range allowed {
		have := strings.FieldsFunc(resource, func(r rune) bool { return r == ':' || r == '/' })
		for i := 1; i < len(want) && i < len(have) && i < len(names); i++ {
			if have[i] != want[i] && !strings.ContainsAny(have[i], "*?") {
				n.find(WrongAPI, "the role's policy allows %s, of the %s %s; the target's is %s", resource, names[i], have[i], want[i])
				n.rule(RoleMayNot, ExplicitDeny)
				return
			}
		}
	}
	n.find(RoleMayNot, "the role's policy allows %s, which leaves this route out", strings.Join(allowed, ", "))
	n.rule(WrongAPI, ListedAPI, ExplicitDeny)
}

// Narrows reports whether a look into the accounts can tell more about a step.
func Narrows(s Step) bool {
	return slices.ContainsFunc(s.Candidates, func(c Candidate) bool {
		return slices.Contains([]Cause{ExternalID, RoleMissing, TrustTags, TrustSourceID, RoleMayNot}, c.Cause)
	})
}
