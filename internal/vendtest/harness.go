package vendtest

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/assume"
	"github.com/credvend/credvend/internal/audit"
	"github.com/credvend/credvend/internal/gateway"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/vend"
)

// FrontDoors are the doors that a Harness believes.
const FrontDoors = "a1b2c3=iam d4e5f6=jwt url:xyz=iam r7s8t9=rest-iam,base=/prod"

// Issuer and Audience are those of the document's shopper.
const (
	Issuer   = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Example"
	Audience = "1example23456789"
)

// Document is the allowlist of the design, as a value to bend.
func Document() *allowlist.Document {
	return &allowlist.Document{
		Version: 1,
		Targets: map[string]allowlist.Target{"orders": {
			Role:            "arn:aws:iam::111122223333:role/orders-invoke",
			API:             "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default",
			ExternalID:      "orders-7f3c9a",
			DefaultDuration: "30m",
			MaxDuration:     "1h",
		}},
		Callers: map[string]allowlist.Caller{
			"billing-service": {
				IAM:  &allowlist.IAMCaller{Role: "arn:aws:iam::444455556666:role/billing-service", RoleID: "AROAEXAMPLEBILLING00"},
				Tags: map[string]string{"team": "billing"},
			},
			"ci":                {IAM: &allowlist.IAMCaller{Role: "arn:aws:iam::444455556666:role/ci-*"}},
			"operator":          {IAM: &allowlist.IAMCaller{User: "arn:aws:iam::444455556666:user/operator", UserID: "AIDAEXAMPLEOPERATOR0"}},
			"analytics-account": {IAM: &allowlist.IAMCaller{Account: "777788889999"}},
			"shopper": {JWT: &allowlist.JWTCaller{
				Issuer: Issuer, Audience: Audience, Claims: map[string][]string{"cognito:groups": {"shoppers"}},
			}},
		},
		Rules: []allowlist.Rule{
			{ID: "billing-reads-orders", Callers: []string{"billing-service"}, Target: "orders", Routes: []string{"GET /orders", "GET /orders/*"}, MaxDuration: "30m"},
			{ID: "analytics-reads-orders", Callers: []string{"analytics-account"}, Target: "orders", Routes: []string{"GET /orders/*"}},
			{ID: "shoppers-see-their-own", Callers: []string{"shopper"}, Target: "orders", Routes: []string{"GET /users/${claims.sub}/*"}},
			{ID: "nobody-deletes", Effect: allowlist.Deny, Callers: []string{"*"}, Target: "orders", Routes: []string{"DELETE /*"}},
		},
	}
}

// Shopper is the claims of a token that the document's shopper matches.
func Shopper(sub string) map[string]any {
	return map[string]any{
		"iss": Issuer, "aud": Audience, "sub": sub, "cognito:groups": []any{"shoppers"}, "exp": 1795438800, "iat": 1795435200,
	}
}

// Clock is a clock that moves on order.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Options bend a Harness.
type Options struct {
	Document *allowlist.Document // nil: Document()
	Regions  []string            // of STS; nil: us-east-1
	NoCache  bool
	Limiter  *assume.Limiter
	Lists    vend.Lists // nil: the document, always
	Attempt  time.Duration
	Total    time.Duration
}

// Harness is the function from the event to the answer, with a fake STS behind
// it, and all that it writes at hand.
type Harness struct {
	STS     *STS
	Trail   *Trail
	Clock   *Clock
	Service *vend.Service
	Handler *gateway.Handler
	Doors   identity.Doors
	config  vend.Config
	log     *syncBuffer

	mu                 sync.Mutex
	trailSeen, logSeen int // bytes that were searched for secrets
}

// TB is what a harness needs of a test: *testing.T, *testing.F and *rapid.T
// have it.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// Log is what the operator's log holds.
func (h *Harness) Log() string {
	h.log.mu.Lock()
	defer h.log.mu.Unlock()
	return h.log.buf.String()
}

type fixed struct{ list *allowlist.List }

func (f fixed) List(context.Context) (*allowlist.List, error) { return f.list, nil }

