package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/credvend/credvend/internal/fault"
)

// Bridged sends a request through the bridge, past all checks.
func Bridged(ctx context.Context, h http.Handler, method, path, query string) (status int, err error) {
	r, err := newBridge(h).serve(ctx, request{method: method, path: path, query: query})
	return r.StatusCode, err
}

// Statuses is the table from kinds of failure to HTTP statuses.
func Statuses() map[fault.Kind]int { return statuses }

// ErrOf is what a failure of a kind is answered with.
func ErrOf(k fault.Kind) (status int, headers map[string]string) {
	r := failure("id", errors.Join(fault.New(k, "text")))
	return r.StatusCode, r.Headers
}

// Encoded is an answer as the function writes it, and as encoding/json would.
func Encoded(status int, headers map[string]string, body string, base64 bool) (ours, theirs []byte, err error) {
	r := response{status, headers, body, base64}
	theirs, err = json.Marshal(r)
	return encode(r), theirs, err
}
