package view

import (
	"fmt"
	"net/http"
	"strings"
)

// settle works out what the parts of a request come to.
func (r *Request) settle() {
	r.Who, r.What, r.Where = r.who(), r.what(), r.where()
	if r.Front != nil {
		r.Status = r.Front.Status
	}
	r.Hops = r.hops()
	r.Verdict = r.verdict()
	r.Sentence = r.sentence()
}

func (r *Request) hops() []Hop {
	if r.Kind == Call {
		hops := []Hop{{atAPI, callVerdict(r.Front)}}
		if r.Receipt != "" { // the session is the role's
			hops = append([]Hop{{atRole, Allowed}}, hops...)
		}
		return hops
	}
	hops := []Hop{}
	if f := r.Front; f != nil {
		hops = append(hops, Hop{atDoor, yes(f.Allowed)})
		if !f.Allowed {
			return hops
		}
	}
	if r.Function != nil {
		hops = append(hops, Hop{atCredvend, r.Function.verdict()})
	} else if f := r.Front; f != nil && f.Status >= http.StatusInternalServerError {
		hops = append(hops, Hop{atCredvend, Failed})
	}
	if n := len(r.STS); n > 0 {
		last := r.STS[n-1].verdict()
		hops = append(hops, Hop{atSTS, last})
		if last == Allowed && r.STS[n-1].Action == assumeRole {
			hops = append(hops, Hop{atRole, Allowed})
		}
	}
	return hops
}

// verdict is the request's as a whole: that of the answer, where there is one.
func (r *Request) verdict() Verdict {
	switch f := r.Front; {
	case r.Kind == Call:
		return callVerdict(f)
	case f != nil && !f.Allowed:
		return Refused
	case f != nil && f.Status >= http.StatusInternalServerError:
		return failedOr(r.Function)
	case r.Function != nil && r.Function.Event == "intent":
		return Waiting
	case r.Function != nil && r.Function.Outcome == "denied":
		return Refused
	case r.Function != nil:
		return r.Function.verdict()
	case f != nil && f.Status >= http.StatusBadRequest:
		return Refused
	case f != nil:
		return Allowed
	case len(r.STS) > 0:
		return r.STS[len(r.STS)-1].verdict()
	}
	return Waiting
}

// failedOr tells STS's refusal, which credvend answers with 502, from what
// nobody refused.
func failedOr(f *Function) Verdict {
	if f != nil && f.Outcome == "denied" {
		return Refused
	}
	return Failed
}

func yes(allowed bool) Verdict {
	if allowed {
		return Allowed
	}
	return Refused
}

// callVerdict is Account A's: what its IAM said, not what its backend answered.
func callVerdict(f *Front) Verdict {
	if f.Allowed && f.Status >= http.StatusInternalServerError {
		return Failed
	}
	return yes(f.Allowed)
}

// verdict is credvend's own: what STS said afterwards is STS's.
func (f *Function) verdict() Verdict {
	switch f.Outcome {
	case "issued", "reused", "answered", "denied":
		return Allowed
	case "refused":
		return Refused
	case "":
		return Allowed // an intent: it has decided
	}
	if len(f.Attempts) > 0 {
		return Allowed // it had decided too
	}
	return Failed
}

func (a *Assumed) verdict() Verdict {
	switch a.Verdict {
	case "granted":
		return Allowed
	case "refused":
		return Refused
	}
	return Failed
}

// who is the shortest name that tells one caller from another.
func (r *Request) who() string {
	switch {
	case r.Kind == Call && r.Receipt != "":
		return callerOf(r.Front.Caller)
	case r.Kind == STS && r.Receipt != "" && r.STS[0].Action != assumeRole:
		return callerOf(r.STS[0].Caller)
	case r.Front != nil && r.Front.Subject != "":
		return r.Front.Subject
	case r.Front != nil && r.Front.Caller != "":
		return shortName(r.Front.Caller)
	case r.Front != nil:
		return "nobody"
	case r.Function != nil && r.Function.Subject != "":
		return r.Function.Subject
	case r.Function != nil && r.Function.Principal != "":
		return shortName(r.Function.Principal)
	case len(r.STS) > 0 && r.STS[0].Caller != "":
		return shortName(r.STS[0].Caller)
	}
	return "somebody"
}

// callerOf is the caller name in the ARN of a vended session.
func callerOf(arn string) string {
	name, _, _ := strings.Cut(sessionOf(arn), "@")
	return name
}

