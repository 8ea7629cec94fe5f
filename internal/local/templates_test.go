package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credvend/credvend"
)

// templatesIn writes a folder of templates.
func templatesIn(t *testing.T, broker, target string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "accounts"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{brokerFile: broker, targetFile: target} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestTemplates: a folder's templates are the ones that are played, and nothing
// is started or written for a folder that has not got both.
func TestTemplates(t *testing.T) {
	broker, target := string(credvend.BrokerTemplate), string(credvend.TargetTemplate)
	renamed := strings.Replace(broker, "Default: credvend-vend\n", "Default: my-vend\n", 1)
	if renamed == broker {
		t.Fatal("the template's function has another name")
	}
	o := options(t)
	o.Templates = templatesIn(t, renamed, target)
	s := start(t, o)
	var told strings.Builder
	if err := s.Tour(t.Context(), &told); err != nil {
		t.Fatalf("%v\n%s", err, told.String())
	}
	if len(s.World.Adapted) > 0 {
		t.Errorf("the story needs no notes: %q", s.World.Adapted)
	}
	for _, c := range []struct {
		name, broker, target string
		want                 []string
	}{
		{"neither", "", "", []string{"the templates cannot be read", "template.yaml", "--templates takes a folder"}},
		{"no accounts/target.yaml", broker, "", []string{"the templates cannot be read", filepath.FromSlash("accounts/target.yaml"), "--templates takes a folder"}},
		{"nothing in one", broker, "\n", []string{"accounts/target.yaml"}},
		{"one for the other", target, broker, []string{"template.yaml", "parameter ApiId"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options(t)
			o.Templates = templatesIn(t, c.broker, c.target)
			_, err := Start(t.Context(), o)
			if err == nil {
				t.Fatal("it starts")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error lacks %q:\n%v", part, err)
				}
			}
			if _, err := os.Stat(o.Dir); !os.IsNotExist(err) {
				t.Errorf("the folder was made: %v", err)
			}
		})
	}
}

// TestOddTargets: what a list may say and the templates cannot is played, with a
// note.
func TestOddTargets(t *testing.T) {
	s := startWith(t, strings.NewReplacer("role/orders-invoke", "role/team/orders-invoke", "https://issuer.example.com", "http://127.0.0.1:9999").Replace(string(storyAllowlist)))
	call{url: s.World.URL, body: ask("orders"), keys: s.World.Profiles["billing-service"].keys(), service: "execute-api", region: "us-east-1"}.
		vend(t, 200).check(t, s.World.Targets[0].URL, "/orders/1", "/users/1")
	token, err := s.Token(map[string]any{"sub": "ana", "cognito:groups": []string{"shoppers"}})
	if err != nil {
		t.Fatal(err)
	}
	call{url: s.World.JWTURL, body: ask("orders"), bearer: token}.vend(t, 200)
	if notes := strings.Join(s.World.Adapted, "\n"); !strings.Contains(notes, "target orders: its role has the path /team/") {
		t.Errorf("notes: %s", notes)
	}
}
