package iam

import (
	"maps"
	"strconv"
	"strings"
	"time"
)

// Context holds the condition keys of a request, lower-case, with their values.
// Keys are case-insensitive, as in AWS.
type Context map[string][]string

// Get returns the values of a key; none means that the key is absent.
func (c Context) Get(key string) []string {
	key = strings.ToLower(key)
	if v, ok := c[key]; ok {
		return v
	}
	// A caller that stored "aws:PrincipalArn" as AWS writes it must not be
	// taken for one that did not store it: a negated operator would then hold.
	for k, v := range c {
		if strings.EqualFold(k, key) {
			return v
		}
	}
	return nil
}

// Set stores the values of a key in place of what was there.
func (c Context) Set(key string, values ...string) {
	c[strings.ToLower(key)] = values
}

// principalKeys are facts of the signer. A request can never state them itself.
func isPrincipalKey(key string) bool {
	switch key {
	case "aws:principalarn", "aws:principalaccount", "aws:principaltype", "aws:userid", "aws:username",
		"aws:sourceidentity", "aws:tokenissuetime", "aws:principalisawsservice", "aws:multifactorauthpresent",
		"aws:principalservicename":
		return true
	}
	return strings.HasPrefix(key, "aws:principaltag/")
}

// evaluationContext joins the request's facts with those of the principal.
func evaluationContext(p *Principal, resourceAccount string, request Context) Context {
	ctx := make(Context, len(request)+12)
	for k, v := range request {
		if k = strings.ToLower(k); !isPrincipalKey(k) {
			ctx[k] = v
		}
	}
	if resourceAccount != "" {
		ctx.Set("aws:ResourceAccount", resourceAccount)
	}
	maps.Copy(ctx, p.context())
	return ctx
}

// context gives the condition keys that describe the principal itself.
func (p *Principal) context() Context {
	ctx := Context{}
	if p == nil {
		ctx.Set("aws:PrincipalType", "Anonymous")
		return ctx
	}
	if !p.at.IsZero() {
		ctx.Set("aws:CurrentTime", p.at.UTC().Format(time.RFC3339))
		ctx.Set("aws:EpochTime", strconv.FormatInt(p.at.Unix(), 10))
	}
	if p.Service != "" {
		ctx.Set("aws:PrincipalIsAWSService", "true")
		ctx.Set("aws:PrincipalServiceName", p.Service)
		return ctx
	}
	ctx.Set("aws:PrincipalIsAWSService", "false")
	ctx.Set("aws:PrincipalArn", p.ARN)
	ctx.Set("aws:PrincipalAccount", p.Account)
	ctx.Set("aws:userid", p.UserID)
	switch {
	case p.RoleARN != "":
		ctx.Set("aws:PrincipalArn", p.RoleARN)
		ctx.Set("aws:PrincipalType", "AssumedRole")
		ctx.Set("aws:MultiFactorAuthPresent", "false")
	case p.isRoot():
		ctx.Set("aws:PrincipalType", "Account")
	default:
		ctx.Set("aws:PrincipalType", "User")
		ctx.Set("aws:username", p.ARN[strings.LastIndexByte(p.ARN, '/')+1:])
	}
	if p.SourceIdentity != "" {
		ctx.Set("aws:SourceIdentity", p.SourceIdentity)
	}
	if p.SourceFunctionARN != "" {
		ctx.Set("lambda:SourceFunctionArn", p.SourceFunctionARN)
	}
	if !p.IssuedAt.IsZero() {
		ctx.Set("aws:TokenIssueTime", p.IssuedAt.UTC().Format(time.RFC3339))
	}
	for k, v := range p.Tags {
		ctx.Set("aws:PrincipalTag/"+k, v)
	}
	return ctx
}

func (p *Principal) isRoot() bool {
	return p != nil && strings.HasSuffix(p.ARN, ":iam::"+p.Account+":root")
}
