package assume

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/scope"
)

// How long a caller should wait before another try.
const (
	retryAfter          = 1 * time.Second
	retryAfterThrottled = 2 * time.Second
)

// The actions that STS may name in a denial. They are the closed list of what
// is ever read from a text, and only as a hint about which cause is likely.
const (
	assumeRole        = "sts:AssumeRole"
	tagSession        = "sts:TagSession"
	setSourceIdentity = "sts:SetSourceIdentity"
)

// namedAction returns the action that a denial's text says is not authorized,
// if it is one of the list.
func namedAction(text string) string {
	const marker = "not authorized to perform: "
	_, rest, found := strings.Cut(text, marker)
	if !found {
		return ""
	}
	word, _, _ := strings.Cut(rest, " ")
	switch word {
	case assumeRole, tagSession, setSourceIdentity:
		return word
	default:
		return ""
	}
}

// refusal is the error of a definite no. passedOver says that a region before
// the one that refused failed lately, and was left alone this time.
func refusal(s scope.Scope, v verdict, attempts []Attempt, passedOver bool) *fault.Error {
	cause := account(attempts, v.action)
	switch v.class {
	case classPacked:
		return fault.Wrap(fault.InvalidRequest, cause,
			"the session policy and tags of this request pack larger than STS takes; ask for fewer routes, by name, or ask the owner of the allowlist to shorten the grant")
	case classPolicy:
		return fault.Wrap(fault.Internal, cause, "STS could not read the session policy")
	case classOwnCredentials:
		return retryLater(cause, "STS does not take credvend's own credentials just now; try again, and tell its operator if it stays so")
	case classDown, classThrottled, classRefused, classInvalid:
	}
	if len(attempts) > 1 || passedOver {
		// Another region failed first, now or lately. The region that refuses may be the odd
		// one out (a policy on aws:RequestedRegion, say), so this says nothing
		// final about the target.
		return retryLater(cause, "STS failed in one region and refused in another; try again in a moment")
	}
	return fault.Wrap(fault.TargetMisconfigured, cause, "%s", misconfigured(s, v))
}

// misconfigured lists what is likely wrong, the likeliest first. It tells the
// role's ARN, which answers hold anyhow, and never the external id.
func misconfigured(s scope.Scope, v verdict) string {
	var head string
	var causes []string
	switch {
	case v.class == classInvalid:
		head = fmt.Sprintf("STS did not take a value of the request for role %s; its code does not say which", s.RoleARN)
		causes = []string{
			"the role's ARN in the allowlist is mistyped",
			"the external id, the source identity or a tag in the allowlist has characters or a length that STS does not take",
			fmt.Sprintf("%d seconds are more than the role's maximum session duration (account %s) or, role chaining, one hour", int(s.Duration/time.Second), s.AccountID),
		}
	case v.action == tagSession:
		head = fmt.Sprintf("STS refused credvend the role %s for want of %s", s.RoleARN, tagSession)
		causes = append(permissions(s, tagSession), "or send no tags: session_tags: false in the allowlist's target")
	case v.action == setSourceIdentity:
		head = fmt.Sprintf("STS refused credvend the role %s for want of %s", s.RoleARN, setSourceIdentity)
		causes = append(permissions(s, setSourceIdentity),
			"credvend's own session already has another source identity, which STS never changes",
			"or send none: source_identity: false in the allowlist's target")
	default:
		head = fmt.Sprintf("STS refused credvend the role %s (%s), and AWS does not say why", s.RoleARN, v.code)
		causes = []string{
			fmt.Sprintf("in account %s the role's trust policy does not name credvend's role, or names one that was deleted and made again since", s.AccountID),
			"the external id in the allowlist is not the one that the trust policy asks for",
			"the role's ARN in the allowlist is mistyped, or the role was deleted",
			"in credvend's account its role's policy does not allow " + assumeRole + " on this role",
		}
		if v.action == "" && len(s.Tags) > 0 {
			causes = append(causes, "one of those two policies lacks "+tagSession)
		}
		if v.action == "" && s.SourceIdentity != "" {
			causes = append(causes, "one of those two policies lacks "+setSourceIdentity)
		}
		causes = append(causes, "a service control policy, a permissions boundary or a VPC endpoint policy denies it")
	}
	for i, c := range causes {
		causes[i] = fmt.Sprintf("(%d) %s", i+1, c)
	}
	return head + ". Check, the likeliest first: " + strings.Join(causes, "; ")
}

// permissions are the two places that must both allow an action.
func permissions(s scope.Scope, action string) []string {
	return []string{
		fmt.Sprintf("in account %s the statement of the role's trust policy that lets credvend in allows %s but not %s, or its conditions do not hold", s.AccountID, assumeRole, action),
		fmt.Sprintf("in credvend's account its role's policy does not allow %s on this role", action),
	}
}

// unavailable is the error of a call that no region answered.
func unavailable(failed []verdict, attempts []Attempt) *fault.Error {
	text, after := "STS cannot be reached or does not answer in time; try again in a moment", retryAfter
	for _, v := range failed {
		if v.class == classThrottled {
			text, after = "STS is throttling credvend; try again in a moment", retryAfterThrottled
		}
	}
	f := fault.Wrap(fault.Unavailable, account(attempts, ""), "%s", text)
	f.RetryAfter = after
	return f
}

func retryLater(cause error, text string) *fault.Error {
	f := fault.Wrap(fault.Unavailable, cause, "%s", text)
	f.RetryAfter = retryAfter
	return f
}

// account tells the operator what was tried. It is made of codes alone: an
// error's own text may quote a session token (STS repeats the canonical
// request of a signature that does not match) or the answer it broke on.
func account(attempts []Attempt, action string) error {
	if len(attempts) == 0 {
		return errors.New("no time was left to call STS")
	}
	lines := make([]string, len(attempts))
	for i, a := range attempts {
		lines[i] = fmt.Sprintf("STS in %s: %s, %s", a.Region, a.Outcome, a.Code)
		if a.STSRequestID != "" {
			lines[i] += ", request " + a.STSRequestID
		}
	}
	if action != "" {
		lines = append(lines, "not authorized: "+action)
	}
	return errors.New(strings.Join(lines, "; "))
}
