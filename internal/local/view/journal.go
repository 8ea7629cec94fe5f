package view

import (
	"slices"
	"strings"
	"time"

	"github.com/credvend/credvend/internal/local/apigw"
	"github.com/credvend/credvend/internal/local/sts"
)

// journal is the last requests, in the order of their ids. It is not safe for
// concurrent use.
type journal struct {
	keep      int
	next      uint64
	records   []*record
	byAudit   map[string]*record // by the function's request id
	byReceipt map[string]*record // what the receipt was first given for
	doors     map[string]string  // names of front doors, by id
	targets   map[string]string  // names of Account A's APIs, by id
	gone      []uint64
}

func newJournal(keep int) *journal {
	return &journal{keep: keep, next: 1, byAudit: map[string]*record{}, byReceipt: map[string]*record{}}
}

func (j *journal) describe(p Places) {
	j.doors, j.targets = map[string]string{}, map[string]string{}
	for _, d := range p.Doors {
		j.doors[d.ID] = d.Name
	}
	for _, t := range p.Targets {
		// Several targets can be stages of one API, or even the same one.
		if name, ok := j.targets[t.API]; ok && name != t.Name {
			j.targets[t.API] = name + ", " + t.Name
			continue
		}
		j.targets[t.API] = t.Name
	}
}

// add begins a record, and lets the oldest go.
func (j *journal) add(kind Kind, at time.Time) *record {
	r := &record{Request: Request{ID: j.next, Kind: kind, At: at, Verdict: Waiting, Hops: []Hop{}}, changed: true}
	j.next++
	j.records = append(j.records, r)
	for len(j.records) > j.keep {
		j.remove(j.records[0])
	}
	return r
}

func (j *journal) remove(r *record) {
	j.records = slices.DeleteFunc(j.records, func(o *record) bool { return o == r })
	if r.Function != nil && j.byAudit[r.Function.RequestID] == r {
		delete(j.byAudit, r.Function.RequestID)
	}
	if j.byReceipt[r.Receipt] == r {
		delete(j.byReceipt, r.Receipt)
	}
	j.gone = append(j.gone, r.ID)
}

// flush settles what changed and hands it out, once.
func (j *journal) flush(now func() time.Time) (changed []*record, gone []uint64) {
	for _, r := range j.records {
		if r.changed {
			if r.At.IsZero() {
				r.At = now()
			}
			r.settle()
			r.encoded, r.changed = encode(r.Request), false
			changed = append(changed, r)
		}
	}
	gone, j.gone = j.gone, nil
	return changed, gone
}

// door takes in the report of a front door or of an API of Account A.
func (j *journal) door(t apigw.Trace) {
	f := &Front{
		Kind: clean(t.Kind), ID: clean(t.ID), RequestID: clean(t.RequestID), TraceID: clean(t.TraceID), Method: clean(t.Method), Path: clean(t.Path),
		SourceIP: clean(t.SourceIP), Caller: clean(t.Caller), AccessKey: clean(t.AccessKeyID), Subject: clean(t.Subject),
		Allowed: t.Allowed, Reason: clean(t.Reason), Status: t.Status,
	}
	for _, c := range t.Checks[:min(len(t.Checks), maxChecks)] {
		f.Checks = append(f.Checks, Check{clean(c.Action), clean(c.Resource), c.Allowed, clean(c.Reason), clean(c.Statement)})
	}
	if name, ok := j.targets[t.ID]; ok {
		f.Name = name
		r := j.add(Call, t.At)
		r.Front, r.Millis = f, milliseconds(t.Elapsed)
		r.Receipt = receiptOf(sessionOf(f.Caller))
		j.link(r)
		return
	}
	f.Name = j.doors[t.ID]
	r := j.first(func(o *record) bool { return o.Front == nil && sameTrace(f, o.Function) })
	if r == nil {
		r = j.add(kindOf(f.Path), t.At)
	}
	r.Front, r.Kind, r.At, r.Millis, r.changed = f, kindOf(f.Path), t.At, milliseconds(t.Elapsed), true
}

