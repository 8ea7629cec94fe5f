package main

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// check finds everything that is wrong with a module as it stands, whatever its
// variables are.
func (m *module) check(known *schema) []string {
	c := &checker{module: m, known: known, used: map[string]bool{}}
	for _, path := range slices.Sorted(maps.Keys(m.files)) {
		if text := m.files[path]; !bytes.Equal(hclwrite.Format(text), text) {
			c.add("%s: it is not formatted; run terraform fmt", path)
		}
	}
	c.checkVersions()
	for _, name := range slices.Sorted(maps.Keys(m.variables)) {
		c.checkVariable(m.variables[name])
	}
	c.checkValidationOrder()
	for _, name := range slices.Sorted(maps.Keys(m.locals)) {
		c.checkExpression(m.locals[name], nil)
	}
	for _, address := range slices.Sorted(maps.Keys(m.resources)) {
		c.checkResource(m.resources[address])
	}
	for _, name := range slices.Sorted(maps.Keys(m.outputs)) {
		o := m.outputs[name]
		if o.description == "" {
			c.add("%s: output %s has no description", o.at, name)
		}
		c.checkExpression(o.value, nil)
	}
	c.checkUnused()
	return c.problems
}

type checker struct {
	module   *module
	known    *schema
	used     map[string]bool
	problems []string
}

func (c *checker) add(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// bounded are version constraints that a later major version does not fulfil.
var bounded = regexp.MustCompile(`^(~> [0-9]+\.[0-9]+(\.[0-9]+)?|>= [0-9]+\.[0-9]+(\.[0-9]+)?, < [0-9]+\.[0-9]+)$`)

func (c *checker) checkVersions() {
	t := c.module.terraform
	if t == nil {
		c.add("%s: it has no terraform block with versions", c.module.dir)
		return
	}
	version := ""
	if a := t.Body.Attributes["required_version"]; a != nil {
		version, _ = literalText(a.Expr)
	}
	if !bounded.MatchString(version) {
		c.add("%s: required_version %q is not pinned to a major version", t.DefRange(), version)
	}
	for _, b := range t.Body.Blocks {
		if b.Type != "required_providers" {
			c.add("%s: a block %s is not understood here", b.DefRange(), b.Type)
			continue
		}
		for name, a := range b.Body.Attributes {
			v, diags := a.Expr.Value(nil)
			if diags.HasErrors() || !v.Type().IsObjectType() || !v.Type().HasAttribute("version") || v.GetAttr("version").Type() != cty.String || !bounded.MatchString(v.GetAttr("version").AsString()) {
				c.add("%s: provider %s is not pinned to a major version", a.NameRange, name)
			}
		}
	}
}

func (c *checker) checkVariable(v *variable) {
	if v.description == "" {
		c.add("%s: var.%s has no description", v.at, v.name)
	}
	if v.typ == cty.DynamicPseudoType {
		c.add("%s: var.%s has no type", v.at, v.name)
	}
	if len(v.validations) == 0 && v.typ != cty.Bool {
		c.add("%s: var.%s takes anything; give it a validation", v.at, v.name)
	}
	if v.def != nil {
		c.checkExpression(v.def, nil)
	}
	for _, r := range v.validations {
		own := false
		for _, t := range r.condition.Variables() {
			if ref, err := refer(t); err == nil {
				own = own || ref.address() == "var."+v.name
				if ref.root != "var" {
					c.add("%s: a validation sees variables only, not %s", t.SourceRange(), ref.address())
				}
			}
		}
		if !own {
			c.add("%s: a validation of var.%s does not look at it", r.condition.Range(), v.name)
		}
		c.walk(r.condition, nil, false)
		c.walk(r.message, nil, false)
	}
}

// checkValidationOrder: Terraform asks the validations of a variable after those
// of the variables they look at, so no two may look at one another.
func (c *checker) checkValidationOrder() {
	const asked, asking = 1, 2
	state := map[string]int{}
	var visit func(name string, path []string)
	visit = func(name string, path []string) {
		v := c.module.variables[name]
		if v == nil || state[name] == asked {
			return
		}
		path = append(path, "var."+name)
		if state[name] == asking {
			c.add("%s: validations look at one another: %s", v.at, strings.Join(path, ", "))
			return
		}
		state[name] = asking
		for _, r := range v.validations {
			for _, t := range slices.Concat(r.condition.Variables(), r.message.Variables()) {
				if ref, err := refer(t); err == nil && ref.root == "var" && ref.name != name {
					visit(ref.name, path)
				}
			}
		}
		state[name] = asked
	}
	for _, name := range slices.Sorted(maps.Keys(c.module.variables)) {
		visit(name, nil)
	}
}

func (c *checker) checkResource(r *resource) {
	known := c.known.of(r)
	if known == nil {
		c.add("%s: schema.json has no %s", r.at, r.typ)
		return
	}
	var iterators []string
	switch {
	case r.count != nil:
		c.checkExpression(r.count, nil)
		iterators = []string{"count"}
	case r.each != nil:
		c.checkExpression(r.each, nil)
		iterators = []string{"each"}
	}
	if r.dependsOn != nil {
		c.checkExpression(r.dependsOn, nil)
	}
	for _, p := range r.preconditions {
		c.checkExpression(p.condition, iterators)
		c.checkExpression(p.message, iterators)
	}
	c.checkContent(r.arguments(), r.body, known, iterators)
}

func (c *checker) checkContent(attributes map[string]*hclsyntax.Attribute, body *hclsyntax.Body, known *block, iterators []string) {
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		if !known.takes(name) {
			c.add("%s: schema.json has no argument %s here", a.NameRange, name)
		}
		c.checkExpression(a.Expr, iterators)
	}
	for _, name := range known.Required {
		if attributes[name] == nil {
			c.add("%s: the argument %s is missing", body.SrcRange, name)
		}
	}
	for _, b := range body.Blocks {
		name, inner, within := b.Type, b.Body, iterators
		switch b.Type {
		case "lifecycle":
			continue
		case "dynamic":
			if len(b.Labels) != 1 || len(b.Body.Blocks) != 1 || b.Body.Attributes["for_each"] == nil {
				c.add("%s: a dynamic block has a name, for_each and content here", b.DefRange())
				continue
			}
			c.checkExpression(b.Body.Attributes["for_each"].Expr, iterators)
			name, inner, within = b.Labels[0], b.Body.Blocks[0].Body, append(slices.Clone(iterators), b.Labels[0])
		}
		nested := known.Blocks[name]
		if nested == nil {
			c.add("%s: schema.json has no block %s here", b.DefRange(), name)
			continue
		}
		c.checkContent(inner.Attributes, inner, nested, within)
	}
}

func (c *checker) checkUnused() {
	for _, name := range slices.Sorted(maps.Keys(c.module.variables)) {
		if !c.used["var."+name] {
			c.add("%s: var.%s is not used", c.module.variables[name].at, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.module.locals)) {
		if !c.used["local."+name] {
			c.add("%s: local.%s is not used", c.module.locals[name].Range(), name)
		}
	}
	for _, address := range slices.Sorted(maps.Keys(c.module.resources)) {
		if strings.HasPrefix(address, "data.") && !c.used[address] {
			c.add("%s: %s is not used", c.module.resources[address].at, address)
		}
	}
}
