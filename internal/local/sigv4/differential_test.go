package sigv4_test

import (
	"bytes"
	"cmp"
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
	second                    string // another value of the same header; "": none
	token                     string
	presign                   bool
	service, region           string // "": execute-api, eu-west-1
}

// scope is what the request is signed for.
func (s sdkRequest) scope() (service, region string) {
	return cmp.Or(s.service, "execute-api"), cmp.Or(s.region, "eu-west-1")
}

// sign has the SDK sign the request and gives the bytes that its client would send.
func (s sdkRequest) sign() ([]byte, error) {
	r, err := http.NewRequest(s.method, s.url, strings.NewReader(s.body))
	if err != nil {
		return nil, err
	}
	if s.header != "" {
		r.Header.Set("X-Custom", s.header)
		if s.second != "" {
			r.Header.Add("X-Custom", s.second)
		}
	}
	service, region := s.scope()
	sum := sha256.Sum256([]byte(s.body))
	hash := hex.EncodeToString(sum[:])
	credentials := aws.Credentials{AccessKeyID: exampleKey, SecretAccessKey: exampleSecret, SessionToken: s.token}
	signer := v4.NewSigner()
	if s.presign {
		uri, headers, err := signer.PresignHTTP(context.Background(), credentials, r, hash, service, region, exampleTime)
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
	} else if err := signer.SignHTTP(context.Background(), credentials, r, hash, service, region, exampleTime); err != nil {
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

// verifier is the one that the request is signed for.
func (s sdkRequest) verifier() *sigv4.Verifier {
	service, region := s.scope()
	v := gateway(s.token)
	v.Service, v.Regions = service, []string{region}
	return v
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
		second:  rapid.StringMatching(`([a-z,=][a-z ,=]{0,5}[a-z,=])?`).Draw(t, "second value"),
		service: rapid.SampledFrom([]string{"execute-api", "lambda", "sts"}).Draw(t, "service"),
		region:  rapid.SampledFrom([]string{"us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1"}).Draw(t, "region"),
		body:    rapid.StringMatching(`[a-z{}" ]{0,20}`).Draw(t, "body"),
		token:   rapid.SampledFrom([]string{"", "FwoGZXIvYXdzE+/=="}).Draw(t, "token"),
		presign: rapid.Bool().Draw(t, "presign"),
	}
}

// Whatever the SDK signs verifies, and no single change to it does. For more
// cases than rapid's hundred: go test -run TestAgainstSDKSigner -rapid.checks=N;
// an hour of one core is about ten million.
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
	_, err := s.verifier().Verify(r, []byte(s.body))
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
	good := s.verifier()
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
	stranger := s.verifier()
	stranger.Keys = keyring{id: exampleKey, secret: exampleSecret, token: s.token + "x"}
	change("the credential's token", stranger, s.body, same)
	change("token sent", good, s.body, func(r *http.Request) {
		if s.presign {
			r.RequestURI += "&X-Amz-Security-Token=x"
			return
		}
		r.Header.Set("X-Amz-Security-Token", s.token+"x")
	})
	other := s.verifier()
	other.Keys = keyring{id: exampleKey, secret: exampleSecret + "x", token: s.token}
	change("secret", other, s.body, same)
	service := s.verifier()
	service.Service += "x"
	change("service", service, s.body, same)
	region := s.verifier()
	region.Regions = []string{"af-south-1"}
	change("region", region, s.body, same)
	late := s.verifier()
	late.Now = at(exampleTime.Add(5*time.Minute + time.Second))
	change("clock, late", late, s.body, same)
	early := s.verifier()
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
