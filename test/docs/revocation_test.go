package docs_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/local/iam"
)

// The moment and the names that stand in the policies of docs/operate.md.
const (
	revokedAt   = "2026-11-22T12:00:00Z"
	individual  = "billing-service-local.qgfj2d65atsbmp2k"
	receipt     = "vt5mvzkcskl5nucrcw6ohkdq"
	targetRole  = "arn:aws:iam::111122223333:role/orders-invoke"
	calledRoute = "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default/GET/orders/42"
)

// TestRevocationPolicies plays each policy that docs/operate.md gives against
// live sessions, as credvend makes them.
func TestRevocationPolicies(t *testing.T) {
	hit := map[string][]string{
		"all":        {"the one", "the same individual, again", "another of the caller", "one that another name covers", "without tags", "another caller", "a name that ends alike"},
		"caller":     {"the one", "the same individual, again", "another of the caller", "one that another name covers", "without tags"},
		"individual": {"the one", "the same individual, again"},
		"receipt":    {"the one"},
	}
	found := find(t, "docs/operate.md").marked("policy")
	if len(found) != len(hit) {
		t.Fatalf("%d policies, want %d", len(found), len(hit))
	}
	for _, b := range found {
		name := strings.TrimPrefix(b.marker, "policy: ")
		t.Run(name, func(t *testing.T) {
			whole := deaths(t, b.text)
			slices.Sort(whole)
			if want := slices.Sorted(slices.Values(hit[name])); !slices.Equal(whole, want) {
				t.Errorf("ends %q\nand not %q", whole, want)
			}
			var document struct {
				Version   string
				Statement []json.RawMessage
			}
			if err := json.Unmarshal([]byte(b.text), &document); err != nil {
				t.Fatal(err)
			}
			for i, s := range document.Statement { // each is there for something
				alone := fmt.Sprintf(`{"Version":%q,"Statement":[%s]}`, document.Version, s)
				if len(deaths(t, alone)) == 0 {
					t.Errorf("statement %d by itself ends nothing", i+1)
				}
			}
		})
	}
}

// session is one that credvend vended.
type session struct {
	name, callers, subject string
	after                  bool // issued after the moment of revocation
	bare                   bool // of a target without tags and source identity
}

func sessions() map[string]session {
	return map[string]session{
		"the one":                      {"billing-service@" + receipt, ":billing-service:", individual, false, false},
		"the same individual, again":   {"billing-service@aaaaaaaaaaaaaaaaaaaaaaaa", ":billing-service:", individual, false, false},
		"another of the caller":        {"billing-service@bbbbbbbbbbbbbbbbbbbbbbbb", ":billing-service:", "billing-service-ci.aaaabbbbccccdddd", false, false},
		"one that another name covers": {"analytics@cccccccccccccccccccccccc", ":analytics:billing-service:", "x.aaaabbbbccccddde", false, false},
		"without tags":                 {"billing-service@dddddddddddddddddddddddd", "", "", false, true},
		"another caller":               {"analytics@eeeeeeeeeeeeeeeeeeeeeeee", ":analytics:", "y.aaaabbbbccccdddf", false, false},
		"a name that ends alike":       {"not-billing-service@ffffffffffffffffffffffff", ":not-billing-service:", "z.aaaabbbbccccdddg", false, false},
		"the individual, afterwards":   {"billing-service@gggggggggggggggggggggggg", ":billing-service:", individual, true, false},
	}
}

// deaths returns which sessions a policy on their role ends.
func deaths(t *testing.T, policy string) []string {
	t.Helper()
	revoked, err := time.Parse(time.RFC3339, revokedAt)
	if err != nil {
		t.Fatal(err)
	}
	clock := revoked
	world := iam.NewWorld(func() time.Time { return clock })
	role := iam.Role{
		ARN:      targetRole,
		Trust:    parsed(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":"sts:AssumeRole"}]}`),
		Policies: []*iam.Policy{parsed(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default/*"}]}`)},
	}
	if err := world.AddRole(role); err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{}
	for who, s := range sessions() {
		clock = revoked.Add(-time.Minute)
		if s.after {
			clock = revoked.Add(time.Minute)
		}
		spec := iam.SessionSpec{RoleARN: targetRole, SessionName: s.name}
		if !s.bare {
			spec.Tags = map[string]string{"credvend:callers": s.callers, "credvend:subject": s.subject}
			spec.SourceIdentity = s.subject
		}
		c, err := world.StartSession(spec)
		if err != nil {
			t.Fatal(err)
		}
		keys[who] = c.AccessKeyID
	}
	clock = revoked.Add(2 * time.Minute)
	may := func(who string) bool {
		c, ok := world.Credential(keys[who])
		return ok && iam.Evaluate(c.Principal, nil, "111122223333", iam.Request{Action: "execute-api:Invoke", Resource: calledRoute}).Allowed
	}
	for who := range keys {
		if !may(who) {
			t.Fatalf("%s may not call before anything is revoked", who)
		}
	}
	role.Policies = append(role.Policies, parsed(t, policy))
	if err := world.UpdateRole(role); err != nil {
		t.Fatal(err)
	}
	var dead []string
	for who := range keys {
		if !may(who) {
			dead = append(dead, who)
		}
	}
	return dead
}

func parsed(t *testing.T, document string) *iam.Policy {
	t.Helper()
	p, err := iam.ParsePolicy([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return p
}
