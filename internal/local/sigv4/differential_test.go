package sigv4_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"pgregory.net/rapid"

	"github.com/credvend/credvend/internal/local/sigv4"
)

// sdkRequest is a request for the Go SDK's signer.
type sdkRequest struct {
	method, url, header, body string
	token                     string
	presign                   bool
}

// sign has the SDK sign the request and gives the bytes that its client would send.
func (s sdkRequest) sign() ([]byte, error) {
	r, err := http.NewRequest(s.method, s.url, strings.NewReader(s.body))
	if err != nil {
		return nil, err
	}
	if s.header != "" {
		r.Header.Set("X-Custom", s.header)
	}
	sum := sha256.Sum256([]byte(s.body))
	hash := hex.EncodeToString(sum[:])
	credentials := aws.Credentials{AccessKeyID: exampleKey, SecretAccessKey: exampleSecret, SessionToken: s.token}
	signer := v4.NewSigner()
	if s.presign {
		uri, headers, err := signer.PresignHTTP(context.Background(), credentials, r, hash, "execute-api", "eu-west-1", exampleTime)
		if err != nil {
			return nil, err
		}
		if r.URL, err = url.Parse(uri); err != nil {
			return nil, err
		}
		for name, values := range headers {
			if name != "Host" && name != "Content-Length" {
				r.Header[name] = values
			}
		}
	} else if err := signer.SignHTTP(context.Background(), credentials, r, hash, "execute-api", "eu-west-1", exampleTime); err != nil {
		return nil, err
	}
	var wire bytes.Buffer
	err = r.Write(&wire)
	return wire.Bytes(), err
}

func gateway(token string) *sigv4.Verifier {
	return &sigv4.Verifier{
		Keys: keyring{id: exampleKey, secret: exampleSecret, token: token},
		Now:  at(exampleTime.Add(time.Minute)), Service: "execute-api",
	}
}

// segmentsStay tells whether AWS's removal of empty and dot segments leaves a path
// as it is. Where it does not, the Go signer signs what AWS refuses.
func segmentsStay(path string) bool {
	if path == "" || path == "/" {
		return true
	}
	trimmed := strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/")
	for segment := range strings.SplitSeq(trimmed, "/") {
		if segment == "" || segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

func drawRequest(t *rapid.T) sdkRequest {
	segment := rapid.StringMatching(`[a-zA-Z0-9 ~_.:@!$&'()*+,;=%/é☃-]{0,8}`)
	path := ""
	for _, s := range rapid.SliceOfN(segment, 0, 4).Draw(t, "segments") {
		if rapid.Bool().Draw(t, "escaped fully") {
			path += "/" + strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(s))
		} else {
			path += "/" + (&url.URL{Path: s}).EscapedPath()
		}
	}
	if rapid.Bool().Draw(t, "trailing slash") {
		path += "/"
	}
	query := url.Values{}
	word := rapid.StringMatching(`[a-c:~ +%/=&;é-]{0,4}`)
	for range rapid.IntRange(0, 5).Draw(t, "parameters") {
		query.Add(word.Draw(t, "name"), word.Draw(t, "value"))
	}
	return sdkRequest{
		method:  rapid.SampledFrom([]string{"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"}).Draw(t, "method"),
		url:     "http://127.0.0.1:8080" + path + "?" + query.Encode(),
		header:  rapid.StringMatching(`[a-zA-Z0-9 ,;="é]{0,12}`).Draw(t, "header"),
		body:    rapid.StringMatching(`[a-z{}" ]{0,20}`).Draw(t, "body"),
		token:   rapid.SampledFrom([]string{"", "FwoGZXIvYXdzE+/=="}).Draw(t, "token"),
		presign: rapid.Bool().Draw(t, "presign"),
	}
}

// Whatever the SDK signs verifies, and no single change to it does.
func TestAgainstSDKSigner(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawRequest(t)
		wire, err := s.sign()
		if err != nil {
			t.Skip(err)
		}
		checkAgainstSDK(t, s, wire)
	})
}

type failer interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

