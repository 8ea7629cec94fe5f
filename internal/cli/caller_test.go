package cli

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/credvend/credvend/api"
)

// asking are the commands that call the service.
func asking() [][]string {
	return [][]string{
		{"get", "orders"},
		{"get", "orders", "-o", "env"},
		{"process", "orders"},
		{"call", "orders", "GET", "/orders/42"},
		{"exec", "orders", "--", os.Args[0]},
		{"exec", "orders", "--server", "--", os.Args[0]},
		{"targets"},
		{"whoami"},
		{"configure", "orders", "--yes"},
	}
}

// TestAnswersThatAreNotOurs: whatever a captive portal or a wrong URL sends,
// each command says so on one line, prints nothing else and writes nothing.
func TestAnswersThatAreNotOurs(t *testing.T) {
	for _, c := range []struct {
		name, media, body string
		status            int
	}{
		{"HTML", "text/html", "<html>hello", 200},
		{"empty", "application/json", "", 200},
		{"huge", "application/json", `"` + strings.Repeat("x", 2<<20) + `"`, 200},
		{"wrong type", "application/json", `{"Version":"one","requestId":7,"targets":{}}`, 200},
		{"a list", "application/json", `[]`, 200},
		{"another service's error", "application/json", `{"error":"\u001b[31mred\nline"}`, 500},
	} {
		for _, args := range asking() {
			t.Run(c.name+"/"+strings.Join(args[:1], " "), func(t *testing.T) {
				vending(t, c.status, c.body)
				s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", c.media)
					w.WriteHeader(c.status)
					_, _ = io.WriteString(w, c.body)
				}))
				defer s.Close()
				t.Setenv("CREDVEND_URL", s.URL)
				failsClearly(t, 1, args)
			})
		}
	}
}

// TestServiceOutOfReach: not there, not trusted, not TLS.
func TestServiceOutOfReach(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	untrusted := httptest.NewUnstartedServer(nil)
	untrusted.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	untrusted.StartTLS()
	defer untrusted.Close()
	plain := httptest.NewServer(nil)
	defer plain.Close()
	for name, c := range map[string]struct{ url, want string }{
		"refused":   {gone.URL, "; check the URL and the network"},
		"untrusted": {untrusted.URL, "; check the URL, or name the CA's certificate in AWS_CA_BUNDLE"},
		"plain":     {strings.Replace(plain.URL, "http:", "https:", 1), "speaks plain http, not https"},
	} {
		for _, args := range asking() {
			if name == "refused" && args[0] != "process" { // it is tried again, which takes its time
				continue
			}
			t.Run(name+"/"+args[0], func(t *testing.T) {
				vending(t, 200, "{}")
				t.Setenv("CREDVEND_URL", c.url)
				if stderr := failsClearly(t, 1, args); !strings.Contains(stderr, c.want) {
					t.Errorf("%q", stderr)
				}
			})
		}
	}
}

// TestTokenWithNewline: a header of its own would begin there.
func TestTokenWithNewline(t *testing.T) {
	for _, args := range asking() {
		if args[0] == "configure" { // takes no token from the environment
			continue
		}
		t.Run(args[0], func(t *testing.T) {
			requests, _ := vending(t, 200, "{}")
			t.Setenv("CREDVEND_TOKEN", "hunter2\nX-Evil: yes")
			if stderr := failsClearly(t, 1, args, "no profile"); strings.Contains(stderr, "hunter2") || len(*requests) > 0 {
				t.Errorf("%q", stderr)
			}
		})
	}
}

