package local

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Files are what a run leaves for AWS's tools, all 0600.
type Files struct {
	Env         string // shell `export` lines
	Config      string // AWS_CONFIG_FILE
	Credentials string // AWS_SHARED_CREDENTIALS_FILE
	Audit       string // the function's audit trail, a JSON line an entry
	Log         string // what else the function wrote
}

// vendingProfile signs for the profile of a target's name.
const vendingProfile = "billing-service"

func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("the folder for the local files: %w; choose another with --dir", err)
	}
	return nil
}

// createFile makes a file for its owner's eyes, in the place of whatever stood
// there before. A file that is already there would keep its mode, a link would
// lead elsewhere, and somebody could be waiting with it open: it is always a
// new one.
func createFile(path string) (*os.File, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("replacing %s: %w", path, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("making %s: %w", path, err)
	}
	return f, nil
}

// writeFile writes a file as createFile makes it.
func writeFile(path string, text []byte) error {
	f, err := createFile(path)
	if err != nil {
		return err
	}
	if _, err := f.Write(text); err != nil {
		return fmt.Errorf("writing %s: %w", path, errors.Join(err, f.Close()))
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// writeFiles writes the environment and the AWS configuration of a run.
func writeFiles(dir, tool string, w World) (Files, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Files{}, err
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	f := Files{in("local.env"), in("config"), in("credentials"), in("audit.jsonl"), in("function.log")}
	for path, text := range map[string]string{
		f.Env:         envFile(w, f),
		f.Config:      configFile(tool, w),
		f.Credentials: credentialsFile(w),
	} {
		if err := writeFile(path, []byte(text)); err != nil {
			return Files{}, err
		}
	}
	return f, nil
}

// variables is what local.env sets, in its order.
func (w World) variables(f Files) [][2]string {
	v := [][2]string{
		{"CREDVEND_URL", w.URL},
		{"CREDVEND_JWT_URL", w.JWTURL},
		{"CREDVEND_FUNCTION_URL", w.FunctionURL},
		{"CREDVEND_REST_URL", w.RESTURL},
		{"CREDVEND_ISSUER_URL", w.IssuerURL},
	}
	if len(w.Targets) > 0 {
		v = append(v, [2]string{"CREDVEND_TARGET_URL", w.Targets[0].URL})
	}
	return append(v, [][2]string{
		{"AWS_ENDPOINT_URL_STS", w.STSURL},
		{"AWS_REGION", w.Region},
		{"AWS_DEFAULT_REGION", w.Region}, // boto3 and AWS CLI 1 read this one
		{"AWS_CONFIG_FILE", f.Config},
		{"AWS_SHARED_CREDENTIALS_FILE", f.Credentials},
	}...)
}

func envFile(w World, f Files) string {
	var b strings.Builder
	b.WriteString("# Written by `credvend local`: two AWS accounts on this machine. Not for production.\n")
	for _, v := range w.variables(f) {
		fmt.Fprintf(&b, "export %s=%s\n", v[0], shellQuote(v[1]))
	}
	return b.String()
}

// ProfileNames are the profiles that the run writes, those that vend included.
func (w World) ProfileNames() []string {
	names := slices.Sorted(maps.Keys(w.Profiles))
	for _, name := range w.vending() {
		names = append(names, name+" (vended)")
	}
	return names
}

// vending are the targets that have a profile of their name.
func (w World) vending() (names []string) {
	if _, ok := w.Profiles[vendingProfile]; !ok {
		return nil
	}
	for _, t := range w.Targets {
		if _, taken := w.Profiles[t.Name]; !taken {
			names = append(names, t.Name)
		}
	}
	return names
}

// configFile gives each session a profile, and each target one that vends.
func configFile(tool string, w World) string {
	var b strings.Builder
	b.WriteString("# Written by `credvend local`. Not for production.\n")
	for _, name := range slices.Sorted(maps.Keys(w.Profiles)) {
		fmt.Fprintf(&b, "[profile %s]\nregion = %s\n\n", name, w.Region)
	}
	if _, ok := w.Profiles[vendingProfile]; !ok || tool == "" {
		return b.String()
	}
	for _, t := range w.Targets {
		if _, taken := w.Profiles[t.Name]; taken {
			continue
		}
		fmt.Fprintf(&b, "[profile %s]\nregion = %s\ncredential_process = %s process %s --url %s --profile %s\n\n",
			t.Name, w.Region, shellQuote(tool), t.Name, w.URL, vendingProfile)
	}
	return b.String()
}

func credentialsFile(w World) string {
	var b strings.Builder
	b.WriteString("# Written by `credvend local`. They open nothing but the local stack.\n")
	for _, name := range slices.Sorted(maps.Keys(w.Profiles)) {
		id, secret, token := w.Profiles[name].Reveal()
		fmt.Fprintf(&b, "[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n", name, id, secret)
		if token != "" {
			fmt.Fprintf(&b, "aws_session_token = %s\n", token)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// shellQuote quotes a word for sh where it needs it. AWS's tools read the same
// form in credential_process.
func shellQuote(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,@+", r)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
