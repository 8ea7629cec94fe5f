//go:build conformance

package main

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// redactor hides secrets in whatever is printed. AWS echoes session tokens: a
// REST API shows the canonical request of a signature that does not match.
type redactor struct {
	mu      sync.Mutex
	secrets []string
}

// add remembers a secret, in the forms in which an answer may show it: as it is,
// as it stands in a query, and as some of AWS's encoders write it in JSON. Short
// ones would hide innocent text.
func (r *redactor) add(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	inJSON := strings.NewReplacer("/", `\/`)
	inGson := strings.NewReplacer("=", `\u003d`, "+", `\u002b`)
	for _, s := range secrets {
		if len(s) < 8 {
			continue
		}
		for _, form := range []string{s, url.QueryEscape(s), inJSON.Replace(s), inGson.Replace(s)} {
			if !slices.Contains(r.secrets, form) {
				r.secrets = append(r.secrets, form)
			}
		}
	}
}

// Members that hold secrets, of answers that nobody told the redactor about.
var (
	secretMember = regexp.MustCompile(`("(?:SecretAccessKey|SessionToken|Token|secretAccessKey|sessionToken)"\s*:\s*")[^"]*`)
	secretXML    = regexp.MustCompile(`(<(?:SecretAccessKey|SessionToken)>)[^<]*`)
	signedToken  = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*`)
)

// hide replaces every secret in a text.
func (r *redactor) hide(text string) string {
	r.mu.Lock()
	for _, s := range r.secrets {
		text = strings.ReplaceAll(text, s, "(withheld)")
	}
	r.mu.Unlock()
	text = secretMember.ReplaceAllString(text, "${1}(withheld)")
	text = secretXML.ReplaceAllString(text, "${1}(withheld)")
	return signedToken.ReplaceAllString(text, "(withheld)")
}
