package allowlist

import "bytes"

// trie finds, among any number of texts, those that another text begins with,
// in steps that its length bounds. A node's text is the labels on the way to
// it; the zero trie holds none.
type trie[V any] struct {
	label  string
	value  *V     // nil: no text ends here
	firsts []byte // of the labels of next
	next   []*trie[V]
}

// at returns the place of a text's value, and makes it if there is none.
func (t *trie[V]) at(text string) *V {
	for text != "" {
		i := bytes.IndexByte(t.firsts, text[0])
		if i < 0 {
			n := &trie[V]{label: text, value: new(V)}
			t.firsts, t.next = append(t.firsts, text[0]), append(t.next, n)
			return n.value
		}
		n := t.next[i]
		shared := 0
		for shared < len(text) && shared < len(n.label) && text[shared] == n.label[shared] {
			shared++
		}
		if shared < len(n.label) { // they part within the label
			rest := *n
			rest.label = n.label[shared:]
			*n = trie[V]{label: n.label[:shared], firsts: []byte{rest.label[0]}, next: []*trie[V]{&rest}}
		}
		t, text = n, text[shared:]
	}
	if t.value == nil {
		t.value = new(V)
	}
	return t.value
}

// step goes on from a node by the beginning of text. It returns the node that
// it comes to and what of text is left, or nil where no text goes on like this.
func (t *trie[V]) step(text []byte) (next *trie[V], rest []byte) {
	if len(text) == 0 {
		return nil, nil
	}
	i := bytes.IndexByte(t.firsts, text[0])
	if i < 0 {
		return nil, nil
	}
	n := t.next[i]
	if len(text) < len(n.label) || string(text[:len(n.label)]) != n.label {
		return nil, nil
	}
	return n, text[len(n.label):]
}
