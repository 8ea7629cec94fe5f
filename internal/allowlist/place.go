package allowlist

// place is where a problem is. Making one costs no memory: nearly all of them
// are for naught.
type place struct {
	c     *compiler
	steps [maxSteps]step
	n     int
	key   bool
}

// step leads to a key of an object, or to a place in a list.
type step struct {
	key   string
	index int
	list  bool
}

// maxSteps is the length of callers.NAME.jwt.claims.NAME[0].
const maxSteps = 6

func (c *compiler) at(path ...any) place { return place{c: c}.under(path...) }

func (p place) under(path ...any) place {
	for _, s := range path {
		switch s := s.(type) {
		case string:
			p.steps[p.n] = step{key: s}
		case int:
			p.steps[p.n] = step{index: s, list: true}
		}
		p.n++
	}
	return p
}

// name is the place of the key itself rather than of its value.
func (p place) name() place { p.key = true; return p }

func (p place) fail(text, remedy string) {
	path := make([]any, p.n)
	for i, s := range p.steps[:p.n] {
		if path[i] = s.key; s.list {
			path[i] = s.index
		}
	}
	p.c.problems = append(p.c.problems, Problem{Path: path, Key: p.key, Text: text, Remedy: remedy})
}
