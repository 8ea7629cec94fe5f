package view

import (
	"net/http"
	"strings"
	"time"
)

// How a front door's report and the audit trail's are found to tell of one
// request. They share no id: the door has the gateway's, the trail Lambda's. So
// they are joined where door, verified identity, action and status agree and
// the function's time lies within the door's; if several fit, the earliest is
// taken, and the request says so. Two requests of one caller for one thing at
// one moment can so be confused with each other, and with nobody else's.
//
// The other joins are exact: STS's session name bears the receipt, and Account
// A's report bears the session name and the access key id.

// slack is for the audit trail's clock, which is written in whole milliseconds.
const slack = 2 * time.Millisecond

// fits reports whether the audit trail of o can be of the door's request.
func fits(door *Front, begin, end time.Time, o *record) bool {
	f := o.Function
	if f.Event == "intent" && door.Status < http.StatusInternalServerError {
		return false // its outcome will come
	}
	began := o.At
	return fitsEntry(door, begin, end, f, began, began.Add(time.Duration(f.LatencyMS*float64(time.Millisecond))))
}

func fitsEntry(door *Front, begin, end time.Time, f *Function, began, ended time.Time) bool {
	if strings.TrimPrefix(f.FrontDoor, "url:") != door.ID || !sameIdentity(door, f) {
		return false
	}
	if f.Action != "" && f.Action != actionOf(door.Path) {
		return false
	}
	if began.Before(begin.Add(-slack)) || began.After(end.Add(slack)) {
		return false
	}
	if door.Status >= http.StatusInternalServerError {
		return true // the gateway may have given up waiting; the function went on
	}
	return !ended.After(end.Add(slack)) && statusFits(door.Status, f)
}

func statusFits(status int, f *Function) bool {
	switch f.Outcome {
	case "issued", "reused", "answered":
		return status < http.StatusBadRequest
	}
	return status >= http.StatusBadRequest
}

// sameIdentity compares whom the door verified with whom the function saw. A
// request that was refused before anybody was recognised can be anybody's.
func sameIdentity(door *Front, f *Function) bool {
	switch f.Kind {
	case "jwt":
		return sameText(door.Subject, f.Subject)
	case "iam", "rest-iam":
		account, resource := splitARN(f.Principal)
		doorAccount, doorResource := splitARN(door.Caller)
		if account != doorAccount {
			return false
		}
		if role, ok := strings.CutPrefix(resource, "role/"); ok {
			parts := strings.Split(doorResource, "/")
			return len(parts) == 3 && parts[0] == "assumed-role" && sameText(parts[1], role[strings.LastIndexByte(role, '/')+1:]) &&
				sameText(parts[2], f.Session)
		}
		return sameText(doorResource, resource)
	}
	return true
}

// sameText compares with a text that the audit trail may have cut.
func sameText(whole, cut string) bool {
	if start, ok := strings.CutSuffix(cut, "…"); ok {
		return strings.HasPrefix(whole, start)
	}
	return whole == cut
}

// splitARN returns an ARN's account and resource.
func splitARN(arn string) (account, resource string) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 {
		return "", arn
	}
	return parts[4], parts[5]
}

// sessionOf is the name of a role session, "" of anything else.
func sessionOf(arn string) string {
	_, resource := splitARN(arn)
	parts := strings.Split(resource, "/")
	if len(parts) != 3 || parts[0] != "assumed-role" {
		return ""
	}
	return parts[2]
}

// receiptOf is what follows the "@" of a session name that credvend chose:
// CALLER@RECEIPT.
func receiptOf(session string) string {
	_, receipt, _ := strings.Cut(session, "@")
	return receipt
}

// actionOf is what a path of credvend's API asks for, whatever stage or base
// path stands before it.
func actionOf(path string) string {
	_, rest, ok := strings.Cut(path, "/v1/")
	if !ok {
		return ""
	}
	switch first, _, _ := strings.Cut(rest, "/"); first {
	case "credentials":
		return "vend"
	case "targets", "whoami":
		return first
	}
	return ""
}

func kindOf(path string) Kind { return kindOfAction(actionOf(path)) }

func kindOfAction(action string) Kind {
	switch action {
	case "vend":
		return Vend
	case "targets", "whoami":
		return Question
	}
	return Other
}
