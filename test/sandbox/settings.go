//go:build conformance

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"
)

// prefix of the variables.
const prefix = "CREDVEND_SANDBOX"

// variable is one environment variable that the suite reads.
type variable struct {
	name     string
	fallback string // a variable of local.env, read where the first is not set
	says     string
	story    string // value when everything is on this machine
}

// short is the name without the prefix: how the code and the report call it.
func (v variable) short() string { return strings.TrimPrefix(v.name, prefix+"_") }

// variables in the order in which help shows them.
func variables() []variable {
	return []variable{
		{"CREDVEND_SANDBOX_URL", "CREDVEND_URL", "front door: HTTP API with AWS_IAM, in Account B", ""},
		{"CREDVEND_SANDBOX_JWT_URL", "CREDVEND_JWT_URL", "front door: HTTP API with a JWT authorizer", ""},
		{"CREDVEND_SANDBOX_FUNCTION_URL", "CREDVEND_FUNCTION_URL", "front door: function URL with AWS_IAM", ""},
		{"CREDVEND_SANDBOX_REST_URL", "CREDVEND_REST_URL", "front door: REST API with AWS_IAM, its stage included", ""},
		{"CREDVEND_SANDBOX_TARGET_URL", "CREDVEND_TARGET_URL", "HTTP API with AWS_IAM in Account A, stage $default", ""},
		{"CREDVEND_SANDBOX_CALLER_PROFILE", "", "AWS profile of a caller in Account B who is on the allowlist", "billing-service"},
		{"CREDVEND_SANDBOX_STRANGER_PROFILE", "", "AWS profile of Account B whom IAM admits and the allowlist does not name", "stranger"},
		{"CREDVEND_SANDBOX_OUTSIDER_PROFILE", "", "AWS profile of a third account, on the allowlist and admitted at the function URL and the REST API", "outsider"},
		{"CREDVEND_SANDBOX_EXPIRED_PROFILE", "", "AWS profile whose session has expired", "expired"},
		{"CREDVEND_SANDBOX_REGION", "AWS_REGION", "region of all of them", ""},
		{"CREDVEND_SANDBOX_TARGET", "", "name of the target in the allowlist", "orders"},
		{"CREDVEND_SANDBOX_ALLOWED", "", "a route that the caller is granted under a wildcard, of two segments or more, that answers 200", "GET /orders/42"},
		{"CREDVEND_SANDBOX_DENIED", "", "a route of the same API that the caller is not granted", "POST /orders"},
		{"CREDVEND_SANDBOX_TOKEN", "", "a token that the JWT front door accepts, of a subject on the allowlist; or CREDVEND_SANDBOX_TOKEN_FILE, a file that holds it", ""},
		{"CREDVEND_SANDBOX_EXPIRED_TOKEN", "", "such a token, expired; or CREDVEND_SANDBOX_EXPIRED_TOKEN_FILE", ""},
		{"CREDVEND_SANDBOX_OTHER_TOKEN", "", "such a token for another audience; or CREDVEND_SANDBOX_OTHER_TOKEN_FILE", ""},
		{"CREDVEND_SANDBOX_ISSUER_URL", "CREDVEND_ISSUER_URL", "issuer of the local stack, which makes the three tokens; nothing on AWS", ""},
		{"CREDVEND_SANDBOX_ROLE", "", "ARN of a role of Account A that the next profile may assume and that may invoke every route of the API", ""},
		{"CREDVEND_SANDBOX_ROLE_PROFILE", "", "AWS profile, a session of a role, that may assume ROLE (else CALLER_PROFILE)", ""},
		{"CREDVEND_SANDBOX_ROLE_EXTERNAL_ID", "", "external id that ROLE's trust policy asks for", ""},
		{"CREDVEND_SANDBOX_ROLE_TARGET_URL", "", "API that ROLE may invoke (else TARGET_URL)", ""},
		{"CREDVEND_SANDBOX_ROLE_STS_URL", "", "STS that knows ROLE_PROFILE, if it is not the usual one", ""},
		{"CREDVEND_SANDBOX_EVENT_URL", "", "HTTP API with AWS_IAM whose function answers its own event (docs/conformance-aws.md has it), for ROLE_PROFILE", ""},
		{"CREDVEND_SANDBOX_DOMAIN_URL", "", "custom domain with a mapping key, such as https://example.com/key, of the same API as EVENT_URL", ""},
	}
}

// settings are what the user gave. An empty field was not given.
type settings struct {
	value    map[string]string // by variable
	supposed map[string]bool   // nobody gave it: it is the story's
	consents bool
	outside  []string // hosts that are not this machine
	allowed  route
	denied   route
}

type route struct{ method, path string }

func (r route) String() string { return r.method + " " + r.path }

var routeForm = regexp.MustCompile(`^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (/[A-Za-z0-9._~-]+)+$`)

// get is a variable's value.
func (s *settings) get(name string) string { return s.value[name] }

