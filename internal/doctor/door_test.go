package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func answered(status int, body string, header ...string) Answer {
	a := Answer{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(body)}
	for i := 0; i < len(header); i += 2 {
		a.Header.Set(header[i], header[i+1])
	}
	return a
}

// What AWS's front doors say.
const (
	sayForbidden    = `{"message":"Forbidden"}`
	sayUnauthorized = `{"message":"Unauthorized"}`
	sayMissing      = `{"message":"Missing Authentication Token"}`
	sayNotFound     = `{"message":"Not Found"}`
	sayURLForbidden = `{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}`
)

func ours(status int, code, message string) Answer {
	return answered(status, fmt.Sprintf(`{"code":%q,"message":%q,"requestId":"r-1"}`, code, message))
}

// causes are those of a step, and each of its candidates is fit for people.
func causes(t *testing.T, s Step) (all []Cause) {
	t.Helper()
	if s.Name == "" || s.Status == "" || s.Says == "" {
		t.Errorf("a step that says nothing: %+v", s)
	}
	if (s.Status == Wrong) != (len(s.Candidates) > 0) && s.Status != Unclear {
		t.Errorf("%s with %d candidates", s.Status, len(s.Candidates))
	}
	for _, c := range s.Candidates {
		if c.Cause == "" || c.Side.People() == "an unknown side" || c.Says == "" || c.Do == "" || (c.Statement != nil) != (c.Where != "") {
			t.Errorf("a candidate that is not whole: %+v", c)
		}
		all = append(all, c.Cause)
	}
	return all
}

// beginsWith checks the first causes of a step.
func beginsWith(t *testing.T, s Step, want ...Cause) {
	t.Helper()
	got := causes(t, s)
	if len(got) < len(want) || fmt.Sprint(got[:len(want)]) != fmt.Sprint(want) {
		t.Errorf("%s\ncauses %v; want %v first", s.Says, got, want)
	}
}

func TestFrontDoor(t *testing.T) {
	signs := Door{URL: "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com", Service: "execute-api", Region: "us-east-1"}
	signsLambda, sendsToken := signs, signs
	signsLambda.Service, sendsToken.Token = "lambda", true
	for _, c := range []struct {
		name string
		door Door
		a    Answer
		kind Kind
		want []Cause // none: ok
	}{
		{"HTTP API", signs, answered(403, sayForbidden), KindIAM, nil},
		{"REST API", signs, answered(403, sayMissing, "X-Amzn-Errortype", "MissingAuthenticationTokenException"), KindREST, nil},
		{"REST API with a policy", signs, answered(403, `{"Message":"User: anonymous is not authorized to perform: execute-api:Invoke on resource: x"}`, "X-Amzn-Errortype", "AccessDeniedException"), KindREST, nil},
		{"function URL", signsLambda, answered(403, sayURLForbidden, "X-Amzn-Errortype", "AccessDeniedException"), KindFunctionURL, nil},
		{"tokens", sendsToken, answered(401, sayUnauthorized), KindJWT, nil},
		{"a firewall's own page", signs, Answer{Status: 403, Header: http.Header{"Content-Type": {"text/html"}}, Body: []byte("<html>blocked")}, KindUnknown, nil},
		{"function URL signed for execute-api", signs, answered(403, sayURLForbidden), KindFunctionURL, []Cause{WrongService}},
		{"HTTP API signed for lambda", signsLambda, answered(403, sayForbidden), KindIAM, []Cause{WrongService}},
		{"token at an HTTP API for signatures", sendsToken, answered(403, sayForbidden), KindIAM, []Cause{WrongDoor}},
		{"signature at a door for tokens", signs, answered(401, sayUnauthorized), KindJWT, []Cause{WrongDoor}},
		{"REST API without the stage", signs, answered(403, sayForbidden, "X-Amzn-Errortype", "ForbiddenException"), KindUnknown, []Cause{WrongURL}},
		{"no such route", signs, answered(404, sayNotFound), KindUnknown, []Cause{WrongURL, DoorDown}},
		{"HTML", signs, Answer{Status: 200, Header: http.Header{"Content-Type": {"text/html"}}, Body: []byte("<html>")}, KindUnknown, []Cause{ForeignAnswer}},
		{"HTML that calls itself JSON", signs, answered(200, "<html>"), KindUnknown, []Cause{ForeignAnswer}},
		{"empty", signs, answered(200, ""), KindUnknown, []Cause{ForeignAnswer}},
		{"redirect", signs, answered(307, ""), KindUnknown, []Cause{ForeignAnswer}},
		{"another site's 404", signs, Answer{Status: 404, Header: http.Header{}}, KindUnknown, []Cause{ForeignAnswer}},
		{"open to everybody", signs, answered(200, `{"requestId":"x"}`), KindUnknown, []Cause{ForeignAnswer}},
		{"without an authorizer", signs, ours(401, "unauthenticated", "no"), KindUnknown, []Cause{DoorOpen}},
		{"without an authorizer, and no list", signs, ours(503, "unavailable", "no"), KindUnknown, []Cause{DoorOpen}},
		{"throttled", signs, answered(429, `{"message":"Too Many Requests"}`), KindUnknown, []Cause{Throttled}},
		{"failing", signs, answered(500, `{"message":"Internal Server Error"}`), KindUnknown, []Cause{DoorDown}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, s := FrontDoor(c.door, c.a)
			if d.Kind != c.kind || (s.Status == OK) != (c.want == nil) {
				t.Errorf("kind %q, %s: %s", d.Kind, s.Status, s.Says)
			}
			beginsWith(t, s, c.want...)
		})
	}
}

