package peer

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// object is a JSON object.
type object = map[string]any

// api speaks to one OpenBao server.
type api struct {
	url    string
	client *http.Client
	token  string // of the operator who sets it up
}

// newAPI looks at no proxy: its server is on this machine.
func newAPI(url string) api {
	return api{url: url, client: &http.Client{Timeout: patience, Transport: &http.Transport{}}}
}

// call makes one request and decodes the answer into v, if that is not nil. What
// was sent is never in the error: keys and tokens are.
func (a api) call(ctx context.Context, method, path string, in, v any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, a.url+"/v1/"+path, body)
	if err != nil {
		return err
	}
	if a.token != "" {
		r.Header.Set("X-Vault-Token", a.token)
	}
	res, err := a.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err
	}
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, problem(text))
	}
	if v == nil {
		return nil
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%s %s: the answer is not as expected: %w", method, path, err)
	}
	return nil
}

// problem is what OpenBao says is wrong.
func problem(text []byte) string {
	var doc struct{ Errors []string }
	if json.Unmarshal(text, &doc) == nil && len(doc.Errors) > 0 {
		text = []byte(strings.Join(doc.Errors, "; "))
	}
	return oneLine(text, 400)
}

// alive tells whether the server answers, sealed or not.
func (a api) alive(ctx context.Context) error {
	return a.call(ctx, http.MethodGet, "sys/health?uninitcode=200&sealedcode=200", nil, nil)
}

// active tells whether it is unsealed and serves.
func (a api) active(ctx context.Context) error {
	return a.call(ctx, http.MethodGet, "sys/health", nil, nil)
}

// oneLine is the end of a text, without line breaks.
func oneLine(text []byte, most int) string {
	s := strings.Join(strings.Fields(string(text)), " ")
	if len(s) > most {
		s = "…" + strings.ToValidUTF8(s[len(s)-most:], "")
	}
	if s == "" {
		return "(nothing)"
	}
	return s
}
