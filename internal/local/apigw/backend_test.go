package apigw

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/credvend/credvend/internal/local/iam"
)

func TestEchoTellsWhoCalls(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h := must(NewHTTPAPI(HTTPAPIOptions{Door: b.door("a1b2c3d4e5", accountA), Stage: "live", Backend: Echo()}))
	cred := b.session(accountA, "orders-invoke", iam.SessionSpec{
		SessionName: "billing-service@r1", Policy: allow(t, "execute-api:Invoke", "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/live/POST/orders/*"),
	}, policy(t, everything))
	got := b.do(h, sending{method: http.MethodPost, target: "/live/orders/a%20b?q=1&q=2", body: `{"n":1}`, credential: &cred, header: http.Header{"Content-Type": {"application/json"}}})
	var echoed map[string]any
	if err := json.Unmarshal([]byte(got.body), &echoed); err != nil {
		t.Fatalf("%v: %d %s", err, got.status, got.body)
	}
	want := map[string]any{
		"method": "POST", "path": "/orders/a b", "query": map[string]any{"q": []any{"1", "2"}}, "body": `{"n":1}`,
		"caller": "arn:aws:sts::111122223333:assumed-role/orders-invoke/billing-service@r1", "session": "billing-service@r1",
	}
	if diff := cmp.Diff(want, echoed); diff != "" {
		t.Error(diff)
	}
	tr := b.lastTrace()
	if tr.Status != 200 || !tr.Allowed || tr.Caller != want["caller"] || !strings.Contains(tr.Checks[0].Statement, "identity policy") {
		t.Errorf("trace %+v", tr)
	}
	if got := b.do(h, sending{method: http.MethodPost, target: "/live/users/1", credential: &cred}); got.status != 403 || got.body != `{"message":"Forbidden"}` {
		t.Errorf("outside the session policy: %d %s", got.status, got.body)
	}
}

func TestEchoHoldsNoSecret(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h := must(NewHTTPAPI(HTTPAPIOptions{Door: b.door("a1b2c3", accountA), Backend: Echo()}))
	cred := b.session(accountA, "r", iam.SessionSpec{}, policy(t, everything))
	for _, presign := range []bool{false, true} {
		got := b.do(h, sending{target: "/x?a=1&X-Amz-Expires=60", credential: &cred, presign: presign})
		if got.status != 200 || !strings.Contains(got.body, `"a":["1"]`) || strings.Contains(got.body, "X-Amz") || strings.Contains(got.body, cred.SessionToken) {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
}

func TestBackendStatusIsTraced(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h := must(NewHTTPAPI(HTTPAPIOptions{Door: b.door("a1b2c3", accountA), Routes: []Route{{Key: "$default", Open: true}}, Backend: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := CallerOf(r.Context()); ok {
			t.Error("an open route has no caller")
		}
		if r.Host != "a1b2c3.execute-api.us-east-1.amazonaws.com" {
			t.Errorf("host %s", r.Host)
		}
		w.WriteHeader(http.StatusTeapot)
	})}))
	if got := b.do(h, sending{target: "/"}); got.status != http.StatusTeapot || b.lastTrace().Status != http.StatusTeapot {
		t.Errorf("%d, %+v", got.status, b.lastTrace())
	}
}

func TestUserHasNoSession(t *testing.T) {
	t.Parallel()
	a := &httpAuthorizer{IAM: &iamIdentity{UserARN: "arn:aws:iam::111122223333:user/team/operator"}}
	if c, ok := a.caller(); !ok || c.Session != "" {
		t.Errorf("%+v", c)
	}
	if c, ok := (&httpAuthorizer{JWT: &jwtIdentity{Claims: map[string]string{"sub": "u"}}}).caller(); !ok || c.UserARN != "" || c.Claims["sub"] != "u" {
		t.Errorf("%+v", c)
	}
}
