package invoke

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Answer is what the function answered, taken apart. It prints no secret; its
// Write shows them if asked to.
type Answer struct {
	status  int
	headers map[string]string
	body    any
	raw     []byte // of the body, as it came
}

// String gives the status alone.
func (a *Answer) String() string { return fmt.Sprintf("invoke.Answer(%d)", a.status) }

// GoString is String.
func (a *Answer) GoString() string { return a.String() }

// Status is the HTTP status.
func (a *Answer) Status() int { return a.status }

// parseAnswer reads what a function answers to an API. It is strict: a field
// that the gateways do not know is as wrong as one that is missing.
func parseAnswer(payload []byte) (*Answer, error) {
	var wire struct {
		StatusCode      int               `json:"statusCode"`
		Headers         map[string]string `json:"headers"`
		Body            string            `json:"body"`
		IsBase64Encoded bool              `json:"isBase64Encoded"`
	}
	if err := decode(payload, &wire); err != nil {
		return nil, fmt.Errorf("the function's answer is none that an API takes: %w", err)
	}
	if wire.IsBase64Encoded {
		return nil, fmt.Errorf("the function's answer has a body in base64, and is known to have none")
	}
	a := &Answer{status: wire.StatusCode, headers: wire.Headers, raw: []byte(wire.Body)}
	if err := decode(a.raw, &a.body); err != nil {
		return nil, fmt.Errorf("the answer's body is not JSON: %w", err)
	}
	return a, nil
}

// differences compares the answer with what is wanted.
func (a *Answer) differences(w *Want) []string {
	var all []string
	if a.status != w.Status {
		all = append(all, fmt.Sprintf("status: got %d, want %d", a.status, w.Status))
	}
	all = append(all, differences("headers", generic(a.headers), generic(w.Headers))...)
	return append(all, differences("body", a.body, w.Body)...)
}

func generic(m map[string]string) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

// Write shows the answer to people, in the order in which the function wrote
// it. Without secrets it hides the secret key and the session token.
func (a *Answer) Write(w io.Writer, secrets bool) error {
	if _, err := fmt.Fprintln(w, a.status); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(a.headers)) {
		if _, err := fmt.Fprintf(w, "%s: %s\n", name, a.headers[name]); err != nil {
			return err
		}
	}
	var text bytes.Buffer
	if err := json.Indent(&text, a.raw, "", "  "); err != nil {
		return err
	}
	body := text.Bytes()
	if !secrets {
		for _, field := range secretFields {
			body = blank(body, field)
		}
	}
	_, err := fmt.Fprintf(w, "%s\n", body)
	return err
}

// blank replaces the text behind a field's name wherever it stands in indented
// JSON. Secrets hold no quote and no escape; a value of another kind is left.
func blank(body []byte, field string) []byte {
	name := []byte(`"` + field + `": "`)
	for from := 0; ; {
		i := bytes.Index(body[from:], name)
		if i < 0 {
			return body
		}
		start := from + i + len(name)
		end := bytes.IndexByte(body[start:], '"')
		if end < 0 {
			return body[:start]
		}
		body = slices.Concat(body[:start], []byte(hidden), body[start+end:])
		from = start + len(hidden)
	}
}
