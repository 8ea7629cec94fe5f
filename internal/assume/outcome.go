package assume

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// Outcome is what became of one attempt. Its zero value is unknown, which
// counts as issued.
type Outcome string

// The outcomes.
const (
	OutcomeUnknown Outcome = "unknown" // it may have issued: given up, cut off, unreadable, or a 5xx
	OutcomeIssued  Outcome = "issued"
	OutcomeDenied  Outcome = "denied" // STS refused, for good
	OutcomeFailed  Outcome = "failed" // it certainly issued nothing: never sent, throttled, region disabled
)

// Attempt is one call of one region's STS, for the audit trail.
type Attempt struct {
	Region       string
	Outcome      Outcome
	Code         string // STS's error code, or one of credvend's own, in lower case; empty if issued
	STSRequestID string // empty if there was no answer
	Latency      time.Duration
}

// Codes of credvend's own, for attempts that got no error code from STS. They
// are all that is kept of such an error: the texts of transports and decoders
// may quote what was being read, which may be a credential.
const (
	codeTimeout       = "timeout"
	codeCanceled      = "canceled"
	codeNameFailed    = "dns-failed"
	codeConnectFailed = "connect-failed"
	codeTLSFailed     = "tls-failed"
	codeNotSent       = "not-sent" // no credentials to sign with, no endpoint
	codeLost          = "connection-lost"
	codeBadAnswer     = "bad-answer" // unreadable, incomplete, or not what was asked for
)

// class is how an attempt's failure is to be taken. Its zero value is a region
// that is down.
type class uint8

const (
	classDown           class = iota // another region may do better
	classThrottled                   // the same, and it is our own volume
	classRefused                     // a definite no: trust, policies, external id, role
	classInvalid                     // a definite no: STS does not take a value
	classPacked                      // policy and tags pack too large
	classPolicy                      // STS cannot read the session policy
	classOwnCredentials              // STS does not take the broker's own credentials
)

func (c class) definite() bool { return c > classThrottled }

// verdict is one attempt's result, before it becomes an error.
type verdict struct {
	region, code, requestID string
	outcome                 Outcome
	class                   class
	action                  string // that STS named as not authorized; a hint, may be empty
}

// classOf sorts STS's error codes; one that it does not know is a refusal. The
// codes of throttling are the SDK's own list.
func classOf(code string) class {
	if _, throttled := retry.DefaultThrottleErrorCodes[code]; throttled {
		return classThrottled
	}
	switch code {
	case "ValidationError", "ValidationException", "InvalidParameterValue", "InvalidParameterCombination", "MissingParameter":
		return classInvalid
	case "PackedPolicyTooLarge", "PackedPolicyTooLargeException":
		return classPacked
	case "MalformedPolicyDocument", "MalformedPolicyDocumentException":
		return classPolicy
	case "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "InvalidAccessKeyId", "UnrecognizedClientException",
		"SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", "IncompleteSignatureException",
		"MissingAuthenticationToken", "MissingAuthenticationTokenException", "RequestExpired", "RequestTimeTooSkewed",
		"AuthFailure", "OptInRequired":
		return classOwnCredentials
	case "RegionDisabledException", "RequestTimeout", "RequestTimeoutException", "IDPCommunicationError",
		"InternalFailure", "InternalError", "InternalServerError", "ServiceUnavailable", "ServiceUnavailableException", "ServiceFailure":
		return classDown
	default:
		return classRefused
	}
}

// regionDisabled is the one code of a region that is passed over although it
// answered clearly: nothing was issued there.
const regionDisabled = "RegionDisabledException"

// judge takes an attempt's error apart. Decisions rest on codes alone.
func judge(err, ctxErr error, sent *transmission) verdict {
	v := verdict{outcome: OutcomeUnknown, class: classDown}
	status := 0
	var answer *awshttp.ResponseError
	// The SDK wraps errors so even where no answer came.
	if errors.As(err, &answer) && answer.HTTPResponse() != nil && answer.HTTPResponse().Response != nil {
		v.requestID = cleanID(answer.ServiceRequestID())
		status = answer.HTTPStatusCode()
	}
	var said smithy.APIError
	if errors.As(err, &said) && cleanCode(said.ErrorCode()) {
		v.code = said.ErrorCode()
		v.class = classOf(v.code)
		switch {
		case v.class == classThrottled || status == http.StatusTooManyRequests:
			v.class, v.outcome = classThrottled, OutcomeFailed
		case v.code == regionDisabled:
			v.outcome = OutcomeFailed
		case v.class.definite() && (status == 0 || status >= 400 && status < 500):
			v.outcome, v.action = OutcomeDenied, namedAction(said.ErrorMessage())
		default: // a 5xx may have issued, whatever it calls itself
			v.class = classDown
		}
		return v
	}
	if status != 0 && ctxErr == nil {
		v.code = codeBadAnswer
		if status == http.StatusTooManyRequests {
			v.class, v.outcome = classThrottled, OutcomeFailed
		}
		return v
	}
	v.code = codeOf(err, ctxErr, sent)
	if sent.neverSent() {
		v.outcome = OutcomeFailed
	}
	return v
}

