package client

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/credvend/credvend/api"
)

func TestProvider(t *testing.T) {
	s := serve(t, vended(t))
	c, _ := connect(t, s.URL)
	got, err := c.Provider("orders", Duration(time.Hour)).Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := aws.Credentials{
		AccessKeyID: "ASIAEXAMPLEVENDED000", SecretAccessKey: vendedSecret, SessionToken: vendedToken,
		AccountID: "111122223333", Source: "credvend", CanExpire: true, Expires: noon.Add(12 * time.Minute),
	}
	if got.Expires, want.Expires = got.Expires.UTC(), want.Expires.UTC(); got.AccessKeyID != want.AccessKeyID ||
		got.SecretAccessKey != want.SecretAccessKey || got.SessionToken != want.SessionToken || got.AccountID != want.AccountID ||
		got.Source != want.Source || !got.CanExpire || !got.Expires.Equal(want.Expires) {
		t.Error("the credentials differ from those that were vended")
	}
	if body := s.seen()[0].body; body != `{"target":"orders","durationSeconds":3600}` {
		t.Error(body)
	}
}

// TestProviderVendsOnce, however many ask at the same time, and as long as the
// credentials are good. It runs by the real clock, as the SDK's cache does.
func TestProviderVendsOnce(t *testing.T) {
	now := time.Now()
	s := serve(t, vended(t, func(c *api.Credentials) {
		c.Expiration, c.Grant.RefreshAfter, c.Grant.ServerTime = now.Add(time.Hour), now.Add(30*time.Minute), now
	}))
	s.hold = make(chan struct{})
	c, _ := connect(t, s.URL)
	c.now = time.Now
	p := c.Provider("orders")
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := p.Retrieve(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	close(s.hold)
	all.Wait()
	if n := len(s.seen()); n != 1 {
		t.Errorf("%d vends", n)
	}
}

func TestLifetime(t *testing.T) {
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	for _, c := range []struct {
		name                            string
		server, refreshAfter, expires   time.Time
		asked, wantRefresh, wantExpires time.Time
	}{
		{"clocks agree", at(0), at(12), at(30), at(0), at(12), at(30)},
		{"our clock is an hour late", at(0), at(12), at(30), at(-60), at(-48), at(-30)},
		{"our clock is an hour early", at(0), at(12), at(30), at(60), at(72), at(90)},
		{"no server time", time.Time{}, at(12), at(30), at(0), at(12), at(30)},
		{"no advice", at(0), time.Time{}, at(30), at(0), at(29), at(30)},
		{"advice in the past", at(0), at(-5), at(30), at(0), at(1), at(30)},
		{"advice after the end", at(0), at(45), at(30), at(0), at(30), at(30)},
		{"hardly any life", at(0), time.Time{}, at(0).Add(20 * time.Second), at(0), at(0).Add(20 * time.Second), at(0).Add(20 * time.Second)},
	} {
		t.Run(c.name, func(t *testing.T) {
			refresh, expires := Lifetime(api.Credentials{Expiration: c.expires, Grant: api.Grant{RefreshAfter: c.refreshAfter, ServerTime: c.server}}, c.asked)
			if !refresh.Equal(c.wantRefresh) || !expires.Equal(c.wantExpires) {
				t.Errorf("%s %s", refresh, expires)
			}
		})
	}
}

// TestFailedRefresh: what may pass is waited for with the credentials at hand,
// a refusal counts at once.
func TestFailedRefresh(t *testing.T) {
	for _, c := range []struct {
		name  string
		err   error
		after time.Duration
		want  time.Duration // after noon, the new Expires; 0: the error is passed on
	}{
		{"down", &Error{Status: 503}, 12 * time.Minute, 13 * time.Minute},
		{"throttled", &Error{Status: 429}, 12 * time.Minute, 13 * time.Minute},
		{"target misconfigured", &Error{Status: 502}, 12 * time.Minute, 13 * time.Minute},
		{"a captive portal", &Error{Status: 200}, 12 * time.Minute, 13 * time.Minute},
		{"no network", errors.New("unreachable"), 12 * time.Minute, 13 * time.Minute},
		{"no network, near the end", errors.New("unreachable"), 29*time.Minute + 30*time.Second, 30 * time.Minute},
		{"no network, expired", errors.New("unreachable"), 30 * time.Minute, 0},
		{"denied", &Error{Status: 403}, 12 * time.Minute, 0},
		{"unauthenticated", &Error{Status: 401}, 12 * time.Minute, 0},
		{"malformed", &Error{Status: 400}, 12 * time.Minute, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, vended(t))
			client, _ := connect(t, s.URL)
			now := noon
			client.now = func() time.Time { return now }
			p := &vendor{client: client, target: "orders"}
			held, err := p.Retrieve(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			now = noon.Add(c.after)
			got, err := p.HandleFailToRefresh(t.Context(), held, c.err)
			if c.want == 0 {
				if !errors.Is(err, c.err) || got.HasKeys() {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil || got.SecretAccessKey != vendedSecret || !got.Expires.Equal(noon.Add(c.want)) {
				t.Errorf("%s %v", got.Expires, err)
			}
		})
	}
	t.Run("others held", func(t *testing.T) {
		s := serve(t, vended(t))
		client, _ := connect(t, s.URL)
		p := &vendor{client: client, target: "orders"}
		if _, err := p.Retrieve(t.Context()); err != nil {
			t.Fatal(err)
		}
		down := errors.New("down")
		if got, err := p.HandleFailToRefresh(t.Context(), aws.Credentials{AccessKeyID: "ASIAEXAMPLEANOTHER00", SecretAccessKey: "x"}, down); !errors.Is(err, down) || got.HasKeys() {
			t.Errorf("%v", err)
		}
	})
	t.Run("nothing held", func(t *testing.T) {
		client, _ := connect(t, "https://vend.example.com")
		p := &vendor{client: client, target: "orders"}
		if _, err := p.HandleFailToRefresh(t.Context(), aws.Credentials{}, errors.New("down")); err == nil {
			t.Error("no error")
		}
	})
}

// TestProviderPassesRefusalsOn through the SDK's cache, as they are.
func TestProviderPassesRefusalsOn(t *testing.T) {
	s := serve(t, failure(403, "denied", "no rule allows it"))
	c, _ := connect(t, s.URL)
	_, err := c.Provider("orders").Retrieve(t.Context())
	var e *Error
	if !errors.As(err, &e) || e.Code != "denied" {
		t.Errorf("%v", err)
	}
}

// TestVendedErrors: the words of the SDK's cache say nothing to a person.
func TestVendedErrors(t *testing.T) {
	s := serve(t, failure(403, "denied", "no rule allows it"))
	client, _ := connect(t, s.URL)
	_, err := client.Provider("orders").Vended(t.Context())
	var e *Error
	if !errors.As(err, &e) || err.Error() != e.Error() {
		t.Errorf("%v", err)
	}
}
