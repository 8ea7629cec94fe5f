package doctor_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/doctor"
)

// echo refuses each call with what proved it, as API Gateway does in some of its
// errors.
func echo(door http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			door.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, `{"message":"%s is not a valid key=value pair, with %s"}`, r.Header.Get("Authorization"), r.Header.Get("X-Amz-Security-Token"))
	})
}

// TestEchoedSecrets: what an answer repeats of a proof is not told. run looks for
// it in all that doctor prints.
func TestEchoedSecrets(t *testing.T) {
	w := play(t, fault{door: echo})
	o := run(t, w.environment("iam", "billing-service"), "orders")
	o.wants(t, doctor.StepIdentity, doctor.MayNotInvoke, doctor.Caller)
	if !strings.Contains(o.stdout, "[masked]") {
		t.Errorf("nothing was repeated, so that this test shows nothing\n%s", o.stdout)
	}
}

// TestProcessSecrets: the SDK quotes all that a credential_process printed.
func TestProcessSecrets(t *testing.T) {
	w := play(t, fault{})
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, []byte("[profile spilt]\nregion = us-east-1\ncredential_process = echo hunter2hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := run(t, with(w.environment("iam", "spilt"), "AWS_CONFIG_FILE", config), "orders")
	o.wants(t, doctor.StepCredentials, doctor.NoCredentials, doctor.Caller)
	if strings.Contains(o.stdout+o.stderr, "hunter2") {
		t.Errorf("what the process printed is told\n%s%s", o.stdout, o.stderr)
	}
}
