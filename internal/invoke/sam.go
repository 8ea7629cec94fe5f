package invoke

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// ErrUnavailable is wrapped by errors about what this machine lacks: nothing
// was tried.
var ErrUnavailable = errors.New("not possible here")

func unavailable(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnavailable, fmt.Sprintf(format, args...))
}

// SAM says how to run sam.
type SAM struct {
	Dir      string    // what it works in; it is made. A container engine must be allowed to mount it
	Template string    // template.yaml
	Stderr   io.Writer // sam's progress, and what the function writes
}

// RunSAM hands an event to the function in the container of `sam local invoke`,
// with the local STS as its endpoint. The broker's session goes to sam in its
// environment, which sam passes on as Lambda would; no file holds it.
func RunSAM(ctx context.Context, o Options, s SAM, c Case) (_ *Result, err error) {
	mood, more, after := c.terms()
	if len(after) > 0 {
		return nil, unavailable("%s needs several events in one process, and sam starts a container for each; use make invoke EVENT=%s", c.Name, c.Name)
	}
	sam, err := exec.LookPath("sam")
	if err != nil {
		return nil, unavailable("sam is not installed (https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/install-sam-cli.html); make invoke EVENT=%s does the same without it", c.Name)
	}
	engine, err := findEngine(ctx)
	if err != nil {
		return nil, err
	}
	w, err := newWorld(o, mood)
	if err != nil {
		return nil, err
	}
	l, host, err := listenFor(ctx, engine)
	if err != nil {
		return nil, err
	}
	stop := w.accounts.serveSTS(l, mood)
	defer func() { err = errors.Join(err, stop()) }()

	vars, err := environment(o.Events)
	if err != nil {
		return nil, err
	}
	maps.Copy(vars, more)
	vars["AWS_ENDPOINT_URL_STS"] = "http://" + host
	files, err := s.prepare(o, w, vars)
	if err != nil {
		return nil, err
	}
	event, err := filepath.Abs(c.Path)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, sam, "local", "invoke", functionID,
		"--template", files.template, "--event", event, "--env-vars", files.env, "--region", region,
		"--parameter-overrides", "Architecture="+architecture(), "TargetRoleArns="+w.roles())
	cmd.Env = append(clean(os.Environ()), list(w.credentials())...)
	cmd.Env = append(cmd.Env, "SAM_CLI_TELEMETRY=0")
	cmd.Stderr = s.Stderr
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("sam local invoke: %w; what it said stands above", err)
	}
	payload, err := lastObject(out)
	if err != nil {
		return nil, err
	}
	return c.judge(payload)
}

// clean drops what of this shell could reach the container, or sam, by mistake:
// somebody's real AWS identity, and variables of the function, which sam
// prefers to the template's.
func clean(environ []string) []string {
	return slices.DeleteFunc(environ, func(entry string) bool {
		return strings.HasPrefix(entry, "AWS_") || strings.HasPrefix(entry, "CREDVEND_")
	})
}

// architecture is this machine's, since its container engine runs it fastest.
func architecture() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}

func (w *world) roles() string {
	var all []string
	for _, t := range w.list.Targets {
		if !slices.Contains(all, t.Role) {
			all = append(all, t.Role)
		}
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}

// prepared are the files that sam is given.
type prepared struct{ template, env string }

// prepare writes the function's code, its variables and a template into the
// folder of the run.
func (s SAM) prepare(o Options, w *world, vars map[string]string) (prepared, error) {
	dir, err := filepath.Abs(s.Dir)
	if err != nil {
		return prepared{}, err
	}
	code := filepath.Join(dir, "code")
	if err := os.MkdirAll(code, 0o755); err != nil { //nolint:gosec // a container mounts it as another user; nothing in it is secret
		return prepared{}, err
	}
	program, err := os.ReadFile(o.Bootstrap)
	if err != nil {
		return prepared{}, fmt.Errorf("the bootstrap cannot be read: %w", err)
	}
	text, err := os.ReadFile(s.Template)
	if err != nil {
		return prepared{}, fmt.Errorf("the template cannot be read: %w", err)
	}
	template, err := derive(text, code)
	if err != nil {
		return prepared{}, fmt.Errorf("%s: %w", s.Template, err)
	}
	env, err := json.MarshalIndent(map[string]any{functionID: vars}, "", "  ")
	if err != nil {
		return prepared{}, err
	}
	p := prepared{filepath.Join(dir, "template.yaml"), filepath.Join(dir, environmentFile)}
	for _, f := range []struct {
		path string
		text []byte
		mode os.FileMode
	}{
		{filepath.Join(code, "bootstrap"), program, 0o755},
		{filepath.Join(code, "allowlist.json"), w.list.JSON(), 0o644},
		{p.template, template, 0o644},
		{p.env, env, 0o644},
	} {
		if err := os.WriteFile(f.path, f.text, f.mode); err != nil {
			return prepared{}, err
		}
		if err := os.Chmod(f.path, f.mode); err != nil { // one that stood there keeps its mode otherwise
			return prepared{}, err
		}
	}
	return p, nil
}

// derive changes the template in two places: where the code is, and a variable
// for the endpoint of STS. sam takes --env-vars for variables that the template
// names and drops all others without a word, and the deployed function shall
// have none that leads STS elsewhere.
func derive(template []byte, code string) ([]byte, error) {
	quoted, err := json.Marshal(code) // JSON's quoting is YAML's too
	if err != nil {
		return nil, err
	}
	for _, change := range []struct{ line, by string }{
		{"\n      CodeUri: .\n", "\n      CodeUri: " + string(quoted) + "\n"},
		{"\n        Variables:\n          CREDVEND_ALLOWLIST:", "\n        Variables:\n          AWS_ENDPOINT_URL_STS: ''\n          CREDVEND_ALLOWLIST:"},
	} {
		if n := bytes.Count(template, []byte(change.line)); n != 1 {
			return nil, fmt.Errorf("%q stands in it %d times and not once, so it cannot be adapted to this machine", strings.TrimSpace(change.line), n)
		}
		template = bytes.Replace(template, []byte(change.line), []byte(change.by), 1)
	}
	return template, nil
}

// lastObject is the function's answer in sam's output, which may have other
// lines before it.
func lastObject(out []byte) ([]byte, error) {
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	for _, line := range slices.Backward(lines) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] == '{' && json.Valid(line) {
			return line, nil
		}
	}
	return nil, errors.New("sam local invoke printed no answer of the function; what it said stands above")
}
