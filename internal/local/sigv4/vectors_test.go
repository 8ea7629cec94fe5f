package sigv4_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/local/sigv4"
)

const (
	exampleKey    = "AKIDEXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

var exampleTime = time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

// keyring is the credential of one access key id.
type keyring struct {
	id, secret, token string
	expiration        time.Time
}

func (k keyring) SigningKey(id string) (string, string, time.Time, bool) {
	if id != k.id {
		return "", "", time.Time{}, false
	}
	return k.secret, k.token, k.expiration, true
}

// onTheWire parses raw bytes the way a server does.
func onTheWire(t testing.TB, raw []byte) *http.Request {
	t.Helper()
	r, err := readWire(raw)
	if err != nil {
		t.Fatalf("reading the request: %v", err)
	}
	return r
}

func readWire(raw []byte) (*http.Request, error) {
	return http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
}

type vector struct {
	Name, Form, Service, Method, Host, Target, Body, Token string
	Headers                                                [][2]string
}

func (v vector) raw() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", v.Method, v.Target, v.Host)
	for _, h := range v.Headers {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	if v.Body != "" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(v.Body))
	}
	b.WriteString("\r\n" + v.Body)
	return b.Bytes()
}

func (v vector) verify(t testing.TB) (sigv4.Verified, error) {
	verifier := &sigv4.Verifier{
		Keys:    keyring{id: exampleKey, secret: exampleSecret, token: v.Token},
		Now:     at(exampleTime.Add(time.Minute)),
		Service: v.Service,
		Regions: []string{"us-east-1"},
	}
	return verifier.Verify(onTheWire(t, v.raw()), []byte(v.Body))
}

// TestBotocoreVectors holds requests that botocore signed with the key, the clock
// and, for the first of them, the requests of AWS's own test suite.
func TestBotocoreVectors(t *testing.T) {
	data, err := os.ReadFile("testdata/botocore.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) < 60 {
		t.Fatalf("only %d vectors", len(vectors))
	}
	for _, v := range vectors {
		t.Run(v.Name+"/"+v.Form, func(t *testing.T) {
			got, err := v.verify(t)
			if err != nil {
				var e *sigv4.Error
				errors.As(err, &e)
				t.Fatalf("refused: %v\n%s", err, e.CanonicalRequest())
			}
			if got.Presigned != (v.Form == "presigned") || got.Scope.AccessKeyID != exampleKey || !got.SignedAt.Equal(exampleTime) {
				t.Errorf("Verified = %+v", got)
			}
			altered := v
			altered.Method = "PUT"
			if _, err := altered.verify(t); err == nil {
				t.Error("verifies under another method")
			}
		})
	}
}

// TestPublishedSignatures are signatures that AWS has published.
func TestPublishedSignatures(t *testing.T) {
	cases := []struct {
		name, service, host, method, target, signedHeaders, signature, body string
		headers                                                             [][2]string
	}{
		{
			name: "get-vanilla", service: "service", host: "example.amazonaws.com", method: "GET", target: "/",
			signedHeaders: "host;x-amz-date", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		},
		{
			name: "get-vanilla-query-order-key-case", service: "service", host: "example.amazonaws.com", method: "GET", target: "/?Param2=value2&Param1=value1",
			signedHeaders: "host;x-amz-date", signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
		},
		{
			name: "get-header-value-trim", service: "service", host: "example.amazonaws.com", method: "GET", target: "/",
			headers:       [][2]string{{"My-Header1", " value1"}, {"My-Header2", ` "a   b   c"`}},
			signedHeaders: "host;my-header1;my-header2;x-amz-date", signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
		},
		{
			name: "get-slashes", service: "service", host: "example.amazonaws.com", method: "GET", target: "//",
			signedHeaders: "host;x-amz-date", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		},
		{
			name: "get-relative", service: "service", host: "example.amazonaws.com", method: "GET", target: "/example/..",
			signedHeaders: "host;x-amz-date", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		},
		{
			name: "post-vanilla", service: "service", host: "example.amazonaws.com", method: "POST", target: "/",
			signedHeaders: "host;x-amz-date", signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
		},
		{
			name: "post-x-www-form-urlencoded", service: "service", host: "example.amazonaws.com", method: "POST", target: "/",
			headers: [][2]string{{"Content-Type", "application/x-www-form-urlencoded"}}, body: "Param1=value1",
			signedHeaders: "content-type;host;x-amz-date", signature: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
		},
		{
			name: "the IAM ListUsers example", service: "iam", host: "iam.amazonaws.com", method: "GET", target: "/?Action=ListUsers&Version=2010-05-08",
			headers:       [][2]string{{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}},
			signedHeaders: "content-type;host;x-amz-date", signature: "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v := vector{Service: c.service, Host: c.host, Method: c.method, Target: c.target, Body: c.body, Headers: append(c.headers,
				[2]string{"X-Amz-Date", "20150830T123600Z"},
				[2]string{"Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/" + c.service +
					"/aws4_request, SignedHeaders=" + c.signedHeaders + ", Signature=" + c.signature})}
			if _, err := v.verify(t); err != nil {
				var e *sigv4.Error
				errors.As(err, &e)
				t.Errorf("refused: %v\n%s", err, e.CanonicalRequest())
			}
			v.Headers[len(v.Headers)-1][1] = strings.Replace(v.Headers[len(v.Headers)-1][1], "Signature="+c.signature[:1], "Signature=0", 1)
			if c.signature[0] != '0' {
				if _, err := v.verify(t); err == nil {
					t.Error("another signature verifies too")
				}
			}
		})
	}
}
