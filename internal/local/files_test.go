package local

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

// designed are the variables of the design's section 9, all of them.
var designed = []string{
	"AWS_CONFIG_FILE", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL_STS", "AWS_REGION", "AWS_SHARED_CREDENTIALS_FILE",
	"CREDVEND_FUNCTION_URL", "CREDVEND_ISSUER_URL", "CREDVEND_JWT_URL", "CREDVEND_REST_URL", "CREDVEND_TARGET_URL", "CREDVEND_URL",
}

// sourced is what a shell's environment gains by sourcing local.env.
func sourced(t *testing.T, file string) map[string]string {
	t.Helper()
	environ := func(script string) map[string]string {
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-eu", "-c", script, "sh", file)
		cmd.Env = []string{"PATH=/usr/bin:/bin"}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil || stderr.Len() > 0 {
			t.Fatalf("sh: %v\n%s", err, stderr.String())
		}
		vars := map[string]string{}
		for entry := range strings.SplitSeq(string(out), "\x00") {
			if name, value, ok := strings.Cut(entry, "="); ok {
				vars[name] = value
			}
		}
		return vars
	}
	before, after := environ("env -0"), environ(`. "$1"; env -0`)
	maps.DeleteFunc(after, func(name, value string) bool {
		return before[name] == value && name != "AWS_REGION" && name != "AWS_DEFAULT_REGION"
	})
	return after
}

