package yamldoc

// flow reads a mapping in { } or a list in [ ], which may go over lines.
func (r *reader) flow() node {
	defer r.leave()
	open := r.pos
	n := node{kind: sequence, off: int32(open)} //nolint:gosec // bounded by MaxSize
	end := byte(']')
	if r.at(0) == '{' {
		n.kind, end = mapping, '}'
	}
	if !r.enter() {
		return n
	}
	r.pos++
	for {
		if !r.flowNext(open) {
			return n
		}
		if r.at(0) == end {
			r.pos++
			return n
		}
		if end == ']' {
			n.items = append(n.items, r.flowItem())
		} else {
			n.items = append(n.items, r.flowPair()...)
		}
		if !r.flowNext(open) {
			return n
		}
		switch c := r.at(0); {
		case c == ',':
			r.pos++
		case c == end:
		case c == ':':
			r.stop(r.pos, "a key and a value inside [ ]", "write { } around them, or quotes around a text that holds a colon and a space")
		case c == '{' && r.text[r.pos-1] == '$':
			r.stop(r.pos, "inside [ ] and { } a brace ends text that has no quotes", "put the value with its ${…} in quotes")
		default:
			r.stop(r.pos, "a comma or "+string(end)+" is due here", "part the entries by commas, close the bracket, or put the value in quotes")
		}
	}
}

// flowNext moves to the next content inside brackets that were opened at open.
func (r *reader) flowNext(open int) bool {
	if r.next() {
		return true
	}
	r.stop(open, "this bracket is never closed", "close it, or put the value in quotes if the bracket belongs to it")
	return false
}

// flowItem reads a value inside brackets.
func (r *reader) flowItem() node {
	r.count()
	if c := r.at(0); c == '[' || c == '{' {
		return r.flow()
	}
	n := r.scalar(true)
	if n.kind == invalid {
		r.end()
	}
	return n
}

// flowPair reads a key and its value inside { }.
func (r *reader) flowPair() []node {
	open := r.pos
	if c := r.at(0); c == '[' || c == '{' {
		return []node{r.stop(open, "a bracket where a key is due", "keys are text"), {}}
	}
	key := r.flowItem()
	if !r.flowNext(open) {
		return []node{key, {}}
	}
	c := r.at(1)
	if r.at(0) != ':' || key.kind == plain && !blank(c) && !flowIndicator(c) {
		return []node{r.stop(open, "a key without a value", "inside { } write key: value, with a space after the colon; put a key that holds a colon in quotes"), {}}
	}
	r.pos++
	if !r.flowNext(open) {
		return []node{key, {}}
	}
	if c := r.at(0); c == ',' || c == '}' {
		return []node{key, r.absent(key.off)}
	}
	return []node{key, r.flowItem()}
}

func flowIndicator(c byte) bool {
	return c == ',' || c == '[' || c == ']' || c == '{' || c == '}'
}
