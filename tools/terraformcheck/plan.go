package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// input is what a module is worked out with.
type input struct {
	Variables map[string]json.RawMessage            `json:"variables"`
	Known     map[string]map[string]json.RawMessage `json:"known"` // by address, with or without its index: what AWS tells
}

// answer is what came of an input: refusals, or a problem of the module
// itself, or all that the module makes.
type answer struct {
	Refused   []string                   `json:"refused,omitempty"`
	Problem   string                     `json:"problem,omitempty"`
	Variables map[string]json.RawMessage `json:"variables,omitempty"` // defaults included
	Resources map[string]json.RawMessage `json:"resources,omitempty"`
	Outputs   map[string]json.RawMessage `json:"outputs,omitempty"`
}

// planner works out one input. Values are worked out when they are asked for,
// each once.
type planner struct {
	module    *module
	known     *schema
	in        input
	functions map[string]function.Function
	variables map[string]cty.Value
	done      map[string]cty.Value // locals and resources, by how they are referred to
	open      map[string]bool
	instances map[string]cty.Value // by full address
}

func (m *module) plan(known *schema, in input) answer {
	p := &planner{
		module: m, known: known, in: in, functions: functions(m.dir), variables: map[string]cty.Value{},
		done: map[string]cty.Value{}, open: map[string]bool{}, instances: map[string]cty.Value{},
	}
	refused, err := p.bindVariables()
	if err != nil || len(refused) > 0 {
		return answer{Refused: refused, Problem: text(err)}
	}
	for _, address := range slices.Sorted(maps.Keys(m.resources)) {
		if _, err := p.resource(address); err != nil {
			return answer{Problem: err.Error()}
		}
		if refused, err = p.check(m.resources[address].preconditions, refused); err != nil {
			return answer{Problem: err.Error()}
		}
	}
	if len(refused) > 0 {
		return answer{Refused: refused}
	}
	a := answer{Variables: map[string]json.RawMessage{}, Resources: map[string]json.RawMessage{}, Outputs: map[string]json.RawMessage{}}
	for name, value := range p.variables {
		a.Variables[name] = encode(value)
	}
	for address, value := range p.instances {
		a.Resources[address] = encode(value)
	}
	for name, o := range m.outputs {
		value, err := p.value(o.value, nil)
		if err != nil {
			return answer{Problem: err.Error()}
		}
		a.Outputs[name] = encode(value)
	}
	return a
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func encode(v cty.Value) json.RawMessage {
	out, err := ctyjson.SimpleJSONValue{Value: v}.MarshalJSON()
	if err != nil {
		return json.RawMessage(`"` + strings.ReplaceAll(err.Error(), `"`, "'") + `"`)
	}
	return out
}

func decode(raw json.RawMessage) (cty.Value, error) {
	t, err := ctyjson.ImpliedType(raw)
	if err != nil {
		return cty.NilVal, err
	}
	return ctyjson.Unmarshal(raw, t)
}

// bindVariables takes the given values and the defaults, and asks every
// validation.
func (p *planner) bindVariables() (refused []string, err error) {
	for name := range p.in.Variables {
		if p.module.variables[name] == nil {
			refused = append(refused, name+": there is no variable of this name")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.module.variables)) {
		v := p.module.variables[name]
		raw, given := p.in.Variables[name]
		value := cty.NullVal(v.typ)
		switch {
		case given:
			if value, err = decode(raw); err != nil {
				return nil, err
			}
		case v.def == nil:
			refused = append(refused, name+": it has no default; give it a value")
			continue
		}
		if v.def != nil && (!given || value.IsNull() && !v.nullable) {
			if value, err = p.value(v.def, nil); err != nil {
				return nil, err
			}
		}
		converted, err := convert.Convert(value, v.typ)
		if err != nil {
			refused = append(refused, name+": "+err.Error())
			continue
		}
		if converted.IsNull() && !v.nullable {
			refused = append(refused, name+": it must have a value")
			continue
		}
		p.variables[name] = converted
	}
	if len(refused) > 0 {
		return refused, nil
	}
	for _, name := range slices.Sorted(maps.Keys(p.module.variables)) {
		if refused, err = p.check(p.module.variables[name].validations, refused); err != nil {
			return nil, err
		}
	}
	return refused, nil
}

// check asks rules, and adds what the broken ones say.
func (p *planner) check(rules []rule, refused []string) ([]string, error) {
	for _, r := range rules {
		holds, err := p.value(r.condition, nil)
		if err != nil {
			return nil, err
		}
		if holds.Type() != cty.Bool || holds.IsNull() {
			return nil, fmt.Errorf("%s: a condition is true or false", r.condition.Range())
		}
		if holds.True() {
			continue
		}
		message, err := p.value(r.message, nil)
		if err != nil {
			return nil, err
		}
		refused = append(refused, message.AsString())
	}
	return refused, nil
}
