package allowlist

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"
)

// JSON returns the canonical form of the document: one line, keys in a fixed
// order, a newline at the end. `credvend allowlist build` writes it and the
// function reads it.
func (d *Document) JSON() []byte {
	var b bytes.Buffer
	w := writer{to: &b}
	w.document(d)
	return b.Bytes()
}

// Digest names the document: "sha256:" and the hash of its canonical JSON, as
// sha256sum prints it for the built file.
func (d *Document) Digest() string {
	sum := sha256.New()
	w := writer{to: sum}
	w.document(d)
	return "sha256:" + hex.EncodeToString(sum.Sum(nil))
}

// Parse reads a document from JSON. Unknown, repeated and misspelt keys, nulls
// and text after the document are errors: each could make a rule mean less, or
// a restriction vanish.
func Parse(text []byte) (*Document, error) {
	doc, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("allowlist JSON: %w; write the allowlist in YAML and run `credvend allowlist build`", err)
	}
	return doc, nil
}

func parse(text []byte) (*Document, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("the text is not UTF-8")
	}
	if doc, sure := read(string(text)); sure {
		return doc, nil
	}
	return parseAny(text)
}

// parseAny reads whatever package encoding/json reads, and says what is wrong
// with it.
func parseAny(text []byte) (*Document, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var doc Document
	if err := dec.Decode(&doc); err != nil {
		return nil, readable(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is text after the document")
	}
	// Another layout is accepted, another meaning is not. encoding/json takes
	// "Rules" for "rules", lets the last of two equal keys win and reads null
	// as absent: none of these survives being compared with what was read.
	was, err := tree(text)
	if err != nil {
		return nil, err
	}
	is, err := tree(doc.JSON())
	if err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(was, is) {
		return nil, errors.New("a key is misspelt (case counts), missing, or there with an empty value")
	}
	return &doc, nil
}

// readable words an error of encoding/json for people who know YAML, not Go.
func readable(err error) error {
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the text ends too soon")
	case !errors.As(err, &wrong):
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	want := map[reflect.Kind]string{
		reflect.String: "a string", reflect.Bool: "true or false", reflect.Int: "a whole number", reflect.Slice: "a list",
	}[wrong.Type.Kind()]
	if want == "" {
		want = "an object"
	}
	return fmt.Errorf("%q must be %s, not %s", wrong.Field, want, wrong.Value)
}

// tree reads JSON into maps and slices and refuses nulls and repeated keys.
func tree(text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	return subtree(dec)
}

var errNull = errors.New("null stands where a value must")

// subtree reads one value. That the text is JSON is known, so the closing
// brackets are there.
func subtree(dec *json.Decoder) (any, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case nil:
		return nil, errNull
	case json.Delim('{'):
		object := map[string]any{}
		for dec.More() {
			name, err := dec.Token()
			if err != nil {
				return nil, err
			}
			key := fmt.Sprint(name)
			if _, repeated := object[key]; repeated {
				return nil, fmt.Errorf("the key %q stands twice in one object", clip(key))
			}
			object[key], err = subtree(dec)
			switch {
			case errors.Is(err, errNull):
				return nil, fmt.Errorf("%q is null, holds a null or is missing", clip(key))
			case err != nil:
				return nil, err
			}
		}
		_, err = dec.Token()
		return object, err
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			item, err := subtree(dec)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		_, err = dec.Token()
		return list, err
	default:
		return token, nil
	}
}

// clip shortens text from outside before it stands in a message.
func clip(s string) string {
	const limit = 120
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}
