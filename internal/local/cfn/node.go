package cfn

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds on what is read. The YAML parser is quadratic in the number of keys,
// and spends memory without end on open brackets.
const (
	maxSize   = 256 << 10 // bytes; five times what CloudFormation takes inline
	maxLine   = 4 << 10   // bytes of one line
	maxOpen   = 100       // brackets open at once, counted naively
	maxNested = 64        // lists and maps within one another
)

type nodeKind int

const (
	scalarNode nodeKind = iota
	listNode
	mapNode
)

// node is a piece of a template, with short forms of functions written long.
type node struct {
	kind    nodeKind
	line    int
	value   any // of a scalar: string, bool or json.Number
	items   []node
	members []member
}

type member struct {
	name  string
	value node
}

func (n node) errorf(format string, args ...any) error {
	return fmt.Errorf("line %d: "+format, append([]any{n.line}, args...)...)
}

// text is the value of a plain string.
func (n node) text(what string) (string, error) {
	s, ok := n.value.(string)
	if n.kind != scalarNode || !ok {
		return "", n.errorf("%s is plain text", what)
	}
	return s, nil
}

// texts is a plain string, or a list of such.
func (n node) texts(what string) ([]string, error) {
	if n.kind != listNode {
		s, err := n.text(what)
		return []string{s}, err
	}
	out := make([]string, 0, len(n.items))
	for _, item := range n.items {
		s, err := item.text(what)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// parseYAML reads one document without anchors, aliases and merges.
func parseYAML(text []byte) (node, error) {
	if err := checkBounds(text); err != nil {
		return node{}, err
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n") // an excerpt of the template follows
		return node{}, fmt.Errorf("the template is not YAML: %s", first)
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return node{}, fmt.Errorf("a template is one YAML document; this file has %d", len(file.Docs))
	}
	return convert(file.Docs[0].Body, 0)
}

func checkBounds(text []byte) error {
	if len(text) > maxSize {
		return fmt.Errorf("the template has %d bytes; at most %d are read", len(text), maxSize)
	}
	if !utf8.Valid(text) {
		return errors.New("the template is not UTF-8")
	}
	open, number := 0, 0
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		number++
		if len(line) > maxLine {
			return fmt.Errorf("line %d: it has %d bytes; at most %d are read", number, len(line), maxLine)
		}
		for _, c := range line {
			switch c {
			case '[', '{':
				open++
			case ']', '}':
				open = max(0, open-1)
			}
		}
		if open > maxOpen {
			return fmt.Errorf("line %d: more than %d brackets are open", number, maxOpen)
		}
	}
	return nil
}

// convert turns YAML into a node.
func convert(from ast.Node, depth int) (node, error) {
	if from == nil {
		return node{}, errors.New("a value is missing")
	}
	n := node{line: from.GetToken().Position.Line}
	if depth > maxNested {
		return n, n.errorf("lists and maps are nested deeper than %d", maxNested)
	}
	switch y := from.(type) {
	case *ast.MappingNode:
		n.kind = mapNode
		return n, n.addMembers(y.Values, depth)
	case *ast.MappingValueNode:
		n.kind = mapNode
		return n, n.addMembers([]*ast.MappingValueNode{y}, depth)
	case *ast.SequenceNode:
		n.kind = listNode
		for _, v := range y.Values {
			item, err := convert(v, depth+1)
			if err != nil {
				return n, err
			}
			n.items = append(n.items, item)
		}
		return n, nil
	case *ast.TagNode:
		return convertTag(y, n, depth)
	default:
		return convertScalar(from, n)
	}
}

func (n *node) addMembers(values []*ast.MappingValueNode, depth int) error {
	seen := map[string]bool{}
	for _, v := range values {
		key, err := convertKey(v.Key, *n)
		if err != nil {
			return err
		}
		if seen[key] {
			return node{line: v.Key.GetToken().Position.Line}.errorf("the key %q stands twice", key)
		}
		seen[key] = true
		value, err := convert(v.Value, depth+1)
		if err != nil {
			return err
		}
		n.members = append(n.members, member{key, value})
	}
	return nil
}

// convertKey takes a key as it is written. Numbers serve, as the statuses of an
// OpenAPI document do.
func convertKey(key ast.MapKeyNode, n node) (string, error) {
	n.line = key.GetToken().Position.Line
	switch k := key.(type) {
	case *ast.StringNode:
		if k.GetToken().Type == token.StringType && oldBoolean.MatchString(k.Value) {
			return "", n.errorf("the key %s without quotes is a boolean to CloudFormation; write '%s'", k.Value, k.Value)
		}
		return k.Value, nil
	case *ast.IntegerNode:
		return k.GetToken().Value, nil
	default:
		return "", n.errorf("a key is plain text; anchors, merges (<<) and other keys are not understood here")
	}
}

var (
	plainNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)
	// In YAML 1.1, which CloudFormation reads, these are booleans.
	oldBoolean = regexp.MustCompile(`^(?i:y|yes|n|no|on|off)$`)
)

func convertScalar(from ast.Node, n node) (node, error) {
	tok := from.GetToken()
	switch y := from.(type) {
	case *ast.StringNode:
		if tok.Type == token.StringType && oldBoolean.MatchString(y.Value) {
			return n, n.errorf("%s without quotes is a boolean to CloudFormation; write '%s', or true or false", y.Value, y.Value)
		}
		n.value = y.Value
	case *ast.LiteralNode:
		n.value = y.Value.Value
	case *ast.BoolNode:
		n.value = y.Value
	case *ast.IntegerNode, *ast.FloatNode:
		if !plainNumber.MatchString(tok.Value) {
			return n, n.errorf("%s is a number that tools read differently; write it in quotes", tok.Value)
		}
		n.value = json.Number(tok.Value)
	case *ast.NullNode:
		return n, n.errorf("a value is missing; CloudFormation takes no null")
	default:
		return n, n.errorf("anchors, aliases and merges are not understood here")
	}
	return n, nil
}

// convertTag writes the short form of a function long.
func convertTag(y *ast.TagNode, n node, depth int) (node, error) {
	name := strings.TrimPrefix(y.Start.Value, "!")
	long := "Fn::" + name
	switch name {
	case "Ref", "Condition":
		long = name
	case "Sub", "GetAtt", "If", "Equals", "Not", "And", "Or", "Join", "Select", "Split", "FindInMap", "Contains", "EachMemberIn", "EachMemberEquals":
	default:
		return n, n.errorf("the tag !%s is not understood here", name)
	}
	arg, err := convert(y.Value, depth+1)
	if err != nil {
		return n, err
	}
	n.kind, n.members = mapNode, []member{{long, arg}}
	return n, nil
}
