package sts

import (
	"bytes"
	"crypto/rand"
	"encoding/xml"
	"fmt"
	"net/http"
)

const namespace = "https://sts.amazonaws.com/doc/2011-06-15/"

// refusal is an error as STS writes it. reason is for the event alone: the wire
// carries no more than AWS says.
type refusal struct {
	status  int
	code    string
	message string
	reason  string
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

func refuse(status int, code, format string, args ...any) *refusal {
	return &refusal{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

func denied(caller, action, resource, reason string) *refusal {
	r := refuse(http.StatusForbidden, "AccessDenied", "User: %s is not authorized to perform: %s on resource: %s", caller, action, resource)
	r.reason = reason
	return r
}

type errorXML struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	Namespace string   `xml:"xmlns,attr"`
	Error     struct {
		Type    string
		Code    string
		Message string `xml:",omitempty"`
	}
	RequestID string `xml:"RequestId"`
}

type responseMetadata struct {
	RequestID string `xml:"RequestId"`
}

type callerIdentityXML struct {
	XMLName   xml.Name `xml:"GetCallerIdentityResponse"`
	Namespace string   `xml:"xmlns,attr"`
	Result    struct {
		Arn     string
		UserID  string `xml:"UserId"`
		Account string
	} `xml:"GetCallerIdentityResult"`
	Metadata responseMetadata `xml:"ResponseMetadata"`
}

type credentialsXML struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

// String keeps the secrets out of anything but the answer's encoder.
func (credentialsXML) String() string   { return "credentials (secrets withheld)" }
func (credentialsXML) GoString() string { return "credentials (secrets withheld)" }

type assumeRoleXML struct {
	XMLName   xml.Name `xml:"AssumeRoleResponse"`
	Namespace string   `xml:"xmlns,attr"`
	Result    struct {
		SourceIdentity  string `xml:",omitempty"`
		AssumedRoleUser struct {
			AssumedRoleID string `xml:"AssumedRoleId"`
			Arn           string
		}
		Credentials      credentialsXML
		PackedPolicySize int `xml:",omitempty"`
	} `xml:"AssumeRoleResult"`
	Metadata responseMetadata `xml:"ResponseMetadata"`
}

type webIdentityXML struct {
	XMLName   xml.Name `xml:"GetWebIdentityTokenResponse"`
	Namespace string   `xml:"xmlns,attr"`
	Result    struct {
		WebIdentityToken string
		Expiration       string
	} `xml:"GetWebIdentityTokenResult"`
	Metadata responseMetadata `xml:"ResponseMetadata"`
}

func writeXML(w http.ResponseWriter, status int, requestID string, v any) {
	var buf bytes.Buffer
	enc := xml.NewEncoder(&buf)
	enc.Indent("", "  ")
	if err := enc.Encode(v); err != nil {
		// Characters that XML cannot hold were replaced by the encoder already;
		// nothing that is written here can fail otherwise.
		status = http.StatusInternalServerError
		buf.Reset()
	}
	buf.WriteByte('\n')
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("X-Amzn-Requestid", requestID)
	w.WriteHeader(status)
	_, _ = w.Write(buf.Bytes()) // a client that went away is no fault of the server's
}

func writeRefusal(w http.ResponseWriter, requestID string, r *refusal) {
	v := errorXML{Namespace: namespace, RequestID: requestID}
	v.Error.Type = "Sender"
	if r.status >= 500 {
		v.Error.Type = "Receiver"
	}
	v.Error.Code, v.Error.Message = r.code, r.message
	writeXML(w, r.status, requestID, v)
}

// newRequestID makes a random UUID, the form of STS's request ids.
func newRequestID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // crypto/rand never returns an error: it ends the program instead
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
