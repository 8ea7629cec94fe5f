package allowlist

import (
	"slices"
	"time"

	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
)

// List is a compiled allowlist: an immutable index, safe for concurrent use.
// It shares no memory with the document or with the decisions it gives but
// that of texts, which nobody can change. The zero List denies everything.
type List struct {
	digest  string
	targets map[string]*target
	callers []*caller // by name
	rules   []rule    // in document order
	index   index
	memo    *memo // nil: nothing is kept
	// reachedByAll are the targets that rules allow every caller, by name.
	reachedByAll []string
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

// target is a target with the rules that name every caller.
type target struct {
	TargetInfo
	place int32   // by name
	limit string  // names the target
	rules []int32 // places of those rules
}

type caller struct {
	name  string
	place int32 // by name
	iam   *principalPattern
	jwt   *jwtPattern
	tags  []tag
	// mentions are the rules that name the caller, by target and place; reach
	// says which of them are of which target, by target.
	mentions []mention
	reach    []reach
}

// mention is a rule that names a caller, and at which place of its list.
type mention struct{ rule, at int32 }

// reach is the part [from, to) of a caller's mentions that is of one target.
type reach struct {
	target   *target
	from, to int32
	allows   bool // a rule of it allows
}

type rule struct {
	id          string
	target      *target
	fixed       []route.Route  // the routes, if none is a template
	patterns    []routePattern // else
	maxDuration time.Duration  // 0: the target's
	deny        bool
}

// jwtPattern matches tokens of one issuer for one audience.
type jwtPattern struct {
	issuer, audience string
	claims           map[string][]string
}

func (p *jwtPattern) matches(c *identity.Caller) bool {
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

// is reports whether an identity bears the caller's name.
func (k *caller) is(c *identity.Caller) bool {
	return k.iam != nil && k.iam.matches(c) || k.jwt != nil && k.jwt.matches(c)
}

// at returns the caller's mentions by rules of a target.
func (k *caller) at(t *target) []mention {
	i, found := slices.BinarySearchFunc(k.reach, t.place, func(r reach, place int32) int { return int(r.target.place) - int(place) })
	if !found {
		return nil
	}
	return k.mentions[k.reach[i].from:k.reach[i].to]
}

// Digest names the document that the list was compiled from.
func (l *List) Digest() string { return l.digest }

// Size is how many targets, callers and rules the list has.
func (l *List) Size() (targets, callers, rules int) {
	return len(l.targets), len(l.callers), len(l.rules)
}

// Names returns the caller names that an identity bears, sorted.
func (l *List) Names(c identity.Caller) []string { return names(l.index.match(nil, &c)) }

func names(callers []*caller) []string {
	out := make([]string, len(callers))
	for i, k := range callers {
		out[i] = k.name
	}
	return out
}
