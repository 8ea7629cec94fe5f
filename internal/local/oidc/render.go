package oidc

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// renderAll renders each claim for the event of an HTTP API.
func renderAll(claims map[string]any) map[string]string {
	rendered := make(map[string]string, len(claims))
	for name, value := range claims {
		rendered[name] = Render(value)
	}
	return rendered
}

// Render writes one claim as an HTTP API does: strings as they are, numbers as
// plain digits, arrays as "[a b]" (so that a value with a space is ambiguous),
// objects as "map[k:v]" with sorted keys. value is as decoded from JSON, numbers
// as json.Number or float64.
func Render(value any) string { return fmt.Sprint(renderable(value)) }

// renderable turns numbers into their digits; fmt does the rest, sorting the keys
// of maps.
func renderable(value any) any {
	switch v := value.(type) {
	case json.Number:
		return digits(v.String())
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			out[i] = renderable(element)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, element := range v {
			out[key] = renderable(element)
		}
		return out
	default:
		return value
	}
}

// digits writes a number without an exponent.
func digits(number string) string {
	if !strings.ContainsAny(number, "eE") {
		return number
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return number // out of range: as it came
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}
