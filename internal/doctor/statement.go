package doctor

import (
	"encoding/json"
	"net/url"
	"strings"
)

// Statement is an IAM statement to add.
type Statement struct {
	Effect    string         `json:"Effect"`
	Principal map[string]any `json:"Principal,omitempty"`
	Action    any            `json:"Action"`
	Resource  any            `json:"Resource,omitempty"`
	Condition map[string]any `json:"Condition,omitempty"`
}

// Text is the statement as it stands in a policy. What the reader has to fill in
// is in capitals, within angle brackets.
func (s Statement) Text() string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) != nil {
		return ""
	}
	return strings.TrimSpace(b.String())
}

// Where statements go.
const (
	inCallerPolicy = "an identity policy of who signs"
	inTrust        = "the trust policy of the role in Account A"
	inTargetRole   = "a permissions policy of the role in Account A"
	inBrokerRole   = "a permissions policy of credvend's role in Account B"
)

// Host is what a host name of AWS shows of an API.
type Host struct{ API, Region, Stage string }

// HostOf reads <id>.execute-api.<region>.amazonaws.com/<stage>; the zero Host is
// another host, such as a custom domain.
func HostOf(rawURL string) Host {
	u, err := url.Parse(rawURL)
	if err != nil {
		return Host{}
	}
	labels := strings.Split(strings.ToLower(u.Hostname()), ".")
	if len(labels) < 5 || labels[1] != "execute-api" || labels[3] != "amazonaws" {
		return Host{}
	}
	stage, _, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	if stage == "" {
		stage = "$default"
	}
	return Host{labels[0], labels[2], stage}
}

func orElse(s, placeholder string) string {
	if s == "" {
		return placeholder
	}
	return s
}

// partition is the second part of an ARN.
func partition(arn string) string {
	if parts := strings.SplitN(arn, ":", 3); len(parts) == 3 && parts[0] == "arn" && parts[1] != "" {
		return parts[1]
	}
	return "aws"
}

// accountOf is the account of an ARN, "" where there is none.
func accountOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[4]
	}
	return ""
}

// mayCallDoor is what a caller's own account has to allow.
func mayCallDoor(d Door, callerARN string) *Statement {
	if d.Kind == KindFunctionURL {
		return &Statement{
			Effect: "Allow", Action: []string{"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"},
			Resource: "arn:" + partition(callerARN) + ":lambda:" + orElse(d.Region, "<REGION>") + ":<ACCOUNT B>:function:<FUNCTION>",
		}
	}
	h := HostOf(d.URL)
	stage := h.Stage
	if stage == "" {
		stage = "<STAGE>"
	}
	return &Statement{
		Effect: "Allow", Action: "execute-api:Invoke",
		Resource: "arn:" + partition(callerARN) + ":execute-api:" + orElse(h.Region, orElse(d.Region, "<REGION>")) + ":<ACCOUNT B>:" + orElse(h.API, "<API ID>") + "/" + stage + "/*/v1/*",
	}
}

// brokerPrincipal is Account B as the principal of a trust policy.
func brokerPrincipal(t TargetFacts) (map[string]any, map[string]any) {
	broker := orElse(t.BrokerARN, "arn:"+partition(t.RoleARN)+":iam::<ACCOUNT B>:role/credvend-broker")
	root := "arn:" + partition(t.RoleARN) + ":iam::" + orElse(accountOf(t.BrokerARN), "<ACCOUNT B>") + ":root"
	return map[string]any{"AWS": root}, map[string]any{"ArnEquals": map[string]any{"aws:PrincipalArn": broker}}
}

// trustLets is a statement of the target role's trust.
func trustLets(t TargetFacts, actions ...string) *Statement {
	principal, condition := brokerPrincipal(t)
	return &Statement{Effect: "Allow", Principal: principal, Action: one(actions), Condition: condition}
}

func trustAssumes(t TargetFacts) *Statement {
	s := trustLets(t, "sts:AssumeRole")
	s.Condition["StringEquals"] = map[string]any{"sts:ExternalId": "<EXTERNAL ID OF THE ALLOWLIST'S TARGET>"}
	return s
}

// brokerMay is a statement of credvend's own role.
func brokerMay(t TargetFacts, actions ...string) *Statement {
	return &Statement{Effect: "Allow", Action: one(actions), Resource: orElse(t.RoleARN, "<ROLE OF THE TARGET>")}
}

// roleInvokes is what the target's role has to allow.
func roleInvokes(t TargetFacts) *Statement {
	return &Statement{Effect: "Allow", Action: "execute-api:Invoke", Resource: t.apiARN() + "/*"}
}

func one(actions []string) any {
	if len(actions) == 1 {
		return actions[0]
	}
	return actions
}
