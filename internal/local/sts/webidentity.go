package sts

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/credvend/credvend/internal/local/iam"
)

// WebIdentityRequest is what GetWebIdentityToken asks its signer for.
type WebIdentityRequest struct {
	ID               string // of the token
	Principal        *iam.Principal
	Audience         []string
	SigningAlgorithm string // RS256 or ES384
	Region           string
	Issued, Expires  time.Time
	Tags             map[string]string
}

// Claims gives the token's claims as AWS nests them, for an issuer's URL.
func (r WebIdentityRequest) Claims(issuer string) map[string]any {
	subject := r.Principal.ARN
	if r.Principal.RoleARN != "" {
		subject = r.Principal.RoleARN
	}
	own := map[string]any{
		"aws_account": r.Principal.Account, "source_region": r.Region, "principal_id": subject,
		"principal_tags": stringClaims(r.Principal.Tags), "request_tags": stringClaims(r.Tags),
	}
	if r.Principal.SourceFunctionARN != "" {
		own["lambda_source_function_arn"] = r.Principal.SourceFunctionARN
	}
	var audience any = r.Audience
	if len(r.Audience) == 1 {
		audience = r.Audience[0]
	}
	return map[string]any{
		"iss": issuer, "sub": subject, "aud": audience, "jti": r.ID, "iat": r.Issued.Unix(), "exp": r.Expires.Unix(),
		"https://sts.amazonaws.com/": own,
	}
}

func stringClaims(tags map[string]string) map[string]any {
	out := make(map[string]any, len(tags))
	for k, v := range tags {
		out[k] = v
	}
	return out
}

func (s *Server) getWebIdentityToken(c *call) (any, *refusal) {
	r, bad := readWebIdentity(c)
	if bad != nil {
		return nil, bad
	}
	ctx := c.requestContext()
	ctx.Set("sts:IdentityTokenAudience", r.Audience...)
	ctx.Set("sts:SigningAlgorithm", r.SigningAlgorithm)
	ctx.Set("sts:DurationSeconds", strconv.Itoa(int(r.Expires.Sub(r.Issued)/time.Second)))
	actions := []string{"sts:GetWebIdentityToken"}
	if len(r.Tags) > 0 {
		actions = append(actions, "sts:TagGetWebIdentityToken")
		ctx.Set("aws:TagKeys", slices.Sorted(maps.Keys(r.Tags))...)
		for k, v := range r.Tags {
			ctx.Set("aws:RequestTag/"+k, v)
		}
	}
	for _, action := range actions {
		result := iam.Evaluate(c.caller, nil, c.caller.Account, iam.Request{Action: action, Resource: "*", Context: ctx})
		c.event.Reason = action + ": " + result.Reason
		if !result.Allowed {
			return nil, denied(c.caller.ARN, action, "*", c.event.Reason)
		}
	}
	if s.o.WebIdentity == nil {
		return nil, refuse(http.StatusForbidden, "OutboundWebIdentityFederationDisabledException",
			"Outbound web identity federation is not enabled for this account.")
	}
	if !c.expires.IsZero() && r.Expires.After(c.expires) {
		return nil, refuse(http.StatusForbidden, "SessionDurationEscalationException",
			"The requested token duration would extend the session beyond its original expiration time.")
	}
	token, err := s.o.WebIdentity(c.request.Context(), *r)
	if err != nil {
		bad := refuse(http.StatusInternalServerError, "InternalFailure", "The request processing has failed because of an unknown error, exception or failure.")
		bad.reason = "the signer of web identity tokens failed: " + err.Error()
		c.event.Reason = bad.reason
		return nil, bad
	}
	v := webIdentityXML{Namespace: namespace, Metadata: responseMetadata{c.requestID}}
	v.Result.WebIdentityToken, v.Result.Expiration = token, r.Expires.UTC().Format(time.RFC3339)
	return v, nil
}

func readWebIdentity(c *call) (*WebIdentityRequest, *refusal) {
	p := c.params
	var broken constraints
	audience := p.strings("Audience", "")
	if len(audience) == 0 {
		broken.fail("null", "audience", "not be null")
	}
	broken.count("audience", len(audience), 10)
	for i, a := range audience {
		broken.text(fmt.Sprintf("audience.%d.member", i+1), &a, audienceShape())
	}
	algorithm := p.get("SigningAlgorithm")
	broken.required("signingAlgorithm", algorithm)
	if algorithm != nil && *algorithm != "RS256" && *algorithm != "ES384" {
		broken.fail("'"+*algorithm+"'", "signingAlgorithm", "satisfy enum value set: [RS256, ES384]")
	}
	seconds, bad := broken.integer("durationSeconds", p.get("DurationSeconds"), 300, 60, 3600)
	if bad != nil {
		return nil, bad
	}
	tags := p.tags()
	broken.tags(tags)
	if bad := broken.refusal(); bad != nil {
		return nil, bad
	}
	named, bad := tagMap(tags)
	if bad != nil {
		return nil, bad
	}
	issued := c.now.Truncate(time.Second)
	c.event.Tags, c.event.Duration = named, time.Duration(seconds)*time.Second
	return &WebIdentityRequest{
		ID: strings.ReplaceAll(c.requestID, "-", ""), Principal: c.caller, Audience: audience, SigningAlgorithm: *algorithm,
		Region: c.region, Issued: issued, Expires: issued.Add(time.Duration(seconds) * time.Second), Tags: named,
	}, nil
}
