//go:build conformance

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// These checks assume a role of the sandbox directly, past credvend.

func roleNeeds(more ...string) []string { return append([]string{"ROLE", "ROLE_PROFILE"}, more...) }

func (b *bench) assumeRole(params url.Values) request {
	all := url.Values{}
	if id := b.settings.get("ROLE_EXTERNAL_ID"); id != "" {
		all.Set("ExternalId", id)
	}
	for name, values := range params {
		all[name] = values
	}
	return assume(b.roleSTS, b.who["ROLE_PROFILE"], b.settings.get("ROLE"), all)
}

// session assumes the role.
func (b *bench) session(ctx context.Context, params url.Values) (*identity, error) {
	a, err := b.send(ctx, b.assumeRole(params))
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK {
		return nil, fmt.Errorf("AssumeRole: %d %s", a.status, a.text)
	}
	i := &identity{credentials: aws.Credentials{
		AccessKeyID: element(a.body, "AccessKeyId"), SecretAccessKey: element(a.body, "SecretAccessKey"), SessionToken: element(a.body, "SessionToken"),
	}}
	b.secrets.add(i.credentials.SecretAccessKey, i.credentials.SessionToken)
	return i, nil
}

// statement is one of a session policy.
type statement struct {
	Effect, Action string
	Resource       any
	Condition      map[string]map[string]string `json:",omitempty"`
}

func policyText(statements ...statement) string {
	text, err := json.Marshal(struct {
		Version   string
		Statement []statement
	}{"2012-10-17", statements})
	if err != nil { // plain strings
		return "{}"
	}
	return string(text)
}

// resource is a route of whatever API ROLE_TARGET_URL is.
func (b *bench) resource(route string) string {
	return "arn:" + partition(b.settings.get("REGION")) + ":execute-api:" + b.settings.get("REGION") + ":*:*/" + route
}

// allowedResource is that of the allowed route.
func (b *bench) allowedResource() string {
	return b.resource(b.settings.allowed.method + b.settings.allowed.path)
}

// inSession is a check of one call to the API by a session with the policy and
// parameters that params makes.
func inSession(id, says string, params func(b *bench) url.Values, change func(q *request), w want, facts ...string) check {
	return check{id: id, says: says, needs: roleNeeds("ROLE_TARGET_URL", "ALLOWED"), facts: facts, try: func(ctx context.Context, b *bench) (finding, error) {
		s, err := b.session(ctx, params(b))
		if err != nil {
			return finding{}, err
		}
		q := request{base: b.settings.get("ROLE_TARGET_URL"), method: b.settings.allowed.method, path: b.settings.allowed.path, as: s, service: "execute-api"}
		if change != nil {
			change(&q)
		}
		a, err := b.send(ctx, q)
		if err != nil {
			return finding{}, err
		}
		return w.compare(a), nil
	}}
}

