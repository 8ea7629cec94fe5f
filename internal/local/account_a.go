package local

import (
	"fmt"
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/local/deploy"
	"github.com/credvend/credvend/internal/local/iam"
)

// standInExternalID is given to the template for a target without an external
// id, and taken out again with its condition.
const standInExternalID = "none-in-the-allowlist"

// deployTargets makes a stack for each target and returns the roles that come
// of them, a shared one once. broker is the value of BrokerRoleArns.
//
// Of what a list may say and the template cannot, each is told in a note: a
// target without external id, a role that several targets share, a role with a
// path.
func (p *plan) deployTargets(t *deploy.Template, broker string) ([]*deploy.Stack, error) {
	var stacks []*deploy.Stack
	made := map[string]*deploy.Stack{} // by role
	users := map[string][]string{}     // targets of a role
	for _, name := range p.targetNames {
		stack, err := p.deployTarget(t, name, broker)
		if err != nil {
			return nil, fmt.Errorf("target %s: %w", name, err)
		}
		role := p.doc.Targets[name].Role
		users[role] = append(users[role], name)
		if before := made[role]; before != nil {
			before.Roles = joined(before.Roles, stack.Roles)
			continue
		}
		made[role] = stack
		stacks = append(stacks, stack)
	}
	for role, names := range users {
		if len(names) > 1 {
			p.adapt("targets %s share the role %s: %s makes a role for one API, so here it is what their stacks make together",
				strings.Join(names, ", "), role[strings.LastIndexByte(role, '/')+1:], targetFile)
		}
	}
	return stacks, nil
}

// joined adds the roles of a further stack to those of one before it.
func joined(before, more []iam.Role) []iam.Role {
	for _, role := range more {
		i := slices.IndexFunc(before, func(r iam.Role) bool { return r.ARN == role.ARN })
		if i < 0 {
			before = append(before, role)
			continue
		}
		before[i] = deploy.Join(before[i], role)
	}
	return before
}

func (p *plan) deployTarget(t *deploy.Template, name, broker string) (*deploy.Stack, error) {
	target := p.doc.Targets[name]
	stage, err := arn.ParseStage(target.API)
	if err != nil {
		return nil, err // not so: newPlan parsed it
	}
	role, err := arn.ParseTargetRole(target.Role)
	if err != nil {
		return nil, err // not so: the allowlist's compiler parsed it
	}
	path := strings.LastIndexByte(role.Name, '/') + 1
	options := deploy.TargetOptions{
		Options: deploy.Options{
			Site: deploy.Site{Partition: stage.Partition, Region: stage.Region, Account: stage.Account}, Name: "credvend-target-" + name,
			Parameters: map[string]string{
				"ApiId": stage.API, "Stage": stage.Name, "TargetName": name, "BrokerRoleArns": broker,
				"ExternalId": target.ExternalID, "RoleName": role.Name[path:],
			},
		},
		Role: target.Role,
	}
	if target.ExternalID == "" {
		options.AnyExternalID, options.Parameters["ExternalId"] = true, standInExternalID
		p.adapt("target %s: the list has no external_id, and %s wants one: its role is made here without that condition", name, targetFile)
	}
	if path > 0 {
		p.adapt("target %s: its role has the path /%s, and %s makes none with a path: its role is made here with it", name, role.Name[:path], targetFile)
	}
	return t.DeployTarget(options)
}
