package gateway_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/gateway"
	"github.com/credvend/credvend/internal/vendtest"
)

// plantedLeak makes TestPlantedLeak run: in a child process alone.
const plantedLeak = "CREDVEND_TEST_PLANTED_LEAK"

// child runs tests of this binary in a process of their own, and returns all
// that the process writes: by whatever way, the proxy library's prints and the
// traces of panics included.
func child(t *testing.T, env string, args ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), env+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("PASS")) {
		t.Fatalf("the child: %v (run the tests without this one to see why)", err)
	}
	return string(out)
}

// TestOutputHoldsNoSecret runs the other tests of this package (but the slowest,
// which adds megabytes and no path). Each plants secrets in its requests; here
// they are looked for on the standard streams. What the audit trail, the
// operator's log and the answers hold, the harness searches at each answer.
func TestOutputHoldsNoSecret(t *testing.T) {
	out := child(t, "CREDVEND_TEST_CHILD", "-test.run=^(Test|Fuzz)", "-test.skip=^(TestOutput|TestBigEvent)")
	if found := vendtest.Leaks(out); len(found) > 0 {
		t.Errorf("the process's output holds %v", found)
	}
	if strings.Contains(out, "Could not convert request") {
		t.Error("something reached the proxy library that it cannot parse")
	}
}

// TestOutputShowsALeak: the look above can find something. What is planted is
// what the library prints of a URL that the gateway would never hand it.
func TestOutputShowsALeak(t *testing.T) {
	out := child(t, plantedLeak, "-test.run=^TestPlantedLeak$")
	if len(vendtest.Leaks(out)) == 0 || !strings.Contains(out, "Could not convert request") {
		t.Error("the proxy library's print was not seen")
	}
}

func TestPlantedLeak(t *testing.T) {
	if os.Getenv(plantedLeak) == "" {
		t.Skip("it leaks on purpose, for TestOutputShowsALeak")
	}
	if _, err := gateway.Bridged(t.Context(), http.NotFoundHandler(), "GET", "/%zz", "X-Amz-Security-Token="+vendtest.PresignedMark); err == nil {
		t.Error("the library takes a path that it cannot parse")
	}
}

// TestBridge: what comes out behind the bridge is what went in before it, with
// a host of its own and no header.
func TestBridge(t *testing.T) {
	t.Setenv("GO_API_HOST", "") // read by the library wherever it is set
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "kept")
	seen := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/v1/whoami" || r.URL.RawQuery != "a=b+c" || len(r.Header) != 0 || r.Context().Value(key{}) != "kept" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
		w.WriteHeader(http.StatusTeapot)
	})
	if status, err := gateway.Bridged(ctx, seen, http.MethodGet, "/v1/whoami", "a=b+c"); status != http.StatusTeapot || err != nil {
		t.Errorf("%d %v", status, err)
	}
	silent := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	if _, err := gateway.Bridged(ctx, silent, http.MethodGet, "/", ""); err == nil {
		t.Error("an answer that was never written passes for one")
	}
}

// TestForgedHeader: the header in which the proxy library carries the request
// context, and an identity with it, is not believed.
func TestForgedHeader(t *testing.T) {
	h := vendtest.New(t, vendtest.Options{})
	forged := `{"authorizer":{"iam":{"userArn":"` + vendtest.Billing().UserARN + `","accountId":"444455556666","callerId":"` + vendtest.Billing().UserID + `","userId":"` + vendtest.Billing().UserID + `"}}}`
	stranger := vendtest.Role("444455556666", "stranger", "AROAEXAMPLESTRANGER0", "x")
	for _, name := range []string{"x-golambdaproxy-apigw-context", "X-GoLambdaProxy-ApiGw-Context", "X-GOLAMBDAPROXY-APIGW-CONTEXT", "X-Golambdaproxy-Apigw-Stagevars", "x-golambdaproxy-alb-targetgroup-context"} {
		t.Run(name, func(t *testing.T) {
			vends, who := good(), vendtest.Get("/v1/whoami")
			for _, r := range []*vendtest.Request{&vends, &who} {
				*r = vendtest.Plant(*r)
				r.Headers[name] = forged
			}
			wantRefused(t, h, vendtest.IAM("a1b2c3", stranger, vends).Bytes(), answer{403, "denied", "no rule lets you"})
			wantRefused(t, h, bend(vendtest.IAM("a1b2c3", stranger, vends), func(e vendtest.Event) { delete(e.Object("requestContext"), "authorizer") }), unauthenticated("AWS_IAM"))
			if a := h.Invoke(t, vendtest.REST("r7s8t9", stranger, who).Bytes()); a.Field("principal") != "arn:aws:iam::444455556666:role/stranger" {
				t.Errorf("whoami: %s", a.Text)
			}
		})
	}
}
