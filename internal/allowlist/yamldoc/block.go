package yamldoc

// block reads the node at pos in block style. It belongs to something at the
// column parent, so it ends before the next line that is indented no deeper.
// With inline it follows a key on the key's line, where YAML lets no mapping
// or list begin.
func (r *reader) block(parent int, inline bool) node {
	r.count()
	start, column := r.pos, r.column()
	switch {
	case r.isEntry():
		if inline {
			return r.stop(start, "a list cannot begin on the line of its key", "begin it on the next line, or write it in brackets: [a, b]")
		}
		return r.blockSequence(column)
	case r.at(0) == '?' && blank(r.at(1)):
		return r.stop(start, "complex keys (? key) are not read", "write key: value")
	case r.at(0) == '[' || r.at(0) == '{':
		n := r.flow()
		r.endValue(parent)
		return n
	}
	n := r.scalar(false)
	if n.kind == invalid {
		r.skipValue(parent)
		return n
	}
	if r.isColon() {
		if inline {
			return r.stop(r.pos, "a second colon and space on one line", "put the value in quotes if they belong to it; a mapping begins on the next line")
		}
		return r.blockMapping(column, n)
	}
	r.endValue(parent)
	return n
}

// isEntry reports whether a list's entry begins at pos.
func (r *reader) isEntry() bool { return r.pos < len(r.text) && r.at(0) == '-' && blank(r.at(1)) }

// isColon skips spaces and reports whether a colon that parts key and value
// follows.
func (r *reader) isColon() bool {
	r.skipSpaces()
	return r.pos < len(r.text) && r.at(0) == ':' && blank(r.at(1))
}

// endValue checks that nothing follows a value on its line, and that the next
// line does not go on with it.
func (r *reader) endValue(parent int) {
	if r.stopped {
		return
	}
	if !r.lineIsOver() {
		r.stop(r.pos, "text after the end of the value", "put the whole value in quotes; a comment needs a space before its #")
		return
	}
	if r.next() && r.column() > parent {
		r.stop(r.pos, "this line is indented as if it went on with the value above; a value stays on one line", "put the value on one line, or mend the indentation")
	}
}

// skipValue passes over a value with a problem: its line and all that are
// indented deeper than parent.
func (r *reader) skipValue(parent int) {
	r.skipLine()
	for r.next() && r.column() > parent {
		r.skipLine()
	}
}

// blockSequence reads the list whose dashes stand at column.
func (r *reader) blockSequence(column int) node {
	defer r.leave()
	n := node{kind: sequence, off: int32(r.pos)} //nolint:gosec // bounded by MaxSize
	if !r.enter() {
		return n
	}
	for {
		dash := r.pos
		r.pos++
		switch {
		case !r.lineIsOver():
			n.items = append(n.items, r.block(column, false))
		case r.next() && r.column() > column:
			n.items = append(n.items, r.block(column, false))
		default:
			n.items = append(n.items, r.absent(int32(dash))) //nolint:gosec // bounded by MaxSize
		}
		if !r.next() || r.column() < column {
			return n
		}
		if r.column() > column {
			r.stop(r.pos, "the indentation fits nothing above", "line it up with the entries of its list")
			return n
		}
		if !r.isEntry() {
			return n
		}
	}
}

// blockMapping reads the mapping whose keys stand at column; pos is at the
// colon after the first of them.
func (r *reader) blockMapping(column int, key node) node {
	defer r.leave()
	n := node{kind: mapping, off: key.off}
	if !r.enter() {
		return n
	}
	for {
		if key.kind != invalid {
			r.pos++ // the colon
			n.items = append(n.items, key, r.mappingValue(column, key.off))
		}
		if !r.next() || r.column() < column {
			return n
		}
		switch {
		case r.column() > column:
			r.stop(r.pos, "the indentation fits nothing above", "line it up with the keys it stands among")
			return n
		case r.isEntry():
			r.stop(r.pos, "a list's entry among the keys of a mapping", "indent it under its key")
			return n
		case r.at(0) == '?' && blank(r.at(1)):
			r.stop(r.pos, "complex keys (? key) are not read", "write key: value")
			return n
		}
		r.count()
		start := r.pos
		if key = r.scalar(false); key.kind == invalid {
			r.skipValue(column)
		} else if !r.isColon() {
			r.stop(start, "a key is due here, and after it a colon and a space", "write key: value")
			return n
		}
	}
}

// mappingValue reads what stands after a colon.
func (r *reader) mappingValue(column int, keyOff int32) node {
	if !r.lineIsOver() {
		return r.block(column, true)
	}
	if r.next() {
		if r.column() > column {
			return r.block(column, false)
		}
		if r.column() == column && r.isEntry() { // YAML lets a list stand as far left as its key
			return r.block(column-1, false)
		}
	}
	return r.absent(keyOff)
}
