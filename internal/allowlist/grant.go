package allowlist

import (
	"slices"
	"time"

	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/route"
)

// Grant is what an allow confers. Its memory is its own: whoever holds it may
// change it, and changes no other decision.
type Grant struct {
	Target     TargetInfo
	CallerName string        // of the first contributing rule, in document order
	Callers    []string      // all that match, sorted
	Routes     []route.Route // allowed and asked for, merged; never empty
	Denied     []route.Route // by deny rules, merged
	Rules      []string      // ids of the rules that contribute
	Tags       []Tag         // of all callers that match, by key
	// MaxDuration is the longest life of credentials; LimitedBy says what sets
	// it: "rule ID" or "target NAME".
	MaxDuration time.Duration
	LimitedBy   string

	whole *wholeGrant // what all requests without routes get; nil: they get nothing in common
}

// Tag is a session tag.
type Tag struct{ Key, Value string }

// roomyGrant is a grant and room for the names in it and beside it, so that
// most decisions need one piece of memory for both.
type roomyGrant struct {
	Grant
	names [6]string
}

// wholeGrant is all the routes that callers are granted at a target, and the
// session policy for them. Decisions share it, and nothing changes it.
type wholeGrant struct {
	stage       arn.Stage
	allow, deny []route.Route
	policy      string  // empty: it is too long
	tried       []Tried // what a request without routes is told of the rules
}

// SessionPolicy returns the session policy of the grant, and what of its
// denied routes stands in it, as the function SessionPolicy does. A text that
// was written before serves only the very routes that it was written for.
func (g *Grant) SessionPolicy() (policy string, denied []route.Route) {
	w := g.whole
	if w != nil && w.policy != "" && w.stage == g.Target.Stage && slices.Equal(w.allow, g.Routes) && slices.Equal(w.deny, g.Denied) {
		return w.policy, g.Denied
	}
	return SessionPolicy(g.Target.Stage, g.Routes, g.Denied)
}
