//go:build conformance

package main

// fact is one of the facts that docs/deploy.md marks as unsure, under the same
// id. The local stack plays what is believed.
type fact struct {
	id       string
	believed string
	how      string // why no check decides it, where none can
}

func facts() []fact {
	return []fact{
		{"chained-hour", "a session that was made by AssumeRole can assume a role for 3600 s at most (for a Lambda's own session, run it with that as ROLE_PROFILE)", ""},
		{"path-form", "IAM judges an execute-api call on the decoded path", ""},
		{"base-path", "a custom domain's mapping key stands in rawPath, so that the front door needs base=", ""},
		{"sts-quota", "about 600 AssumeRole a second per account and region", "not tried: asking for so many would throttle your account"},
		{"invoke-source-identity", "aws:SourceIdentity is in the request context of an API Gateway call", ""},
		{"other-methods", "API Gateway routes no method outside the seven", ""},
		{"packed-size", "PackedPolicySize is what the local stack estimates, give or take ten points", ""},
		{"clock-window", "the minutes that the error text states (five at the front doors), either way, give or take ten seconds", ""},
		{"org-id", "principalOrgId is null or an organization's id", ""},
	}
}

// state is what a run learned of a fact.
type state struct {
	ID      string   `json:"id"`
	Verdict string   `json:"verdict"` // "as believed" (by the local stack: "as played"), "in part", "otherwise" or "open"
	Says    []string `json:"says"`    // what was seen, or what is missing
}

// judge adds up what the checks that look at a fact came to. A fact holds only
// if every check of it ran: half of a measurement is none.
func (f fact) judge(results []result, aws bool) state {
	st, holds := state{ID: f.id}, "as played"
	if aws {
		holds = "as believed"
	}
	var open, otherwise, seen []string
	ran := 0
	for _, r := range results {
		if !contains(r.Facts, f.id) {
			continue
		}
		switch r.Outcome {
		case notRun:
			open = append(open, r.ID+": "+r.Why)
		case differs:
			otherwise = append(otherwise, r.ID+": expected "+r.Expected+", observed "+r.Observed)
		case same:
			ran++
			if r.Learned != "" {
				seen = append(seen, r.Learned)
			}
		}
	}
	switch {
	case len(otherwise) > 0:
		st.Verdict, st.Says = "otherwise", otherwise
	case len(open) > 0 && ran > 0:
		st.Verdict, st.Says = "in part", append(append([]string{f.believed}, seen...), open...)
	case len(open) > 0:
		st.Verdict, st.Says = "open", open
	case ran == 0:
		st.Verdict, st.Says = "open", []string{f.how}
	default:
		st.Verdict, st.Says = holds, append([]string{f.believed}, seen...)
	}
	return st
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
