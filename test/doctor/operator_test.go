package doctor_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/doctor"
)

// TestOperator: with a look into the accounts the cause comes first, and is shown.
func TestOperator(t *testing.T) {
	list := func(f fault, from, to string) fault {
		f.edits = append(slices.Clone(f.edits), edit{allowlist, from, to})
		return f
	}
	for _, c := range []struct {
		name  string
		fault fault
		step  string
		cause doctor.Cause
		side  doctor.Side
		shown string // in the evidence
		gone  []doctor.Cause
	}{
		{"external id", wrongExternalID, doctor.StepAssume, doctor.ExternalID, doctor.AccountA, "not the allowlist's", []doctor.Cause{doctor.TrustPrincipal, doctor.BrokerAssume, doctor.RoleMissing}},
		{"trust of another role", otherRole, doctor.StepAssume, doctor.TrustPrincipal, doctor.AccountA, "does not name arn:aws:iam::444455556666:role/credvend-broker", []doctor.Cause{doctor.BrokerAssume, doctor.RoleMissing}},
		{"trust without sts:AssumeRole", fault{edits: []edit{{target, "Action: sts:AssumeRole\n", "Action: sts:AssumeRoleWithSAML\n"}}}, doctor.StepAssume, doctor.TrustPrincipal, doctor.AccountA, "no statement of the trust allows sts:AssumeRole", nil},
		{"trust pinned to another unique id", fault{edits: []edit{{target, "aws:PrincipalArn: !Split [',', !Ref BrokerRoleArns]", "aws:PrincipalArn: !Split [',', !Ref BrokerRoleArns]\n              StringEquals: {'aws:userid': 'AROAEXAMPLEBROKER000:credvend-vend'}"}, {target, "\n              StringEquals:\n                sts:ExternalId: !If [HasNext, [!Ref ExternalId, !Ref NextExternalId], !Ref ExternalId]", ""}}}, doctor.StepAssume, doctor.TrustPinned, doctor.AccountA, "AROAEXAMPLEBROKER000", []doctor.Cause{doctor.BrokerAssume}},
		{"sts:TagSession in the trust", noTagSession, doctor.StepAssume, doctor.TrustTags, doctor.AccountA, "no statement of the trust", []doctor.Cause{doctor.BrokerTags}},
		{"sts:SetSourceIdentity in the trust", noSourceID, doctor.StepAssume, doctor.TrustSourceID, doctor.AccountA, "no statement of the trust", []doctor.Cause{doctor.BrokerSourceID}},
		{"sts:TagSession of the broker", brokerNoTags, doctor.StepAssume, doctor.BrokerTags, doctor.AccountB, "no identity policy allows it", []doctor.Cause{doctor.TrustTags}},
		{"sts:SetSourceIdentity of the broker", brokerNoSource, doctor.StepAssume, doctor.BrokerSourceID, doctor.AccountB, "no identity policy allows it", []doctor.Cause{doctor.TrustSourceID}},
		{"broker for another role", fault{edits: []edit{{broker, "Resource: !Split [',', !Ref TargetRoleArns]", "Resource: arn:aws:iam::111122223333:role/other"}}}, doctor.StepAssume, doctor.BrokerAssume, doctor.AccountB, "sts:AssumeRole on arn:aws:iam::111122223333:role/orders-invoke", []doctor.Cause{doctor.TrustPrincipal, doctor.ExternalID}},
		{"role of another name", fault{edits: []edit{{target, "RoleName: !Ref RoleName", "RoleName: !Sub ${RoleName}-2"}}}, doctor.StepAssume, doctor.RoleMissing, doctor.AccountB, "IAM of account 111122223333 has no such role", nil},
		{"role with a path", fault{edits: []edit{{target, "RoleName: !Ref RoleName", "RoleName: !Ref RoleName\n      Path: /team/"}}}, doctor.StepAssume, doctor.RoleMissing, doctor.AccountB, "has no such role", nil},
		{"API id", wrongAPI, doctor.StepSigned, doctor.WrongAPI, doctor.AccountA, "of the API id z9z9z9z9z9; the target's is a1b2c3d4e5", []doctor.Cause{doctor.RoleMayNot}},
		{"stage", wrongStage, doctor.StepSigned, doctor.WrongAPI, doctor.AccountA, "of the stage prod; the target's is $default", []doctor.Cause{doctor.RoleMayNot}},
		{"region", fault{edits: []edit{{target, "Region: !If [HasRegion, !Ref ApiRegion, !Ref AWS::Region]", "Region: eu-west-1"}}}, doctor.StepSigned, doctor.WrongAPI, doctor.AccountA, "of the region eu-west-1; the target's is us-east-1", nil},
		{"no execute-api", noExecuteAPI, doctor.StepSigned, doctor.RoleMayNot, doctor.AccountA, "none of the role's policies allows execute-api:Invoke", []doctor.Cause{doctor.WrongAPI, doctor.ListedAPI}},
		{"other routes alone", fault{edits: []edit{{target, "${Stage}/*", "${Stage}/POST/*"}}}, doctor.StepSigned, doctor.RoleMayNot, doctor.AccountA, "leaves this route out", []doctor.Cause{doctor.WrongAPI}},
		{"deny", fault{edits: []edit{{target, "              - Sid: InvokeTheApi\n", "              - {Effect: Deny, Action: execute-api:Invoke, Resource: '*'}\n              - Sid: InvokeTheApi\n"}}}, doctor.StepSigned, doctor.ExplicitDeny, doctor.AccountA, "explicit deny in the identity policy", nil},
		{"external id missing in the list", list(fault{edits: []edit{{target, "sts:ExternalId: !If [HasNext, [!Ref ExternalId, !Ref NextExternalId], !Ref ExternalId]", "sts:ExternalId: asked-for"}}}, "    external_id: orders-7f3c9a\n", ""), doctor.StepAssume, doctor.ExternalID, doctor.AccountA, "the allowlist's target has none", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := play(t, c.fault)
			s := &standIn{}
			env := w.operator(t, s)
			if c.name == "role with a path" {
				r := s.roles["111122223333/orders-invoke"]
				r.arn = "arn:aws:iam::111122223333:role/team/orders-invoke"
				s.change(func() { s.roles["111122223333/orders-invoke"] = r })
			}
			o := run(t, env, "orders", "--operator-profile", "reader-a", "--operator-profile", "reader-b", "--allowlist", filepath.Join(w.dir, allowlist))
			found := o.wants(t, c.step, c.cause, c.side)
			all := o.Wrong()[0].Candidates
			if all[0].Cause != c.cause || !strings.Contains(found.Evidence, c.shown) {
				t.Errorf("first is %s, shown by %q; want %s by %q\n%s", all[0].Cause, found.Evidence, c.cause, c.shown, o.stdout)
			}
			for _, other := range all {
				if slices.Contains(c.gone, other.Cause) {
					t.Errorf("%s is still suspected", other.Cause)
				}
			}
			if strings.Contains(o.stdout, "orders-7f3c9a") || strings.Contains(o.stdout, "asked-for") {
				t.Errorf("an external id was told:\n%s", o.stdout)
			}
			shows(t, o)
		})
	}
}

