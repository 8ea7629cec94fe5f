package allowlist

import (
	"slices"
	"strings"
)

// wildcards finds the callers of one account whose pattern a name could match:
// by what stands before the first `*` of a pattern, then by what stands behind
// the last, then by what stands between them. However many patterns there are,
// and however long their ends, a look-up follows only those that fit the name.
type wildcards struct {
	heads trie[trie[ending]] // head → tail, backwards
}

// ending is the callers of one head and one tail.
type ending struct {
	plain   []*caller       // nothing stands between them
	middles trie[[]*caller] // by the longest text that does
}

func (w *wildcards) add(k *caller) {
	pieces := strings.Split(k.iam.name, "*")
	head, between, tail := pieces[0], pieces[1:len(pieces)-1], pieces[len(pieces)-1]
	end := w.heads.at(head).at(backwards(tail))
	middle := ""
	for _, m := range between {
		if len(m) > len(middle) {
			middle = m
		}
	}
	if middle == "" {
		end.plain = append(end.plain, k)
		return
	}
	callers := end.middles.at(middle)
	*callers = append(*callers, k)
}

func backwards(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

// find appends the callers that a name could be to found; some may stand there
// twice.
func (w *wildcards) find(found []*caller, name string) []*caller {
	if w == nil {
		return found
	}
	var room, roomBack [128]byte // names are shorter, but for the paths of users
	letters := append(room[:0], name...)
	back := append(roomBack[:0], name...)
	slices.Reverse(back)
	for head, rest := &w.heads, letters; head != nil; head, rest = head.step(rest) {
		if head.value == nil {
			continue
		}
		for tail, rest := head.value, back; tail != nil; tail, rest = tail.step(rest) {
			if tail.value != nil {
				found = tail.value.find(found, letters)
			}
		}
	}
	return found
}

func (e *ending) find(found []*caller, name []byte) []*caller {
	found = append(found, e.plain...)
	if len(e.middles.next) == 0 {
		return found
	}
	for i := range name {
		for m, rest := &e.middles, name[i:]; m != nil; m, rest = m.step(rest) {
			if m.value != nil {
				found = append(found, *m.value...)
			}
		}
	}
	return found
}
