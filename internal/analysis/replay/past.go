package replay

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/credvend/credvend/internal/analysis"
	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
)

// past is a request as it was, as far as its line tells.
type past struct {
	request  analysis.Past
	describe string
	assumed  bool
}

// rebuild makes a request of a line, or says why it cannot.
func rebuild(s analysis.Subject, suite *analysis.Suite, r record) (past, string) {
	var p past
	switch {
	case r.Event != "refusal": // whatever STS said: the list allowed it
		p.request.Allowed = true
	case r.Code != "denied" && r.Code != "invalid_request":
		return past{}, Undecided
	case r.Code == "invalid_request" && (r.Target == "" || r.Callers == nil):
		return past{}, Undecided // malformed: no list was asked
	}
	if r.LeftOut["routes"] > 0 || r.LeftOut["deniedRoutes"] > 0 || r.LeftOut["callers"] > 0 ||
		cut(r.Principal, r.UniqueID, r.Issuer, r.Subject, r.Target) || cut(r.Routes...) || cut(r.DeniedRoutes...) {
		return past{}, Cut
	}
	for _, list := range []struct {
		texts []string
		to    *[]route.Route
	}{{r.Routes, &p.request.Routes}, {r.DeniedRoutes, &p.request.Denied}} {
		for _, text := range list.texts {
			one, err := route.Parse(text)
			if err != nil {
				return past{}, Unreadable
			}
			*list.to = append(*list.to, one)
		}
	}
	if r.Target == "" || p.request.Allowed && len(p.request.Routes) == 0 {
		return past{}, Unreadable
	}
	p.request.Target = r.Target
	p.request.Asked, p.request.Granted = span(r.Requested), span(r.Granted)
	if r.Outcome == "reused" {
		p.request.Granted = 0 // what was left of it, not what it was given
	}
	if why := p.caller(s, suite, r); why != "" {
		return past{}, why
	}
	return p, ""
}

// span reads whole seconds; what no session lives is not known.
func span(s int) time.Duration {
	d := time.Duration(s) * time.Second
	if s < 0 || s > 3600 {
		return 0
	}
	return d
}

// caller rebuilds who asked. Of an AWS principal the line tells all that a list
// looks at. Of a token it tells issuer, subject and the names that matched: one
// is made that bears those names now, and that is an assumption.
func (p *past) caller(s analysis.Subject, suite *analysis.Suite, r record) string {
	switch r.Kind {
	case identity.IAM.String(), identity.RESTIAM.String():
		who, err := arn.ParsePrincipal(r.Principal)
		if err != nil {
			return Unreadable
		}
		who.Session = r.Session
		p.request.Caller = identity.Caller{Kind: identity.IAM, Principal: who, UniqueID: r.UniqueID, Guest: r.Guest, Subject: r.Session}
		p.describe = who.Canonical()
		if r.Guest {
			p.describe += " (guest)"
		}
		return ""
	case identity.JWT.String():
		p.describe = r.Issuer + " " + r.Subject
		return p.token(s, suite, r)
	default:
		return Undecided
	}
}

func (p *past) token(s analysis.Subject, suite *analysis.Suite, r record) string {
	p.assumed = true
	if len(r.Callers) == 0 {
		return Nameless // what it would bear now depends on its claims
	}
	c := identity.Caller{Kind: identity.JWT, Issuer: r.Issuer, Subject: r.Subject, Claims: map[string]identity.Claim{}}
	for _, name := range r.Callers {
		if k, known := s.Doc.Callers[name]; !known || k.JWT == nil || k.JWT.Issuer != r.Issuer {
			return Unknown
		}
		one, _, err := suite.Resolve(name, "")
		if err != nil {
			return Unknown
		}
		merge(&c, one)
	}
	c.Claims["sub"] = identity.Claim{Values: []string{r.Subject}}
	p.request.Caller = c
	return ""
}

// merge gives c what another token has.
func merge(c *identity.Caller, one identity.Caller) {
	for _, aud := range one.Audiences {
		if !slices.Contains(c.Audiences, aud) {
			c.Audiences = append(c.Audiences, aud)
		}
	}
	c.Claims = maps.Clone(c.Claims)
	for name, claim := range one.Claims {
		have := c.Claims[name]
		for _, v := range claim.Values {
			if !have.Has(v) {
				have.Values = append(slices.Clip(have.Values), v)
			}
		}
		have.List = have.List || claim.List || len(have.Values) > 1
		c.Claims[name] = have
	}
}

// now says how the list would answer, if otherwise.
func (p past) now(s analysis.Subject) (what, detail string, err error) {
	again, err := analysis.Replay(s, p.request)
	switch {
	case err != nil:
		return "", "", err
	case !p.request.Allowed && again.Allowed:
		return Allowed, "it would get " + again.Gained, nil
	case !p.request.Allowed:
		return "", "", nil
	case !again.Allowed:
		return Refused, again.Refusal, nil
	}
	var details []string
	if again.Gained != "" {
		what = Widened
		details = append(details, again.Gained+" would pass and did not")
	}
	if again.Life > 0 {
		what = Shorter
		details = append(details, "credentials would live at most "+again.Life.String()+", by "+again.By)
	}
	if again.Lost != "" {
		what = Narrowed
		details = append([]string{again.Lost + " would not pass and did"}, details...)
	}
	return what, strings.Join(details, "; "), nil
}
