package allowlist

import (
	"cmp"
	"slices"
	"time"

	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
)

// List is a compiled allowlist: an immutable index, safe for concurrent use.
// It shares no memory with the document or with the decisions it gives. The
// zero List denies everything.
type List struct {
	digest  string
	targets map[string]*TargetInfo
	callers map[string]*caller
	rules   []*rule // in document order
	index   index
}

// TargetInfo is a target as the rest of credvend needs it.
type TargetInfo struct {
	Name            string
	RoleARN         string
	AccountID       string // of the role
	ExternalID      string // empty: none
	Stage           arn.Stage
	Endpoint        string
	DefaultDuration time.Duration
	MaxDuration     time.Duration
	RequireRoutes   bool
	SourceIdentity  bool // send one
	SessionTags     bool // send them
}

type caller struct {
	name string
	iam  *principalPattern
	jwt  *jwtPattern
	tags []tag
}

type rule struct {
	id          string
	place       int
	deny        bool
	target      string
	callers     map[string]int // with their places as written; empty with anyCaller
	anyCaller   bool
	routes      []routePattern
	maxDuration time.Duration // 0: the target's
}

// jwtPattern matches tokens of one issuer for one audience.
type jwtPattern struct {
	issuer, audience string
	claims           map[string][]string
}

func (p *jwtPattern) matches(c identity.Caller) bool {
	if c.Issuer != p.issuer || !slices.Contains(c.Audiences, p.audience) {
		return false
	}
	for name, values := range p.claims {
		claim, present := c.Claims[name]
		if !present || !slices.ContainsFunc(values, claim.Has) {
			return false
		}
	}
	return true
}

// Digest names the document that the list was compiled from.
func (l *List) Digest() string { return l.digest }

// Size is how many targets, callers and rules the list has.
func (l *List) Size() (targets, callers, rules int) {
	return len(l.targets), len(l.callers), len(l.rules)
}

// Names returns the caller names that an identity bears, sorted.
func (l *List) Names(c identity.Caller) []string { return names(l.match(c)) }

func names(callers []*caller) []string {
	out := make([]string, len(callers))
	for i, k := range callers {
		out[i] = k.name
	}
	return out
}

// match returns the callers of the list that an identity is, by name.
func (l *List) match(c identity.Caller) []*caller {
	found := slices.DeleteFunc(l.index.candidates(c), func(k *caller) bool {
		return (k.iam == nil || !k.iam.matches(c)) && (k.jwt == nil || !k.jwt.matches(c))
	})
	slices.SortFunc(found, func(a, b *caller) int { return cmp.Compare(a.name, b.name) })
	return slices.Compact(found)
}

// bearers are the names of the rule's callers that match, in the order of the
// rule.
func (r *rule) bearers(matching []*caller) []string {
	if r.anyCaller {
		return names(matching)
	}
	var out []string
	for _, k := range matching {
		if _, named := r.callers[k.name]; named {
			out = append(out, k.name)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Compare(r.callers[a], r.callers[b]) })
	return out
}

// expand returns the rule's routes with a caller's values filled in. A value
// that may not be used counts for more than one that is missing, wherever the
// two stand: the first refuses the request, the second only the rule.
func (r *rule) expand(c identity.Caller, callerName string) ([]route.Route, *fillError) {
	routes := make([]route.Route, 0, len(r.routes))
	var missing *fillError
	for _, p := range r.routes {
		filled, failed := p.fill(c, callerName)
		switch {
		case failed == nil:
			routes = append(routes, filled)
		case failed.reason == missingValue:
			missing = cmp.Or(missing, failed)
		default:
			return nil, failed
		}
	}
	if missing != nil {
		return nil, missing
	}
	return routes, nil
}
