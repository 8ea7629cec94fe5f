package yamldoc

import "strings"

// nearest returns the known key that was probably meant by key, or "".
func nearest(key string, known []string) string {
	if len(key) > 64 {
		return ""
	}
	best, least := "", 3 // two slips at most
	for _, k := range known {
		d := distance(fold(key), fold(k))
		if d < least && d*2 < len(k) {
			best, least = k, d
		}
	}
	return best
}

// fold drops what people write differently: case, dashes, underscores.
func fold(s string) string {
	return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(s))
}

// distance counts the letters to insert, delete, replace or swap with their
// neighbour to make a of b.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
