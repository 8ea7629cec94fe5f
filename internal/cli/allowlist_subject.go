package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/credvend/credvend/internal/allowlist/yamldoc"
	"github.com/credvend/credvend/internal/analysis"
	"github.com/credvend/credvend/internal/analysis/population"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
)

// exitOtherwise is the exit code of a question about an allowlist whose answer
// is the one to stop at: denied, wider than before, answered otherwise.
const exitOtherwise = exitRefused

// asHelp tells about the value of --as.
const asHelp = `
CALLER is one of
  arn:aws:sts::444455556666:assumed-role/ROLE/SESSION   a role's session, as AWS reports it
  arn:aws:iam::444455556666:role/ROLE, …:user/USER      a role or user; --unique-id for its AROA… or AIDA…
  '{"iss":"…","aud":"…","sub":"…"}'                     a token's claims
  @FILE                                                 claims, or an event of any front door (see events/)
  NAME                                                  a caller of the list: one who is that and no more;
                                                        <claims.sub> then stands for any value`

// subject reads and compiles an allowlist. What is wrong with it goes to
// standard error, problem by problem.
func (e *env) subject(name string) (analysis.Subject, error) {
	text, _, err := e.read(name, yamldoc.MaxSize)
	if err != nil {
		return analysis.Subject{}, err
	}
	shown := name
	if name == "-" {
		shown = "<stdin>"
	}
	file, list, err := yamldoc.Load(shown, text)
	if err != nil {
		return analysis.Subject{}, e.diagnosed(shown, err)
	}
	return analysis.Subject{Doc: file.Doc, List: list}, nil
}

// diagnosed shows what is wrong with a file and returns the error to end with.
func (e *env) diagnosed(name string, err error) error {
	var ds yamldoc.Diagnostics
	if !errors.As(err, &ds) {
		return err
	}
	if _, err := fmt.Fprintln(e.stderr, ds); err != nil {
		return err
	}
	return fmt.Errorf("%s has %s; mend it and ask again", name, plural(len(ds), "problem"))
}

// asker is who a question is asked for: the flags --as and --unique-id.
type asker struct{ as, uniqueID string }

func (a *asker) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.as, "as", "", "who asks: an ARN, claims as JSON, @FILE with claims or an event, or a caller of the list")
	cmd.Flags().StringVar(&a.uniqueID, "unique-id", "", "unique id of the role or user, where the list pins it: AROA…, AIDA…")
}

// resolve reads who asks.
func (a *asker) resolve(cmd *cobra.Command, s analysis.Subject) (identity.Caller, population.Values, error) {
	if a.as == "" {
		return identity.Caller{}, population.Values{}, usagef(cmd, "say who asks: --as ARN, --as '{…claims…}', --as @FILE or --as NAME")
	}
	suite, err := analysis.NewSuite(s, fileIn(""))
	if err != nil {
		return identity.Caller{}, population.Values{}, err
	}
	c, values, err := suite.Resolve(a.as, a.uniqueID)
	if err != nil {
		return identity.Caller{}, population.Values{}, fmt.Errorf("--as: %w", err)
	}
	return c, values, nil
}

// fileIn reads files with claims or events; relative names are those in dir.
func fileIn(dir string) func(name string) ([]byte, error) {
	const limit = 8 << 20
	return func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("cannot read the caller: %w", err)
		}
		defer f.Close() //nolint:errcheck // it was only read
		raw, err := io.ReadAll(io.LimitReader(f, limit+1))
		if err != nil {
			return nil, fmt.Errorf("cannot read the caller: %w", err)
		}
		if len(raw) > limit {
			return nil, fmt.Errorf("%s has more than 8 MiB; an event or a token's claims have less", name)
		}
		return raw, nil
	}
}

// parseRoutes reads routes from arguments.
func parseRoutes(cmd *cobra.Command, texts []string) ([]route.Route, error) {
	var routes []route.Route
	for _, text := range texts {
		r, err := route.Parse(text)
		if err != nil {
			return nil, asUsage(cmd, err)
		}
		routes = append(routes, r)
	}
	return routes, nil
}

// wantArgs makes too few or too many arguments a usage error that says what is
// wanted.
func wantArgs(low, high int, want string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < low || high >= 0 && len(args) > high {
			return usagef(cmd, "name %s; %d were named", want, len(args))
		}
		return nil
	}
}

// pieceLines writes pieces a line each.
func pieceLines(b *strings.Builder, indent string, pieces []analysis.Piece) {
	for _, p := range pieces {
		b.WriteString(indent + p.String() + "\n")
	}
}

// lines writes text without what would steer a terminal: lists and logs come
// from others.
func (e *env) lines(text string) error {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(printable(strings.TrimSuffix(line, "\n")) + "\n")
	}
	return e.write([]byte(b.String()))
}

func inMinutes(seconds int) string { return span(time.Duration(seconds) * time.Second) }