// failsClearly runs a command that must fail with an exit code and one line.
func failsClearly(t *testing.T, want int, args []string, noProfile ...string) string {
	t.Helper()
	if len(noProfile) == 0 {
		t.Setenv("CREDVEND_PROFILE", "billing-service")
	}
	before := read(t, os.Getenv("AWS_CONFIG_FILE"))
	code, stdout, stderr := run(t.Context(), "", args...)
	if code != want || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "credvend: ") || strings.ContainsAny(stderr, "\x1b\r") {
		t.Errorf("%d %q %q", code, stdout, stderr)
	}
	if kept, _ := filepath.Glob(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "credvend", "*.json")); len(kept) > 0 {
		t.Errorf("kept: %v", kept)
	}
	if read(t, os.Getenv("AWS_CONFIG_FILE")) != before {
		t.Error("the AWS configuration was changed")
	}
	return stderr
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestKeptCredentials: what is kept serves until the service's advice, and to
// its end while the service is out of reach.
func TestKeptCredentials(t *testing.T) {
	now := time.Now()
	c := api.Credentials{
		Version: 1, AccessKeyID: "ASIAEXAMPLE000000000", SecretAccessKey: api.NewSecret(vendedSecret), SessionToken: api.NewSecret(vendedToken),
		Expiration: now.Add(30 * time.Minute), Grant: api.Grant{Target: "orders", RequestID: "r", ServerTime: now, RefreshAfter: now.Add(12 * time.Minute)},
	}
	down := `{"code":"unavailable","message":"STS is down","requestId":"r"}`
	denied := `{"code":"denied","message":"no rule allows it","requestId":"r"}`
	for _, tt := range []struct {
		name   string
		after  time.Duration
		status int
		body   string
		code   int
		calls  int
		says   string // on standard error
	}{
		{"fresh", 11 * time.Minute, 403, denied, 0, 0, ""},
		{"time to ask", 13 * time.Minute, 200, "", 0, 1, ""},
		{"time to ask, and refused", 13 * time.Minute, 403, denied, 3, 1, "no rule allows it"},
		{"time to ask, and down", 13 * time.Minute, 503, down, 0, 1, "warning: the credentials at hand are used"},
		{"time to ask, and a portal", 13 * time.Minute, 200, "{}", 0, 1, "warning: the credentials at hand are used"},
		{"nearly dead, and down", 29*time.Minute + 30*time.Second, 503, down, 1, 1, "STS is down"},
		{"dead, and down", 31 * time.Minute, 503, down, 1, 1, "STS is down"},
		{"the clock was set back", -time.Hour, 200, "", 0, 1, ""},
		{"the clock was set back, and down", -time.Hour, 503, down, 1, 1, "STS is down"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := tt.body
			if body == "" {
				body = granted(now.Add(2 * time.Hour))
			}
			requests, _ := vending(t, tt.status, body)
			old, err := writeKept(c, now)
			if err != nil {
				t.Fatal(err)
			}
			var errs strings.Builder
			e := &env{strings.NewReader(""), io.Discard, &errs, func() time.Time { return now.Add(tt.after) }}
			cmd := newProcessCommand(e)
			cmd.SetArgs([]string{"orders", "--profile", "billing-service"})
			cmd.SilenceErrors, cmd.SilenceUsage = true, true

			// Plant the entry under the key that the command will look for.
			var who callerFlags
			who.profile = "billing-service"
			cmd.SetContext(t.Context())
			caller, err := who.connect(cmd)
			if err != nil {
				t.Fatal(err)
			}
			unset(t, runningProcess)
			p := process{e: e, caller: caller, target: "orders"}
			identity, err := caller.identity()
			if err != nil {
				t.Fatal(err)
			}
			key, err := p.key(identity)
			if err != nil {
				t.Fatal(err)
			}
			cache, err := openCache()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = cache.Close() }()
			if _, _, err := cache.Do(t.Context(), key, func([]byte) bool { return false }, func([]byte) ([]byte, error) { return old, nil }); err != nil {
				t.Fatal(err)
			}

			err = cmd.ExecuteContext(t.Context())
			if code := exitCode(t.Context(), err); code != tt.code || len(*requests) != tt.calls {
				t.Errorf("exit code %d, %d calls: %v", code, len(*requests), err)
			}
			said := errs.String()
			if err != nil {
				said += err.Error()
			}
			if (tt.says == "") != (said == "") || !strings.Contains(said, tt.says) {
				t.Errorf("%q", said)
			}
		})
	}
}

// TestAssignments: whatever an answer holds, a shell makes of it one value.
func TestAssignments(t *testing.T) {
	const hostile = "a'b\"c$(touch x)`touch x`\\'\\;&|<>*?~#!%^{}[]"
	for name, want := range map[string]string{
		shellSh:         `export A='a'\''b"c$(touch x)` + "`touch x`" + `\'\''\;&|<>*?~#!%^{}[]'` + "\n",
		shellFish:       `set -gx A 'a\'b"c$(touch x)` + "`touch x`" + `\\\'\\;&|<>*?~#!%^{}[]';` + "\n",
		shellPowerShell: `$Env:A = 'a''b"c$(touch x)` + "`touch x`" + `\''\;&|<>*?~#!%^{}[]'` + "\n",
	} {
		got, err := assignments(name, []variable{{"A", hostile}})
		if err != nil || string(got) != want {
			t.Errorf("%s: %s %v", name, got, err)
		}
		for _, bad := range []string{"a\nb", "a\rb", "a\x00b", "a\u2019b", "a\x1bb"} {
			if got, err := assignments(name, []variable{{"AWS_SESSION_TOKEN", bad}}); err == nil || strings.Contains(err.Error(), bad) || got != nil {
				t.Errorf("%s: %q %v", name, got, err)
			}
		}
	}
}

// TestDefaultShell: what most people's eval takes.
func TestDefaultShell(t *testing.T) {
	if got := defaultShell(); got != shellSh && runtime.GOOS != "windows" {
		t.Error(got)
	}
}

// TestTranscript: what is shown cannot be used.
func TestTranscript(t *testing.T) {
	var b strings.Builder
	tr := &transcript{w: &b, secrets: []string{vendedToken, vendedSecret}}
	tr.section("x", "token "+vendedToken+" secret "+vendedSecret+"\nsignature="+strings.Repeat("a", 64)+" \x1b[31m")
	if got := b.String(); strings.Contains(got, vendedToken) || strings.Contains(got, vendedSecret) || strings.Contains(got, strings.Repeat("a", 64)) || strings.Contains(got, "\x1b") {
		t.Errorf("%q", got)
	}
}

// TestCallMasksWhatIsRepeated: API Gateway tells whoever signs wrongly what it
// would have signed, session token included.
func TestCallMasksWhatIsRepeated(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Repeats", r.Header.Get("X-Amz-Security-Token"))
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "x-amz-security-token:"+r.Header.Get("X-Amz-Security-Token"))
	}))
	defer target.Close()
	vending(t, 200, strings.Replace(granted(time.Now().Add(time.Hour)), `"target":"orders"`, `"target":"orders","region":"us-east-1","endpoint":"`+target.URL+`"`, 1))
	code, stdout, stderr := run(t.Context(), "", "call", "orders", "GET", "/", "-v", "--profile", "billing-service")
	if code != 4 || stdout != "x-amz-security-token:[masked]\n" || !strings.Contains(stderr, "X-Repeats: [masked]") || strings.Contains(stderr, vendedToken) || strings.Contains(stderr, vendedSecret) {
		t.Errorf("%d %q %q", code, stdout, stderr)
	}
}
