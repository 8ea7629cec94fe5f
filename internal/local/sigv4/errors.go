package sigv4

import "fmt"

// Code names the reason of a refusal, finer than what AWS puts on the wire.
type Code string

// The reasons. The zero value "" stands for none of them and is answered as the
// most general refusal.
const (
	CodeMissingAuthenticationToken Code = "MissingAuthenticationToken" // no signature at all
	CodeIncompleteSignature        Code = "IncompleteSignature"        // a signature whose parts are missing or malformed
	CodeInvalidClientTokenID       Code = "InvalidClientTokenId"       // the access key id is unknown
	CodeInvalidToken               Code = "InvalidToken"               // the session token is missing, wrong, or one too many
	CodeExpiredToken               Code = "ExpiredToken"               // the credential has expired
	CodeSignatureDoesNotMatch      Code = "SignatureDoesNotMatch"      // the signature is not the request's
	CodeSignatureExpired           Code = "SignatureExpired"           // signed more than 5 minutes ago, or a presigned request past its life
	CodeSignatureNotYetCurrent     Code = "SignatureNotYetCurrent"     // signed more than 5 minutes ahead
	CodeWrongRegion                Code = "WrongRegion"                // the scope names another region
	CodeWrongService               Code = "WrongService"               // the scope names another service
	CodeWrongScope                 Code = "WrongScope"                 // the scope's date or terminator is wrong
	CodeUnsignedHeader             Code = "UnsignedHeader"             // host or an x-amz-* header is not signed
	CodeContentHashMismatch        Code = "ContentHashMismatch"        // x-amz-content-sha256 is not the body's hash
	CodeMalformedQuery             Code = "MalformedQuery"             // the query string holds a broken percent escape
)

// The texts that AWS uses for several causes.
const (
	textMismatch     = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	textInvalidToken = "The security token included in the request is invalid."
	textExpiredToken = "The security token included in the request is expired"
)

// Error is a refused signature.
type Error struct {
	Code   Code
	Detail string // AWS's text; holds no secret

	canonicalRequest string
	stringToSign     string
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Code, e.Detail) }

// CanonicalRequest is the canonical request that the verifier computed, session
// token hidden; empty unless the signature was compared and differed.
func (e *Error) CanonicalRequest() string { return e.canonicalRequest }

// StringToSign is the string to sign that the verifier computed; empty unless
// the signature was compared and differed.
func (e *Error) StringToSign() string { return e.stringToSign }

func fail(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Detail: fmt.Sprintf(format, args...)}
}
