// Package fault names the kinds of failure credvend knows and carries the two
// texts that every failure has: the public one, which the caller reads, and
// the cause, which only the operator's log sees.
//
// It decides no HTTP status (package gateway holds that table) and formats no
// answer. The zero Kind is Internal, so a failure that nobody classified
// reaches the caller as a fixed text that gives nothing away.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind is what went wrong, in the caller's terms. Its zero value is Internal.
type Kind uint8

// The kinds, in the order of the contract's error table.
const (
	Internal             Kind = iota // anything unforeseen
	InvalidRequest                   // malformed body, route, duration or target name
	Unauthenticated                  // no verified identity of the configured kind
	Denied                           // no rule allows it, or no such target
	NotFound                         // no such path
	MethodNotAllowed                 // the path exists, the method does not
	TooLarge                         // the body passes its limit
	UnsupportedMediaType             // the body is not JSON
	Throttled                        // this caller is over its rate
	TargetMisconfigured              // STS refused the broker
	Unavailable                      // STS or the allowlist cannot be had now
	numKinds
)

// codes are the public codes: the "code" of an error answer and of its audit
// line.
var codes = [numKinds]string{
	Internal:             "internal",
	InvalidRequest:       "invalid_request",
	Unauthenticated:      "unauthenticated",
	Denied:               "denied",
	NotFound:             "not_found",
	MethodNotAllowed:     "method_not_allowed",
	TooLarge:             "too_large",
	UnsupportedMediaType: "unsupported_media_type",
	Throttled:            "throttled",
	TargetMisconfigured:  "target_misconfigured",
	Unavailable:          "unavailable",
}

// Code returns the public code of k; an unknown kind reads as internal.
func (k Kind) Code() string {
	if k >= numKinds {
		return codes[Internal]
	}
	return codes[k]
}

// String returns the public code, so that a kind reads alike in a log line and
// in an answer.
func (k Kind) String() string { return k.Code() }

// Kinds lists every kind, for the tests that hold tables against it.
func Kinds() []Kind {
	all := make([]Kind, 0, numKinds)
	for k := range numKinds {
		all = append(all, k)
	}
	return all
}

// internalText is all that a caller ever learns of an unforeseen failure.
const internalText = "credvend failed to handle this request; give the request id to its operator"

// Error is a classified failure. Text is for the caller: it must hold nothing
// that the caller may not know. The cause, if any, is for the log.
type Error struct {
	Kind       Kind
	Text       string
	RetryAfter time.Duration // how long to wait before another try; 0: not said
	Allow      string        // the methods a path takes, with MethodNotAllowed

	cause error
}

// New returns a failure of kind k with a public text.
func New(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Text: fmt.Sprintf(format, args...)}
}

// Wrap returns a failure of kind k with a public text, and a cause that only
// the log sees.
func Wrap(k Kind, cause error, format string, args ...any) *Error {
	return &Error{Kind: k, Text: fmt.Sprintf(format, args...), cause: cause}
}

// Error is the operator's text: code, public text and cause.
func (e *Error) Error() string {
	if e.cause == nil {
		return e.Kind.Code() + ": " + e.Text
	}
	return e.Kind.Code() + ": " + e.Text + ": " + e.cause.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Public is what the caller reads. For Internal it is a fixed text whatever
// Text says: the one place where a careless message could leak.
func (e *Error) Public() string {
	if e.Kind == Internal || e.Kind >= numKinds {
		return internalText
	}
	return e.Text
}

// Of returns the classified failure in err's chain, or an Internal one around
// err. Of(nil) is nil.
func Of(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Kind: Internal, Text: internalText, cause: err}
}
