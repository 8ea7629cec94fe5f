package identity_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/identity"
)

func TestParseDoors(t *testing.T) {
	got, err := identity.ParseDoors("  a1b2c3=iam\td4e5f6=jwt\nurl:xyz=iam,base=/vend r7s8t9=rest-iam,base=/prod/a1 url:a1b2c3=iam ")
	if err != nil {
		t.Fatal(err)
	}
	want := identity.Doors{
		"a1b2c3":     {ID: "a1b2c3", Kind: identity.IAM},
		"d4e5f6":     {ID: "d4e5f6", Kind: identity.JWT},
		"url:xyz":    {ID: "xyz", URL: true, Kind: identity.IAM, Base: "/vend"},
		"r7s8t9":     {ID: "r7s8t9", Kind: identity.RESTIAM, Base: "/prod/a1"},
		"url:a1b2c3": {ID: "a1b2c3", URL: true, Kind: identity.IAM},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("doors (-want +got):\n%s", diff)
	}
	for name, d := range got {
		if d.Name() != name {
			t.Errorf("door %q calls itself %q", name, d.Name())
		}
	}
}

func TestParseDoorsRefuses(t *testing.T) {
	const form = "write ID=KIND or url:ID=iam"
	tests := []struct{ name, in, want string }{
		{"empty", "", "names no front door; " + form},
		{"blank", " \n\t", "names no front door"},
		{"no kind", "a1b2c3", `"a1b2c3": it has no kind; ` + form},
		{"empty kind", "a1b2c3=", `"" is no kind of front door`},
		{"unknown kind", "a1b2c3=lambda", `"lambda" is no kind of front door; known are iam, jwt and rest-iam`},
		{"kind in capitals", "a1b2c3=IAM", "is no kind"},
		{"the zero kind", "a1b2c3=none", "is no kind"},
		{"two kinds", "a1b2c3=iam=jwt", "is no kind"},
		{"empty id", "=iam", "is not the id of an API"},
		{"id in capitals", "A1B2C3=iam", `"A1B2C3" is not the id of an API`},
		{"id with a wildcard", "*=iam", "is not the id"},
		{"id is a host", "a1b2c3.execute-api=iam", "is not the id"},
		{"id too long", strings.Repeat("a", 65) + "=iam", "is not the id"},
		{"url without id", "url:=iam", `"" is not the id`},
		{"url twice", "url:url:xyz=iam", `"url:xyz" is not the id`},
		{"url in capitals", "URL:xyz=iam", `"URL:xyz" is not the id`},
		{"url with jwt", "url:xyz=jwt", "a function URL has no authorizer of the kind jwt; write url:xyz=iam"},
		{"url with rest-iam", "url:xyz=rest-iam", "a function URL has no authorizer of the kind rest-iam"},
		{"parted by commas", "a1b2c3=iam,d4e5f6=jwt", `unknown option "d4e5f6=jwt"; the only one is base=/PATH`},
		{"parted by semicolons", "a1b2c3=iam;d4e5f6=jwt", "is no kind"},
		{"named twice", "a1b2c3=iam d4e5f6=jwt a1b2c3=jwt", `"a1b2c3" is named twice`},
		{"named twice alike", "url:xyz=iam url:xyz=iam", `"url:xyz" is named twice`},
		{"empty option", "a1b2c3=iam,", `unknown option ""`},
		{"base without value", "a1b2c3=iam,base", "is not a base path"},
		{"empty base", "a1b2c3=iam,base=", "is not a base path; it begins with / and ends without one"},
		{"base without a slash", "a1b2c3=iam,base=prod", `"prod" is not a base path`},
		{"base with a slash behind", "a1b2c3=iam,base=/prod/", "is not a base path"},
		{"base is the root", "a1b2c3=iam,base=/", "is not a base path"},
		{"base with dots", "a1b2c3=iam,base=/a/../b", "is not a base path"},
		{"base with two slashes", "a1b2c3=iam,base=/a//b", "is not a base path"},
		{"base with an escape", "a1b2c3=iam,base=/a%2fb", "is not a base path"},
		{"base twice", "a1b2c3=iam,base=/a,base=/b", "the option base is given twice"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := identity.ParseDoors(tt.in)
			if err == nil {
				t.Fatalf("parsed as %v", got)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q; want %q in it", err, tt.want)
			}
			if got != nil {
				t.Errorf("doors %v beside an error", got)
			}
		})
	}
}

