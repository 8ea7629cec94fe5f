package apigw

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/credvend/credvend/internal/local/iam"
)

const (
	accountA = "111122223333"
	accountB = "444455556666"
	accountC = "777788889999"
	region   = "us-east-1"

	functionARN = "arn:aws:lambda:us-east-1:444455556666:function:credvend"
)

// noon is the clock of the tests.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// clock is a clock that a test can move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// zeros makes every id the same.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// fakeFunction records its event and answers what it is told.
type fakeFunction struct {
	mu      sync.Mutex
	events  [][]byte
	answer  string
	failure string
	err     error
	hang    chan struct{} // if not nil: waits until it is closed
}

func (f *fakeFunction) Invoke(ctx context.Context, payload []byte) ([]byte, string, error) {
	f.mu.Lock()
	f.events = append(f.events, payload)
	answer, failure, err, hang := f.answer, f.failure, f.err, f.hang
	f.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-ctx.Done():
			return nil, "", ctx.Err()
		}
	}
	if answer == "" {
		answer = `{"statusCode":200,"headers":{"content-type":"application/json"},"body":"{\"ok\":true}"}`
	}
	return []byte(answer), failure, err
}

func (f *fakeFunction) calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.events)
}

func (f *fakeFunction) event(t *testing.T) map[string]any {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.events) == 0 {
		t.Fatal("the function was not called")
	}
	var e map[string]any
	if err := json.Unmarshal(f.events[len(f.events)-1], &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// bench is a world, and what the doors in it traced.
type bench struct {
	t     *testing.T
	clock *clock
	world *iam.World

	mu     sync.Mutex
	traces []Trace
}

func newBench(t *testing.T) *bench {
	t.Helper()
	c := &clock{at: noon}
	return &bench{t: t, clock: c, world: iam.NewWorld(c.now)}
}

func (b *bench) door(id, account string) Door {
	return Door{
		ID: id, Region: region, Account: account, World: b.world, Now: b.clock.now, Random: zeros{},
		Trace: func(tr Trace) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.traces = append(b.traces, tr)
		},
	}
}

// lastTrace is the trace of the last request: do closes its server, which waits
// for the handler to return.
func (b *bench) lastTrace() Trace {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.traces) == 0 {
		b.t.Fatal("nothing was traced")
	}
	return b.traces[len(b.traces)-1]
}

func policy(t *testing.T, doc string) *iam.Policy {
	t.Helper()
	p, err := iam.ParsePolicy([]byte(doc))
	if err != nil {
		t.Fatalf("%v in %s", err, doc)
	}
	return p
}

// allow is an identity policy with one statement.
func allow(t *testing.T, action, resource string) *iam.Policy {
	t.Helper()
	return policy(t, fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Sid":"Let","Effect":"Allow","Action":%q,"Resource":%q}]}`, action, resource))
}

// session makes a role of the account with the policies, and a session of it.
func (b *bench) session(account, role string, spec iam.SessionSpec, policies ...*iam.Policy) iam.Credential {
	b.t.Helper()
	arn := "arn:aws:iam::" + account + ":role/team/" + role
	if _, ok := b.world.Role(arn); !ok {
		id := "AROA" + strings.ToUpper(strings.ReplaceAll(role, "-", "")) + "0000000000000000"
		if err := b.world.AddRole(iam.Role{ARN: arn, UniqueID: id[:21], Policies: policies}); err != nil {
			b.t.Fatal(err)
		}
	}
	spec.RoleARN = arn
	if spec.SessionName == "" {
		spec.SessionName = "session-1"
	}
	c, err := b.world.StartSession(spec)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// sending is one request to a door.
type sending struct {
	method, target, body string
	header               http.Header
	credential           *iam.Credential // nil: unsigned
	service, region      string          // of the signature; "" is right
	at                   time.Time       // of the signature; zero is now
	presign              bool
	tamper               func(*http.Request) // after signing
}

type received struct {
	status int
	header http.Header
	body   string
}

// do serves h for one request.
func (b *bench) do(h http.Handler, s sending) received {
	b.t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	if s.method == "" {
		s.method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(b.t.Context(), s.method, server.URL+s.target, strings.NewReader(s.body))
	if err != nil {
		b.t.Fatal(err)
	}
	for name, values := range s.header {
		req.Header[name] = values
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "test/1.0")
	}
	if s.credential != nil {
		b.sign(req, s, serviceOf(h))
	}
	if s.tamper != nil {
		s.tamper(req)
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableCompression: true, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		b.t.Fatal(err)
	}
	return received{resp.StatusCode, resp.Header, string(body)}
}

func serviceOf(h http.Handler) string {
	if _, ok := h.(*FunctionURL); ok {
		return "lambda"
	}
	return "execute-api"
}

func (b *bench) sign(req *http.Request, s sending, service string) {
	b.t.Helper()
	if s.service != "" {
		service = s.service
	}
	signedRegion := region
	if s.region != "" {
		signedRegion = s.region
	}
	at := s.at
	if at.IsZero() {
		at = b.clock.now()
	}
	sum := sha256.Sum256([]byte(s.body))
	hash := hex.EncodeToString(sum[:])
	creds := aws.Credentials{AccessKeyID: s.credential.AccessKeyID, SecretAccessKey: s.credential.SecretAccessKey, SessionToken: s.credential.SessionToken}
	if s.presign {
		uri, header, err := v4.NewSigner().PresignHTTP(b.t.Context(), creds, req, hash, service, signedRegion, at)
		if err != nil {
			b.t.Fatal(err)
		}
		if req.URL, err = req.URL.Parse(uri); err != nil {
			b.t.Fatal(err)
		}
		for name, values := range header {
			if name != "Host" {
				req.Header[name] = values
			}
		}
		return
	}
	if err := v4.NewSigner().SignHTTP(b.t.Context(), creds, req, hash, service, signedRegion, at); err != nil {
		b.t.Fatal(err)
	}
}

// must ends a test whose door could not be made.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func indent(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// tracedFunction records under which trace it was invoked.
type tracedFunction struct {
	mu     sync.Mutex
	traces []string
}

func (f *tracedFunction) Invoke(ctx context.Context, _ []byte) ([]byte, string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.traces = append(f.traces, TraceOf(ctx))
	return []byte(`{"statusCode":200}`), "", nil
}

func (f *tracedFunction) last() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.traces[len(f.traces)-1]
}

// patientFunction records how long it may take.
type patientFunction struct{ left time.Duration }

func (f *patientFunction) Invoke(ctx context.Context, _ []byte) ([]byte, string, error) {
	deadline, _ := ctx.Deadline()
	f.left = time.Until(deadline)
	return []byte(`{"statusCode":200}`), "", nil
}
