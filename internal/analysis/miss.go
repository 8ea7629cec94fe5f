package analysis

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
)

// Miss is a rule that does not concern a caller, and why: the caller name that
// is nearest to matching, and what keeps it from doing so.
type Miss struct {
	Rule     string   `json:"rule"`
	Effect   string   `json:"effect"`
	Caller   string   `json:"caller"`
	Failed   []string `json:"failed"`
	Overlaps bool     `json:"overlaps"` // its routes have something of what is asked
	distance int
}

// maxMisses bounds the rules that are listed.
const maxMisses = 20

// misses are the rules of a target that do not concern a caller, those first
// that have what is asked and are nearest to concerning it.
func (s Subject) misses(c identity.Caller, q Question, limit int) (listed []Miss, more int) {
	names := s.List.Names(c)
	failed := map[string]Miss{} // by caller
	var all []Miss
	for _, r := range s.Doc.Rules {
		if r.Target != q.Target || slices.ContainsFunc(r.Callers, func(n string) bool {
			return n == allowlist.AnyCaller && len(names) > 0 || slices.Contains(names, n)
		}) {
			continue
		}
		m := Miss{distance: 1 << 30}
		for _, name := range r.Callers {
			one, known := failed[name]
			if !known {
				one = missOf(name, s.Doc.Callers[name], c)
				failed[name] = one
			}
			if one.distance < m.distance {
				m = one
			}
		}
		m.Rule, m.Effect, m.Overlaps = r.ID, cmp.Or(r.Effect, allowlist.Allow), overlaps(r.Routes, q.Routes)
		all = append(all, m)
	}
	slices.SortStableFunc(all, func(a, b Miss) int {
		return cmp.Or(cmp.Compare(less(b.Overlaps), less(a.Overlaps)), cmp.Compare(a.distance, b.distance))
	})
	if len(all) > limit {
		return all[:limit], len(all) - limit
	}
	return all, 0
}

func less(b bool) int {
	if b {
		return 1
	}
	return 0
}

// overlaps reports whether routes as written have something of what is asked;
// a variable could be any segment.
func overlaps(written []string, asked []route.Route) bool {
	if len(asked) == 0 || len(written) == 0 {
		return true
	}
	for _, text := range written {
		for strings.Contains(text, "${") {
			before, rest, _ := strings.Cut(text, "${")
			_, after, _ := strings.Cut(rest, "}")
			text = before + "*" + after
		}
		if slices.ContainsFunc(asked, must(text).Overlaps) {
			return true
		}
	}
	return false
}

// missOf says why an identity does not bear a caller name. The distance counts
// what fails, and of names how much of them.
func missOf(name string, k allowlist.Caller, c identity.Caller) Miss {
	m := Miss{Caller: name}
	fail := func(weight int, format string, args ...any) {
		m.Failed = append(m.Failed, fmt.Sprintf(format, args...))
		m.distance += weight
	}
	switch {
	case name == allowlist.AnyCaller:
		fail(1<<20, "it names every caller of the list, and this identity is none")
	case k.JWT != nil && c.Kind != identity.JWT:
		fail(1000, "it is a token's caller, and this is an AWS principal")
	case k.IAM != nil && c.Kind == identity.JWT:
		fail(1000, "it is an AWS principal's caller, and this is a token")
	case k.JWT != nil:
		missToken(k.JWT, c, fail)
	case k.IAM != nil && k.IAM.Account != "":
		missAccount(k.IAM.Account, c, fail)
	case k.IAM != nil:
		missPrincipal(k.IAM, c, fail)
	}
	return m
}

type failing func(weight int, format string, args ...any)

func missToken(k *allowlist.JWTCaller, c identity.Caller, fail failing) {
	if c.Issuer != k.Issuer {
		fail(100, "issuer is %s, not %s", c.Issuer, k.Issuer)
	}
	if !slices.Contains(c.Audiences, k.Audience) {
		fail(50, "audience is %s, not %s", strings.Join(c.Audiences, ", "), k.Audience)
	}
	for _, name := range sortedKeys(k.Claims) {
		claim, present := c.Claims[name]
		switch {
		case !present:
			fail(12, "claim %s is missing; one of %s is needed", name, some(k.Claims[name]))
		case !slices.ContainsFunc(k.Claims[name], claim.Has):
			fail(10, "claim %s is %s, none of %s", name, some(claim.Values), some(k.Claims[name]))
		}
	}
}

func missAccount(account string, c identity.Caller, fail failing) {
	if c.Principal.Account != account {
		fail(100, "account is %s, not %s", c.Principal.Account, account)
	}
	if c.Principal.Type != arn.Role && c.Principal.Type != arn.User {
		fail(20, "an account stands for its roles and users, and this is %s", c.Principal.Type)
	}
	if c.Guest {
		fail(20, "an account does not stand for guests of an identity pool, and this is one")
	}
}

func missPrincipal(k *allowlist.IAMCaller, c identity.Caller, fail failing) {
	want, id, kind := k.Role, k.RoleID, arn.Role
	if want == "" {
		want, id, kind = k.User, k.UserID, arn.User
	}
	fields := strings.SplitN(want, ":", 6)
	_, name, _ := strings.Cut(fields[5], "/")
	p := c.Principal
	if p.Partition != fields[1] {
		fail(100, "partition is %s, not %s", p.Partition, fields[1])
	}
	if p.Account != fields[4] {
		fail(100, "account is %s, not %s", p.Account, fields[4])
	}
	if p.Type != kind {
		fail(60, "it is a %s, not a %s", p.Type, kind)
	}
	if named := (allowlist.Caller{IAM: &allowlist.IAMCaller{Role: k.Role, User: k.User}}); !nameMatches(named, p) {
		fail(40-common(p.Name, name), "%s name is %s, not %s", kind, p.Name, name)
	}
	switch {
	case id == "" || id == c.UniqueID:
	case c.UniqueID == "":
		fail(5, "unique id is not given, and %s is pinned; give it with --unique-id", id)
	default:
		fail(8, "unique id is %s, and %s is pinned: it was deleted and made again", c.UniqueID, id)
	}
}

// nameMatches asks the compiler itself whether a pattern without its other
// predicates names a principal.
func nameMatches(k allowlist.Caller, p arn.Principal) bool {
	fields := strings.SplitN(cmp.Or(k.IAM.Role, k.IAM.User), ":", 6)
	doc := allowlist.Document{
		Version: allowlist.Version,
		Targets: map[string]allowlist.Target{"t": {Role: "arn:aws:iam::111122223333:role/r", API: "arn:aws:execute-api:us-east-1:111122223333:a/$default"}},
		Callers: map[string]allowlist.Caller{"k": k},
		Rules:   []allowlist.Rule{{ID: "r", Callers: []string{"k"}, Target: "t", Routes: []string{"GET /"}}},
	}
	list, err := allowlist.Compile(&doc)
	if err != nil {
		return false
	}
	p.Partition, p.Account, p.Type = fields[1], fields[4], arn.Role
	if k.IAM.User != "" {
		p.Type = arn.User
	}
	return len(list.Names(identity.Caller{Kind: identity.IAM, Principal: p})) > 0
}

// common is how many letters two names begin with in common, up to 30.
func common(a, b string) (n int) {
	for n < len(a) && n < len(b) && n < 30 && a[n] == b[n] {
		n++
	}
	return n
}
