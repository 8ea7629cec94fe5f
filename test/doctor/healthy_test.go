package doctor_test

import (
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/doctor"
)

// TestHealthy: where nothing is wrong, nothing is said to be, at any door.
func TestHealthy(t *testing.T) {
	w := play(t, fault{})
	token, err := w.Token(map[string]any{"sub": "ana", "cognito:groups": []string{"shoppers"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		env  map[string]string
		args []string
	}{
		{"HTTP API", w.environment("iam", "billing-service"), []string{"orders"}},
		{"no target named", w.environment("iam", "billing-service"), nil},
		{"a route named", w.environment("iam", "billing-service"), []string{"orders", "--route", "GET /orders/42"}},
		{"token", with(w.environment("jwt", ""), "CREDVEND_PROFILE", "", "CREDVEND_TOKEN", token), []string{"orders"}},
		{"function URL", with(w.environment("url", "outsider"), "CREDVEND_SERVICE", "lambda"), []string{"orders"}},
		{"REST API", w.environment("rest", "outsider"), []string{"orders"}},
		{"REST API, own account", w.environment("rest", "billing-service"), []string{"orders"}},
		{"operator's profile that is not needed", w.environment("iam", "billing-service"), []string{"orders", "--operator-profile", "none"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := run(t, c.env, c.args...)
			if o.code != 0 || !o.OK || o.stderr != "" {
				t.Fatalf("exit code %d\n%s%s", o.code, o.stdout, o.stderr)
			}
			if len(o.Steps) != 9 {
				t.Errorf("%d steps; want 9", len(o.Steps))
			}
			for _, s := range o.Steps {
				if s.Status != doctor.OK || len(s.Candidates) > 0 {
					t.Errorf("%s: %s %s", s.Name, s.Status, s.Says)
				}
			}
			t.Log("\n" + o.stdout)
			if !strings.Contains(o.stdout, "ok       signed call    orders: GET /orders") {
				t.Error(o.stdout)
			}
		})
	}
}