// TestOperatorOfOneAccount: what cannot be read is said, and what can be read
// still counts.
func TestOperatorOfOneAccount(t *testing.T) {
	w := play(t, noTagSession)
	s := &standIn{}
	env := w.operator(t, s)
	looked := func(o outcome) string {
		for _, step := range o.Steps {
			if step.Name == doctor.StepAccounts {
				return step.Says
			}
		}
		t.Fatalf("the accounts were not looked into\n%s%s", o.stdout, o.stderr)
		return ""
	}
	for _, c := range []struct {
		name    string
		args    []string
		refuses string
		first   doctor.Cause
		shown   bool
		says    string
	}{
		{"Account A's alone", []string{"--operator-profile", "reader-a"}, "", doctor.TrustTags, true, "Account B's role was not read: no --operator-profile is of this account 444455556666"},
		{"Account B's alone", []string{"--operator-profile", "reader-b", "--broker-role", "arn:aws:iam::444455556666:role/credvend-broker"}, "", doctor.TrustTags, false, "Account A's role was not read: no --operator-profile is of this account 111122223333"},
		{"neither's", []string{"--operator-profile", "stranger-to-all"}, "", doctor.TrustTags, false, `there is no AWS profile "stranger-to-all"`},
		{"without the right", []string{"--operator-profile", "reader-a"}, "GetRole", doctor.TrustTags, false, "profile reader-a: GetRole: AccessDenied: User: arn:aws:iam::111122223333:user/reader is not authorized"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.change(func() { s.refuses = c.refuses })
			o := run(t, env, append([]string{"orders"}, c.args...)...)
			if says := looked(o); !strings.Contains(says, c.says) {
				t.Errorf("it is said: %s", says)
			}
			found := o.wants(t, doctor.StepAssume, c.first, doctor.AccountA)
			if shown := strings.Contains(found.Evidence, "no statement of the trust"); shown != c.shown {
				t.Errorf("evidence %q", found.Evidence)
			}
		})
	}
}

