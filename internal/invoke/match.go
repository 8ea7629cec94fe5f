package invoke

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// placeholders are what an expected answer may hold in the place of a value
// that differs from run to run. Everything else must be equal.
var placeholders = map[string]func(got any) bool{
	"<request id>":    text(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`),
	"<receipt>":       text(`[0-9a-z]{16,32}`),
	"<access key id>": text(`ASIA[A-Z0-9]{16}`),
	"<secret key>":    text(`[A-Za-z0-9/+]{40}`),
	"<session token>": text(`[A-Za-z0-9/+=]{40,}`),
	"<digest>":        text(`sha256:[0-9a-f]{64}`),
	"<percent>":       within(0, 100),
	"<seconds>":       text(`[1-9][0-9]{0,3}`), // a text: it stands in a header
	"<time>": func(got any) bool {
		const form = "2006-01-02T15:04:05Z"
		s, ok := got.(string)
		at, err := time.Parse(form, s)
		return ok && err == nil && at.Format(form) == s // Parse takes fractions too
	},
}

// about is the placeholder of a number of seconds that shrinks as time passes:
// "<about 1800>" is from 1740 to 1800.
var about = regexp.MustCompile(`^<about ([0-9]{1,5})>$`)

// isPlaceholder recognises what was meant as one.
var isPlaceholder = regexp.MustCompile(`^<.*>$`)

func text(pattern string) func(any) bool {
	form := regexp.MustCompile("^(?:" + pattern + ")$")
	return func(got any) bool {
		s, ok := got.(string)
		return ok && form.MatchString(s)
	}
}

func within(low, high int64) func(any) bool {
	return func(got any) bool {
		n, ok := got.(json.Number)
		v, err := n.Int64()
		return ok && err == nil && low <= v && v <= high
	}
}

// placeholder returns the test that want stands for, if it is a placeholder.
func placeholder(want any) (holds func(any) bool, ok bool) {
	s, isText := want.(string)
	if !isText {
		return nil, false
	}
	if m := about.FindStringSubmatch(s); m != nil {
		n, _ := strconv.ParseInt(m[1], 10, 64) // digits
		return within(n-60, n), true
	}
	holds, ok = placeholders[s]
	return holds, ok
}

// checkPlaceholders refuses what looks like a placeholder and is none.
func checkPlaceholders(want any) error {
	switch v := want.(type) {
	case map[string]any:
		for _, item := range v {
			if err := checkPlaceholders(item); err != nil {
				return err
			}
		}
	case []any:
		for _, item := range v {
			if err := checkPlaceholders(item); err != nil {
				return err
			}
		}
	case string:
		if _, ok := placeholder(v); !ok && isPlaceholder.MatchString(v) {
			return fmt.Errorf("%s is no placeholder; there are %s and <about SECONDS>", v, strings.Join(slices.Sorted(maps.Keys(placeholders)), ", "))
		}
	}
	return nil
}

// differences compares a value with what is wanted of it, one line for each
// place where they differ. Values of secret fields are not shown.
func differences(at string, got, want any) []string {
	if holds, ok := placeholder(want); ok {
		if !holds(got) {
			return []string{fmt.Sprintf("%s: got %s, want %s", at, show(at, got), want)}
		}
		return nil
	}
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			break
		}
		var all []string
		for _, name := range slices.Sorted(maps.Keys(w)) {
			if value, ok := g[name]; ok {
				all = append(all, differences(at+"."+name, value, w[name])...)
			} else {
				all = append(all, fmt.Sprintf("%s.%s: missing", at, name))
			}
		}
		for _, name := range slices.Sorted(maps.Keys(g)) {
			if _, ok := w[name]; !ok {
				all = append(all, fmt.Sprintf("%s.%s: got %s, want nothing", at, name, show(name, g[name])))
			}
		}
		return all
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			break
		}
		var all []string
		for i := range w {
			all = append(all, differences(fmt.Sprintf("%s[%d]", at, i), g[i], w[i])...)
		}
		return all
	default:
		if got == want {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s: got %s, want %s", at, show(at, got), show("", want))}
}

// secretFields are those of an answer that are worth stealing.
var secretFields = []string{"SecretAccessKey", "SessionToken", "Token"}

// hidden stands in their place.
const hidden = "(hidden)"

// show writes a value for people. at ends in the name of its field.
func show(at string, v any) string {
	if i := strings.LastIndexByte(at, '.'); i >= 0 {
		at = at[i+1:]
	}
	if slices.Contains(secretFields, at) {
		return hidden
	}
	b, err := json.Marshal(hide(v))
	if err != nil {
		return "something that is no JSON"
	}
	return string(b)
}

// hide returns v without its secrets.
func hide(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, item := range v {
			if slices.Contains(secretFields, name) {
				out[name] = hidden
			} else {
				out[name] = hide(item)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = hide(v[i])
		}
		return out
	default:
		return v
	}
}
