package cfn

import (
	"slices"
	"strconv"
	"strings"
)

// evaluator works out values in one place of a template.
type evaluator struct {
	scope     *scope
	uses      map[string]bool // logical ids referred to; nil: nobody asks
	namesOnly bool            // in conditions and rules: no resources, no Fn::If
	inRule    bool

	decided, deciding map[string]bool // while the conditions are being decided
}

// absent is the value of AWS::NoValue: the property, or item, is left out.
type absent struct{}

// value resolves a node.
func (e evaluator) value(n node) (any, error) {
	switch n.kind {
	case listNode:
		list := make([]any, 0, len(n.items))
		for _, item := range n.items {
			v, err := e.value(item)
			if err != nil {
				return nil, err
			}
			if v != (absent{}) {
				list = append(list, v)
			}
		}
		return list, nil
	case mapNode:
		if slices.ContainsFunc(n.members, func(m member) bool { return isFunction(m.name) }) {
			if len(n.members) != 1 {
				return nil, n.errorf("a function stands alone in its map; here are other keys beside it")
			}
			return e.call(n, n.members[0].name, n.members[0].value)
		}
		out := make(map[string]any, len(n.members))
		for _, m := range n.members {
			v, err := e.value(m.value)
			if err != nil {
				return nil, err
			}
			if v != (absent{}) {
				out[m.name] = v
			}
		}
		return out, nil
	default:
		return n.value, nil
	}
}

func isFunction(key string) bool { return key == "Ref" || strings.HasPrefix(key, "Fn::") }

// call works out a function. What is not listed is an error.
func (e evaluator) call(n node, name string, arg node) (any, error) {
	switch name {
	case "Ref":
		to, err := arg.text("Ref")
		if err != nil {
			return nil, err
		}
		return e.ref(arg, to)
	case "Fn::GetAtt":
		id, attribute, err := attributeOf(arg)
		if err != nil {
			return nil, err
		}
		return e.reference(arg, id, attribute)
	case "Fn::Sub":
		return e.sub(arg)
	case "Fn::Join":
		return e.join(arg)
	case "Fn::Split":
		return e.split(arg)
	case "Fn::Select":
		return e.selectOne(arg)
	case "Fn::FindInMap":
		return e.findInMap(arg)
	case "Fn::If":
		return e.choose(arg)
	case "Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or", "Fn::Contains", "Fn::EachMemberIn", "Fn::EachMemberEquals":
		return nil, n.errorf("%s stands in Conditions or Rules only", name)
	default:
		return nil, n.errorf("the function %s is not understood here", name)
	}
}

// ref is the value of a parameter, pseudo parameter or resource.
func (e evaluator) ref(n node, to string) (any, error) {
	if to == "AWS::NoValue" {
		if e.namesOnly {
			return nil, n.errorf("AWS::NoValue has no place in a condition")
		}
		return absent{}, nil
	}
	if strings.HasPrefix(to, "AWS::") {
		v, known := e.scope.pseudo[to]
		switch {
		case !known:
			return nil, n.errorf("the pseudo parameter %s is not understood here", to)
		case v == "":
			return nil, n.errorf("the pseudo parameter %s has no value here", to)
		}
		return v, nil
	}
	if v, ok := e.scope.parameters[to]; ok {
		return v, nil
	}
	return e.reference(n, to, "")
}

// attributeOf reads "Id.Attribute" or [Id, Attribute].
func attributeOf(arg node) (id, attribute string, err error) {
	if arg.kind == listNode {
		parts, err := arg.texts("Fn::GetAtt")
		if err != nil {
			return "", "", err
		}
		if len(parts) != 2 || parts[1] == "" {
			return "", "", arg.errorf("Fn::GetAtt takes a logical id and an attribute")
		}
		return parts[0], parts[1], nil
	}
	text, err := arg.text("Fn::GetAtt")
	if err != nil {
		return "", "", err
	}
	id, attribute, _ = strings.Cut(text, ".")
	if attribute == "" {
		return "", "", arg.errorf("Fn::GetAtt takes a logical id and an attribute: Id.Attribute")
	}
	return id, attribute, nil
}

// choose is Fn::If. Only the branch that is taken is worked out: the other may
// refer to what is not created.
func (e evaluator) choose(arg node) (any, error) {
	if e.namesOnly {
		return nil, arg.errorf("Fn::If has no place in a condition")
	}
	if arg.kind != listNode || len(arg.items) != 3 {
		return nil, arg.errorf("Fn::If takes a condition's name and two values")
	}
	name, err := arg.items[0].text("the condition of Fn::If")
	if err != nil {
		return nil, err
	}
	holds, err := e.condition(arg.items[0], name)
	if err != nil {
		return nil, err
	}
	if holds {
		return e.value(arg.items[1])
	}
	return e.value(arg.items[2])
}

// selectOne is Fn::Select.
func (e evaluator) selectOne(arg node) (any, error) {
	if arg.kind != listNode || len(arg.items) != 2 {
		return nil, arg.errorf("Fn::Select takes an index and a list")
	}
	text, err := e.textOf("the index of Fn::Select", arg.items[0])
	if err != nil {
		return nil, err
	}
	list, err := e.listOf("Fn::Select", arg.items[1])
	if err != nil {
		return nil, err
	}
	i, err := strconv.Atoi(text)
	if err != nil || i < 0 || i >= len(list) {
		return nil, arg.errorf("Fn::Select: %q is no index of a list of %d", text, len(list))
	}
	return list[i], nil
}

// findInMap is Fn::FindInMap.
func (e evaluator) findInMap(arg node) (any, error) {
	if arg.kind != listNode || len(arg.items) != 3 {
		return nil, arg.errorf("Fn::FindInMap takes a map's name and two keys")
	}
	var keys [3]string
	for i, item := range arg.items {
		var err error
		if keys[i], err = e.textOf("Fn::FindInMap", item); err != nil {
			return nil, err
		}
	}
	at, ok := e.scope.template.mappings[keys[0]]
	for _, key := range keys[1:] {
		if ok {
			at, ok = at.member(key)
		}
	}
	if !ok {
		return nil, arg.errorf("Fn::FindInMap: there is no %s", strings.Join(keys[:], "."))
	}
	return evaluator{scope: e.scope}.value(at)
}

func (n node) member(name string) (node, bool) {
	i := slices.IndexFunc(n.members, func(m member) bool { return m.name == name })
	if i < 0 {
		return node{}, false
	}
	return n.members[i].value, true
}

// checkMapping refuses a mapping that is not two levels of names above plain
// values, or lists of them.
func checkMapping(m member) error {
	if m.value.kind != mapNode {
		return m.value.errorf("a mapping has two levels of names")
	}
	for _, first := range m.value.members {
		if first.value.kind != mapNode {
			return first.value.errorf("a mapping has two levels of names")
		}
		for _, second := range first.value.members {
			leaves := []node{second.value}
			if second.value.kind == listNode {
				leaves = second.value.items
			}
			for _, leaf := range leaves {
				if leaf.kind != scalarNode {
					return leaf.errorf("a mapping holds plain values, or lists of them")
				}
			}
		}
	}
	return nil
}
