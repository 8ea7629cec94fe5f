package gateway_test

import (
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/vendtest"
)

// door is a way in, with a caller that the allowlist knows. Its events carry
// planted secrets wherever a caller's stand.
type door struct {
	name  string
	event func(vendtest.Request) vendtest.Event
}

// doors are the four kinds of front door.
func doors() []door {
	return []door{
		{"iam", iam},
		{"function URL", func(r vendtest.Request) vendtest.Event {
			return vendtest.FunctionURL("xyz", vendtest.Billing(), vendtest.Plant(r))
		}},
		{"jwt", func(r vendtest.Request) vendtest.Event {
			return vendtest.JWT("d4e5f6", vendtest.Shopper("alice"), vendtest.Plant(r))
		}},
		{"rest-iam", rest},
	}
}

func iam(r vendtest.Request) vendtest.Event {
	return vendtest.IAM("a1b2c3", vendtest.Billing(), vendtest.Plant(r))
}

func rest(r vendtest.Request) vendtest.Event {
	return vendtest.REST("r7s8t9", vendtest.Billing(), vendtest.Plant(r))
}

// good is a request that is answered with credentials at every door.
func good() vendtest.Request { return vendtest.Plant(vendtest.Ask(`{"target":"orders"}`)) }

// answer is what a refusal must be.
type answer struct {
	status int
	code   string
	text   string // stands in the message
}

// wantRefused invokes the handler with an event that must be refused, before
// STS is called, with one audit line, and without any harm to the next event.
func wantRefused(t *testing.T, h *vendtest.Harness, event []byte, want answer) vendtest.Answer {
	t.Helper()
	h.Trail.Take(t)
	calls := len(h.STS.Calls())
	a := h.Invoke(t, event)
	if a.Status != want.status || a.Field("code") != want.code {
		t.Errorf("answer %d %s, want %d %s", a.Status, a.Text, want.status, want.code)
	}
	if want.text == "" || !strings.Contains(a.Field("message"), want.text) {
		t.Errorf("message %q does not hold %q", a.Field("message"), want.text)
	}
	if a.Field("requestId") != vendtest.RequestID {
		t.Errorf("request id %q", a.Field("requestId"))
	}
	if n := len(h.STS.Calls()) - calls; n != 0 {
		t.Errorf("STS was called %d times", n)
	}
	written := h.Trail.Take(t)
	if len(written) != 1 {
		t.Fatalf("%d audit lines, want one: %v", len(written), written)
	}
	l := written[0]
	if l.Text("event") != "refusal" || l.Text("outcome") != "refused" || l.Text("code") != want.code || l.Text("requestId") != vendtest.RequestID || l.Text("accessKeyId") != "" {
		t.Errorf("audit line %v", l)
	}
	next := h.Invoke(t, iam(good()).Bytes())
	if next.Status != 200 || next.Field("AccessKeyId") == "" {
		t.Errorf("the next event: %d", next.Status)
	}
	return a
}

// wantVended invokes the handler with an event that must be answered with
// credentials.
func wantVended(t *testing.T, h *vendtest.Harness, event []byte) vendtest.Answer {
	t.Helper()
	a := h.Invoke(t, event)
	if a.Status != 200 || a.Field("AccessKeyId") == "" {
		t.Fatalf("answer %d %s %s, want credentials", a.Status, a.Field("code"), a.Field("message"))
	}
	return a
}
