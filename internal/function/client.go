package function

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/credvend/credvend/internal/config"
)

// idleTime is how long a connection to STS is kept for the next call. Lambda
// freezes the function between events, and STS closes connections meanwhile:
// after the thaw, a call on such a one is lost, and the region would pass for
// one that fails. net/http measures this by the wall clock, which goes on while
// the function is frozen.
const idleTime = 10 * time.Second

// httpClient is the SDK's own, which honours AWS_CA_BUNDLE, with that limit. The
// connection after it resumes the session of the one before, where STS does:
// that takes half the processor time of a whole handshake.
func httpClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.IdleConnTimeout = idleTime
		t.TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(0) // of the usual size: one session an endpoint
	})
}

// newClients makes a client for each region's STS. The SDK would try three
// times, for longer than any client of ours waits; assume has its own order.
//
// connect begins to open the connection that the first call will want, and
// returns at once.
func newClients(ctx context.Context, cfg config.Config) (clients []*sts.Client, connect func(), err error) {
	sdk, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(cfg.STSRegions[0]), awsconfig.WithHTTPClient(httpClient()))
	if err != nil {
		return nil, nil, fmt.Errorf("the AWS configuration cannot be loaded: %w", err)
	}
	var first *early
	for i, region := range cfg.STSRegions {
		clients = append(clients, sts.NewFromConfig(sdk, func(o *sts.Options) {
			o.Region = region
			o.Retryer = aws.NopRetryer{}
			plain := strings.HasPrefix(aws.ToString(o.BaseEndpoint), "http:") // no TLS to save
			if c, ok := o.HTTPClient.(*awshttp.BuildableClient); ok && i == 0 && !plain {
				first = newEarly(c, time.Now)
				o.HTTPClient = first
			}
			o.HTTPClient = bodyKeeper{o.HTTPClient}
		}))
	}
	if first == nil {
		return clients, func() {}, nil
	}
	return clients, func() { first.start(clients[0]) }, nil
}

// bodyKeeper gives each request a body of its own.
//
// The SDK closes a request's body as soon as the answer begins. If net/http has
// not looked for the end of the body by then, it takes that for a failed read
// and closes the connection, with the rest of the answer still to come: STS has
// issued, and nobody gets it. It takes an STS that is near and a function that
// is short of processor time, as small ones are.
type bodyKeeper struct{ next sts.HTTPClient }

// Do sends the request.
func (k bodyKeeper) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		return k.next.Do(r)
	}
	body, err := io.ReadAll(r.Body) // in memory already: a form of some kilobytes
	if err != nil {
		return nil, fmt.Errorf("reading the request's body: %w", err)
	}
	own := r.WithContext(r.Context())
	own.Body = io.NopCloser(bytes.NewReader(body))
	// With this net/http takes another connection for the request if the one it
	// kept turns out to be closed. It does so only if nothing was written: a
	// POST that may have arrived is not sent again.
	own.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return k.next.Do(own)
}
