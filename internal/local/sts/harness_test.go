package sts

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/credvend/credvend/internal/local/iam"
)

const (
	broker  = "arn:aws:iam::444455556666:role/service/credvend-vend"
	target  = "arn:aws:iam::111122223333:role/orders-invoke"
	ana     = "arn:aws:iam::444455556666:user/ana"
	anaARN  = "arn:aws:sts::444455556666:assumed-role/credvend-vend/fn"
	granted = "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default/GET/orders/42"

	allowSTS   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"}]}`
	allowCalls = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/*"}]}`
)

// authError is how the stand-in reports a bad signature.
type authError struct{ code, message string }

func (e authError) Error() string                   { return e.code }
func (e authError) STSError() (string, int, string) { return e.code, http.StatusForbidden, e.message }

// scopeReader stands in for the signature's verifier: it reads the scope, and
// checks the session token alone.
type scopeReader struct{ world *iam.World }

func (a scopeReader) Authenticate(r *http.Request, _ []byte) (string, string, error) {
	_, rest, ok := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	scope := strings.Split(strings.Split(rest, ",")[0], "/")
	if !ok || len(scope) != 5 {
		return "", "", authError{"MissingAuthenticationToken", "Request is missing Authentication Token"}
	}
	c, ok := a.world.Credential(scope[0])
	if !ok || r.Header.Get("X-Amz-Security-Token") != c.SessionToken {
		return "", "", authError{"InvalidClientTokenId", "The security token included in the request is invalid."}
	}
	return scope[0], scope[2], nil
}

type bench struct {
	t      testing.TB
	world  *iam.World
	faults *Faults
	server *httptest.Server
	opts   Options

	mu     sync.Mutex
	now    time.Time
	events []Event
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func (b *bench) log(e Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, e)
}

func (b *bench) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.events)
}

func (b *bench) last() Event {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.events) == 0 {
		b.t.Fatal("no event was logged")
	}
	return b.events[len(b.events)-1]
}

// newBench starts an STS with the broker's role in Account B, and in Account A a
// role whose trust policy is the one given.
func newBench(t testing.TB, trust string, change ...func(*Options)) *bench {
	t.Helper()
	b := &bench{t: t, faults: &Faults{}, now: time.Now().Truncate(time.Second)}
	b.world = iam.NewWorld(b.clock)
	b.role(iam.Role{ARN: broker, Policies: []*iam.Policy{b.policy(allowSTS)}, UniqueID: "AROAEXAMPLEBROKER000", MaxSession: 12 * time.Hour})
	b.role(iam.Role{ARN: target, Policies: []*iam.Policy{b.policy(allowCalls)}, Trust: b.policy(trust), UniqueID: "AROAEXAMPLETARGET000"})
	if err := b.world.AddUser(iam.User{ARN: ana, UniqueID: "AIDAEXAMPLEANA000000", Policies: []*iam.Policy{b.policy(allowSTS)}}); err != nil {
		t.Fatal(err)
	}
	b.opts = Options{World: b.world, Authenticator: scopeReader{b.world}, Now: b.clock, Faults: b.faults, Log: b.log}
	for _, f := range change {
		f(&b.opts)
	}
	b.server = httptest.NewServer(New(b.opts))
	t.Cleanup(b.server.Close)
	return b
}

func trustFor(actions, condition string) string {
	if condition != "" {
		condition = `,"Condition":` + condition
	}
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":[` + actions + `]` + condition + `}]}`
}

func trustAll() string {
	return trustFor(`"sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"`, "")
}

func (b *bench) policy(doc string) *iam.Policy {
	b.t.Helper()
	p, err := iam.ParsePolicy([]byte(doc))
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

func (b *bench) role(r iam.Role) {
	b.t.Helper()
	if err := b.world.AddRole(r); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) session(s iam.SessionSpec) iam.Credential {
	b.t.Helper()
	if s.RoleARN == "" {
		s.RoleARN = broker
	}
	if s.SessionName == "" {
		s.SessionName = "fn"
	}
	c, err := b.world.StartSession(s)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

func (b *bench) user() iam.Credential {
	b.t.Helper()
	c, err := b.world.UserCredential(ana)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// client is the stock SDK, with one attempt a call.
func (b *bench) client(c iam.Credential, region string) *awssts.Client {
	return awssts.New(awssts.Options{
		Region: region, BaseEndpoint: aws.String(b.server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken),
		HTTPClient:  &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	})
}

func (b *bench) assume(c iam.Credential, in *awssts.AssumeRoleInput) (*awssts.AssumeRoleOutput, error) {
	if in.RoleArn == nil {
		in.RoleArn = aws.String(target)
	}
	if in.RoleSessionName == nil {
		in.RoleSessionName = aws.String("billing@1")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return b.client(c, "us-east-1").AssumeRole(ctx, in)
}

func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func textOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorMessage()
	}
	return ""
}

// raw sends a form without the SDK, whose own checks keep bad input back.
func (b *bench) raw(c iam.Credential, form url.Values) (*http.Response, error) {
	b.t.Helper()
	req, err := http.NewRequest(http.MethodPost, b.server.URL+"/", strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	sign(req, c)
	return http.DefaultClient.Do(req)
}

func sign(req *http.Request, c iam.Credential) {
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+c.AccessKeyID+"/20261122/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=0")
	if c.SessionToken != "" {
		req.Header.Set("X-Amz-Security-Token", c.SessionToken)
	}
}
