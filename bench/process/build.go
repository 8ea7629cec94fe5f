// Package process measures programs as Lambda runs them: started anew, with
// the variables that Lambda sets and no others, by events through a stand-in
// of the Runtime API, with a stand-in of STS that answers at once.
//
// The stand-ins run in the measuring process and add the same to every program
// beside which credvend stands. It must not reach into any of them: what a
// program does is measured from outside.
package process

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/credvend/credvend/bench/report"
	"github.com/credvend/credvend/internal/allowlist/yamldoc"
)

// FunctionFlags are the Makefile's FUNCTION_FLAGS, with which every program
// here is built.
const FunctionFlags = `-tags lambda.norpc,nethttpomithttp2 -trimpath -ldflags '-s -w'`

// Names of programs, as figures bear them.
const (
	bare     = "bare"     // aws-lambda-go alone
	echo     = "echo"     // with the event decoded and encoded
	minimal  = "minimal"  // the vending function of an afternoon
	credvend = "credvend" // ours
)

var sources = []struct{ name, folder string }{
	{bare, "./bench/cmd/bare"}, {echo, "./bench/cmd/echo"}, {minimal, "./bench/cmd/minimal"}, {credvend, "./functions/vend"},
}

// programs are built programs by name, and what they and their events need.
type programs struct {
	files map[string]string // of the programs, by name
	work  string            // their working directory: it holds allowlist.json
	home  string            // empty: what the SDK finds of a user's settings

	event    []byte // asks for what it gets
	stranger []byte // asks for what it is refused
	doors    string // CREDVEND_FRONT_DOORS
}

// build builds the programs, and reads and converts what they are to serve. What
// an earlier section built is taken as it is.
func build(ctx context.Context, e report.Env) (*programs, error) {
	p := &programs{files: map[string]string{}, work: filepath.Join(e.Dir, "task"), home: filepath.Join(e.Dir, "home")}
	for _, dir := range []string{p.work, p.home} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	for _, s := range sources {
		p.files[s.name] = filepath.Join(e.Dir, "bin", s.name)
		if err := goBuild(ctx, e, p.files[s.name], s.folder); err != nil {
			return nil, err
		}
	}
	return p, p.read(e.Root)
}

func goBuild(ctx context.Context, e report.Env, file, folder string) error {
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	args := append([]string{"build", "-o", file}, splitFlags(FunctionFlags)...)
	cmd := exec.CommandContext(ctx, "go", append(args, folder)...)
	cmd.Dir = e.Root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", "GOOS=", "GOARCH=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", folder, err, out)
	}
	return rewrite(file)
}

// rewrite writes a program anew, byte by byte the same, from its start to its
// end. As the linker leaves it, written here and there, it lies in the page
// cache so that it starts up to a fifth slower: two equal programs would differ.
func rewrite(file string) error {
	program, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := os.Remove(file); err != nil {
		return err
	}
	return os.WriteFile(file, program, 0o700) //nolint:gosec // it is to be run
}

// splitFlags parts flags as a shell would, as far as these need it.
func splitFlags(s string) []string {
	var flags []string
	for i, part := range strings.Split(s, "'") {
		if i%2 == 1 {
			flags = append(flags, part)
		} else {
			flags = append(flags, strings.Fields(part)...)
		}
	}
	return flags
}

// read takes the starter allowlist and two events of an HTTP API with AWS_IAM.
func (p *programs) read(root string) error {
	text, err := os.ReadFile(filepath.Join(root, "allowlist.yaml"))
	if err != nil {
		return err
	}
	file, err := yamldoc.Parse("allowlist.yaml", text)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(p.work, "allowlist.json"), file.Doc.JSON(), 0o600); err != nil {
		return err
	}
	if p.event, err = compactJSON(root, "http-api-iam-vend.json"); err != nil {
		return err
	}
	if p.stranger, err = compactJSON(root, "http-api-iam-stranger.json"); err != nil {
		return err
	}
	var event struct {
		RequestContext struct {
			APIID string `json:"apiId"`
		} `json:"requestContext"`
	}
	if err := json.Unmarshal(p.event, &event); err != nil {
		return err
	}
	p.doors = event.RequestContext.APIID + "=iam"
	return nil
}

// compactJSON reads an event as Lambda sends it: without spaces.
func compactJSON(root, name string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, "events", name))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = json.Compact(&b, text)
	return b.Bytes(), err
}
