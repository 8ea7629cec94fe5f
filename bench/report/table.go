package report

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

// over marks a figure that does not keep its limit.
const over = "<< over"

// noteWidth is where notes are broken.
const noteWidth = 110

// WriteTable writes the results to be read, sections in order, and at the end
// which limits were passed.
func WriteTable(w io.Writer, r Results) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, %d × %s, commit %s, %s, %d s\n", r.Machine.Go, r.Machine.Platform, r.Machine.Cores, r.Machine.CPU, r.Machine.Commit, r.Machine.Date, r.Machine.Seconds)
	kept, passed := 0, []string(nil)
	for _, s := range r.Sections {
		fmt.Fprintf(&b, "\n%s\n", s.Title)
		for _, line := range wrap(s.Note, noteWidth) {
			fmt.Fprintf(&b, "  %s\n", line)
		}
		t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		for _, f := range s.Figures {
			if _, err := fmt.Fprintln(t, strings.TrimRight("  "+strings.Join(row(f), "\t"), "\t")); err != nil {
				return err
			}
			switch {
			case f.Limit == 0:
			case f.Within():
				kept++
			default:
				passed = append(passed, fmt.Sprintf("%s: %s: %s: %s, limit %s", s.Name, f.Of, f.What, measured(f), Number(f.Limit)))
			}
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	fmt.Fprintf(&b, "\nlimits: %d kept, %d passed\n", kept, len(passed))
	for _, line := range passed {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// row is a figure's cells: of, what, value, unit, ratio, limit, mark.
func row(f Figure) []string {
	cells := []string{f.Of, f.What, padLeft(Number(f.Value), 9), f.Unit, "", "", ""}
	if f.Beside != "" {
		cells[4] = padLeft(Ratio(f.Ratio), 6) + " × " + f.Beside
	}
	if f.Limit != 0 {
		cells[5] = "limit " + Number(f.Limit)
		if !f.Within() {
			cells[6] = over
		}
	}
	return cells
}

// measured is what a limit is held against.
func measured(f Figure) string {
	if f.Beside != "" {
		return Ratio(f.Ratio) + " × " + f.Beside
	}
	return strings.TrimSpace(Number(f.Value) + " " + f.Unit)
}

// Ratio writes a ratio: two decimals, three below a tenth.
func Ratio(v float64) string {
	if v < 0.1 {
		return strconv.FormatFloat(v, 'f', 3, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// Number writes a value as exactly as it was measured at best: three digits,
// or whole, with thousands parted.
func Number(v float64) string {
	decimals := 0
	switch a := math.Abs(v); {
	case v == math.Trunc(v), a >= 100:
	case a >= 10:
		decimals = 1
	case a >= 0.1:
		decimals = 2
	default:
		decimals = 4
	}
	whole, rest, _ := strings.Cut(strconv.FormatFloat(v, 'f', decimals, 64), ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	if rest != "" {
		rest = "." + rest
	}
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	return sign + whole + rest
}

func padLeft(s string, width int) string {
	return strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s))) + s
}

// wrap breaks text into lines between words.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
