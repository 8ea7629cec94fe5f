package route

// method is a method by its place in methods, counted from 1, or anyMethod.
type method uint8

const anyMethod = method(len(methods) + 1)

func (m method) String() string {
	switch m {
	case 0:
		return ""
	case anyMethod:
		return AnyMethod
	default:
		return methods[m-1]
	}
}

// parseMethod returns 0 for what is no method.
func parseMethod(s string) method {
	if s == AnyMethod {
		return anyMethod
	}
	for i, m := range methods {
		if s == m {
			return method(i + 1)
		}
	}
	return 0
}

// pattern is a route as it is compared. The zero pattern is the zero Route's.
type pattern struct {
	path   string
	method method
}

// pattern takes the text apart. A Route was parsed, so a letter or two tell
// its method.
func (r Route) pattern() pattern {
	if r.text == "" {
		return pattern{}
	}
	var m method
	switch r.text[0] {
	case 'G':
		m = 1
	case 'H':
		m = 2
	case 'D':
		m = 6
	case 'O':
		m = 7
	case '*':
		m = anyMethod
	default:
		switch r.text[1] {
		case 'O':
			m = 3
		case 'U':
			m = 4
		default:
			m = 5
		}
	}
	return pattern{r.text[len(m.String())+1:], m}
}

// everything reports whether p is `* /*`, which alone is written <stage>/*.
func (p pattern) everything() bool { return p.method == anyMethod && p.path == "/*" }

// parts are the first and the last of the methods that p stands for: all
// seven or one. `* /*` stays whole, because it is emitted whole.
func (p pattern) parts() (first, last method) {
	if p.method == anyMethod && !p.everything() {
		return 1, anyMethod - 1
	}
	return p.method, p.method
}

// contains reports whether every request that the ARNs of o match is matched
// by the ARNs of p.
func (p pattern) contains(o pattern) bool {
	switch {
	case p.method == 0 || o.method == 0:
		return false
	case p.everything():
		return true
	case o.everything(): // <stage>/* also matches methods that p cannot name
		return false
	case p.method != anyMethod && p.method != o.method:
		return false
	}
	return match(p.path, o.path)
}

// overlaps reports whether some text is matched by the ARNs of both.
func (p pattern) overlaps(o pattern) bool {
	switch {
	case p.method == 0 || o.method == 0:
		return false
	case p.method != anyMethod && o.method != anyMethod && p.method != o.method:
		return false
	}
	return intersect(p.path, o.path)
}
