package deploy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/credvend/credvend/internal/local/cfn"
	"github.com/credvend/credvend/internal/local/iam"
)

// properties are those of a resource, or of a part of one, being read. It
// remembers what was asked for, and the first thing that was wrong.
type properties struct {
	at     string // Resources.IamApi
	values map[string]any
	used   map[string]bool
	err    error
}

func (p *properties) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("in "+p.at+": "+format, args...)
	}
}

// done tells what was wrong, or which property nobody asked for.
func (p *properties) done(idle ...string) error {
	if p.err != nil {
		return p.err
	}
	for _, name := range slices.Sorted(maps.Keys(p.values)) {
		if !p.used[name] && !slices.Contains(idle, name) {
			return fmt.Errorf("in %s: a local run does not know how to play the property %s", p.at, name)
		}
	}
	return nil
}

func (p *properties) has(name string) bool { _, ok := p.values[name]; return ok }

func (p *properties) raw(name string) any {
	p.used[name] = true
	return p.values[name]
}

// text is a single value; "" if it is not there.
func (p *properties) text(name string) string {
	v := p.raw(name)
	if v == nil {
		return ""
	}
	s, ok := cfn.Text(v)
	if !ok {
		p.fail("%s is a single value", name)
	}
	return s
}

// required is a single value that must be there.
func (p *properties) required(name string) string {
	s := p.text(name)
	if s == "" {
		p.fail("required property %s is missing", name) // CloudFormation: Required property [X] missing
	}
	return s
}

// oneOf is a single value among those that this package plays; the first is
// the one that AWS takes where there is none.
func (p *properties) oneOf(name string, played ...string) string {
	s := p.text(name)
	if s == "" {
		return played[0]
	}
	if !slices.Contains(played, s) {
		p.fail("a local run does not know how to play %s: %s", name, s)
	}
	return s
}

// texts is a list of single values, or one of them.
func (p *properties) texts(name string) []string {
	v := p.raw(name)
	if v == nil {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	out := make([]string, 0, len(list))
	for _, item := range list {
		s, ok := cfn.Text(item)
		if !ok {
			p.fail("%s is a list of single values", name)
		}
		out = append(out, s)
	}
	return out
}

func (p *properties) flag(name string) bool {
	s := p.text(name)
	if s != "" && s != "true" && s != "false" {
		p.fail("%s is true or false", name)
	}
	return s == "true"
}

func (p *properties) number(name string, otherwise int) int {
	s := p.text(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		p.fail("%s is a whole number", name)
	}
	return n
}

// rate is a number with a fraction, and whether it is there.
func (p *properties) rate(name string) (float64, bool) {
	s := p.text(name)
	if s == "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		p.fail("%s is a number", name)
	}
	return n, true
}

// part reads a map within; read gets an empty one if it is not there.
func (p *properties) part(name string, read func(*properties), idle ...string) {
	p.readPart(name, p.raw(name), read, idle)
}

// parts reads a list of maps within.
func (p *properties) parts(name string, read func(*properties), idle ...string) {
	list, ok := p.raw(name).([]any)
	if !ok && p.has(name) {
		p.fail("%s is a list", name)
	}
	for i, item := range list {
		p.readPart(name+"."+strconv.Itoa(i), item, read, idle)
	}
}

// members reads a map of maps within, by name.
func (p *properties) members(read func(name string, q *properties)) {
	for _, name := range slices.Sorted(maps.Keys(p.values)) {
		p.part(name, func(q *properties) { read(name, q) })
	}
}

func (p *properties) readPart(name string, v any, read func(*properties), idle []string) {
	values, ok := v.(map[string]any)
	if !ok && v != nil {
		p.fail("%s is a map", name)
	}
	q := &properties{at: p.at + "." + name, values: values, used: map[string]bool{}}
	read(q)
	if err := q.done(idle...); err != nil && p.err == nil {
		p.err = err
	}
}

// policy reads a policy document; nil if it is not there.
func (p *properties) policy(name string) *iam.Policy {
	v := p.raw(name)
	if v == nil {
		return nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		p.fail("%s: %w", name, err)
		return nil
	}
	policy, err := iam.ParsePolicy(text)
	if err != nil {
		p.fail("%s: %w", name, err)
	}
	return policy
}

// after is what stands behind the last slash, or all of it.
func after(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }
