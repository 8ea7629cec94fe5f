package sigv4

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// pair is one decoded parameter of the query string.
type pair struct{ name, value string }

// canonicalRequest puts the request into the form that is hashed and signed.
func canonicalRequest(r *http.Request, query []pair, sig *signed, hash string) string {
	var b strings.Builder
	b.WriteString(r.Method)
	b.WriteByte('\n')
	b.WriteString(canonicalURI(wirePath(r)))
	b.WriteByte('\n')
	b.WriteString(canonicalQuery(query, sig.presigned))
	b.WriteByte('\n')
	for _, name := range sig.signedHeaders {
		b.WriteString(name)
		b.WriteByte(':')
		for i, value := range headerValues(r, name) {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(trimAll(value))
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	b.WriteString(strings.Join(sig.signedHeaders, ";"))
	b.WriteByte('\n')
	b.WriteString(hash)
	return b.String()
}

// wirePath is the path as the client sent it. url.URL re-escapes some bytes, so
// RequestURI is the truth where there is one.
func wirePath(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		path, _, _ := strings.Cut(r.RequestURI, "?")
		return path
	}
	return r.URL.EscapedPath()
}

func rawQuery(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		_, query, _ := strings.Cut(r.RequestURI, "?")
		return query
	}
	return r.URL.RawQuery
}

// canonicalURI removes empty and dot segments as sent (an escaped dot is not a
// dot here, since signers look at the wire form too) and escapes what is left.
func canonicalURI(path string) string {
	var kept []string
	for segment := range strings.SplitSeq(path, "/") {
		switch segment {
		case "", ".":
		case "..":
			if len(kept) > 0 {
				kept = kept[:len(kept)-1]
			}
		default:
			kept = append(kept, escape(segment))
		}
	}
	if len(kept) == 0 {
		return "/"
	}
	out := "/" + strings.Join(kept, "/")
	if strings.HasSuffix(path, "/") {
		out += "/"
	}
	return out
}

// parseQuery decodes the query string. A broken escape is refused: decoded
// leniently it would share its canonical form with another query.
func parseQuery(raw string) ([]pair, error) {
	var pairs []pair
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		n, err := url.QueryUnescape(name)
		if err != nil {
			return nil, fail(CodeMalformedQuery, textMismatch)
		}
		v, err := url.QueryUnescape(value)
		if err != nil {
			return nil, fail(CodeMalformedQuery, textMismatch)
		}
		pairs = append(pairs, pair{n, v})
	}
	return pairs, nil
}

// canonicalQuery escapes and sorts; a presigned request's own signature stays out.
func canonicalQuery(query []pair, presigned bool) string {
	escaped := make([]pair, 0, len(query))
	for _, p := range query {
		if presigned && p.name == "X-Amz-Signature" {
			continue
		}
		escaped = append(escaped, pair{escape(p.name), escape(p.value)})
	}
	slices.SortFunc(escaped, func(a, b pair) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	var b strings.Builder
	for i, p := range escaped {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.name)
		b.WriteByte('=')
		b.WriteString(p.value)
	}
	return b.String()
}

// headerValues finds a header's values by lower-case name. net/http moves Host,
// and at times the framing headers, out of the header map.
func headerValues(r *http.Request, lower string) []string {
	if lower == "host" {
		return []string{r.Host}
	}
	if values, ok := r.Header[http.CanonicalHeaderKey(lower)]; ok {
		return values
	}
	for name, values := range r.Header {
		if strings.EqualFold(name, lower) {
			return values
		}
	}
	switch {
	case lower == "content-length" && r.ContentLength >= 0:
		return []string{strconv.FormatInt(r.ContentLength, 10)}
	case lower == "transfer-encoding":
		return r.TransferEncoding
	}
	return nil
}

// trimAll removes spaces around a value and collapses runs of them within it.
func trimAll(value string) string {
	value = strings.Trim(value, " \t")
	for strings.Contains(value, "  ") {
		value = strings.ReplaceAll(value, "  ", " ")
	}
	return value
}

// escape is AWS's UriEncode: every byte but the unreserved characters of RFC 3986,
// upper-case hex, a space as %20.
func escape(s string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(s))
	for i := range len(s) {
		c := s[i]
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		}
	}
	return b.String()
}

// hideToken blanks the session token in a canonical request that is to be shown:
// REST APIs show it to the client, but what is shown is also what gets logged.
func hideToken(canonical string) string {
	lines := strings.Split(canonical, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "x-amz-security-token:") {
			lines[i] = "x-amz-security-token:(hidden)"
		}
		if i == 2 {
			parts := strings.Split(line, "&")
			for j, part := range parts {
				if strings.HasPrefix(strings.ToLower(part), "x-amz-security-token=") {
					parts[j] = "X-Amz-Security-Token=(hidden)"
				}
			}
			lines[i] = strings.Join(parts, "&")
		}
	}
	return strings.Join(lines, "\n")
}
