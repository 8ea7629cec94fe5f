package vendtest_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/vendtest"
)

// recorder is a test that fails in place of the real one.
type recorder struct{ errors []string }

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) { r.Errorf(format, args...) }

type leakyLists struct{ err error }

func (l leakyLists) List(context.Context) (*allowlist.List, error) { return nil, l.err }

// TestLeaksAreCaught plants leaks into a service and sees each of them caught,
// where it comes out.
func TestLeaksAreCaught(t *testing.T) {
	tell := vendtest.IAM("a1b2c3", vendtest.Billing(), vendtest.Ask(`{"target":"orders"}`)).Bytes()
	for name, c := range map[string]struct {
		lists error
		event []byte
		want  []string
	}{
		"a public text": {fault.New(fault.Unavailable, "near %s", vendtest.SecretKeyMark), tell,
			[]string{"the body of the 503", "the audit trail", "the operator's log"}},
		"a cause":          {fault.Wrap(fault.Internal, fmt.Errorf("near %s", vendtest.TokenMark), "x"), tell, []string{"the operator's log"}},
		"a base64 cause":   {fault.Wrap(fault.Internal, fmt.Errorf("%s", base64.StdEncoding.EncodeToString([]byte("a:"+vendtest.PresignedMark))), "x"), tell, []string{"the operator's log"}},
		"a session's name": {fault.New(fault.Unavailable, "x"), vendtest.IAM("a1b2c3", vendtest.Role("444455556666", "r", "AROAEXAMPLE000000000", vendtest.SessionTokenMark), vendtest.Get("/v1/whoami")).Bytes(), []string{"the audit trail"}},
		"nothing":          {fault.New(fault.Unavailable, "x"), tell, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{}
			h := vendtest.New(t, vendtest.Options{Lists: leakyLists{c.lists}})
			h.Invoke(r, c.event)
			said := strings.Join(r.errors, "\n")
			if len(r.errors) != len(c.want) {
				t.Errorf("%d errors, want %d:\n%s", len(r.errors), len(c.want), said)
			}
			for _, want := range c.want {
				if !strings.Contains(said, want+" hold") {
					t.Errorf("not caught: %s\n%s", want, said)
				}
			}
		})
	}
}

// TestLeaksFindsEveryForm at every alignment.
func TestLeaksFindsEveryForm(t *testing.T) {
	for _, secret := range []string{vendtest.SecretKeyMark, vendtest.SessionTokenMark, vendtest.TokenMark, vendtest.PresignedMark} {
		for i := range 6 {
			padded := strings.Repeat("~", i) + secret + strings.Repeat("~", i)
			for _, form := range []string{padded, strings.ToLower(padded), base64.StdEncoding.EncodeToString([]byte(padded)), base64.RawURLEncoding.EncodeToString([]byte(padded))} {
				if len(vendtest.Leaks(form)) == 0 {
					t.Errorf("not found in %q", form)
				}
			}
		}
	}
	if found := vendtest.Leaks("plants, planters and a planned task"); found != nil {
		t.Errorf("%v", found)
	}
}
