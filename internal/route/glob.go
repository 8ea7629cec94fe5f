package route

import "strings"

// match reports whether pattern matches text, `*` in pattern standing for any
// text. A `*` in text is a letter that only a `*` of the pattern can match,
// which makes match(p, q) say whether p contains q for patterns p and q.
//
// It backtracks to the latest star only: an earlier star never needs to take
// more than it has, because what follows it already matched. Time is
// O(len(pattern)·len(text)), with no allocation.
func match(pattern, text string) bool {
	p, t := 0, 0
	star, resume := -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, t
			p++
		case p < len(pattern) && pattern[p] == text[t]:
			p++
			t++
		case star >= 0:
			resume++
			p, t = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// intersect reports whether some text is matched by both patterns.
//
// Between its first and last star a pattern can always be made room for in the
// other's stars, so only the literal ends can clash.
func intersect(p, q string) bool {
	for i := 0; i < len(p) && i < len(q) && p[i] != '*' && q[i] != '*'; i++ {
		if p[i] != q[i] {
			return false // as most do that differ
		}
	}
	pFirst, qFirst := strings.IndexByte(p, '*'), strings.IndexByte(q, '*')
	switch {
	case pFirst < 0:
		return match(q, p)
	case qFirst < 0:
		return match(p, q)
	}
	pHead, qHead := p[:pFirst], q[:qFirst]
	pTail, qTail := p[strings.LastIndexByte(p, '*')+1:], q[strings.LastIndexByte(q, '*')+1:]
	return (strings.HasPrefix(pHead, qHead) || strings.HasPrefix(qHead, pHead)) &&
		(strings.HasSuffix(pTail, qTail) || strings.HasSuffix(qTail, pTail))
}
