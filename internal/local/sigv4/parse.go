package sigv4

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// signed is what a request says of its own signature. It holds a session token:
// it is never printed.
type signed struct {
	presigned     bool
	scope         Scope
	terminator    string
	signedHeaders []string
	signature     string
	time          time.Time
	expires       time.Duration // presigned: 0 if not stated, which leaves the five minutes
	token         string
	hasToken      bool
}

func readSignature(r *http.Request, query []pair) (*signed, error) {
	auth := r.Header.Values("Authorization")
	presigned := false
	for _, p := range query {
		switch p.name {
		case "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature":
			presigned = true
		}
	}
	switch {
	case len(auth) > 1:
		return nil, fail(CodeIncompleteSignature, "Authorization header must occur once, not %d times.", len(auth))
	case len(auth) == 1 && presigned:
		return nil, fail(CodeIncompleteSignature, "Authorization header and X-Amz-* query parameters must not be used together.")
	case len(auth) == 1:
		return readHeaderForm(r, auth[0])
	case presigned:
		return readQueryForm(query)
	}
	return nil, fail(CodeMissingAuthenticationToken, "Request is missing Authentication Token")
}

func readHeaderForm(r *http.Request, auth string) (*signed, error) {
	name, rest, _ := strings.Cut(strings.TrimSpace(auth), " ")
	if name != algorithm && strings.HasPrefix(name, "AWS4-") {
		return nil, fail(CodeIncompleteSignature, "Unsupported AWS 'algorithm': '%s'.", name)
	}
	params := map[string]string{}
	// What follows the first word is taken for pairs whatever that word is: a
	// bearer token is told so, and a token that stands alone has no pairs.
	if rest != "" {
		for part := range strings.SplitSeq(rest, ",") {
			key, value, ok := strings.Cut(strings.TrimSpace(part), "=")
			if _, repeated := params[key]; !ok || repeated {
				return nil, fail(CodeIncompleteSignature, "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '%s'.", digest(auth))
			}
			params[key] = value
		}
	}
	var missing []string
	for _, key := range []string{"Credential", "Signature", "SignedHeaders"} {
		if params[key] == "" || name != algorithm {
			missing = append(missing, "Authorization header requires '"+key+"' parameter.")
		}
	}
	// Two dates could make two verifiers disagree about which one was signed.
	dates := r.Header.Values("X-Amz-Date")
	if len(dates) == 0 {
		dates = r.Header.Values("Date")
	}
	if len(dates) != 1 || dates[0] == "" {
		missing = append(missing, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	if len(missing) > 0 {
		return nil, fail(CodeIncompleteSignature, "%s (Hashed with SHA-256 and encoded with Base64) Authorization=%s", strings.Join(missing, " "), digest(auth))
	}
	sig := &signed{signature: params["Signature"]}
	var err error
	if sig.time, err = parseTime(dates[0]); err != nil {
		return nil, err
	}
	tokens := r.Header.Values("X-Amz-Security-Token")
	if len(tokens) > 1 {
		return nil, fail(CodeInvalidToken, textInvalidToken)
	}
	if len(tokens) == 1 {
		sig.token, sig.hasToken = tokens[0], true
	}
	return sig, sig.finish(params["Credential"], params["SignedHeaders"])
}

func readQueryForm(query []pair) (*signed, error) {
	params := map[string]string{}
	for _, p := range query {
		if !strings.HasPrefix(p.name, "X-Amz-") {
			continue
		}
		if _, repeated := params[p.name]; repeated {
			return nil, fail(CodeIncompleteSignature, "AWS query-string parameter '%s' must occur once.", p.name)
		}
		params[p.name] = p.value
	}
	if a := params["X-Amz-Algorithm"]; a != "" && a != algorithm {
		return nil, fail(CodeIncompleteSignature, "Unsupported AWS 'algorithm': '%s'.", a)
	}
	var missing []string
	for _, key := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"} {
		if params[key] == "" {
			missing = append(missing, "AWS query-string parameters must include '"+key+"'.")
		}
	}
	if len(missing) > 0 {
		return nil, fail(CodeIncompleteSignature, "%s Re-examine the query-string parameters.", strings.Join(missing, " "))
	}
	sig := &signed{presigned: true, signature: params["X-Amz-Signature"]}
	var err error
	if sig.time, err = parseTime(params["X-Amz-Date"]); err != nil {
		return nil, err
	}
	if text, ok := params["X-Amz-Expires"]; ok {
		seconds, err := strconv.ParseUint(text, 10, 32)
		expires := time.Duration(seconds) * time.Second
		if err != nil || expires < time.Second || expires > maxExpires {
			return nil, fail(CodeIncompleteSignature, "X-Amz-Expires must be a number of seconds between 1 and 604800.")
		}
		sig.expires = expires
	}
	sig.token, sig.hasToken = params["X-Amz-Security-Token"]
	return sig, sig.finish(params["X-Amz-Credential"], params["X-Amz-SignedHeaders"])
}

// finish takes the credential apart and checks the list of headers, which must
// be in canonical order: AWS would sort it, so that no other order can match.
func (s *signed) finish(credential, headers string) error {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || parts[0] == "" {
		return fail(CodeIncompleteSignature, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", credential)
	}
	s.scope = Scope{AccessKeyID: parts[0], Date: parts[1], Region: parts[2], Service: parts[3]}
	s.terminator = parts[4]
	s.signedHeaders = strings.Split(headers, ";")
	for i, name := range s.signedHeaders {
		if name == "" || name != strings.ToLower(name) || i > 0 && s.signedHeaders[i-1] >= name {
			return fail(CodeSignatureDoesNotMatch, textMismatch)
		}
	}
	if slices.Contains(s.signedHeaders, "authorization") {
		return fail(CodeSignatureDoesNotMatch, textMismatch)
	}
	return nil
}

// parseTime reads AWS's basic ISO 8601 form, and what a Date header may hold.
func parseTime(text string) (time.Time, error) {
	// Parse also takes fractions of a second, which would be lost in the string to sign.
	for _, layout := range []string{timeFormat, http.TimeFormat, time.RFC1123Z} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() > 0 && t.Nanosecond() == 0 {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fail(CodeIncompleteSignature, "Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", text)
}

// digest is how AWS shows a header that may hold a secret.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}
