package oidc

import (
	"fmt"
	"net/http"
	"strings"
)

// Error is a refused token. Its zero value is answered as 401.
type Error struct {
	Status      int    // 401, or 403 for a scope that is missing
	Code        string // RFC 6750: invalid_token, insufficient_scope; empty: no token at all
	Description string
	Scopes      []string // the route's

	cause error
}

func invalid(scopes []string, cause error) *Error {
	return &Error{Status: http.StatusUnauthorized, Code: "invalid_token", Description: cause.Error(), Scopes: scopes, cause: cause}
}

func (e *Error) Error() string {
	if e.Code == "" {
		return "the request has no token"
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Description)
}

// Unwrap gives what is not for the caller, such as why the issuer's keys could not
// be fetched.
func (e *Error) Unwrap() error { return e.cause }

// StatusCode is the status of the answer.
func (e *Error) StatusCode() int {
	if e.Status == http.StatusForbidden {
		return e.Status
	}
	return http.StatusUnauthorized
}

// WWWAuthenticate is the header of the same name: "Bearer" alone where there was no
// token.
func (e *Error) WWWAuthenticate() string {
	if e.Code == "" {
		return "Bearer"
	}
	clean := strings.NewReplacer(`"`, "'", `\`, "/", "\r", " ", "\n", " ")
	return fmt.Sprintf(`Bearer scope="%s" error="%s" error_description="%s"`,
		clean.Replace(strings.Join(e.Scopes, " ")), e.Code, clean.Replace(e.Description))
}

// Body is the JSON body of the answer.
func (e *Error) Body() string {
	if e.StatusCode() == http.StatusForbidden {
		return `{"message":"Forbidden"}`
	}
	return `{"message":"Unauthorized"}`
}
