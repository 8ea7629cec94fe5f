package globset_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/credvend/credvend/internal/analysis/globset"
)

// glob says what `*` means in the fewest words.
func glob(pattern, text string, segments bool) bool {
	switch {
	case pattern == "":
		return text == ""
	case pattern[0] == '*':
		return glob(pattern[1:], text, segments) || text != "" && (!segments || text[0] != '/') && glob(pattern, text[1:], segments)
	}
	return text != "" && pattern[0] == text[0] && glob(pattern[1:], text[1:], segments)
}

// texts are all texts over a, b, / and a letter of no glob up to a length.
func texts(n int) []string {
	all := []string{""}
	for from, i := 0, 0; i < n; i++ {
		to := len(all)
		for _, t := range all[from:to] {
			for _, c := range "abx/" {
				all = append(all, t+string(c))
			}
		}
		from = to
	}
	return all
}

var (
	aGlob = rapid.StringMatching(`[ab/*]{0,4}`)
	short = texts(5)
)

// Walk visits a text of each combination of groups that any text has, and says
// of each text it visits what is so.
func TestWalkIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		groups := rapid.SliceOfN(rapid.SliceOfN(aGlob, 0, 3), 1, 4).Draw(t, "groups")
		segments := rapid.Bool().Draw(t, "segments")
		vector := func(text string) string {
			var in []int
			for i, g := range groups {
				if slices.ContainsFunc(g, func(p string) bool { return glob(p, text, segments) }) {
					in = append(in, i)
				}
			}
			return fmt.Sprint(in)
		}
		visited := map[string]int{}
		err := globset.Walk(groups, segments, func(text string, in []int) bool {
			if got, want := fmt.Sprint(append([]int(nil), in...)), vector(text); got != want {
				t.Fatalf("%q is in %s, not in %s", text, want, got)
			}
			if _, ok := visited[fmt.Sprint(in)]; !ok {
				visited[vector(text)] = len(text)
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range short {
			length, ok := visited[vector(text)]
			if vector(text) == "[]" {
				continue // letters that nothing waits for are not walked
			}
			if !ok {
				t.Fatalf("no text like %q was visited: %s", text, vector(text))
			}
			if length > len(text) {
				t.Fatalf("%q is shorter than what was visited of %s", text, vector(text))
			}
		}
	})
}

// Intersect's globs together are what both globs match.
func TestIntersectIsExact(t *testing.T) {
	wide := 0
	rapid.Check(t, func(t *rapid.T) {
		a, b := aGlob.Draw(t, "a"), aGlob.Draw(t, "b")
		both, ok := globset.Intersect(a, b)
		if !ok {
			wide++
			return
		}
		for _, text := range short {
			want := glob(a, text, false) && glob(b, text, false)
			got := slices.ContainsFunc(both, func(p string) bool { return glob(p, text, false) })
			if got != want {
				t.Fatalf("%q and %q share %q: %v; %q says %v", a, b, text, want, both, got)
			}
		}
	})
	t.Logf("%d intersections had no short form", wide)
}

func TestIntersect(t *testing.T) {
	for _, tt := range []struct{ a, b, want string }{
		{"/orders/*", "/orders/secret", "/orders/secret"},
		{"/*/a", "/b/*", "/b/a /b/*/a"},
		{"/a/*", "/b/*", ""},
		{"/a*", "/*z", "/a*z"},
		{"*", "*", "*"},
	} {
		got, ok := globset.Intersect(tt.a, tt.b)
		if !ok || strings.Join(got, " ") != tt.want {
			t.Errorf("%s and %s: %q %v", tt.a, tt.b, got, ok)
		}
	}
}

// A question that would need too many states is refused, by name and number.
func TestTooLarge(t *testing.T) {
	var globs []string
	for i := range 40 {
		globs = append(globs, fmt.Sprintf("*%c*%c*%c*%c*", 'a'+i%26, 'a'+(i*7+1)%26, 'a'+(i*11+2)%26, 'a'+(i*5+3)%26))
	}
	var groups [][]string
	for _, g := range globs {
		groups = append(groups, []string{g})
	}
	err := globset.Walk(groups, false, func(string, []int) bool { return true })
	var large *globset.TooLargeError
	if !errors.As(err, &large) || large.Globs != 40 || !strings.Contains(err.Error(), "40 patterns together need more than 100000 states") {
		t.Errorf("%v", err)
	}
}
