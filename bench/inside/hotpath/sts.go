package hotpath

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/credvend/credvend/internal/assume"
	"github.com/credvend/credvend/internal/scope"
)

// What every stand-in here hands out: of the size of the real ones, and no
// credentials of anybody.
const (
	keyID = "ASIAEXAMPLEVENDED000"
	life  = 30 * time.Minute // the default of the list's target
)

func secretKey() string    { return strings.Repeat("s", 40) }
func sessionToken() string { return strings.Repeat("t", 900) }

// Issuer stands in for STS and all that talks to it: it issues at once. It
// allocates nothing, and may be asked by many at once.
type Issuer struct {
	now      func() time.Time
	issued   assume.Issued
	attempts []assume.Attempt
}

// NewIssuer is one that goes by a clock.
func NewIssuer(clock *Clock) *Issuer {
	return &Issuer{
		now: clock.Now,
		issued: assume.Issued{
			Credentials: assume.NewCredentials(keyID, secretKey(), sessionToken()),
			Region:      "us-east-1", STSRequestID: RequestID, PackedPolicyPercent: 14,
			AssumedRoleARN: "arn:aws:sts::111122223333:assumed-role/orders-invoke/billing-service",
		},
		attempts: []assume.Attempt{{Region: "us-east-1", Outcome: assume.OutcomeIssued, STSRequestID: RequestID, Latency: time.Millisecond}},
	}
}

// Assume implements vend.Issuer.
func (i *Issuer) Assume(_ context.Context, s scope.Scope, receipt string) (assume.Issued, []assume.Attempt, error) {
	issued := i.issued
	issued.Receipt, issued.IssuedAt = receipt, i.now().Round(0).UTC()
	issued.Expiration = issued.IssuedAt.Add(s.Duration).Truncate(time.Second)
	return issued, i.attempts, nil
}

// Client stands in for the SDK's client of STS. It allocates an ARN a call and
// nothing else, and so answers one call at a time.
type Client struct {
	now  func() time.Time
	out  sts.AssumeRoleOutput
	last *sts.AssumeRoleInput // what it was asked
}

func newClient(now func() time.Time) *Client {
	return &Client{now: now, out: sts.AssumeRoleOutput{
		AssumedRoleUser: &types.AssumedRoleUser{Arn: new(string), AssumedRoleId: aws.String("AROAEXAMPLEORDERS000:session")},
		Credentials: &types.Credentials{
			AccessKeyId: aws.String(keyID), SecretAccessKey: aws.String(secretKey()), SessionToken: aws.String(sessionToken()), Expiration: new(time.Time),
		},
		PackedPolicySize: aws.Int32(14), //nolint:staticcheck // what STS answers still
	}}
}

// AssumeRole implements assume.Client.
func (c *Client) AssumeRole(_ context.Context, in *sts.AssumeRoleInput, _ ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	c.last = in
	*c.out.AssumedRoleUser.Arn = "arn:aws:sts::111122223333:assumed-role/orders-invoke/" + *in.RoleSessionName
	*c.out.Credentials.Expiration = c.now().Add(time.Duration(*in.DurationSeconds) * time.Second).Truncate(time.Second)
	return &c.out, nil
}

// wire is STS as the SDK's client sees it, without the network: it reads the
// request and answers from memory.
type wire struct{ now func() time.Time }

var errNoSession = errors.New("the request names no session")

// Do implements sts.HTTPClient.
func (w wire) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	_, rest, ok := strings.Cut(string(body), "RoleSessionName=")
	if !ok {
		return nil, errNoSession
	}
	session, _, _ := strings.Cut(rest, "&")
	var b bytes.Buffer
	b.WriteString(`<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><AssumedRoleUser><AssumedRoleId>AROAEXAMPLEORDERS000:session</AssumedRoleId><Arn>arn:aws:sts::111122223333:assumed-role/orders-invoke/`)
	b.WriteString(strings.Replace(session, "%40", "@", 1))
	b.WriteString(`</Arn></AssumedRoleUser><Credentials><AccessKeyId>` + keyID + `</AccessKeyId><SecretAccessKey>`)
	b.WriteString(secretKey())
	b.WriteString(`</SecretAccessKey><SessionToken>`)
	b.WriteString(sessionToken())
	b.WriteString(`</SessionToken><Expiration>`)
	b.WriteString(w.now().Add(life).UTC().Format(time.RFC3339))
	b.WriteString(`</Expiration></Credentials><PackedPolicySize>14</PackedPolicySize></AssumeRoleResult><ResponseMetadata><RequestId>` + RequestID + `</RequestId></ResponseMetadata></AssumeRoleResponse>`)
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header:        http.Header{"Content-Type": {"text/xml"}, "X-Amzn-Requestid": {RequestID}},
		ContentLength: int64(b.Len()), Body: io.NopCloser(&b),
	}, nil
}

// NewSTS is the SDK's client over an STS that answers from memory at once, by
// the clock now. Of this machine's own AWS configuration it takes nothing.
func NewSTS(now func() time.Time, options ...func(*sts.Options)) *sts.Client {
	cfg := aws.Config{
		Region:      "us-east-1",
		Credentials: aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider("ASIAEXAMPLEBROKER000", secretKey(), sessionToken())),
		HTTPClient:  wire{now},
	}
	return sts.NewFromConfig(cfg, options...)
}

// ownSTS is NewSTS with what package function adds to it.
func ownSTS(now func() time.Time) *sts.Client {
	return NewSTS(now, func(o *sts.Options) {
		o.Retryer = aws.NopRetryer{}
		o.HTTPClient = bodyKeeper{o.HTTPClient}
	})
}

// bodyKeeper is that of package function, which gives each request a body of its
// own: here, so that its cost counts as credvend's.
type bodyKeeper struct{ next sts.HTTPClient }

// Do implements sts.HTTPClient.
func (k bodyKeeper) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	own := r.WithContext(r.Context())
	own.Body = io.NopCloser(bytes.NewReader(body))
	own.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return k.next.Do(own)
}

// NewSDKFunction wires the function over the SDK's client.
func NewSDKFunction(clock *Clock) (*Function, error) {
	broker, err := NewBroker(clock, ownSTS(clock.Now))
	if err != nil {
		return nil, err
	}
	return NewFunction(clock, broker, nil)
}
