// Package mistakes_test plants mistakes into copies of the templates and of an
// allowlist, and sees the local accounts refuse what AWS refuses, with its
// status and text. The real function runs behind the doors.
package mistakes_test

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
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/credvend/credvend/internal/local"
)

// The files that mistakes are planted into.
const (
	broker    = "template.yaml"
	target    = "accounts/target.yaml"
	allowlist = "allowlist.yaml"
)

var originals = map[string]string{
	broker: "../../template.yaml", target: "../../accounts/target.yaml", allowlist: "testdata/allowlist.yaml",
}

// program is the function, built once.
var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "credvend-mistakes-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(dir) }()
		if err := touch(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		program = filepath.Join(dir, "bootstrap")
		build := exec.Command("go", "build", "-tags", "lambda.norpc,nethttpomithttp2", "-o", program, "./functions/vend")
		build.Dir = filepath.Join("..", "..")
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// touch looks at every source file that the function can be made of: go test
// would otherwise answer from its cache after one of them changed.
func touch() error {
	for _, dir := range []string{"go.mod", "go.sum", "api", "functions", "internal"} {
		err := filepath.WalkDir(filepath.Join("..", "..", dir), func(path string, _ fs.DirEntry, err error) error {
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

// edit changes a file: within the entry at every old becomes new. An entry is a
// key that stands alone on its line, with all below it: a logical id, or one of
// a section as Outputs.IamUrl. Without at it is the whole file; without old the
// entry is taken out.
type edit struct{ file, at, old, new string }

func (e edit) apply(t *testing.T, text string) string {
	t.Helper()
	from, to := 0, len(text)
	if e.at != "" {
		key := e.at
		if section, inner, ok := strings.Cut(e.at, "."); ok {
			from, to = entry(text, `()`+section, from, to)
			key = inner
		}
		if from, to = entry(text, `( *)`+regexp.QuoteMeta(key), from, to); from == to {
			t.Fatalf("%s has no entry %s", e.file, e.at)
		}
	}
	if e.old == "" {
		return text[:from] + text[to:]
	}
	if !strings.Contains(text[from:to], e.old) {
		t.Fatalf("%s, entry %q: there is no %q to change", e.file, e.at, e.old)
	}
	return text[:from] + strings.ReplaceAll(text[from:to], e.old, e.new) + text[to:]
}

// entry finds the first entry of a key, with its indentation, between two places.
// It ends where a line is indented no deeper.
func entry(text, key string, from, to int) (int, int) {
	m := regexp.MustCompile(`(?m)^` + key + `:.*\n`).FindStringSubmatchIndex(text[from:to])
	if m == nil {
		return from, from
	}
	indent, start, end := m[3]-m[2], from+m[0], from+m[1]
	for end < to {
		line, _, _ := strings.Cut(text[end:to], "\n")
		if trimmed := strings.TrimLeft(line, " "); trimmed != "" && len(line)-len(trimmed) <= indent {
			break
		}
		end += len(line) + 1
	}
	return start, min(end, to)
}

// try is a request that the mistakes are to spoil.
type try struct {
	door         func(local.World) string
	service      string // "": unsigned
	profile      string
	token        bool   // a shopper's, in the Authorization header
	method, path string // POST /v1/credentials if empty
	header       http.Header
	use          bool // GET /orders/42 at Account A with what was vended
}

func iamDoor(w local.World) string  { return w.URL }
func jwtDoor(w local.World) string  { return w.JWTURL }
func urlDoor(w local.World) string  { return w.FunctionURL }
func restDoor(w local.World) string { return w.RESTURL }

// The requests of the story, each answered with 200 if there is no mistake.
var (
	vend         = try{door: iamDoor, service: "execute-api", profile: "billing-service"}
	vendWhoami   = try{door: iamDoor, service: "execute-api", profile: "billing-service", method: "GET", path: "/v1/whoami"}
	vendJWT      = try{door: jwtDoor, token: true}
	vendURL      = try{door: urlDoor, service: "lambda", profile: "outsider"}
	vendURLHome  = try{door: urlDoor, service: "lambda", profile: "billing-service"}
	vendREST     = try{door: restDoor, service: "execute-api", profile: "outsider"}
	vendRESTHome = try{door: restDoor, service: "execute-api", profile: "billing-service"}
	use          = try{door: iamDoor, service: "execute-api", profile: "billing-service", use: true}
)

// Requests that no named route takes, so that credvend itself says that there is
// no such thing; and a browser's question, which bears no token and is answered
// with 204.
var (
	vendNothing = try{door: iamDoor, service: "execute-api", profile: "billing-service", method: "GET", path: "/v1/nothing"}
	jwtNothing  = try{door: jwtDoor, token: true, method: "GET", path: "/v1/nothing"}
	preflight   = try{door: jwtDoor, method: "OPTIONS", path: "/v1/credentials", header: http.Header{
		"Origin": {"https://shop.example.com"}, "Access-Control-Request-Method": {"POST"},
	}}
)

func (y try) unsigned() try { y.service, y.token = "", false; return y }

// world is the two accounts with mistakes in them.
type world struct {
	*local.Stack
	log *syncBuffer
}

// play starts the two accounts with edits; an error is CloudFormation's, or the
// function's that does not start.
func play(t *testing.T, edits ...edit) (*world, error) {
	t.Helper()
	dir := t.TempDir()
	for name, original := range originals {
		text, err := os.ReadFile(original)
		if err != nil {
			t.Fatal(err)
		}
		changed := string(text)
		for _, e := range edits {
			if e.file == name {
				changed = e.apply(t, changed)
			}
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	log := &syncBuffer{}
	stack, err := local.Start(t.Context(), local.Options{
		Dir: filepath.Join(dir, "local"), Templates: dir, Allowlist: filepath.Join(dir, allowlist), Bootstrap: []string{program}, Log: log,
	})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		if err := stack.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return &world{stack, log}, nil
}

// send tries a request, and tells status and body.
func (w *world) send(t *testing.T, y try) (int, string) {
	t.Helper()
	method, path, body := y.method, y.path, ""
	if method == "" {
		method, path, body = http.MethodPost, "/v1/credentials", `{"target":"orders"}`
	}
	header := y.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if y.token {
		token, err := w.Token(map[string]any{"sub": "ana", "cognito:groups": []string{"shoppers"}})
		if err != nil {
			t.Fatal(err)
		}
		header.Set("Authorization", "Bearer "+token)
	}
	var keys *aws.Credentials
	if y.service != "" {
		id, secret, token := w.World.Profiles[y.profile].Reveal()
		keys = &aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: token}
	}
	status, text := send(t, method, y.door(w.World)+path, body, header, keys, y.service)
	if !y.use {
		return status, text
	}
	var vended struct {
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
	}
	if err := json.Unmarshal([]byte(text), &vended); err != nil || status != http.StatusOK {
		t.Fatalf("nothing was vended to use: %d %s", status, text)
	}
	keys = &aws.Credentials{AccessKeyID: vended.AccessKeyID, SecretAccessKey: vended.SecretAccessKey, SessionToken: vended.SessionToken}
	status, text = send(t, http.MethodGet, w.World.Targets[0].URL+"/orders/42", "", nil, keys, "execute-api")
	return status, text
}

// noted is what the accounts noted of their verdicts, which AWS would keep to
// itself: the log of requests, and what the live view shows.
func (w *world) noted(t *testing.T) string {
	t.Helper()
	_, state := send(t, http.MethodGet, w.World.ViewURL+"/state", "", nil, nil, "")
	return w.log.String() + state
}

func send(t *testing.T, method, url, body string, header http.Header, keys *aws.Credentials, service string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		req.Header = header
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if keys != nil {
		hash := sha256.Sum256([]byte(body))
		if err := v4.NewSigner().SignHTTP(ctx, *keys, req, hex.EncodeToString(hash[:]), service, "us-east-1", time.Now()); err != nil {
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
	return resp.StatusCode, string(text)
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
