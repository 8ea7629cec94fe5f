// Package yamldoc reads an allowlist as people write it: YAML, turned into an
// allowlist.Document in which every value still knows its line and column.
//
// It reads a strict subset of YAML, in which a file means the same to a
// reviewer, to an editor and to every YAML reader: mappings, lists, one-line
// text, true and false. Anchors, aliases, merge keys, tags, directives, second
// documents, tabs, escapes that hide a letter, and text that YAML 1.1 and 1.2
// read differently are refused, each with its remedy. Time and memory are
// linear in the size of the file, whatever is in it; general YAML parsers are
// quadratic in keys or recurse without bound, so they serve only as the oracle
// of this package's tests.
//
// It must never be linked into the function, which reads canonical JSON alone.
package yamldoc

import (
	"bytes"
	"errors"
	"reflect"

	"github.com/credvend/credvend/internal/allowlist"
)

// The limits of a file. A list of 100,000 rules takes about 15 MiB.
const (
	MaxSize  = 64 << 20 // bytes
	MaxDepth = 8        // mappings and lists inside one another; a document needs 6
	maxNodes = 4 << 20  // keys and values; 100,000 rules have about 1.5 million
)

// File is an allowlist file that was read.
type File struct {
	Doc *allowlist.Document

	name string
	text []byte
	root node
}

// Parse reads the text of a file; name stands in the diagnostics. The error is
// of type Diagnostics: all problems found, in order of position. Parse checks
// form alone, not whether the rules make sense: Load does both.
func Parse(name string, text []byte) (*File, error) {
	doc := new(allowlist.Document)
	f, err := Decode(name, text, doc)
	if err != nil {
		return nil, err
	}
	f.Doc = doc
	return f, nil
}

// Decode reads the text of a file of another kind by the same rules into what
// v points to: structs with json tags, maps, slices, strings, booleans and
// whole numbers. The error is of type Diagnostics. Of the File, Doc is nil.
func Decode(name string, text []byte, v any) (*File, error) {
	f := &File{name: name, text: text}
	if p, ok := wholeFile(text); !ok {
		return nil, Diagnostics{{File: name, Line: 1, Column: 1, Text: p.text, Remedy: p.remedy}}
	}
	found := characters(text)
	if len(found) == 0 {
		r := reader{text: text, source: string(text)}
		f.root = r.document()
		found = r.found
		if !r.stopped {
			d := decoder{source: text, found: found}
			d.decode(reflect.ValueOf(v).Elem(), f.root, "the document", false)
			found = d.found
		}
	}
	if len(found) > 0 {
		return nil, f.diagnose(found)
	}
	return f, nil
}

// Load reads and compiles the text of a file. The error is of type
// Diagnostics. Where the file was read but does not compile, File is returned
// beside the error, and the list is nil.
func Load(name string, text []byte) (*File, *allowlist.List, error) {
	f, err := Parse(name, text)
	if err != nil {
		return nil, nil, err
	}
	list, err := allowlist.Compile(f.Doc)
	if err != nil {
		var ps allowlist.Problems
		if !errors.As(err, &ps) {
			return f, nil, Diagnostics{{File: name, Line: 1, Column: 1, Text: err.Error()}}
		}
		return f, nil, f.Annotate(ps)
	}
	return f, list, nil
}

// Annotate gives problems of the compiler the places in the file where they
// arose. It returns nil for no problems.
func (f *File) Annotate(ps allowlist.Problems) error {
	found := make([]problem, len(ps))
	for i, p := range ps {
		found[i] = problem{off: f.offset(p.Path, p.Key), text: p.Text, remedy: p.Remedy}
	}
	if len(found) == 0 {
		return nil
	}
	return f.diagnose(found)
}

// Position returns the line and column, both from 1, of the value that path
// leads to, or with key of the key before it. A path that leads nowhere, as
// that of a missing key, gives the key of the innermost thing that exists. The
// cost is linear in the size of the file.
func (f *File) Position(path []any, key bool) (line, column int) {
	off := f.offset(path, key)
	return bytes.Count(f.text[:off], []byte("\n")) + 1, columnAt(f.text, off)
}

// offset is the byte that Position is about.
func (f *File) offset(path []any, key bool) int {
	n, keyOff := &f.root, f.root.off
	for _, step := range path {
		child, childKey := n.child(step)
		if child == nil {
			return int(keyOff)
		}
		n, keyOff = child, childKey
	}
	if key {
		return int(keyOff)
	}
	return int(n.off)
}
