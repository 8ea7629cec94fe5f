package arn_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/credvend/credvend/internal/arn"
)

func TestParsePrincipal(t *testing.T) {
	tests := []struct {
		name, in  string
		want      arn.Principal
		canonical string
	}{
		{"role session", "arn:aws:sts::444455556666:assumed-role/billing-service/laptop",
			arn.Principal{Partition: "aws", Account: "444455556666", Type: arn.Role, Name: "billing-service", Session: "laptop"},
			"arn:aws:iam::444455556666:role/billing-service"},
		{"role", "arn:aws:iam::444455556666:role/billing-service",
			arn.Principal{Partition: "aws", Account: "444455556666", Type: arn.Role, Name: "billing-service"},
			"arn:aws:iam::444455556666:role/billing-service"},
		{"single sign-on", "arn:aws-us-gov:sts::444455556666:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/jo@example.com",
			arn.Principal{Partition: "aws-us-gov", Account: "444455556666", Type: arn.Role, Name: "AWSReservedSSO_Admin_0123456789abcdef", Session: "jo@example.com"},
			"arn:aws-us-gov:iam::444455556666:role/AWSReservedSSO_Admin_0123456789abcdef"},
		{"longest names", "arn:aws:sts::444455556666:assumed-role/" + strings.Repeat("r", 64) + "/" + strings.Repeat("s", 64),
			arn.Principal{Partition: "aws", Account: "444455556666", Type: arn.Role, Name: strings.Repeat("r", 64), Session: strings.Repeat("s", 64)},
			"arn:aws:iam::444455556666:role/" + strings.Repeat("r", 64)},
		{"every character of a name", "arn:aws:sts::444455556666:assumed-role/aZ0_+=,.@-/aZ0_+=,.@-",
			arn.Principal{Partition: "aws", Account: "444455556666", Type: arn.Role, Name: "aZ0_+=,.@-", Session: "aZ0_+=,.@-"},
			"arn:aws:iam::444455556666:role/aZ0_+=,.@-"},
		{"user", "arn:aws:iam::444455556666:user/operator",
			arn.Principal{Partition: "aws", Account: "444455556666", Type: arn.User, Name: "operator"},
			"arn:aws:iam::444455556666:user/operator"},
		{"user keeps its path", "arn:aws-cn:iam::444455556666:user/people/on-call/operator",
			arn.Principal{Partition: "aws-cn", Account: "444455556666", Type: arn.User, Name: "people/on-call/operator"},
			"arn:aws-cn:iam::444455556666:user/people/on-call/operator"},
		{"root", "arn:aws:iam::444455556666:root",
			arn.Principal{Partition: "aws", Account: "444455556666", Type: arn.Root},
			"arn:aws:iam::444455556666:root"},
		{"federated user", "arn:aws:sts::444455556666:federated-user/bob",
			arn.Principal{Partition: "aws", Account: "444455556666", Type: arn.FederatedUser, Name: "bob"},
			"arn:aws:sts::444455556666:federated-user/bob"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := arn.ParsePrincipal(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			if got.Canonical() != tt.canonical || got.String() != tt.canonical {
				t.Errorf("canonical %q, printed %q; want %q", got.Canonical(), got, tt.canonical)
			}
		})
	}
}

