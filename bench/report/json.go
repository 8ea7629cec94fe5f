package report

import (
	"encoding/json"
	"io"
	"strconv"
)

// WriteJSON writes the results to be kept, indented, so that two runs can be
// compared line by line. Numbers have five digits: no measurement has more.
func WriteJSON(w io.Writer, r Results) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// MarshalJSON writes a figure as WriteJSON says.
func (f Figure) MarshalJSON() ([]byte, error) {
	type plain Figure
	p := plain(f)
	p.Value, p.Ratio = rounded(f.Value), rounded(f.Ratio)
	return json.Marshal(p)
}

// MarshalJSON writes a point as WriteJSON says.
func (p Point) MarshalJSON() ([]byte, error) {
	type plain Point
	return json.Marshal(plain{rounded(p.X), rounded(p.Y)})
}

func rounded(v float64) float64 {
	short, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 5, 64), 64)
	if err != nil {
		return v // not a number, which encoding/json refuses
	}
	return short
}
