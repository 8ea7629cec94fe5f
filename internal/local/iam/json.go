package iam

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxDocument is the largest policy document that is read, in bytes. It is the
// size of the largest resource policy that AWS takes (20 KiB, Lambda's).
const maxDocument = 20 << 10

// maxDepth bounds nesting. A policy needs five levels; a parser that recurses
// on a stranger's brackets needs a limit.
const maxDepth = 8

type nodeKind int

const (
	nullNode nodeKind = iota
	stringNode
	numberNode
	boolNode
	arrayNode
	objectNode
)

// node is a JSON value whose object members keep their order and are known to
// be unique. encoding/json keeps the last of two equal keys, so that a reviewer
// and the evaluator could read two different policies in one text.
type node struct {
	kind    nodeKind
	text    string // string, number and bool
	items   []node
	members []member
}

type member struct {
	name  string
	value node
}

func decodeStrict(doc []byte) (node, error) {
	const notJSON = "The policy is not in the valid JSON format."
	if len(doc) > maxDocument {
		return node{}, malformed("The policy is too large.", fmt.Sprintf("it has %d bytes, at most %d are read", len(doc), maxDocument))
	}
	if !utf8.Valid(doc) {
		return node{}, malformed(notJSON, "it is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	n, err := decodeNode(dec, 0)
	if err != nil {
		var m *Malformed
		if errors.As(err, &m) {
			return node{}, err
		}
		return node{}, malformed(notJSON, err.Error())
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return node{}, malformed(notJSON, "something follows the document")
	}
	return n, nil
}

func decodeNode(dec *json.Decoder, depth int) (node, error) {
	if depth > maxDepth {
		return node{}, malformed("Syntax errors in policy.", "it is nested too deeply")
	}
	tok, err := dec.Token()
	if err != nil {
		return node{}, err
	}
	switch t := tok.(type) {
	case nil:
		return node{kind: nullNode}, nil
	case string:
		return node{kind: stringNode, text: t}, nil
	case json.Number:
		return node{kind: numberNode, text: t.String()}, nil
	case bool:
		return node{kind: boolNode, text: fmt.Sprint(t)}, nil
	case json.Delim:
		if t == '[' {
			return decodeArray(dec, depth)
		}
		return decodeObject(dec, depth)
	}
	return node{}, fmt.Errorf("unexpected token %v", tok)
}

func decodeArray(dec *json.Decoder, depth int) (node, error) {
	n := node{kind: arrayNode}
	for dec.More() {
		item, err := decodeNode(dec, depth+1)
		if err != nil {
			return node{}, err
		}
		n.items = append(n.items, item)
	}
	_, err := dec.Token()
	return n, err
}

func decodeObject(dec *json.Decoder, depth int) (node, error) {
	n := node{kind: objectNode}
	seen := map[string]bool{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return node{}, err
		}
		name, ok := key.(string)
		if !ok {
			return node{}, fmt.Errorf("unexpected token %v", key)
		}
		if seen[name] {
			return node{}, malformed("Syntax errors in policy.", fmt.Sprintf("%q stands twice in one object", name))
		}
		seen[name] = true
		value, err := decodeNode(dec, depth+1)
		if err != nil {
			return node{}, err
		}
		n.members = append(n.members, member{name: name, value: value})
	}
	_, err := dec.Token()
	return n, err
}

// list reads a value that may stand alone or in an array.
func (n node) list() []node {
	if n.kind == arrayNode {
		return n.items
	}
	return []node{n}
}