// TestOperatorWithoutList: the external id is what is left when all else holds.
func TestOperatorWithoutList(t *testing.T) {
	w := play(t, wrongExternalID)
	o := run(t, w.operator(t, &standIn{}), "orders", "--operator-profile", "reader-a", "--operator-profile", "reader-b")
	found := o.wants(t, doctor.StepAssume, doctor.ExternalID, doctor.AccountA)
	if o.Wrong()[0].Candidates[0].Cause != doctor.ExternalID || !strings.Contains(found.Evidence, "give --allowlist") {
		t.Errorf("%s", o.stdout)
	}
	w = play(t, wrongStage)
	o = run(t, w.operator(t, &standIn{}), "orders", "--operator-profile", "reader-a")
	found = o.wants(t, doctor.StepSigned, doctor.WrongAPI, doctor.AccountA)
	if !strings.Contains(found.Evidence, "a1b2c3d4e5/prod/*") {
		t.Errorf("%q", found.Evidence)
	}
}

// TestGuessedBroker: a trust that names another role than credvend's is not taken
// to be in order because it lets that other one in.
func TestGuessedBroker(t *testing.T) {
	w := play(t, otherRole)
	s := &standIn{}
	env := w.operator(t, s)
	o := run(t, env, "orders", "--operator-profile", "reader-a")
	o.wants(t, doctor.StepAssume, doctor.TrustPrincipal, doctor.AccountA)
	o = run(t, env, "orders", "--operator-profile", "reader-a", "--broker-role", "arn:aws:iam::444455556666:role/credvend-broker")
	if found := o.wants(t, doctor.StepAssume, doctor.TrustPrincipal, doctor.AccountA); !strings.Contains(found.Evidence, "does not name") {
		t.Errorf("%q", found.Evidence)
	}
	// The role that is named exists, and is not credvend's.
	other := s.roles["444455556666/credvend-broker"]
	other.arn, other.inline = "arn:aws:iam::444455556666:role/other", nil
	s.change(func() {
		s.roles = map[string]role{"111122223333/orders-invoke": s.roles["111122223333/orders-invoke"], "444455556666/other": other}
	})
	o = run(t, env, "orders", "--operator-profile", "reader-a", "--operator-profile", "reader-b")
	for _, c := range o.Wrong()[0].Candidates {
		if c.Cause == doctor.TrustPrincipal {
			return
		}
	}
	t.Errorf("the trust is no more suspected\n%s", o.stdout)
}

// TestManagedPolicies: attached policies count as inline ones do.
func TestManagedPolicies(t *testing.T) {
	w := play(t, wrongAPI)
	s := &standIn{}
	env := w.operator(t, s)
	r := s.roles["111122223333/orders-invoke"]
	r.managed, r.inline = map[string]string{"arn:aws:iam::111122223333:policy/invoke": r.inline["invoke"]}, nil
	s.change(func() { s.roles["111122223333/orders-invoke"] = r })
	o := run(t, env, "orders", "--operator-profile", "reader-a", "--allowlist", filepath.Join(w.dir, allowlist))
	if found := o.wants(t, doctor.StepSigned, doctor.WrongAPI, doctor.AccountA); !strings.Contains(found.Evidence, "API id z9z9z9z9z9") {
		t.Errorf("%q", found.Evidence)
	}
}
