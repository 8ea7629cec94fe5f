package analysis

import (
	"encoding/json"
	"time"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/analysis/population"
	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
	"github.com/credvend/credvend/internal/scope"
)

// placeholder stands for the receipt, which is random: as long as one, of
// letters that STS takes.
const placeholder = "RECEIPT-OF-24-CHARACTERS"

// Question is what a caller would ask for.
type Question struct {
	Target   string
	Routes   []route.Route // none: all that is granted
	Duration time.Duration // 0: the target's default
}

// Session is what STS would be asked for.
type Session struct {
	RoleARN        string            `json:"roleArn"`
	SessionName    string            `json:"sessionName"` // with a placeholder for the receipt
	ExternalID     string            `json:"externalId,omitempty"`
	SourceIdentity string            `json:"sourceIdentity,omitempty"`
	Tags           map[string]string `json:"tags,omitempty"`
	Seconds        int               `json:"durationSeconds"`
	RequestedFor   int               `json:"requestedSeconds"`
	LimitedBy      string            `json:"durationLimitedBy"`
	Caller         string            `json:"caller"`
	Routes         []string          `json:"routes"`
	Denied         []string          `json:"deniedRoutes,omitempty"`
	Rules          []string          `json:"rules"`
	Policy         string            `json:"-"`
	Sizes          Sizes             `json:"sizes"`
	SelfAssertedID bool              `json:"-"` // the source identity holds a session name that is not known here
}

// Tried is one rule and what came of it.
type Tried struct {
	Rule    string `json:"rule"`
	Effect  string `json:"effect"`
	Verdict string `json:"verdict"`
	Why     string `json:"why"`
}

// Explanation is a decision with its reasons.
type Explanation struct {
	Allowed  bool     `json:"allowed"`
	Code     string   `json:"code,omitempty"`   // public code of the refusal
	Reason   string   `json:"reason,omitempty"` // its public text
	Who      string   `json:"who"`
	Callers  []string `json:"callers"` // names that match
	Target   string   `json:"target"`
	Asked    []string `json:"routes,omitempty"`
	Tried    []Tried  `json:"tried,omitempty"`   // rules that concern the caller, in document order
	Untried  []Miss   `json:"untried,omitempty"` // rules of the target that do not, the nearest first
	MoreMiss int      `json:"moreUntried,omitempty"`
	Nearest  *Miss    `json:"nearestMiss,omitempty"` // of a refusal: the allow rule that is nearest to concerning the caller

	// SessionPolicy is the policy as STS would get it, to the letter.
	SessionPolicy   string          `json:"sessionPolicy,omitempty"`
	SessionDocument json.RawMessage `json:"sessionPolicyDocument,omitempty"` // the same, as JSON
	Session         *Session        `json:"session,omitempty"`
	Digest          string          `json:"allowlistDigest"`
}

// Explain decides as the function does and gives the reasons.
func Explain(s Subject, c identity.Caller, v population.Values, q Question) Explanation {
	d := s.List.Decide(c, allowlist.Request{Target: q.Target, Routes: q.Routes})
	e := Explanation{
		Who: population.Person{Identity: c, Values: v}.Describe(), Callers: d.Callers,
		Target: q.Target, Asked: texts(q.Routes), Digest: s.List.Digest(),
	}
	for _, t := range d.Tried {
		e.Tried = append(e.Tried, Tried{t.Rule, t.Effect, string(t.Verdict), t.Why})
	}
	refusal := d.Refusal()
	if d.Allowed() {
		sc, err := scope.New(c, *d.Grant, q.Duration)
		if err == nil {
			e.allow(c, v, sc)
			e.Untried, e.MoreMiss = s.misses(c, q, maxMisses)
			return e
		}
		refusal = fault.Of(err)
	}
	e.Code, e.Reason = refusal.Kind.Code(), refusal.Public()
	e.Untried, e.MoreMiss = s.misses(c, q, maxMisses)
	for i, m := range e.Untried {
		if m.Effect == allowlist.Allow && m.Overlaps {
			e.Nearest = &e.Untried[i]
			break
		}
	}
	return e
}

// allow fills in what STS would be asked for.
func (e *Explanation) allow(c identity.Caller, v population.Values, sc scope.Scope) {
	e.Allowed = true
	e.SessionPolicy, e.SessionDocument = v.Name(sc.Policy), json.RawMessage(v.Name(sc.Policy))
	e.Session = &Session{
		RoleARN: sc.RoleARN, SessionName: sc.SessionName(placeholder), ExternalID: sc.ExternalID,
		SourceIdentity: sc.SourceIdentity, Seconds: int(sc.Duration.Seconds()), RequestedFor: int(sc.RequestedDuration.Seconds()),
		LimitedBy: sc.DurationLimitedBy, Caller: sc.CallerName, Routes: texts(sc.Routes), Denied: texts(sc.Denied), Rules: sc.Rules,
		Policy: sc.Policy, Sizes: SizesOf(sc.Policy, sc.Tags),
		SelfAssertedID: c.Kind != identity.JWT && c.Subject == "" && c.Principal.Type.String() == "role",
	}
	for i, r := range e.Session.Routes {
		e.Session.Routes[i] = v.Name(r)
	}
	for _, t := range sc.Tags {
		if e.Session.Tags == nil {
			e.Session.Tags = map[string]string{}
		}
		e.Session.Tags[t.Key] = v.Name(t.Value)
	}
	if v.Name(c.Subject) != c.Subject {
		// A hash of what stands for any subject would be nobody's.
		id := v.Name(c.Subject) + ".HASH-OF-16-CHARS"
		if e.Session.SourceIdentity != "" {
			e.Session.SourceIdentity = id
		}
		if _, sent := e.Session.Tags[scope.TagSubject]; sent {
			e.Session.Tags[scope.TagSubject] = id
		}
	}
}

func faultText(err error) string { return fault.Of(err).Public() }
