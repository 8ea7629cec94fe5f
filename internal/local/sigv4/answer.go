package sigv4

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http"
)

// Answer is what a family of AWS services sends for a refused signature.
type Answer struct {
	Status      int
	ContentType string
	ErrorType   string // value of x-amzn-ErrorType; empty: no such header
	Body        []byte
}

// Write sends the answer. The error is that of the connection.
func (a Answer) Write(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", a.ContentType)
	if a.ErrorType != "" {
		w.Header().Set("x-amzn-ErrorType", a.ErrorType)
	}
	w.WriteHeader(a.Status)
	_, err := w.Write(a.Body)
	return err
}

// ForbiddenFunctionURL is the text of a function URL for whoever is not let in.
const ForbiddenFunctionURL = "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"

// reason finds the *Error; anything else counts as a signature that does not match.
func reason(err error) *Error {
	var e *Error
	if errors.As(err, &e) && e != nil {
		return e
	}
	return &Error{Detail: textMismatch}
}

// STSFault gives STS's status, error code and message for an error of Verify.
func STSFault(err error) (status int, code, message string) {
	e := reason(err)
	switch e.Code {
	case CodeMissingAuthenticationToken:
		return http.StatusForbidden, "MissingAuthenticationToken", e.Detail
	case CodeIncompleteSignature:
		return http.StatusBadRequest, "IncompleteSignature", e.Detail
	case CodeInvalidClientTokenID, CodeInvalidToken:
		return http.StatusForbidden, "InvalidClientTokenId", e.Detail
	case CodeExpiredToken:
		return http.StatusForbidden, "ExpiredToken", e.Detail
	default:
		return http.StatusForbidden, "SignatureDoesNotMatch", e.Detail
	}
}

// STSAnswer is STS's whole XML answer for an error of Verify.
func STSAnswer(err error, requestID string) Answer {
	status, code, message := STSFault(err)
	doc := struct {
		XMLName   xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ ErrorResponse"`
		Type      string   `xml:"Error>Type"`
		Code      string   `xml:"Error>Code"`
		Message   string   `xml:"Error>Message"`
		RequestID string   `xml:"RequestId"`
	}{Type: "Sender", Code: code, Message: message, RequestID: requestID}
	body, merr := xml.MarshalIndent(doc, "", "  ")
	if merr != nil { // cannot happen: plain strings
		body = nil
	}
	return Answer{Status: status, ContentType: "text/xml", Body: append(body, '\n')}
}

// HTTPAPIAnswer is an HTTP API's answer: the same whatever was wrong.
func HTTPAPIAnswer() Answer {
	return Answer{Status: http.StatusForbidden, ContentType: "application/json", Body: jsonMessage("message", "Forbidden")}
}

// RESTAnswer is a REST API's answer for an error of Verify. Where the signature
// differs it shows the canonical request and the string to sign, as AWS does,
// but with the session token hidden.
func RESTAnswer(err error) Answer {
	e := reason(err)
	text := e.Detail
	if e.canonicalRequest != "" {
		text += "\n\nThe Canonical String for this request should have been\n'" + e.canonicalRequest +
			"'\n\nThe String-to-Sign should have been\n'" + e.stringToSign + "'\n"
	}
	if e.Code == CodeMissingAuthenticationToken {
		text = "Missing Authentication Token"
	}
	return Answer{Status: http.StatusForbidden, ContentType: "application/json", ErrorType: errorType(e.Code), Body: jsonMessage("message", text)}
}

// FunctionURLAnswer is a function URL's answer for an error of Verify. An unsigned
// request reads as any other that is not let in; a bad signature is named.
func FunctionURLAnswer(err error) Answer {
	e := reason(err)
	if e.Code == CodeMissingAuthenticationToken {
		return FunctionURLForbidden()
	}
	return Answer{Status: http.StatusForbidden, ContentType: "application/json", ErrorType: errorType(e.Code), Body: jsonMessage("message", e.Detail)}
}

// FunctionURLForbidden is a function URL's answer to an unsigned request and to a
// caller without permission.
func FunctionURLForbidden() Answer {
	return Answer{Status: http.StatusForbidden, ContentType: "application/json", ErrorType: "AccessDeniedException", Body: jsonMessage("Message", ForbiddenFunctionURL)}
}

// errorType is the value of x-amzn-ErrorType. For a key that nobody has AWS's
// page on 403 errors of API Gateway says AccessDeniedException, while answers of
// its services say UnrecognizedClientException (unsure for API Gateway).
func errorType(code Code) string {
	switch code {
	case CodeMissingAuthenticationToken:
		return "MissingAuthenticationTokenException"
	case CodeIncompleteSignature:
		return "IncompleteSignatureException"
	case CodeInvalidClientTokenID, CodeInvalidToken:
		return "UnrecognizedClientException"
	case CodeExpiredToken:
		return "ExpiredTokenException"
	default:
		return "InvalidSignatureException"
	}
}

func jsonMessage(key, text string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(map[string]string{key: text}); err != nil { // cannot happen: plain strings
		return []byte("{}")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
