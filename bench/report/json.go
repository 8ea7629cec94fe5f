package report

import (
	"encoding/json"
	"io"
)

// WriteJSON writes the results to be kept, indented, so that two runs can be
// compared line by line.
func WriteJSON(w io.Writer, r Results) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}