func TestReach(t *testing.T) {
	wrap := func(err error) error {
		return &url.Error{Op: "Get", URL: "https://vend.example.com/v1/whoami", Err: err}
	}
	for _, c := range []struct {
		name  string
		err   error
		owner Side
		want  []Cause
	}{
		{"no such host", &net.DNSError{Err: "no such host", IsNotFound: true}, Caller, []Cause{NoSuchHost, Network}},
		{"no such API", &net.DNSError{Err: "no such host", IsNotFound: true}, AccountB, []Cause{ListedAPI, Network}},
		{"DNS fails", &net.DNSError{Err: "server misbehaving", IsTemporary: true}, Caller, []Cause{Network, WrongURL}},
		{"refused", &net.OpError{Op: "dial", Err: errors.New("connection refused")}, Caller, []Cause{WrongURL, Network}},
		{"too slow", context.DeadlineExceeded, Caller, []Cause{Network, WrongURL}},
		{"plain http", http.ErrSchemeMismatch, Caller, []Cause{WrongURL}},
		{"unknown authority", &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, Caller, []Cause{Certificate}},
		{"expired certificate", &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}}, Caller, []Cause{Clock, Certificate}},
		{"another name", &tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{}, Host: "vend.example.com"}}, Caller, []Cause{WrongURL, Certificate}},
		{"handshake", tls.AlertError(40), Caller, []Cause{Certificate}},
		{"broken off", errors.New("hunter2 was sent"), Caller, []Cause{WrongURL, Network}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Reach(StepDoor, "https://vend.example.com", wrap(c.err), c.owner)
			beginsWith(t, s, c.want...)
			if !strings.Contains(s.Says, "vend.example.com") || strings.Contains(s.Says, "hunter2") {
				t.Error(s.Says)
			}
		})
	}
}

func TestClock(t *testing.T) {
	date := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		sent time.Duration // after the date
		took time.Duration
		date string
		want Status
		says string
	}{
		{"right", 300 * time.Millisecond, time.Second / 10, date.Format(http.TimeFormat), OK, "the same"},
		{"right, slowly", -9 * time.Second, 10 * time.Second, date.Format(http.TimeFormat), OK, "the same"},
		{"a little ahead", 30 * time.Second, 0, date.Format(http.TimeFormat), OK, "29s ahead"},
		{"a little behind", -30 * time.Second, 0, date.Format(http.TimeFormat), OK, "30s behind"},
		{"an hour ahead", time.Hour, 0, date.Format(http.TimeFormat), Wrong, "59m59s ahead"},
		{"an hour behind", -time.Hour, 0, date.Format(http.TimeFormat), Wrong, "1h0m0s behind"},
		{"just too much", -5 * time.Minute, 0, date.Format(http.TimeFormat), Wrong, "5m0s behind"},
		{"just not too much", -5*time.Minute + time.Second, 0, date.Format(http.TimeFormat), OK, "4m59s behind"},
		{"no date", 0, 0, "", Unclear, "no date"},
		{"nonsense", 0, 0, "yesterday", Unclear, "no date"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sent := date.Add(c.sent)
			s := ClockStep(Skew(sent, sent.Add(c.took), c.date))
			if s.Status != c.want || !strings.Contains(s.Says, c.says) {
				t.Errorf("%s: %s", s.Status, s.Says)
			}
			if c.want == Wrong {
				beginsWith(t, s, Clock)
			}
		})
	}
}

func TestHostOf(t *testing.T) {
	for text, want := range map[string]Host{
		"https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com":       {"a1b2c3d4e5", "us-east-1", "$default"},
		"https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/prod/": {"a1b2c3d4e5", "us-east-1", "prod"},
		"https://a1b2c3d4e5.execute-api.cn-north-1.amazonaws.com.cn":   {"a1b2c3d4e5", "cn-north-1", "$default"},
		"https://orders.example.com":                                   {},
		"https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com.evil.": {"a1b2c3d4e5", "us-east-1", "$default"}, // only for placeholders
		"http://127.0.0.1:8080":                                        {},
		"::":                                                           {},
	} {
		if got := HostOf(text); got != want {
			t.Errorf("%s: %+v", text, got)
		}
	}
}
