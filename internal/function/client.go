package function

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// idleTime is how long a connection to STS is kept for the next call. Lambda
// freezes the function between events, and STS closes connections meanwhile:
// after the thaw, a call on such a one is lost, and the region would pass for
// one that fails. net/http measures this by the wall clock, which goes on while
// the function is frozen.
const idleTime = 10 * time.Second

// httpClient is the SDK's own, which honours AWS_CA_BUNDLE, with that limit.
func httpClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.IdleConnTimeout = idleTime })
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
