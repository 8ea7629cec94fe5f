package iam

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	broker = "arn:aws:iam::444455556666:role/service/credvend-vend"
	target = "arn:aws:iam::111122223333:role/orders-invoke"
)

func trustIn(t testing.TB, principal string) *Policy {
	return statements(t, `{"Effect":"Allow","Principal":{"AWS":"`+principal+`"},"Action":"sts:AssumeRole"}`)
}

func mustAdd(t testing.TB, w *World, roles ...Role) {
	t.Helper()
	for _, r := range roles {
		if err := w.AddRole(r); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRecreatedRoleIsAStranger(t *testing.T) {
	w := NewWorld(nil)
	may := statements(t, `{"Effect":"Allow","Action":"sts:*","Resource":"*"}`)
	mustAdd(t, w, Role{ARN: broker, Policies: []*Policy{may}}, Role{ARN: target, Trust: trustIn(t, broker)})
	start := func() *Principal {
		t.Helper()
		c, err := w.StartSession(SessionSpec{RoleARN: broker, SessionName: "fn"})
		if err != nil {
			t.Fatal(err)
		}
		return c.Principal
	}
	assume := func(p *Principal) bool {
		t.Helper()
		role, ok := w.Role(target)
		if !ok {
			t.Fatal("no role")
		}
		return EvaluateTrust(p, role.Trust, accountA, Request{Action: "sts:AssumeRole", Resource: target}).Allowed
	}
	before := start()
	if !assume(before) {
		t.Fatal("the broker cannot assume the role")
	}
	old, _ := w.Role(broker)
	w.RemoveRole(broker)
	mustAdd(t, w, Role{ARN: broker, Policies: []*Policy{may}})
	again, _ := w.Role(broker)
	if old.UniqueID == again.UniqueID || !strings.HasPrefix(again.UniqueID, "AROA") {
		t.Errorf("unique ids %q and %q", old.UniqueID, again.UniqueID)
	}
	if assume(start()) {
		t.Error("a role made anew under the old name is still trusted")
	}
	// Storing the trust policy again resolves the name again.
	if err := w.UpdateRole(Role{ARN: target, Trust: trustIn(t, broker)}); err != nil {
		t.Fatal(err)
	}
	if !assume(start()) {
		t.Error("the new role is not trusted after the trust policy was stored again")
	}
	// Trust in the account survives.
	if err := w.UpdateRole(Role{ARN: target, Trust: trustIn(t, accountB)}); err != nil {
		t.Fatal(err)
	}
	w.RemoveRole(broker)
	mustAdd(t, w, Role{ARN: broker, Policies: []*Policy{may}})
	if !assume(start()) {
		t.Error("trust in the account did not survive")
	}
}

func TestSessionDiesWithItsRole(t *testing.T) {
	w := NewWorld(nil)
	mustAdd(t, w, Role{ARN: broker})
	c, err := w.StartSession(SessionSpec{RoleARN: broker, SessionName: "fn"})
	if err != nil {
		t.Fatal(err)
	}
	w.RemoveRole(broker)
	if _, ok := w.Credential(c.AccessKeyID); ok {
		t.Error("the session of a removed role lives")
	}
	mustAdd(t, w, Role{ARN: broker})
	if _, ok := w.Credential(c.AccessKeyID); ok {
		t.Error("the session came back with another role of its name")
	}
}

// A role policy that denies sessions issued before a moment bites at the next request.
func TestRevocationBitesALiveSession(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	w := NewWorld(func() time.Time { return now })
	all := statements(t, allowAll)
	mustAdd(t, w, Role{ARN: target, Policies: []*Policy{all}})
	start := func(name, team string) Credential {
		t.Helper()
		c, err := w.StartSession(SessionSpec{RoleARN: target, SessionName: name, Tags: map[string]string{"team": team}, SourceIdentity: name})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	allowed := func(c Credential) bool {
		t.Helper()
		fresh, ok := w.Credential(c.AccessKeyID)
		if !ok {
			t.Fatal("unknown key")
		}
		return Evaluate(fresh.Principal, nil, accountA, Request{Action: "execute-api:Invoke", Resource: orderGET}).Allowed
	}
	billing, shop := start("billing@1", "billing"), start("shop@1", "shop")
	now = now.Add(time.Minute)
	deny := func(condition string) {
		t.Helper()
		revoke := statements(t, `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"2026-11-22T12:00:30Z"}`+condition+`}}`)
		if err := w.UpdateRole(Role{ARN: target, Policies: []*Policy{all, revoke}}); err != nil {
			t.Fatal(err)
		}
	}
	for name, condition := range map[string]string{
		"tag":             `,"StringEquals":{"aws:PrincipalTag/team":"billing"}`,
		"source identity": `,"StringEquals":{"aws:SourceIdentity":"billing@1"}`,
		"session name":    `,"StringLike":{"aws:userid":"AROA*:billing@*"}`,
	} {
		deny(condition)
		if allowed(billing) || !allowed(shop) || !allowed(start("billing@2", "billing")) {
			t.Errorf("revocation by %s: billing %v, shop %v", name, allowed(billing), allowed(shop))
		}
	}
	deny("")
	if allowed(billing) || allowed(shop) {
		t.Error("revocation of all left one alive")
	}
	if !allowed(start("shop@2", "shop")) {
		t.Error("revocation hit a later session")
	}
}

func TestPrincipalFacts(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	w := NewWorld(func() time.Time { return now })
	mustAdd(t, w, Role{ARN: broker, UniqueID: "AROAEXAMPLEBROKER000", Tags: map[string]string{"Team": "platform", "stage": "prod"}})
	c, err := w.StartSession(SessionSpec{RoleARN: broker, SessionName: "fn@1", Tags: map[string]string{"team": "vending"}, SourceIdentity: "ana",
		SourceFunctionARN: "arn:aws:lambda:us-east-1:444455556666:function:vend"})
	if err != nil {
		t.Fatal(err)
	}
	if want := "arn:aws:sts::444455556666:assumed-role/credvend-vend/fn@1"; c.Principal.ARN != want {
		t.Errorf("session ARN %s, want %s (STS reports no role path)", c.Principal.ARN, want)
	}
	ctx := evaluationContext(c.Principal, accountA, nil)
	for key, want := range map[string]string{
		"aws:PrincipalArn": broker, "aws:PrincipalAccount": accountB, "aws:userid": "AROAEXAMPLEBROKER000:fn@1", "aws:PrincipalType": "AssumedRole",
		"aws:PrincipalTag/team": "vending", "aws:PrincipalTag/stage": "prod", "aws:SourceIdentity": "ana", "aws:TokenIssueTime": "2026-11-22T12:00:00Z",
		"aws:CurrentTime": "2026-11-22T12:00:00Z", "aws:EpochTime": "1795348800", "aws:ResourceAccount": accountA,
		"lambda:SourceFunctionArn": "arn:aws:lambda:us-east-1:444455556666:function:vend",
	} {
		if got := ctx.Get(key); len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if got := ctx.Get("aws:username"); got != nil {
		t.Errorf("a role session has aws:username %q", got)
	}
	if err := w.AddUser(User{ARN: "arn:aws:iam::444455556666:user/ops/ana"}); err != nil {
		t.Fatal(err)
	}
	u, err := w.UserCredential("arn:aws:iam::444455556666:user/ops/ana")
	if err != nil {
		t.Fatal(err)
	}
	uctx := evaluationContext(u.Principal, accountA, nil)
	if got := uctx.Get("aws:username"); len(got) != 1 || got[0] != "ana" || uctx.Get("aws:TokenIssueTime") != nil {
		t.Errorf("user context %v", uctx)
	}
	if !u.Expiration.IsZero() || u.SessionToken != "" || !strings.HasPrefix(u.AccessKeyID, "AKIA") {
		t.Error("a user's key is not long-term")
	}
}

func TestWorldRefuses(t *testing.T) {
	w := NewWorld(nil)
	mustAdd(t, w, Role{ARN: target})
	fixed := trustIn(t, accountB)
	cases := []struct {
		name string
		role Role
		text string
	}{
		{"no ARN of a role", Role{ARN: "arn:aws:iam::111122223333:user/x"}, "not the ARN of a role"},
		{"wildcard in the ARN", Role{ARN: "arn:aws:iam::111122223333:role/x*"}, "not the ARN of a role"},
		{"role that exists", Role{ARN: target}, "already exists"},
		{"name that exists under another path", Role{ARN: "arn:aws:iam::111122223333:role/a/orders-invoke"}, "already exists"},
		{"trust in a role that does not exist", Role{ARN: broker, Trust: trustIn(t, "arn:aws:iam::444455556666:role/gone")}, "Invalid principal in policy"},
		{"trust in a user that does not exist", Role{ARN: broker, Trust: trustIn(t, "arn:aws:iam::444455556666:user/gone")}, "Invalid principal in policy"},
		{"trust policy without Principal", Role{ARN: broker, Trust: statements(t, allowAll)}, "Missing required field Principal"},
		{"trust policy with Resource", Role{ARN: broker, Trust: statements(t, resourceFor(`"*"`, "Allow"))}, "prohibited field Resource"},
		{"trust policy for other actions", Role{ARN: broker, Trust: statements(t, `{"Effect":"Allow","Principal":"*","Action":"s3:*"}`)}, "AssumeRole policy may only specify"},
		{"trust policy with NotPrincipal", Role{ARN: broker, Trust: statements(t, `{"Effect":"Deny","NotPrincipal":{"AWS":"444455556666"},"Action":"sts:AssumeRole"}`)}, "NotPrincipal"},
		{"identity policy with Principal", Role{ARN: broker, Policies: []*Policy{fixed}}, "should not specify a principal"},
		{"boundary with Principal", Role{ARN: broker, Boundary: fixed}, "should not specify a principal"},
		{"longest session too long", Role{ARN: broker, MaxSession: 13 * time.Hour}, "1 to 12 hours"},
		{"longest session too short", Role{ARN: broker, MaxSession: time.Minute}, "1 to 12 hours"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if err := w.AddRole(c.role); err == nil || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v, want %q", err, c.text)
			}
		})
	}
	for _, s := range []SessionSpec{
		{RoleARN: broker, SessionName: "fn"}, {RoleARN: target, SessionName: "x"}, {RoleARN: target, SessionName: "a:b"},
		{RoleARN: target, SessionName: "fn", Duration: 2 * time.Hour}, {RoleARN: target, SessionName: "fn", Policy: fixed},
	} {
		if _, err := w.StartSession(s); err == nil {
			t.Errorf("a session was made of %+v", s)
		}
	}
	if _, err := w.UserCredential("arn:aws:iam::111122223333:user/x"); err == nil {
		t.Error("a key was made for a user who does not exist")
	}
	var m *Malformed
	if err := w.AddManagedPolicy("arn:aws:iam::111122223333:policy/x", fixed); !errors.As(err, &m) {
		t.Errorf("a managed policy with Principal: %v", err)
	}
}

func TestSessionPrincipalIsPinned(t *testing.T) {
	w := NewWorld(nil)
	mustAdd(t, w, Role{ARN: broker, UniqueID: "AROAEXAMPLEBROKER000"})
	p, err := w.PinPrincipals(trustIn(t, "arn:aws:sts::444455556666:assumed-role/credvend-vend/fn"))
	if err != nil {
		t.Fatal(err)
	}
	one, err := w.StartSession(SessionSpec{RoleARN: broker, SessionName: "fn"})
	if err != nil {
		t.Fatal(err)
	}
	two, err := w.StartSession(SessionSpec{RoleARN: broker, SessionName: "fn2"})
	if err != nil {
		t.Fatal(err)
	}
	r := Request{Action: "sts:AssumeRole", Resource: target}
	if !EvaluateTrust(one.Principal, p, accountB, r).Allowed || EvaluateTrust(two.Principal, p, accountB, r).Allowed {
		t.Error("the named session alone should be trusted")
	}
}

func TestCredentialDoesNotPrint(t *testing.T) {
	w := NewWorld(nil)
	mustAdd(t, w, Role{ARN: broker})
	c, err := w.StartSession(SessionSpec{RoleARN: broker, SessionName: "fn"})
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "credential", c, "wrapped", struct{ C Credential }{c})
	asJSON, err := json.Marshal(struct{ C Credential }{c})
	if err != nil {
		t.Fatal(err)
	}
	printed := fmt.Sprintf("%v %+v %#v %s %v %#v %v %s %s", c, c, c, c, &c, struct{ C Credential }{c}, w, asJSON, logged.String())
	if strings.Contains(printed, c.SecretAccessKey) || strings.Contains(printed, c.SessionToken) {
		t.Error("a credential printed its secret or its token")
	}
}

func TestWorldIsSafeForConcurrentUse(t *testing.T) {
	w := NewWorld(nil)
	mustAdd(t, w, Role{ARN: target, Policies: []*Policy{statements(t, allowAll)}})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				c, err := w.StartSession(SessionSpec{RoleARN: target, SessionName: "fn"})
				if err != nil {
					t.Error(err)
					return
				}
				w.Credential(c.AccessKeyID)
				if err := w.UpdateRole(Role{ARN: target, Policies: []*Policy{statements(t, allowAll)}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestExpiredSessionIsToldFromUnknown(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	w := NewWorld(func() time.Time { return now })
	mustAdd(t, w, Role{ARN: target})
	c, err := w.StartSession(SessionSpec{RoleARN: target, SessionName: "fn", Duration: 15 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	if got, ok := w.Credential(c.AccessKeyID); !ok || got.Expiration.After(now) {
		t.Error("an expired session should be found, with its expiration")
	}
	now = now.Add(48 * time.Hour)
	if _, err := w.StartSession(SessionSpec{RoleARN: target, SessionName: "fn"}); err != nil {
		t.Fatal(err)
	}
	if _, ok := w.Credential(c.AccessKeyID); ok {
		t.Error("sessions that are long gone should be forgotten")
	}
}

// TestSessionOfAnAge: a session can be made that has ended already, for whoever
// wants to see how the expired are refused.
func TestSessionOfAnAge(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	w := NewWorld(func() time.Time { return now })
	mustAdd(t, w, Role{ARN: target})
	c, err := w.StartSession(SessionSpec{RoleARN: target, SessionName: "expired", Duration: time.Hour, Age: 2 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if !c.Expiration.Equal(now.Add(-time.Hour)) || !c.Principal.IssuedAt.Equal(now.Add(-2*time.Hour)) {
		t.Errorf("ended %s, issued %s", c.Expiration, c.Principal.IssuedAt)
	}
	if _, ok := w.Credential(c.AccessKeyID); !ok {
		t.Error("it should be known, as one that has expired")
	}
	if _, err := w.StartSession(SessionSpec{RoleARN: target, SessionName: "early", Age: -time.Second}); err == nil {
		t.Error("a session of the future was made")
	}
}
