package gateway_test

import (
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/vendtest"
)

// FuzzInvoke hands over whatever bytes. The handler must not panic, the answer
// must be one that docs/openapi.yaml tells of (the harness sees to it), and one
// audit line must end it; credentials leave only after an intent.
func FuzzInvoke(f *testing.F) {
	ask := vendtest.Ask(`{"target":"orders","routes":["GET /orders/*"],"durationSeconds":900}`)
	for _, r := range []vendtest.Request{
		ask, vendtest.Get("/v1/credentials/orders?route=GET%20/orders&durationSeconds=900"), vendtest.Get("/v1/targets"), vendtest.Get("/v1/whoami"),
		vendtest.Get("/prod/v1/whoami"), vendtest.Get("/%zz"), {Method: "GE T", Path: "/v1/whoami"}, {Method: "HEAD"}, {Body: "e30=", Base64: true},
	} {
		f.Add(vendtest.IAM("a1b2c3", vendtest.Billing(), r).Bytes())
		f.Add(vendtest.FunctionURL("xyz", vendtest.Billing(), r).Bytes())
		f.Add(vendtest.JWT("d4e5f6", vendtest.Shopper("alice"), r).Bytes())
		f.Add(vendtest.REST("r7s8t9", vendtest.Billing(), r).Bytes())
	}
	for _, raw := range []string{``, `null`, `[]`, `{}`, `{"version":"2.0"}`, `{"version":"1.0"}`, `{"resource":"/"}`, "\xff"} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		h := vendtest.New(t, vendtest.Options{})
		a := h.Invoke(t, raw)
		got := h.Trail.Events(t)
		vends := a.Status == 200 && strings.Contains(a.Text, `"SecretAccessKey"`)
		switch {
		case vends && got == "intent outcome":
		case !vends && a.Status == 200 && got == "outcome":
		case a.Status != 200 && got == "refusal":
		default:
			t.Errorf("answer %d with the audit lines %q", a.Status, got)
		}
		if vends != (len(h.STS.Calls()) == 1) {
			t.Errorf("answer %d after %d calls of STS", a.Status, len(h.STS.Calls()))
		}
	})
}
