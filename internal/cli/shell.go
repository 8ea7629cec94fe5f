package cli

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/credvend/credvend/api"
)

// A variable of an environment.
type variable struct{ name, value string }

// vendedVariables is what an environment with vended credentials holds: AWS's
// names, as `aws configure export-credentials` writes them, and ours.
func vendedVariables(c api.Credentials) []variable {
	v := []variable{
		{"AWS_ACCESS_KEY_ID", c.AccessKeyID},
		{"AWS_SECRET_ACCESS_KEY", c.SecretAccessKey.Reveal()},
		{"AWS_SESSION_TOKEN", c.SessionToken.Reveal()},
		{"AWS_CREDENTIAL_EXPIRATION", c.Expiration.UTC().Format(time.RFC3339)},
		{vendedMarker, c.AccessKeyID},
	}
	if c.Grant.Endpoint != "" {
		v = append(v, variable{"CREDVEND_TARGET_URL", c.Grant.Endpoint})
	}
	return v
}

// shell writes assignments for one kind of shell.
type shell struct {
	assign string // of a name and a quoted value
	quote  func(string) string
}

const (
	shellSh         = "sh"
	shellFish       = "fish"
	shellPowerShell = "powershell"
)

func shells() map[string]shell {
	return map[string]shell{
		shellSh: {"export %s=%s\n", func(s string) string {
			return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
		}},
		shellFish: {"set -gx %s %s;\n", func(s string) string {
			return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
		}},
		shellPowerShell: {"$Env:%s = %s\n", func(s string) string {
			return "'" + strings.ReplaceAll(s, "'", "''") + "'"
		}},
	}
}

// defaultShell is the one that an eval is most likely in. $SHELL is not asked:
// it names the login shell, also to a script that another one runs.
func defaultShell() string {
	if runtime.GOOS == "windows" {
		return shellPowerShell
	}
	return shellSh
}

func registerShell(cmd *cobra.Command, name *string) {
	names := []string{shellSh, shellFish, shellPowerShell}
	cmd.Flags().StringVar(name, "shell", defaultShell(), "with --output env: "+strings.Join(names, ", ")+" (sh stands for bash and zsh too)")
	_ = cmd.RegisterFlagCompletionFunc("shell", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp)) // the flag exists
}

// assignments is text for a shell to evaluate. A value that is not plain ASCII
// on one line is no part of any credential, and is refused rather than trusted
// to a shell's quoting.
func assignments(name string, vs []variable) ([]byte, error) {
	sh := shells()[name]
	var b strings.Builder
	for _, v := range vs {
		if strings.ContainsFunc(v.value, func(r rune) bool { return r < ' ' || r > '~' }) {
			return nil, fmt.Errorf("the answer's value for %s holds a control or non-ASCII character, so it is not given to a shell", v.name)
		}
		fmt.Fprintf(&b, sh.assign, v.name, sh.quote(v.value))
	}
	return []byte(b.String()), nil
}

// foreignCredentials reports whether a variable would lead AWS's tools to other
// credentials than those that were vended, or hold others.
func foreignCredentials(name string) bool {
	if runtime.GOOS == "windows" {
		name = strings.ToUpper(name)
	}
	return slices.Contains([]string{
		"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
		"AWS_CREDENTIAL_EXPIRATION", "AWS_CREDENTIAL_FILE", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_VAULT",
		"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
		runningProcess, vendedMarker, "CREDVEND_TOKEN", // what was vended with it is for the command; it is not
	}, name) || strings.HasPrefix(name, "AWS_CONTAINER_")
}

// environment is this process's own, with vs in the place of all that leads to
// other credentials.
func environment(vs []variable) []string {
	var env []string
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if !foreignCredentials(name) && !slices.ContainsFunc(vs, func(v variable) bool { return v.name == name }) {
			env = append(env, v)
		}
	}
	for _, v := range vs {
		env = append(env, v.name+"="+v.value)
	}
	return env
}
