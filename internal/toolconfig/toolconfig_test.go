package toolconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	all := Config{URL: "https://vend.example.com", Profile: "billing-service", Region: "us-east-1", Service: "lambda"}
	for _, c := range []struct {
		name, text string
		want       Config
	}{
		{"empty", "", Config{}},
		{"comments", "# a\n\n   # b\n", Config{}},
		{"all", "url: https://vend.example.com\nprofile: billing-service\nregion: us-east-1\nservice: lambda\n", all},
		{"no newline at the end", "profile: a", Config{Profile: "a"}},
		{"Windows", "\xef\xbb\xbfprofile: a\r\nregion: b\r\n", Config{Profile: "a", Region: "b"}},
		{"comment behind", "profile: a # mine\nurl: https://x.example.com/#no", Config{Profile: "a", URL: "https://x.example.com/#no"}},
		{"quotes", "profile: \"a # b: c\" # mine\ntoken_file: ''\n", Config{}},
		{"single quotes", `token_file: 'C:\token'`, Config{TokenFile: `C:\token`}},
		{"spaces", "profile :   a b   ", Config{Profile: "a b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse("config.yaml", []byte(c.text))
			if c.name == "quotes" {
				if err == nil || !strings.Contains(err.Error(), "line 2: token_file has no value") {
					t.Error(err)
				}
				return
			}
			if err != nil || got != c.want {
				t.Errorf("%+v %v", got, err)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", "\nprofil: a", `config.yaml, line 2: the key "profil" is not known; known are url, profile,`},
		{"a token", "token: abc", `"token" is not known`},
		{"twice", "profile: a\nprofile: b", `line 2: the key "profile" stands there twice`},
		{"two ways", "profile: a\ntoken_file: b", "two ways to prove who calls"},
		{"no value", "profile:", "profile has no value"},
		{"only a comment", "profile: # a", "profile has no value"},
		{"no space", "profile:a", "KEY: VALUE"},
		{"no colon", "profile", "KEY: VALUE"},
		{"JSON", `{"profile": "a"}`, "line 1: "},
		{"indented", " profile: a", "indented"},
		{"tab", "profile:\ta", "tab"},
		{"list", "profile: [a]", "cannot begin with '['"},
		{"anchor", "profile: &a", "cannot begin with '&'"},
		{"block", "profile: |", "cannot begin with '|'"},
		{"open quote", `profile: "a`, "not closed"},
		{"escape", `profile: "a\n"`, "escapes"},
		{"after the quote", `profile: "a" b`, "escapes"},
		{"two on a line", "profile: a region: b", "must stand in quotes"},
		{"control character", "profile: a\x1b[31m", "control character"},
		{"huge", strings.Repeat("#\n", maxSize), "no configuration of credvend"},
		{"long key", strings.Repeat("x", 500) + ": a", "…"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse("config.yaml", []byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) || got != (Config{}) || len(err.Error()) > 300 {
				t.Errorf("%+v %v", got, err)
			}
		})
	}
}

func TestRead(t *testing.T) {
	name := filepath.Join(t.TempDir(), "config.yaml")
	if got, err := Read(name, false); err != nil || got != (Config{}) {
		t.Error(err)
	}
	if _, err := Read(name, true); err == nil {
		t.Error("a missing file was read")
	}
	if _, err := Read(filepath.Dir(name), false); err == nil {
		t.Error("a folder was read")
	}
	if err := os.WriteFile(name, []byte("profile: a"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(name, true); err != nil || got.Profile != "a" {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("profile: a\n# x\nurl: 'b'")
	f.Add("token_file: \"a\" # b\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse("f", []byte(text))
		if err != nil && (c != Config{} || strings.ContainsAny(err.Error(), "\n\x1b")) {
			t.Errorf("%+v %q", c, err)
		}
	})
}
