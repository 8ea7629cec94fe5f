package cli

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/credvend/credvend/api"
	"github.com/credvend/credvend/client"
	"github.com/credvend/credvend/internal/route"
)

// maxRefusal bounds how much is printed of an answer that is not 2xx, in bytes:
// it is searched for secrets, and so held in memory.
const maxRefusal = 1 << 20

func newCallCommand(e *env) *cobra.Command {
	var (
		who  callerFlags
		what vendFlags
		r    callRequest
	)
	cmd := &cobra.Command{
		Use:   "call TARGET METHOD PATH",
		Short: "Call a target: get credentials, sign the request, send it, print the answer",
		Long: `Gets credentials for TARGET, signs METHOD PATH with them (SigV4, service
execute-api), sends it to the target and prints the body of its answer on
standard output. PATH begins with a slash, may have a query, and stands behind
the target's endpoint, stage included.

The exit code is 0 if the answer's status is 2xx, else 4; 3 means that the
service gave no credentials. A redirect is not followed.

With --verbose, standard error shows the canonical request, the string to sign,
what was sent and the head of the answer, signature and session token masked.
` + callerHelp,
		Example: `  credvend call orders GET /orders/42
  credvend call orders GET "/orders?state=open&limit=10"

  # with a body; @FILE takes it from a file, - from standard input
  credvend call orders POST /orders -d '{"sku":"A-1"}'
  credvend call orders PUT /orders/42 -d @order.json -H "If-Match: 7"

  # how is this signed, and what was sent?
  credvend call orders GET /orders/42 -v

  # with credentials that are good for nothing else
  credvend call orders GET /orders/42 --route "GET /orders/42"`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 3 || args[0] == "" {
				return usagef(cmd, "name a target, a method and a path, such as: orders GET /orders/42")
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 1 {
				return route.Methods(), cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			r.method, r.path = strings.ToUpper(args[1]), args[2]
			if err := cmp.Or(what.check(cmd), r.check(cmd)); err != nil {
				return err
			}
			if err := r.readBody(cmd, e); err != nil {
				return err
			}
			caller, err := who.connect(cmd)
			if err != nil {
				return err
			}
			return e.call(cmd.Context(), caller.Transport(args[0], client.Routes(what.routes...), client.Duration(what.duration)), r)
		},
	}
	who.register(cmd)
	what.register(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&r.data, "data", "d", "", "body to send: text, @FILE, or - for standard input; as application/json unless --header says otherwise")
	flags.StringArrayVarP(&r.headers, "header", "H", nil, `header to send, such as "Accept: text/csv"; repeatable`)
	flags.BoolVarP(&r.verbose, "verbose", "v", false, "show on standard error what is signed, sent and answered, secrets masked")
	return cmd
}

// callTimeout bounds a call: API Gateway itself waits for 30 seconds.
const callTimeout = time.Minute

// call sends the request to the target and prints the answer.
func (e *env) call(ctx context.Context, t *client.Transport, r callRequest) error {
	vended, err := t.Vended(ctx)
	if err != nil {
		return vendError(err)
	}
	u, err := url.Parse(strings.TrimSuffix(vended.Grant.Endpoint, "/") + r.path)
	if err != nil {
		return errors.New("the path cannot be part of a URL: a % must be followed by two hexadecimal digits")
	}
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), bytes.NewReader(r.body))
	if err != nil {
		return errors.New("the request cannot be made")
	}
	req.Header = r.header
	shown := &transcript{w: e.stderr, secrets: secretsOf(vended)}
	t.Base = shown.watched(t.Base)
	if r.verbose {
		shown.grant(vended)
		t.Trace = shown.signing
		t.Base = shown.over(t.Base)
	}
	// No redirect is followed, and none could be: t signs for one host alone.
	c := &http.Client{Transport: t, Timeout: callTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Do(req)
	if err != nil {
		return callError(ctx, u.Host, err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	if r.verbose {
		shown.answer(resp)
	}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return e.stream(ctx, u.Host, resp.Body)
	}
	if err := e.refusal(resp.Body, shown.secrets); err != nil {
		return err
	}
	return &codedError{exitAnswered, errors.New(explainAnswer(r, resp, vended.Grant))}
}

// stream prints a body as it comes.
func (e *env) stream(ctx context.Context, host string, body io.Reader) error {
	buffer := make([]byte, 64<<10)
	for {
		n, err := body.Read(buffer)
		if n > 0 {
			if err := e.write(buffer[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return callError(ctx, host, &wireError{err})
		}
	}
}

// refusal prints a body that is not what was asked for. API Gateway repeats
// the session token in some of its errors.
func (e *env) refusal(body io.Reader, secrets []string) error {
	text, err := io.ReadAll(io.LimitReader(body, maxRefusal))
	if len(text) == 0 {
		return nil //nolint:nilerr // the status is what is left to tell
	}
	text = signature.ReplaceAll(mask(text, secrets), []byte("${1}"+masked))
	if text[len(text)-1] != '\n' && err == nil {
		text = append(text, '\n')
	}
	return e.write(text)
}

// explainAnswer says what a status means, where it can be known.
func explainAnswer(r callRequest, resp *http.Response, grant api.Grant) string {
	path, _, _ := strings.Cut(r.path, "?")
	text := fmt.Sprintf("%s %s: %s answered %d %s", r.method, printable(path), grant.Target, resp.StatusCode, http.StatusText(resp.StatusCode))
	switch status := resp.StatusCode; {
	case status >= 300 && status < 400:
		return text + ": a redirect, which is not followed"
	case status != http.StatusForbidden:
		return text
	}
	granted := "the credentials are good for " + strings.Join(grant.Routes, ", ")
	if len(grant.DeniedRoutes) > 0 {
		granted += ", not for " + strings.Join(grant.DeniedRoutes, ", ")
	}
	if within(r.method+" "+path, grant) {
		return text + ": " + granted + ", which has this route; the role in the target's account may lack it, or the API itself refused"
	}
	return text + ": " + granted
}

// within reports whether a grant has a route, as far as its patterns show.
func within(asked string, grant api.Grant) bool {
	r, err := route.Parse(asked)
	if err != nil {
		return false
	}
	has := func(patterns []string) bool {
		for _, p := range patterns {
			if pattern, err := route.Parse(p); err == nil && pattern.Contains(r) {
				return true
			}
		}
		return false
	}
	return has(grant.Routes) && !has(grant.DeniedRoutes)
}

// callError says why the target gave no answer. What net/http says of an
// answer that it cannot read quotes it, and an answer may repeat what was sent:
// the session token.
func callError(ctx context.Context, host string, err error) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	var (
		answer      *client.Error
		wire        *wireError
		timeout     net.Error
		op          *net.OpError
		name        *net.DNSError
		certificate *tls.CertificateVerificationError
	)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &answer):
		return vendError(err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return fmt.Errorf("the target at %s broke off its answer", host)
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("the target at %s did not answer in time", host)
	case errors.As(err, &op), errors.As(err, &certificate), errors.As(err, &name):
		return fmt.Errorf("the target at %s cannot be reached: %w", host, err)
	case errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("the target at %s speaks plain http, not https", host)
	case !errors.As(err, &wire):
		return err // of the client, which says why it did not send
	default:
		return fmt.Errorf("the target at %s, or a proxy on the way, gave no usable HTTP answer", host)
	}
}
