package stack

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
)

// TestSTSIsAskedNonsense: what is no query protocol is refused in XML, in AWS's
// words, and nothing of it is told back raw.
func TestSTSIsAskedNonsense(t *testing.T) {
	post := func(contentType, body string) string {
		return fmt.Sprintf("POST / HTTP/1.1\r\nHost: %%s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", contentType, len(body), body)
	}
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		name, request string
		status        int
		code, message string
	}{
		{"XML", post("text/xml", `<?xml version="1.0"?><AssumeRole><RoleArn>x</RoleArn></AssumeRole>`), 400, "MissingAction", ""},
		{"broken XML", post("text/xml", "<AssumeRole><"), 400, "MissingAction", ""},
		{"an entity bomb", post("text/xml", `<!DOCTYPE a [<!ENTITY b "`+strings.Repeat("b", 1000)+`">]><a>&b;</a>`), 400, "MissingAction", ""},
		{"JSON", post("application/x-amz-json-1.1", `{"Action":"AssumeRole"}`), 400, "MissingAction", ""},
		{"multipart", post("multipart/form-data; boundary=x", "--x\r\n\r\nAction=AssumeRole\r\n--x--"), 400, "MissingAction", ""},
		{"a broken escape", post(form, "Action=%zz&Version=2011-06-15"), 400, "MalformedQueryString", ""},
		{"a semicolon", post(form, "Action=AssumeRole;Version=2011-06-15"), 400, "MalformedQueryString", ""},
		{"no UTF-8", post(form, "Action=GetCallerIdentity&Version=2011-06-15&x=%ff"), 400, "MalformedQueryString", ""},
		{"an unknown action", post(form, "Action=AssumeRoot2&Version=2011-06-15"), 400, "InvalidAction", "Could not find operation AssumeRoot2 for version 2011-06-15"},
		{"an unknown version", post(form, "Action=AssumeRole&Version=2099-01-01"), 400, "InvalidAction", "Could not find operation AssumeRole for version 2099-01-01"},
		{"no version", post(form, "Action=AssumeRole"), 400, "InvalidAction", "Could not find operation AssumeRole for version NO_VERSION_SPECIFIED"},
		{"markup in the action", post(form, "Action=%3Cscript%3E%00%1b%5b2J&Version=2011-06-15"), 400, "InvalidAction", "Could not find operation <script>\uFFFD\uFFFD[2J for version 2011-06-15"},
		{"unsigned", post(form, "Action=GetCallerIdentity&Version=2011-06-15"), 403, "MissingAuthenticationToken", "Request is missing Authentication Token"},
		{"another path", "POST /x HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n\r\n", 404, "UnknownOperationException", ""},
		{"another method", "DELETE / HTTP/1.1\r\nHost: %s\r\n\r\n", 405, "MethodNotAllowed", ""},
		{"too much", post(form, "Action=AssumeRole&Version=2011-06-15&x="+strings.Repeat("a", 1<<20)), 413, "RequestEntityTooLarge", ""},
		{"ten thousand parameters", post(form, "Action=AssumeRole&Version=2011-06-15"+strings.Repeat("&a=1", 10000)), 400, "MalformedQueryString", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := shared.raw(t, "STS", c.request)
			var doc struct {
				XMLName xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ ErrorResponse"`
				Error   struct{ Type, Code, Message string }
				ID      string `xml:"RequestId"`
			}
			if err := xml.Unmarshal([]byte(got.body), &doc); err != nil {
				t.Fatalf("%d, and no XML: %v in %.200s", got.status, err, got.body)
			}
			if got.status != c.status || !strings.HasPrefix(doc.Error.Code, c.code) || c.message != "" && doc.Error.Message != c.message || doc.ID == "" || doc.Error.Type != "Sender" {
				t.Errorf("%d %+v", got.status, doc)
			}
		})
	}
	shared.good(t)
}

// TestIssuerAndViewKeepPagesOut: a web page that reaches a loopback port, by a
// name of its own or across origins, gets neither a token nor what passes.
func TestIssuerAndViewKeepPagesOut(t *testing.T) {
	token := func(host, more string) string {
		return "POST /token HTTP/1.1\r\nHost: " + host + "\r\n" + more + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\nsub=ana"
	}
	for _, c := range []struct {
		name, port, request string
		status              int
	}{
		{"a program gets a token", "issuer", token("%s", ""), 200},
		{"by the name localhost", "issuer", token("localhost:1", ""), 200},
		{"a name that was rebound", "issuer", token("evil.example", ""), 403},
		{"a name that begins as loopback's do", "issuer", token("127.0.0.1.evil.example", ""), 403},
		{"a page of another origin", "issuer", token("%s", "Origin: http://evil.example\r\n"), 403},
		{"a page without an origin", "issuer", token("%s", "Origin: null\r\n"), 403},
		{"keys for a rebound name", "issuer", "GET /keys HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403},
		{"a form that is none", "issuer", "POST /token HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\n%zz", 400},
		{"a GET of the token", "issuer", "GET /token HTTP/1.1\r\nHost: %s\r\n\r\n", 405},
		{"the view by a rebound name", "view", "GET /state HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403},
		{"the view's stream across origins", "view", "GET /events HTTP/1.1\r\nHost: %s\r\nSec-Fetch-Site: cross-site\r\n\r\n", 403},
		{"a form that is sent to the view", "view", "POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n\r\n", 405},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := shared.raw(t, c.port, c.request); got.status != c.status {
				t.Errorf("%d %.200s, want %d", got.status, got.body, c.status)
			}
		})
	}
	shared.good(t)
}