// readSettings reads the variables and checks their form. Secrets among them
// are never shown, not even when they are malformed.
func readSettings(getenv func(string) string) (*settings, error) {
	s := &settings{value: map[string]string{}, supposed: map[string]bool{}}
	for _, v := range variables() {
		value := getenv(v.name)
		if value == "" && v.fallback != "" {
			value = getenv(v.fallback)
		}
		if strings.HasSuffix(v.name, "TOKEN") {
			var err error
			if value, err = readToken(v.name, value, getenv); err != nil {
				return nil, err
			}
		}
		s.value[v.short()] = value
	}
	if err := s.readURLs(); err != nil {
		return nil, err
	}
	for _, v := range variables() {
		if s.get(v.short()) == "" && v.story != "" && len(s.outside) == 0 {
			s.value[v.short()], s.supposed[v.short()] = v.story, true
		}
	}
	for name, other := range map[string]string{"ROLE_PROFILE": "CALLER_PROFILE", "ROLE_TARGET_URL": "TARGET_URL"} {
		if s.value[name] == "" {
			s.value[name] = s.value[other]
		}
	}
	if s.value["REGION"] == "" {
		s.value["REGION"] = getenv("AWS_DEFAULT_REGION")
	}
	s.consents = getenv(prefix) == "yes"
	return s, s.readRoutes()
}

func readToken(name, value string, getenv func(string) string) (string, error) {
	if file := getenv(name + "_FILE"); value == "" && file != "" {
		text, err := os.ReadFile(file) //nolint:gosec // the file that the user named
		if err != nil {
			return "", fmt.Errorf("%s_FILE: %w", name, err)
		}
		value = strings.TrimSpace(string(text))
	}
	if value != "" && strings.Count(value, ".") != 2 {
		return "", fmt.Errorf("%s holds no signed token: three parts with dots between them", name)
	}
	return value, nil
}

func (s *settings) readURLs() error {
	given := 0
	for _, v := range variables() {
		text := s.get(v.short())
		if !strings.HasSuffix(v.name, "URL") || text == "" {
			continue
		}
		given++
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
			return fmt.Errorf("%s is no URL of an API: https, a host, and no query", v.name)
		}
		s.value[v.short()] = strings.TrimSuffix(text, "/")
		if loopback(u.Hostname()) {
			continue
		}
		if u.Scheme != "https" {
			return fmt.Errorf("%s: http would show the token and what is vended to everyone on the way; use https", v.name)
		}
		s.outside = append(s.outside, u.Host)
	}
	if given == 0 {
		return errors.New(teaching)
	}
	return nil
}

// teaching is what somebody meets who has set nothing.
const teaching = `there is nothing to check against: no URL is set.
  To try it on this machine:        make conformance-aws SANDBOX=local
  Against a running local stack:    . .credvend/local/local.env && make conformance-aws
  Against your own two sandboxes:   deploy template.yaml and accounts/target.yaml, then set CREDVEND_SANDBOX=yes,
                                    CREDVEND_SANDBOX_URL, CREDVEND_SANDBOX_CALLER_PROFILE and whatever else you have
                                    (docs/conformance-aws.md, or build/conformance-aws -help)`

func (s *settings) readRoutes() error {
	for name, into := range map[string]*route{"ALLOWED": &s.allowed, "DENIED": &s.denied} {
		text := s.value[name]
		if text == "" {
			continue
		}
		if !routeForm.MatchString(text) {
			return fmt.Errorf("%s_%s is %q: write a method and a path without wildcards and escapes, such as \"GET /orders/42\"", prefix, name, text)
		}
		into.method, into.path, _ = strings.Cut(text, " ")
	}
	if s.allowed.path != "" && (s.allowed.method != "GET" || strings.Count(s.allowed.path, "/") < 2) {
		return fmt.Errorf("%s_ALLOWED is %q: the checks need a GET of two segments or more, such as \"GET /orders/42\"", prefix, s.allowed)
	}
	return nil
}

// consent sees that nobody's AWS account is called by accident.
func (s *settings) consent() error {
	switch {
	case s.get("REGION") == "":
		return fmt.Errorf("set AWS_REGION or %s_REGION to the region of the sandbox", prefix)
	case len(s.outside) > 0 && !s.consents:
		return fmt.Errorf("this would send some 250 requests, refused ones among them, to %s and to STS. "+
			"They change nothing, cost less than a cent, and stand in CloudTrail. If that is your sandbox, set %s=yes", strings.Join(s.outside, ", "), prefix)
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func usage(w io.Writer, set *flag.FlagSet) {
	p := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	p("Sends the requests that the local stack was built by to two sandbox accounts of yours, and prints")
	p("where AWS answers otherwise than the local stack does. It changes nothing. What is not set is not checked.")
	p("")
	p("usage: make conformance-aws [SANDBOX=local] [ARGS='-run REGEXP -o FILE']")
	p("")
	set.SetOutput(w)
	set.PrintDefaults()
	p("")
	p("Variables; in brackets the one of local.env that is read in its place.")
	p("")
	p("  %-34s %s", prefix, "yes: consent to calls outside this machine")
	for _, v := range variables() {
		note := ""
		if v.fallback != "" {
			note = " [" + v.fallback + "]"
		}
		p("  %-34s %s%s", v.name, v.says, note)
	}
	p("")
	p("It exits 0 if nothing differs, 1 if something does, 2 if it could not run.")
}
