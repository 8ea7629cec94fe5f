package assume

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/credvend/credvend/internal/fault"
)

const (
	brokerSecret = "PLANTEDbrokersecret"
	brokerToken  = "PLANTEDbrokertoken"
)

// TestOverTheWire runs the SDK's own client against loopback servers: what is
// an error code to it, what a transport error, and what was never sent.
func TestOverTheWire(t *testing.T) {
	xmlError := func(status int, code, message string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/xml")
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>req-9</RequestId></ErrorResponse>`, code, message)
		}
	}
	success := func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		w.Header().Set("X-Amzn-Requestid", "req-9")
		_, _ = fmt.Fprintf(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:x</AssumedRoleId><Arn>arn:aws:sts::111122223333:assumed-role/orders-invoke/%s</Arn></AssumedRoleUser>
<Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken>%s</SessionToken><Expiration>%s</Expiration></Credentials>
<PackedPolicySize>14</PackedPolicySize></AssumeRoleResult><ResponseMetadata><RequestId>req-9</RequestId></ResponseMetadata></AssumeRoleResponse>`,
			r.PostForm.Get("RoleSessionName"), plantedSecret, plantedToken, time.Now().Add(30*time.Minute).UTC().Format(time.RFC3339))
	}
	hijack := func(send string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			_, _ = io.WriteString(conn, send)
			if tcp, ok := conn.(*net.TCPConn); ok && send == "" {
				_ = tcp.SetLinger(0) // a reset
			}
			_ = conn.Close()
		}
	}
	tests := []struct {
		name      string
		handler   http.HandlerFunc
		outcome   Outcome
		code      string
		requestID string
		kind      fault.Kind
	}{
		{"success", success, OutcomeIssued, "", "req-9", 0},
		{"denied", xmlError(403, "AccessDenied", "no"), OutcomeDenied, "AccessDenied", "req-9", fault.TargetMisconfigured},
		{"denied by a broken signature", xmlError(403, "SignatureDoesNotMatch", brokerToken), OutcomeDenied, "SignatureDoesNotMatch", "req-9", fault.Unavailable},
		{"validation", xmlError(400, "ValidationError", "x"), OutcomeDenied, "ValidationError", "req-9", fault.TargetMisconfigured},
		{"packed", xmlError(400, "PackedPolicyTooLarge", "x"), OutcomeDenied, "PackedPolicyTooLarge", "req-9", fault.InvalidRequest},
		{"policy", xmlError(400, "MalformedPolicyDocument", "x"), OutcomeDenied, "MalformedPolicyDocument", "req-9", fault.Internal},
		{"disabled", xmlError(403, "RegionDisabledException", "x"), OutcomeFailed, "RegionDisabledException", "req-9", fault.Unavailable},
		{"throttled", xmlError(400, "Throttling", "Rate exceeded"), OutcomeFailed, "Throttling", "req-9", fault.Unavailable},
		{"throttled without a body", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }, OutcomeFailed, codeBadAnswer, "", fault.Unavailable},
		{"503", xmlError(503, "ServiceUnavailable", "x"), OutcomeUnknown, "ServiceUnavailable", "req-9", fault.Unavailable},
		{"500 that calls itself a denial", xmlError(500, "AccessDenied", "x"), OutcomeUnknown, "AccessDenied", "req-9", fault.Unavailable},
		{"403 of a proxy", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "<html>Forbidden</html>", http.StatusForbidden)
		}, OutcomeUnknown, codeBadAnswer, "", fault.Unavailable},
		{"empty 200", func(http.ResponseWriter, *http.Request) {}, OutcomeUnknown, codeBadAnswer, "", fault.Unavailable},
		{"200 that is not XML", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<<"+plantedSecret) }, OutcomeUnknown, codeBadAnswer, "", fault.Unavailable},
		{"200 cut off", hijack("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n<AssumeRoleResponse><AssumeRoleResult><Credentials><SecretAccessKey>" + plantedSecret), OutcomeUnknown, codeBadAnswer, "", fault.Unavailable},
		{"not HTTP", hijack(plantedSecret + "\r\n\r\n"), OutcomeUnknown, codeLost, "", fault.Unavailable},
		{"reset", hijack(""), OutcomeUnknown, codeLost, "", fault.Unavailable},
		{"redirect", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Location", "/x"); w.WriteHeader(302) }, OutcomeUnknown, codeBadAnswer, "", fault.Unavailable},
		{"hangs", func(_ http.ResponseWriter, r *http.Request) { _, _ = io.ReadAll(r.Body); <-r.Context().Done() }, OutcomeUnknown, codeTimeout, "", fault.Unavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				tt.handler(w, r)
			}))
			server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			server.Start()
			defer server.Close()
			a, issued, logged, err := overTheWire(t, server.URL)
			if a.Outcome != tt.outcome || a.Code != tt.code || a.STSRequestID != tt.requestID {
				t.Errorf("attempt %+v", a)
			}
			if calls.Load() != 1 {
				t.Errorf("%d calls; the SDK must not retry", calls.Load())
			}
			if tt.outcome == OutcomeIssued {
				if err != nil || issued.SessionToken() != plantedToken || issued.PackedPolicyPercent != 14 {
					t.Errorf("%v %v", err, issued)
				}
			} else if err == nil || fault.Of(err).Kind != tt.kind {
				t.Errorf("got %v", err)
			}
			for e := err; e != nil; e = errors.Unwrap(e) {
				if text := fmt.Sprintf("%v %+v %#v", e, e, e); strings.Contains(text, "PLANTED") {
					t.Errorf("an error tells a secret: %s", text)
				}
			}
			if strings.Contains(logged, "PLANTED") {
				t.Errorf("the SDK logged a secret:\n%s", logged)
			}
		})
	}

	t.Run("connection refused was never sent", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		url := "http://" + l.Addr().String()
		_ = l.Close()
		a, _, _, err := overTheWire(t, url)
		if a.Outcome != OutcomeFailed || a.Code != codeConnectFailed || fault.Of(err).Kind != fault.Unavailable {
			t.Errorf("%+v %v", a, err)
		}
	})
	t.Run("a certificate that does not verify was never sent to", func(t *testing.T) {
		server := httptest.NewUnstartedServer(http.HandlerFunc(success))
		server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
		server.StartTLS()
		defer server.Close()
		a, _, _, _ := overTheWire(t, server.URL)
		if a.Outcome != OutcomeFailed || a.Code != codeTLSFailed {
			t.Errorf("%+v", a)
		}
	})
	t.Run("a connection that hangs while it is made was never sent on", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		a, _, _, _ := overTheWire(t, "https://"+l.Addr().String()) // nobody answers the TLS handshake
		if a.Outcome != OutcomeFailed || a.Code != codeTimeout {
			t.Errorf("%+v", a)
		}
	})
	t.Run("no credentials to sign with", func(t *testing.T) {
		a, _, _, _ := overTheWire(t, "http://127.0.0.1:1", func(o *sts.Options) { o.Credentials = aws.AnonymousCredentials{} })
		if a.Outcome != OutcomeFailed {
			t.Errorf("%+v", a)
		}
	})
	t.Run("credentials that cannot be had", func(t *testing.T) {
		a, _, _, err := overTheWire(t, "http://127.0.0.1:1", func(o *sts.Options) {
			o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, errors.New("none") })
		})
		if a.Outcome != OutcomeFailed || a.Code != codeNotSent || fault.Of(err).Kind != fault.Unavailable {
			t.Errorf("%+v %v", a, err)
		}
	})
}

// overTheWire makes one call with an SDK client that is set up as badly as one
// can be: it retries, and logs whole bodies.
func overTheWire(t *testing.T, url string, opts ...func(*sts.Options)) (a Attempt, issued Issued, logs string, err error) {
	t.Helper()
	var logged bytes.Buffer
	client := sts.New(sts.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(url),
		Credentials:      credentials.NewStaticCredentialsProvider("ASIABROKER", brokerSecret, brokerToken),
		RetryMaxAttempts: 3,
		ClientLogMode:    aws.LogRequestWithBody | aws.LogResponseWithBody | aws.LogRetries,
		Logger:           logging.NewStandardLogger(&logged),
	}, opts...)
	timeout := 20 * time.Second // a busy machine must not fail what ought to be answered
	if strings.Contains(t.Name(), "hangs") {
		timeout = 300 * time.Millisecond
	}
	b, err := New(Config{Regions: []Region{{"us-east-1", client}}, AttemptTimeout: timeout, TotalTimeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	issued, attempts, err := b.Assume(t.Context(), testScope(), "receipt01")
	if len(attempts) != 1 {
		t.Fatalf("attempts %+v", attempts)
	}
	return attempts[0], issued, logged.String(), err
}
