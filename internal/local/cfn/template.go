// Package cfn reads CloudFormation and SAM templates written in YAML and
// resolves them, with given parameters, to plain resources: conditions decided,
// intrinsic functions worked out, what is not created left out. The local
// accounts are built from the result, so that a mistake in a template shows on
// this machine.
//
// It is strict where CloudFormation is, and where it cannot be as exact it
// refuses: a function, pseudo parameter, section or attribute that is not
// understood here is an error and never passes as plain text. It expands no
// macro: a SAM resource keeps its SAM type and properties. It knows nothing of
// what resources mean; what their references and attributes stand for, its
// caller says.
package cfn

import (
	"fmt"
	"slices"
	"strings"
)

// Template is a parsed template. It never changes.
type Template struct {
	parameters []Parameter
	mappings   map[string]node
	rules      []rule
	conditions map[string]node
	resources  map[string]resource
	outputs    map[string]output
}

type resource struct {
	line       int
	typeName   string
	condition  string // "" for none
	dependsOn  []string
	properties node // an empty map if the template has none
}

type output struct {
	condition string
	value     node
}

// Parse reads a template. Its errors name the line.
func Parse(text []byte) (*Template, error) {
	root, err := parseYAML(text)
	if err != nil {
		return nil, err
	}
	if root.kind != mapNode {
		return nil, root.errorf("a template is a map of sections: Parameters, Resources and so on")
	}
	t := &Template{mappings: map[string]node{}, conditions: map[string]node{}, resources: map[string]resource{}, outputs: map[string]output{}}
	for _, section := range root.members {
		if err := t.readSection(section); err != nil {
			return nil, err
		}
	}
	if len(t.resources) == 0 {
		return nil, root.errorf("the template has no Resources")
	}
	return t, t.checkNames()
}

// samTransform is the one macro whose resources are taken as they stand.
const samTransform = "AWS::Serverless-2016-10-31"

func (t *Template) readSection(section member) error {
	n := section.value
	switch section.name {
	case "AWSTemplateFormatVersion":
		if n.value != "2010-09-09" {
			return n.errorf(`AWSTemplateFormatVersion is "2010-09-09" and no other`)
		}
		return nil
	case "Transform":
		if n.value != samTransform {
			return n.errorf("the only Transform understood here is %s", samTransform)
		}
		return nil
	case "Description":
		_, err := n.text("Description")
		return err
	case "Metadata":
		return nil // says nothing of what is made
	}
	var read func(member) error
	switch section.name {
	case "Parameters":
		read = func(m member) error {
			p, err := parseParameter(m)
			t.parameters = append(t.parameters, p)
			return err
		}
	case "Mappings":
		read = func(m member) error { t.mappings[m.name] = m.value; return checkMapping(m) }
	case "Rules":
		read = func(m member) error {
			r, err := parseRule(m)
			t.rules = append(t.rules, r)
			return err
		}
	case "Conditions":
		read = func(m member) error { t.conditions[m.name] = m.value; return nil }
	case "Resources":
		read = t.readResource
	case "Outputs":
		read = t.readOutput
	default:
		return n.errorf("the section %s is not understood here", section.name)
	}
	return n.each(section.name, read)
}

// each calls read for each entry of a section, or of another map of names.
func (n node) each(what string, read func(member) error) error {
	if n.kind != mapNode {
		return n.errorf("%s is a map of names", what)
	}
	for _, m := range n.members {
		if !isLogicalID(m.name) {
			return m.value.errorf("%s has the name %q; names are of letters and digits", what, m.name)
		}
		if err := read(m); err != nil {
			return fmt.Errorf("%s.%s: %w", what, m.name, err)
		}
	}
	return nil
}

func isLogicalID(s string) bool {
	return s != "" && len(s) <= 255 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	})
}

func (t *Template) readResource(m member) error {
	r := resource{line: m.value.line, properties: node{kind: mapNode, line: m.value.line}}
	if m.value.kind != mapNode {
		return m.value.errorf("a resource is a map with a Type")
	}
	for _, a := range m.value.members {
		var err error
		switch a.name {
		case "Type":
			r.typeName, err = a.value.text("Type")
		case "Condition":
			r.condition, err = a.value.text("Condition")
		case "DependsOn":
			r.dependsOn, err = a.value.texts("DependsOn")
		case "Properties":
			r.properties = a.value
			if a.value.kind != mapNode {
				err = a.value.errorf("Properties is a map")
			}
		case "DeletionPolicy", "UpdateReplacePolicy":
			_, err = a.value.text(a.name)
		case "Metadata": // for tools: BuildMethod
		default:
			err = a.value.errorf("the resource attribute %s is not understood here", a.name)
		}
		if err != nil {
			return err
		}
	}
	if r.typeName == "" {
		return m.value.errorf("a resource needs a Type")
	}
	t.resources[m.name] = r
	return nil
}

func (t *Template) readOutput(m member) error {
	var o output
	found := false
	if m.value.kind != mapNode {
		return m.value.errorf("an output is a map with a Value")
	}
	for _, a := range m.value.members {
		var err error
		switch a.name {
		case "Value":
			o.value, found = a.value, true
		case "Condition":
			o.condition, err = a.value.text("Condition")
		case "Description":
			_, err = a.value.text("Description")
		default:
			err = a.value.errorf("the output attribute %s is not understood here", a.name)
		}
		if err != nil {
			return err
		}
	}
	if !found {
		return m.value.errorf("an output needs a Value")
	}
	t.outputs[m.name] = o
	return nil
}

// checkNames refuses one name for two things, and references by name to what
// is not there.
func (t *Template) checkNames() error {
	for _, p := range t.parameters {
		if r, taken := t.resources[p.Name]; taken {
			return fmt.Errorf("line %d: the resource %s has the name of a parameter", r.line, p.Name)
		}
	}
	for id, r := range t.resources {
		if r.condition != "" && !t.hasCondition(r.condition) {
			return fmt.Errorf("in Resources.%s: line %d: there is no condition %s", id, r.line, r.condition)
		}
		for _, d := range r.dependsOn {
			if _, ok := t.resources[d]; !ok || d == id {
				return fmt.Errorf("in Resources.%s: line %d: it cannot depend on %s", id, r.line, d)
			}
		}
	}
	for name, o := range t.outputs {
		if o.condition != "" && !t.hasCondition(o.condition) {
			return fmt.Errorf("in Outputs.%s: line %d: there is no condition %s", name, o.value.line, o.condition)
		}
	}
	return nil
}

func (t *Template) hasCondition(name string) bool {
	_, ok := t.conditions[name]
	return ok
}

// Parameters returns the template's parameters, in its order.
func (t *Template) Parameters() []Parameter { return slices.Clone(t.parameters) }
