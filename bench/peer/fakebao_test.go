package peer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// moodVariable makes the test binary play OpenBao, and says how it goes wrong.
const moodVariable = "PEER_TEST_BAO"

// Moods of the fake OpenBao.
const (
	works       = "works"
	exits       = "exits"        // at once
	silent      = "silent"       // listens to nobody, and not to a signal either
	sealed      = "sealed"       // for ever
	uninit      = "uninit"       // refuses to be initialised
	refusesSum  = "refuses-sum"  // takes no plugin
	noMount     = "no-mount"     // its plugin does not start
	noToken     = "no-token"     // makes no token for clients
	denies      = "denies"       // the client's request
	empty       = "empty"        // vends nothing, with status 200
	twice       = "twice"        // asks STS twice for one request
	otherPolicy = "other-policy" // asks STS for something else
	failsLater  = "fails-later"  // after some requests
	retries     = "retries"      // asks STS twice for a later request
	orphans     = "orphans"      // leaves its plugin behind
	noAudit     = "no-audit"     // is of a version without such a setting
)

func TestMain(m *testing.M) {
	if mood := os.Getenv(moodVariable); mood != "" {
		if err := playBao(mood, os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, "fake bao:", err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir) // a temporary folder
	}
	os.Exit(code)
}

// fakeBao is an OpenBao of the endpoints that the comparison calls, each as
// strict as the real one where the comparison could get it wrong.
type fakeBao struct {
	mood, address, plugins, audit string

	mu           sync.Mutex
	initialised  bool
	open         bool
	catalog      map[string]bool
	mounted      bool
	plugin       *exec.Cmd
	config, role map[string]any
	policy       string
	requests     int
}

// pidFile in the plugin folder names the plugin's process.
const pidFile = "pid"

const (
	fakeKey    = "ZXhhbXBsZSBrZXk="
	fakeRoot   = "s.exampleRootToken"
	fakeClient = "s.exampleClientToken"

	// laterRequests are more than the tests' runs make at one connection.
	laterRequests = 60
)

var errNotSet = errors.New("the configuration lacks a setting")

func playBao(mood string, args []string) error {
	if mood == exits {
		return errors.New("no luck today")
	}
	if mood == silent {
		signal.Ignore(syscall.SIGTERM)
		time.Sleep(time.Minute)
		return nil
	}
	if len(args) != 2 || args[0] != "server" || !strings.HasPrefix(args[1], "-config=") {
		return fmt.Errorf("unknown arguments %q", args)
	}
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "BAO_") || strings.HasPrefix(name, "VAULT_") {
			return fmt.Errorf("%s came through from whoever runs the benchmark", name)
		}
	}
	text, err := os.ReadFile(strings.TrimPrefix(args[1], "-config="))
	if err != nil {
		return err
	}
	f := &fakeBao{mood: mood, catalog: map[string]bool{}}
	for name, into := range map[string]*string{"address": &f.address, "plugin_directory": &f.plugins, "file_path": &f.audit} {
		found := regexp.MustCompile(`(?m)^\s*` + name + `\s*=\s*(".*")$`).FindSubmatch(text)
		if found == nil {
			return fmt.Errorf("%w: %s", errNotSet, name)
		}
		if *into, err = strconv.Unquote(string(found[1])); err != nil {
			return err
		}
	}
	server := &http.Server{Addr: f.address, Handler: f, ReadHeaderTimeout: time.Second}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.plugin != nil && mood != orphans {
			_ = f.plugin.Process.Kill()
			_ = f.plugin.Wait()
		}
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	f.mu.Lock() // until the plugin has ended
	defer f.mu.Unlock()
	return nil
}

func (f *fakeBao) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	in := map[string]any{}
	if r.Method != http.MethodGet {
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			f.fail(w, http.StatusBadRequest, "not JSON")
			return
		}
	}
	call, token := r.Method+" "+r.URL.Path, r.Header.Get("X-Vault-Token")
	switch {
	case call == "GET /v1/sys/health":
		f.health(w, r.URL.Query())
	case call == "PUT /v1/sys/init":
		if f.mood == uninit {
			f.fail(w, http.StatusInternalServerError, "no storage")
			return
		}
		f.initialised = true
		f.write(w, map[string]any{"keys": []string{fakeKey}, "root_token": fakeRoot})
	case call == "PUT /v1/sys/unseal":
		f.open = f.initialised && in["key"] == fakeKey && f.mood != sealed
		f.write(w, map[string]any{"sealed": !f.open})
	case !f.open:
		f.fail(w, http.StatusServiceUnavailable, "Vault is sealed")
	case call == "POST /v1/aws/sts/bench":
		f.vend(w, token)
	case token != fakeRoot:
		f.fail(w, http.StatusForbidden, "permission denied")
	default:
		f.operate(w, call, in)
	}
}

func (f *fakeBao) health(w http.ResponseWriter, query url.Values) {
	status, parameter := http.StatusOK, "activecode"
	if !f.initialised {
		status, parameter = http.StatusNotImplemented, "uninitcode"
	} else if !f.open {
		status, parameter = http.StatusServiceUnavailable, "sealedcode"
	}
	if code, err := strconv.Atoi(query.Get(parameter)); err == nil {
		status = code
	}
	w.WriteHeader(status)
	f.write(w, map[string]any{"initialized": f.initialised, "sealed": !f.open, "version": "9.9.9"})
}

