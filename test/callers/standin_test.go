// Package callers_test looks at credvend from a caller's side, where what counts
// is the behaviour of programs that are not ours: how often each stock client
// asks for credentials and what it does when it is refused (refresh), and what a
// page in a browser meets (browser). run.sh beside it runs both with the clients;
// a plain go test has the Go clients alone.
//
// It must not import what answers: the stand-in here is a few lines of its own.
package callers_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// standIn serves credentials as the JWT front door does, with a life and a
// status of one's choosing, and remembers when it was asked.
type standIn struct {
	now   func() time.Time // the session's clock, which the credentials follow
	stamp func() time.Time // the clock by which delays are measured

	mu     sync.Mutex
	life   time.Duration
	status int // 0: credentials
	calls  []time.Time
}

// order sets what is answered from here on, and forgets the calls.
func (s *standIn) order(life time.Duration, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.life, s.status, s.calls = life, status, nil
}

// asked is when credentials were asked for since the last order.
func (s *standIn) asked() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Time(nil), s.calls...)
}

// errorCodes are the service's own, by status.
var errorCodes = map[int][2]string{
	http.StatusForbidden:          {"denied", "no rule allows this"},
	http.StatusTooManyRequests:    {"throttled", "too many requests; try again in a second"},
	http.StatusServiceUnavailable: {"unavailable", "credentials cannot be issued now; try again soon"},
}

// ServeHTTP implements http.Handler. What is not asked for credentials is taken
// for STS, which the AWS CLI signs a request for.
func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/" {
		w.Header().Set("Content-Type", "text/xml")
		_, _ = fmt.Fprint(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::111122223333:assumed-role/orders-invoke/x</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>`)
		return
	}
	s.mu.Lock()
	s.calls = append(s.calls, s.stamp())
	life, status, count := s.life, s.status, len(s.calls)
	s.mu.Unlock()

	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if status != 0 {
		code := errorCodes[status]
		if status != http.StatusForbidden {
			w.Header().Set("Retry-After", "1")
		}
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"code": code[0], "message": code[1], "Code": code[0], "Message": code[1], "requestId": "7f3c9a"})
		return
	}
	now := s.now().UTC().Truncate(time.Second)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"Version": 1, "AccessKeyId": fmt.Sprintf("ASIAEXAMPLE%05d", count), "SecretAccessKey": "example", "SessionToken": "example", "Token": "example",
		"Expiration": now.Add(life), "AccountId": "111122223333", "RoleArn": "arn:aws:iam::111122223333:role/orders-invoke",
		"Grant": map[string]any{
			"requestId": "7f3c9a", "receipt": "7f3c9a", "caller": "shopper", "target": "orders", "endpoint": "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
			"region": "us-east-1", "routes": []string{"GET /orders"}, "rules": []string{"x"}, "grantedSeconds": int(life.Seconds()),
			"refreshAfter": now.Add(life * 2 / 5), "serverTime": now,
		},
	})
}