func checkAgainstSDK(t failer, s sdkRequest, wire []byte) {
	t.Helper()
	read := func(raw []byte) *http.Request {
		r, err := readWire(raw)
		if err != nil {
			t.Fatalf("reading the request: %v", err)
		}
		return r
	}
	r := read(wire)
	path, _, _ := strings.Cut(r.RequestURI, "?")
	_, err := gateway(s.token).Verify(r, []byte(s.body))
	if !segmentsStay(path) {
		var e *sigv4.Error
		if !errors.As(err, &e) || e.Code != sigv4.CodeSignatureDoesNotMatch {
			t.Fatalf("%s: signed with segments that AWS removes: %v", path, err)
		}
		return
	}
	if err != nil {
		var e *sigv4.Error
		errors.As(err, &e)
		t.Fatalf("the SDK's signature is refused: %v\n%s\n%s", err, wire, e.CanonicalRequest())
	}
	change := func(name string, verifier *sigv4.Verifier, body string, alter func(*http.Request)) {
		altered := read(wire)
		alter(altered)
		if _, err := verifier.Verify(altered, []byte(body)); err == nil {
			t.Errorf("%s changed, and it still verifies:\n%s", name, wire)
		}
	}
	good := gateway(s.token)
	same := func(*http.Request) {}
	change("method", good, s.body, func(r *http.Request) { r.Method += "X" })
	change("path", good, s.body, func(r *http.Request) { r.RequestURI = "/x" + r.RequestURI })
	change("case of the path", good, s.body, func(r *http.Request) { r.RequestURI = "/PATH" + strings.TrimPrefix(r.RequestURI, path) })
	change("query", good, s.body, func(r *http.Request) {
		r.RequestURI += map[bool]string{true: "&", false: "?"}[strings.Contains(r.RequestURI, "?")] + "zz=1"
	})
	change("host", good, s.body, func(r *http.Request) { r.Host = "127.0.0.1:8081" })
	change("body", good, s.body+"x", same)
	change("new x-amz header", good, s.body, func(r *http.Request) { r.Header.Set("X-Amz-Extra", "1") })
	if signsCustom := r.Header.Get("X-Custom") != ""; signsCustom {
		change("signed header", good, s.body, func(r *http.Request) { r.Header.Set("X-Custom", r.Header.Get("X-Custom")+"x") })
		change("repeated header", good, s.body, func(r *http.Request) { r.Header.Add("X-Custom", "x") })
		change("removed header", good, s.body, func(r *http.Request) { r.Header.Del("X-Custom") })
	}
	change("the credential's token", gateway(s.token+"x"), s.body, same)
	change("token sent", good, s.body, func(r *http.Request) {
		if s.presign {
			r.RequestURI += "&X-Amz-Security-Token=x"
			return
		}
		r.Header.Set("X-Amz-Security-Token", s.token+"x")
	})
	other := gateway(s.token)
	other.Keys = keyring{id: exampleKey, secret: exampleSecret + "x", token: s.token}
	change("secret", other, s.body, same)
	service := gateway(s.token)
	service.Service = "lambda"
	change("service", service, s.body, same)
	late := gateway(s.token)
	late.Now = at(exampleTime.Add(5*time.Minute + time.Second))
	change("clock, late", late, s.body, same)
	early := gateway(s.token)
	early.Now = at(exampleTime.Add(-5*time.Minute - time.Second))
	change("clock, early", early, s.body, same)
}

// FuzzVerify lets the fuzzer write the request that the SDK signs.
func FuzzVerify(f *testing.F) {
	f.Add("GET", "/orders/42", "a=1&b=2", "v", "", "", false)
	f.Add("POST", "/a%20b/%2F/..;/", "q=%2B+&flag&=x&%C3%A9", "a  b", "{}", "tok", false)
	f.Add("DELETE", "/a//b/./../c", "a-b=1&a=2&a=10", " x ", "body", "tok", true)
	f.Add("PUT", "/%zz", "%zz=1&;=2", "\t", "\x00", "", true)
	f.Fuzz(func(t *testing.T, method, path, query, header, body, token string, presign bool) {
		if strings.Trim(header, " \t") != strings.Trim(header, " ") || strings.ContainsAny(token, " \t\r\n") {
			t.Skip("HTTP trims tabs, which the signer signs")
		}
		if strings.Contains(query, "X-Amz-") || strings.Contains(query, "%") && presign {
			t.Skip("the request brings signature parameters of its own")
		}
		s := sdkRequest{
			method: method, url: "http://127.0.0.1:8080/" + strings.TrimPrefix(path, "/") + "?" + query,
			header: header, body: body, token: token, presign: presign,
		}
		wire, err := s.sign()
		if err != nil {
			t.Skip(err)
		}
		r, err := readWire(wire)
		if err != nil {
			t.Skip(err)
		}
		if strings.HasPrefix(r.RequestURI, "//") || r.Method != method || r.Header.Get("X-Custom") != strings.Trim(header, " \t") {
			t.Skip("net/http sends another request than was signed")
		}
		checkAgainstSDK(t, s, wire)
	})
}

// FuzzVerifyRaw feeds bytes to the verifier that nobody signed: they are refused,
// with an *Error, without a panic.
func FuzzVerifyRaw(f *testing.F) {
	f.Add([]byte("GET /?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a/b/c/d/e&X-Amz-Date=20150830T123600Z&X-Amz-SignedHeaders=host&X-Amz-Signature=0 HTTP/1.1\r\nHost: x\r\n\r\n"))
	f.Add([]byte("GET / HTTP/1.1\r\nHost: x\r\nX-Amz-Date: 20150830T123600Z\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/r/execute-api/aws4_request, SignedHeaders=host;x-amz-date, Signature=00\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := readWire(raw)
		if err != nil {
			t.Skip(err)
		}
		_, err = gateway("").Verify(r, nil)
		var e *sigv4.Error
		if !errors.As(err, &e) || e.Code == "" || e.Detail == "" {
			t.Fatalf("unsigned bytes: %v", err)
		}
		if strings.Contains(e.Error()+e.CanonicalRequest()+e.StringToSign(), exampleSecret) {
			t.Fatal("the secret is in the error")
		}
	})
}
