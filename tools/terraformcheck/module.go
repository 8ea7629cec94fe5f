package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// module is one folder of .tf files, parsed.
type module struct {
	dir       string
	files     map[string][]byte
	variables map[string]*variable
	locals    map[string]hclsyntax.Expression
	resources map[string]*resource // by "type.name", data sources by "data.type.name"
	outputs   map[string]*output
	terraform *hclsyntax.Block
}

type variable struct {
	name        string
	description string
	typ         cty.Type
	def         hclsyntax.Expression // nil: it must be given
	nullable    bool
	validations []rule
	at          hcl.Range
}

// rule is a validation or a precondition.
type rule struct {
	condition, message hclsyntax.Expression
}

type resource struct {
	address, typ  string
	data          bool
	count, each   hclsyntax.Expression // at most one of them
	preconditions []rule
	dependsOn     hclsyntax.Expression
	body          *hclsyntax.Body
	at            hcl.Range
}

type output struct {
	description string
	value       hclsyntax.Expression
	at          hcl.Range
}

// metaArguments are Terraform's own, in every resource.
var metaArguments = []string{"count", "for_each", "depends_on"}

func loadModule(dir string) (*module, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.tf"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s has no .tf files", dir)
	}
	m := &module{
		dir: dir, files: map[string][]byte{}, variables: map[string]*variable{}, locals: map[string]hclsyntax.Expression{},
		resources: map[string]*resource{}, outputs: map[string]*output{},
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		m.files[path] = text
		file, diags := hclsyntax.ParseConfig(text, path, hcl.InitialPos)
		if diags.HasErrors() {
			return nil, diags
		}
		body, ok := file.Body.(*hclsyntax.Body)
		if !ok {
			return nil, fmt.Errorf("%s is not in Terraform's native syntax", path)
		}
		for _, a := range body.Attributes {
			return nil, fmt.Errorf("%s: %s stands outside of a block", a.NameRange, a.Name)
		}
		for _, b := range body.Blocks {
			if err := m.addBlock(b); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

func (m *module) addBlock(b *hclsyntax.Block) error {
	labels := map[string]int{"terraform": 0, "locals": 0, "variable": 1, "output": 1, "resource": 2, "data": 2}
	want, known := labels[b.Type]
	if !known || len(b.Labels) != want {
		return fmt.Errorf("%s: a block %s with %d labels is not understood here", b.DefRange(), b.Type, len(b.Labels))
	}
	switch b.Type {
	case "terraform":
		if m.terraform != nil {
			return fmt.Errorf("%s: a second terraform block", b.DefRange())
		}
		m.terraform = b
		return nil
	case "locals":
		for name, a := range b.Body.Attributes {
			if m.locals[name] != nil {
				return fmt.Errorf("%s: local.%s stands twice", a.NameRange, name)
			}
			m.locals[name] = a.Expr
		}
		return nil
	case "variable":
		return m.addVariable(b)
	case "output":
		return m.addOutput(b)
	default:
		return m.addResource(b)
	}
}

func (m *module) addVariable(b *hclsyntax.Block) error {
	v := &variable{name: b.Labels[0], nullable: true, typ: cty.DynamicPseudoType, at: b.DefRange()}
	if m.variables[v.name] != nil {
		return fmt.Errorf("%s: var.%s stands twice", v.at, v.name)
	}
	for name, a := range b.Body.Attributes {
		var diags hcl.Diagnostics
		switch name {
		case "type":
			v.typ, diags = typeexpr.TypeConstraint(a.Expr)
		case "default":
			v.def = a.Expr
		case "description":
			v.description, diags = literalText(a.Expr)
		case "nullable":
			var value cty.Value
			if value, diags = a.Expr.Value(nil); !diags.HasErrors() {
				v.nullable = value.True()
			}
		default:
			return fmt.Errorf("%s: a variable's %s is not understood here", a.NameRange, name)
		}
		if diags.HasErrors() {
			return diags
		}
	}
	for _, nested := range b.Body.Blocks {
		r, err := readRule(nested, "validation")
		if err != nil {
			return err
		}
		v.validations = append(v.validations, r)
	}
	m.variables[v.name] = v
	return nil
}

func literalText(e hclsyntax.Expression) (string, hcl.Diagnostics) {
	value, diags := e.Value(nil)
	if diags.HasErrors() || value.Type() != cty.String {
		return "", diags
	}
	return value.AsString(), nil
}

func readRule(b *hclsyntax.Block, want string) (rule, error) {
	condition, message := b.Body.Attributes["condition"], b.Body.Attributes["error_message"]
	if b.Type != want || len(b.Labels) > 0 || len(b.Body.Attributes) != 2 || condition == nil || message == nil || len(b.Body.Blocks) > 0 {
		return rule{}, fmt.Errorf("%s: want a block %s with condition and error_message", b.DefRange(), want)
	}
	return rule{condition.Expr, message.Expr}, nil
}

func (m *module) addOutput(b *hclsyntax.Block) error {
	o := &output{at: b.DefRange()}
	for name, a := range b.Body.Attributes {
		var diags hcl.Diagnostics
		switch name {
		case "value":
			o.value = a.Expr
		case "description":
			o.description, diags = literalText(a.Expr)
		default:
			return fmt.Errorf("%s: an output's %s is not understood here", a.NameRange, name)
		}
		if diags.HasErrors() {
			return diags
		}
	}
	if o.value == nil || m.outputs[b.Labels[0]] != nil {
		return fmt.Errorf("%s: output %s has no value, or stands twice", o.at, b.Labels[0])
	}
	m.outputs[b.Labels[0]] = o
	return nil
}

func (m *module) addResource(b *hclsyntax.Block) error {
	r := &resource{address: strings.Join(b.Labels, "."), typ: b.Labels[0], data: b.Type == "data", body: b.Body, at: b.DefRange()}
	if r.data {
		r.address = "data." + r.address
	}
	if m.resources[r.address] != nil {
		return fmt.Errorf("%s: %s stands twice", r.at, r.address)
	}
	expression := func(name string) hclsyntax.Expression {
		if a := b.Body.Attributes[name]; a != nil {
			return a.Expr
		}
		return nil
	}
	r.count, r.each, r.dependsOn = expression("count"), expression("for_each"), expression("depends_on")
	if r.count != nil && r.each != nil {
		return fmt.Errorf("%s: count and for_each exclude one another", r.at)
	}
	for _, nested := range b.Body.Blocks {
		if nested.Type != "lifecycle" {
			continue
		}
		for name, a := range nested.Body.Attributes {
			if name != "create_before_destroy" {
				return fmt.Errorf("%s: lifecycle's %s is not understood here", a.NameRange, name)
			}
		}
		for _, p := range nested.Body.Blocks {
			found, err := readRule(p, "precondition")
			if err != nil {
				return err
			}
			r.preconditions = append(r.preconditions, found)
		}
	}
	m.resources[r.address] = r
	return nil
}

// arguments are a resource's own attributes, without Terraform's.
func (r *resource) arguments() map[string]*hclsyntax.Attribute {
	own := map[string]*hclsyntax.Attribute{}
	for name, a := range r.body.Attributes {
		if !slices.Contains(metaArguments, name) {
			own[name] = a
		}
	}
	return own
}
