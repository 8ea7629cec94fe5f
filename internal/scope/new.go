package scope

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/identity"
)

// Keys of credvend's own session tags.
const (
	TagCallers = "credvend:callers" // :billing-service:analytics-account:
	TagSubject = "credvend:subject" // the source identity
)

// STS's limits that a grant can still run into.
const (
	maxTags     = 50
	maxTagValue = 256 // characters
)

// New narrows a grant to one request. requested is the duration asked for; 0
// means the target's default. An error is a *fault.Error for the caller.
func New(caller identity.Caller, grant allowlist.Grant, requested time.Duration) (Scope, error) {
	t := grant.Target
	switch {
	case len(grant.Routes) == 0 || grant.CallerName == "":
		// No decision gives such a grant. To STS an empty list is malformed, but
		// what scopes credentials must not rest on another's validation.
		return Scope{}, fault.New(fault.Internal, "the grant for target %q confers nothing", t.Name)
	case requested != 0 && (requested < allowlist.MinDuration || requested > allowlist.MaxDuration || requested%time.Second != 0):
		return Scope{}, fault.New(fault.InvalidRequest, "durationSeconds must be a whole number from %d to %d",
			int(allowlist.MinDuration.Seconds()), int(allowlist.MaxDuration.Seconds()))
	}
	policy, denied := grant.SessionPolicy()
	s := Scope{
		Target: t.Name, RoleARN: t.RoleARN, ExternalID: t.ExternalID, AccountID: t.AccountID,
		Region: t.Stage.Region, Endpoint: t.Endpoint,
		CallerName: grant.CallerName,
		Policy:     policy,
		Routes:     grant.Routes, Denied: denied, Rules: grant.Rules,
	}
	if n := len(s.Policy); n > allowlist.MaxPolicy {
		return Scope{}, fault.New(fault.InvalidRequest,
			"the session policy for this request has %d characters and STS takes %d; name fewer routes in the request, or one method instead of `*`, which counts seven times",
			n, allowlist.MaxPolicy)
	}
	s.RequestedDuration, s.Duration, s.DurationLimitedBy = duration(grant, requested)
	identifier := SourceIdentity(caller)
	if t.SourceIdentity {
		s.SourceIdentity = identifier
	}
	if t.SessionTags {
		tags, err := tags(grant, identifier)
		if err != nil {
			return Scope{}, err
		}
		s.Tags = tags
	}
	return s, nil
}

// duration returns what was asked for, what is given, and what decides it.
func duration(grant allowlist.Grant, requested time.Duration) (asked, given time.Duration, by string) {
	asked, by = requested, "request"
	if requested == 0 {
		asked, by = grant.Target.DefaultDuration, "default of target "+grant.Target.Name
	}
	if asked > grant.MaxDuration {
		return asked, grant.MaxDuration, grant.LimitedBy
	}
	return asked, asked, by
}

// tags returns the session tags: the callers' own, and two by which Account A
// can find and revoke sessions.
func tags(grant allowlist.Grant, identifier string) ([]Tag, error) {
	all := make([]Tag, 0, 2+len(grant.Tags))
	all = append(all, Tag{TagCallers, ":" + strings.Join(grant.Callers, ":") + ":"}, Tag{TagSubject, identifier})
	for _, t := range grant.Tags {
		all = append(all, Tag(t))
	}
	if len(all) > maxTags {
		return nil, fault.New(fault.Denied, "you match callers with %d session tags together and STS takes %d; the allowlist's operator must remove some", len(all), maxTags)
	}
	for _, t := range all {
		if utf8.RuneCountInString(t.Value) > maxTagValue {
			return nil, fault.New(fault.Denied, "the session tag %s would be longer than STS's %d characters; the allowlist's operator must shorten it", t.Key, maxTagValue)
		}
		if !allowlist.IsTagText(t.Value) {
			return nil, fault.New(fault.Denied, "the session tag %s would hold characters that STS takes in no tag (it takes letters, digits, spaces and _.:/=+-@)", t.Key)
		}
	}
	return all, nil
}
