package doctor_test

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tlsServer has a certificate that nobody trusts.
func tlsServer(t *testing.T) string {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // it would tell of the handshakes
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

func plainAddress(url string) string { return strings.TrimPrefix(url, "http://") }

// closedPort is a place where nobody listens.
func closedPort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return "http://" + l.Addr().String()
}

// hanging takes calls and never answers.
func hanging(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, conn) }()
		}
	}()
	return "http://" + l.Addr().String()
}

// ssoConfig is a profile whose sign-in has never been, or is over.
func ssoConfig(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "config")
	const text = `[profile sso]
sso_start_url = https://example.awsapps.com/start
sso_region = us-east-1
sso_account_id = 444455556666
sso_role_name = Developer
region = us-east-1
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// vend is what `credvend get orders --output env` sets.
func vend(t *testing.T, env map[string]string) map[string]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), tool, "get", "orders", "--output", "env")
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	vended := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		vended[name] = strings.Trim(value, "'")
	}
	return vended
}
