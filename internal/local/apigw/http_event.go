package apigw

import (
	"encoding/base64"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// clfTime is the time of an event: common log format.
const clfTime = "02/Jan/2006:15:04:05 -0700"

// httpEvent is an event of payload format 2.0. AWS leaves empty optional fields
// out. A function URL's event has the same form.
type httpEvent struct {
	Version               string            `json:"version"`
	RouteKey              string            `json:"routeKey"`
	RawPath               string            `json:"rawPath"`
	RawQueryString        string            `json:"rawQueryString"`
	Cookies               []string          `json:"cookies,omitempty"`
	Headers               map[string]string `json:"headers"`
	QueryStringParameters map[string]string `json:"queryStringParameters,omitempty"`
	RequestContext        httpContext       `json:"requestContext"`
	PathParameters        map[string]string `json:"pathParameters,omitempty"`
	StageVariables        map[string]string `json:"stageVariables,omitempty"`
	Body                  *string           `json:"body,omitempty"`
	IsBase64Encoded       bool              `json:"isBase64Encoded"`
}

type httpContext struct {
	AccountID    string          `json:"accountId"`
	APIID        string          `json:"apiId"`
	Authorizer   *httpAuthorizer `json:"authorizer,omitempty"`
	DomainName   string          `json:"domainName"`
	DomainPrefix string          `json:"domainPrefix"`
	HTTP         httpDescription `json:"http"`
	RequestID    string          `json:"requestId"`
	RouteKey     string          `json:"routeKey"`
	Stage        string          `json:"stage"`
	Time         string          `json:"time"`
	TimeEpoch    int64           `json:"timeEpoch"` // milliseconds
}

type httpDescription struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

type httpAuthorizer struct {
	IAM *iamIdentity `json:"iam,omitempty"`
	JWT *jwtIdentity `json:"jwt,omitempty"`
}

type iamIdentity struct {
	AccessKey       string    `json:"accessKey"`
	AccountID       string    `json:"accountId"`
	CallerID        string    `json:"callerId"`
	CognitoIdentity *struct{} `json:"cognitoIdentity"` // null: no identity pools here
	PrincipalOrgID  *string   `json:"principalOrgId"`
	UserARN         string    `json:"userArn"`
	UserID          string    `json:"userId"`
}

type jwtIdentity struct {
	Claims map[string]string `json:"claims"`
	Scopes []string          `json:"scopes"` // null where the route asks for none
}

// httpEvent describes the call in payload format 2.0.
func (k *call) httpEvent(domain, routeKey, stage, rawPath string, parameters, variables map[string]string, authorizer *httpAuthorizer) httpEvent {
	prefix, _, _ := strings.Cut(domain, ".")
	e := httpEvent{
		Version: "2.0", RouteKey: routeKey, RawPath: rawPath, RawQueryString: k.query,
		Headers: map[string]string{}, PathParameters: parameters, StageVariables: variables,
		RequestContext: httpContext{
			AccountID: k.Account, APIID: k.ID, Authorizer: authorizer, DomainName: domain, DomainPrefix: prefix,
			HTTP: httpDescription{
				Method: k.r.Method, Path: rawPath, Protocol: k.r.Proto, SourceIP: k.trace.SourceIP, UserAgent: k.r.UserAgent(),
			},
			RequestID: k.requestID, RouteKey: routeKey, Stage: stage,
			Time: k.at.Format(clfTime), TimeEpoch: k.at.UnixMilli(),
		},
	}
	if k.kind == kindHTTPAPI {
		e.RequestContext.RequestID = k.extendedID
	}
	for name, values := range k.forwardedHeaders(domain) {
		if name == "Cookie" {
			// Cookies leave the headers for a field of their own.
			for _, line := range values {
				for cookie := range strings.SplitSeq(line, ";") {
					if cookie = strings.TrimSpace(cookie); cookie != "" {
						e.Cookies = append(e.Cookies, cookie)
					}
				}
			}
			continue
		}
		e.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	for _, p := range decodeQuery(k.query) {
		if e.QueryStringParameters == nil {
			e.QueryStringParameters = map[string]string{}
		}
		if before, repeated := e.QueryStringParameters[p[0]]; repeated {
			p[1] = before + "," + p[1]
		}
		e.QueryStringParameters[p[0]] = p[1]
	}
	if len(k.body) > 0 {
		text := string(k.body)
		if !isText(k.r.Header.Get("Content-Type"), k.body) {
			text, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(k.body), true
		}
		e.Body = &text
	}
	return e
}

// httpIdentity is the authorizer block of a verified signer.
func (k *call) httpIdentity(s signer) *httpAuthorizer {
	return &httpAuthorizer{IAM: &iamIdentity{
		AccessKey: s.accessKeyID, AccountID: s.principal.Account, CallerID: s.principal.UserID,
		PrincipalOrgID: k.orgID(), UserARN: s.principal.ARN, UserID: s.principal.UserID,
	}}
}

func (k *call) orgID() *string {
	if k.OrgID == "" {
		return nil
	}
	return &k.OrgID
}

// forwardedHeaders are the client's headers and those that AWS's proxies add or
// overwrite. Host becomes the door's own name. Nothing else of the client's is
// dropped: a header that pretends to be the gateway's context is for the
// function to withstand.
func (k *call) forwardedHeaders(domain string) http.Header {
	h := k.r.Header.Clone()
	for _, name := range []string{"Connection", "Keep-Alive", "Expect", "Upgrade"} {
		h.Del(name) // hop by hop
	}
	h.Set("Host", domain)
	// A client's own X-Forwarded-For stays, to the left of what AWS saw.
	h.Set("X-Forwarded-For", strings.Join(append(slices.Clone(h.Values("X-Forwarded-For")), k.trace.SourceIP), ", "))
	h.Set("X-Forwarded-Port", "443")
	h.Set("X-Forwarded-Proto", "https")
	trace := "Root=" + k.traceID
	if sent := h.Get("X-Amzn-Trace-Id"); strings.Contains(sent, "Root=") {
		trace = "Self=" + k.traceID + ";" + sent
	}
	h.Set("X-Amzn-Trace-Id", trace)
	if k.kind == kindFunctionURL {
		h.Set("X-Amzn-Tls-Version", "TLSv1.3") // of the loopback's stand-in for Lambda's TLS
		h.Set("X-Amzn-Tls-Cipher-Suite", "TLS_AES_128_GCM_SHA256")
	}
	if k.kind == kindHTTPAPI || len(k.body) > 0 {
		h.Set("Content-Length", strconv.Itoa(len(k.body))) // an HTTP API states 0 too
	}
	return h
}

// decodeQuery lists the decoded parameters in the order they were sent; what
// does not decode stays as it is.
func decodeQuery(raw string) [][2]string {
	var out [][2]string
	decode := func(s string) string {
		if d, err := url.QueryUnescape(s); err == nil {
			return d
		}
		return s
	}
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		out = append(out, [2]string{decode(name), decode(value)})
	}
	return out
}

// isText tells which bodies format 2.0 passes as text. Forms are not among
// them. A body without a type counts as text (unsure), and so does one of a
// type with a +json or +xml suffix (unsure), if it is UTF-8 at all.
func isText(contentType string, body []byte) bool {
	if !utf8.Valid(body) {
		return false
	}
	if contentType == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		media, _, _ = strings.Cut(strings.ToLower(contentType), ";")
		media = strings.TrimSpace(media)
	}
	switch media {
	case "application/json", "application/xml", "application/javascript":
		return true
	}
	return strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "+json") || strings.HasSuffix(media, "+xml")
}
