package identity

import (
	"slices"
	"strings"
)

// shape is what a JSON value is. Its zero value is that of a member which is
// not there.
type shape uint8

const (
	absent shape = iota
	null
	boolean
	number
	text
	list
	object
)

// value is one JSON value as it was read. The zero value is an absent one, and
// so is every member of what is no object.
type value struct {
	shape   shape
	text    string   // of a text, unescaped; of a number or boolean, as written
	members []member // of a list or an object; those of an object that has many are sorted
}

// member is a member of an object, or of a list, where it has no name.
type member struct {
	name  string
	value value
}

// many is from how many members on an object is sorted by their names. Below,
// to compare each is quicker; above, it would let one object cost its square.
const many = 32

// get returns the named member of an object.
func (v value) get(name string) value {
	if v.shape != object {
		return value{}
	}
	if len(v.members) >= many {
		if i, ok := slices.BinarySearchFunc(v.members, name, func(m member, name string) int { return strings.Compare(m.name, name) }); ok {
			return v.members[i].value
		}
		return value{}
	}
	for i := range v.members {
		if v.members[i].name == name {
			return v.members[i].value
		}
	}
	return value{}
}

// none reports whether v is absent or null: the gateways write either.
func (v value) none() bool { return v.shape <= null }

// is reports whether v is the text s.
func (v value) is(s string) bool { return v.shape == text && v.text == s }

// string returns a text's text; "" and false for anything else.
func (v value) string() (string, bool) {
	if v.shape != text {
		return "", false
	}
	return v.text, true
}

// sortedNames returns the names of an object's members in order.
func sortedNames(members []member) []string {
	names := make([]string, len(members))
	for i, m := range members {
		names[i] = m.name
	}
	slices.Sort(names)
	return names
}