func roleChecks() []check {
	f, ok := forbidden(), want{status: http.StatusOK}
	is := func(id, says string, needs []string, params func(b *bench) url.Values, w want) check {
		return ask("role."+id, says, needs, func(b *bench) request { return b.assumeRole(params(b)) }, w)
	}
	fixed := func(v url.Values) func(*bench) url.Values { return func(*bench) url.Values { return v } }
	tagged := url.Values{"Tags.member.1.Key": {"team"}, "Tags.member.1.Value": {"billing"}}
	with := func(v url.Values, statements func(b *bench) []statement) func(*bench) url.Values {
		return func(b *bench) url.Values {
			all := url.Values{"Policy": {policyText(statements(b)...)}}
			for name, values := range v {
				all[name] = values
			}
			return all
		}
	}
	when := func(key, value string) func(b *bench) []statement {
		return func(b *bench) []statement {
			return []statement{{"Allow", "execute-api:Invoke", b.allowedResource(), map[string]map[string]string{"StringEquals": {key: value}}}}
		}
	}
	named := url.Values{"SourceIdentity": {"sandbox-person"}}
	return []check{
		is("assume", "A role that trusts the caller is assumed; the answer names the session.", roleNeeds(), fixed(nil), want{
			status: http.StatusOK, typed: "text/xml", like: `.*<Arn>arn:[a-z-]+:sts::\d{12}:assumed-role/\S+/credvend-sandbox</Arn>.*`,
		}),
		is("external-id-wrong", "A wrong external id is refused without a word about it.", roleNeeds("ROLE_EXTERNAL_ID"), fixed(url.Values{"ExternalId": {"somebody-elses"}}), notAuthorized()),
		is("external-id-missing", "So is none.", roleNeeds("ROLE_EXTERNAL_ID"), fixed(url.Values{"ExternalId": nil}), notAuthorized()),
		ask("role.other-region", "A signature for another region than the endpoint's does not match.", roleNeeds(), func(b *bench) request {
			q := b.assumeRole(nil)
			q.region = elsewhere(b)
			return q
		}, senderLike(http.StatusForbidden, "SignatureDoesNotMatch", `Credential should be scoped to a valid region\.`)),
		chained("role.chained-3600", "A chained session may last an hour.", "3600", want{status: http.StatusOK}),
		chained("role.chained-3601", "A chained session may not last longer: STS refuses, it does not shorten.", "3601",
			sender(http.StatusBadRequest, "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")),
		is("tags-alone-too-large", "Tags alone can fill the packed size.", roleNeeds(), fixed(tagParams(9, 250)),
			senderLike(http.StatusBadRequest, "PackedPolicyTooLarge", `Packed size of session tags consumes \d+% of allotted space\.`)),
		is("policy-malformed", "A session policy with an unknown element is malformed.", roleNeeds(), fixed(url.Values{"Policy": {`{"Version":"2012-10-17","Statement":[{"Effect":"Permit","Action":"*","Resource":"*"}]}`}}),
			senderLike(http.StatusBadRequest, "MalformedPolicyDocument", ".+")),
		packedSize(),
		inSession("role.no-session-policy", "Without a session policy the role's own permissions hold.", fixed(nil), nil, ok),
		inSession("role.session-policy", "A session policy that allows the route lets it through.", with(nil, func(b *bench) []statement {
			return []statement{{"Allow", "execute-api:Invoke", b.allowedResource(), nil}}
		}), nil, ok),
		inSession("role.session-policy-elsewhere", "One that allows another route alone does not.", with(nil, func(b *bench) []statement {
			return []statement{{"Allow", "execute-api:Invoke", b.allowedResource() + "-other", nil}}
		}), nil, f),
		inSession("role.session-policy-other-action", "Nor does one of other actions.", with(nil, func(*bench) []statement {
			return []statement{{"Allow", "sts:GetCallerIdentity", "*", nil}}
		}), nil, f),
		inSession("role.deny-wins", "A deny beats an allow.", with(nil, func(b *bench) []statement {
			return []statement{{"Allow", "execute-api:Invoke", "*", nil}, {"Deny", "execute-api:Invoke", b.allowedResource(), nil}}
		}), nil, f),
		inSession("role.wildcard-crosses-method", "A star in the place of the method spans into the path.", with(nil, func(b *bench) []statement {
			p := b.settings.allowed.path
			return []statement{{"Allow", "execute-api:Invoke", b.resource("*" + p[strings.LastIndexByte(p, '/'):]), nil}}
		}), nil, ok),
		inSession("role.lower-case-method", "The method in an ARN is in upper case.", with(nil, func(b *bench) []statement {
			return []statement{{"Allow", "execute-api:Invoke", b.resource(strings.ToLower(b.settings.allowed.method) + b.settings.allowed.path), nil}}
		}), nil, f),
		inSession("role.principal-tag", "A condition on a session tag holds in a call to the API.", with(tagged, when("aws:PrincipalTag/team", "billing")), nil, ok),
		inSession("role.principal-tag-other", "With another value it does not.", with(tagged, when("aws:PrincipalTag/team", "sales")), nil, f),
		inSession("role.source-identity-control", "Without a condition a session with a source identity calls the API.", with(named, func(b *bench) []statement {
			return []statement{{"Allow", "execute-api:Invoke", b.allowedResource(), nil}}
		}), nil, ok, "invoke-source-identity"),
		inSession("role.source-identity-condition", "A condition on aws:SourceIdentity holds in a call to the API.", with(named, when("aws:SourceIdentity", "sandbox-person")), nil, ok, "invoke-source-identity"),
		inSession("role.source-identity-other", "With another value it does not.", with(named, when("aws:SourceIdentity", "somebody-else")), nil, f, "invoke-source-identity"),
		inSession("role.odd-method", "A method outside the seven is not routed, even where the whole stage is allowed.", fixed(nil), func(q *request) { q.method = "PROPFIND" },
			notFound(), "other-methods"),
	}
}

