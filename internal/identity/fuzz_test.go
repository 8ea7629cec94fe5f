package identity_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/identity"
)

// FuzzIdentify feeds raw events: nothing may panic, every error is a classified
// one, and a caller has all that its door's kind promises.
func FuzzIdentify(f *testing.F) {
	events := allEvents(f)
	for _, name := range sortedNames(events) {
		f.Add(raw(f, events[name]))
	}
	for _, seed := range []string{"", "null", "[]", "{}", `"x"`, "7", `{"version":"1.0","resource":"/"}`, `{"version":"2.0","requestContext":{"http":{}}}`,
		`{"resource":"/","requestContext":{"identity":{}}}`, strings.Repeat("[", 100)} {
		f.Add([]byte(seed))
	}
	doors := parseDoors(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := identity.ParseEvent(b)
		if err != nil {
			assertUnauthenticated(t, err)
			if e != nil {
				t.Error("an event beside an error")
			}
			return
		}
		if err := identity.CheckPath(e.Path); err == nil && strings.Contains(e.Path, "//") {
			t.Errorf("path %q was let pass", e.Path)
		}
		c, door, err := doors.Identify(e)
		if err != nil {
			assertUnauthenticated(t, err)
			if c.Kind != identity.NoKind || c.Subject != "" || c.Principal != (arn.Principal{}) {
				t.Errorf("a caller beside an error: %+v", c)
			}
			return
		}
		if known, ok := doors[door.Name()]; !ok || known != door || c.Kind != door.Kind || c.Door != door.Name() || e.APIID != door.ID {
			t.Errorf("caller %+v of the door %+v", c, door)
		}
		switch c.Kind {
		case identity.JWT:
			if c.Issuer == "" || c.Subject == "" || len(c.Audiences) == 0 || c.Claims["sub"].Values[0] != c.Subject || c.Principal != (arn.Principal{}) || c.UniqueID != "" {
				t.Errorf("token caller %+v", c)
			}
		case identity.IAM, identity.RESTIAM:
			p := c.Principal
			role := p.Type == arn.Role
			hasID := strings.HasPrefix(c.UniqueID, map[arn.PrincipalType]string{arn.Role: "AROA", arn.User: "AIDA"}[p.Type])
			if p.Type == arn.NoType || p.Partition == "" || len(p.Account) != 12 || role != (p.Session != "") || c.Subject != p.Session ||
				!hasID || (role || p.Type == arn.User) != (c.UniqueID != "") || c.Claims != nil || c.Issuer != "" {
				t.Errorf("IAM caller %+v", c)
			}
			if again, err := arn.ParsePrincipal(p.Canonical()); err != nil || again.Canonical() != p.Canonical() {
				t.Errorf("principal %q does not parse again: %v", p.Canonical(), err)
			}
		default:
			t.Errorf("a caller without a kind: %+v", c)
		}
	})
}

func assertUnauthenticated(t *testing.T, err error) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Unauthenticated || f.Public() == "" {
		t.Errorf("error %v is not of the kind unauthenticated", err)
	}
}

// FuzzParseDoors holds the names against the entries.
func FuzzParseDoors(f *testing.F) {
	f.Add(doors)
	f.Add("url:a=iam,base=/x")
	f.Add("a=iam a=jwt")
	f.Fuzz(func(t *testing.T, s string) {
		parsed, err := identity.ParseDoors(s)
		if err != nil {
			return
		}
		if len(parsed) != len(strings.Fields(s)) {
			t.Errorf("%d doors of %q", len(parsed), s)
		}
		for name, d := range parsed {
			if d.Name() != name || d.Kind == identity.NoKind || d.URL && d.Kind != identity.IAM || strings.HasSuffix(d.Base, "/") {
				t.Errorf("door %q is %+v", name, d)
			}
		}
	})
}
