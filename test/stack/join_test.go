package stack

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestRequestsAreJoinedExactly: thirty requests of one caller for one thing at one
// moment. The live view shows each with its own lines of the audit trail, and a
// vend with its own calls of STS.
func TestRequestsAreJoinedExactly(t *testing.T) {
	const marker = "/v1/credentials/orders"
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			if status, body := shared.signed(t, shared.env["CREDVEND_URL"]+marker); status != http.StatusOK {
				t.Errorf("%d %.200s", status, body)
			}
		})
	}
	wg.Wait()
	type request struct {
		ID    uint64
		What  string
		Front *struct {
			TraceID, RequestID string
			Status             int
		}
		Function *struct {
			TraceID, RequestID, STSRequestID, Outcome string
			Attempts                                  []struct{ STSRequestID string }
		}
		STS []struct{ RequestID string }
	}
	var ours []request
	for range 100 { // the audit trail comes through a pipe, a moment later
		resp, err := http.Get("http://" + shared.ports["view"] + "/state")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		var state struct{ Requests []request }
		if err := json.Unmarshal(text, &state); err != nil {
			t.Fatal(err)
		}
		ours = ours[:0]
		whole := 0
		for _, r := range state.Requests {
			if strings.Contains(r.What, marker) {
				ours = append(ours, r)
				if r.Function != nil && r.Function.Outcome != "" {
					whole++
				}
			}
		}
		if len(ours) == 30 && whole == 30 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if len(ours) != 30 {
		t.Fatalf("the view shows %d of 30 requests", len(ours))
	}
	traces, functions, issued := map[string]bool{}, map[string]bool{}, 0
	for _, r := range ours {
		if r.Function == nil {
			t.Errorf("request %d has no audit trail", r.ID)
			continue
		}
		if r.Front.TraceID == "" || r.Front.TraceID != r.Function.TraceID || traces[r.Front.TraceID] || functions[r.Function.RequestID] {
			t.Errorf("request %d: door %s, function %s (%s)", r.ID, r.Front.TraceID, r.Function.TraceID, r.Function.RequestID)
		}
		traces[r.Front.TraceID], functions[r.Function.RequestID] = true, true
		if r.Function.Outcome == "issued" && len(r.Function.Attempts) > 0 {
			issued++
			if len(r.STS) != 1 || r.STS[0].RequestID != r.Function.STSRequestID {
				t.Errorf("request %d: STS %v, the function's is %s", r.ID, r.STS, r.Function.STSRequestID)
			}
		} else if len(r.STS) > 0 {
			t.Errorf("request %d (%s) has STS calls %v", r.ID, r.Function.Outcome, r.STS)
		}
	}
	if issued == 0 {
		t.Error("none of the requests was issued anything: the test shows nothing of STS")
	}
}