// TestEnvFile: a shell that sources local.env has exactly the designed
// variables, wherever the folder is and however it is called.
func TestEnvFile(t *testing.T) {
	for _, dir := range []string{"plain", "with blank", "it's", `$HOME "and" $(touch pwned)`, "line\n touch pwned\nfeed", "-n", "dots..;#&|<>*"} {
		t.Run(dir, func(t *testing.T) {
			w := World{
				URL: "http://127.0.0.1:1", JWTURL: "http://127.0.0.1:2", FunctionURL: "http://127.0.0.1:3", RESTURL: "http://127.0.0.1:4/prod",
				IssuerURL: "http://127.0.0.1:5", STSURL: "http://127.0.0.1:6", Region: "us-east-1", Targets: []TargetAPI{{"a", "http://127.0.0.1:7"}, {"b", "http://127.0.0.1:8"}},
			}
			folder := filepath.Join(t.TempDir(), dir)
			if err := makeDir(folder); err != nil {
				t.Fatal(err)
			}
			f, err := writeFiles(folder, "", w)
			if err != nil {
				t.Fatal(err)
			}
			got := sourced(t, f.Env)
			want := map[string]string{
				"CREDVEND_URL": w.URL, "CREDVEND_JWT_URL": w.JWTURL, "CREDVEND_FUNCTION_URL": w.FunctionURL, "CREDVEND_REST_URL": w.RESTURL,
				"CREDVEND_ISSUER_URL": w.IssuerURL, "CREDVEND_TARGET_URL": "http://127.0.0.1:7", "AWS_ENDPOINT_URL_STS": w.STSURL, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
				"AWS_CONFIG_FILE": filepath.Join(folder, "config"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(folder, "credentials"),
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("local.env sets (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(designed, slices.Sorted(maps.Keys(want))); diff != "" {
				t.Errorf("the test forgets a variable:\n%s", diff)
			}
		})
	}
}

// TestFiles: the files of a run are for its owner's eyes, and lead where the
// stack is.
func TestFiles(t *testing.T) {
	o := options(t)
	s := start(t, o)
	info, err := os.Stat(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the folder's mode is %v", info.Mode())
	}
	entries, err := os.ReadDir(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, e.Name())
		if info.Mode() != 0o600 {
			t.Errorf("%s has the mode %v, want -rw-------", e.Name(), info.Mode())
		}
	}
	if want := []string{"allowlist.json", "audit.jsonl", "config", "credentials", "function.log", "local.env"}; !slices.Equal(names, want) {
		t.Errorf("files %q, want %q", names, want)
	}
	env := sourced(t, s.World.Files.Env)
	if got := slices.Sorted(maps.Keys(env)); !slices.Equal(got, designed) {
		t.Errorf("local.env sets %q, want %q", got, designed)
	}
	for name, url := range map[string]string{
		"CREDVEND_URL": s.World.URL, "CREDVEND_JWT_URL": s.World.JWTURL, "CREDVEND_FUNCTION_URL": s.World.FunctionURL, "CREDVEND_REST_URL": s.World.RESTURL,
		"CREDVEND_ISSUER_URL": s.World.IssuerURL, "CREDVEND_TARGET_URL": s.World.Targets[0].URL, "AWS_ENDPOINT_URL_STS": s.World.STSURL,
		"AWS_CONFIG_FILE": s.World.Files.Config, "AWS_SHARED_CREDENTIALS_FILE": s.World.Files.Credentials,
	} {
		if env[name] != url {
			t.Errorf("%s is %q, want %q", name, env[name], url)
		}
	}
	if profiles := slices.Sorted(maps.Keys(s.World.Profiles)); !slices.Equal(profiles, []string{"billing-service", "expired", "outsider", "stranger"}) {
		t.Errorf("profiles %q", profiles)
	}
	config, err := os.ReadFile(s.World.Files.Config)
	if err != nil {
		t.Fatal(err)
	}
	want := "[profile orders]\nregion = us-east-1\ncredential_process = /opt/credvend process orders --url " + s.World.URL + " --profile billing-service\n"
	if !strings.Contains(string(config), want) {
		t.Errorf("config lacks\n%s\nbut is\n%s", want, config)
	}
}

// TestProfiles: AWS's SDK reads the files, and STS knows each profile as who it
// is said to be.
func TestProfiles(t *testing.T) {
	s := start(t, options(t))
	for name, session := range s.World.Profiles {
		t.Run(name, func(t *testing.T) {
			cfg, err := awsconfig.LoadDefaultConfig(t.Context(),
				awsconfig.WithSharedConfigFiles([]string{s.World.Files.Config}),
				awsconfig.WithSharedCredentialsFiles([]string{s.World.Files.Credentials}),
				awsconfig.WithSharedConfigProfile(name))
			if err != nil {
				t.Fatal(err)
			}
			if cfg.Region != "us-east-1" {
				t.Errorf("region %q", cfg.Region)
			}
			client := sts.NewFromConfig(cfg, func(o *sts.Options) { o.BaseEndpoint = aws.String(s.World.STSURL) })
			me, err := client.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
			if name == "expired" {
				var fault smithy.APIError
				if !errors.As(err, &fault) || fault.ErrorCode() != "ExpiredToken" || !strings.Contains(session.ARN(), "/billing-service/") {
					t.Errorf("%s: %v", session.ARN(), err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if aws.ToString(me.Arn) != session.ARN() || !strings.Contains(session.ARN(), name) {
				t.Errorf("STS knows it as %s, want %s", aws.ToString(me.Arn), session.ARN())
			}
		})
	}
}

// TestFilesReplaced: what stood in the folder before is replaced, not written
// into: a file that others may read would stay so, and a link would lead the
// credentials elsewhere.
func TestFilesReplaced(t *testing.T) {
	o := options(t)
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"allowlist.json", "audit.jsonl", "config", "credentials", "function.log", "local.env"} {
		path := filepath.Join(o.Dir, name)
		var err error
		if i%2 == 0 {
			err = os.Symlink(elsewhere, path)
		} else {
			err = os.WriteFile(path, []byte("old\n"), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(elsewhere, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := start(t, o).Tour(t.Context(), &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(elsewhere); err != nil || string(text) != "precious" {
		t.Errorf("a link was followed: %q %v", text, err)
	}
	entries, err := os.ReadDir(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: mode %v %v", e.Name(), info.Mode(), err)
		}
		if text, err := os.ReadFile(filepath.Join(o.Dir, e.Name())); err != nil || strings.Contains(string(text), "old\n") {
			t.Errorf("%s still holds what stood there: %v", e.Name(), err)
		}
	}
}

// TestFolderThatCannotBe: the error tells what to do.
func TestFolderThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o := options(t)
	o.Dir = filepath.Join(file, "local")
	if _, err := Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), "--dir") {
		t.Errorf("%v", err)
	}
	o = options(t)
	if err := os.MkdirAll(filepath.Join(o.Dir, "credentials", "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), "replacing "+filepath.Join(o.Dir, "credentials")) {
		t.Errorf("%v", err)
	}
}

// TestShellQuote: sh reads back what went in.
func TestShellQuote(t *testing.T) {
	for _, s := range []string{"", "a", "a b", "it's", `"$(x)"`, "`x`", "$HOME", "a\nb", "ä", "-e", "~", "!", "*", "a;b", `\`, "#"} {
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", "printf %s "+shellQuote(s))
		if out, err := cmd.Output(); err != nil || string(out) != s && s != "-e" {
			t.Errorf("%q quoted as %s reads %q %v", s, shellQuote(s), out, err)
		}
	}
}
