package route

// Nearest returns the member of set that r most resembles, for an error text
// that tells a caller what it could have asked for; false if set is empty.
// A member that overlaps r beats one that does not, then the longer common
// beginning of the paths, then one of the same method, then the earlier.
func Nearest(r Route, set []Route) (Route, bool) {
	best, bestScore := Route{}, -1
	p := r.pattern()
	for _, s := range set {
		q := s.pattern()
		score := 2 * commonPrefix(p.path, q.path)
		if p.method == q.method || q.method == anyMethod {
			score++
		}
		if p.overlaps(q) {
			score += 2 * (MaxLength + 1)
		}
		if score > bestScore {
			best, bestScore = s, score
		}
	}
	return best, bestScore >= 0
}

func commonPrefix(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
