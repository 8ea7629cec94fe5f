package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestCommand(t *testing.T) {
	program := bootstrap(t)
	own := filepath.Join(t.TempDir(), "own.json")
	event, err := os.ReadFile(filepath.Join(eventsDir, "http-api-iam-whoami.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(own, event, 0o600); err != nil {
		t.Fatal(err)
	}
	secret := regexp.MustCompile(`"(SecretAccessKey|SessionToken|Token)": "[^(]`)
	for _, c := range []struct {
		name    string
		args    []string
		code    int
		out     string // stands in standard output
		err     string // stands in standard error
		secrets bool   // are shown
	}{
		{"the list", nil, exitOK, "http-api-iam-vend                        200  a role of Account B asks by POST", "", false},
		{"an event", []string{"http-api-iam-vend"}, exitOK, "\n\nok: as expected\n", "", false},
		{"its secrets are hidden", []string{"http-api-iam-vend"}, exitOK, `"SecretAccessKey": "(hidden)"`, "", false},
		{"and shown if asked for", []string{"-show", "http-api-iam-vend"}, exitOK, `"caller": "billing-service"`, "", true},
		{"with what the function writes", []string{"-log", "http-api-iam-vend"}, exitOK, "ok: as expected", `"event":"outcome"`, false},
		{"a file of one's own", []string{own}, exitOK, `"callers": [`, "", false},
		{"another allowlist", []string{"-allowlist", "../../internal/local/story/allowlist.yaml", "function-url-targets"}, exitOK, "GET /orders/*", "", false},
		{"an allowlist that is not there", []string{"-allowlist", "none.yaml", "http-api-iam-vend"}, exitFailed, "", "none.yaml", false},
		{"no such event", []string{"whoami"}, exitUsage, "", "function-url-whoami, http-api-iam-whoami", false},
		{"nothing like it", []string{"nonesuch"}, exitUsage, "", "leave it out to see which there are", false},
		{"two events", []string{"http-api-iam-vend", "http-api-iam-whoami"}, exitUsage, "", "name one event", false},
		{"a flag that is none", []string{"-nonesuch"}, exitUsage, "", "usage: events", false},
		{"no function", []string{"-bootstrap", "nonesuch", "http-api-iam-vend"}, exitFailed, "", "the bootstrap cannot be run", false},
		{"no emulator", []string{"-rie", "nonesuch", "http-api-iam-vend"}, exitUsage, "", "releases has it", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, errs strings.Builder
			code := run(t.Context(), append([]string{"-events", eventsDir, "-bootstrap", program}, c.args...), &out, &errs)
			if code != c.code || !strings.Contains(out.String(), c.out) || !strings.Contains(errs.String(), c.err) {
				t.Errorf("exit code %d\n%s\n%s", code, out.String(), errs.String())
			}
			if got := secret.MatchString(out.String() + errs.String()); got != c.secrets {
				t.Errorf("secrets are shown: %v, want %v\n%s", got, c.secrets, out.String())
			}
		})
	}
}

// TestDifference: an answer that is not the expected one fails, is told place
// by place, and gives no secret away.
func TestDifference(t *testing.T) {
	program := bootstrap(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(eventsDir)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "http-api-iam-vend.want.json")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{
		`"caller": "billing-service"`:        `"caller": "operator"`,
		`"SecretAccessKey": "<secret key>"`:  `"SecretAccessKey": "wrong"`,
		`"AccessKeyId": "<access key id>",`:  ``,
		`"Cache-Control": "no-store"`:        `"Cache-Control": "max-age=60"`,
		`"grantedSeconds": "<about 1800>"`:   `"grantedSeconds": "<about 900>"`,
		`"routes": [`:                        `"routes": ["GET /more",`,
		`"status": 200`:                      `"status": 201`,
		`"packedPolicyPercent": "<percent>"`: `"packedPolicyPercent": "<percent>", "more": true`,
		`"SessionToken": "<session token>",`: `"SessionToken": "<access key id>",`,
	} {
		if !strings.Contains(string(text), from) {
			t.Fatalf("%s is not in %s", from, file)
		}
		text = []byte(strings.Replace(string(text), from, to, 1))
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	code := run(t.Context(), []string{"-events", dir, "-bootstrap", program, "http-api-iam-vend"}, &out, &errs)
	if code != exitFailed {
		t.Errorf("exit code %d %s", code, errs.String())
	}
	_, told, _ := strings.Cut(out.String(), "differs from what is expected:\n")
	for _, want := range []string{
		`status: got 200, want 201`, `headers.Cache-Control: got "no-store", want "max-age=60"`,
		`body.AccessKeyId: got "ASIA`, `body.Grant.caller: got "billing-service", want "operator"`,
		`body.Grant.grantedSeconds: got 1800, want <about 900>`, `body.Grant.more: missing`,
		`body.Grant.routes: got ["GET /orders","GET /orders/*"], want ["GET /more",`,
		`body.SecretAccessKey: got (hidden), want "wrong"`, `body.SessionToken: got (hidden), want <access key id>`,
	} {
		if !strings.Contains(told, want) {
			t.Errorf("it does not say: %s", want)
		}
	}
	if n := strings.Count(told, "\n"); n != 9 {
		t.Errorf("%d lines:\n%s", n, told)
	}
}
