//go:build conformance

package main

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

func (s *suite) stsSuite() {
	billing := s.profile("billing-service")
	query := func(action string) call {
		return call{
			method: http.MethodPost, url: s.sts + "/", body: "Action=" + action + "&Version=2011-06-15", service: "sts", as: &billing,
			header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
		}
	}
	s.sevenCases(cases{
		door:         "sts",
		call:         query("GetCallerIdentity"),
		otherService: "execute-api",
		tamper:       [2]string{"&Version", "&Extra=1&Version"},
		allowed: func(a answer) error {
			if a.status != http.StatusOK || !strings.Contains(a.text, "<Arn>arn:aws:sts::444455556666:assumed-role/billing-service/") {
				return mismatchf("got %d, want 200 and billing-service's ARN", a.status)
			}
			return nil
		},
		refused: query("AssumeRole&RoleSessionName=direct&RoleArn=" + url.QueryEscape(ordersRole)),
	})
	s.check("sts: stranger is named", s.named(s.profile("stranger"), "arn:aws:sts::444455556666:assumed-role/stranger/"))
	_, err := sts.NewFromConfig(billing).AssumeRole(s.ctx, &sts.AssumeRoleInput{RoleArn: aws.String(ordersRole), RoleSessionName: aws.String("direct")})
	s.check("sts: orders-invoke cannot be assumed directly", hasCode(err, "AccessDenied"))
	_, err = sts.NewFromConfig(s.profile("expired")).GetCallerIdentity(s.ctx, &sts.GetCallerIdentityInput{})
	s.check("sts: an expired session is ExpiredToken", hasCode(err, "ExpiredToken"))
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

func (s *suite) httpSuite() {
	billing, stranger := s.profile("billing-service"), s.profile("stranger")
	post := call{method: http.MethodPost, url: s.http + vendPath, body: ask}
	post.as = &stranger
	s.check("http-api: stranger is denied", s.status(post, http.StatusForbidden, "denied"))

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
	bearer := func(token string) call {
		c := call{method: http.MethodPost, url: s.jwt + vendPath, body: ask}
		if token != "" {
			c.header = map[string]string{"Authorization": "Bearer " + token}
		}
		return c
	}
	mine, err := s.token("shopper-1", nil)
	if err == nil {
		_, _, err = s.vend(bearer(mine))
	}
	s.check("jwt: allowed", err)
	s.refusedAsAWSDoes("jwt: unsigned", bearer(""))
	for name, claims := range map[string]map[string]string{
		"refused":       {"groups": "nobody"},
		"expired":       {"exp": "-60"},
		"tampered":      {"sub": "shopper-2"},
		"clock-behind":  {"iat": "-7200", "exp": "-3600"},
		"clock-ahead":   {"iat": "3600", "nbf": "3600", "exp": "7200"},
		"wrong-service": {"aud": "another-app"},
		"wrong-region":  {"iss": "https://issuer.example.com"},
	} {
		token, err := s.token("shopper-1", claims)
		if err != nil {
			s.check("jwt: "+name, err)
			continue
		}
		if name == "tampered" { // these claims, under the signature of others
			parts, other := strings.Split(mine, "."), strings.Split(token, ".")
			token = parts[0] + "." + other[1] + "." + parts[2]
		}
		s.refusedAsAWSDoes("jwt: "+name, bearer(token))
	}
}

// grantedAndNoMore makes the calls that credentials for GET /orders/* can make
// of Account A's API, and one that they cannot.
func (s *suite) grantedAndNoMore(door string, cfg aws.Config) {
	s.check(door+": an allowed route is answered 200", s.status(call{method: http.MethodGet, url: s.target + "/orders/42", as: &cfg}, http.StatusOK, ""))
	s.check(door+": another route is refused 403", s.refused(call{method: http.MethodPost, url: s.target + "/orders", body: "{}", as: &cfg}))
}

func (s *suite) targetSuite() {
	billing := s.profile("billing-service")
	cfg, _, err := s.vend(call{method: http.MethodPost, url: s.http + vendPath, body: ask, as: &billing})
	if err != nil {
		s.check("target: credentials are vended", err)
		return
	}
	get := call{method: http.MethodGet, url: s.target + "/orders/42", as: &cfg}
	s.sevenCases(cases{
		door: "target", call: get, otherService: "lambda", tamper: [2]string{"/42", "/43"},
		allowed: func(a answer) error {
			if a.status != http.StatusOK {
				return mismatchf("got %s, want 200", a)
			}
			return nil
		},
		refused: call{method: http.MethodPost, url: s.target + "/orders", body: "{}", as: &cfg},
	})
	get.as = &billing
	s.check("target: billing-service's own signature is refused", s.refused(get))
	get.as, get.presign = &cfg, true
	s.check("target: a presigned GET /orders/42 is answered", s.status(get, http.StatusOK, ""))
}

func (s *suite) processSuite() {
	cfg := s.profile("orders")
	s.check("process: the session is billing-service's", s.named(cfg, assumed+"billing-service@"))
	s.grantedAndNoMore("process", cfg)
}