func TestStripPrefix(t *testing.T) {
	tests := []struct {
		name, base, stage, path, want string
		rest                          bool
	}{
		{"nothing to strip", "", "$default", "/v1/whoami", "/v1/whoami", false},
		{"no stage", "", "", "/v1/whoami", "/v1/whoami", false},
		{"named stage", "", "prod", "/prod/v1/whoami", "/v1/whoami", false},
		{"named stage that is not in the path", "", "prod", "/v1/whoami", "/v1/whoami", false},
		{"stage called v1", "", "v1", "/v1/v1/whoami", "/v1/whoami", false},
		{"stage called v1 that is not in the path", "", "v1", "/v1/whoami", "/v1/whoami", false},
		{"stage called v1, not in the path, target called v1", "", "v1", "/v1/credentials/v1", "/v1/credentials/v1", false},
		{"stage is part of a segment", "", "pro", "/prod/v1/whoami", "/prod/v1/whoami", false},
		{"stage is stripped once", "", "prod", "/prod/prod/v1/whoami", "/prod/prod/v1/whoami", false},
		{"stage alone", "", "prod", "/prod", "/prod", false},
		{"stage before something else", "", "prod", "/prod/v2/whoami", "/prod/v2/whoami", false},
		{"stage before v1 alone", "", "prod", "/prod/v1", "/prod/v1", false},
		{"$default is never in the path", "", "$default", "/$default/v1/whoami", "/$default/v1/whoami", false},
		{"base", "/prod", "$default", "/prod/v1/whoami", "/v1/whoami", false},
		{"base of two segments", "/a/b", "$default", "/a/b/v1/whoami", "/v1/whoami", false},
		{"base that is not in the path", "/prod", "$default", "/v1/whoami", "/v1/whoami", false},
		{"base alone", "/prod", "$default", "/prod", "/", false},
		{"base is part of a segment", "/pro", "$default", "/prod/v1/whoami", "/prod/v1/whoami", false},
		{"base called v1", "/v1", "$default", "/v1/v1/whoami", "/v1/whoami", false},
		{"base called v1 that is not in the path", "/v1", "$default", "/v1/whoami", "/v1/whoami", false},
		{"base then stage", "/api", "prod", "/api/prod/v1/whoami", "/v1/whoami", false},
		{"base configured, stage in the path", "/api", "prod", "/prod/v1/whoami", "/v1/whoami", false},
		{"stage and base called alike", "/prod", "prod", "/prod/v1/whoami", "/v1/whoami", false},
		{"REST keeps its stage out", "", "prod", "/prod/v1/whoami", "/prod/v1/whoami", true},
		{"REST with a base", "/prod", "prod", "/prod/v1/whoami", "/v1/whoami", true},
		{"REST with a base, twice in the path", "/prod", "prod", "/prod/prod/v1/whoami", "/prod/prod/v1/whoami", true},
		{"empty path", "/prod", "prod", "", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := identity.Door{Base: tt.base}.StripPrefix(&identity.Event{Path: tt.path, Stage: tt.stage, REST: tt.rest})
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestCheckPath(t *testing.T) {
	for _, path := range []string{
		"/", "/v1/credentials", "/v1/credentials/orders", "/prod/v1/whoami", "/v1/credentials/.hidden", "/v1/credentials/a..b", "/v1/.../x", "/a/",
		"/AZaz09._~!$&'()*+,;=:@-", "/" + strings.Repeat("a", 1023),
	} {
		if err := identity.CheckPath(path); err != nil {
			t.Errorf("%q: %v", path, err)
		}
	}
	for _, path := range []string{
		"", "v1/whoami", "//", "//v1/whoami", "/v1//whoami", "/v1/whoami//", "/.", "/..", "/v1/./whoami", "/v1/../whoami", "/v1/..",
		"/%zz", "/v1%2fwhoami", "/v1/%2e%2e/whoami", "/100%", "/v1/whoami?x=1", "/v1/whoami#x", `/v1\whoami`, "/v1/who ami", "/v1/who\nami", "/\x00", "/\x7f",
		"/é", "/\xff", "/[v1]", "/<v1>", `/"v1"`, "/{v1}", "/v1|x", "/^", "/`", "http://host/v1", "*", "/" + strings.Repeat("a", 1024),
	} {
		var f *fault.Error
		err := identity.CheckPath(path)
		if !errors.As(err, &f) || f.Kind != fault.NotFound {
			t.Errorf("%q: %v, want not_found", path, err)
			continue
		}
		if !strings.Contains(f.Public(), "/v1/credentials") || strings.Contains(f.Public(), "!") {
			t.Errorf("%q: the text %q does not say what to do", path, f.Public())
		}
	}
}
