package main

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// value works out an expression. extra are each, count and the iterators of
// dynamic blocks.
func (p *planner) value(e hclsyntax.Expression, extra map[string]cty.Value) (cty.Value, error) {
	roots := map[string]map[string]cty.Value{}
	data := map[string]map[string]cty.Value{}
	ctx := &hcl.EvalContext{Functions: p.functions, Variables: map[string]cty.Value{}}
	add := func(to map[string]map[string]cty.Value, root, name string, v cty.Value) {
		if to[root] == nil {
			to[root] = map[string]cty.Value{}
		}
		to[root][name] = v
	}
	for _, t := range e.Variables() {
		if v, ok := extra[t.RootName()]; ok {
			ctx.Variables[t.RootName()] = v
			continue
		}
		ref, err := refer(t)
		if err != nil {
			return cty.NilVal, err
		}
		v, err := p.referred(ref, t.SourceRange())
		if err != nil {
			return cty.NilVal, err
		}
		if ref.root == "data" {
			add(data, ref.typ, ref.name, v)
		} else {
			add(roots, ref.root, ref.name, v)
		}
	}
	for typ, names := range data {
		add(roots, "data", typ, cty.ObjectVal(names))
	}
	for root, names := range roots {
		ctx.Variables[root] = cty.ObjectVal(names)
	}
	v, diags := e.Value(ctx)
	if diags.HasErrors() {
		return cty.NilVal, diags
	}
	return v, nil
}

// reference is what a traversal begins with.
type reference struct {
	root      string // var, local, data, or a resource type
	typ, name string // typ of a data source only
	rest      hcl.Traversal
}

func refer(t hcl.Traversal) (reference, error) {
	r := reference{root: t.RootName()}
	want := 1
	if r.root == "data" {
		want = 2
	}
	var names []string
	for _, step := range t[1:] {
		attr, ok := step.(hcl.TraverseAttr)
		if !ok || len(names) == want {
			break
		}
		names = append(names, attr.Name)
	}
	if len(names) < want {
		return r, fmt.Errorf("%s: a reference needs more than %s", t.SourceRange(), r.root)
	}
	r.name, r.rest = names[want-1], t[1+want:]
	if want == 2 {
		r.typ = names[0]
	}
	return r, nil
}

// address is how a reference's resource is listed in the module.
func (r reference) address() string {
	if r.root == "data" {
		return "data." + r.typ + "." + r.name
	}
	return r.root + "." + r.name
}

func (p *planner) referred(r reference, at hcl.Range) (cty.Value, error) {
	switch r.root {
	case "var":
		if v, ok := p.variables[r.name]; ok {
			return v, nil
		}
	case "local":
		if e := p.module.locals[r.name]; e != nil {
			return p.once("local."+r.name, func() (cty.Value, error) { return p.value(e, nil) })
		}
	default:
		if p.module.resources[r.address()] != nil {
			return p.resource(r.address())
		}
	}
	return cty.NilVal, fmt.Errorf("%s: there is no %s", at, r.address())
}

// once works out a value the first time it is asked for, and refuses circles.
func (p *planner) once(key string, f func() (cty.Value, error)) (cty.Value, error) {
	if v, ok := p.done[key]; ok {
		return v, nil
	}
	if p.open[key] {
		return cty.NilVal, fmt.Errorf("%s depends on itself", key)
	}
	p.open[key] = true
	defer delete(p.open, key)
	v, err := f()
	if err == nil {
		p.done[key] = v
	}
	return v, err
}
