package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/credvend/credvend/api"
	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/vend"
)

// statuses is the one table from kinds of failure to HTTP statuses.
var statuses = map[fault.Kind]int{
	fault.Internal:             http.StatusInternalServerError,
	fault.InvalidRequest:       http.StatusBadRequest,
	fault.Unauthenticated:      http.StatusUnauthorized,
	fault.Denied:               http.StatusForbidden,
	fault.NotFound:             http.StatusNotFound,
	fault.MethodNotAllowed:     http.StatusMethodNotAllowed,
	fault.TooLarge:             http.StatusRequestEntityTooLarge,
	fault.UnsupportedMediaType: http.StatusUnsupportedMediaType,
	fault.Throttled:            http.StatusTooManyRequests,
	fault.TargetMisconfigured:  http.StatusBadGateway,
	fault.Unavailable:          http.StatusServiceUnavailable,
}

// response is the answer in the form that HTTP APIs, function URLs and REST
// APIs all take from a function.
type response struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

// encode writes r as encoding/json would, and escapes the body on the way: an
// answer with credentials is written once, not once more into itself.
func encode(r response) []byte {
	b := make([]byte, 0, len(r.Body)+len(r.Body)/8+256)
	b = append(b, `{"statusCode":`...)
	b = strconv.AppendInt(b, int64(r.StatusCode), 10)
	b = append(b, `,"headers":{`...)
	names := make([]string, 0, 8)
	for name := range r.Headers {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, name)
		b = append(b, ':')
		b = appendString(b, r.Headers[name])
	}
	b = append(b, `},"body":`...)
	b = appendString(b, r.Body)
	b = append(b, `,"isBase64Encoded":`...)
	b = strconv.AppendBool(b, r.IsBase64Encoded)
	return append(b, '}')
}

// appendString appends s as a JSON string. What is more than quotes and
// backslashes in printable ASCII is left to encoding/json.
func appendString(b []byte, s string) []byte {
	start, from := len(b), 0
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c > '\\' && c <= '~', c > '>' && c < '\\': // most
		case c == '"' || c == '\\':
			b = append(b, s[from:i]...)
			b = append(b, '\\')
			from = i
		case c < ' ' || c > '~' || c == '<' || c == '>' || c == '&':
			text, err := json.Marshal(s)
			if err != nil { // a string always encodes
				text = []byte(`""`)
			}
			return append(b[:start], text...)
		}
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}

// always are the headers that stand on every answer. The content type is
// exactly this: some SDKs read an error only then. Nothing here may be stored by
// anything on the way.
func always() [2][2]string {
	return [2][2]string{{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}}
}

func headers() map[string]string {
	all := make(map[string]string, 4)
	for _, h := range always() {
		all[h[0]] = h[1]
	}
	return all
}

// refusal records a failure through the service and turns it into an answer,
// for what happens outside the bridge.
func (h *Handler) refusal(ctx context.Context, call *vend.Call, why error) response {
	why = h.service.Refuse(ctx, call, why)
	if f := fault.Of(why); f.Kind == fault.Internal || f.Kind == fault.Unavailable || f.Kind == fault.TargetMisconfigured {
		// These are the operator's to mend. Of an error that nobody classified
		// only the type is logged: its text may quote anything.
		cause := fmt.Sprintf("%T", why)
		if errors.As(why, &f) {
			cause = f.Error()
		}
		h.log.ErrorContext(ctx, "request failed", slog.String("requestId", call.RequestID), slog.String("code", f.Kind.Code()), slog.String("cause", cause))
	}
	return failure(call.RequestID, why)
}

// failure is the answer to a request that fails.
func failure(requestID string, err error) response {
	f := fault.Of(err)
	status, known := statuses[f.Kind]
	if !known {
		status = http.StatusInternalServerError
	}
	body, err := json.Marshal(api.NewError(f.Kind.Code(), f.Public(), requestID))
	if err != nil {
		body = []byte(`{}`)
	}
	r := response{StatusCode: status, Headers: headers(), Body: string(body)}
	if f.Kind == fault.Throttled || f.Kind == fault.Unavailable {
		wait := max(f.RetryAfter, time.Second) // whoever forgot to say how long meant some time
		r.Headers["Retry-After"] = strconv.Itoa(int((wait + time.Second - 1) / time.Second))
	}
	if f.Allow != "" {
		r.Headers["Allow"] = f.Allow
	}
	return r
}

func methodNotAllowed(allow string) error {
	f := fault.New(fault.MethodNotAllowed, "this path takes %s", allow)
	f.Allow = allow
	return f
}

// write sends r through w.
func (r response) write(w http.ResponseWriter) {
	for name, value := range r.Headers {
		w.Header().Set(name, value)
	}
	send(w, r.StatusCode, []byte(r.Body))
}

// send writes a status and a body, with what stands on every answer.
func send(w http.ResponseWriter, status int, body []byte) {
	for _, h := range always() {
		w.Header().Set(h[0], h[1])
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // into memory: the bridge's writer does not fail
}
