package view

import (
	"slices"
	"strings"
)

// How what the doors, STS and the audit trail tell of one request is found to be
// of one request. Each join is by an id that nobody else can have:
//
//   - A front door's report and the audit trail's lines bear the X-Ray trace
//     under which the door invoked the function. Its Parent is the door's own, so
//     that a client that sends one Root many times joins nothing.
//   - A call of STS bears the receipt in its session name. Whoever may assume a
//     role can choose such a name, so once the audit trail names the request ids
//     that STS gave the function, a call with another id is somebody else's.
//   - A call with vended credentials bears the session name and the access key
//     id that was issued.

// sameTrace reports whether the audit trail's line is of the door's request.
func sameTrace(door *Front, f *Function) bool {
	return door != nil && f != nil && door.TraceID != "" && door.TraceID == f.TraceID
}

// made reports whether the function made this call of STS, as far as its audit
// trail tells by now.
func (f *Function) made(a *Assumed) bool {
	if f == nil || f.Event == "intent" || len(f.Attempts) == 0 && f.STSRequestID == "" {
		return true // it has yet to say which calls it made
	}
	if a.RequestID != "" && a.RequestID == f.STSRequestID {
		return true
	}
	return slices.ContainsFunc(f.Attempts, func(t Attempt) bool {
		// Of an attempt that was given up, or whose answer was lost, the function
		// never learnt the id.
		return t.STSRequestID == a.RequestID || t.STSRequestID == "" && t.Region == a.Region
	})
}

// resourceOf is an ARN's last part; of what is no ARN, the whole.
func resourceOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[5]
	}
	return arn
}

// sessionOf is the name of a role session, "" of anything else.
func sessionOf(arn string) string {
	parts := strings.Split(resourceOf(arn), "/")
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