// chained asks for a duration from a session of a role. A user's key chains
// nothing.
func chained(id, says, seconds string, w want) check {
	return check{id: id, says: says, needs: roleNeeds(), facts: []string{"chained-hour"}, try: func(ctx context.Context, b *bench) (finding, error) {
		if arn := b.who["ROLE_PROFILE"].arn; !strings.Contains(arn, ":assumed-role/") {
			return finding{}, skipped("set " + prefix + "_ROLE_PROFILE to a session of a role: " + arn + " is none, so nothing is chained")
		}
		a, err := b.send(ctx, b.assumeRole(url.Values{"DurationSeconds": {seconds}}))
		if err != nil {
			return finding{}, err
		}
		return w.compare(a), nil
	}}
}

// sample is a session policy or tags whose packed size is measured.
type sample struct {
	name    string
	params  url.Values
	percent int // the local stack's estimate
}

func samples() []sample {
	route := func(i int) string {
		return "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default/GET/orders" + strings.Repeat("/x", i)
	}
	var many []string
	for i := range 8 {
		many = append(many, route(i))
	}
	mixed := []string{
		"arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default/GET/customers/8f14e45f", "arn:aws:execute-api:eu-west-1:444455556666:z9y8x7w6v5/prod/POST/baskets/c9f0f895",
		"arn:aws:execute-api:ap-southeast-2:777788889999:q1w2e3r4t5/live/DELETE/invoices/45c48cce", "arn:aws:execute-api:ca-central-1:222233334444:m5n6b7v8c9/beta/PATCH/shipments/d3d94468",
	}
	allow := func(resource any) string { return policyText(statement{"Allow", "execute-api:Invoke", resource, nil}) }
	return []sample{
		{"one route", url.Values{"Policy": {allow(route(0))}}, 13},
		{"eight routes that look alike", url.Values{"Policy": {allow(many)}}, 18},
		{"four that do not", url.Values{"Policy": {allow(mixed)}}, 46},
		{"one route and three tags", url.Values{
			"Policy": {allow(route(0))}, "Tags.member.1.Key": {"team"}, "Tags.member.1.Value": {"billing"},
			"Tags.member.2.Key": {"cost-center"}, "Tags.member.2.Value": {"4711-0815"}, "Tags.member.3.Key": {"subject"}, "Tags.member.3.Value": {"8f14e45fceea167a5a36dedd4bea2543"},
		}, 29},
		{"ten routes", url.Values{"Policy": {allow([]string{route(0), route(1), route(2), route(3), mixed[0], mixed[1], mixed[2], mixed[3], mixed[0] + "/lines", mixed[1] + "/items"})}}, 53},
	}
}

// tolerance, in points of a hundred, between an estimate and AWS.
const tolerance = 10

// packedSize asks STS how full each sample is.
func packedSize() check {
	return check{
		id: "role.packed-size", says: fmt.Sprintf("PackedPolicySize of five samples is within %d points of the local stack's estimates.", tolerance), needs: roleNeeds(), facts: []string{"packed-size"},
		try: func(ctx context.Context, b *bench) (finding, error) {
			var f finding
			var expected, observed []string
			for _, s := range samples() {
				a, err := b.send(ctx, b.assumeRole(s.params))
				if err != nil {
					return finding{}, err
				}
				shown := element(a.body, "PackedPolicySize") + " %"
				percent, err := strconv.Atoi(element(a.body, "PackedPolicySize"))
				if err != nil {
					shown = fmt.Sprintf("%d %s", a.status, a.text)
				}
				if err != nil || percent < s.percent-tolerance || percent > s.percent+tolerance {
					f.differs = true
				}
				expected, observed = append(expected, fmt.Sprintf("%s: %d %%", s.name, s.percent)), append(observed, s.name+": "+shown)
			}
			f.expected, f.observed = strings.Join(expected, "; "), strings.Join(observed, "; ")
			f.learned = f.observed
			return f, nil
		},
	}
}
