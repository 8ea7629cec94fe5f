package cli

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/allowlist/yamldoc"
	"github.com/credvend/credvend/internal/analysis"
)

func newAllowlistTestCommand(e *env) *cobra.Command {
	var out output
	var tests string
	cmd := &cobra.Command{
		Use:   "test FILE",
		Short: "Check the assertions that stand beside an allowlist",
		Long: `Checks the assertions of allowlist_test.yaml, the file beside allowlist.yaml with
_test in its name, or of the file that --tests names:

  version: 1
  cases:
    - name: billing reads orders and deletes none
      as: billing-service        # a caller of the list, an ARN, claims as JSON, or
      target: orders             # @FILE with claims or an event, beside this file
      allow: ["GET /orders/*"]   # all of each must pass
      deny: ["DELETE /*"]        # nothing of each may pass
    - name: shoppers see their own
      as: shopper
      claims: { sub: ana }       # a token's claims, beside the name of its caller
      target: orders
      allow: ["GET /users/ana/*", "GET /users/${claims.sub}/*"]
      deny: ["GET /users/ben/*"]

A case can also say unique_id (beside an ARN), callers (all names that match),
max_duration and tags. The file is read as strictly as an allowlist.

Exit code 0: every assertion holds. 1: one does not, or a file is not right.`,
		Example: `  credvend allowlist test allowlist.yaml
  credvend allowlist test allowlist.yaml --output junit > report.xml`,
		Args: wantArgs(1, 1, "one allowlist, such as allowlist.yaml"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(cmd); err != nil {
				return err
			}
			if tests == "" && args[0] == "-" {
				return usagef(cmd, "name the assertions with --tests when the list comes from standard input")
			}
			if tests == "" {
				ext := filepath.Ext(args[0])
				tests = strings.TrimSuffix(args[0], ext) + "_test" + ext
			}
			s, err := e.subject(args[0])
			if err != nil {
				return err
			}
			results, err := e.assertions(s, tests)
			if err != nil {
				return err
			}
			return e.reportAssertions(results, tests, out.form)
		},
	}
	cmd.Flags().StringVar(&tests, "tests", "", "file of assertions (default: FILE with _test before its extension)")
	out.register(cmd, "text", "json", "junit")
	return cmd
}

// maxAssertions bounds a file of assertions.
const maxAssertions = 16 << 20

// assertion is a check and where it stands.
type assertion struct {
	analysis.Check
	Line   int `json:"line"`
	Column int `json:"column"`
}

// assertions reads a file of assertions and checks them.
func (e *env) assertions(s analysis.Subject, name string) ([]assertion, error) {
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there are no assertions: %s does not exist; write it, or name another with --tests", name)
	}
	text, _, err := e.read(name, maxAssertions)
	if err != nil {
		return nil, err
	}
	if len(text) > maxAssertions {
		return nil, fmt.Errorf("%s has more than %d MiB; is this the right file? A file of assertions has less", name, maxAssertions>>20)
	}
	var doc analysis.Tests
	file, err := yamldoc.Decode(name, text, &doc)
	if err != nil {
		return nil, e.diagnosed(name, err)
	}
	if doc.Version != analysis.TestsVersion {
		return nil, e.diagnosed(name, file.Annotate([]allowlist.Problem{{Path: []any{"version"}, Text: "a file of assertions begins with its version", Remedy: "write version: 1"}}))
	}
	suite, err := analysis.NewSuite(s, fileIn(filepath.Dir(name)))
	if err != nil {
		return nil, err
	}
	all := []assertion{}
	for i, c := range doc.Cases {
		for _, check := range suite.Check(i, c) {
			a := assertion{Check: check}
			if !check.OK { // finding a place costs a look through the file
				a.Line, a.Column = file.Position(check.Path, false)
			}
			all = append(all, a)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no cases; a file that asserts nothing holds nothing in place", name)
	}
	return all, nil
}

// report writes the results and returns the error to end with.
func (e *env) reportAssertions(results []assertion, name, form string) error {
	failed := 0
	for _, r := range results {
		if !r.OK {
			failed++
		}
	}
	var err error
	switch form {
	case "json":
		err = e.printDocument(struct {
			File   string      `json:"file"`
			Failed int         `json:"failed"`
			Checks []assertion `json:"checks"`
		}{name, failed, results})
	case "junit":
		err = e.junit(results, name, failed)
	default:
		err = e.lines(assertionText(results, name, failed))
	}
	if err == nil && failed > 0 {
		err = commandExit(exitFailed)
	}
	return err
}

func assertionText(results []assertion, name string, failed int) string {
	var b strings.Builder
	title := ""
	for i, r := range results {
		if r.Case != title || i == 0 {
			title = r.Case
			bad := false
			for _, o := range results[i:] {
				if o.Case != title {
					break
				}
				bad = bad || !o.OK
			}
			mark := "ok    "
			if bad {
				mark = "FAILED"
			}
			b.WriteString(mark + "  " + title + "\n")
		}
		if !r.OK {
			fmt.Fprintf(&b, "          %s:%d:%d: %s: %s\n", name, r.Line, r.Column, r.What, r.Detail)
		}
	}
	switch {
	case failed == 0 && len(results) == 1:
		b.WriteString("1 assertion holds\n")
	case failed == 0:
		fmt.Fprintf(&b, "%d assertions hold\n", len(results))
	default:
		fmt.Fprintf(&b, "%d of %s failed\n", failed, plural(len(results), "assertion"))
	}
	return b.String()
}

// The part of JUnit's form that readers of it agree on.
type (
	junitSuite struct {
		XMLName  xml.Name    `xml:"testsuite"`
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		File    string        `xml:"file,attr"`
		Line    int           `xml:"line,attr,omitempty"`
		Failure *junitFailure `xml:"failure"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

func (e *env) junit(results []assertion, name string, failed int) error {
	suite := junitSuite{Name: name, Tests: len(results), Failures: failed}
	for _, r := range results {
		c := junitCase{Class: r.Case, Name: r.What, File: name, Line: r.Line}
		if !r.OK {
			c.Failure = &junitFailure{r.Detail, fmt.Sprintf("%s:%d:%d: %s", name, r.Line, r.Column, r.Detail)}
		}
		suite.Cases = append(suite.Cases, c)
	}
	text, err := xml.MarshalIndent(suite, "", "  ")
	if err != nil {
		return fmt.Errorf("the report cannot be written as XML: %w", err)
	}
	return e.write([]byte(xml.Header + string(text) + "\n"))
}
