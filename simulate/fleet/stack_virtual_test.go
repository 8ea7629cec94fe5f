package fleet_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/credvend/credvend/client"
	"github.com/credvend/credvend/internal/assume"
	"github.com/credvend/credvend/internal/vendtest"
	"github.com/credvend/credvend/simulate/behaviour"
	"github.com/credvend/credvend/simulate/fleet"
	"github.com/credvend/credvend/simulate/price"
)

// The tests of this file run real clients against the real handler, with its
// pool, its brake and its refreshAfter, in the virtual time of synctest: hours
// pass at once. What they count is compared with what the simulation predicts.

const (
	stsTakes  = 45 * time.Millisecond
	coldTakes = 142 * time.Millisecond
	keptTakes = 2 * time.Millisecond
)

// deployment hands requests to environments, the last used first, as the
// simulation does. Each is a function with a pool and a brake of its own.
type deployment struct {
	t    *testing.T
	make func() *vendtest.Harness

	mu          sync.Mutex
	idle, all   []*vendtest.Harness
	asked, kept int
	refused     map[int]int // by status
	logged      map[string][]int
}

func newDeployment(t *testing.T, rate float64, burst int) *deployment {
	d := &deployment{t: t, refused: map[int]int{}, logged: map[string][]int{}}
	d.make = func() *vendtest.Harness {
		o := vendtest.Options{}
		if rate > 0 {
			o.Limiter = assume.NewLimiter(assume.RateConfig{PerSecond: rate, Burst: burst})
		}
		h := vendtest.New(t, o)
		h.STS.Order("", func(_ context.Context, issue func() *sts.AssumeRoleOutput) (*sts.AssumeRoleOutput, error) {
			time.Sleep(stsTakes)
			advance(h)
			return issue(), nil
		})
		return h
	}
	return d
}

// advance sets a harness's clock to the bubble's.
func advance(h *vendtest.Harness) { h.Clock.Advance(time.Since(h.Clock.Now())) }

func (d *deployment) take() *vendtest.Harness {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	if n := len(d.idle); n > 0 {
		h := d.idle[n-1]
		d.idle = d.idle[:n-1]
		return h
	}
	return nil
}

// sampled reports whether a request's audit lines are measured: of the first few
// hundred, since the trail is copied to look at it.
func (d *deployment) sampled() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked <= 300
}

// serve is a request of a session of the role billing-service.
func (d *deployment) serve(session string, r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	h := d.take()
	if h == nil {
		time.Sleep(coldTakes)
		h = d.make()
		d.mu.Lock()
		d.all = append(d.all, h)
		d.mu.Unlock()
	}
	advance(h)
	ask := vendtest.Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Body: string(body), Headers: map[string]string{"content-type": "application/json"}}
	who := vendtest.Role("444455556666", "billing-service", "AROAEXAMPLEBILLING00", session)
	ctx := lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{AwsRequestID: vendtest.RequestID})
	before, sample := 0, d.sampled()
	if sample {
		before = len(h.Trail.Text())
	}
	raw, err := h.Handler.Invoke(ctx, vendtest.IAM("a1b2c3", who, ask).Bytes())
	if err != nil {
		return nil, err
	}
	var answer vendtest.Answer
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, err
	}
	reused := strings.Contains(answer.Text, `"reused":true`)
	if reused || answer.Status != http.StatusOK {
		time.Sleep(keptTakes)
	}
	d.mu.Lock()
	what := "issued"
	switch {
	case answer.Status != http.StatusOK:
		d.refused[answer.Status]++
		what = "refused"
	case reused:
		d.kept++
		what = "kept"
	}
	if sample {
		d.logged[what] = append(d.logged[what], len(h.Trail.Text())-before)
	}
	d.idle = append(d.idle, h)
	d.mu.Unlock()
	header := http.Header{}
	for name, value := range answer.Headers {
		header.Set(name, value)
	}
	return &http.Response{StatusCode: answer.Status, Header: header, Body: io.NopCloser(bytes.NewBufferString(answer.Text)), Request: r}, nil
}

// counts are what both sides count.
type counts struct{ asked, sts, kept, refused int }

func (d *deployment) counts() counts {
	c := counts{asked: d.asked, kept: d.kept}
	for _, h := range d.all {
		c.sts += len(h.STS.Calls())
	}
	for _, n := range d.refused {
		c.refused += n
	}
	return c
}

// wire is a session's way to the deployment.
type wire struct {
	to      *deployment
	session string
}

// RoundTrip implements http.RoundTripper.
func (w wire) RoundTrip(r *http.Request) (*http.Response, error) { return w.to.serve(w.session, r) }

const address = "http://127.0.0.1:1"

// provider is a real client of a kind, in a program that has just begun.
func provider(t *testing.T, kind string, w wire) aws.CredentialsProvider {
	t.Helper()
	if kind == "client" {
		c, err := client.New(client.WithURL(address), client.WithBearerToken("header.claims.signature"), client.WithHTTPClient(&http.Client{Transport: w}))
		if err != nil {
			t.Fatal(err)
		}
		return c.Provider("orders")
	}
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("us-east-1"),
		config.WithEndpointCredentialOptions(func(o *endpointcreds.Options) { o.HTTPClient = &http.Client{Transport: w} }))
	if err != nil {
		t.Fatal(err)
	}
	return cfg.Credentials
}

