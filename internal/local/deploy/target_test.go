package deploy

import (
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/local/iam"
)

// assume plays the broker at a role's trust.
func assume(t *testing.T, role iam.Role, externalID string) bool {
	t.Helper()
	broker := &iam.Principal{
		ARN: "arn:aws:sts::444455556666:assumed-role/credvend-broker/credvend-vend", Account: siteB.Account, RoleARN: roleB, UserID: "AROAEXAMPLEBROKER000:credvend-vend",
		Policies: []*iam.Policy{mustPolicy(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:*","Resource":"*"}}`)},
	}
	ctx := iam.Context{}
	if externalID != "" {
		ctx.Set("sts:ExternalId", externalID)
	}
	return iam.EvaluateTrust(broker, role.Trust, siteA.Account, iam.Request{Action: "sts:AssumeRole", Resource: role.ARN, Context: ctx}).Allowed
}

func invoke(role iam.Role, resource string) bool {
	who := &iam.Principal{ARN: "arn:aws:sts::111122223333:assumed-role/orders-invoke/x", Account: siteA.Account, RoleARN: role.ARN, UserID: "AROAEXAMPLEORDERS000:x", Policies: role.Policies}
	return iam.Evaluate(who, nil, siteA.Account, iam.Request{Action: "execute-api:Invoke", Resource: resource}).Allowed
}

func deployTarget(t *testing.T, change func(*TargetOptions)) iam.Role {
	t.Helper()
	o := targetOptions()
	if change != nil {
		change(&o)
	}
	s, err := parse(t, "accounts/target.yaml", read(t, "accounts/target.yaml")).DeployTarget(o)
	if err != nil {
		t.Fatal(err)
	}
	role, ok := s.Role(o.Role)
	if !ok {
		t.Fatalf("there is no role %s", o.Role)
	}
	return role
}

// TestTarget: the role of the real template, and what a list may say that the
// template cannot.
func TestTarget(t *testing.T) {
	role := deployTarget(t, nil)
	for externalID, want := range map[string]bool{"orders-7f3c9a": true, "orders-000000": false, "": false} {
		if got := assume(t, role, externalID); got != want {
			t.Errorf("external id %q: %v", externalID, got)
		}
	}
	anyID := deployTarget(t, func(o *TargetOptions) {
		o.AnyExternalID, o.Parameters["ExternalId"] = true, "stand-in"
	})
	for _, externalID := range []string{"", "orders-7f3c9a", "stand-in"} {
		if !assume(t, anyID, externalID) {
			t.Errorf("any external id: %q is refused", externalID)
		}
	}
	// Only the condition is gone: the broker's name still counts.
	stranger := &iam.Principal{ARN: "arn:aws:sts::444455556666:assumed-role/other/x", Account: siteB.Account, RoleARN: "arn:aws:iam::444455556666:role/other", UserID: "AROAEXAMPLEOTHER0000:x",
		Policies: []*iam.Policy{mustPolicy(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:*","Resource":"*"}}`)}}
	if got := iam.EvaluateTrust(stranger, anyID.Trust, siteA.Account, iam.Request{Action: "sts:AssumeRole", Resource: roleA}); got.Allowed {
		t.Error("without the condition on the external id, another role of Account B may assume the role")
	}
	pathed := deployTarget(t, func(o *TargetOptions) { o.Role = "arn:aws:iam::111122223333:role/team/a/orders-invoke" })
	if !assume(t, pathed, "orders-7f3c9a") {
		t.Error("a role with a path is not trusted")
	}
}

// TestJoin: two targets' stacks that make one role.
func TestJoin(t *testing.T) {
	second := deployTarget(t, func(o *TargetOptions) {
		o.Name, o.Parameters["ApiId"], o.Parameters["Stage"], o.Parameters["ExternalId"] = "credvend-target-stock", "k1l2m3n4o5", "live", "stock-000001"
	})
	both := Join(deployTarget(t, nil), second)
	for _, externalID := range []string{"orders-7f3c9a", "stock-000001"} {
		if !assume(t, both, externalID) {
			t.Errorf("%s is refused", externalID)
		}
	}
	for resource, want := range map[string]bool{
		"a1b2c3d4e5/$default/GET/orders": true, "k1l2m3n4o5/live/GET/stock": true, "k1l2m3n4o5/$default/GET/stock": false, "z1z2z3z4z5/$default/GET/stock": false,
	} {
		if got := invoke(both, "arn:aws:execute-api:us-east-1:111122223333:"+resource); got != want {
			t.Errorf("%s: %v", resource, got)
		}
	}
	w := iam.NewWorld(nil)
	if err := (&Stack{Roles: []iam.Role{both}}).AddTo(w); err != nil {
		t.Error(err)
	}
	if err := (&Stack{Roles: []iam.Role{second}}).AddTo(w); err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("the same role twice: %v", err)
	}
}
