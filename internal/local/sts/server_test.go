package sts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"

	"github.com/credvend/credvend/internal/local/iam"
)

func TestGetCallerIdentity(t *testing.T) {
	b := newBench(t, trustAll())
	deny := b.policy(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`)
	cases := []struct {
		name       string
		credential iam.Credential
		arn, id    string
	}{
		{"a role session", b.session(iam.SessionSpec{}), anaARN, "AROAEXAMPLEBROKER000:fn"},
		{"no policy can deny it", b.session(iam.SessionSpec{Policy: deny}), anaARN, "AROAEXAMPLEBROKER000:fn"},
		{"a user", b.user(), ana, "AIDAEXAMPLEANA000000"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out, err := b.client(c.credential, "eu-west-1").GetCallerIdentity(context.Background(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if aws.ToString(out.Arn) != c.arn || aws.ToString(out.UserId) != c.id || aws.ToString(out.Account) != "444455556666" {
				t.Errorf("got %s %s %s", *out.Arn, *out.UserId, *out.Account)
			}
			if e := b.last(); e.Region != "eu-west-1" || e.Action != "GetCallerIdentity" {
				t.Errorf("event %+v", e)
			}
		})
	}
}

func TestRequestsThatAreNotSTS(t *testing.T) {
	b := newBench(t, trustAll())
	caller := b.session(iam.SessionSpec{})
	const form = "application/x-www-form-urlencoded"
	cases := []struct {
		name, method, target, kind, body string
		status                           int
		code                             string
	}{
		{"unknown action", "POST", "/", form, "Action=AssumeRoles&Version=2011-06-15", 400, "InvalidAction"},
		{"action in other letters", "POST", "/", form, "Action=assumerole&Version=2011-06-15", 400, "InvalidAction"},
		{"unknown version", "POST", "/", form, "Action=GetCallerIdentity&Version=2012-06-15", 400, "InvalidAction"},
		{"no version", "POST", "/", form, "Action=GetCallerIdentity", 400, "InvalidAction"},
		{"no action", "POST", "/", form, "Version=2011-06-15", 400, "MissingAction"},
		{"nothing", "POST", "/", form, "", 400, "MissingAction"},
		{"JSON", "POST", "/", "application/json", `{"Action":"GetCallerIdentity"}`, 400, "MissingAction"},
		{"bad percent", "POST", "/", form, "Action=%zz", 400, "MalformedQueryString"},
		{"repeated parameter", "POST", "/", form, "Action=GetCallerIdentity&Action=AssumeRole&Version=2011-06-15", 400, "MalformedQueryString"},
		{"parameter in query and body", "POST", "/?Action=GetCallerIdentity", form, "Action=AssumeRole&Version=2011-06-15", 400, "MalformedQueryString"},
		{"not UTF-8", "POST", "/", form, "Action=GetCallerIdentity&Version=2011-06-15&x=%ff", 400, "MalformedQueryString"},
		{"another path", "POST", "/x", form, "Action=GetCallerIdentity&Version=2011-06-15", 404, "UnknownOperationException"},
		{"another method", "DELETE", "/", form, "", 405, "MethodNotAllowed"},
		{"too large", "POST", "/", form, "Action=" + strings.Repeat("x", maxBody), 413, "RequestEntityTooLargeException"},
		{"GET with a query", "GET", "/?Action=GetCallerIdentity&Version=2011-06-15", "", "", 200, ""},
		{"GET without one", "GET", "/", "", "", 302, ""},
		{"unknown parameters are left alone", "POST", "/", form, "Action=GetCallerIdentity&Version=2011-06-15&Foo=bar", 200, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			req := httptest.NewRequest(c.method, c.target, strings.NewReader(c.body))
			req.Header.Set("Content-Type", c.kind)
			sign(req, caller)
			w := httptest.NewRecorder()
			New(b.opts).ServeHTTP(w, req)
			if w.Code != c.status || between(w.Body.String(), "<Code>", "</Code>") != c.code {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
			if c.status >= 400 && !strings.Contains(w.Body.String(), "<Type>Sender</Type>") {
				t.Errorf("no type in %s", w.Body)
			}
		})
	}
}

func TestSignersThatAreRefused(t *testing.T) {
	b := newBench(t, trustAll(), func(o *Options) { o.Regions = []string{"us-east-1"} })
	good := b.session(iam.SessionSpec{Duration: 15 * time.Minute})
	tampered, unknown := good, good
	tampered.SessionToken += "x"
	unknown.AccessKeyID = "ASIAEXAMPLEUNKNOWN00"
	call := func(c iam.Credential, region string) error {
		_, err := b.client(c, region).GetCallerIdentity(context.Background(), nil)
		return err
	}
	if err := call(good, "us-east-1"); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]struct {
		err  error
		code string
	}{
		"tampered token":     {call(tampered, "us-east-1"), "InvalidClientTokenId"},
		"unknown key":        {call(unknown, "us-east-1"), "InvalidClientTokenId"},
		"region not served":  {call(good, "eu-west-1"), "SignatureDoesNotMatch"},
		"expired credential": {func() error { b.advance(15 * time.Minute); return call(good, "us-east-1") }(), "ExpiredToken"},
	} {
		if codeOf(got.err) != got.code {
			t.Errorf("%s: %v, want %s", name, got.err, got.code)
		}
	}
	for name, a := range map[string]Authenticator{"unsigned": scopeReader{b.world}, "no authenticator": nil} {
		w := httptest.NewRecorder()
		req := httptest.NewRequest("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", nil)
		New(Options{World: b.world, Authenticator: a}).ServeHTTP(w, req)
		if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "<Code>MissingAuthenticationToken</Code>") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

type brokenAuthenticator struct{}

func (brokenAuthenticator) Authenticate(*http.Request, []byte) (string, string, error) {
	return "", "", errors.New("disk full")
}

func TestBrokenAuthenticatorLetsNobodyIn(t *testing.T) {
	w := httptest.NewRecorder()
	req := httptest.NewRequest("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", nil)
	New(Options{Authenticator: brokenAuthenticator{}}).ServeHTTP(w, req)
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "disk") || !strings.Contains(w.Body.String(), "<Type>Receiver</Type>") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestRootCannotAssumeRoles(t *testing.T) {
	b := newBench(t, trustAll())
	s := New(b.opts)
	_, bad := s.authorize(&call{caller: &iam.Principal{ARN: "arn:aws:iam::444455556666:root", Account: "444455556666"}}, &assumption{roleARN: target})
	if bad == nil || bad.message != "Roles may not be assumed by root accounts." {
		t.Errorf("got %v", bad)
	}
}

func TestFaults(t *testing.T) {
	assume := func(b *bench, c iam.Credential, region string, patience time.Duration) error {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_, err := b.client(c, region).AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: aws.String(target), RoleSessionName: aws.String("billing@1")})
		return err
	}
	cases := []struct {
		fault  Fault
		code   string // "": no answer that the SDK could read
		fine   bool
		issued bool
	}{
		{Fault{Kind: Slow, Delay: 20 * time.Millisecond, Times: 1}, "", true, true},
		{Fault{Kind: Hang, Times: 1}, "", false, false},
		{Fault{Kind: Internal, Times: 1}, "InternalFailure", false, false},
		{Fault{Kind: Throttle, Times: 1}, "Throttling", false, false},
		{Fault{Kind: Reset, Times: 1}, "", false, false},
		{Fault{Kind: Garbage, Times: 1}, "", false, false},
		{Fault{Kind: Lost, Times: 1}, "", false, true},
		{Fault{Kind: Disabled, Times: 1}, "RegionDisabledException", false, false},
	}
	for _, c := range cases {
		t.Run(string(c.fault.Kind), func(t *testing.T) {
			b := newBench(t, trustAll())
			caller := b.session(iam.SessionSpec{})
			b.faults.Order("eu-west-1", c.fault)
			if err := assume(b, caller, "us-east-1", 5*time.Second); err != nil {
				t.Fatalf("another region: %v", err)
			}
			patience := 20 * time.Second
			if c.fault.Kind == Hang {
				patience = 200 * time.Millisecond
			}
			err := assume(b, caller, "eu-west-1", patience)
			if c.fine != (err == nil) || codeOf(err) != c.code && c.code != "" {
				t.Errorf("got %v", err)
			}
			var typed *types.RegionDisabledException
			if c.fault.Kind == Disabled && !errors.As(err, &typed) {
				t.Errorf("not typed: %v", err)
			}
			if c.fault.Kind == Garbage {
				var broken *smithy.DeserializationError
				if !errors.As(err, &broken) {
					t.Errorf("not a deserialization error: %v", err)
				}
			}
			e := b.last()
			if e.Region != "eu-west-1" || (e.IssuedKey != "") != c.issued || !c.fine && (e.Verdict != Faulted || e.Fault != c.fault.Kind) {
				t.Errorf("event %+v", e)
			}
			if e.IssuedKey != "" {
				if _, ok := b.world.Credential(e.IssuedKey); !ok {
					t.Error("the session that was issued does not exist")
				}
			}
			if err := assume(b, caller, "eu-west-1", 20*time.Second); err != nil {
				t.Errorf("the fault did not end after one request: %v", err)
			}
			if b.count() != 3 {
				t.Errorf("%d events, want 3", b.count())
			}
		})
	}
}

func TestFaultsAreOrderedCountedAndCleared(t *testing.T) {
	var none *Faults
	if none.take("r", "AssumeRole").Kind != "" {
		t.Error("nil Faults have a fault")
	}
	var f Faults
	f.Order("r", Fault{Kind: Slow, Times: 2})
	f.Order("r", Fault{Kind: Reset, Action: "AssumeRole"})
	f.Order(AnyRegion, Fault{Kind: Throttle, Times: 1})
	var got []FaultKind
	for range 4 {
		got = append(got, f.take("r", "AssumeRole").Kind)
	}
	got = append(got, f.take("r", "GetCallerIdentity").Kind, f.take("r", "GetCallerIdentity").Kind)
	f.Clear("r")
	got = append(got, f.take("r", "AssumeRole").Kind)
	if want := "[slow slow reset reset throttle  ]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestGetWebIdentityToken(t *testing.T) {
	var asked WebIdentityRequest
	b := newBench(t, trustAll(), func(o *Options) {
		o.WebIdentity = func(_ context.Context, r WebIdentityRequest) (string, error) {
			asked = r
			return "a.b.c", nil
		}
	})
	in := func() *awssts.GetWebIdentityTokenInput {
		return &awssts.GetWebIdentityTokenInput{Audience: []string{"https://api.example.com"}, SigningAlgorithm: aws.String("RS256")}
	}
	caller := b.session(iam.SessionSpec{Tags: map[string]string{"team": "x"}, Duration: time.Hour})
	call := func(c iam.Credential, in *awssts.GetWebIdentityTokenInput) (*awssts.GetWebIdentityTokenOutput, error) {
		return b.client(c, "us-east-1").GetWebIdentityToken(context.Background(), in)
	}
	out, err := call(caller, in())
	if err != nil {
		t.Fatal(err)
	}
	if *out.WebIdentityToken != "a.b.c" || !out.Expiration.Equal(b.clock().Add(5*time.Minute)) {
		t.Errorf("got %s until %s", *out.WebIdentityToken, out.Expiration)
	}
	claims := asked.Claims("https://issuer.example.com")
	if claims["sub"] != broker || claims["aud"] != "https://api.example.com" || claims["iss"] != "https://issuer.example.com" {
		t.Errorf("claims %v", claims)
	}
	if own, ok := claims["https://sts.amazonaws.com/"].(map[string]any); !ok || own["aws_account"] != "444455556666" {
		t.Errorf("claims %v", claims)
	}
	long := in()
	long.DurationSeconds = aws.Int32(3600)
	b.advance(time.Minute)
	if _, err := call(caller, long); codeOf(err) != "SessionDurationEscalationException" {
		t.Errorf("a token that outlives its session: %v", err)
	}
	wrong := in()
	wrong.SigningAlgorithm, wrong.DurationSeconds = aws.String("none"), aws.Int32(59)
	if _, err := call(caller, wrong); codeOf(err) != "ValidationError" || !strings.HasPrefix(textOf(err), "2 validation errors detected") {
		t.Errorf("a wrong algorithm: %v", err)
	}
	bounded := b.session(iam.SessionSpec{Policy: b.policy(allowCalls)})
	if _, err := call(bounded, in()); codeOf(err) != "AccessDenied" || !strings.Contains(textOf(err), "sts:GetWebIdentityToken") {
		t.Errorf("a session without the permission: %v", err)
	}
	plain := newBench(t, trustAll())
	if _, err := plain.client(plain.user(), "us-east-1").GetWebIdentityToken(context.Background(), in()); codeOf(err) != "OutboundWebIdentityFederationDisabledException" {
		t.Errorf("an account without it: %v", err)
	}
}

// What a client sends stands in the answer: it must not become XML.
func TestAnswersEscapeWhatTheyQuote(t *testing.T) {
	b := newBench(t, trustAll())
	body := readAnswer(t, b, b.user(), url.Values{"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleArn": {target}, "RoleSessionName": {"</Message><Code>\x00x"}})
	if strings.Count(body, "<Code>") != 1 || strings.Contains(body, "\x00") {
		t.Errorf("not escaped: %s", body)
	}
}

func FuzzServe(f *testing.F) {
	for _, s := range []string{"Action=GetCallerIdentity&Version=2011-06-15", "Action=AssumeRole&Version=2011-06-15&RoleArn=" + target + "&RoleSessionName=ab&Tags.member.1.Key=a",
		"Action=AssumeRole&Version=2011-06-15&Tags.member.9999.Key=%00&Policy={}", "%"} {
		f.Add(s)
	}
	b := newBench(f, trustAll())
	caller := b.user()
	server := New(b.opts)
	f.Fuzz(func(t *testing.T, body string) {
		req := httptest.NewRequest("POST", "/", strings.NewReader(body))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		sign(req, caller)
		w := httptest.NewRecorder()
		server.ServeHTTP(w, req)
		if got, err := io.ReadAll(w.Body); err != nil || !strings.HasPrefix(string(got), "<") {
			t.Errorf("%d %q %v", w.Code, got, err)
		}
		if w.Code >= 500 {
			t.Errorf("%d for %q", w.Code, body)
		}
	})
}
