package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
)

// command is the credential_process.
func (c configure) command(cmd *cobra.Command, who callerFlags, s settings) (string, error) {
	said := func(flag, variable string) bool {
		return flag != "" || os.Getenv(variable) != "" || os.Getenv("CREDVEND_CONFIG") != ""
	}
	words := []string{toolName(), "process", c.target}
	add := func(flag, value string) {
		if value != "" {
			words = append(words, flag, value)
		}
	}
	if said(who.url, "CREDVEND_URL") {
		add("--url", s.url)
	}
	switch {
	case s.token != "":
		return "", usagef(cmd, "CREDVEND_TOKEN holds a JWT, and a profile must not; keep the JWT in a file, and give --token-file")
	case s.tokenFile != "" && said(who.tokenFile, "CREDVEND_TOKEN_FILE"):
		file, err := filepath.Abs(s.tokenFile)
		if err != nil {
			return "", err
		}
		add("--token-file", file)
	case s.profile == c.name, s.profile == "" && s.tokenFile == "" && c.name == "default":
		return "", usagef(cmd, "the profile %q cannot sign for itself; choose another name with --name, or another --profile", c.name)
	case said(who.profile, "CREDVEND_PROFILE"):
		add("--profile", s.profile)
	}
	if said(who.region, "CREDVEND_REGION") {
		add("--region", s.region)
	}
	if said(who.service, "CREDVEND_SERVICE") {
		add("--service", s.service)
	}
	for _, route := range c.routes {
		add("--route", route)
	}
	if c.duration != 0 {
		add("--duration", span(c.duration))
	}
	for i, word := range words {
		quoted, err := quoteWord(word)
		if err != nil {
			return "", asUsage(cmd, err)
		}
		words[i] = quoted
	}
	return strings.Join(words, " "), nil
}

// toolName is how a profile runs this tool: by its name if that finds it, else
// by its path.
func toolName() string {
	self, err := os.Executable()
	if err != nil {
		return "credvend"
	}
	found, err := exec.LookPath("credvend")
	if err != nil {
		return self
	}
	a, err1 := os.Stat(self)
	b, err2 := os.Stat(found)
	if err1 == nil && err2 == nil && os.SameFile(a, b) {
		return "credvend"
	}
	return self
}

// quoteWord quotes a word of a credential_process: SDKs give the line to a
// shell, or split it as one would.
func quoteWord(word string) (string, error) {
	plain := "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,@+"
	if runtime.GOOS == "windows" {
		plain += `\`
	}
	switch {
	case word != "" && strings.Trim(word, plain) == "":
		return word, nil
	case runtime.GOOS != "windows":
		return shells()[shellSh].quote(word), nil
	case strings.ContainsAny(word, `"%`):
		return "", fmt.Errorf("%q cannot be quoted for a credential_process on Windows", word)
	default:
		return `"` + word + `"`, nil
	}
}
