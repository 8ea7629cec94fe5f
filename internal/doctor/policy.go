package doctor

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/local/iam"
)

// policy is a document, parsed for judging and for looking into.
type policy struct {
	name   string
	parsed *iam.Policy
	whole  any // the JSON
}

func parse(d Document) (policy, error) {
	p := policy{name: d.Name}
	if err := json.Unmarshal([]byte(d.Text), &p.whole); err != nil {
		return p, fmt.Errorf("the policy %s is not JSON", d.Name)
	}
	var err error
	if p.parsed, err = iam.ParsePolicy([]byte(d.Text)); err != nil {
		return p, fmt.Errorf("the policy %s has something that doctor cannot judge: %s", d.Name, clip(err.Error()))
	}
	return p, nil
}

// everything allows all: it stands for the half that is not being looked at.
func everything() *iam.Policy {
	p, err := iam.ParsePolicy([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
	if err != nil {
		return nil // not so: a nil policy allows nothing
	}
	return p
}

// conditionValues are the values that a document asks of a condition key.
func conditionValues(v any, key string) (all []string) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if strings.EqualFold(name, key) {
				all = append(all, stringsOf(inner)...)
				continue
			}
			all = append(all, conditionValues(inner, key)...)
		}
	case []any:
		for _, item := range v {
			all = append(all, conditionValues(item, key)...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// unknowable are the condition keys of a document that nobody can judge from
// outside the call itself.
func unknowable(whole any) (all []string) {
	for _, effect := range []string{"Allow", "Deny"} {
		for _, s := range statements(whole, effect) {
			operators, isObject := s["Condition"].(map[string]any)
			if !isObject {
				continue
			}
			for _, keys := range operators {
				keys, isObject := keys.(map[string]any)
				if !isObject {
					continue
				}
				for key := range keys {
					if !slices.Contains([]string{"aws:principalarn", "aws:userid", "sts:externalid", "lambda:sourcefunctionarn", "aws:principalaccount"}, strings.ToLower(key)) {
						all = append(all, clip(key))
					}
				}
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// reserve is what to add to a verdict that took conditions not to hold.
func reserve(policies ...policy) string {
	var all []string
	for _, p := range policies {
		all = append(all, unknowable(p.whole)...)
	}
	if len(all) == 0 {
		return ""
	}
	return "; but for its conditions on " + strings.Join(all, ", ") + ", which cannot be judged from here"
}

func stringsOf(v any) (all []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, item := range v {
			if s, isString := item.(string); isString {
				all = append(all, s)
			}
		}
	}
	return all
}

// statements are a document's, those of an effect alone.
func statements(v any, effect string) (all []map[string]any) {
	document, isObject := v.(map[string]any)
	if !isObject {
		return nil
	}
	list, isList := document["Statement"].([]any)
	if !isList {
		list = []any{document["Statement"]}
	}
	for _, item := range list {
		if s, isObject := item.(map[string]any); isObject && s["Effect"] == effect {
			all = append(all, s)
		}
	}
	return all
}

var (
	roleARN   = regexp.MustCompile(`^arn:aws(-cn|-us-gov)?:iam::[0-9]{12}:role/[^*?]+$`)
	accountID = regexp.MustCompile(`^[0-9]{12}$`)
	uniqueID  = regexp.MustCompile(`AROA[A-Z0-9]{12,28}`)
)

// trusted is the one role and the one account that a trust policy names; each is
// "" where there are none or several.
func trusted(trust string) (role, account string) {
	var whole any
	if json.Unmarshal([]byte(trust), &whole) != nil {
		return "", ""
	}
	all := conditionValues(whole, "aws:PrincipalArn")
	for _, s := range statements(whole, "Allow") {
		if principal, isObject := s["Principal"].(map[string]any); isObject {
			all = append(all, stringsOf(principal["AWS"])...)
		}
	}
	var roles, accounts []string
	for _, s := range all {
		if roleARN.MatchString(s) {
			roles = append(roles, s)
		}
		if a := orElse(accountOf(s), s); accountID.MatchString(a) {
			accounts = append(accounts, a)
		}
	}
	return only(roles), only(accounts)
}

// only is the one value of a list, however often it stands there.
func only(all []string) string {
	slices.Sort(all)
	if all = slices.Compact(all); len(all) == 1 {
		return all[0]
	}
	return ""
}

// invokes are the resources on which documents allow execute-api:Invoke.
func invokes(policies []policy) (all []string) {
	for _, p := range policies {
		for _, s := range statements(p.whole, "Allow") {
			if slices.ContainsFunc(stringsOf(s["Action"]), invokesAPI) {
				all = append(all, stringsOf(s["Resource"])...)
			}
		}
	}
	return all
}

// invokesAPI reports whether an action of a policy stands for execute-api:Invoke,
// perhaps with others.
func invokesAPI(action string) bool {
	p, err := iam.ParsePolicy([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Resource":"*","Action":` + quote(action) + `}}`))
	return err == nil && iam.PolicyAllows(p, "execute-api:Invoke", "arn:aws:execute-api:us-east-1:111122223333:a/b/GET/c", nil)
}

// identity is what a role's own policies come to.
type identity struct {
	policies []policy
	boundary *policy
}

func identityOf(r Role) (identity, error) {
	var out identity
	for _, d := range r.Policies {
		p, err := parse(d)
		if err != nil {
			return out, err
		}
		out.policies = append(out.policies, p)
	}
	if r.Boundary != nil {
		p, err := parse(*r.Boundary)
		if err != nil {
			return out, err
		}
		out.boundary = &p
	}
	return out, nil
}

// judge tells whether a role's own policies let it do something. A condition on
// the Lambda function that the role runs is taken to hold.
func (i identity) judge(arn, action, resource string) iam.Result {
	account := accountOf(arn)
	p := &iam.Principal{Account: account, RoleARN: arn, ARN: sessionOf(arn), UserID: "AROAUNKNOWN0000000000:x"}
	for _, d := range i.policies {
		p.Policies = append(p.Policies, d.parsed)
	}
	if i.boundary != nil {
		p.Boundary = i.boundary.parsed
	}
	var result iam.Result
	for _, function := range append([]string{""}, i.functions()...) {
		p.SourceFunctionARN = function
		if result = iam.Evaluate(p, nil, account, iam.Request{Action: action, Resource: resource}); result.Allowed {
			return result
		}
	}
	return result
}

func (i identity) functions() (all []string) {
	for _, d := range i.policies {
		all = append(all, conditionValues(d.whole, "lambda:SourceFunctionArn")...)
	}
	return slices.DeleteFunc(all, func(s string) bool { return strings.ContainsAny(s, "*?") })
}

// sessionOf is a session of a role.
func sessionOf(role string) string {
	head, name, _ := strings.Cut(role, ":role/")
	return strings.Replace(head, ":iam:", ":sts:", 1) + ":assumed-role/" + name[strings.LastIndexByte(name, '/')+1:] + "/x"
}
