package apigw

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Caller is who an HTTP API let in, as far as the API itself is told: of a role
// session that is the session's name. Tags and source identity show in policy
// conditions, not here.
type Caller struct {
	UserARN     string // "" on an open route and behind a JWT authorizer
	UserID      string
	AccountID   string
	AccessKeyID string
	Session     string            // name of the role session; "" for users
	Claims      map[string]string // of the token, behind a JWT authorizer
}

type callerKey struct{}

// CallerOf tells a Backend who calls; false on an open route.
func CallerOf(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}

func (a *httpAuthorizer) caller() (Caller, bool) {
	switch {
	case a == nil:
		return Caller{}, false
	case a.JWT != nil:
		return Caller{Claims: a.JWT.Claims}, true
	}
	c := Caller{UserARN: a.IAM.UserARN, UserID: a.IAM.UserID, AccountID: a.IAM.AccountID, AccessKeyID: a.IAM.AccessKey}
	if parts := strings.Split(c.UserARN, "/"); len(parts) == 3 && strings.Contains(parts[0], ":assumed-role") {
		c.Session = parts[2]
	}
	return c, true
}

// proxy hands the request to the Backend, at its path without the stage.
func (a *HTTPAPI) proxy(k *call, path string, authorizer *httpAuthorizer) {
	ctx := k.r.Context()
	if c, ok := authorizer.caller(); ok {
		ctx = context.WithValue(ctx, callerKey{}, c)
	}
	r := k.r.Clone(ctx)
	r.URL = &url.URL{Path: path, RawQuery: k.query}
	r.RequestURI = r.URL.RequestURI()
	r.Header = k.forwardedHeaders(k.executeAPIDomain())
	r.Header.Del("Host")
	r.Host = k.executeAPIDomain()
	r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(k.body)), int64(len(k.body)), nil
	w := &statusWriter{ResponseWriter: k.w, status: http.StatusOK}
	a.opt.Backend.ServeHTTP(w, r)
	k.finish(w.status)
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status for the trace.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Echo is a backend that answers what it was asked and by whom, in JSON. It
// echoes no header, since headers hold session tokens, and leaves presigned
// parameters out of the query for the same reason.
func Echo() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAPIBody))
		if err != nil {
			http.Error(w, "the body could not be read", http.StatusBadRequest)
			return
		}
		query := map[string][]string{}
		for _, p := range decodeQuery(r.URL.RawQuery) {
			if !strings.HasPrefix(strings.ToLower(p[0]), "x-amz-") {
				query[p[0]] = append(query[p[0]], p[1])
			}
		}
		c, _ := CallerOf(r.Context())
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(append(encode(struct {
			Method  string              `json:"method"`
			Path    string              `json:"path"`
			Query   map[string][]string `json:"query"`
			Body    string              `json:"body"`
			Caller  string              `json:"caller"`
			Session string              `json:"session"`
		}{r.Method, r.URL.Path, query, strings.ToValidUTF8(string(body), "\uFFFD"), c.UserARN, c.Session}), '\n')) // a client that has gone
	})
}