// codeOf names an error that came with no answer.
func codeOf(err, ctxErr error, sent *transmission) string {
	var (
		dns     *net.DNSError
		op      *net.OpError
		cert    *tls.CertificateVerificationError
		record  tls.RecordHeaderError
		decode  *smithy.DeserializationError
		timeout interface{ Timeout() bool }
	)
	switch {
	case errors.Is(ctxErr, context.Canceled):
		return codeCanceled
	case ctxErr != nil, errors.Is(err, context.DeadlineExceeded):
		return codeTimeout
	case errors.As(err, &dns):
		return codeNameFailed
	case errors.As(err, &cert), errors.As(err, &record):
		return codeTLSFailed
	case errors.As(err, &op) && op.Op == "dial":
		return codeConnectFailed
	case errors.As(err, &timeout) && timeout.Timeout():
		return codeTimeout
	case errors.As(err, &decode):
		return codeBadAnswer
	case sent.entered.Load() && !sent.handed.Load():
		return codeNotSent
	default:
		return codeLost
	}
}

// skew is by how much STS's clock may run ahead of ours.
const skew = time.Minute

// readAnswer turns a 200 into an issuance. An answer that is incomplete, of
// another session, already expired or good for longer than was asked for is
// not handed on: nobody can say what it confers.
func readAnswer(out *sts.AssumeRoleOutput, in *sts.AssumeRoleInput, now time.Time) (Issued, verdict) {
	bad := verdict{outcome: OutcomeUnknown, class: classDown, code: codeBadAnswer}
	if out == nil {
		return Issued{}, bad
	}
	id, _ := middleware.GetRequestIDMetadata(out.ResultMetadata)
	bad.requestID = cleanID(id)
	c, user := out.Credentials, out.AssumedRoleUser
	if c == nil || user == nil {
		return Issued{}, bad
	}
	now = now.Round(0).UTC()
	keyID, secret, token := aws.ToString(c.AccessKeyId), aws.ToString(c.SecretAccessKey), aws.ToString(c.SessionToken)
	ends := aws.ToTime(c.Expiration)
	asked := time.Duration(aws.ToInt32(in.DurationSeconds)) * time.Second
	switch {
	case !strings.HasPrefix(keyID, "ASIA"), !cleanCode(keyID), secret == "", token == "":
		return Issued{}, bad
	case !ends.After(now), ends.After(now.Add(asked + skew)):
		return Issued{}, bad
	case !strings.HasSuffix(aws.ToString(user.Arn), "/"+aws.ToString(in.RoleSessionName)):
		return Issued{}, bad
	}
	return Issued{
		Credentials:         NewCredentials(keyID, secret, token),
		IssuedAt:            now,
		Expiration:          ends.UTC(),
		STSRequestID:        bad.requestID,
		AssumedRoleARN:      aws.ToString(user.Arn),
		PackedPolicyPercent: packedPercent(out),
	}, verdict{outcome: OutcomeIssued, requestID: bad.requestID}
}

// packedPercent is how much of its budget STS says is used. The newer figure,
// of the whole session token, stands in where STS no longer gives the older.
func packedPercent(out *sts.AssumeRoleOutput) int {
	if packed := out.PackedPolicySize; packed != nil { //nolint:staticcheck // deprecated, and still what STS and its stand-ins send
		return int(*packed)
	}
	return int(aws.ToInt32(out.SessionTokenUtilization))
}

// unknownCode is what the SDK reports of an error answer without a code.
const unknownCode = "UnknownError"

// cleanCode reports whether s may be an error code or an access key id. What
// is not one is a malformed answer, and stays out of every log.
func cleanCode(s string) bool {
	return s != unknownCode && s != "" && len(s) <= 64 && strings.Trim(s, alphanumeric+"._-") == ""
}

// cleanID returns an AWS request id, or "" for what cannot be one.
func cleanID(s string) string {
	if len(s) > 128 || strings.Trim(s, alphanumeric+"._-=+/:") != "" {
		return ""
	}
	return s
}

const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
