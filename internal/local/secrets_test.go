package local

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/local/sts"
)

// TestSecretsStayPut plays the story and more, failures included, and looks for
// every secret of the run in everything that it wrote and served. The profiles'
// stand in `credentials`; all others stand nowhere.
func TestSecretsStayPut(t *testing.T) {
	log := &syncBuffer{}
	o := options(t)
	o.Log = log
	s := start(t, o)
	var told bytes.Buffer
	if err := s.Tour(t.Context(), &told); err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{} // value → whose
	for name, session := range s.World.Profiles {
		k := session.keys()
		secrets[k.SecretAccessKey], secrets[k.SessionToken] = "secret key of "+name, "session token of "+name
	}
	billing := s.World.Profiles["billing-service"].keys()
	fresh := call{url: s.World.URL, body: `{"target":"orders","routes":["GET /orders/7"]}`, keys: billing, service: "execute-api", region: "us-east-1"}.vend(t, http.StatusOK)
	secrets[fresh.SecretAccessKey], secrets[fresh.SessionToken] = "a vended secret key", "a vended session token"
	token, err := s.Token(map[string]any{"sub": "ana", "cognito:groups": []string{"shoppers"}})
	if err != nil {
		t.Fatal(err)
	}
	secrets[token] = "a bearer token"
	secrets[token[strings.LastIndex(token, ".")+1:]] = "a bearer token's signature"
	shopper := call{url: s.World.JWTURL, body: ask("orders"), bearer: token}.vend(t, http.StatusOK)
	secrets[shopper.SecretAccessKey], secrets[shopper.SessionToken] = "a shopper's secret key", "a shopper's session token"

	// Ways to fail with a secret at hand.
	if status, _ := (call{method: "GET", url: s.World.URL + "/?X-Amz-Security-Token=" + fresh.SessionToken}).send(t); status != http.StatusForbidden {
		t.Errorf("a presigned token alone: %d", status)
	}
	call{url: s.World.JWTURL, body: `{"target":"nothing"}`, bearer: token}.vend(t, http.StatusForbidden)
	if status, _ := (call{method: "POST", url: s.World.JWTURL + "/v1/credentials", bearer: token + "x"}).send(t); status != http.StatusUnauthorized {
		t.Errorf("a token with a wrong signature: %d", status)
	}
	for _, kind := range []sts.FaultKind{sts.Lost, sts.Garbage, sts.Internal} {
		s.Faults().Order(sts.AnyRegion, sts.Fault{Kind: kind, Times: 1})
		call{url: s.World.URL, body: `{"target":"orders","routes":["GET /orders/8"]}`, keys: billing, service: "execute-api", region: "us-east-1"}.vend(t, http.StatusServiceUnavailable)
	}

	for secret, whose := range functionSecrets(t) {
		secrets[secret] = whose
	}
	places := map[string]string{
		"the story": told.String(), "the log of requests": log.String(),
		"printed sessions": fmt.Sprintf("%v %+v %#v %+v %#v", s.World.Profiles, s.World, s.World.Profiles["stranger"], *s.World.Profiles["stranger"], *s.World.Profiles["stranger"]),
	}
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("profiles", slog.Any("profiles", s.World.Profiles), slog.Any("one", s.World.Profiles["stranger"]))
	places["logged sessions"] = logged.String()
	_, page := call{method: "GET", url: s.World.ViewURL + "/"}.send(t)
	places["the live view"] = string(page)
	entries, err := os.ReadDir(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(o.Dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if len(text) == 0 {
			t.Errorf("%s is empty: the test looks at nothing", e.Name())
		}
		places[e.Name()] = string(text)
	}
	delete(secrets, "") // a user has no session token
	for secret, whose := range secrets {
		if len(secret) < 20 {
			t.Errorf("%s is no secret: %d characters", whose, len(secret))
		}
		for place, text := range places {
			if strings.Contains(text, secret) && (place != "credentials" || !strings.Contains(whose, " of ")) {
				t.Errorf("%s stands in %s", whose, place)
			}
		}
	}
	for name := range s.World.Profiles {
		for _, kind := range []string{"secret key of ", "session token of "} {
			for secret, whose := range secrets {
				if whose == kind+name && !strings.Contains(places["credentials"], secret) {
					t.Errorf("credentials lacks the %s: the search finds nothing", whose)
				}
			}
		}
	}
}

// functionSecrets are the broker's own, out of the environment of the function's
// process.
func functionSecrets(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	if runtime.GOOS != "linux" {
		return found // another system's processes keep their environment to themselves
	}
	for _, pid := range children(t) {
		environ, err := os.ReadFile(filepath.Join("/proc", pid, "environ"))
		if err != nil {
			continue // gone meanwhile
		}
		for entry := range strings.SplitSeq(string(environ), "\x00") {
			name, value, _ := strings.Cut(entry, "=")
			if (name == "AWS_SECRET_ACCESS_KEY" || name == "AWS_SESSION_TOKEN") && strings.Contains(string(environ), "AWS_LAMBDA_RUNTIME_API=") {
				found[value] = "the broker's " + name
			}
		}
	}
	if len(found) < 2 {
		t.Error("the function's process was not found")
	}
	return found
}

// children are the processes that this one started and that still live (or
// wait to be buried).
func children(t *testing.T) (pids []string) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		_, rest, ok := strings.Cut(string(text), ") ") // the name before it may hold anything
		fields := strings.Fields(rest)
		if ok && len(fields) > 1 && fields[1] == fmt.Sprint(os.Getpid()) {
			pids = append(pids, filepath.Base(filepath.Dir(path)))
		}
	}
	return pids
}