// sts takes in an event of STS: of a vend if its session name ends in a receipt.
func (j *journal) sts(e sts.Event) {
	a := assumed(e)
	if e.Action != assumeRole { // somebody asks who the vended credentials are, say
		r := j.add(STS, e.Time)
		r.STS, r.Receipt = []Assumed{a}, receiptOf(sessionOf(a.Caller))
		j.link(r)
		return
	}
	receipt := receiptOf(a.SessionName)
	r := j.byReceipt[receipt]
	switch {
	case r == nil:
		r = j.add(STS, e.Time)
		if receipt != "" {
			r.Receipt = receipt
			j.byReceipt[receipt] = r
		}
	case !r.Function.made(&a):
		r = j.add(STS, e.Time)
	}
	if len(r.STS) < maxSTS {
		r.STS = append(r.STS, a)
	}
	r.changed = true
	j.linkAll(r)
}

// audit takes in a line of the audit trail.
func (j *journal) audit(e *entry) {
	r := j.byAudit[e.RequestID]
	if r == nil && !e.Reused && e.Receipt != "" {
		// STS may have told of it already.
		if o := j.byReceipt[e.Receipt]; o != nil && o.Function == nil {
			r = o
		}
	}
	if r == nil {
		r = j.add(Invoke, e.began())
	}
	f := e.Function
	r.Function, r.changed = &f, true
	if r.Front == nil {
		r.Kind, r.At, r.Millis = Invoke, e.began(), e.LatencyMS
		if j.known(f.FrontDoor) {
			r.Kind = kindOfAction(f.Action)
		}
	}
	j.byAudit[f.RequestID] = r
	r.Receipt = f.Receipt
	switch first := j.byReceipt[f.Receipt]; {
	case f.Receipt == "":
	case first == nil: // or the one it was issued for is no longer kept
		j.byReceipt[f.Receipt] = r
	case first != r:
		r.Vend = first.ID
	}
	if r.Front == nil {
		j.meet(r)
	}
	j.disown(r)
	j.linkAll(r)
}

// meet takes over the front door's report of the request, if that came first.
func (j *journal) meet(r *record) {
	door := j.first(func(o *record) bool { return o.Function == nil && o.Kind != Call && sameTrace(o.Front, r.Function) })
	if door == nil {
		return
	}
	r.Front, r.Kind, r.At, r.Millis = door.Front, door.Kind, door.At, door.Millis
	j.remove(door)
}

// disown gives calls of STS that borrowed the receipt a record of their own.
func (j *journal) disown(r *record) {
	for i := 0; i < len(r.STS); {
		a := r.STS[i]
		if r.Function.made(&a) {
			i++
			continue
		}
		r.STS = slices.Delete(r.STS, i, i+1)
		j.add(STS, a.At).STS = []Assumed{a}
	}
}

// assumeRole is the action by which credvend vends.
const assumeRole = "AssumeRole"

// link joins what was done with vended credentials, at Account A's API or at
// STS, to the vend: the receipt names it, and the access key id must be the one that was issued for it, since
// anybody who can assume some role can choose a session name.
func (j *journal) link(call *record) {
	vend := j.byReceipt[call.Receipt]
	if call.Receipt == "" || call.Vend != 0 || vend == nil || vend == call {
		return
	}
	key := ""
	switch {
	case call.Front != nil:
		key = call.Front.AccessKey
	case len(call.STS) > 0:
		key = call.STS[0].AccessKey
	}
	if key == "" || key != vend.issuedKey() {
		return
	}
	call.Vend, call.changed = vend.ID, true
	vend.Calls = append(vend.Calls, call.ID)
	if n := len(vend.Calls); n > maxCalls {
		vend.Calls = slices.Clone(vend.Calls[n-maxCalls:])
	}
	vend.changed = true
}

// linkAll joins the calls that came before it was known what was issued.
func (j *journal) linkAll(vend *record) {
	if vend.Receipt == "" || j.byReceipt[vend.Receipt] != vend {
		return
	}
	for _, r := range j.records {
		if (r.Kind == Call || r.Kind == STS) && r.Receipt == vend.Receipt {
			j.link(r)
		}
	}
}

// first is the first record that fits.
func (j *journal) first(fits func(*record) bool) *record {
	if i := slices.IndexFunc(j.records, fits); i >= 0 {
		return j.records[i]
	}
	return nil
}

func (j *journal) known(door string) bool {
	_, ok := j.doors[strings.TrimPrefix(door, "url:")]
	return ok
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}
