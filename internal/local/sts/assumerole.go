package sts

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/credvend/credvend/internal/local/iam"
)

// chainedLimit is AWS's longest session for a role that a role session assumes.
const chainedLimit = time.Hour

var roleARNForm = regexp.MustCompile(`^arn:[a-z-]+:iam::(\d{12}):role/[\x21-\x7e]+$`)

// assumption is what an AssumeRole request asks for, once its form is right.
type assumption struct {
	roleARN, account string
	sessionName      string
	duration         time.Duration
	policyText       string
	policyARNs       []string
	policy           *iam.Policy // inline and managed joined; nil: none
	externalID       *string
	sourceIdentity   string
	requested        map[string]string // tags of this request
	tags             map[string]string // with the inherited ones
	transitive       []string          // with the inherited ones
	inherited        bool              // the caller's session has transitive tags
	packed           int               // percentage, estimated
}

func (s *Server) assumeRole(c *call) (any, *refusal) {
	a, bad := s.readAssumption(c)
	if bad != nil {
		return nil, bad
	}
	role, bad := s.authorize(c, a)
	if bad != nil {
		return nil, bad
	}
	chained := c.caller.RoleARN != ""
	switch {
	case chained && a.duration > chainedLimit:
		return nil, refuse(http.StatusBadRequest, "ValidationError",
			"The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	case a.duration > role.MaxSession:
		return nil, refuse(http.StatusBadRequest, "ValidationError",
			"The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	session, err := s.o.World.StartSession(iam.SessionSpec{
		RoleARN: a.roleARN, SessionName: a.sessionName, Policy: a.policy, Tags: a.tags, Transitive: a.transitive,
		SourceIdentity: a.sourceIdentity, Duration: a.duration, Chained: chained,
	})
	if err != nil { // the role was removed between the check and here
		return nil, denied(c.caller.ARN, "sts:AssumeRole", a.roleARN, err.Error())
	}
	c.event.IssuedKey, c.event.Session = session.AccessKeyID, session.Principal.ARN

	v := assumeRoleXML{Namespace: namespace, Metadata: responseMetadata{c.requestID}}
	v.Result.SourceIdentity = a.sourceIdentity
	v.Result.AssumedRoleUser.Arn = session.Principal.ARN
	v.Result.AssumedRoleUser.AssumedRoleID = session.Principal.UserID
	v.Result.Credentials = credentialsXML{
		AccessKeyID: session.AccessKeyID, SecretAccessKey: session.SecretAccessKey, SessionToken: session.SessionToken,
		Expiration: session.Expiration.UTC().Format(time.RFC3339),
	}
	v.Result.PackedPolicySize = a.packed
	return v, nil
}

// readAssumption checks the form of every parameter, before anything is said of
// permissions.
func (s *Server) readAssumption(c *call) (*assumption, *refusal) {
	p := c.params
	var broken constraints
	roleARN, name := p.get("RoleArn"), p.get("RoleSessionName")
	broken.required("roleArn", roleARN)
	broken.text("roleArn", roleARN, roleArnShape())
	broken.required("roleSessionName", name)
	broken.text("roleSessionName", name, sessionNameShape())
	seconds, bad := broken.integer("durationSeconds", p.get("DurationSeconds"), 3600, 900, 43200)
	if bad != nil {
		return nil, bad
	}
	policy, identity, tags := p.get("Policy"), p.get("SourceIdentity"), p.tags()
	broken.text("policy", policy, policyShape())
	broken.text("externalId", p.get("ExternalId"), externalIDShape())
	broken.text("sourceIdentity", identity, sourceIdentityShape())
	broken.tags(tags)
	transitive := p.strings("TransitiveTagKeys", "")
	broken.count("transitiveTagKeys", len(transitive), 50)
	for i, key := range transitive {
		broken.text(fmt.Sprintf("transitiveTagKeys.%d.member", i+1), &key, tagKeyShape())
	}
	arns := p.strings("PolicyArns", "arn")
	broken.count("policyArns", len(arns), 10)
	for i, arn := range arns {
		broken.text(fmt.Sprintf("policyArns.%d.member.arn", i+1), &arn, roleArnShape())
	}
	if bad := broken.refusal(); bad != nil {
		return nil, bad
	}
	a := &assumption{
		roleARN: *roleARN, sessionName: *name, duration: time.Duration(seconds) * time.Second,
		externalID: p.get("ExternalId"), policyARNs: arns, transitive: transitive,
	}
	if identity != nil {
		a.sourceIdentity = *identity
	}
	c.event.Role, c.event.SessionName, c.event.Duration, c.event.SourceIdentity = a.roleARN, a.sessionName, a.duration, a.sourceIdentity
	m := roleARNForm.FindStringSubmatch(a.roleARN)
	if m == nil {
		return nil, refuse(http.StatusBadRequest, "ValidationError", "%s is invalid", a.roleARN)
	}
	a.account = m[1]
	if p.get("SerialNumber") != nil || p.get("TokenCode") != nil {
		return nil, refuse(http.StatusForbidden, "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. ")
	}
	if bad := a.readTags(c, tags); bad != nil {
		return nil, bad
	}
	if policy != nil {
		a.policyText, c.event.Policy = *policy, *policy
	}
	if bad := s.readPolicies(a); bad != nil {
		return nil, bad
	}
	return a, s.checkPacked(c, a)
}

// readTags joins the request's tags with those that the caller's session hands
// down, which nothing may override.
func (a *assumption) readTags(c *call, tags []tag) (bad *refusal) {
	if a.requested, bad = tagMap(tags); bad != nil {
		return bad
	}
	a.tags = maps.Clone(a.requested)
	c.event.Tags, c.event.Transitive = maps.Clone(a.requested), slices.Clone(a.transitive)
	has := func(key string) bool {
		for k := range a.requested {
			if strings.EqualFold(k, key) {
				return true
			}
		}
		return false
	}
	for _, key := range a.transitive {
		if !has(key) {
			return refuse(http.StatusBadRequest, "InvalidParameterValue", "The specified transitive tag key must be included in the requested tags.")
		}
	}
	for _, key := range c.caller.Transitive {
		for k, v := range c.caller.Tags {
			if !strings.EqualFold(k, key) {
				continue
			}
			if has(k) {
				return refuse(http.StatusBadRequest, "InvalidParameterValue", "One of the specified transitive tag keys can't be set "+
					"because it conflicts with a transitive tag key from the calling session.")
			}
			a.tags[k], a.inherited = v, true
			a.transitive = append(a.transitive, k)
		}
	}
	return nil
}

// readPolicies parses the inline session policy and finds the managed ones.
func (s *Server) readPolicies(a *assumption) *refusal {
	total := utf8.RuneCountInString(a.policyText)
	var all []*iam.Policy
	if a.policyText != "" {
		p, err := iam.ParsePolicy([]byte(a.policyText))
		if err == nil {
			err = p.CheckSession()
		}
		if err != nil {
			message := "Syntax errors in policy."
			var m *iam.Malformed
			if errors.As(err, &m) {
				message = m.Reason
			}
			bad := refuse(http.StatusBadRequest, "MalformedPolicyDocument", "%s", message)
			bad.reason = err.Error()
			return bad
		}
		all = append(all, p)
	}
	for _, arn := range a.policyARNs {
		total += utf8.RuneCountInString(arn)
		p, ok := s.o.World.ManagedPolicy(arn)
		if fields := strings.SplitN(arn, ":", 6); len(fields) != 6 || fields[4] != a.account && fields[4] != "aws" {
			return refuse(http.StatusBadRequest, "ValidationError", "%s is invalid", arn)
		}
		if !ok {
			return refuse(http.StatusBadRequest, "MalformedPolicyDocument", "Policy %s does not exist or is not attachable.", arn)
		}
		all = append(all, p)
	}
	if total > 2048 {
		return refuse(http.StatusBadRequest, "PackedPolicyTooLarge", "Policies of %d characters together exceed 2048.", total)
	}
	if len(all) > 0 {
		a.policy = iam.Merge(all...)
	}
	return nil
}

func (s *Server) checkPacked(c *call, a *assumption) *refusal {
	percent, tagsAlone := packedPercent(a.policyText, a.policyARNs, a.tags, s.o.PackedAllotment)
	a.packed, c.event.PackedPercent = percent, percent
	if percent <= 100 {
		return nil
	}
	text := "Packed policy consumes %d%% of allotted space, please use smaller policy."
	if tagsAlone {
		text = "Packed size of session tags consumes %d%% of allotted space."
	}
	bad := refuse(http.StatusBadRequest, "PackedPolicyTooLarge", text, percent)
	bad.reason = bad.message + " (an estimate: AWS does not publish how it packs)"
	return bad
}

// authorize asks for each permission that the request needs: sts:AssumeRole,
// sts:TagSession if the session gets tags, sts:SetSourceIdentity if it gets a
// source identity, of its own or handed down. A role that does not exist is
// refused in the words of one that may not be assumed.
func (s *Server) authorize(c *call, a *assumption) (iam.Role, *refusal) {
	if strings.HasSuffix(c.caller.ARN, ":root") {
		return iam.Role{}, refuse(http.StatusForbidden, "AccessDenied", "Roles may not be assumed by root accounts.")
	}
	role, ok := s.o.World.Role(a.roleARN)
	if !ok {
		return iam.Role{}, denied(c.caller.ARN, "sts:AssumeRole", a.roleARN, "there is no such role")
	}
	actions := []string{"sts:AssumeRole"}
	if len(a.requested) > 0 || a.inherited {
		actions = append(actions, "sts:TagSession")
	}
	ctx := c.assumptionContext(a, role)
	if old := c.caller.SourceIdentity; old != "" {
		if a.sourceIdentity != "" && a.sourceIdentity != old {
			return iam.Role{}, denied(c.caller.ARN, "sts:SetSourceIdentity", a.roleARN, "the session has the source identity "+old+", which cannot change")
		}
		a.sourceIdentity = old
		c.event.SourceIdentity = old
	}
	if a.sourceIdentity != "" {
		actions = append(actions, "sts:SetSourceIdentity")
	}
	for _, action := range actions {
		result := iam.EvaluateTrust(c.caller, role.Trust, a.account, iam.Request{Action: action, Resource: a.roleARN, Context: ctx})
		c.event.Reason = action + ": " + result.Reason
		if result.Statement != "" {
			c.event.Reason += ": " + result.Statement
		}
		if !result.Allowed {
			return iam.Role{}, denied(c.caller.ARN, action, a.roleARN, c.event.Reason)
		}
	}
	return role, nil
}

func (c *call) assumptionContext(a *assumption, role iam.Role) iam.Context {
	ctx := c.requestContext()
	ctx.Set("sts:RoleSessionName", a.sessionName)
	if a.externalID != nil {
		ctx.Set("sts:ExternalId", *a.externalID)
	}
	if a.sourceIdentity != "" {
		ctx.Set("sts:SourceIdentity", a.sourceIdentity)
	}
	if len(a.requested) > 0 {
		ctx.Set("aws:TagKeys", slices.Sorted(maps.Keys(a.requested))...)
		for k, v := range a.requested {
			ctx.Set("aws:RequestTag/"+k, v)
		}
	}
	if keys := c.params.strings("TransitiveTagKeys", ""); len(keys) > 0 {
		ctx.Set("sts:TransitiveTagKeys", keys...)
	}
	for k, v := range role.Tags {
		ctx.Set("aws:ResourceTag/"+k, v)
		ctx.Set("iam:ResourceTag/"+k, v)
	}
	return ctx
}
