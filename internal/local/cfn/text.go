package cfn

import (
	"strings"
)

// textOf resolves a node to a single value, as text.
func (e evaluator) textOf(what string, n node) (string, error) {
	v, err := e.value(n)
	if err != nil {
		return "", err
	}
	s, ok := Text(v)
	if !ok {
		return "", n.errorf("%s takes a single value here, not a list, a map or AWS::NoValue", what)
	}
	return s, nil
}

// listOf resolves a node to a list.
func (e evaluator) listOf(what string, n node) ([]any, error) {
	v, err := e.value(n)
	if err != nil {
		return nil, err
	}
	list, ok := v.([]any)
	if !ok {
		return nil, n.errorf("%s takes a list here", what)
	}
	return list, nil
}

// textList resolves a node to a list of single values, as text.
func (e evaluator) textList(what string, n node) ([]string, error) {
	list, err := e.listOf(what, n)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(list))
	for i, v := range list {
		var ok bool
		if out[i], ok = Text(v); !ok {
			return nil, n.errorf("%s takes a list of single values here", what)
		}
	}
	return out, nil
}

// join is Fn::Join. Its delimiter is plain text: CloudFormation takes no
// function there.
func (e evaluator) join(arg node) (any, error) {
	if arg.kind != listNode || len(arg.items) != 2 {
		return nil, arg.errorf("Fn::Join takes a delimiter and a list")
	}
	delimiter, err := arg.items[0].text("the delimiter of Fn::Join")
	if err != nil {
		return nil, err
	}
	parts, err := e.textList("Fn::Join", arg.items[1])
	if err != nil {
		return nil, err
	}
	return strings.Join(parts, delimiter), nil
}

// split is Fn::Split.
func (e evaluator) split(arg node) (any, error) {
	if arg.kind != listNode || len(arg.items) != 2 {
		return nil, arg.errorf("Fn::Split takes a delimiter and a text")
	}
	delimiter, err := arg.items[0].text("the delimiter of Fn::Split")
	if err != nil {
		return nil, err
	}
	if delimiter == "" {
		return nil, arg.errorf("the delimiter of Fn::Split is empty")
	}
	text, err := e.textOf("Fn::Split", arg.items[1])
	if err != nil {
		return nil, err
	}
	list := []any{}
	for part := range strings.SplitSeq(text, delimiter) {
		list = append(list, part)
	}
	return list, nil
}

// sub is Fn::Sub: a text, or a text and a map of variables.
func (e evaluator) sub(arg node) (any, error) {
	variables := map[string]string{}
	text := arg
	if arg.kind == listNode {
		if len(arg.items) != 2 || arg.items[1].kind != mapNode {
			return nil, arg.errorf("Fn::Sub takes a text, or a list of a text and a map of variables")
		}
		text = arg.items[0]
		for _, m := range arg.items[1].members {
			if !isLogicalID(m.name) {
				return nil, m.value.errorf("Fn::Sub: %q is no name of a variable; names are of letters and digits", m.name)
			}
			v, err := e.textOf("Fn::Sub", m.value)
			if err != nil {
				return nil, err
			}
			variables[m.name] = v
		}
	}
	template, err := text.text("Fn::Sub")
	if err != nil {
		return nil, err
	}
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(template, "${")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, text.errorf("Fn::Sub: ${ is not closed")
		}
		template = after
		if literal, ok := strings.CutPrefix(name, "!"); ok { // ${!x} is written for ${x}
			out.WriteString("${" + literal + "}")
			continue
		}
		v, err := e.variable(text, name, variables)
		if err != nil {
			return nil, err
		}
		out.WriteString(v)
	}
}

// variable is the value of ${name}.
func (e evaluator) variable(n node, name string, variables map[string]string) (string, error) {
	if v, ok := variables[name]; ok {
		return v, nil
	}
	var v any
	var err error
	if id, attribute, ok := strings.Cut(name, "."); ok && attribute != "" {
		v, err = e.reference(n, id, attribute)
	} else {
		v, err = e.ref(n, name)
	}
	if err != nil {
		return "", err
	}
	s, ok := Text(v)
	if !ok {
		return "", n.errorf("Fn::Sub: ${%s} is not a single value", name)
	}
	return s, nil
}
