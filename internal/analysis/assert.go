package analysis

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/analysis/population"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
	"github.com/credvend/credvend/internal/scope"
)

// TestsVersion is the one version of a file of assertions that is understood.
const TestsVersion = 1

// Tests is a file of assertions about an allowlist.
type Tests struct {
	Version int    `json:"version"`
	Cases   []Case `json:"cases"`
}

// Case says what a caller may and may not do at a target.
type Case struct {
	Name     string            `json:"name"`
	As       string            `json:"as"`                     // caller name, ARN, claims as JSON, or @FILE with claims or an event
	UniqueID string            `json:"unique_id,omitempty"`    // beside an ARN
	Claims   map[string]string `json:"claims,omitempty"`       // beside the name of a token's caller: claims with one value
	Target   string            `json:"target"`                 //
	Allow    []string          `json:"allow,omitempty"`        // routes of which all must pass
	Deny     []string          `json:"deny,omitempty"`         // routes of which nothing may pass
	Callers  []string          `json:"callers,omitempty"`      // all the names that must match
	Duration string            `json:"max_duration,omitempty"` // how long sessions may live
	Tags     map[string]string `json:"tags,omitempty"`         // that sessions must bear, others apart
}

// Check is one assertion and how it went.
type Check struct {
	Case   string `json:"case"`
	What   string `json:"what"` // allow GET /orders/*
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"` // of a failure: what is so instead
	Path   []any  `json:"-"`                // where the assertion stands in the file
}

// Suite checks assertions.
type Suite struct {
	subject Subject
	people  []population.Person
	files   func(name string) ([]byte, error)
}

// NewSuite prepares a list for assertions. files reads what @FILE names.
func NewSuite(s Subject, files func(name string) ([]byte, error)) (*Suite, error) {
	people, err := People([]Subject{s})
	return &Suite{s, people, files}, err
}

// Check checks a case; i is its place in the file.
func (u *Suite) Check(i int, c Case) []Check {
	at := func(path ...any) []any { return append([]any{"cases", i}, path...) }
	title := c.Name
	if title == "" {
		title = fmt.Sprintf("case %d", i+1)
	}
	broken := func(what, detail string, path ...any) []Check {
		return []Check{{Case: title, What: what, Detail: detail, Path: at(path...)}}
	}
	who, values, err := u.Resolve(c.As, c.UniqueID)
	switch {
	case c.As == "":
		return broken("as", "the case says not who asks; give as: a caller name, an ARN or claims")
	case err != nil:
		return broken("as "+clip(c.As), err.Error(), "as")
	case len(c.Claims) > 0 && who.Kind != identity.JWT:
		return broken("claims", "an AWS principal has no claims; take them away", "claims")
	case len(c.Allow)+len(c.Deny)+len(c.Callers)+len(c.Tags) == 0 && c.Duration == "":
		return broken("nothing", "the case asserts nothing; give allow, deny, callers, max_duration or tags")
	}
	if _, known := u.subject.Doc.Targets[c.Target]; !known {
		return broken("target "+clip(c.Target), "the allowlist has no such target; it has "+some(sortedKeys(u.subject.Doc.Targets)), "target")
	}
	if len(c.Claims) > 0 {
		who.Claims = maps.Clone(who.Claims)
		for name, value := range c.Claims {
			who.Claims[name] = identity.Claim{Values: []string{value}}
		}
		who.Subject, _ = who.Claims["sub"].Scalar()
	}
	k := checker{title: title, at: at, list: u.subject.List, who: who, values: values, target: c.Target}
	k.access = accessTo(u.subject.List, who, c.Target)
	for j, text := range c.Allow {
		k.route("allow", All, j, text)
	}
	for j, text := range c.Deny {
		k.route("deny", None, j, text)
	}
	k.facts(c)
	return k.checks
}

// checker is one case in the making.
type checker struct {
	title  string
	at     func(path ...any) []any
	list   *allowlist.List
	who    identity.Caller
	values population.Values
	target string
	access access
	checks []Check
}

func (k *checker) add(what, detail string, path ...any) {
	k.checks = append(k.checks, Check{k.title, what, detail == "", detail, k.at(path...)})
}