func TestParsePrincipalRefuses(t *testing.T) {
	const account = "needs an account of 12 digits"
	tests := []struct{ name, in, want string }{
		{"empty", "", "is not an ARN"},
		{"not an ARN", "billing-service", "is not an ARN"},
		{"five fields", "arn:aws:iam::444455556666", "is not an ARN"},
		{"other scheme", "urn:aws:iam::444455556666:root", "is not an ARN"},
		{"capitals", "ARN:aws:iam::444455556666:root", "is not an ARN"},
		{"blank before", " arn:aws:iam::444455556666:root", "is not an ARN"},
		{"unknown partition", "arn:aws-iso:iam::444455556666:root", `unknown partition "aws-iso"`},
		{"empty partition", "arn::iam::444455556666:root", `unknown partition ""`},
		{"wildcard partition", "arn:*:iam::444455556666:root", `unknown partition "*"`},
		{"a region", "arn:aws:iam:us-east-1:444455556666:root", "has a region"},
		{"no account", "arn:aws:iam:::root", account},
		{"11 digits", "arn:aws:iam::44445555666:root", account},
		{"13 digits", "arn:aws:iam::4444555566667:root", account},
		{"letters in the account", "arn:aws:iam::44445555666a:root", account},
		{"digits of another script", "arn:aws:iam::٤٤٤٤٥٥:root", account},
		{"wildcard account", "arn:aws:iam::*:root", account},
		{"service of another kind", "arn:aws:s3::444455556666:bucket", "names no IAM role"},
		{"root of STS", "arn:aws:sts::444455556666:root", "names no IAM role"},
		{"root with a name", "arn:aws:iam::444455556666:root/x", "names no IAM role"},
		{"role of STS", "arn:aws:sts::444455556666:role/x", "names no IAM role"},
		{"session of IAM", "arn:aws:iam::444455556666:assumed-role/r/s", "names no IAM role"},
		{"group", "arn:aws:iam::444455556666:group/x", "names no IAM role"},
		{"instance profile", "arn:aws:iam::444455556666:instance-profile/x", "names no IAM role"},
		{"kind in capitals", "arn:aws:iam::444455556666:Role/x", "names no IAM role"},
		{"role with a path", "arn:aws:iam::444455556666:role/team-a/x", "has a path; STS reports roles without their path, so write role/x"},
		{"role with an empty path", "arn:aws:iam::444455556666:role//x", "has a path"},
		{"role with a slash behind", "arn:aws:iam::444455556666:role/x/", "has a path"},
		{"role without a name", "arn:aws:iam::444455556666:role/", "is not of the form role/NAME"},
		{"role alone", "arn:aws:iam::444455556666:role", "is not of the form role/NAME"},
		{"role with a wildcard", "arn:aws:iam::444455556666:role/ci-*", "is not of the form role/NAME"},
		{"role with a colon", "arn:aws:iam::444455556666:role/a:b", "is not of the form role/NAME"},
		{"role name of 65", "arn:aws:iam::444455556666:role/" + strings.Repeat("r", 65), "is not of the form role/NAME"},
		{"role name of another script", "arn:aws:iam::444455556666:role/rôle", "is not of the form role/NAME"},
		{"session without a name", "arn:aws:sts::444455556666:assumed-role/r", "assumed-role/ROLE/SESSION"},
		{"session with an empty name", "arn:aws:sts::444455556666:assumed-role/r/", "assumed-role/ROLE/SESSION"},
		{"session without a role", "arn:aws:sts::444455556666:assumed-role//s", "assumed-role/ROLE/SESSION"},
		{"session of a role with a wildcard", "arn:aws:sts::444455556666:assumed-role/ci-*/s", "assumed-role/ROLE/SESSION"},
		{"session of a role name of 65", "arn:aws:sts::444455556666:assumed-role/" + strings.Repeat("r", 65) + "/s", "assumed-role/ROLE/SESSION"},
		{"session with a slash", "arn:aws:sts::444455556666:assumed-role/r/s/t", "assumed-role/ROLE/SESSION"},
		{"session name of 65", "arn:aws:sts::444455556666:assumed-role/r/" + strings.Repeat("s", 65), "assumed-role/ROLE/SESSION"},
		{"session with a line break", "arn:aws:sts::444455556666:assumed-role/r/s\n", "assumed-role/ROLE/SESSION"},
		{"federated user without a name", "arn:aws:sts::444455556666:federated-user/", "federated-user/NAME"},
		{"federated user with a slash", "arn:aws:sts::444455556666:federated-user/a/b", "federated-user/NAME"},
		{"user without a name", "arn:aws:iam::444455556666:user/", "user/NAME"},
		{"user with an empty path", "arn:aws:iam::444455556666:user//x", "user/NAME"},
		{"user with an empty segment", "arn:aws:iam::444455556666:user/a//x", "user/NAME"},
		{"user with a path alone", "arn:aws:iam::444455556666:user/a/", "user/NAME"},
		{"user with a wildcard", "arn:aws:iam::444455556666:user/*", "user/NAME"},
		{"user with a wildcard in its path", "arn:aws:iam::444455556666:user/*/x", "user/NAME"},
		{"user with a variable in its path", "arn:aws:iam::444455556666:user/$x/y", "user/NAME"},
		{"user with a blank in its path", "arn:aws:iam::444455556666:user/a b/x", "user/NAME"},
		{"user with a control character in its path", "arn:aws:iam::444455556666:user/a\x01/x", "user/NAME"},
		{"user with another script in its path", "arn:aws:iam::444455556666:user/é/x", "user/NAME"},
		{"user path of 511", "arn:aws:iam::444455556666:user/" + strings.Repeat("p", 511) + "/x", "user/NAME"},
		{"endless", "arn:aws:iam::444455556666:user/" + strings.Repeat("p", 3000), "AWS's have at most 2048"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := arn.ParsePrincipal(tt.in)
			if err == nil {
				t.Fatalf("parsed as %+v", got)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q; want %q in it", err, tt.want)
			}
			if got != (arn.Principal{}) {
				t.Errorf("a principal beside an error: %+v", got)
			}
			if len(err.Error()) > 600 {
				t.Errorf("an error of %d characters", len(err.Error()))
			}
		})
	}
}

