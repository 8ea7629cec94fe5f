// Package deploy plays CloudFormation: it makes of a resolved template what the
// local accounts are built from, the roles with their policies, the function,
// its permissions and the front doors, so that a mistake in a template shows on
// this machine as it would on AWS.
//
// Whatever can decide who gets in must not be passed over in silence. Each kind
// of resource is read property by property; one that is neither read nor listed
// as being of no consequence here is an error, and so is a kind that is not
// known. It starts nothing and listens to nobody, and it knows no allowlist.
package deploy

import (
	"fmt"
	"maps"
	"slices"

	"github.com/credvend/credvend/internal/local/cfn"
	"github.com/credvend/credvend/internal/local/iam"
)

// Site is where a stack is made.
type Site struct{ Partition, Region, Account string }

// arn is an ARN of this site. The region is left out where region is false.
func (s Site) arn(service string, region bool, resource string) string {
	at := ""
	if region {
		at = s.Region
	}
	return "arn:" + s.Partition + ":" + service + ":" + at + ":" + s.Account + ":" + resource
}

// Template is a template that has been read.
type Template struct {
	name   string // of its file, for errors
	parsed *cfn.Template
}

// Parse reads a template; name is its file's, for errors.
func Parse(name string, text []byte) (*Template, error) {
	parsed, err := cfn.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &Template{name, parsed}, nil
}

// Options are what a stack is made with.
type Options struct {
	Site
	Name       string            // of the stack
	Parameters map[string]string // what is not here has its default

	// IDs are the ids that AWS would make up for APIs and URLs, by logical id;
	// those that are not here are made of the names, the same in each run.
	IDs map[string]string
}

// Stack is what a template makes.
type Stack struct {
	Outputs   map[string]string
	Roles     []iam.Role
	Managed   map[string]*iam.Policy // managed policies, by ARN
	Function  *Function              // nil: none
	HTTPAPIs  []*HTTPAPI
	RESTAPIs  []*RESTAPI
	URLs      []*FunctionURL
	resources map[string]cfn.Resource
}

// Deploy resolves a template and reads its resources. What CloudFormation
// refuses, and what this package does not know how to play, is an error.
func (t *Template) Deploy(o Options) (*Stack, error) { return t.deploy(o, nil) }

// deploy lets bend change the resources before they are read.
func (t *Template) deploy(o Options, bend func(map[string]cfn.Resource)) (*Stack, error) {
	suffix := "amazonaws.com"
	if o.Partition == "aws-cn" {
		suffix += ".cn"
	}
	names := naming{o}
	resolved, err := t.parsed.Resolve(cfn.Options{
		Parameters: o.Parameters,
		Pseudo: cfn.Pseudo{
			AccountID: o.Account, Region: o.Region, Partition: o.Partition, URLSuffix: suffix, StackName: o.Name,
			StackID: o.arn("cloudformation", true, "stack/"+o.Name+"/"+names.id(o.Name, 12)),
		},
		Attribute: names.attribute,
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.name, err)
	}
	if bend != nil {
		bend(resolved.Resources)
	}
	r := &reader{naming: names, stack: &Stack{Outputs: resolved.Outputs, Managed: map[string]*iam.Policy{}, resources: resolved.Resources}}
	if err := r.readAll(); err != nil {
		return nil, fmt.Errorf("%s: %w", t.name, err)
	}
	return r.stack, nil
}

// reader reads the resources of one stack.
type reader struct {
	naming
	stack *Stack
}

// readAll reads the resources in the order in which one needs another.
func (r *reader) readAll() error {
	for _, id := range slices.Sorted(maps.Keys(r.stack.resources)) {
		if kind := r.stack.resources[id].Type; !known(kind) {
			return fmt.Errorf("in Resources.%s: a local run does not know how to play %s", id, kind)
		}
	}
	for _, kind := range order {
		for _, id := range r.ids(kind) {
			p := &properties{at: "Resources." + id, values: r.stack.resources[id].Properties, used: map[string]bool{}}
			k := kinds[kind]
			if err := k.read(r, id, p); err != nil {
				return fmt.Errorf("in %s: %w", p.at, err)
			}
			if err := p.done(k.idle...); err != nil {
				return err
			}
		}
	}
	return nil
}

// ids are the logical ids of a kind, sorted.
func (r *reader) ids(kind string) (all []string) {
	for _, id := range slices.Sorted(maps.Keys(r.stack.resources)) {
		if r.stack.resources[id].Type == kind {
			all = append(all, id)
		}
	}
	return all
}
