package main

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

func (c *checker) checkExpression(e hclsyntax.Expression, iterators []string) {
	c.walk(e, iterators, true)
}

// walk resolves every reference in an expression. uses says whether referring
// to a variable is a use of it: in its validation it is none.
func (c *checker) walk(e hclsyntax.Expression, iterators []string, uses bool) {
	for _, t := range e.Variables() {
		if slices.Contains(iterators, t.RootName()) {
			continue
		}
		ref, err := refer(t)
		if err != nil {
			c.add("%v", err)
			continue
		}
		address := ref.address()
		if uses {
			c.used[address] = true
		}
		switch ref.root {
		case "var":
			if c.module.variables[ref.name] == nil {
				c.add("%s: there is no %s", t.SourceRange(), address)
			}
		case "local":
			if c.module.locals[ref.name] == nil {
				c.add("%s: there is no %s", t.SourceRange(), address)
			}
		default:
			c.checkAttribute(ref, t.SourceRange())
		}
	}
	_ = hclsyntax.VisitAll(e, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *hclsyntax.SplatExpr:
			if each, ok := n.Each.(*hclsyntax.RelativeTraversalExpr); ok {
				c.checkAttributeOf(n.Source, each.Traversal, n.Range())
			}
		case *hclsyntax.RelativeTraversalExpr:
			if index, ok := n.Source.(*hclsyntax.IndexExpr); ok {
				c.checkAttributeOf(index.Collection, n.Traversal, n.Range())
			}
		case *hclsyntax.FunctionCallExpr:
			if _, known := functions("")[n.Name]; !known {
				c.add("%s: the function %s is not understood here", n.NameRange, n.Name)
			}
		}
		return nil
	})
}

// checkAttribute looks at type.name, type.name.attribute and
// type.name[key].attribute.
func (c *checker) checkAttribute(ref reference, at hcl.Range) {
	r := c.module.resources[ref.address()]
	if r == nil {
		c.add("%s: there is no %s", at, ref.address())
		return
	}
	known, rest := c.known.of(r), ref.rest
	many := r.count != nil || r.each != nil
	if len(rest) > 0 {
		if _, indexed := rest[0].(hcl.TraverseIndex); indexed != many {
			c.add("%s: %s has an index where there is one of it, or none where there are many", at, ref.address())
			return
		} else if indexed {
			rest = rest[1:]
		}
	}
	if len(rest) == 0 || known == nil {
		return
	}
	if attr, ok := rest[0].(hcl.TraverseAttr); !ok || !known.tells(attr.Name) {
		c.add("%s: schema.json has no such attribute of %s", at, ref.address())
	}
}

// checkAttributeOf looks at type.name[*].attribute and type.name[key].attribute
// with a key that is worked out.
func (c *checker) checkAttributeOf(source hclsyntax.Expression, then hcl.Traversal, at hcl.Range) {
	of, ok := source.(*hclsyntax.ScopeTraversalExpr)
	if !ok || len(then) == 0 {
		return
	}
	ref, err := refer(of.Traversal)
	if err != nil || len(ref.rest) > 0 || c.module.resources[ref.address()] == nil {
		return
	}
	known := c.known.of(c.module.resources[ref.address()])
	if attr, ok := then[0].(hcl.TraverseAttr); known != nil && (!ok || !known.tells(attr.Name)) {
		c.add("%s: schema.json has no such attribute of %s", at, ref.address())
	}
}