// Two sessions are one principal; two roles, accounts, partitions or types
// never are.
func TestCanonicalIsOnePerPrincipal(t *testing.T) {
	name := rapid.StringMatching(`[a-z+=,.@_-]{1,3}`)
	account := rapid.SampledFrom([]string{"111122223333", "444455556666"})
	partition := rapid.SampledFrom([]string{"aws", "aws-cn", "aws-us-gov"})
	draw := rapid.Custom(func(t *rapid.T) arn.Principal {
		prefix := "arn:" + partition.Draw(t, "partition") + ":"
		resource := rapid.SampledFrom([]string{"iam:role/", "sts:assumed-role/", "iam:user/", "sts:federated-user/", "iam:root"}).Draw(t, "type")
		service, kind, _ := strings.Cut(resource, ":")
		s := prefix + service + "::" + account.Draw(t, "account") + ":" + kind
		if kind != "root" {
			s += name.Draw(t, "name")
		}
		if kind == "assumed-role/" {
			s += "/" + strings.Repeat("s", 2) + name.Draw(t, "session")
		}
		p, err := arn.ParsePrincipal(s)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		return p
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw.Draw(t, "a"), draw.Draw(t, "b")
		a.Session, b.Session = "", ""
		if (a == b) != (a.Canonical() == b.Canonical()) {
			t.Errorf("%+v and %+v are called %s and %s", a, b, a, b)
		}
		again, err := arn.ParsePrincipal(a.Canonical())
		if err != nil || again != a {
			t.Errorf("%s parses as %+v (%v), not as %+v", a, again, err, a)
		}
	})
}

func TestPrincipalTypeWords(t *testing.T) {
	for typ, want := range map[arn.PrincipalType]string{
		arn.NoType: "none", arn.Role: "role", arn.User: "user", arn.Root: "root", arn.FederatedUser: "federated-user", 99: "none",
	} {
		if typ.String() != want {
			t.Errorf("type %d reads %q, want %q", typ, typ, want)
		}
	}
}

func TestIsUniqueID(t *testing.T) {
	for _, s := range []string{"AROAEXAMPLEBILLING00", "AIDAEXAMPLEOPERATOR0", "AROA567890123456", "AROA" + strings.Repeat("A", 124)} {
		if !arn.IsUniqueID(s) {
			t.Errorf("%q is refused", s)
		}
	}
	for _, s := range []string{
		"", "AROA", "AROA56789012345", "AROA" + strings.Repeat("A", 125), "AKIAEXAMPLEACCESSKEY", "ASIAEXAMPLEACCESSKEY", "aroaexamplebilling00",
		"AROAexamplebilling00", "AROAEXAMPLE*********", "AROAEXAMPLEBILLING00:laptop", " AROAEXAMPLEBILLING00", "AROAEXAMPLEBILLING0\n", "AROAÉXAMPLEBILLING00",
	} {
		if arn.IsUniqueID(s) {
			t.Errorf("%q is taken", s)
		}
	}
}

