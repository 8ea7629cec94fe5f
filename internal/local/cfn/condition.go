package cfn

import (
	"fmt"
	"maps"
	"slices"
)

// rule is an entry of the section Rules: assertions on parameters, which
// CloudFormation checks before it makes anything.
type rule struct {
	name       string
	when       *node // nil: always
	assertions []assertion
}

type assertion struct {
	assert      node
	description string
}

func parseRule(m member) (rule, error) {
	r := rule{name: m.name}
	if m.value.kind != mapNode {
		return r, m.value.errorf("a rule is a map with Assertions")
	}
	for _, a := range m.value.members {
		switch a.name {
		case "RuleCondition":
			when := a.value
			r.when = &when
		case "Assertions":
			if a.value.kind != listNode {
				return r, a.value.errorf("Assertions is a list")
			}
			for _, item := range a.value.items {
				one, err := parseAssertion(item)
				if err != nil {
					return r, err
				}
				r.assertions = append(r.assertions, one)
			}
		default:
			return r, a.value.errorf("%s is not understood in a rule", a.name)
		}
	}
	if len(r.assertions) == 0 {
		return r, m.value.errorf("a rule needs Assertions")
	}
	return r, nil
}

func parseAssertion(n node) (assertion, error) {
	var one assertion
	found := false
	for _, a := range n.members {
		var err error
		switch a.name {
		case "Assert":
			one.assert, found = a.value, true
		case "AssertDescription":
			one.description, err = a.value.text(a.name)
		default:
			err = a.value.errorf("%s is not understood in an assertion", a.name)
		}
		if err != nil {
			return one, err
		}
	}
	if !found {
		return one, n.errorf("an assertion needs Assert")
	}
	return one, nil
}

func (s *scope) checkRule(r rule) error {
	e := evaluator{scope: s, namesOnly: true, inRule: true}
	if r.when != nil {
		applies, err := e.decide(*r.when)
		if err != nil {
			return fmt.Errorf("in Rules.%s: %w", r.name, err)
		}
		if !applies {
			return nil
		}
	}
	for _, a := range r.assertions {
		holds, err := e.decide(a.assert)
		if err != nil {
			return fmt.Errorf("in Rules.%s: %w", r.name, err)
		}
		if !holds {
			return fmt.Errorf("rule %s: %s", r.name, a.description)
		}
	}
	return nil
}

// decideAll decides every condition of the template.
func (s *scope) decideAll() (map[string]bool, error) {
	e := evaluator{scope: s, namesOnly: true, decided: map[string]bool{}, deciding: map[string]bool{}}
	for _, name := range slices.Sorted(maps.Keys(s.template.conditions)) {
		if _, err := e.condition(node{}, name); err != nil {
			return nil, err
		}
	}
	return e.decided, nil
}

// condition decides a condition by its name, once.
func (e evaluator) condition(n node, name string) (bool, error) {
	if e.inRule {
		return false, n.errorf("a rule cannot use the condition %s", name)
	}
	if e.decided == nil { // all are decided by now
		value, ok := e.scope.conditions[name]
		if !ok {
			return false, n.errorf("there is no condition %s", name)
		}
		return value, nil
	}
	if value, ok := e.decided[name]; ok {
		return value, nil
	}
	body, ok := e.scope.template.conditions[name]
	if !ok {
		return false, n.errorf("there is no condition %s", name)
	}
	if e.deciding[name] {
		return false, body.errorf("the condition %s depends on itself", name)
	}
	e.deciding[name] = true
	value, err := e.decide(body)
	if err != nil {
		return false, fmt.Errorf("in Conditions.%s: %w", name, err)
	}
	e.decided[name] = value
	return value, nil
}

// decide works out a condition function.
func (e evaluator) decide(n node) (bool, error) {
	if n.kind != mapNode || len(n.members) != 1 {
		return false, n.errorf("a condition is one function: Equals, Not, And, Or or Condition")
	}
	name, arg := n.members[0].name, n.members[0].value
	switch name {
	case "Condition":
		other, err := arg.text("Condition")
		if err != nil {
			return false, err
		}
		return e.condition(arg, other)
	case "Fn::Equals":
		return e.equals(arg)
	case "Fn::Not":
		values, err := e.decideEach(name, arg, 1, 1)
		return err == nil && !values[0], err
	case "Fn::And":
		values, err := e.decideEach(name, arg, 2, 10)
		return err == nil && !slices.Contains(values, false), err
	case "Fn::Or":
		values, err := e.decideEach(name, arg, 2, 10)
		return err == nil && slices.Contains(values, true), err
	case "Fn::Contains", "Fn::EachMemberIn", "Fn::EachMemberEquals":
		if e.inRule {
			return e.membership(name, arg)
		}
	}
	return false, n.errorf("the function %s is not understood in a condition", name)
}

func (e evaluator) decideEach(name string, arg node, least, most int) ([]bool, error) {
	if arg.kind != listNode || len(arg.items) < least || len(arg.items) > most {
		return nil, arg.errorf("%s takes a list of %d to %d conditions", name, least, most)
	}
	values := make([]bool, len(arg.items))
	for i, item := range arg.items { // all of them: a mistake behind a false one is a mistake
		var err error
		if values[i], err = e.decide(item); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func (e evaluator) equals(arg node) (bool, error) {
	if arg.kind != listNode || len(arg.items) != 2 {
		return false, arg.errorf("Fn::Equals takes two values")
	}
	var texts [2]string
	for i, item := range arg.items {
		v, err := e.value(item)
		if err != nil {
			return false, err
		}
		var ok bool
		if texts[i], ok = Text(v); !ok {
			return false, item.errorf("Fn::Equals compares single values, not lists or maps")
		}
	}
	return texts[0] == texts[1], nil
}

// membership works out the functions on lists that only rules have.
func (e evaluator) membership(name string, arg node) (bool, error) {
	if arg.kind != listNode || len(arg.items) != 2 {
		return false, arg.errorf("%s takes two values", name)
	}
	list, err := e.textList(name, arg.items[0])
	if err != nil {
		return false, err
	}
	if name == "Fn::EachMemberIn" {
		within, err := e.textList(name, arg.items[1])
		return err == nil && !slices.ContainsFunc(list, func(s string) bool { return !slices.Contains(within, s) }), err
	}
	one, err := e.textOf(name, arg.items[1])
	if name == "Fn::Contains" {
		return err == nil && slices.Contains(list, one), err
	}
	return err == nil && !slices.ContainsFunc(list, func(s string) bool { return s != one }), err
}
