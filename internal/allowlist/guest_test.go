package allowlist_test

import (
	"testing"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/arn"
)

// A guest of an identity pool is allowed nothing by its account's callers. It
// must not be denied less than the account's other sessions for that: whoever
// can choose to come as a guest would.
func TestGuestDoesNotEscapeWhatItsAccountIsDenied(t *testing.T) {
	doc := story()
	doc.Callers["app"] = allowlist.Caller{IAM: &allowlist.IAMCaller{Role: "arn:aws:iam::777788889999:role/app-*"}}
	doc.Rules = []allowlist.Rule{
		allow("app-does-all", "app", "* /*"),
		deny("nobody-there-administers", "account", "* /admin/*"),
		allow("account-reads", "account", "GET /orders"),
	}
	list, err := allowlist.Compile(doc)
	if err != nil {
		t.Fatal(err)
	}
	member := principal("777788889999", arn.Role, "app-web", "session")
	guest := member
	guest.Guest = true
	for who, c := range map[string]struct {
		admin, all allowlist.Decision
	}{
		"member": {list.Decide(member, ask(t, "GET /admin/x")), list.Decide(member, ask(t))},
		"guest":  {list.Decide(guest, ask(t, "GET /admin/x")), list.Decide(guest, ask(t))},
	} {
		if c.admin.Allowed() {
			t.Errorf("%s: may administer", who)
		}
		if !c.all.Allowed() || len(c.all.Grant.Denied) != 1 {
			t.Errorf("%s: %s", who, write(c.all))
		}
	}
	if d := list.Decide(guest, ask(t)); len(d.Callers) != 1 || len(d.Grant.Callers) != 1 || len(d.Grant.Rules) != 1 {
		t.Errorf("a guest bears its account's name: %v, by %v", d.Callers, d.Grant.Rules)
	}
}