// New builds the function.
func New(tb TB, o Options) *Harness {
	tb.Helper()
	h := &Harness{Trail: &Trail{}, Clock: &Clock{now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}, log: &syncBuffer{}}
	h.STS = &STS{Now: h.Clock.Now}
	if o.Lists == nil {
		if o.Document == nil {
			o.Document = Document()
		}
		list, err := allowlist.Compile(o.Document)
		if err != nil {
			tb.Fatalf("the document: %v", err)
		}
		o.Lists = fixed{list}
	}
	if o.Regions == nil {
		o.Regions = []string{"us-east-1"}
	}
	var regions []assume.Region
	for _, name := range o.Regions {
		regions = append(regions, h.STS.Region(name))
	}
	if o.Attempt == 0 {
		o.Attempt, o.Total = 5*time.Second, 10*time.Second // a test that hangs on purpose says less
	}
	broker, err := assume.New(assume.Config{Regions: regions, AttemptTimeout: o.Attempt, TotalTimeout: o.Total, Now: h.Clock.Now})
	if err != nil {
		tb.Fatalf("the broker: %v", err)
	}
	h.config = vend.Config{
		Lists: o.Lists, Issuer: broker, Limiter: o.Limiter, Now: h.Clock.Now,
		Pool:     assume.NewPool(assume.PoolConfig{Enabled: !o.NoCache, Now: h.Clock.Now}),
		Recorder: audit.New(h.Trail, h.Clock.Now),
	}
	h.Service = vend.New(h.config)
	doors, err := identity.ParseDoors(FrontDoors)
	if err != nil {
		tb.Fatalf("the doors: %v", err)
	}
	h.Doors = doors
	h.Handler = gateway.New(doors, h.Service, slog.New(slog.NewJSONHandler(h.log, nil)))
	return h
}

// Config is what the harness's service is made of, with another recorder.
func (h *Harness) Config(r vend.Recorder) vend.Config {
	cfg := h.config
	cfg.Recorder = r
	return cfg
}

// Answer is what the function answers.
type Answer struct {
	Status  int               `json:"statusCode"`
	Headers map[string]string `json:"headers"`
	Text    string            `json:"body"`
	Base64  bool              `json:"isBase64Encoded"`

	Body map[string]any `json:"-"` // Text, which is always JSON
}

// Field returns a string of the body at a path of keys.
func (a Answer) Field(path ...string) string {
	m := a.Body
	for _, key := range path[:len(path)-1] {
		m, _ = m[key].(map[string]any)
	}
	s, _ := m[path[len(path)-1]].(string)
	return s
}

// RequestID is the Lambda request id of Invoke.
const RequestID = "00000000-1111-2222-3333-444444444444"

// Invoke answers an event under RequestID. An answer that docs/openapi.yaml
// does not tell of fails the test, and so does a planted secret anywhere but in
// the body of vended credentials.
func (h *Harness) Invoke(tb TB, event []byte) Answer {
	tb.Helper()
	ctx := lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{AwsRequestID: RequestID})
	return h.InvokeContext(ctx, tb, event)
}

// InvokeContext is Invoke with a context of one's own, in which a Lambda
// request id must stand.
func (h *Harness) InvokeContext(ctx context.Context, tb TB, event []byte) Answer {
	tb.Helper()
	raw, err := h.Handler.Invoke(ctx, event)
	if err != nil {
		tb.Fatalf("the handler fails, which Lambda reports as a crash: %v", err)
	}
	var a Answer
	if err := json.Unmarshal(raw, &a); err != nil {
		tb.Fatalf("the answer is not JSON: %v", err)
	}
	if err := json.Unmarshal([]byte(a.Text), &a.Body); err != nil {
		tb.Errorf("the body is not JSON: %v", err)
	}
	if a.Headers["Content-Type"] != "application/json" || a.Headers["Cache-Control"] != "no-store" {
		tb.Errorf("headers %v: want exactly application/json and no-store", a.Headers)
	}
	if a.Status >= 400 {
		for _, pair := range [][2]string{{"code", "Code"}, {"message", "Message"}} {
			if a.Field(pair[0]) != a.Field(pair[1]) {
				tb.Errorf("error %s: %s and %s must be alike", a.Text, pair[0], pair[1])
			}
		}
	}
	if err := CheckContract(h.Doors, event, a); err != nil {
		tb.Errorf("%v", err)
	}
	h.checkSecrets(tb, a)
	return a
}
