package scope_test

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/scope"
)

// stsForm is what STS takes, and the hash that always stands there.
var stsForm = regexp.MustCompile(`\A[\w+=,.@-]{1,47}\.[a-z2-7]{16}\z`)

func TestSourceIdentity(t *testing.T) {
	for _, tc := range []struct {
		name, readable string
		who            identity.Caller
	}{
		{"a role's session", "pod-7", billing()},
		{"a user", "alice", identity.Caller{Kind: identity.IAM, Principal: arn.Principal{Partition: "aws", Account: "444455556666", Type: arn.User, Name: "alice"}}},
		{"a user with a path", "team-a-alice", identity.Caller{Kind: identity.IAM, Principal: arn.Principal{Partition: "aws", Account: "444455556666", Type: arn.User, Name: "team/a/alice"}}},
		{"a token", "u1", shopperOf("u1")},
		{"a token of a service that is a role", "arn-aws-iam--444455556666-role-x", shopperOf("arn:aws:iam::444455556666:role/x")},
		{"a subject like AWS's own", "aws-x", shopperOf("aws:x")},
		{"a subject with commas and letters of two bytes", "a-b---", shopperOf("a,bé*")},
		{"a long subject", strings.Repeat("s", 47), shopperOf(strings.Repeat("s", 300))},
		{"no subject", "-", shopperOf("")},
		{"the zero caller", "-", identity.Caller{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := scope.SourceIdentity(tc.who)
			if !stsForm.MatchString(got) || !strings.HasPrefix(got, tc.readable+".") || len(got) != len(tc.readable)+17 || !allowlist.IsTagText(got) {
				t.Errorf("got %q, want %s.HASH", got, tc.readable)
			}
		})
	}
}

// The value never changes: it stands in Account A's policies and logs. A new
// way of hashing is a change that needs saying.
func TestSourceIdentityStays(t *testing.T) {
	for want, who := range map[string]identity.Caller{
		"pod-7.kz7rrnzdsezarmdj": billing(),
		"u1.vfjifbl5csfywe4j":    shopperOf("u1"),
	} {
		if got := scope.SourceIdentity(who); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// One principal is one individual, through whichever door it comes.
func TestSourceIdentityIsOfTheIndividual(t *testing.T) {
	base := billing()
	same := base
	same.Kind, same.Door, same.SourceIP = identity.RESTIAM, "r7s8t9", "192.0.2.1"
	if scope.SourceIdentity(base) != scope.SourceIdentity(same) {
		t.Error("the door shows in the source identity")
	}
	seen := map[string]string{scope.SourceIdentity(base): "base"}
	for name, change := range map[string]func(*identity.Caller){
		"session":      func(c *identity.Caller) { c.Subject = "pod-8" },
		"role":         func(c *identity.Caller) { c.Principal.Name = "billing" },
		"account":      func(c *identity.Caller) { c.Principal.Account = "777788889999" },
		"partition":    func(c *identity.Caller) { c.Principal.Partition = "aws-cn" },
		"type":         func(c *identity.Caller) { c.Principal.Type = arn.User },
		"unique id":    func(c *identity.Caller) { c.UniqueID = "AROAEXAMPLEBILLING01" },
		"no id":        func(c *identity.Caller) { c.UniqueID = "" },
		"moved border": func(c *identity.Caller) { c.UniqueID, c.Subject = c.UniqueID+"pod", "-7" },
		"token":        func(c *identity.Caller) { *c = shopperOf("pod-7") },
		"issuer":       func(c *identity.Caller) { *c = shopperOf("pod-7"); c.Issuer += "/2" },
		"issuer's end": func(c *identity.Caller) { *c = shopperOf("7"); c.Issuer += "pod-" },
	} {
		c := billing()
		change(&c)
		got := scope.SourceIdentity(c)
		if other, taken := seen[got]; taken {
			t.Errorf("%s has the source identity of %s: %s", name, other, got)
		}
		seen[got] = name
	}
}

func shopperOf(subject string) identity.Caller {
	return identity.Caller{Kind: identity.JWT, Issuer: "https://idp.example.com", Audiences: []string{"aud"}, Subject: subject}
}

// No two individuals share a source identity, and each is one that STS takes.
// The parts are drawn from few letters, so that they often run alike.
func TestSourceIdentityProperty(t *testing.T) {
	few := rapid.StringOfN(rapid.SampledFrom([]rune("ab.@-/:")), 0, 3, -1)
	draw := func(t *rapid.T) identity.Caller {
		if rapid.Bool().Draw(t, "token") {
			return identity.Caller{Kind: identity.JWT, Issuer: few.Draw(t, "issuer"), Subject: few.Draw(t, "subject")}
		}
		return identity.Caller{
			Kind: identity.IAM, UniqueID: few.Draw(t, "id"), Subject: few.Draw(t, "session"),
			Principal: arn.Principal{
				Partition: rapid.SampledFrom([]string{"aws", "aws-cn"}).Draw(t, "partition"), Account: rapid.SampledFrom([]string{"444455556666", "777788889999"}).Draw(t, "account"),
				Type: rapid.SampledFrom([]arn.PrincipalType{arn.Role, arn.User, arn.FederatedUser}).Draw(t, "type"), Name: few.Draw(t, "name"),
			},
		}
	}
	seen := map[string]identity.Caller{}
	rapid.Check(t, func(t *rapid.T) {
		for range 100 {
			c := draw(t)
			id := scope.SourceIdentity(c)
			if !stsForm.MatchString(id) || strings.HasPrefix(id, "aws:") {
				t.Fatalf("%q is not what STS takes", id)
			}
			if other, taken := seen[id]; taken && !reflect.DeepEqual(other, c) {
				t.Fatalf("%+v and %+v share %q", other, c, id)
			}
			seen[id] = c
		}
	})
	t.Logf("%d individuals", len(seen))
}
