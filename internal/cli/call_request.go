package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/credvend/credvend/client"
	"github.com/credvend/credvend/internal/route"
)

// callRequest is what to send.
type callRequest struct {
	method, path string
	data         string
	headers      []string
	verbose      bool

	body   []byte // nil: none
	header http.Header
}

func (r *callRequest) check(cmd *cobra.Command) error {
	if !slices.Contains(route.Methods(), r.method) {
		return usagef(cmd, "the method %q is none of %s", r.method, strings.Join(route.Methods(), ", "))
	}
	switch {
	case !strings.HasPrefix(r.path, "/"):
		return usagef(cmd, "the path %q does not begin with a slash; the target's host is not part of it", r.path)
	case strings.Contains(r.path, "#"):
		return usagef(cmd, "the path holds a #, and what follows one is never sent; write %%23 if it is meant")
	case strings.ContainsFunc(r.path, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return usagef(cmd, "the path holds a control character")
	}
	if _, err := url.Parse("https://host" + r.path); err != nil {
		return usagef(cmd, "the path cannot be part of a URL: a %% must be followed by two hexadecimal digits")
	}
	r.header = http.Header{}
	for _, line := range r.headers {
		name, value, ok := strings.Cut(line, ":")
		if !ok || !isToken(name) {
			return usagef(cmd, "a --header is not of the form \"NAME: VALUE\"") // it may hold a secret, so it is not repeated
		}
		switch name = http.CanonicalHeaderKey(name); name {
		case "Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256", "Host", "Content-Length", "Transfer-Encoding", "Connection":
			return usagef(cmd, "the header %s is the signature's or the connection's; leave it out", name)
		}
		value = strings.TrimSpace(value)
		if strings.ContainsFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
			return usagef(cmd, "the header %s holds a newline or another control character", name)
		}
		r.header.Add(name, value)
	}
	return nil
}

// isToken reports whether s may be the name of a header.
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && !strings.ContainsRune("!#$%&'*+-.^_`|~", c)
	})
}

// readBody takes the body from where --data says.
func (r *callRequest) readBody(cmd *cobra.Command, e *env) error {
	if !cmd.Flags().Changed("data") {
		return nil
	}
	var in io.Reader
	switch name, file := strings.CutPrefix(r.data, "@"); {
	case r.data == "-", r.data == "@-":
		in = e.stdin
	case file:
		f, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("the body cannot be read: %w", err)
		}
		defer f.Close() //nolint:errcheck // it was only read
		in = f
	default:
		in = strings.NewReader(r.data)
	}
	var err error
	if r.body, err = readAll(cmd.Context(), io.LimitReader(in, client.MaxBody+1)); err != nil {
		return fmt.Errorf("the body cannot be read: %w", err)
	}
	if len(r.body) > client.MaxBody {
		return usagef(cmd, "the body has more than %d bytes, which API Gateway does not take", client.MaxBody)
	}
	if r.header.Get("Content-Type") == "" {
		r.header.Set("Content-Type", "application/json")
	}
	return nil
}

// readAll reads to the end, or until ctx ends: a terminal, or a pipe, that
// nothing comes from does not stop for Ctrl-C by itself.
func readAll(ctx context.Context, in io.Reader) ([]byte, error) {
	type result struct {
		content []byte
		err     error
	}
	read := make(chan result, 1)
	go func() {
		content, err := io.ReadAll(in)
		read <- result{content, err}
	}()
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case r := <-read:
		return r.content, r.err
	}
}
