package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// CredentialsRequest is the body of POST /v1/credentials.
type CredentialsRequest struct {
	Target          string   `json:"target"`
	Routes          []string `json:"routes,omitempty"`          // METHOD PATH; none: all that is granted
	DurationSeconds int      `json:"durationSeconds,omitempty"` // 900 to 3600; 0: the target's default
}

// DecodeCredentialsRequest reads a request body. It refuses what a lenient
// decoder would guess at: unknown and repeated fields, another case of a
// field's name, nulls, fractions, text after the document. Its errors are
// written for the caller.
func DecodeCredentialsRequest(body []byte) (CredentialsRequest, error) {
	var req CredentialsRequest
	if !utf8.Valid(body) {
		return req, errors.New("the body is not UTF-8; send JSON in UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	open, err := dec.Token()
	if err != nil || open != json.Delim('{') {
		return req, errors.New(`the body must be a JSON object, such as {"target":"orders"}`)
	}
	seen := make(map[string]bool, 3)
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return req, notJSON(dec)
		}
		name, _ := token.(string) // a key is always a string
		if seen[name] {
			return req, fmt.Errorf("the body has the field %q twice; send it once", clip(name))
		}
		seen[name] = true
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return req, notJSON(dec)
		}
		if err := req.set(name, value); err != nil {
			return req, err
		}
	}
	if _, err := dec.Token(); err != nil { // the closing brace
		return req, notJSON(dec)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return req, errors.New("the body has text after its JSON object; send one object alone")
	}
	if !seen["target"] {
		return req, errors.New(`the body names no target; send {"target":"NAME"}, and see GET /v1/targets for the names`)
	}
	return req, nil
}

func (r *CredentialsRequest) set(name string, value json.RawMessage) error {
	switch name {
	case "target":
		if value[0] != '"' || json.Unmarshal(value, &r.Target) != nil {
			return errors.New(`"target" must be a string`)
		}
		return nil
	case "routes":
		return r.setRoutes(value)
	case "durationSeconds":
		n, err := ParseDurationSeconds(string(value))
		r.DurationSeconds = n
		return err
	default:
		return fmt.Errorf("the body has the unknown field %q; known are target, routes and durationSeconds", clip(name))
	}
}

func (r *CredentialsRequest) setRoutes(value json.RawMessage) error {
	var raw []json.RawMessage
	if value[0] != '[' || json.Unmarshal(value, &raw) != nil {
		return errors.New(`"routes" must be a list of strings, such as ["GET /orders/*"]`)
	}
	if len(raw) == 0 {
		return errors.New(`"routes" is empty; leave it out to ask for all that you are granted`)
	}
	for _, v := range raw {
		var s string
		if v[0] != '"' || json.Unmarshal(v, &s) != nil {
			return errors.New(`"routes" must be a list of strings, such as ["GET /orders/*"]`)
		}
		r.Routes = append(r.Routes, s)
	}
	return nil
}

// ParseDurationSeconds reads a duration in whole seconds within STS's limits.
func ParseDurationSeconds(s string) (int, error) {
	bad := fmt.Errorf("durationSeconds must be a whole number from %d to %d", MinDurationSeconds, MaxDurationSeconds)
	if s == "" || len(s) > 4 || s[0] == '0' {
		return 0, bad
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, bad
		}
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < MinDurationSeconds || n > MaxDurationSeconds {
		return 0, bad
	}
	return n, nil
}

func notJSON(dec *json.Decoder) error {
	return fmt.Errorf("the body is not JSON: it breaks off or goes wrong near byte %d; send an object such as {\"target\":\"orders\"}", dec.InputOffset())
}

// clip shortens text from outside before it stands in an answer.
func clip(s string) string {
	const limit = 64
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "…"
}
