package yamldoc

import (
	"bytes"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// decoder fills an allowlist.Document from nodes. What it accepts is derived
// from the type of the document and its json tags, so that YAML and JSON
// cannot differ in a key. It goes on after a problem, to report them all.
type decoder struct {
	source []byte
	found  []problem
}

func (d *decoder) report(off int32, text, remedy string) {
	d.found = append(d.found, problem{int(off), text, remedy})
}

// decode sets v from n. name is what messages call the value. An optional
// value may be left out but not be empty: `external_id: ""` would look as if
// one were asked for.
func (d *decoder) decode(v reflect.Value, n node, name string, optional bool) {
	if n.kind == invalid || len(d.found) >= maxFound {
		return
	}
	if n.kind == absent || n.kind == plain && ambiguous(n.text) == "null" {
		d.report(n.off, name+" has no value", "write one, or take the line away")
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		d.decode(p.Elem(), n, name, false)
		v.Set(p)
	case reflect.Struct:
		if d.want(n, mapping, name, "a mapping of keys and values") {
			d.object(v, n, name)
		}
	case reflect.Map:
		if d.want(n, mapping, name, "a mapping of keys and values") && d.full(n, name, optional) {
			d.table(v, n, name)
		}
	case reflect.Slice:
		if d.want(n, sequence, name, "a list") && d.full(n, name, optional) {
			d.list(v, n, name)
		}
	case reflect.String:
		d.text(v, n, name, optional)
	case reflect.Bool:
		d.boolean(v, n, name)
	case reflect.Int:
		d.integer(v, n, name)
	default:
		d.report(n.off, name+" is of a type that is not read", "")
	}
}

// want reports whether n has the form k, and says so if not.
func (d *decoder) want(n node, k kind, name, form string) bool {
	if n.kind == k {
		return true
	}
	remedy := ""
	if k == sequence && (n.kind == plain || n.kind == quoted) {
		remedy = "put it in brackets: [" + strconv.Quote(clip(n.text)) + "]"
	} else if k == mapping {
		remedy = "write key: value, each on a line of its own, indented under it"
	} else {
		remedy = "write [a, b], or entries that begin with a dash and a space"
	}
	d.report(n.off, fmt.Sprintf("%s takes %s, and this is %s", name, form, n.what()), remedy)
	return false
}

// full reports whether a list or mapping has entries, if it needs them.
func (d *decoder) full(n node, name string, needed bool) bool {
	if len(n.items) > 0 || !needed {
		return true
	}
	d.report(n.off, name+" is empty", "fill it, or take the line away")
	return false
}

// object sets the fields of a struct.
func (d *decoder) object(v reflect.Value, n node, name string) {
	d.pairs(n, func(key, value node) {
		t := v.Type()
		known := make([]string, 0, t.NumField())
		for i := range t.NumField() {
			field, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			if field == key.text {
				d.decode(v.Field(i), value, field, options == "omitempty")
				return
			}
			known = append(known, field)
		}
		remedy := "known here are " + strings.Join(known, ", ")
		if near := nearest(key.text, known); near != "" {
			remedy = "did you mean " + near + "?"
		}
		in := ""
		if name != "the document" {
			in = " in " + name
		}
		d.report(key.off, fmt.Sprintf("unknown key %q%s", clip(key.text), in), remedy)
	})
}

// table sets the entries of a map.
func (d *decoder) table(v reflect.Value, n node, _ string) {
	v.Set(reflect.MakeMapWithSize(v.Type(), len(n.items)/2))
	d.pairs(n, func(key, value node) {
		e := reflect.New(v.Type().Elem()).Elem()
		d.decode(e, value, clip(key.text), false)
		v.SetMapIndex(reflect.ValueOf(key.text), e)
	})
}

// list sets the entries of a slice.
func (d *decoder) list(v reflect.Value, n node, name string) {
	v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
	for i, item := range n.items {
		d.decode(v.Index(i), item, "an entry of "+name, false)
	}
}

// pairs calls each for the keys of a mapping that are text and unique.
func (d *decoder) pairs(n node, each func(key, value node)) {
	seen := make(map[string]int32, len(n.items)/2) // to the key's offset
	for i := 0; i < len(n.items) && len(d.found) < maxFound; i += 2 {
		key, value := n.items[i], n.items[i+1]
		first, twice := seen[key.text]
		switch what := ambiguous(key.text); {
		case key.kind == invalid:
		case key.kind == plain && key.text == "<<":
			d.report(key.off, "merge keys (<<) are not read", "write the keys out")
		case key.kind == plain && what != "":
			d.report(key.off, fmt.Sprintf("the key %s is %s without quotes", clip(key.text), what), "put it in quotes: "+strconv.Quote(clip(key.text)))
		case twice:
			line := bytes.Count(d.source[:first], []byte("\n")) + 1
			d.report(key.off, fmt.Sprintf("the key %q stands in this mapping already, on line %d", clip(key.text), line), "keep one of the two")
		default:
			seen[key.text] = key.off
			each(key, value)
		}
	}
}

func (d *decoder) text(v reflect.Value, n node, name string, optional bool) {
	switch what := n.what(); {
	case n.kind == mapping || n.kind == sequence:
		d.report(n.off, fmt.Sprintf("%s takes text, and this is %s", name, what), "write one value, in quotes if it begins with a bracket")
	case what != "text":
		d.report(n.off, fmt.Sprintf("%s takes text, and %s is %s without quotes", name, clip(n.text), what), "put it in quotes: "+strconv.Quote(clip(n.text)))
	case n.text == "" && optional:
		d.report(n.off, name+" is empty", "write a value, or take the line away")
	default:
		v.SetString(n.text)
	}
}

func (d *decoder) boolean(v reflect.Value, n node, name string) {
	if n.kind == plain && (n.text == "true" || n.text == "false") {
		v.SetBool(n.text == "true")
		return
	}
	d.report(n.off, name+" takes true or false", "write one of the two, in lower case and without quotes")
}

func (d *decoder) integer(v reflect.Value, n node, name string) {
	i, err := strconv.ParseInt(n.text, 10, 32)
	if n.kind != plain || err != nil || strconv.FormatInt(i, 10) != n.text {
		d.report(n.off, name+" takes a whole number", "write its digits, without quotes")
		return
	}
	v.SetInt(i)
}
