package gateway_test

import (
	"testing"

	"github.com/credvend/credvend/internal/vendtest"
)

// Who probes which target with what is malformed must show in the trail.
func TestMalformedRequestsAreRecordedWithWhatTheyAskFor(t *testing.T) {
	for name, r := range map[string]vendtest.Request{
		"route":     vendtest.Ask(`{"target":"orders","routes":["GET /orders/.."]}`),
		"duration":  vendtest.Ask(`{"target":"orders","routes":["GET /orders/.."],"durationSeconds":1}`),
		"by GET":    vendtest.Get("/v1/credentials/orders?route=GET%20%2Forders%2F.."),
		"parameter": vendtest.Get("/v1/credentials/orders?route=GET%20%2Forders%2F..&x-amz-foo=1"),
	} {
		t.Run(name, func(t *testing.T) {
			h := vendtest.New(t, vendtest.Options{})
			if a := h.Invoke(t, vendtest.IAM("a1b2c3", vendtest.Billing(), r).Bytes()); a.Status != 400 {
				t.Errorf("answer %d: %s", a.Status, a.Text)
			}
			lines := h.Trail.Lines(t)
			if len(lines) != 1 || lines[0].Text("action") != "vend" || lines[0].Text("target") != "orders" || len(lines[0]["routes"].([]any)) != 1 || lines[0]["grantedSeconds"] != nil {
				t.Errorf("lines %v", lines)
			}
		})
	}
}