// measure runs clients for a time. They begin evenly over a ramp, and sign by
// chance, with a mean between.
func measure(t *testing.T, kind string, c fleet.Config) (*deployment, counts) {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", address+"/v1/credentials/orders")
	t.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "token")
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", t.TempDir()+"/none")
	var d *deployment
	var got counts
	synctest.Test(t, func(t *testing.T) {
		d = newDeployment(t, c.Limits.BrakeRate, int(c.Limits.BrakeBurst))
		began := time.Now()
		var clients sync.WaitGroup
		for i := range c.Clients {
			clients.Go(func() {
				lots := rand.New(rand.NewPCG(c.Seed, uint64(i)))
				between := c.Every
				if kind == "cli" {
					between = c.Command
				}
				time.Sleep(c.Ramp * time.Duration(i) / time.Duration(c.Clients))
				w := wire{d, fmt.Sprintf("i-%d", i/c.PerSession)}
				p := provider(t, kind, w)
				for time.Since(began) < c.Duration { // what began before the end is counted, retries included
					if kind == "cli" { // a program of its own each time
						p = provider(t, kind, w)
					}
					_, _ = p.Retrieve(t.Context()) // a refusal is counted where it is made
					time.Sleep(time.Duration(lots.ExpFloat64() * float64(between)))
				}
			})
		}
		clients.Wait()
		got = d.counts()
	})
	return d, got
}

// predict runs the simulation of the same, with several seeds, and takes means.
func predict(t *testing.T, c fleet.Config) counts {
	t.Helper()
	const seeds = 20
	var all counts
	for range seeds {
		r, err := fleet.Run(c)
		if err != nil {
			t.Fatal(err)
		}
		all.asked += int(r.Requests())
		all.sts += int(r.STSCalls)
		all.kept += int(r.Counts[fleet.Reused])
		all.refused += int(r.Throttled())
		c.Seed++
	}
	return counts{all.asked / seeds, all.sts / seeds, all.kept / seeds, all.refused / seeds}
}

// like is a simulation whose service takes as long as the deployment's.
func like(t *testing.T, kind string, clients int) fleet.Config {
	t.Helper()
	c := fleet.Default(clients)
	mix, err := behaviour.ParseMix(kind)
	if err != nil {
		t.Fatal(err)
	}
	if kind == "cli" { // here each command is a program with the SDK for Go
		sdk, err := behaviour.Find("go")
		if err != nil {
			t.Fatal(err)
		}
		sdk.Renews, sdk.Commands = behaviour.EachCommand, true
		mix[0].Kind = sdk
	}
	c.Mix, c.Arrival, c.Ramp, c.Duration, c.Seed = mix, fleet.Spread, 30*time.Minute, 6*time.Hour, 7
	c.Service.STS, c.Service.STSSpread, c.Service.Platform, c.Service.Network = stsTakes, 0, 100*time.Millisecond, time.Millisecond
	c.Service.InitFrom, c.Service.InitTo = 42*time.Millisecond, 42*time.Millisecond
	c.Service.Idle, c.Service.MaxAge = c.Duration, c.Duration // the test takes none away
	c.PerRole = clients
	c.Limits.RouteRate = 0
	return c
}

// TestStackVirtual: with real clients, what was counted over six hours is what
// the simulation predicts. Both draw lots, so it is near and not the same.
func TestStackVirtual(t *testing.T) {
	for _, test := range []struct {
		name, kind string
		clients    int
		bend       func(*fleet.Config)
		near       float64 // of requests and of STS's calls
	}{
		{"SDK for Go", "go", 40, nil, 0.02},
		// Each individual's refreshAfter is a lot that is drawn once for all.
		{"package client", "client", 100, nil, 0.04},
		{"package client, four to a session", "client", 100, func(c *fleet.Config) { c.PerSession = 4 }, 0.06},
		{"a command every four minutes", "cli", 20, func(c *fleet.Config) { c.Command = 4 * time.Minute }, 0.05},
		{"commands in a row, one role and its brake", "cli", 30, func(c *fleet.Config) {
			c.Command, c.Duration, c.Ramp = 2*time.Second, 2*time.Minute, time.Second
			c.Limits.BrakeRate, c.Limits.BrakeBurst = 0.25, 3
		}, 0.2}, // retries on top of retries: each run is another
	} {
		t.Run(test.name, func(t *testing.T) {
			c := like(t, test.kind, test.clients)
			near := test.near
			if testing.Short() { // a third of the time, and of the lots to be drawn
				c.Duration /= 3
				near *= 2
			}
			if test.bend != nil {
				test.bend(&c)
			}
			d, got := measure(t, test.kind, c)
			want := predict(t, c)
			t.Logf("measured %+v, predicted %+v", got, want)
			within := func(what string, a, b, of int) {
				if diff := float64(a-b) / float64(max(of, 1)); diff > near || diff < -near {
					t.Errorf("%s: measured %d, predicted %d: %.1f %% of %d apart", what, a, b, 100*diff, of)
				}
			}
			within("requests", got.asked, want.asked, got.asked)
			within("calls of STS", got.sts, want.sts, got.asked)
			within("reused", got.kept, want.kept, got.asked)
			within("refused", got.refused, want.refused, got.asked)
			d.logs(t)
		})
	}
}

// logs: the audit lines are as long as the prices take them to be.
func (d *deployment) logs(t *testing.T) {
	t.Helper()
	sizes := price.DefaultSizes()
	for what, want := range map[string]float64{"issued": sizes.Issued, "kept": sizes.Kept, "refused": sizes.Refused} {
		sum := 0
		for _, n := range d.logged[what] {
			sum += n
		}
		if len(d.logged[what]) == 0 {
			continue
		}
		if mean := float64(sum) / float64(len(d.logged[what])); mean < 0.8*want || mean > 1.2*want {
			t.Errorf("audit lines of one %s are %.0f bytes, and simulate/price has %.0f", what, mean, want)
		}
	}
}
