package yamldoc

// kind is the form of a node.
type kind uint8

const (
	invalid  kind = iota // a problem was reported here already
	absent               // nothing stands where a value is due
	plain                // text without quotes, whose type is open
	quoted               // text in quotes: a string for certain
	sequence             // a list
	mapping              // keys and values
)

// node is one value, or key, of the file.
type node struct {
	kind  kind
	off   int32  // of its first byte; of an absent value, of the key or dash before it
	text  string // of plain and quoted, unescaped
	items []node // of a sequence, its entries; of a mapping, keys and values in turn
}

// child returns what a step of a path leads to, with the offset of the key (of
// an entry in a list, of the entry itself). It returns nil if there is none.
func (n *node) child(step any) (child *node, keyOff int32) {
	switch s := step.(type) {
	case int:
		if n.kind == sequence && s >= 0 && s < len(n.items) {
			return &n.items[s], n.items[s].off
		}
	case string:
		if n.kind != mapping {
			return nil, 0
		}
		for i := 0; i < len(n.items); i += 2 {
			if n.items[i].text == s {
				return &n.items[i+1], n.items[i].off
			}
		}
	}
	return nil, 0
}

// what names the form for a message.
func (n *node) what() string {
	switch n.kind {
	case sequence:
		return "a list"
	case mapping:
		return "a mapping"
	case quoted:
		return "text"
	case plain:
		if t := ambiguous(n.text); t != "" {
			return t
		}
		return "text"
	default:
		return "nothing"
	}
}
