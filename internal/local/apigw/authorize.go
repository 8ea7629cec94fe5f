package apigw

import (
	"errors"
	"time"

	"github.com/credvend/credvend/internal/local/iam"
	"github.com/credvend/credvend/internal/local/sigv4"
)

// worldKeys lets the signature verifier look credentials up in a World.
type worldKeys struct{ world *iam.World }

// SigningKey finds a credential's secrets; a nil World knows none.
func (k worldKeys) SigningKey(accessKeyID string) (secret, sessionToken string, expiration time.Time, ok bool) {
	if k.world == nil {
		return "", "", time.Time{}, false
	}
	c, ok := k.world.Credential(accessKeyID)
	if !ok {
		return "", "", time.Time{}, false
	}
	return c.SecretAccessKey, c.SessionToken, c.Expiration, true
}

// signer is a caller whose signature was verified.
type signer struct {
	principal   *iam.Principal
	accessKeyID string
}

// verify checks the request's signature and tells whose it is.
func (k *call) verify() (signer, error) {
	v, err := k.verifier.Verify(k.r, k.body)
	if err == nil {
		// The principal is read anew: a role that was deleted since the key was
		// looked up is nobody.
		c, ok := k.World.Credential(v.Scope.AccessKeyID)
		if ok && c.Principal != nil {
			k.trace.Caller, k.trace.AccessKeyID = c.Principal.ARN, c.AccessKeyID
			return signer{principal: c.Principal, accessKeyID: c.AccessKeyID}, nil
		}
		err = &sigv4.Error{Code: sigv4.CodeInvalidClientTokenID, Detail: "The security token included in the request is invalid."}
	}
	k.trace.Reason = string(sigv4.CodeSignatureDoesNotMatch)
	var refused *sigv4.Error
	if errors.As(err, &refused) {
		k.trace.Reason = string(refused.Code)
	}
	return signer{}, err
}

// permitted evaluates one permission and records it. extra are condition keys
// that go with the action.
func (k *call) permitted(s signer, policy *iam.Policy, action, resource string, extra iam.Context) iam.Result {
	ctx := iam.Context{}
	ctx.Set("aws:SourceIp", k.trace.SourceIP)
	ctx.Set("aws:SecureTransport", "true") // AWS's doors speak nothing but TLS
	ctx.Set("aws:RequestedRegion", k.Region)
	if ua := k.r.UserAgent(); ua != "" {
		ctx.Set("aws:UserAgent", ua)
	}
	if referer := k.r.Referer(); referer != "" {
		ctx.Set("aws:Referer", referer)
	}
	for key, values := range extra {
		ctx.Set(key, values...)
	}
	res := iam.Evaluate(s.principal, policy, k.Account, iam.Request{Action: action, Resource: resource, Context: ctx})
	k.trace.Checks = append(k.trace.Checks, Check{
		Action: action, Resource: resource, Allowed: res.Allowed, Reason: res.Reason, Statement: res.Statement,
	})
	if !res.Allowed {
		k.trace.Reason = res.Reason
	}
	return res
}

// explicit reports whether a statement denied, rather than none allowed.
func explicit(res iam.Result) bool { return !res.Allowed && res.Statement != "" }
