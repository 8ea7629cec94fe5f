package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// An Option is a setting of New.
type Option func(*settings)

type settings struct {
	url         string
	credentials aws.CredentialsProvider
	region      string // said outright
	awsRegion   string // of the AWS config: only where the URL names none
	service     string
	token       func(context.Context) (string, error)
	tokens      int // how many ways to a token were given
	client      *http.Client
	awsClient   aws.HTTPClient
}

// WithURL says where the service is: the URL of a front door, with its stage or
// base path if it has one, such as https://a1b2c3.execute-api.us-east-1.amazonaws.com.
// Plain http is taken for loopback addresses alone.
func WithURL(url string) Option {
	return func(s *settings) { s.url = url }
}

// WithAWSConfig signs with the credentials of an AWS config, for its region
// where neither WithRegion nor the URL says another, over its transport (and so
// its CA bundle).
func WithAWSConfig(cfg aws.Config) Option {
	return func(s *settings) {
		s.credentials, s.awsRegion, s.awsClient = cfg.Credentials, cfg.Region, cfg.HTTPClient
	}
}

// WithCredentialsProvider signs with the credentials that p retrieves; wrap it
// in aws.NewCredentialsCache where retrieving costs something.
func WithCredentialsProvider(p aws.CredentialsProvider) Option {
	return func(s *settings) { s.credentials = p }
}

// WithRegion says the front door's region to sign for. It is needed where the
// URL does not show it, as with a custom domain.
func WithRegion(region string) Option {
	return func(s *settings) { s.region = region }
}

// WithSigningService says the service name to sign for. Without it, it is
// lambda for a function URL and execute-api for everything else.
func WithSigningService(name string) Option {
	return func(s *settings) { s.service = name }
}

// WithBearerToken proves who calls with a JWT.
func WithBearerToken(token string) Option {
	return WithBearerTokenFunc(func(context.Context) (string, error) { return token, nil })
}

// WithBearerTokenFile proves who calls with the JWT in a file. The file is read
// again for each request, so that whatever renews it needs to tell nobody.
func WithBearerTokenFile(path string) Option {
	return WithBearerTokenFunc(func(ctx context.Context) (string, error) { return readToken(ctx, path) })
}

// WithBearerTokenFunc proves who calls with the JWT that f returns. f is called
// for each request, possibly at the same time from several goroutines.
func WithBearerTokenFunc(f func(context.Context) (string, error)) Option {
	return func(s *settings) { s.token = f; s.tokens++ }
}

// WithHTTPClient calls with a client of yours. It is copied; redirects are
// refused and cookies dropped all the same. Without it, one request may take 30
// seconds, as long as API Gateway waits.
func WithHTTPClient(c *http.Client) Option {
	return func(s *settings) { s.client = c }
}

// authorizer is the one way to prove who calls that the settings hold.
func (s *settings) authorizer(base *url.URL) (authorizer, error) {
	switch {
	case s.credentials == nil && s.token == nil:
		return nil, errors.New("nothing proves who calls: give WithAWSConfig or WithCredentialsProvider to sign with SigV4, or WithBearerToken to send a JWT")
	case s.credentials != nil && s.token != nil, s.tokens > 1:
		return nil, errors.New("two ways to prove who calls were given; give AWS credentials or one bearer token")
	case s.token != nil:
		return bearer{s.token}, nil
	}
	service, shown := SigningScope(s.url)
	region := cmp.Or(s.region, shown, s.awsRegion)
	if region == "" {
		return nil, fmt.Errorf("the URL %s does not show its region; give WithRegion", base)
	}
	return &signer{s.credentials, v4.NewSigner(), cmp.Or(s.service, service), region}, nil
}

// SigningScope reads from a front door's URL what a signature for it must name:
// the service, and the region where the host shows it, else "".
func SigningScope(rawURL string) (service, region string) {
	service = "execute-api"
	u, err := url.Parse(rawURL)
	if err != nil {
		return service, ""
	}
	// <id>.lambda-url.<region>.on.aws, <id>.execute-api.<region>.amazonaws.com
	// and its like in other partitions and behind VPC endpoints.
	labels := strings.Split(strings.ToLower(u.Hostname()), ".")
	for i := 1; i+2 < len(labels); i++ {
		switch labels[i] {
		case "lambda-url":
			return "lambda", labels[i+1]
		case "execute-api":
			return service, labels[i+1]
		}
	}
	return service, ""
}

// parseURL refuses what a proof of identity should not be sent to, and what
// would not survive signing. Its errors do not repeat the URL: one with a
// password in it would end up in a log.
func parseURL(text string) (*url.URL, error) {
	if text == "" {
		return nil, errors.New("the service's URL is missing; give WithURL")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return nil, errors.New("the service's URL is not a URL; it looks like https://a1b2c3.execute-api.us-east-1.amazonaws.com")
	case u.User != nil:
		return nil, errors.New("the service's URL holds a user name; leave it out, requests are signed or carry a token")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#"):
		return nil, errors.New("the service's URL has a query or a fragment; give it up to the stage or base path alone")
	case strings.Contains(u.EscapedPath(), "%") || strings.Contains(u.Path, "//") || strings.Contains(u.Path+"/", "/./") || strings.Contains(u.Path+"/", "/../"):
		return nil, errors.New("the path of the service's URL has escapes, dot segments or doubled slashes; give it up to the stage or base path alone")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return u, nil
	case u.Scheme == "http":
		return nil, fmt.Errorf("the service's URL is plain http, which anybody on the way could read; use https (only loopback may do without, and %q is not)", u.Hostname())
	default:
		return nil, errors.New("the service's URL must begin with https://")
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// httpClient is a client that follows no redirect and keeps no cookie: a
// signature, or a bearer token, is for the host that was named.
func (s *settings) httpClient() *http.Client {
	c := http.Client{Timeout: attemptTimeout}
	if s.client != nil {
		c = *s.client
	} else {
		c.Transport = s.transport()
	}
	c.Jar = nil
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

func (s *settings) transport() *http.Transport {
	var t *http.Transport
	if aws, ok := s.awsClient.(interface{ GetTransport() *http.Transport }); ok {
		t = aws.GetTransport().Clone()
	} else if standard, ok := http.DefaultTransport.(*http.Transport); ok {
		t = standard.Clone()
	} else {
		t = &http.Transport{Proxy: http.ProxyFromEnvironment}
	}
	t.MaxResponseHeaderBytes = 64 << 10
	return t
}

// version is this module's, as the running program was built with it.
func version() string {
	const module = "github.com/credvend/credvend"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == module && m.Version != "" && m.Version != "(devel)" {
			return m.Version
		}
	}
	return "devel"
}
