package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// functions are those of Terraform's that the modules use. A call of another
// one is an error, never a guess.
func functions(dir string) map[string]function.Function {
	return map[string]function.Function{
		"alltrue":          alltrue,
		"can":              tryfunc.CanFunc,
		"compact":          stdlib.CompactFunc,
		"concat":           stdlib.ConcatFunc,
		"contains":         stdlib.ContainsFunc,
		"distinct":         stdlib.DistinctFunc,
		"element":          stdlib.ElementFunc,
		"endswith":         ofText(cty.Bool, 2, func(s ...string) (cty.Value, error) { return cty.BoolVal(strings.HasSuffix(s[0], s[1])), nil }),
		"filebase64sha256": fileHash(dir),
		"fileexists":       fileExists(dir),
		"floor":            stdlib.FloorFunc,
		"join":             stdlib.JoinFunc,
		"jsonencode":       stdlib.JSONEncodeFunc,
		"length":           length,
		"merge":            stdlib.MergeFunc,
		"one":              one,
		"replace":          ofText(cty.String, 3, func(s ...string) (cty.Value, error) { return cty.StringVal(strings.ReplaceAll(s[0], s[1], s[2])), nil }),
		"regex":            stdlib.RegexFunc,
		"sha256": ofText(cty.String, 1, func(s ...string) (cty.Value, error) {
			sum := sha256.Sum256([]byte(s[0]))
			return cty.StringVal(hex.EncodeToString(sum[:])), nil
		}),
		"sort":   stdlib.SortFunc,
		"split":  stdlib.SplitFunc,
		"toset":  toset,
		"values": stdlib.ValuesFunc,
	}
}

// ofText is a function of strings.
func ofText(returns cty.Type, parameters int, f func(...string) (cty.Value, error)) function.Function {
	spec := &function.Spec{Type: function.StaticReturnType(returns)}
	for range parameters {
		spec.Params = append(spec.Params, function.Parameter{Name: "text", Type: cty.String})
	}
	spec.Impl = func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		texts := make([]string, len(args))
		for i, a := range args {
			texts[i] = a.AsString()
		}
		return f(texts...)
	}
	return function.New(spec)
}

func beneath(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

func fileExists(dir string) function.Function {
	return ofText(cty.Bool, 1, func(s ...string) (cty.Value, error) {
		info, err := os.Stat(beneath(dir, s[0]))
		return cty.BoolVal(err == nil && info.Mode().IsRegular()), nil
	})
}

func fileHash(dir string) function.Function {
	return ofText(cty.String, 1, func(s ...string) (cty.Value, error) {
		text, err := os.ReadFile(beneath(dir, s[0]))
		if err != nil {
			return cty.UnknownVal(cty.String), err
		}
		sum := sha256.Sum256(text)
		return cty.StringVal(base64.StdEncoding.EncodeToString(sum[:])), nil
	})
}

// ofAny is a function of one value of any type.
func ofAny(returns func(cty.Value) (cty.Type, error), f func(cty.Value) (cty.Value, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType}},
		Type:   func(args []cty.Value) (cty.Type, error) { return returns(args[0]) },
		Impl:   func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f(args[0]) },
	})
}

func always(t cty.Type) func(cty.Value) (cty.Type, error) {
	return func(cty.Value) (cty.Type, error) { return t, nil }
}

var alltrue = ofAny(always(cty.Bool), func(v cty.Value) (cty.Value, error) {
	list, err := convert.Convert(v, cty.List(cty.Bool))
	if err != nil {
		return cty.UnknownVal(cty.Bool), err
	}
	for _, item := range list.AsValueSlice() {
		if item.IsNull() || item.False() {
			return cty.False, nil
		}
	}
	return cty.True, nil
})

// length is of characters for a string, else of elements.
var length = ofAny(always(cty.Number), func(v cty.Value) (cty.Value, error) {
	switch t := v.Type(); {
	case t == cty.String:
		return stdlib.Strlen(v)
	case t.IsObjectType():
		return cty.NumberIntVal(int64(len(t.AttributeTypes()))), nil
	case t.IsTupleType(), t.IsListType(), t.IsSetType(), t.IsMapType():
		return cty.NumberIntVal(int64(v.LengthInt())), nil
	}
	return cty.UnknownVal(cty.Number), errors.New("length takes a string, a list, a set or a map")
})

var toset = ofAny(func(v cty.Value) (cty.Type, error) {
	converted, err := convert.Convert(v, cty.Set(cty.DynamicPseudoType))
	return converted.Type(), err
}, func(v cty.Value) (cty.Value, error) { return convert.Convert(v, cty.Set(cty.DynamicPseudoType)) })

// one is the element of a list of one, null of an empty list.
var one = ofAny(func(v cty.Value) (cty.Type, error) {
	switch t := v.Type(); {
	case t.IsTupleType() && t.Length() == 1:
		return t.TupleElementType(0), nil
	case t.IsTupleType() && t.Length() == 0:
		return cty.DynamicPseudoType, nil
	case t.IsListType(), t.IsSetType():
		return t.ElementType(), nil
	}
	return cty.DynamicPseudoType, errors.New("one takes a list with one element or none")
}, func(v cty.Value) (cty.Value, error) {
	switch items := v.AsValueSlice(); len(items) {
	case 0:
		return cty.NullVal(cty.DynamicPseudoType), nil
	case 1:
		return items[0], nil
	default:
		return cty.DynamicVal, errors.New("one takes a list with one element or none")
	}
})
