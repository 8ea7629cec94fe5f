package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// resource is all instances of a resource, as a reference to it sees them.
func (p *planner) resource(address string) (cty.Value, error) {
	r := p.module.resources[address]
	return p.once(address, func() (cty.Value, error) {
		switch {
		case r.count != nil:
			return p.counted(r)
		case r.each != nil:
			return p.forEach(r)
		default:
			return p.instance(r, "", nil)
		}
	})
}

func (p *planner) counted(r *resource) (cty.Value, error) {
	count, err := p.value(r.count, nil)
	if err != nil {
		return cty.NilVal, err
	}
	if count.Type() != cty.Number || count.IsNull() {
		return cty.NilVal, fmt.Errorf("%s: count is a number", r.at)
	}
	n, _ := count.AsBigFloat().Int64()
	list := make([]cty.Value, n)
	for i := range list {
		extra := map[string]cty.Value{"count": cty.ObjectVal(map[string]cty.Value{"index": cty.NumberIntVal(int64(i))})}
		if list[i], err = p.instance(r, fmt.Sprintf("[%d]", i), extra); err != nil {
			return cty.NilVal, err
		}
	}
	return cty.TupleVal(list), nil
}

func (p *planner) forEach(r *resource) (cty.Value, error) {
	each, err := p.value(r.each, nil)
	if err != nil {
		return cty.NilVal, err
	}
	if t := each.Type(); !t.IsMapType() && !t.IsObjectType() && !t.IsSetType() {
		return cty.NilVal, fmt.Errorf("%s: for_each is a map or a set, not %s", r.at, t.FriendlyName())
	}
	all := map[string]cty.Value{}
	for it := each.ElementIterator(); it.Next(); {
		key, value := it.Element()
		if each.Type().IsSetType() {
			key = value
		}
		extra := map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": key, "value": value})}
		if all[key.AsString()], err = p.instance(r, fmt.Sprintf("[%q]", key.AsString()), extra); err != nil {
			return cty.NilVal, err
		}
	}
	return cty.ObjectVal(all), nil
}

// instance is one instance: what is written, and what AWS tells of it.
func (p *planner) instance(r *resource, index string, extra map[string]cty.Value) (cty.Value, error) {
	known := p.known.of(r)
	if known == nil {
		return cty.NilVal, fmt.Errorf("%s: schema.json has no %s", r.at, r.typ)
	}
	values, err := p.content(r.arguments(), r.body.Blocks, known, extra)
	if err != nil {
		return cty.NilVal, err
	}
	for _, told := range []map[string]json.RawMessage{p.in.Known[r.address+index], p.in.Known[r.address]} {
		for name, raw := range told {
			if v, ok := values[name]; ok && !v.IsNull() || !known.tells(name) {
				continue
			}
			if values[name], err = decode(raw); err != nil {
				return cty.NilVal, err
			}
		}
	}
	v := cty.ObjectVal(values)
	p.instances[r.address+index] = v
	return v, nil
}

// content is what stands in a resource or nested block. What is not written is
// null; what only AWS can tell is left out, so that asking for it is an error
// unless the input tells it.
func (p *planner) content(attributes map[string]*hclsyntax.Attribute, blocks hclsyntax.Blocks, known *block, extra map[string]cty.Value) (map[string]cty.Value, error) {
	values := map[string]cty.Value{}
	for _, name := range slices.Concat(known.Required, known.Optional) {
		values[name] = cty.NullVal(cty.DynamicPseudoType)
	}
	for name, a := range attributes {
		if !known.takes(name) {
			return nil, fmt.Errorf("%s: schema.json has no argument %s here", a.NameRange, name)
		}
		var err error
		if values[name], err = p.value(a.Expr, extra); err != nil {
			return nil, err
		}
	}
	nested := map[string][]cty.Value{}
	for _, b := range blocks {
		if b.Type == "lifecycle" {
			continue
		}
		name, found, err := p.nested(b, known, extra)
		if err != nil {
			return nil, err
		}
		nested[name] = append(nested[name], found...)
	}
	for name := range known.Blocks {
		values[name] = cty.TupleVal(nested[name])
	}
	return values, nil
}

// nested is what a block, or a dynamic block, makes.
func (p *planner) nested(b *hclsyntax.Block, known *block, extra map[string]cty.Value) (string, []cty.Value, error) {
	name, body := b.Type, b.Body
	turns := []map[string]cty.Value{extra}
	if b.Type == "dynamic" {
		each := b.Body.Attributes["for_each"]
		if len(b.Labels) != 1 || each == nil || len(b.Body.Attributes) != 1 || len(b.Body.Blocks) != 1 || b.Body.Blocks[0].Type != "content" {
			return "", nil, fmt.Errorf("%s: a dynamic block has a name, for_each and content here", b.DefRange())
		}
		name, body = b.Labels[0], b.Body.Blocks[0].Body
		over, err := p.value(each.Expr, extra)
		if err != nil {
			return "", nil, err
		}
		turns = nil
		for it := over.ElementIterator(); it.Next(); {
			key, value := it.Element()
			turn := maps.Clone(extra)
			if turn == nil {
				turn = map[string]cty.Value{}
			}
			turn[name] = cty.ObjectVal(map[string]cty.Value{"key": key, "value": value})
			turns = append(turns, turn)
		}
	}
	inner := known.Blocks[name]
	if inner == nil {
		return "", nil, fmt.Errorf("%s: schema.json has no block %s here", b.DefRange(), name)
	}
	var found []cty.Value
	for _, turn := range turns {
		values, err := p.content(body.Attributes, body.Blocks, inner, turn)
		if err != nil {
			return "", nil, err
		}
		found = append(found, cty.ObjectVal(values))
	}
	return name, found, nil
}
