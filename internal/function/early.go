package function

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const (
	// earlyDelay leaves the processor to what leads to the first event; from
	// there on the function waits.
	earlyDelay = time.Millisecond
	// earlyLimit is how long the early connection may take to stand. Whatever
	// takes longer was frozen by Lambda on its way, and STS has hung up.
	earlyLimit = 2 * time.Second
	// earlyPatience is how long a request waits for it, before it looks for a
	// connection of its own beside it.
	earlyPatience = 200 * time.Millisecond
)

// early is the HTTP client of one region's STS. It opens one connection ahead
// of the first request, TCP and TLS and not a byte of HTTP, so that the first
// vend finds it and pays for neither.
//
// It is net/http that opens and keeps it, as it would for a request: proxy,
// certificates and the limit on its age are those of every other connection.
// Nobody hears of a failure; the first request then meets it, or does not.
type early struct {
	client          sts.HTTPClient
	now             func() time.Time
	limit, patience time.Duration // earlyLimit, earlyPatience

	// Set by start.
	begun time.Time       // by the wall clock, which goes on while Lambda freezes the function
	ended context.Context // done when the connection stands, or will not
	end   context.CancelFunc

	// Held while the request is about that asks for the early connection, so
	// that no other is: else it might be handed a connection of theirs, and
	// sent.
	asking sync.Mutex
	used   bool // a request has gone before it: there is nothing to open ahead
}

func newEarly(c *awshttp.BuildableClient, now func() time.Time) *early {
	return &early{now: now, limit: earlyLimit, patience: earlyPatience, client: c.WithTransportOptions(func(t *http.Transport) {
		dial := t.DialContext
		t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			if a, ok := ctx.Value(attemptKey{}).(*attempt); ok {
				return a.dial(ctx, dial, network, address)
			}
			return dial(ctx, network, address)
		}
	})}
}

// start begins to open the connection that a call of c would use, and leaves it
// to itself. It must return before the first request is sent.
func (e *early) start(c *sts.Client) {
	e.begun = e.now().Round(0)
	e.ended, e.end = context.WithTimeout(context.Background(), e.limit)
	time.AfterFunc(earlyDelay, func() { e.open(c) })
}

// Do sends a request. One that comes while the early connection is on its way
// waits for it: to open another would take longer, and the processor twice.
func (e *early) Do(r *http.Request) (*http.Response, error) {
	if e.ended != nil && e.ended.Err() == nil && !e.late() {
		patience := time.NewTimer(e.patience)
		defer patience.Stop()
		select {
		case <-e.ended.Done():
		case <-patience.C:
		case <-r.Context().Done():
		}
	}
	e.asking.Lock()
	e.used = true
	e.asking.Unlock()
	return e.client.Do(r)
}

// late reports that the early connection has taken too long, or that the clock
// cannot tell.
func (e *early) late() bool {
	age := e.now().Round(0).Sub(e.begun)
	return age < 0 || age >= e.limit
}

// open opens the connection, if it is one with TLS and nothing was faster. It
// returns when that is on its way.
//
// net/http has no call for this. But once it has begun to dial for a request,
// it goes on when the request is given up, and keeps the connection for the
// next one. So a request is begun, and given up by the dial itself, which goes
// on only when nobody is left who could send it.
func (e *early) open(c *sts.Client) {
	where := destination(e.ended, c)
	if where == nil || where.Scheme != "https" {
		e.end()
		return
	}
	e.asking.Lock()
	defer e.asking.Unlock()
	if e.used || e.late() { // Lambda froze the function before it came to this
		e.end()
		return
	}
	ctx, giveUp := context.WithCancel(e.ended)
	defer giveUp()
	a := &attempt{early: e, giveUp: giveUp, gone: make(chan struct{})}
	ctx = httptrace.WithClientTrace(context.WithValue(ctx, attemptKey{}, a), &httptrace.ClientTrace{TLSHandshakeDone: a.shaken})
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, where.Scheme+"://"+where.Host, nil)
	if err == nil {
		if resp, err := e.client.Do(r); err == nil {
			_ = resp.Body.Close()
		}
	}
	close(a.gone)
	if !a.dialing.Load() {
		e.end()
	}
}

// attempt is the opening of the early connection.
type attempt struct {
	early   *early
	giveUp  context.CancelFunc // ends the request that asks for the connection
	gone    chan struct{}      // closed when it has ended
	dialing atomic.Bool
	conn    net.Conn
}

// attemptKey finds the attempt in the context of its dial.
type attemptKey struct{}

func (a *attempt) dial(ctx context.Context, dial func(context.Context, string, string) (net.Conn, error), network, address string) (net.Conn, error) {
	a.dialing.Store(true)
	a.giveUp()
	<-a.gone
	ctx, cancel := context.WithTimeout(ctx, a.early.limit)
	defer cancel()
	conn, err := dial(ctx, network, address)
	if err != nil {
		a.early.end()
		return nil, err
	}
	a.conn = conn
	return conn, nil
}

// shaken hears that the handshake is over. What was frozen in the middle of it
// may look whole: then it is closed here, before a request can be lost on it.
func (a *attempt) shaken(tls.ConnectionState, error) {
	if a.early.late() {
		_ = a.conn.Close() // whoever is handed it finds it closed, and takes another
	}
	a.early.end()
}

// destination is where a call of c would go to, as the SDK resolves it from the
// region, the environment and its files; nil if nowhere. Nothing is sent.
func destination(ctx context.Context, c *sts.Client) *url.URL {
	d := &dryRun{}
	_, _ = c.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String("none"), RoleSessionName: aws.String("none")}, func(o *sts.Options) {
		o.HTTPClient = d
		o.Retryer = aws.NopRetryer{}
		// Not the function's own: to find those may take a call by itself.
		o.Credentials = credentials.NewStaticCredentialsProvider("none", "none", "")
	})
	return d.where
}

// dryRun is an HTTP client that sends nothing and remembers where to.
type dryRun struct{ where *url.URL }

var errDryRun = errors.New("nothing is sent")

// Do keeps the request's URL.
func (d *dryRun) Do(r *http.Request) (*http.Response, error) {
	d.where = r.URL
	return nil, errDryRun
}
