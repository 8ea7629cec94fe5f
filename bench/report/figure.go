// Package report holds what a benchmark measured, and writes it: as a table to
// read, as JSON to keep, as a picture for the documents. It measures nothing.
package report

// Results are those of one run of make bench.
type Results struct {
	Machine  Machine   `json:"machine"`
	Sections []Section `json:"sections"`
}

// Machine says where a run was made. Figures of two machines do not compare;
// ratios within one run do.
type Machine struct {
	Go       string `json:"go"`       // version
	Platform string `json:"platform"` // linux/amd64
	CPU      string `json:"cpu"`
	Cores    int    `json:"cores"`
	Commit   string `json:"commit"`  // of the checkout; "+" behind it: with changes
	Date     string `json:"date"`    // RFC 3339, UTC
	Seconds  int    `json:"seconds"` // the whole run
}

// Section is one question and its figures.
type Section struct {
	Name    string   `json:"name"`           // start, invoke, …
	Title   string   `json:"title"`          // in words
	Note    string   `json:"note,omitempty"` // how it was measured, or why it was not
	Figures []Figure `json:"figures"`
	Series  []Series `json:"series,omitempty"` // curves, for the picture
}

// Figure is one number.
type Figure struct {
	Of     string  `json:"of"`               // what was measured: credvend, minimal, echo, …
	What   string  `json:"what"`             // p50, allocations, resident memory, …
	Value  float64 `json:"value"`            // in Unit
	Unit   string  `json:"unit"`             // µs, MiB, calls, … ; "" for a count
	Beside string  `json:"beside,omitempty"` // whose figure Ratio is of
	Ratio  float64 `json:"ratio,omitempty"`
	// Limit is what Ratio must not pass, or Value where there is no ratio; 0
	// sets none. A run that passes one says so and still ends with 0: a figure
	// is no test.
	Limit float64 `json:"limit,omitempty"`
}

// Within reports whether the figure keeps its limit.
func (f Figure) Within() bool {
	switch {
	case f.Limit == 0:
		return true
	case f.Beside != "":
		return f.Ratio <= f.Limit
	default:
		return f.Value <= f.Limit
	}
}

// Series is one curve.
type Series struct {
	Name   string  `json:"name"`
	XUnit  string  `json:"xUnit"`
	YUnit  string  `json:"yUnit"`
	Points []Point `json:"points"`
}

// Point is one point of a curve.
type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}
