//go:build conformance

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// bench is what the checks work with.
type bench struct {
	settings *settings
	secrets  *redactor
	client   *http.Client
	timeout  time.Duration
	skew     time.Duration // of AWS's clock against ours
	sts      string        // endpoints
	roleSTS  string
	who      map[string]*identity // by variable
	tokens   map[string]string    // by variable
	kept     map[string]*vended
}

// vended are credentials of an answer.
type vended struct {
	identity
	doc     document
	because string // why there are none
}

// document is what the checks read of credvend's answers.
type document struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	RoleArn         string
	Grant           struct {
		Routes  []string `json:"routes"`
		Receipt string   `json:"receipt"`
		Caller  string   `json:"caller"`
	}
}

// newBench finds everybody who signs. A profile that was named and gives no
// credentials is the user's to mend; one that was not named is not missed.
func newBench(ctx context.Context, s *settings, secrets *redactor, timeout time.Duration) (*bench, error) {
	b := &bench{
		settings: s, secrets: secrets, timeout: timeout,
		client: &http.Client{
			// HTTP/1.1 alone: header limits and odd paths mean the same everywhere.
			Transport: &http.Transport{
				Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 10 * time.Second,
				ExpectContinueTimeout: time.Second, Protocols: http1(),
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		who: map[string]*identity{}, tokens: map[string]string{}, kept: map[string]*vended{},
	}
	if err := b.findSTS(ctx); err != nil {
		return nil, err
	}
	for _, name := range []string{"CALLER", "STRANGER", "OUTSIDER", "EXPIRED", "ROLE"} {
		if err := b.findProfile(ctx, name+"_PROFILE"); err != nil {
			return nil, err
		}
	}
	return b, b.findTokens(ctx)
}

func http1() *http.Protocols {
	p := &http.Protocols{}
	p.SetHTTP1(true)
	return p
}

// now is AWS's time.
func (b *bench) now() time.Time { return time.Now().Add(b.skew) }

func (b *bench) load(ctx context.Context, profile string) (aws.Config, error) {
	return config.LoadDefaultConfig(ctx, config.WithRegion(b.settings.get("REGION")), config.WithSharedConfigProfile(profile))
}

// findSTS finds the endpoint as the SDK does, and asks it for the time.
func (b *bench) findSTS(ctx context.Context) error {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(b.settings.get("REGION")))
	if err != nil {
		return fmt.Errorf("AWS's configuration cannot be read: %w", err)
	}
	p := sts.EndpointParameters{Region: aws.String(cfg.Region), Endpoint: sts.NewFromConfig(cfg).Options().BaseEndpoint}
	p = p.WithDefaults()
	e, err := sts.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, p)
	if err != nil {
		return fmt.Errorf("the region %s has no STS: %w", cfg.Region, err)
	}
	b.sts = strings.TrimSuffix(e.URI.String(), "/")
	if b.roleSTS = b.settings.get("ROLE_STS_URL"); b.roleSTS == "" {
		b.roleSTS = b.sts
	}
	if len(b.settings.outside) == 0 && !loopback(e.URI.Hostname()) {
		return fmt.Errorf("the front doors are on this machine and STS is %s: source the local stack's local.env, which sets AWS_ENDPOINT_URL_STS", e.URI.Host)
	}
	if a, err := b.send(ctx, request{base: b.sts, method: http.MethodGet, path: "/?Action=GetCallerIdentity&Version=2011-06-15"}); err == nil {
		if t, err := http.ParseTime(a.header.Get("Date")); err == nil {
			// Under two seconds it is the header's own precision.
			if d := time.Until(t); d.Abs() > 2*time.Second {
				b.skew = d
			}
		}
	}
	return nil
}

// findProfile reads a profile's credentials and asks STS whose they are.
func (b *bench) findProfile(ctx context.Context, name string) error {
	profile := b.settings.get(name)
	if profile == "" {
		return nil
	}
	cfg, err := b.load(ctx, profile)
	if b.settings.supposed[name] && err != nil {
		return nil // the story has no such profile
	}
	if err != nil {
		return fmt.Errorf("%s_%s: the profile %q cannot be read: %w", prefix, name, profile, err)
	}
	c, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("%s_%s: the profile %q gives no credentials: %w", prefix, name, profile, err)
	}
	b.secrets.add(c.SecretAccessKey, c.SessionToken)
	who := &identity{credentials: c}
	b.who[name] = who
	if name == "EXPIRED_PROFILE" {
		return nil // STS would not say
	}
	endpoint := b.sts
	if name == "ROLE_PROFILE" && b.settings.get("ROLE") != "" {
		endpoint = b.roleSTS
	}
	a, err := b.send(ctx, stsCall(endpoint, who, "GetCallerIdentity", nil))
	if err != nil {
		return fmt.Errorf("STS at %s does not answer: %w", endpoint, err)
	}
	if a.status != http.StatusOK {
		return fmt.Errorf("%s_%s: STS refuses the profile %q: %d %s", prefix, name, profile, a.status, a.text)
	}
	who.arn, who.account, who.userID = element(a.body, "Arn"), element(a.body, "Account"), element(a.body, "UserId")
	return nil
}

