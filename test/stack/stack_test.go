// Package stack runs `credvend local` as a user does and sends it what no client
// of AWS would: bytes that are no HTTP, halves of requests, bombs. It holds tests
// alone, and judges by what comes back on the wire, by what the stack tells, and
// by whether it still serves the next good request.
package stack

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// patience is how long anything may take that must happen at all.
const patience = 30 * time.Second

// secret stands in everything that is sent where a secret could, and must never
// be told.
const secret = "s3cr3tMarkerThatMustNotBeTold"

// stack is a running `credvend local`.
type stack struct {
	ports map[string]string // host:port, by what listens there
	env   map[string]string // of local.env
	keys  aws.Credentials   // of billing-service
	cmd   *exec.Cmd

	mu  sync.Mutex
	log strings.Builder
}

var shared *stack

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "credvend-stack-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	shared, err = start(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		_ = shared.cmd.Process.Signal(os.Interrupt)
		_ = shared.cmd.Wait()
	}()
	return m.Run()
}

func start(dir string) (*stack, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return nil, err
	}
	program := filepath.Join(dir, "credvend")
	build := exec.Command("go", "build", "-o", program, "./cmd/credvend")
	build.Dir, build.Env = root, append(os.Environ(), "GOFLAGS=-buildvcs=false")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	s := &stack{ports: map[string]string{}, env: map[string]string{}}
	s.cmd = exec.Command(program, "local", "--port", "0", "--dir", filepath.Join(dir, "local"))
	s.cmd.Stderr = os.Stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	ready := make(chan struct{})
	go s.listen(out, ready)
	select {
	case <-ready:
	case <-time.After(patience):
		_ = s.cmd.Process.Kill()
		return nil, fmt.Errorf("the stack is not ready after %s:\n%s", patience, s.told())
	}
	return s, s.learn(filepath.Join(dir, "local"))
}

// listen keeps what the stack prints.
func (s *stack) listen(out io.Reader, ready chan<- struct{}) {
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		s.mu.Lock()
		s.log.WriteString(line)
		s.mu.Unlock()
		if line == "ready\n" {
			close(ready)
		}
		if err != nil {
			return
		}
	}
}

func (s *stack) told() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

var address = regexp.MustCompile(`http://(127\.0\.0\.1:\d+)`)

// learn reads where everything is.
func (s *stack) learn(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "local.env"))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		if ok {
			s.env[name] = strings.Trim(value, `'"`)
		}
	}
	for name, variable := range map[string]string{
		"HTTP API, IAM": "CREDVEND_URL", "HTTP API, JWT": "CREDVEND_JWT_URL", "function URL": "CREDVEND_FUNCTION_URL", "REST API": "CREDVEND_REST_URL",
		"issuer": "CREDVEND_ISSUER_URL", "Account A's API": "CREDVEND_TARGET_URL", "STS": "AWS_ENDPOINT_URL_STS",
	} {
		m := address.FindStringSubmatch(s.env[variable])
		if m == nil {
			return fmt.Errorf("local.env sets no address in %s", variable)
		}
		s.ports[name] = m[1]
	}
	for line := range strings.Lines(s.told()) {
		if strings.Contains(line, "live view") {
			s.ports["view"] = address.FindStringSubmatch(line)[1]
		}
	}
	text, err = os.ReadFile(s.env["AWS_SHARED_CREDENTIALS_FILE"])
	if err != nil {
		return err
	}
	_, section, _ := strings.Cut(string(text), "[billing-service]")
	section, _, _ = strings.Cut(section, "\n[")
	for line := range strings.Lines(section) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch value = strings.TrimSpace(value); strings.TrimSpace(name) {
		case "aws_access_key_id":
			s.keys.AccessKeyID = value
		case "aws_secret_access_key":
			s.keys.SecretAccessKey = value
		case "aws_session_token":
			s.keys.SessionToken = value
		}
	}
	if s.keys.AccessKeyID == "" || s.ports["view"] == "" {
		return fmt.Errorf("the run's files lack the profile billing-service, or its output the live view")
	}
	return nil
}

// good asks credvend who one is, as a signed caller: whatever came before, it
// must be answered.
func (s *stack) good(t *testing.T) {
	t.Helper()
	status, body := s.signed(t, s.env["CREDVEND_URL"]+"/v1/whoami")
	if status != http.StatusOK || !strings.Contains(body, "billing-service") {
		t.Errorf("a good request afterwards: %d %s", status, body)
	}
}

func (s *stack) signed(t *testing.T, url string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience) // good runs in clean-ups too
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	empty := sha256.Sum256(nil)
	if err := v4.NewSigner().SignHTTP(ctx, s.keys, req, hex.EncodeToString(empty[:]), "execute-api", s.env["AWS_REGION"], time.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}
