package client

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// Error is an answer other than what was asked for: a refusal by the service or
// by its front door, or an answer that is neither's. Its texts hold no secret.
type Error struct {
	// Status is the HTTP status.
	Status int
	// Code is the service's word for what went wrong, such as denied; empty if
	// the answer did not come from the service.
	Code string
	// Message is what is wrong, in a sentence.
	Message string
	// RequestID is what the operator finds the request by; it may be empty.
	RequestID string
	// Hint is what to do next; it may be empty.
	Hint string
	// RetryAfter is how long the service asks to be left alone; 0: not said.
	RetryAfter time.Duration
}

// Error gives message, hint and what identifies the request, on one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	fmt.Fprintf(&b, " (HTTP %d", e.Status)
	if e.Code != "" {
		b.WriteString(" " + e.Code)
	}
	if e.RequestID != "" {
		b.WriteString(", request " + e.RequestID)
	}
	b.WriteString(")")
	return b.String()
}

// Refused reports whether the answer was about who calls: asking again, with
// the same identity, gets the same.
func (e *Error) Refused() bool {
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden
}

// errForeign is a body that no credvend service sends.
var errForeign = errors.New("the answer is not credvend's")

const hintURL = "check the URL: it should be a credvend front door, stage or base path included"

// hint is what to do about an answer of the service.
func hint(code string) string {
	switch code {
	case "denied":
		return "if it should be allowed, give the operator the request id"
	case "internal":
		return "give the operator the request id"
	case "not_found", "method_not_allowed":
		return hintURL
	default: // the message says it
		return ""
	}
}

// frontDoorHint is what to do about an answer of API Gateway or of a function
// URL. They do not say why, so it names the candidates.
func frontDoorHint(status int, signed bool) string {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden && !signed:
		return "the front door did not take the token: it may have expired, be of another issuer or audience, or lack a scope, or the URL is not the one for tokens"
	case status == http.StatusForbidden:
		return "the front door did not let this AWS identity in: it may lack the permission to invoke, be of another account (an HTTP API takes its own alone), have a wrong clock, or the URL, region or profile is not the one meant"
	case status == http.StatusNotFound:
		return hintURL
	case status == http.StatusTooManyRequests:
		return "the front door is throttled; try again in a moment"
	case status >= http.StatusInternalServerError:
		return "the service behind the front door failed; try again in a moment, or ask the operator"
	default:
		return hintURL
	}
}

// maxText is how much of a text from outside stands in an error, in bytes.
const maxText = 1024

// clean makes a text from outside fit for an error: one line, clipped, without
// what was sent. API Gateway repeats the Authorization header in one of its
// errors, and in another, after a newline, the canonical request with the
// session token.
func clean(text string, secrets []string) string {
	for _, secret := range secrets {
		text = redact(text, secret)
	}
	text, _, _ = strings.Cut(text, "\n\n")
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}

// redact takes out of text every word that holds the beginning of a secret: a
// repeated secret may be cut short.
func redact(text, secret string) string {
	const telling = 16
	if len(secret) < telling {
		return text
	}
	for {
		before, after, found := strings.Cut(text, secret[:telling])
		if !found {
			return text
		}
		rest := strings.IndexFunc(after, func(r rune) bool {
			return unicode.IsSpace(r) || strings.ContainsRune(`'",;)`, r)
		})
		if rest < 0 {
			rest = len(after)
		}
		text = before + "[redacted]" + after[rest:]
	}
}