// findTokens takes the tokens that were given, or has the local issuer make
// them.
func (b *bench) findTokens(ctx context.Context) error {
	forms := map[string]url.Values{
		"TOKEN":         {"sub": {"ana"}, "groups": {"shoppers"}},
		"EXPIRED_TOKEN": {"sub": {"ana"}, "groups": {"shoppers"}, "iat": {"-7200"}, "exp": {"-3600"}},
		"OTHER_TOKEN":   {"sub": {"ana"}, "groups": {"shoppers"}, "aud": {"somebody-else"}},
	}
	for name, form := range forms {
		token := b.settings.get(name)
		if issuer := b.settings.get("ISSUER_URL"); token == "" && issuer != "" {
			a, err := b.send(ctx, request{
				base: issuer, method: http.MethodPost, path: "/token", body: []byte(form.Encode()),
				header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
			})
			if err != nil || a.status != http.StatusOK {
				return fmt.Errorf("the issuer %s gives no token: %d %w", issuer, a.status, err)
			}
			token = a.text
		}
		b.secrets.add(token)
		b.tokens[name] = token
	}
	return nil
}

// stsCall is one call of STS's query protocol.
func stsCall(endpoint string, as *identity, action string, params url.Values) request {
	form := url.Values{"Action": {action}, "Version": {"2011-06-15"}}
	for name, values := range params {
		form[name] = values
	}
	return request{
		base: endpoint, method: http.MethodPost, path: "/", body: []byte(form.Encode()), as: as, service: "sts",
		header: http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}},
	}
}

// missing tells what a check needs and was not given.
func (b *bench) missing(needs []string) (names []string) {
	for _, name := range needs {
		given := b.settings.get(name) != ""
		switch {
		case strings.HasSuffix(name, "_PROFILE"):
			given = b.who[name] != nil
		case strings.HasSuffix(name, "TOKEN"):
			given = b.tokens[name] != ""
		}
		if !given {
			names = append(names, prefix+"_"+name)
		}
	}
	return names
}

var errNoVend = errors.New("no credentials were vended")

// vend asks the IAM front door for credentials of the caller, once for each
// body. Errors are errNoVend: some other check shows what is wrong with it.
func (b *bench) vend(ctx context.Context, routes ...string) (*vended, error) {
	body, err := json.Marshal(map[string]any{"target": b.settings.get("TARGET"), "routes": routes})
	if len(routes) == 0 {
		body, err = json.Marshal(map[string]any{"target": b.settings.get("TARGET")})
	}
	if err != nil {
		return nil, err
	}
	if v, ok := b.kept[string(body)]; ok {
		return v, v.err()
	}
	a, err := b.send(ctx, request{
		base: b.settings.get("URL"), method: http.MethodPost, path: credentialsPath, body: body, as: b.who["CALLER_PROFILE"], service: "execute-api",
	})
	v := &vended{}
	b.kept[string(body)] = v
	if err != nil {
		v.because = err.Error()
		return v, v.err()
	}
	b.read(a, v)
	return v, v.err()
}

// read takes the credentials of an answer.
func (b *bench) read(a answer, v *vended) {
	if err := json.Unmarshal(a.body, &v.doc); err != nil || a.status != http.StatusOK || v.doc.SecretAccessKey == "" {
		v.because = fmt.Sprintf("%d %s", a.status, clip(b.secrets.hide(a.text)))
		return
	}
	b.secrets.add(v.doc.SecretAccessKey, v.doc.SessionToken)
	v.credentials = aws.Credentials{AccessKeyID: v.doc.AccessKeyID, SecretAccessKey: v.doc.SecretAccessKey, SessionToken: v.doc.SessionToken}
}

func (v *vended) err() error {
	if v.because == "" {
		return nil
	}
	return fmt.Errorf("%w: %s", errNoVend, v.because)
}
