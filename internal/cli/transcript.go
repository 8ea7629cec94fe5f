package cli

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/credvend/credvend/api"
	"github.com/credvend/credvend/client"
)

// masked stands where a secret stood.
const masked = "[masked]"

// transcript shows a signed call to a person, without what would let somebody
// who looks over a shoulder, or finds the output in a ticket, make one.
type transcript struct {
	w       io.Writer
	secrets []string
}

// secretsOf is what of credentials must not be shown.
func secretsOf(c api.Credentials) []string {
	return []string{c.SessionToken.Reveal(), c.SecretAccessKey.Reveal()}
}

// hidden are the headers that are masked by their place: whatever they hold
// proves who sends it.
func hidden() []string {
	return []string{"X-Amz-Security-Token", "Cookie", "Set-Cookie", "Proxy-Authorization", "X-Api-Key"}
}

// mask replaces secrets in a text. Of a long one, what follows its beginning
// goes with it: it may have been cut short.
func mask(text []byte, secrets []string) []byte {
	const enough = 16
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		text = bytes.ReplaceAll(text, []byte(secret), []byte(masked))
		if len(secret) <= enough {
			continue
		}
		part := regexp.MustCompile(regexp.QuoteMeta(secret[:enough]) + `[A-Za-z0-9+/=_%.-]*`)
		text = part.ReplaceAllLiteral(text, []byte(masked))
	}
	return text
}

// signature finds a SigV4 signature.
var signature = regexp.MustCompile(`(?i)(Signature=)[0-9a-f]{64}`)

func (t *transcript) section(title, text string) {
	text = string(mask([]byte(text), t.secrets))
	text = signature.ReplaceAllString(text, "${1}"+masked)
	var b strings.Builder
	fmt.Fprintf(&b, "* %s\n", title)
	for line := range strings.Lines(text) {
		fmt.Fprintf(&b, "  %s\n", printable(line))
	}
	_, _ = io.WriteString(t.w, b.String())
}

func (t *transcript) grant(c api.Credentials) {
	t.section("vended", string(table(append(describeGrant(c), []string{"access key id", c.AccessKeyID}))))
}

// signing shows what was signed. Requests are signed again for a second try,
// whose credentials may be other ones: their token is masked by its place.
func (t *transcript) signing(s client.Signing) {
	lines := strings.Split(s.CanonicalRequest, "\n")
	for i, line := range lines {
		if name, _, header := strings.Cut(line, ":"); header && slices.Contains(hidden(), http.CanonicalHeaderKey(name)) {
			lines[i] = name + ":" + masked
		}
	}
	t.section("canonical request", strings.Join(lines, "\n"))
	t.section("string to sign", s.StringToSign)
}

// over shows each request on its way to base.
func (t *transcript) over(base http.RoundTripper) http.RoundTripper {
	return sending(func(r *http.Request) (*http.Response, error) {
		header := r.Header.Clone()
		header.Set("Host", r.URL.Host)
		text := fmt.Sprintf("%s %s\n%s", r.Method, r.URL.RequestURI(), headerLines(header))
		if r.ContentLength > 0 {
			text += fmt.Sprintf("\n(body of %s)", plural(int(r.ContentLength), "byte"))
		}
		t.section("sent", text)
		return base.RoundTrip(r)
	})
}

func (t *transcript) answer(resp *http.Response) {
	t.section("answer", fmt.Sprintf("%s %s\n%s", resp.Proto, resp.Status, headerLines(resp.Header)))
}

func headerLines(h http.Header) string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			if slices.Contains(hidden(), name) {
				value = masked
			}
			lines = append(lines, name+": "+value)
		}
	}
	return strings.Join(lines, "\n")
}

// watched notes the session token of each request, since a second try has
// another, and marks what fails on the way to the target.
func (t *transcript) watched(base http.RoundTripper) http.RoundTripper {
	return sending(func(r *http.Request) (*http.Response, error) {
		t.secrets = append(t.secrets, r.Header.Get("X-Amz-Security-Token"))
		resp, err := base.RoundTrip(r)
		if err != nil {
			return nil, &wireError{err}
		}
		return resp, nil
	})
}

// wireError is what net/http says of a connection or an answer.
type wireError struct{ err error }

func (e *wireError) Error() string { return e.err.Error() }
func (e *wireError) Unwrap() error { return e.err }

type sending func(*http.Request) (*http.Response, error)

func (f sending) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
