package identity

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// object is a JSON object. Numbers in it are json.Number: their own text.
type object = map[string]any

// maxDepth bounds nesting. Events and tokens have fewer than ten levels.
const maxDepth = 64

// The ways in which bytes fail to be JSON we read. None quotes its input.
var (
	errSyntax    = errors.New("malformed JSON")
	errNotUTF8   = errors.New("bytes that are not UTF-8")
	errDuplicate = errors.New("a repeated key")
	errDeep      = errors.New("too many levels")
)

// decodeJSON reads one JSON value strictly.
//
// encoding/json would take the last of two equal keys, match keys whatever
// their case, and mend invalid UTF-8: each a way to make two readers of the
// same bytes see two identities.
func decodeJSON(raw []byte) (any, error) {
	if !utf8.Valid(raw) {
		return nil, errNotUTF8
	}
	if !json.Valid(raw) {
		return nil, errSyntax
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return decodeValue(d, maxDepth)
}

// decodeValue reads the next value of d, whose bytes are known to be valid.
func decodeValue(d *json.Decoder, depth int) (any, error) {
	if depth == 0 {
		return nil, errDeep
	}
	token, err := d.Token()
	if err != nil {
		return nil, errSyntax
	}
	switch token {
	case json.Delim('{'):
		return decodeObject(d, depth)
	case json.Delim('['):
		return decodeList(d, depth)
	default:
		return token, nil
	}
}

func decodeObject(d *json.Decoder, depth int) (any, error) {
	o := object{}
	for d.More() {
		token, err := d.Token()
		key, ok := token.(string)
		if err != nil || !ok {
			return nil, errSyntax
		}
		if _, taken := o[key]; taken {
			return nil, errDuplicate
		}
		if o[key], err = decodeValue(d, depth-1); err != nil {
			return nil, err
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, errSyntax
	}
	return o, nil
}

func decodeList(d *json.Decoder, depth int) (any, error) {
	list := []any{}
	for d.More() {
		v, err := decodeValue(d, depth-1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	if _, err := d.Token(); err != nil {
		return nil, errSyntax
	}
	return list, nil
}
