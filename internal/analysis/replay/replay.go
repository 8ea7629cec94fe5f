package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/analysis"
)

// What would become of a past request.
const (
	Refused  = "refused"  // it got credentials, and would get none
	Narrowed = "narrowed" // it would get less, or be refused if it named its routes
	Widened  = "widened"  // it would get more of what it asked for
	Allowed  = "allowed"  // it was refused by the list, and would get credentials
	Shorter  = "shorter"  // its credentials would live shorter
)

// Change is one kind of past request whose answer would change.
type Change struct {
	What    string   `json:"change"`
	Who     string   `json:"who"`
	Callers []string `json:"callers"` // as the line has them
	Target  string   `json:"target"`
	Routes  []string `json:"routes,omitempty"`
	Detail  string   `json:"detail"`
	Assumed bool     `json:"assumed,omitempty"` // rests on what the line does not record
	Count   int      `json:"count"`
	First   string   `json:"first"` // request id
	From    string   `json:"from"`  // time of the first and of the last
	To      string   `json:"to"`
}

// Report is what a replay found.
type Report struct {
	Digest   string         `json:"allowlistDigest"`
	Lines    int            `json:"lines"`
	Requests int            `json:"requests"`          // that were held against the list
	Same     int            `json:"same"`              // of them, answered as before
	Changed  int            `json:"changed"`           // of them, answered otherwise
	Skipped  map[string]int `json:"skipped,omitempty"` // lines and requests that were not, by why
	Changes  []Change       `json:"changes,omitempty"` // by kind, in order of appearance
	More     int            `json:"moreChanges,omitempty"`
	Assumed  int            `json:"assumed,omitempty"` // requests held against the list by an assumption
}

// Reasons for which a line or a request is not held against the list.
const (
	Foreign    = "foreign lines"
	TooLong    = "lines too long to be audit lines"
	NoVend     = "lines of requests that ask for no credentials"
	Announced  = "intents, whose outcome follows"
	Undecided  = "requests that ended before or apart from the list"
	Cut        = "requests whose line was cut when it was written"
	Unknown    = "requests of tokens that bore a caller name which the list does not have"
	Nameless   = "requests of tokens that matched no caller, so nothing is known of their claims"
	Unreadable = "requests that name what no list could"
	Involved   = "requests with routes too involved to compare"
)

// maxKinds bounds the kinds of change that are told apart, and maxPending the
// intents that wait for their outcome.
const (
	maxKinds   = 1000
	maxPending = 10_000
)

// Run reads a log to its end.
func Run(ctx context.Context, s analysis.Subject, log io.Reader) (Report, error) {
	suite, err := analysis.NewSuite(s, nil)
	if err != nil {
		return Report{}, err
	}
	p := player{
		subject: s, suite: suite, kinds: map[string]int{}, pending: map[string]record{},
		report: Report{Digest: s.List.Digest(), Skipped: map[string]int{}},
	}
	in := newLines(log)
	for {
		line, tooLong, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Report{}, fmt.Errorf("the log cannot be read after line %d: %w", p.report.Lines, err)
		}
		if p.report.Lines++; p.report.Lines%1024 == 0 && ctx.Err() != nil {
			return Report{}, ctx.Err()
		}
		switch {
		case tooLong:
			p.report.Skipped[TooLong]++
		case len(strings.TrimSpace(string(line[:min(len(line), 64)]))) == 0:
		default:
			p.line(line)
		}
	}
	// An intent that no outcome follows counts as issued.
	for _, id := range p.waiting {
		if r, still := p.pending[id]; still {
			p.report.Skipped[Announced]--
			p.request(r)
		}
	}
	if p.report.Skipped[Announced] == 0 {
		delete(p.report.Skipped, Announced)
	}
	return p.report, nil
}

// player is a replay in the making.
type player struct {
	subject analysis.Subject
	suite   *analysis.Suite
	report  Report
	kinds   map[string]int // key of a change → its place in the report
	pending map[string]record
	waiting []string // ids in pending, oldest first
}

func (p *player) line(line []byte) {
	r, ours := parse(line)
	switch {
	case !ours:
		p.report.Skipped[Foreign]++
	case r.Action != "vend":
		p.report.Skipped[NoVend]++
	case r.Event == "intent":
		p.report.Skipped[Announced]++
		p.announce(r)
	default:
		delete(p.pending, r.RequestID)
		p.request(r)
	}
}

// announce keeps an intent until its outcome comes. The oldest of too many is
// taken as one that none follows.
func (p *player) announce(r record) {
	if _, twice := p.pending[r.RequestID]; twice {
		return
	}
	p.pending[r.RequestID] = r
	p.waiting = append(p.waiting, r.RequestID)
	if len(p.waiting) < 2*maxPending {
		return
	}
	p.waiting = slices.DeleteFunc(p.waiting, func(id string) bool { _, still := p.pending[id]; return !still })
	for len(p.waiting) > maxPending {
		oldest := p.pending[p.waiting[0]]
		delete(p.pending, p.waiting[0])
		p.waiting = p.waiting[1:]
		p.report.Skipped[Announced]--
		p.request(oldest)
	}
}

// request holds one request against the list.
func (p *player) request(r record) {
	past, why := rebuild(p.subject, p.suite, r)
	if why != "" {
		p.report.Skipped[why]++
		return
	}
	what, detail, err := past.now(p.subject)
	if err != nil { // a log must not be able to end its own replay
		p.report.Skipped[Involved]++
		return
	}
	p.report.Requests++
	if past.assumed {
		p.report.Assumed++
	}
	if what == "" {
		p.report.Same++
		return
	}
	p.report.Changed++
	c := Change{
		What: what, Who: past.describe, Callers: r.Callers, Target: r.Target, Routes: r.Routes,
		Detail: detail, Assumed: past.assumed, Count: 1, First: r.RequestID, From: r.Time, To: r.Time,
	}
	key := strings.Join([]string{c.What, c.Who, c.Target, strings.Join(c.Routes, " "), c.Detail}, "\x00")
	if at, known := p.kinds[key]; known {
		p.report.Changes[at].Count++
		p.report.Changes[at].To = r.Time
		return
	}
	if len(p.report.Changes) >= maxKinds {
		p.report.More++
		return
	}
	p.kinds[key] = len(p.report.Changes)
	p.report.Changes = append(p.report.Changes, c)
}