// route checks that an extent of a route passes: all, or none.
func (k *checker) route(key string, want Extent, j int, text string) {
	what := key + " " + text
	written, ok := population.Write(text, k.who)
	if !ok {
		k.add(what, "the caller has no value for a claim in the route that may stand there", key, j)
		return
	}
	r, err := route.Parse(written)
	if err != nil {
		k.add(what, err.Error(), key, j)
		return
	}
	asked := []route.Route{r}
	got, can, cannot, err := k.access.coverage(asked)
	if err != nil {
		k.add(what, err.Error(), key, j)
		return
	}
	if got == want {
		k.add(what, "", key, j)
		return
	}
	allow, deny := rulesFor(k.list, k.who, k.target, asked)
	var detail string
	switch {
	case want == None:
		detail = fmt.Sprintf("%s is allowed: %s passes, by %s", got, k.values.Name(can), some(allow))
	case k.access.refusal != "":
		detail = "none is allowed: " + k.access.refusal
	default:
		detail = got.String() + " is allowed"
		if cannot != "" {
			detail += ": " + k.values.Name(cannot) + " does not pass"
			if r := must(cannot); r != (route.Route{}) {
				_, deny = rulesFor(k.list, k.who, k.target, []route.Route{r})
			}
		}
		if len(deny) > 0 {
			detail += ", denied by " + some(deny)
		} else {
			detail += "; no rule allows it"
		}
	}
	k.add(what, detail, key, j)
}

// facts checks what else a case says.
func (k *checker) facts(c Case) {
	if len(c.Callers) > 0 {
		names, want, detail := k.list.Names(k.who), slices.Sorted(slices.Values(c.Callers)), ""
		if !slices.Equal(names, want) {
			detail = "it matches " + some(names)
		}
		k.add("callers "+strings.Join(c.Callers, ", "), detail, "callers")
	}
	grant := k.access.decision.Grant
	if c.Duration != "" {
		d, err := time.ParseDuration(c.Duration)
		detail := ""
		switch {
		case err != nil:
			detail = "that is no duration; write minutes, such as 30m"
		case grant == nil:
			detail = "nothing is allowed: " + k.access.refusal
		case grant.MaxDuration != d:
			detail = fmt.Sprintf("it is %s, by %s", short(grant.MaxDuration), grant.LimitedBy)
		}
		k.add("max_duration "+c.Duration, detail, "max_duration")
	}
	for _, key := range sortedKeys(c.Tags) {
		k.add(fmt.Sprintf("tag %s: %s", key, c.Tags[key]), k.tag(key, c.Tags[key]), "tags", key)
	}
}

func (k *checker) tag(key, want string) string {
	grant := k.access.decision.Grant
	if grant == nil || k.access.refusal != "" {
		return "nothing is allowed: " + k.access.refusal
	}
	one := *grant
	one.Routes, one.Denied = one.Routes[:1], nil
	sc, err := scope.New(k.who, one, 0)
	if err != nil {
		return faultText(err)
	}
	for _, t := range sc.Tags {
		if t.Key == key {
			if got := k.values.Name(t.Value); got != want {
				return "it is " + got
			}
			return ""
		}
	}
	return "sessions do not bear it"
}

// Resolve reads who asks: a caller name of the list, an ARN, claims as JSON, or
// @ and the name of a file with claims or an event.
func (u *Suite) Resolve(as, uniqueID string) (identity.Caller, population.Values, error) {
	var none population.Values
	file, isFile := strings.CutPrefix(as, "@")
	switch {
	case uniqueID != "" && !strings.HasPrefix(as, "arn:"):
		return identity.Caller{}, none, fmt.Errorf("a unique id belongs to an ARN alone; take it away")
	case strings.HasPrefix(as, "arn:"):
		c, err := ARNCaller(as, uniqueID)
		return c, none, err
	case strings.HasPrefix(strings.TrimSpace(as), "{"):
		c, err := JSONCaller([]byte(as))
		return c, none, err
	case isFile:
		raw, err := u.files(file)
		if err != nil {
			return identity.Caller{}, none, err
		}
		c, err := JSONCaller(raw)
		if err != nil {
			err = fmt.Errorf("%s: %w", file, err)
		}
		return c, none, err
	}
	if _, known := u.subject.Doc.Callers[as]; !known {
		return identity.Caller{}, none, fmt.Errorf("%q is no caller of the list, which has %s; else give an ARN, claims as JSON, or @FILE with claims or an event", clip(as), some(sortedKeys(u.subject.Doc.Callers)))
	}
	p, someone := population.Base(u.people, 0, as)
	if !someone {
		return identity.Caller{}, none, fmt.Errorf("no identity can be the caller %s", as)
	}
	return p.Identity, p.Values, nil
}