// shortName is the name of the role or user in an ARN.
func shortName(arn string) string {
	parts := strings.Split(resourceOf(arn), "/")
	if len(parts) == 3 && parts[0] == "assumed-role" {
		return parts[1]
	}
	return parts[len(parts)-1]
}

func (r *Request) what() string {
	switch {
	case r.Front != nil:
		return r.Front.Method + " " + r.Front.Path
	case r.Kind == STS:
		return r.STS[0].Action
	case r.Function != nil && r.Function.Action != "":
		return r.Function.Action
	}
	return "a request"
}

func (r *Request) where() string {
	switch {
	case r.Front != nil && r.Front.Name != "":
		return r.Front.Name
	case r.Front != nil:
		return r.Front.ID
	case r.Kind == STS:
		return "STS"
	case r.Kind == Invoke:
		return "past the front doors"
	}
	return ""
}

// sentence tells in plain words what came of the request, and who decided.
func (r *Request) sentence() string {
	f := r.Function
	switch {
	case r.Kind == Call && r.Verdict == Allowed:
		return fmt.Sprintf("Account A let %s do %s.", r.Who, r.What)
	case r.Kind == Call && r.Verdict == Failed:
		return fmt.Sprintf("Account A let %s do %s, but the API failed: %s.", r.Who, r.What, r.Front.Reason)
	case r.Kind == Call:
		return fmt.Sprintf("Account A refused %s of %s: %s.", r.What, r.Who, r.Front.reason())
	case r.Front != nil && !r.Front.Allowed:
		return fmt.Sprintf("The front door refused %s: %s.", r.Who, r.Front.reason())
	case r.Kind == STS && r.Verdict == Allowed:
		return fmt.Sprintf("STS answered %s of %s.", r.What, r.Who)
	case r.Kind == STS:
		return fmt.Sprintf("STS refused %s of %s: %s.", r.What, r.Who, trim(r.STS[len(r.STS)-1].Reason))
	case r.Verdict == Waiting:
		return fmt.Sprintf("%s is being served.", r.Who)
	case f == nil && r.Verdict == Allowed:
		return fmt.Sprintf("%s got an answer to %s.", r.Who, r.What)
	case f == nil:
		return fmt.Sprintf("%s of %s came to %d.", r.What, r.Who, r.Status)
	}
	return r.ofCredvend(f)
}

func (r *Request) ofCredvend(f *Function) string {
	grant := fmt.Sprintf("%s may use %s of %s for %s", r.Who, listed(f.Routes), f.Target, minutes(f.Granted))
	switch f.Outcome {
	case "issued":
		return grant + "."
	case "reused":
		return grant + ", with credentials that were issued before."
	case "answered":
		if f.Action == "targets" {
			return fmt.Sprintf("credvend told %s what it may have.", r.Who)
		}
		return fmt.Sprintf("credvend told %s who it is.", r.Who)
	case "denied":
		reason := f.Reason
		if n := len(r.STS); n > 0 && r.STS[n-1].Reason != "" {
			reason = r.STS[n-1].Reason
		}
		return fmt.Sprintf("STS refused credvend, which asked for %s: %s.", r.Who, trim(reason))
	case "refused":
		return fmt.Sprintf("credvend refused %s: %s.", r.Who, trim(f.Reason))
	}
	return fmt.Sprintf("Nothing came of it for %s: %s.", r.Who, trim(f.Reason))
}

func (f *Front) reason() string {
	switch f.Reason {
	case "":
		return fmt.Sprintf("status %d", f.Status)
	case "MissingAuthenticationToken":
		return "it is not signed"
	}
	return trim(f.Reason)
}

func trim(s string) string { return strings.TrimRight(s, ". ") }

// listed names three at most.
func listed(routes []string) string {
	switch n := len(routes); {
	case n == 0:
		return "no route"
	case n > 3:
		return fmt.Sprintf("%s and %d more routes", strings.Join(routes[:2], ", "), n-2)
	}
	return strings.Join(routes, ", ")
}

func minutes(seconds int) string {
	switch {
	case seconds == 60:
		return "a minute"
	case seconds%60 == 0:
		return fmt.Sprintf("%d minutes", seconds/60)
	case seconds > 120: // what is left of a reused session
		return fmt.Sprintf("%d minutes and %d seconds", seconds/60, seconds%60)
	}
	return fmt.Sprintf("%d seconds", seconds)
}