// FuzzParsePrincipal: what parses is canonical at once and holds nothing that a
// pattern or a policy would read as more than itself.
func FuzzParsePrincipal(f *testing.F) {
	for _, s := range []string{
		"arn:aws:sts::444455556666:assumed-role/billing-service/laptop", "arn:aws:iam::444455556666:role/billing-service",
		"arn:aws-cn:iam::444455556666:user/people/operator", "arn:aws:iam::444455556666:root", "arn:aws-us-gov:sts::444455556666:federated-user/bob",
		"arn:aws:iam::444455556666:role/team/x", "arn:aws:iam::*:role/*", "::::::", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := arn.ParsePrincipal(s)
		if err != nil {
			if p != (arn.Principal{}) {
				t.Errorf("%+v beside %v", p, err)
			}
			return
		}
		if p.Type == arn.NoType || !arn.IsAccount(p.Account) || !arn.IsPartition(p.Partition) || (p.Name == "") != (p.Type == arn.Root) || p.Session != "" && p.Type != arn.Role {
			t.Errorf("%q parsed as %+v", s, p)
		}
		if strings.ContainsAny(p.Canonical()+p.Session, "*?$ {}\"\n\x00") {
			t.Errorf("%q parsed with a character that means something elsewhere", s)
		}
		label := p.Session
		p.Session = ""
		again, err := arn.ParsePrincipal(p.Canonical())
		if err != nil || again != p {
			t.Errorf("%q: the canonical form %s parses as %+v (%v)", s, p, again, err)
		}
		if label == "" && p.Canonical() != s {
			t.Errorf("%q has the second spelling %s", s, p)
		}
	})
}

func TestParseTargetRole(t *testing.T) {
	for in, want := range map[string]string{
		"arn:aws:iam::111122223333:role/orders-invoke":       "orders-invoke",
		"arn:aws-cn:iam::111122223333:role/orders-invoke":    "orders-invoke",
		"arn:aws:iam::111122223333:role/team/a/orders":       "team/a/orders",
		"arn:aws:iam::111122223333:role/service-role/a_b@=,": "service-role/a_b@=,",
	} {
		p, err := arn.ParseTargetRole(in)
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if p.Type != arn.Role || p.Name != want || p.Account != "111122223333" || p.Session != "" || p.Canonical() != in {
			t.Errorf("%q parsed as %+v", in, p)
		}
	}
	for _, in := range []string{
		"", "orders-invoke", "arn:aws:iam::111122223333:role/", "arn:aws:iam::111122223333:role", "arn:aws:iam::111122223333:user/x",
		"arn:aws:sts::111122223333:assumed-role/orders-invoke/s", "arn:aws:sts::111122223333:role/x", "arn:aws:iam:us-east-1:111122223333:role/x",
		"arn:aws:iam::1111:role/x", "arn:aws:iam::111122223333:role/*", "arn:aws:iam::111122223333:role/team-*/x", "arn:aws:iam::111122223333:role//x",
		"arn:aws:iam::111122223333:role/a//x", "arn:aws:iam::111122223333:role/x/", "arn:aws:iam::111122223333:role/x y", "arn:aws:iam::111122223333:role/x:y",
		"arn:aws:iam::111122223333:role/" + strings.Repeat("r", 65), "arn:aws-iso:iam::111122223333:role/x",
	} {
		p, err := arn.ParseTargetRole(in)
		if err == nil || p != (arn.Principal{}) {
			t.Errorf("%q parsed as %+v, %v", in, p, err)
		}
	}
}
