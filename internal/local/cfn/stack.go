package cfn

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Options are what a stack is made from, beside its template.
type Options struct {
	Parameters map[string]string // what is not here has its default
	Pseudo     Pseudo

	// Attribute says what a reference to a resource stands for: a string, or
	// for some attributes a list of strings. Without it every reference is an
	// error.
	Attribute func(Reference) (any, error)
}

// Pseudo are the pseudo parameters: AWS::Region and so on. A reference to one
// that is empty is an error.
type Pseudo struct {
	AccountID, Region, Partition, URLSuffix, StackName, StackID string
}

// Reference is a Ref to a resource, or an attribute of one.
type Reference struct {
	LogicalID string
	Type      string
	Attribute string // "" for Ref

	// Properties resolves the resource's own properties, for names that it was
	// given. It fails if they depend on this reference in turn.
	Properties func() (map[string]any, error)
}

// Stack is a template, resolved.
type Stack struct {
	Conditions map[string]bool
	Resources  map[string]Resource // by logical id; without those whose condition is false
	Outputs    map[string]string   // likewise
}

// Resource is a resource with nothing left to resolve. Its properties are made
// of map[string]any, []any, string, bool and json.Number; a number that came
// through a parameter is a string (see Text).
type Resource struct {
	Type       string
	Properties map[string]any
	DependsOn  []string // logical ids, references included, sorted
}

// Resolve works a template out. It refuses parameters that their constraints or
// the template's Rules refuse, with the texts that stand there.
func (t *Template) Resolve(o Options) (*Stack, error) {
	parameters, err := t.bind(o.Parameters)
	if err != nil {
		return nil, err
	}
	s := &scope{template: t, parameters: parameters, pseudo: o.Pseudo.values(), attribute: o.Attribute, resolved: map[string]*Resource{}}
	for _, r := range t.rules {
		if err := s.checkRule(r); err != nil {
			return nil, err
		}
	}
	if s.conditions, err = s.decideAll(); err != nil {
		return nil, err
	}
	stack := &Stack{Conditions: s.conditions, Resources: map[string]Resource{}, Outputs: map[string]string{}}
	for _, id := range slices.Sorted(maps.Keys(t.resources)) {
		if !s.exists(id) {
			continue
		}
		r, err := s.resolveResource(id)
		if err != nil {
			return nil, err
		}
		stack.Resources[id] = *r
	}
	if err := checkCycles(stack.Resources); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(t.outputs)) {
		out := t.outputs[name]
		if out.condition != "" && !s.conditions[out.condition] {
			continue
		}
		v, err := evaluator{scope: s}.value(out.value)
		if err != nil {
			return nil, fmt.Errorf("in Outputs.%s: %w", name, err)
		}
		text, ok := Text(v)
		if !ok {
			return nil, fmt.Errorf("in Outputs.%s: %w", name, out.value.errorf("an output is a single value"))
		}
		stack.Outputs[name] = text
	}
	return stack, nil
}

// scope is one resolving of a template.
type scope struct {
	template   *Template
	parameters map[string]any
	pseudo     map[string]string
	conditions map[string]bool
	attribute  func(Reference) (any, error)
	resolved   map[string]*Resource // nil while it is being resolved
}

func (p Pseudo) values() map[string]string {
	return map[string]string{
		"AWS::AccountId": p.AccountID, "AWS::Region": p.Region, "AWS::Partition": p.Partition,
		"AWS::URLSuffix": p.URLSuffix, "AWS::StackName": p.StackName, "AWS::StackId": p.StackID,
	}
}

// exists says whether a resource is created.
func (s *scope) exists(id string) bool {
	r, ok := s.template.resources[id]
	return ok && (r.condition == "" || s.conditions[r.condition])
}

func (s *scope) resolveResource(id string) (*Resource, error) {
	if r, started := s.resolved[id]; started {
		if r == nil {
			return nil, fmt.Errorf("in Resources.%s: its properties depend on themselves", id)
		}
		return r, nil
	}
	s.resolved[id] = nil
	from := s.template.resources[id]
	uses := map[string]bool{}
	for _, d := range from.dependsOn {
		if s.exists(d) { // CloudFormation ignores those that are not created
			uses[d] = true
		}
	}
	v, err := evaluator{scope: s, uses: uses}.value(from.properties)
	if err != nil {
		delete(s.resolved, id)
		return nil, fmt.Errorf("in Resources.%s: %w", id, err)
	}
	properties, ok := v.(map[string]any)
	if !ok {
		delete(s.resolved, id)
		return nil, fmt.Errorf("in Resources.%s: %w", id, from.properties.errorf("Properties is a map, not a function"))
	}
	r := &Resource{Type: from.typeName, Properties: properties, DependsOn: slices.Sorted(maps.Keys(uses))}
	s.resolved[id] = r
	return r, nil
}

// reference asks the caller what a resource's attribute is.
func (e evaluator) reference(n node, id, attribute string) (any, error) {
	s := e.scope
	r, known := s.template.resources[id]
	switch {
	case !known:
		return nil, n.errorf("there is no parameter, pseudo parameter or resource %s", id)
	case e.namesOnly:
		return nil, n.errorf("a condition cannot refer to the resource %s", id)
	case !s.exists(id):
		return nil, n.errorf("it refers to %s, which is not created: the condition %s is false", id, r.condition)
	case s.attribute == nil:
		return nil, n.errorf("nothing is known of the resource %s", id)
	}
	if e.uses != nil {
		e.uses[id] = true
	}
	v, err := s.attribute(Reference{LogicalID: id, Type: r.typeName, Attribute: attribute, Properties: func() (map[string]any, error) {
		resolved, err := s.resolveResource(id)
		if err != nil {
			return nil, err
		}
		return resolved.Properties, nil
	}})
	if err != nil {
		what := "Ref"
		if attribute != "" {
			what = attribute
		}
		return nil, n.errorf("%s of %s (%s): %w", what, id, r.typeName, err)
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case []string:
		list := make([]any, len(v))
		for i := range v {
			list[i] = v[i]
		}
		return list, nil
	default:
		return nil, n.errorf("%s of %s is a %T; it must be a string or a list of strings", attribute, id, v)
	}
}

// checkCycles refuses resources that need one another to be made first.
func checkCycles(resources map[string]Resource) error {
	const (
		fresh = iota
		open
		done
	)
	state := map[string]int{}
	var path []string
	var visit func(id string) error
	visit = func(id string) error {
		switch state[id] {
		case done:
			return nil
		case open:
			return fmt.Errorf("circular dependency between resources: %s", strings.Join(append(path[slices.Index(path, id):], id), " → "))
		}
		state[id] = open
		path = append(path, id)
		for _, d := range resources[id].DependsOn {
			if err := visit(d); err != nil {
				return err
			}
		}
		path = path[:len(path)-1]
		state[id] = done
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		if err := visit(id); err != nil {
			return err
		}
	}
	return nil
}
