package local

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// scratch is a folder that outlives single tests.
var scratch string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "credvend-local-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	scratch = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// bootstrap is the real function, built once.
var bootstrap = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "bootstrap")
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	if err := touch(root); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-tags", "lambda.norpc,nethttpomithttp2", "-o", path, "./functions/vend")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// touch looks at every source file that the bootstrap can be made of: go test
// would otherwise answer from its cache after one of them changed.
func touch(root string) error {
	for _, dir := range []string{"go.mod", "go.sum", "api", "functions", "internal"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			_, err = os.Stat(path)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// options are those of a run on free ports, in a folder of its own.
func options(t *testing.T) Options {
	t.Helper()
	program, err := bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	return Options{Dir: filepath.Join(t.TempDir(), "local"), Bootstrap: []string{program}, Tool: "/opt/credvend"}
}

// start runs the two accounts for one test.
func start(t *testing.T, o Options) *Stack {
	t.Helper()
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return s
}

// startWith runs them with an allowlist.
func startWith(t *testing.T, yaml string) *Stack {
	t.Helper()
	o := options(t)
	o.Allowlist = writeList(t, yaml)
	return start(t, o)
}

func writeList(t *testing.T, yaml string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "allowlist.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// vended is what a caller of credvend reads of an answer, or of a failure.
type vended struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Grant           struct {
		Endpoint, Region, Caller string
		Routes                   []string
	}
	Code, Message string
}

func (v vended) keys() *aws.Credentials {
	return &aws.Credentials{AccessKeyID: v.AccessKeyID, SecretAccessKey: v.SecretAccessKey, SessionToken: v.SessionToken}
}

func (s *Session) keys() *aws.Credentials {
	id, secret, token := s.Reveal()
	return &aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: token}
}

// call is one request; unsigned if keys is nil.
type call struct {
	method, url, body, bearer string
	keys                      *aws.Credentials
	service, region           string
}

func (c call) send(t *testing.T) (int, []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, c.method, c.url, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	if c.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+c.bearer)
	}
	if c.keys != nil {
		hash := sha256.Sum256([]byte(c.body))
		if err := v4.NewSigner().SignHTTP(ctx, *c.keys, req, hex.EncodeToString(hash[:]), c.service, c.region, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, text
}

// vend asks a front door for credentials, and wants a status.
func (c call) vend(t *testing.T, want int) (v vended) {
	t.Helper()
	c.method, c.url = http.MethodPost, c.url+"/v1/credentials"
	status, text := c.send(t)
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%d, and no JSON: %v", status, err)
	}
	if status != want {
		t.Fatalf("%s %s: %d %s %s, want %d", c.url, c.body, status, v.Code, v.Message, want)
	}
	return v
}

// use signs a GET of a target's path with vended credentials.
func (v vended) use(t *testing.T, path string) (int, string) {
	t.Helper()
	status, text := call{method: http.MethodGet, url: v.Grant.Endpoint + path, keys: v.keys(), service: "execute-api", region: v.Grant.Region}.send(t)
	return status, string(text)
}

// syncBuffer is a buffer that many may write to.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func ask(target string) string { return fmt.Sprintf(`{"target":%q}`, target) }
