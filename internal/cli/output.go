package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"unicode"

	"github.com/spf13/cobra"
)

// output is the value of --output.
type output struct {
	form    string
	allowed []string
}

// register adds --output; the first of the forms is the default.
func (o *output) register(cmd *cobra.Command, forms ...string) {
	o.allowed = forms
	cmd.Flags().StringVarP(&o.form, "output", "o", forms[0], "form of what is printed: "+strings.Join(forms, ", "))
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(forms, cobra.ShellCompDirectiveNoFileComp)) // the flag exists
}

func (o *output) check(cmd *cobra.Command) error {
	if !slices.Contains(o.allowed, o.form) {
		return usagef(cmd, "--output %q is none of %s", o.form, strings.Join(o.allowed, ", "))
	}
	return nil
}

// write puts a result on standard output in one piece, so that whoever reads it
// has all of it or none.
func (e *env) write(b []byte) error {
	_, err := (&checked{w: e.stdout}).Write(b)
	return err
}

// checked is a standard output that remembers the first write that failed:
// cobra, which prints help and completions, does not look.
type checked struct {
	w   io.Writer
	err error
}

func (c *checked) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	if errors.Is(err, syscall.EPIPE) {
		err = errors.New("standard output was closed before the result was written")
	}
	if c.err == nil {
		c.err = err
	}
	return n, err
}

// writeJSON puts a document on standard output, indented.
func (e *env) writeJSON(document []byte) error {
	var b bytes.Buffer
	if err := json.Indent(&b, document, "", "  "); err != nil {
		return errors.New("the answer cannot be written as JSON")
	}
	b.WriteByte('\n')
	return e.write(b.Bytes())
}

// table lays rows out in columns.
func table(rows [][]string) []byte {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i := range row {
			row[i] = printable(row[i])
		}
		_, _ = fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	_ = w.Flush() // into memory
	var trimmed bytes.Buffer
	for line := range bytes.Lines(b.Bytes()) {
		trimmed.Write(bytes.TrimRight(line, " \n"))
		trimmed.WriteByte('\n')
	}
	return trimmed.Bytes()
}

// printable takes out what would steer a terminal: a service is believed about
// credentials, not about escape sequences.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, s)
}

// warn says something on standard error that is no reason to stop.
func (e *env) warn(err error) {
	_, _ = fmt.Fprintln(e.stderr, "credvend: warning: "+oneLine(err))
}

// oneLine is an error's text on one line, without what would steer a terminal:
// parts of it may come from files, and from the other end of a connection.
func oneLine(err error) string {
	text := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, err.Error())
	return printable(strings.Join(strings.Fields(text), " "))
}
