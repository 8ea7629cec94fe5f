package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/credvend/credvend/internal/local"
)

// stack is the script command of that name: it runs the two accounts for the
// rest of the script, sets the variables of local.env, and signs as
// billing-service unless the script says otherwise. Requests are told in
// $WORK/requests.
func stack(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: stack")
	}
	tool, err := exec.LookPath("credvend")
	ts.Check(err)
	log, err := os.Create(ts.MkAbs("requests"))
	ts.Check(err)
	ctx, cancel := context.WithCancel(context.Background())
	s, err := local.Start(ctx, local.Options{
		Dir: ts.MkAbs("local"), Bootstrap: []string{tool, functionCommand}, Tool: "credvend", Log: &syncWriter{w: log},
	})
	if err != nil {
		cancel()
		ts.Fatalf("the local stack: %v", err)
	}
	ts.Defer(func() { _ = s.Close(); cancel(); _ = log.Close() })
	w := s.World
	for name, value := range map[string]string{
		"CREDVEND_URL": w.URL, "CREDVEND_JWT_URL": w.JWTURL, "CREDVEND_FUNCTION_URL": w.FunctionURL, "CREDVEND_REST_URL": w.RESTURL,
		"CREDVEND_ISSUER_URL": w.IssuerURL, "CREDVEND_TARGET_URL": w.Targets[0].URL, "CREDVEND_PROFILE": "billing-service",
		"AWS_ENDPOINT_URL_STS": w.STSURL, "AWS_REGION": w.Region, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": w.Files.Config, "AWS_SHARED_CREDENTIALS_FILE": w.Files.Credentials,
		"CACHE": filepath.Join(ts.Getenv("XDG_CACHE_HOME"), "credvend"),
	} {
		ts.Setenv(name, value)
	}
}

type syncWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *syncWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

// vends checks how often credentials were asked for: vends 1.
func vends(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: vends COUNT")
	}
	n := 0
	for line := range strings.Lines(ts.ReadFile("requests")) {
		if strings.Contains(line, " POST ") && strings.Contains(line, " /v1/credentials ") {
			n++
		}
	}
	if strconv.Itoa(n) != args[0] {
		ts.Fatalf("%d vends; want %s\n%s", n, args[0], ts.ReadFile("requests"))
	}
}

// together runs a command several times at once, in processes of their own:
// together 20 credvend …. Their output is in together-1 and so on.
func together(ts *testscript.TestScript, neg bool, args []string) {
	count := 0
	if len(args) > 1 {
		count, _ = strconv.Atoi(args[0])
	}
	if neg || count < 1 {
		ts.Fatalf("usage: together COUNT COMMAND [ARG…]")
	}
	program, err := exec.LookPath(args[1])
	ts.Check(err)
	var all sync.WaitGroup
	failed := make([]error, count)
	for i := range count {
		cmd := exec.Command(program, args[2:]...)
		cmd.Env, cmd.Dir = environOf(ts), ts.MkAbs(".")
		all.Go(func() {
			out, err := cmd.Output()
			if err == nil {
				err = os.WriteFile(ts.MkAbs(fmt.Sprintf("together-%d", i+1)), out, 0o600)
			}
			failed[i] = err
		})
	}
	all.Wait()
	for _, err := range failed {
		ts.Check(err)
	}
}

// environOf is a script's environment.
func environOf(ts *testscript.TestScript) []string {
	var env []string
	for _, v := range []string{"PATH", "HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "CREDVEND_URL", "CREDVEND_PROFILE",
		"AWS_ENDPOINT_URL_STS", "AWS_REGION", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_EC2_METADATA_DISABLED"} {
		env = append(env, v+"="+ts.Getenv(v))
	}
	return env
}

// callerIdentity does what `aws sts get-caller-identity` does, for machines
// without it: it takes the credentials that the SDK finds.
func callerIdentity() {
	arn, err := askSTS(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "caller-identity:", err)
		os.Exit(1)
	}
	fmt.Println(arn)
}

func askSTS(ctx context.Context) (string, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return "", err
	}
	creds, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return "", err
	}
	const form = "Action=GetCallerIdentity&Version=2011-06-15"
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("AWS_ENDPOINT_URL_STS"), strings.NewReader(form))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sum := sha256.Sum256([]byte(form))
	if err := v4.NewSigner().SignHTTP(ctx, creds, r, hex.EncodeToString(sum[:]), "sts", cfg.Region, time.Now()); err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		ARN string `xml:"GetCallerIdentityResult>Arn"`
	}
	if err := xml.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.ARN == "" {
		return "", fmt.Errorf("STS answered %s", resp.Status)
	}
	return answer.ARN, nil
}