// operate is what needs the root token.
func (f *fakeBao) operate(w http.ResponseWriter, call string, in map[string]any) {
	if f.mood != noAudit {
		if err := os.WriteFile(f.audit, []byte("{}\n"), 0o600); err != nil {
			f.fail(w, http.StatusInternalServerError, err.Error())
			return
		}
	}
	switch call {
	case "PUT /v1/sys/plugins/catalog/secret/" + pluginName:
		f.register(w, in)
	case "POST /v1/sys/mounts/aws":
		name, _ := in["type"].(string)
		if f.mounted = f.catalog[name] && f.mood != noMount; !f.mounted {
			f.fail(w, http.StatusBadRequest, "plugin exited before it could be reached")
			return
		}
		f.plugin = exec.Command(filepath.Join(f.plugins, pluginName))
		err := f.plugin.Start()
		if err == nil {
			err = os.WriteFile(filepath.Join(f.plugins, pidFile), []byte(strconv.Itoa(f.plugin.Process.Pid)), 0o600)
		}
		if err != nil {
			f.fail(w, http.StatusBadRequest, err.Error())
			return
		}
		w.WriteHeader(http.StatusNoContent)
	case "POST /v1/aws/config/root":
		f.config = in
		w.WriteHeader(http.StatusNoContent)
	case "POST /v1/aws/roles/bench":
		f.role = in
		w.WriteHeader(http.StatusNoContent)
	case "PUT /v1/sys/policies/acl/bench":
		f.policy, _ = in["policy"].(string)
		w.WriteHeader(http.StatusNoContent)
	case "POST /v1/auth/token/create":
		if f.mood == noToken {
			f.write(w, map[string]any{"auth": map[string]any{}})
			return
		}
		f.write(w, map[string]any{"auth": map[string]any{"client_token": fakeClient, "policies": in["policies"]}})
	default:
		f.fail(w, http.StatusNotFound, "unsupported path")
	}
}

func (f *fakeBao) register(w http.ResponseWriter, in map[string]any) {
	command, _ := in["command"].(string)
	text, err := os.ReadFile(filepath.Join(f.plugins, filepath.Base(command)))
	sum := sha256.Sum256(text)
	if err != nil || hex.EncodeToString(sum[:]) != in["sha256"] || f.mood == refusesSum {
		f.fail(w, http.StatusBadRequest, "checksums did not match")
		return
	}
	f.catalog[command] = true
	w.WriteHeader(http.StatusNoContent)
}

// vend does what the plugin does: one call of STS, with what the role says.
func (f *fakeBao) vend(w http.ResponseWriter, token string) {
	f.requests++
	switch {
	case !f.mounted || f.config == nil || f.role == nil:
		f.fail(w, http.StatusBadRequest, "not set up")
	case token != fakeClient || !strings.Contains(f.policy, `path "aws/sts/bench"`) || f.mood == denies:
		f.fail(w, http.StatusForbidden, "permission denied")
	case f.mood == empty:
		f.write(w, map[string]any{"data": map[string]any{}})
	case f.mood == failsLater && f.requests > laterRequests:
		f.fail(w, http.StatusInternalServerError, "rpc error: the plugin has gone")
	default:
		calls := 1
		if f.mood == twice || f.mood == retries && f.requests == 5 {
			calls = 2
		}
		var key, secret string
		var err error
		for range calls {
			if key, secret, err = f.assumeRole(); err != nil {
				f.fail(w, http.StatusBadRequest, err.Error())
				return
			}
		}
		f.write(w, map[string]any{"lease_duration": 1799, "data": map[string]any{"access_key": key, "secret_key": "…", "security_token": secret}})
	}
}

func (f *fakeBao) assumeRole() (key, token string, err error) {
	policy, _ := f.role["policy_document"].(string)
	if f.mood == otherPolicy {
		policy = "{}"
	}
	arns, _ := f.role["role_arns"].([]any)
	duration, err := time.ParseDuration(fmt.Sprint(f.role["default_sts_ttl"]))
	if err != nil || len(arns) != 1 || f.role["credential_type"] != "assumed_role" {
		return "", "", fmt.Errorf("a wrong role: %v", f.role)
	}
	res, err := http.PostForm(fmt.Sprint(f.config["sts_endpoint"]), url.Values{
		"Action": {"AssumeRole"}, "RoleArn": {fmt.Sprint(arns[0])}, "RoleSessionName": {"vault-token-bench"}, "Policy": {policy},
		"DurationSeconds": {strconv.Itoa(int(duration.Seconds()))},
	})
	if err != nil {
		return "", "", err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return "", "", err
	}
	var answer struct {
		Key   string `xml:"AssumeRoleResult>Credentials>AccessKeyId"`
		Token string `xml:"AssumeRoleResult>Credentials>SessionToken"`
	}
	err = xml.Unmarshal(text, &answer)
	return answer.Key, answer.Token, err
}

func (f *fakeBao) write(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

func (f *fakeBao) fail(w http.ResponseWriter, status int, text string) {
	w.WriteHeader(status)
	f.write(w, map[string]any{"errors": []string{text}})
}
