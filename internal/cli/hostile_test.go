package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// pointing is an answer of the service whose grant leads to a target.
func pointing(target string) string {
	return strings.Replace(granted(time.Now().Add(time.Hour)), `"target":"orders"`, `"target":"orders","region":"us-east-1","endpoint":"`+target+`"`, 1)
}

// TestCallBrokenAnswers: net/http quotes what it cannot read, and a target that
// repeats what it was sent would have the session token in an error line.
func TestCallBrokenAnswers(t *testing.T) {
	for name, answer := range map[string]string{
		"no header":      "HTTP/1.1 200 OK\r\n%s \x1b[31m\r\n\r\n",
		"no status line": "%s\r\n\r\n",
		"no status":      "HTTP/1.1 %s\r\n\r\n",
		"no length":      "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n",
		"no encoding":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = fmt.Fprintf(conn, answer, r.Header.Get("X-Amz-Security-Token"))
				_ = conn.Close()
			}))
			defer target.Close()
			vending(t, 200, pointing(target.URL))
			stderr := failsClearly(t, 1, []string{"call", "orders", "GET", "/"})
			if strings.Contains(stderr, vendedToken[:17]) || !strings.Contains(stderr, "no usable HTTP answer") {
				t.Errorf("%q", stderr)
			}
		})
	}
}

// TestCallMasksSignatures: a signature is as good as the request for some
// minutes, and a token that is cut short still tells.
func TestCallMasksSignatures(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, r.Header.Get("Authorization")+" and "+r.Header.Get("X-Amz-Security-Token")[:20]+"…")
	}))
	defer target.Close()
	vending(t, 200, pointing(target.URL))
	code, stdout, _ := run(t.Context(), "", "call", "orders", "GET", "/", "--profile", "billing-service")
	if code != 4 || !strings.Contains(stdout, "Signature=[masked]") || !strings.Contains(stdout, "and [masked]") || strings.Contains(stdout, vendedToken[:17]) {
		t.Errorf("%d %q", code, stdout)
	}
}

// TestCallPathIsCheckedFirst: a call that cannot be made costs no credentials.
func TestCallPathIsCheckedFirst(t *testing.T) {
	requests, _ := vending(t, 200, pointing("http://127.0.0.1:1"))
	if stderr := failsClearly(t, 2, []string{"call", "orders", "GET", "/%zz"}); len(*requests) > 0 || !strings.Contains(stderr, "two hexadecimal digits") {
		t.Errorf("%d calls, %q", len(*requests), stderr)
	}
}

// TestVerboseMasksKeys: keys and cookies of the API's own are secrets too.
func TestVerboseMasksKeys(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Set-Cookie", "sid=hunter4")
	}))
	defer target.Close()
	vending(t, 200, pointing(target.URL))
	code, _, stderr := run(t.Context(), "", "call", "orders", "GET", "/", "-v", "--profile", "billing-service", "-H", "X-Api-Key: hunter2", "-H", "Cookie: a=hunter3", "-H", "Accept: text/csv")
	if code != 0 || strings.Contains(stderr, "hunter") || !strings.Contains(stderr, "X-Api-Key: [masked]") || !strings.Contains(stderr, "accept:text/csv") {
		t.Errorf("%d %q", code, stderr)
	}
}

// TestOneLine: whoever made an error's text, it steers no terminal.
func TestOneLine(t *testing.T) {
	if got := oneLine(fmt.Errorf("a\x1b]0;x\x07\r\n\nb\u009b31m\tc\u202ed é")); got != "a]0;x b31m cd é" {
		t.Errorf("%q", got)
	}
}

// TestInterruptedWhileReading: Ctrl-C counts while standard input is waited for.
func TestInterruptedWhileReading(t *testing.T) {
	vending(t, 200, "{}")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	in, never := io.Pipe()
	defer never.Close() //nolint:errcheck // nothing is written
	var out, errs bytes.Buffer
	done := make(chan int, 1)
	go func() {
		done <- Main(ctx, []string{"call", "orders", "POST", "/", "-d", "-", "--profile", "billing-service"}, in, &out, &errs)
	}()
	select {
	case code := <-done:
		if code != 130 || errs.String() != "credvend: interrupted\n" {
			t.Errorf("%d %q", code, errs.String())
		}
	case <-time.After(patience):
		t.Error("it waits on")
	}
}

// TestVendedAreUnusable: what no credential holds is refused by all commands,
// before a program or a file has it.
func TestVendedAreUnusable(t *testing.T) {
	for _, bad := range []string{`\u0000`, `\n`, `\u001b[31m`, `\u2019`} {
		for _, args := range asking()[:4] { // not exec, which would become the command
			t.Run(bad+"/"+args[0], func(t *testing.T) {
				vending(t, 200, strings.Replace(granted(time.Now().Add(time.Hour)), "ASIA", "ASIA"+bad, 1))
				if stderr := failsClearly(t, 1, args); !strings.Contains(stderr, "control or non-ASCII character") {
					t.Errorf("%q", stderr)
				}
			})
		}
	}
}

// TestProfileBesideVended: AWS's SDK for JavaScript passes over keys in the
// environment where AWS_PROFILE is set.
func TestProfileBesideVended(t *testing.T) {
	vending(t, 200, granted(time.Now().Add(time.Hour)))
	t.Setenv("AWS_PROFILE", "billing-service")
	code, _, stderr := run(t.Context(), "", "get", "orders", "-o", "env")
	if code != 0 || !strings.HasPrefix(stderr, "credvend: warning: AWS_PROFILE is set") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("%d %q", code, stderr)
	}
	unset(t, runningProcess)
	if code, _, stderr = run(t.Context(), "", "get", "orders"); code != 0 || stderr != "" {
		t.Errorf("%d %q", code, stderr)
	}
}

// TestExecKeepsTheToken: the command gets what was vended, and not the JWT that
// it was vended for.
func TestExecKeepsTheToken(t *testing.T) {
	t.Setenv("CREDVEND_TOKEN", "a.b.c")
	for _, v := range environment(nil) {
		if strings.HasPrefix(v, "CREDVEND_TOKEN=") {
			t.Error("the command has the caller's token")
		}
	}
}

// TestProcessTokenFromPipe: a pipe, such as a shell's <(…), gives its token
// once. It is not spent on a key for the cache.
func TestProcessTokenFromPipe(t *testing.T) {
	requests, _ := vending(t, 200, granted(time.Now().Add(time.Hour)))
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close() //nolint:errcheck // it was only read
	path := fmt.Sprintf("/dev/fd/%d", in.Fd())
	if _, err := os.Stat(path); err != nil {
		t.Skip("this system has no /dev/fd")
	}
	_, _ = io.WriteString(out, "a.b.c\n")
	_ = out.Close()
	code, _, stderr := run(t.Context(), "", "process", "orders", "--token-file", path)
	if code != 0 || stderr != "" || len(*requests) != 1 || (*requests)[0].Header.Get("Authorization") != "Bearer a.b.c" {
		t.Errorf("%d %q", code, stderr)
	}
}
