package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// project is a folder with what make deploy and make delete need, and programs
// beside it that write down how they are called.
type project struct {
	dir, calls string
	env        []string
}

var tool struct {
	once sync.Once
	dir  string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if tool.dir != "" {
		_ = os.RemoveAll(tool.dir) // a temporary folder
	}
	os.Exit(code)
}

// credvend builds the tool, once.
func credvend(t *testing.T) string {
	t.Helper()
	tool.once.Do(func() {
		if tool.dir, tool.err = os.MkdirTemp("", "credvend-deploy-"); tool.err != nil { //nolint:usetesting // it outlives the first test that needs it
			return
		}
		cmd := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-o", filepath.Join(tool.dir, "credvend"), "./cmd/credvend")
		cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Logf("%s", out)
			tool.err = err
		}
	})
	if tool.err != nil {
		t.Fatalf("building credvend: %v", tool.err)
	}
	return filepath.Join(tool.dir, "credvend")
}

// The programs of a machine. Each writes its name and arguments into $CALLS.
const (
	fakeSAM = `echo "sam $* GOARCH=$GOARCH" >>"$CALLS"`
	fakeAWS = `case "$*" in
"sts get-caller-identity"*) echo 444455556666 ;;
"configure get region") echo eu-central-1 ;;
*) exit 1 ;;
esac`
	muteAWS   = "exit 255" // aws, without an identity
	brokenSAM = `echo "sam $*" >>"$CALLS"; echo 'Error: Build Failed' >&2; exit 1`
)

// deployable is an allowlist with nobody's example accounts.
const deployable = `version: 1
targets:
  orders: { role: "arn:aws:iam::210987654321:role/orders-invoke", api: "arn:aws:execute-api:us-east-1:210987654321:a1b2c3d4e5/$default" }
callers:
  billing-service: { iam: { role: "arn:aws:iam::543210987654:role/billing-service" } } # not 111122223333
  # 777788889999 was here
rules:
  - { id: all, callers: [billing-service], target: orders, routes: ["GET /orders"] }
`

