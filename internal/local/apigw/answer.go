package apigw

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// answer is a function's answer, understood.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// scalar is a string, or a number or boolean that AWS turns into one.
type scalar string

// UnmarshalJSON refuses arrays, objects and null.
func (s *scalar) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil && string(b) != "null" {
		*s = scalar(text)
		return nil
	}
	switch string(b) {
	case "true", "false":
	default:
		var n json.Number
		if err := json.Unmarshal(b, &n); err != nil || string(b) == "null" {
			return fmt.Errorf("%w: a header is not a scalar", errMalformed)
		}
	}
	*s = scalar(b)
	return nil
}

// parseHTTPAnswer reads an answer of payload format 2.0. Without a statusCode
// the whole answer is the body of a 200.
func parseHTTPAnswer(payload []byte, defaultType string) (answer, error) {
	if !json.Valid(payload) {
		return answer{}, fmt.Errorf("%w: not JSON", errMalformed)
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(payload, &members) != nil || members["statusCode"] == nil {
		a := answer{status: http.StatusOK, header: http.Header{"Content-Type": {"application/json"}}, body: bytes.TrimSpace(payload)}
		var text string
		if json.Unmarshal(payload, &text) == nil && string(a.body) != "null" {
			a.body = []byte(text)
		}
		return a, nil
	}
	doc, err := readMembers(members, false)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: doc.status, header: http.Header{}}
	// multiValueHeaders belong to format 1.0 and are ignored.
	for name, value := range doc.headers {
		a.header.Set(name, string(value))
	}
	for _, cookie := range doc.cookies {
		a.header.Add("Set-Cookie", cookie)
	}
	if a.header.Get("Content-Type") == "" {
		a.header.Set("Content-Type", defaultType)
	}
	return a, a.setBody(doc.body, doc.encoded)
}

// parseHTTPAnswer1 reads an answer of payload format 1.0 of an HTTP API, which
// infers nothing.
func parseHTTPAnswer1(payload []byte, defaultType string) (answer, error) {
	return parseProxyAnswer(payload, false, defaultType, func(string) bool { return true })
}

// parseRESTAnswer reads a proxy answer of a REST API. A member that it does not
// know makes it malformed, format 2.0's cookies among them. decode says whether
// the API is to turn a base64 body into bytes: it does so only for binary media
// types, whatever the function says.
func parseRESTAnswer(payload []byte, decode func(contentType string) bool) (answer, error) {
	return parseProxyAnswer(payload, true, "application/json", decode)
}

func parseProxyAnswer(payload []byte, rest bool, defaultType string, decode func(contentType string) bool) (answer, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(payload, &members); err != nil {
		return answer{}, fmt.Errorf("%w: %w", errMalformed, err)
	}
	doc, err := readMembers(members, rest)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: doc.status, header: http.Header{}}
	rename := http.CanonicalHeaderKey
	if rest {
		rename = remapped
	}
	for name, value := range doc.headers {
		a.header.Set(rename(name), string(value))
	}
	for name, values := range doc.multiValueHeaders {
		a.header.Del(rename(name)) // the multi-value form wins
		for _, value := range values {
			a.header.Add(rename(name), string(value))
		}
	}
	if a.header.Get("Content-Type") == "" {
		a.header.Set("Content-Type", defaultType)
	}
	return a, a.setBody(doc.body, doc.encoded && decode(a.header.Get("Content-Type")))
}

// members of an answer. Their names are case-sensitive, unlike encoding/json's.
type answerMembers struct {
	status            int
	headers           map[string]scalar
	multiValueHeaders map[string][]scalar
	cookies           []string
	body              *string
	encoded           bool
}

func readMembers(members map[string]json.RawMessage, rest bool) (answerMembers, error) {
	var m answerMembers
	for name, raw := range members {
		var into any
		switch {
		case name == "statusCode":
			continue
		case name == "headers":
			into = &m.headers
		case name == "multiValueHeaders":
			into = &m.multiValueHeaders
		case name == "body":
			into = &m.body
		case name == "isBase64Encoded":
			into = &m.encoded
		case name == "cookies" && !rest:
			into = &m.cookies
		case rest:
			return m, fmt.Errorf("%w: it has the unknown member %.40q", errMalformed, name)
		default:
			continue
		}
		if err := json.Unmarshal(raw, into); err != nil {
			return m, fmt.Errorf("%w: %s: %w", errMalformed, name, err)
		}
	}
	var err error
	m.status, err = parseStatus(members["statusCode"])
	return m, err
}

// parseStatus takes a number, or a string that holds one, of 200 to 599.
func parseStatus(raw json.RawMessage) (int, error) {
	text := string(raw)
	var quoted string
	if json.Unmarshal(raw, &quoted) == nil {
		text = quoted
	}
	status, err := strconv.Atoi(text)
	if err != nil || status < 200 || status > 599 {
		return 0, fmt.Errorf("%w: statusCode is %.20q", errMalformed, text)
	}
	return status, nil
}

func (a *answer) setBody(body *string, encoded bool) error {
	if body == nil {
		return nil
	}
	a.body = []byte(*body)
	if !encoded {
		return nil
	}
	raw, err := base64.StdEncoding.DecodeString(*body)
	if err != nil {
		return fmt.Errorf("%w: isBase64Encoded, but the body is not base64", errMalformed)
	}
	a.body = raw
	return nil
}

// remapped is the name under which a REST API passes a header on.
func remapped(name string) string {
	switch canonical := http.CanonicalHeaderKey(name); canonical {
	case "Authorization", "Connection", "Content-Md5", "Date", "Server", "User-Agent", "Www-Authenticate":
		return "X-Amzn-Remapped-" + canonical
	default:
		return canonical
	}
}

// copyTo sets the function's headers, except those that belong to the connection.
func (a answer) copyTo(h http.Header) {
	for name, values := range a.header {
		switch name {
		case "Connection", "Keep-Alive", "Content-Length", "Transfer-Encoding", "Upgrade", "Trailer", "Te":
		default:
			h[name] = values
		}
	}
}
