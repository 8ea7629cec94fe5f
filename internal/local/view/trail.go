package view

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/credvend/credvend/internal/local/sts"
)

// Bounds of one request's parts.
const (
	maxLine   = 256 << 10 // of the audit trail: CloudWatch's own limit
	maxText   = 512       // runes of one text
	maxPolicy = 4 << 10   // runes; STS takes 2,048
	maxList   = 100
	maxTags   = 50 // STS's own limit
	maxChecks = 16
	maxSTS    = 8  // calls of STS for one request: a few regions
	maxCalls  = 50 // of Account A with one vend's credentials
)

// entry is one line of the audit trail.
type entry struct {
	Function
	Time time.Time
}

// began is when the function took the request up.
func (e *entry) began() time.Time {
	return e.Time.Add(-time.Duration(e.LatencyMS * float64(time.Millisecond)))
}

// parseTrail reads a line of the audit trail. Only the fields that are named in
// Function are read: whatever else stands in a line goes nowhere.
func parseTrail(line []byte) (*entry, bool) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || len(line) > maxLine || line[0] != '{' {
		return nil, false
	}
	var e struct {
		Function
		Time time.Time `json:"time"`
	}
	if err := json.Unmarshal(line, &e); err != nil || e.RequestID == "" || e.Time.IsZero() {
		return nil, false
	}
	switch e.Event {
	case "intent", "outcome", "refusal":
	default:
		return nil, false
	}
	f := e.Function
	for _, s := range []*string{
		&f.Action, &f.RequestID, &f.Receipt, &f.FrontDoor, &f.Kind, &f.Principal, &f.UniqueID, &f.Session, &f.Issuer, &f.Subject,
		&f.SourceIdentity, &f.SourceIP, &f.Caller, &f.Target, &f.Digest, &f.Outcome, &f.Code, &f.Reason, &f.STSRegion,
		&f.STSRequestID, &f.AccessKeyID, &f.TraceID,
	} {
		*s = clean(*s)
	}
	f.Callers, f.Routes, f.DeniedRoutes, f.Rules = cleanList(f.Callers), cleanList(f.Routes), cleanList(f.DeniedRoutes), cleanList(f.Rules)
	f.RulesTried = slices.Clone(f.RulesTried[:min(len(f.RulesTried), maxList)])
	for i, t := range f.RulesTried {
		f.RulesTried[i] = Tried{clean(t.ID), clean(t.Effect), clean(t.Verdict), clean(t.Why)}
	}
	f.Attempts = slices.Clone(f.Attempts[:min(len(f.Attempts), maxSTS)])
	for i, a := range f.Attempts {
		f.Attempts[i] = Attempt{clean(a.Region), clean(a.Outcome), clean(a.Code), clean(a.STSRequestID), a.LatencyMS}
	}
	return &entry{f, e.Time}, true
}

// assumed copies an event of STS, field by field.
func assumed(e sts.Event) Assumed {
	a := Assumed{
		At: e.Time, RequestID: clean(e.RequestID), Action: clean(e.Action), Region: clean(e.Region), Caller: clean(e.Caller),
		AccessKey: clean(e.AccessKey), Role: clean(e.Role), SessionName: clean(e.SessionName), Policy: cleanTo(e.Policy, maxPolicy),
		Transitive: cleanList(e.Transitive), SourceIdentity: clean(e.SourceIdentity), Seconds: int(e.Duration / time.Second),
		Packed: e.PackedPercent, IssuedKey: clean(e.IssuedKey), Session: clean(e.Session), Verdict: clean(string(e.Verdict)),
		Fault: clean(string(e.Fault)), Status: e.Status, Code: clean(e.Code), Reason: clean(e.Reason),
	}
	for _, key := range slices.Sorted(maps.Keys(e.Tags)) {
		if len(a.Tags) == maxTags {
			break
		}
		if a.Tags == nil {
			a.Tags = map[string]string{}
		}
		a.Tags[clean(key)] = clean(e.Tags[key])
	}
	return a
}

// secretForm is what session tokens, secret keys behind a name, and signed
// tokens look like. No event holds one; should some text do, it stops here.
var secretForm = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*` +
	`|[A-Za-z0-9+/=]{120,}` +
	`|(?i)(secret[a-z_-]*|token|signature|password)["']?\s*[=:]\s*["']?[A-Za-z0-9+/=_.%-]{16,}`)

// shortestSecret is how many bytes the shortest text takes that has that form:
// most texts are shorter.
const shortestSecret = len("eyJ") + 8 + len(".x.")

func clean(s string) string { return cleanTo(s, maxText) }

// cleanTo takes the sting out of a text that came over the wire: what a page
// would hide or obey (controls, text direction marks), great length, and what
// looks like a secret.
func cleanTo(s string, limit int) string {
	if most := utf8.UTFMax * (limit + 1); len(s) > most {
		s = s[:most] // whoever sends megabytes shall not have them all looked at
	}
	n := 0
	s = strings.Map(func(r rune) rune {
		switch n++; {
		case n == limit+1:
			return '…'
		case n > limit:
			return -1
		case r == '\n' || r == '\t':
			return ' '
		case !unicode.IsPrint(r):
			return '\uFFFD'
		}
		return r
	}, s)
	if len(s) < shortestSecret {
		return s
	}
	return secretForm.ReplaceAllString(s, "(withheld)")
}

func cleanList(list []string) []string {
	list = slices.Clone(list[:min(len(list), maxList)])
	for i, s := range list {
		list[i] = clean(s)
	}
	return list
}
