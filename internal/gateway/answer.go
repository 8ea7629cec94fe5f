package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
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

func encode(r response) []byte {
	b, err := json.Marshal(r)
	if err != nil { // strings and numbers only
		return []byte(`{"statusCode":500,"headers":{"Content-Type":"application/json","Cache-Control":"no-store"},"body":"{}"}`)
	}
	return b
}

// headers stand on every answer. The content type is exactly this: some SDKs
// read an error only then. Nothing here may be stored by anything on the way.
func headers() map[string]string {
	return map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store"}
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
	w.WriteHeader(r.StatusCode)
	_, _ = w.Write([]byte(r.Body)) // into memory: the bridge's writer does not fail
}
