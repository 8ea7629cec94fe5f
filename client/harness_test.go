package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/credvend/credvend/api"
)

// noon is the clock of the tests.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const (
	keyID        = "ASIAEXAMPLECALLER000"
	callerSecret = "caller-secret-access-key-example"
	callerToken  = "caller-session-token-example-0123456789"
	jwt          = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtYXlhIn0.c2lnbmF0dXJlLWV4YW1wbGU="
	vendedSecret = "vended-secret-access-key-example"
	vendedToken  = "vended-session-token-example-0123456789"
)

// secrets are what no error and no other text may hold.
func secrets() []string { return []string{callerSecret, callerToken, jwt, vendedSecret, vendedToken} }

func noSecrets(t *testing.T, text string) {
	t.Helper()
	for _, s := range secrets() {
		if strings.Contains(text, s) || strings.Contains(text, s[:20]) {
			t.Errorf("a secret stands in %q", text)
		}
	}
}

// answer is what the fake service says once.
type answer struct {
	status int
	header map[string]string
	body   string
}

func jsonAnswer(status int, body string, header ...string) answer {
	a := answer{status, map[string]string{"Content-Type": "application/json"}, body}
	for i := 0; i+1 < len(header); i += 2 {
		a.header[header[i]] = header[i+1]
	}
	return a
}

func failure(status int, code, message string, header ...string) answer {
	return jsonAnswer(status, fmt.Sprintf(`{"code":%q,"message":%q,"Code":%[1]q,"Message":%[2]q,"requestId":"req-1"}`, code, message), header...)
}

// vended is the answer to a vend at noon for half an hour.
func vended(t *testing.T, change ...func(*api.Credentials)) answer {
	t.Helper()
	c := api.Credentials{
		Version: 1, AccessKeyID: "ASIAEXAMPLEVENDED000",
		SecretAccessKey: api.NewSecret(vendedSecret), SessionToken: api.NewSecret(vendedToken), Token: api.NewSecret(vendedToken),
		Expiration: noon.Add(30 * time.Minute), AccountID: "111122223333", RoleARN: "arn:aws:iam::111122223333:role/orders-invoke",
		Grant: api.Grant{RequestID: "req-1", Target: "orders", RefreshAfter: noon.Add(12 * time.Minute), ServerTime: noon},
	}
	for _, f := range change {
		f(&c)
	}
	b, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return jsonAnswer(http.StatusOK, string(b))
}

// service is a fake credvend. It gives its answers in turn, and the last one
// for ever.
type service struct {
	*httptest.Server
	mu      sync.Mutex
	answers []answer
	calls   []call
	hold    chan struct{} // if not nil, calls wait until it is closed
}

type call struct {
	*http.Request
	body string
}

func serve(t *testing.T, answers ...answer) *service {
	t.Helper()
	s := &service{answers: answers}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.calls = append(s.calls, call{r, string(body)})
		a, hold := s.answers[0], s.hold
		if len(s.answers) > 1 {
			s.answers = s.answers[1:]
		}
		s.mu.Unlock()
		if hold != nil {
			<-hold
		}
		w.Header()["Content-Type"] = nil
		for name, value := range a.header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.body)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *service) seen() []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

func (s *service) say(answers ...answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = answers
}

func static() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(keyID, callerSecret, callerToken)
}

// waits records what a client would have slept.
type waits struct {
	mu   sync.Mutex
	list []time.Duration
}

func (w *waits) sleep(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, d)
	return ctx.Err()
}

// connect is a client of the service at noon, signing unless opts say
// otherwise.
func connect(t *testing.T, url string, opts ...Option) (*Client, *waits) {
	t.Helper()
	if len(opts) == 0 {
		opts = []Option{WithCredentialsProvider(static()), WithRegion("us-east-1")}
	}
	c, err := New(append(opts, WithURL(url))...)
	if err != nil {
		t.Fatal(err)
	}
	w := &waits{}
	c.now, c.sleep = func() time.Time { return noon }, w.sleep
	return c, w
}
