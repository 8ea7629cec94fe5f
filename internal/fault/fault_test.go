package fault_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/fault"
)

func TestEveryKindHasItsOwnCode(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range fault.Kinds() {
		if k.Code() == "" || seen[k.Code()] {
			t.Errorf("kind %d has the code %q: empty or taken", k, k.Code())
		}
		seen[k.Code()] = true
	}
	if len(seen) != 11 {
		t.Errorf("%d kinds; the contract's table has 11", len(seen))
	}
}

func TestZeroKindIsInternal(t *testing.T) {
	var e fault.Error
	if e.Kind.Code() != "internal" {
		t.Errorf("zero Kind reads %q", e.Kind.Code())
	}
	if got := fault.Kind(200).String(); got != "internal" {
		t.Errorf("an unknown kind reads %q", got)
	}
}

// An attacker who can provoke an unforeseen failure must not be able to read
// its text: it may hold anything.
func TestInternalTextIsFixed(t *testing.T) {
	secret := errors.New("token FQoGZXIvYXdzEXAMPLE")
	for _, err := range []error{
		secret,
		fault.New(fault.Internal, "planted %v", secret),
		fault.Wrap(fault.Internal, secret, "planted"),
		fmt.Errorf("outer: %w", secret),
		&fault.Error{Kind: 99, Text: secret.Error()},
	} {
		if got := fault.Of(err).Public(); strings.Contains(got, "planted") || strings.Contains(got, "EXAMPLE") {
			t.Errorf("%v: public text %q gives the cause away", err, got)
		}
	}
}

func TestOfFindsTheKindThroughWrapping(t *testing.T) {
	cause := errors.New("dial tcp: refused")
	err := fmt.Errorf("while vending: %w", fault.Wrap(fault.Unavailable, cause, "STS cannot be reached"))
	e := fault.Of(err)
	if e.Kind != fault.Unavailable || e.Public() != "STS cannot be reached" {
		t.Errorf("got %v, %q", e.Kind, e.Public())
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
	if want := "unavailable: STS cannot be reached: dial tcp: refused"; e.Error() != want {
		t.Errorf("operator's text %q, want %q", e.Error(), want)
	}
	if fault.Of(nil) != nil {
		t.Error("Of(nil) is a failure")
	}
	if got := fault.New(fault.NotFound, "no %s", "path").Error(); got != "not_found: no path" {
		t.Errorf("operator's text %q", got)
	}
}
