package scope_test

import (
	"flag"
	"testing"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// document has one target, and neither callers nor rules.
func document() *allowlist.Document {
	return &allowlist.Document{
		Version: 1,
		Targets: map[string]allowlist.Target{"orders": {
			Role: "arn:aws:iam::111122223333:role/orders-invoke", API: stageARN, RequireRoutes: false,
		}},
		Callers: map[string]allowlist.Caller{},
	}
}

func billing() identity.Caller {
	return identity.Caller{
		Kind: identity.IAM, UniqueID: "AROAEXAMPLEBILLING00", Subject: "pod-7",
		Principal: arn.Principal{Partition: "aws", Account: "444455556666", Type: arn.Role, Name: "billing-service", Session: "pod-7"},
	}
}

func parse(t testing.TB, routes ...string) (out []route.Route) {
	t.Helper()
	for _, text := range routes {
		r, err := route.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}
