//go:build conformance

package main

import (
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

func (s *suite) stsSuite() {
	for _, name := range []string{"billing-service", "stranger"} {
		s.check("sts: "+name+" is named", s.named(s.profile(name), "arn:aws:sts::444455556666:assumed-role/"+name+"/"))
	}
	billing := s.profile("billing-service")
	_, err := sts.NewFromConfig(withWrongSecret(billing)).GetCallerIdentity(s.ctx, &sts.GetCallerIdentityInput{})
	s.check("sts: a wrong secret is SignatureDoesNotMatch", hasCode(err, "SignatureDoesNotMatch"))
	_, err = sts.NewFromConfig(billing).AssumeRole(s.ctx, &sts.AssumeRoleInput{RoleArn: aws.String(ordersRole), RoleSessionName: aws.String("direct")})
	s.check("sts: orders-invoke cannot be assumed directly", hasCode(err, "AccessDenied"))
}

// named asks STS who signs. The endpoint is AWS_ENDPOINT_URL_STS's.
func (s *suite) named(cfg aws.Config, prefix string) error {
	out, err := sts.NewFromConfig(cfg).GetCallerIdentity(s.ctx, &sts.GetCallerIdentityInput{})
	if err == nil && !strings.HasPrefix(aws.ToString(out.Arn), prefix) {
		err = mismatchf("STS names %s, want %s…", aws.ToString(out.Arn), prefix)
	}
	return err
}

func hasCode(err error, want string) error {
	var api smithy.APIError
	switch {
	case err == nil:
		return mismatchf("it was answered, want %s", want)
	case !errors.As(err, &api):
		return err
	case api.ErrorCode() != want:
		return mismatchf("got %s, want %s", api.ErrorCode(), want)
	}
	return nil
}

// signedDoor is what holds at each door with AWS_IAM.
func (s *suite) signedDoor(door, base, profile, service, otherService string) {
	cfg := s.profile(profile)
	wrong := withWrongSecret(cfg)
	post := call{method: http.MethodPost, url: base + vendPath, body: ask}
	as := func(cfg *aws.Config, service, tamper string) call {
		c := post
		c.as, c.service, c.tamper = cfg, service, tamper
		return c
	}
	_, _, err := s.vend(as(&cfg, service, ""))
	s.check(door+": "+profile+" vends", err)
	s.check(door+": unsigned is refused", s.refused(post))
	s.check(door+": a wrong secret is refused", s.refused(as(&wrong, service, "")))
	s.check(door+": another service's signature is refused", s.refused(as(&cfg, otherService, "")))
	s.check(door+": a tampered body is refused", s.refused(as(&cfg, service, `{"target":"0rders"}`)))
}

func (s *suite) httpSuite() {
	billing, stranger, outsider := s.profile("billing-service"), s.profile("stranger"), s.profile("outsider")
	post := call{method: http.MethodPost, url: s.http + vendPath, body: ask}
	post.as = &stranger
	s.check("http-api: stranger is denied", s.status(post, http.StatusForbidden, "denied"))
	post.as = &outsider
	s.check("http-api: outsider is refused", s.refused(post))

	_, a, err := s.vend(call{method: http.MethodGet, url: s.http + vendPath + "/orders?route=GET%20/orders/42", as: &billing})
	if err == nil && !slices.Equal(a.doc.Grant.Routes, []string{"GET /orders/42"}) {
		err = mismatchf("granted %q", a.doc.Grant.Routes)
	}
	s.check("http-api: a GET with a route vends that route alone", err)
	for _, form := range []struct {
		name    string
		presign bool
	}{{"whoami names the caller", false}, {"a presigned whoami is answered", true}} {
		a, err := s.send(call{method: http.MethodGet, url: s.http + "/v1/whoami", as: &billing, presign: form.presign})
		if err == nil && a.doc.Principal != "arn:aws:iam::444455556666:role/billing-service" {
			err = mismatchf("got %s, naming %q", a, a.doc.Principal)
		}
		s.check("http-api: "+form.name, err)
	}
}

func (s *suite) jwtSuite() {
	mine, err := s.token("shopper-1")
	if err != nil {
		s.check("jwt: the issuer answers", err)
		return
	}
	others, err := s.token("shopper-2")
	if err != nil {
		s.check("jwt: the issuer answers", err)
		return
	}
	bearer := func(token string) call {
		return call{method: http.MethodPost, url: s.jwt + vendPath, body: ask, header: map[string]string{"Authorization": "Bearer " + token}}
	}
	_, _, err = s.vend(bearer(mine))
	s.check("jwt: a token vends", err)
	s.check("jwt: without a token is refused", s.status(call{method: http.MethodPost, url: s.jwt + vendPath, body: ask}, http.StatusUnauthorized, ""))
	parts, other := strings.Split(mine, "."), strings.Split(others, ".")
	s.check("jwt: a forged token is refused", s.status(bearer(parts[0]+"."+other[1]+"."+parts[2]), http.StatusUnauthorized, ""))
}

// grantedAndNoMore makes the calls that credentials for GET /orders/* can make
// of Account A's API, and one that they cannot.
func (s *suite) grantedAndNoMore(door string, cfg aws.Config) {
	s.check(door+": GET /orders/42 is answered", s.status(call{method: http.MethodGet, url: s.target + "/orders/42", as: &cfg}, http.StatusOK, ""))
	s.check(door+": POST /orders is refused", s.refused(call{method: http.MethodPost, url: s.target + "/orders", body: "{}", as: &cfg}))
}

func (s *suite) targetSuite() {
	billing := s.profile("billing-service")
	cfg, _, err := s.vend(call{method: http.MethodPost, url: s.http + vendPath, body: ask, as: &billing})
	if err != nil {
		s.check("target: credentials are vended", err)
		return
	}
	s.grantedAndNoMore("target", cfg)
	get := call{method: http.MethodGet, url: s.target + "/orders/42"}
	s.check("target: unsigned is refused", s.refused(get))
	get.as = &billing
	s.check("target: billing-service's own signature is refused", s.refused(get))
	get.as, get.presign = &cfg, true
	s.check("target: a presigned GET /orders/42 is answered", s.status(get, http.StatusOK, ""))
}

// containerSuite is a stock client that is pointed at the JWT door, with no code
// of ours.
func (s *suite) containerSuite() {
	cfg, err := s.contained()
	if err != nil {
		s.check("container: the configuration loads", err)
		return
	}
	s.check("container: the session is the token's", s.named(cfg, assumed+"shopper@"))
	get := call{method: http.MethodGet, url: s.target + "/users/shopper-1/x", as: &cfg}
	s.check("container: its own route is answered", s.status(get, http.StatusOK, ""))
	get.url = s.target + "/users/shopper-2/x"
	s.check("container: another's route is refused", s.refused(get))
}

// contained loads what a program loads that finds the container's variables.
func (s *suite) contained() (cfg aws.Config, err error) {
	token, err := s.token("shopper-1")
	if err != nil {
		return aws.Config{}, err
	}
	for name, value := range map[string]string{
		"AWS_CONTAINER_CREDENTIALS_FULL_URI": s.jwt + vendPath + "/orders",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN":  token,
	} {
		if err := os.Setenv(name, value); err != nil {
			return aws.Config{}, err
		}
		defer func() { err = errors.Join(err, os.Unsetenv(name)) }()
	}
	return config.LoadDefaultConfig(s.ctx)
}

func (s *suite) processSuite() {
	cfg := s.profile("orders")
	s.check("process: the session is billing-service's", s.named(cfg, assumed+"billing-service@"))
	s.grantedAndNoMore("process", cfg)
}
