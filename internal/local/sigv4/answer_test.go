package sigv4_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/local/sigv4"
)

// checkAnswers holds every refusal to what each family of services sends for it.
func checkAnswers(t *testing.T, err error, c alteration) {
	t.Helper()
	rest := sigv4.RESTAnswer(err)
	if rest.Status != 403 || rest.ErrorType != c.rest || !json.Valid(rest.Body) {
		t.Errorf("REST answer = %d %s %s, want 403 %s", rest.Status, rest.ErrorType, rest.Body, c.rest)
	}
	status, code, _ := sigv4.STSFault(err)
	if got := fmt.Sprintf("%d %s", status, code); got != c.sts {
		t.Errorf("STS fault = %s, want %s", got, c.sts)
	}
	sts := sigv4.STSAnswer(err, "0f1e2d3c")
	var doc struct {
		XMLName xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ ErrorResponse"`
		Code    string   `xml:"Error>Code"`
		Request string   `xml:"RequestId"`
	}
	if err := xml.Unmarshal(sts.Body, &doc); err != nil || doc.Code != code || doc.Request != "0f1e2d3c" {
		t.Errorf("STS answer = %s (%v)", sts.Body, err)
	}
	url := sigv4.FunctionURLAnswer(err)
	for _, body := range []string{string(rest.Body), string(sts.Body), string(url.Body), err.Error()} {
		for _, secret := range []string{exampleSecret, exampleToken, "secret.bearer.token"} {
			if strings.Contains(body, secret) {
				t.Errorf("a secret is in %s", body)
			}
		}
	}
}

func TestFixedAnswers(t *testing.T) {
	unsigned := &sigv4.Error{Code: sigv4.CodeMissingAuthenticationToken}
	cases := []struct {
		name, errorType, body string
		answer                sigv4.Answer
	}{
		{"HTTP API", "", `{"message":"Forbidden"}`, sigv4.HTTPAPIAnswer()},
		{"REST API, unsigned", "MissingAuthenticationTokenException", `{"message":"Missing Authentication Token"}`, sigv4.RESTAnswer(unsigned)},
		{"REST API, unknown key", "UnrecognizedClientException", `{"message":"The security token included in the request is invalid."}`,
			sigv4.RESTAnswer(&sigv4.Error{Code: sigv4.CodeInvalidClientTokenID, Detail: "The security token included in the request is invalid."})},
		{"function URL, unsigned", "AccessDeniedException",
			`{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}`, sigv4.FunctionURLAnswer(unsigned)},
		{"some other error", "InvalidSignatureException",
			`{"message":"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}`,
			sigv4.RESTAnswer(errors.New("internal details"))},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			if err := c.answer.Write(w); err != nil {
				t.Fatal(err)
			}
			if w.Code != 403 || w.Body.String() != c.body || w.Header().Get("x-amzn-ErrorType") != c.errorType || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("answer = %d %v %s", w.Code, w.Header(), w.Body)
			}
		})
	}
}

// A REST API shows the canonical request, so that a client can compare.
func TestRESTAnswerShowsCanonicalRequest(t *testing.T) {
	for _, presign := range []bool{false, true} {
		r := signedBySDK(t, presign, "")
		r.Method = "PUT"
		v := &sigv4.Verifier{Now: at(exampleTime), Service: "execute-api", Keys: keyring{id: exampleKey, secret: exampleSecret, token: exampleToken}}
		_, err := v.Verify(r, []byte("{}"))
		body := string(sigv4.RESTAnswer(err).Body)
		for _, part := range []string{`The Canonical String for this request should have been\n'PUT\n/prod/orders\n`, `The String-to-Sign should have been\n'AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/execute-api/aws4_request\n`, "(hidden)"} {
			if !strings.Contains(body, part) {
				t.Errorf("presigned %t: %s lacks %q", presign, body, part)
			}
		}
		if strings.Contains(body, "IQoJb3JpZ2lu") {
			t.Errorf("presigned %t: the session token is in %s", presign, body)
		}
	}
}
