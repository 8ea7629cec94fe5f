package deploy

import (
	"fmt"
	"strings"
	"time"

	"github.com/credvend/credvend/internal/local/cfn"
	"github.com/credvend/credvend/internal/local/iam"
)

func readManagedPolicy(r *reader, id string, p *properties) error {
	arn := r.policyARN(p.text("Path"), r.named(p.text("ManagedPolicyName"), id))
	policy := p.policy("PolicyDocument")
	if policy == nil {
		p.required("PolicyDocument")
		return nil // properties tell
	}
	r.stack.Managed[arn] = policy
	return nil
}

func readRole(r *reader, id string, p *properties) error {
	name := r.named(p.text("RoleName"), id)
	role := iam.Role{
		ARN: r.roleARN(p.text("Path"), name), UniqueID: r.roleID(name),
		Trust:      p.policy("AssumeRolePolicyDocument"),
		MaxSession: time.Duration(p.number("MaxSessionDuration", 3600)) * time.Second,
		Tags:       map[string]string{},
	}
	if role.Trust == nil {
		p.required("AssumeRolePolicyDocument")
	}
	p.parts("Policies", func(q *properties) {
		q.required("PolicyName")
		if document := q.policy("PolicyDocument"); document != nil {
			role.Policies = append(role.Policies, document)
		} else {
			q.required("PolicyDocument")
		}
	})
	p.parts("Tags", func(q *properties) { role.Tags[q.required("Key")] = q.text("Value") })
	for _, arn := range p.texts("ManagedPolicyArns") {
		policy, err := r.managed(arn)
		if err != nil {
			return err
		}
		role.Policies = append(role.Policies, policy)
	}
	if arn := p.text("PermissionsBoundary"); arn != "" {
		var err error
		if role.Boundary, err = r.managed(arn); err != nil {
			return err
		}
	}
	r.stack.Roles = append(r.stack.Roles, role)
	return nil
}

// managed finds a managed policy of this stack. What others hold is not known,
// and a role without one of its policies, or its boundary, would be another.
func (r *reader) managed(arn string) (*iam.Policy, error) {
	if p, ok := r.stack.Managed[arn]; ok {
		return p, nil
	}
	return nil, fmt.Errorf("the managed policy %s is not of this stack, so that a local run cannot know what it says", arn)
}

// Role is a role of the stack by its ARN.
func (s *Stack) Role(arn string) (iam.Role, bool) {
	for _, role := range s.Roles {
		if role.ARN == arn {
			return role, true
		}
	}
	return iam.Role{}, false
}

// TargetOptions are what a target's stack is made with, beside its parameters.
type TargetOptions struct {
	Options

	// Role is the ARN that the target's role must have. Only its path is taken
	// of it: templates may make roles without one.
	Role string

	// AnyExternalID takes the condition on sts:ExternalId out of the trust. The
	// parameter ExternalId must then be given something to stand in for it.
	AnyExternalID bool
}

// DeployTarget makes the stack of a target.
func (t *Template) DeployTarget(o TargetOptions) (*Stack, error) {
	stack, err := t.deploy(o.Options, func(resources map[string]cfn.Resource) {
		if o.AnyExternalID {
			for _, r := range resources {
				dropCondition(r.Properties["AssumeRolePolicyDocument"], "sts:ExternalId", o.Parameters["ExternalId"])
			}
		}
	})
	if err != nil {
		return nil, err
	}
	for i := range stack.Roles {
		if arn := &stack.Roles[i].ARN; *arn == o.pathless() {
			*arn = o.Role
		}
	}
	return stack, nil
}

// pathless is the ARN of the target's role without its path.
func (o TargetOptions) pathless() string {
	before, resource, _ := strings.Cut(o.Role, ":role/")
	return before + ":role/" + after(resource)
}

// dropCondition takes a condition out of a document, where it asks for the one
// value.
func dropCondition(v any, key, value string) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if strings.EqualFold(name, key) && inner == value {
				delete(v, name)
				continue
			}
			dropCondition(inner, key, value)
			if m, ok := inner.(map[string]any); ok && len(m) == 0 {
				delete(v, name)
			}
		}
	case []any:
		for _, item := range v {
			dropCondition(item, key, value)
		}
	}
}
