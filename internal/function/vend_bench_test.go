package function

import (
	"bytes"
	"testing"

	"github.com/credvend/credvend/internal/config"
	"github.com/credvend/credvend/internal/vendtest"
)

// BenchmarkVend is a vend through the whole function but the Runtime API, with
// an STS on loopback that issues at once. Its CPU profile is what a build by
// profile would go by.
func BenchmarkVend(b *testing.B) {
	sdkEnv(b, answer)
	w := newWorld(b, map[string]string{config.CacheVar: "off", config.RateVar: "off", config.STSTimeoutVar: "5s,9s"})
	h, err := New(b.Context(), w.getenv, w.trail, w.operator)
	if err != nil {
		b.Fatal(err)
	}
	event := vendtest.IAM("a1b2c3", vendtest.Billing(), vendtest.Ask(`{"target":"orders"}`)).Bytes()
	b.ReportAllocs()
	for b.Loop() {
		raw, err := h.Invoke(b.Context(), event)
		if err != nil || !bytes.Contains(raw, []byte(`"statusCode":200`)) {
			b.Fatalf("%s %v", raw, err)
		}
	}
}