func newProject(t *testing.T, allowlist string, programs map[string]string) *project {
	t.Helper()
	p := &project{dir: filepath.Join(t.TempDir(), "the project")}
	p.calls = filepath.Join(p.dir, "calls")
	for _, name := range []string{"deploy.sh", "delete.sh", "stack.sh", "examples.sh"} {
		write(t, filepath.Join(p.dir, "tools", name), read(t, filepath.Join(root, "tools", name)), 0o755)
	}
	write(t, filepath.Join(p.dir, "allowlist.yaml"), allowlist, 0o644)
	write(t, filepath.Join(p.dir, "template.yaml"), "Resources: {}\n", 0o644)
	if err := os.Mkdir(filepath.Join(p.dir, "build"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(credvend(t), filepath.Join(p.dir, "build/credvend")); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(p.dir, "bin")
	for name, script := range programs {
		write(t, filepath.Join(bin, name), "#!/bin/sh\n"+script+"\n", 0o755)
	}
	// sh and its companions, but no sam and no aws of this machine.
	for _, name := range []string{"sh", "sed", "grep", "head", "cat", "mkdir", "dirname", "timeout"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue // timeout is not everywhere
		}
		if err := os.MkdirAll(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	p.env = []string{"PATH=" + bin, "CALLS=" + p.calls, "HOME=" + p.dir}
	return p
}

// called is what the programs were asked.
func (p *project) called(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat(p.calls); err != nil {
		return ""
	}
	return read(t, p.calls)
}

func TestDeploy(t *testing.T) {
	// As the starter is, and not the file itself: that one is there to be edited.
	starter := strings.NewReplacer("210987654321", "111122223333", "543210987654", "777788889999").Replace(deployable)
	both := map[string]string{"sam": fakeSAM, "aws": fakeAWS}
	const saved = "version = 0.1\n[default.global.parameters]\nstack_name = \"tokens\"\n[default.deploy.parameters]\nregion = \"us-west-2\"\nparameter_overrides = \"Architecture=\\\"x86_64\\\" Timeout=\\\"10\\\"\"\n"
	for _, c := range []struct {
		name      string
		allowlist string
		programs  map[string]string
		config    string // samconfig.toml
		env       []string
		code      int
		out, err  []string // stand in the output
		calls     string   // lines, in order
	}{
		{
			"the first time: guided", deployable, both, "", nil, 0,
			[]string{"the stack credvend of template.yaml", "in account  444455556666", "in region   eu-central-1", "bootstrap for linux/arm64", "asks        for each parameter"}, nil,
			"sam build --template-file template.yaml GOARCH=arm64\nsam deploy --guided --capabilities CAPABILITY_NAMED_IAM --stack-name credvend --region eu-central-1 GOARCH=arm64\n",
		},
		{
			"again: what was saved counts", deployable, both, saved, nil, 0,
			[]string{"the stack tokens of template.yaml", "in region   us-west-2", "bootstrap for linux/amd64", "samconfig.toml (GUIDED=1", "Architecture must be x86_64"}, nil,
			"sam build --template-file template.yaml GOARCH=amd64\nsam deploy --capabilities CAPABILITY_NAMED_IAM --stack-name tokens --region us-west-2 GOARCH=amd64\n",
		},
		{
			"again, guided", deployable, both, saved, []string{"GUIDED=1", "STACK=other", "AWS_REGION=eu-west-1", "GOARCH=arm64"}, 0,
			[]string{"the stack other of template.yaml", "in region   eu-west-1"}, nil,
			"sam build --template-file template.yaml GOARCH=arm64\nsam deploy --guided --capabilities CAPABILITY_NAMED_IAM --stack-name other --region eu-west-1 GOARCH=arm64\n",
		},
		{
			"without an AWS identity", deployable, map[string]string{"sam": fakeSAM, "aws": muteAWS}, "", nil, 0,
			[]string{"get-caller-identity did not answer", "the one that sam asks for"}, nil,
			"sam build --template-file template.yaml GOARCH=arm64\nsam deploy --guided --capabilities CAPABILITY_NAMED_IAM --stack-name credvend GOARCH=arm64\n",
		},
		{
			"without the AWS CLI", deployable, map[string]string{"sam": fakeSAM}, "", nil, 0,
			[]string{"get-caller-identity did not answer"}, nil,
			"sam build --template-file template.yaml GOARCH=arm64\nsam deploy --guided --capabilities CAPABILITY_NAMED_IAM --stack-name credvend GOARCH=arm64\n",
		},
		{"without sam", deployable, map[string]string{"aws": fakeAWS}, "", nil, 2, nil, []string{"is not installed: https://docs.aws.amazon.com", "make package"}, ""},
		{"the starter allowlist", starter, both, "", nil, 2, nil, []string{"still names accounts of AWS's documentation", "  line 3: orders: {", "111122223333:role/orders-invoke", "777788889999", "EXAMPLE_ACCOUNTS=allow"}, ""},
		{
			"the starter allowlist, on purpose", starter, both, "", []string{"EXAMPLE_ACCOUNTS=allow"}, 0, nil, nil,
			"sam build --template-file template.yaml GOARCH=arm64\nsam deploy --guided --capabilities CAPABILITY_NAMED_IAM --stack-name credvend --region eu-central-1 GOARCH=arm64\n",
		},
		{"an empty allowlist", "", both, "", nil, 1, nil, []string{"the file is empty; an allowlist begins with"}, ""},
		{"an allowlist without rules", "version: 1\n", both, "", nil, 1, nil, []string{"without a rule nobody is allowed anything"}, ""},
		{"an allowlist that does not compile", strings.Replace(deployable, "target: orders,", "target: nonesuch,", 1), both, "", nil, 1, nil, []string{"nonesuch", "nothing was written"}, ""},
		{"a build that fails", deployable, map[string]string{"sam": brokenSAM, "aws": fakeAWS}, "", nil, 1, nil, []string{"Build Failed"}, "sam build --template-file template.yaml\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProject(t, c.allowlist, c.programs)
			if c.config != "" {
				write(t, filepath.Join(p.dir, "samconfig.toml"), c.config, 0o644)
			}
			out, errs, code := run(t, t.TempDir(), append(p.env, c.env...), "", filepath.Join(p.dir, "tools/deploy.sh"))
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			contains(t, out, c.out)
			contains(t, errs, c.err)
			if got := p.called(t); got != c.calls {
				t.Errorf("called:\n%swant:\n%s", got, c.calls)
			}
			if t.Failed() {
				t.Logf("%s\n%s", out, errs)
			}
		})
	}
}

func TestDelete(t *testing.T) {
	both := map[string]string{"sam": fakeSAM, "aws": fakeAWS}
	for _, c := range []struct {
		name     string
		programs map[string]string
		env      []string
		stdin    string
		code     int
		out, err []string
		calls    string
	}{
		{
			"asked, and meant", both, nil, "credvend\n", 0,
			[]string{"the stack credvend", "in account  444455556666", "in region   eu-central-1", "keeps       the log groups", "everything in Account A", "live up to an hour", "Write the name of the stack"}, nil,
			"sam delete --stack-name credvend --region eu-central-1 --no-prompts GOARCH=\n",
		},
		{"another answer", both, nil, "y\n", 2, nil, []string{"that is not credvend, so nothing was deleted"}, ""},
		{"nobody answers", both, nil, "", 2, nil, []string{"nobody answered", "YES=1"}, ""},
		{"YES=1, another stack", both, []string{"YES=1", "STACK=other", "AWS_REGION=eu-west-1"}, "", 0, []string{"the stack other"}, nil, "sam delete --stack-name other --region eu-west-1 --no-prompts GOARCH=\n"},
		{"no region", map[string]string{"sam": fakeSAM, "aws": muteAWS}, []string{"YES=1"}, "", 2, nil, []string{"AWS_REGION=us-east-1"}, ""},
		{"without sam", map[string]string{"aws": fakeAWS}, []string{"YES=1"}, "", 2, nil, []string{"is not installed", "aws cloudformation delete-stack --stack-name credvend"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProject(t, deployable, c.programs)
			out, errs, code := run(t, t.TempDir(), append(p.env, c.env...), c.stdin, filepath.Join(p.dir, "tools/delete.sh"))
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			contains(t, out, c.out)
			contains(t, errs, c.err)
			if got := p.called(t); got != c.calls {
				t.Errorf("called %q, want %q", got, c.calls)
			}
			if t.Failed() {
				t.Logf("%s\n%s", out, errs)
			}
		})
	}
}

// TestTargets: make calls these very scripts.
func TestTargets(t *testing.T) {
	for target, want := range map[string]string{"deploy": "tools/deploy.sh", "delete": "tools/delete.sh"} {
		out, errs, code := run(t, root, environment(), "", "make", "-n", target)
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("make -n %s: exit code %d, and not %s: %s%s", target, code, want, out, errs)
		}
	}
}

// TestBuildSaysWhere: without a folder build-VendFunction says what it wants.
func TestBuildSaysWhere(t *testing.T) {
	out, errs, code := run(t, root, environment(), "", "make", "build-VendFunction")
	if code != 2 || !strings.Contains(errs, "make build-VendFunction ARTIFACTS_DIR=") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
}

func contains(t *testing.T, text string, want []string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("it does not say %q", w)
		}
	}
}
