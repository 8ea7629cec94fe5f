package blackbox

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/config"
	"github.com/credvend/credvend/internal/vendtest"
)

// TestKilledWhileIssuing: a process that dies between intent and outcome leaves
// the intent, which counts as issued.
func TestKilledWhileIssuing(t *testing.T) {
	f := up(t, setup{env: map[string]string{config.STSTimeoutVar: "10s,20s"}})
	entered := make(chan struct{})
	f.sts.order("", func(w http.ResponseWriter, r *http.Request, success string) {
		close(entered)
		hang(w, r, success)
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	inv := f.api.add(billing(askOrders), 20*time.Second)
	if err := f.api.deliver(ctx, inv); err != nil {
		t.Fatal(err)
	}
	select {
	case <-entered:
	case <-ctx.Done():
		t.Fatal("STS is not asked")
	}
	f.kill()
	lines := f.trail(t)
	if len(lines) != 1 || lines[0].Text("event") != "intent" || lines[0].Text("requestId") != inv.id {
		t.Fatalf("the trail tells %v, want the intent alone", lines)
	}
	// The intent tells all that is needed to find the issuance in Account A's
	// CloudTrail.
	for _, field := range []string{"receipt", "caller", "principal", "target", "sourceIdentity", "allowlistDigest", "traceId"} {
		if lines[0].Text(field) == "" {
			t.Errorf("the intent lacks %s", field)
		}
	}
	f.sts.mu.Lock()
	name := f.sts.calls[0].form.Get("RoleSessionName")
	f.sts.mu.Unlock()
	if want := lines[0].Text("caller") + "@" + lines[0].Text("receipt"); name != want {
		t.Errorf("STS was asked for %q, the intent tells of %q", name, want)
	}
}

// mixed is one of the requests of a long run, and whether STS may be asked.
func mixed(r *rand.Rand) []byte {
	route := func() string {
		return fmt.Sprintf(`{"target":"orders","routes":["GET /orders/%d"]}`, r.IntN(12))
	}
	shopper := func() map[string]any { return vendtest.Shopper(fmt.Sprintf("user-%d", r.IntN(4))) }
	outsider := vendtest.Role("777788889999", "outsider", "AROAEXAMPLEOUTSIDER0", "s")
	stranger := vendtest.Role("444455556666", "stranger", "AROAEXAMPLESTRANGER0", "s")
	kinds := []func() []byte{
		func() []byte { return billing(askOrders) },
		func() []byte { return billing(route()) },
		func() []byte { return billing(route()) },
		func() []byte { return billing(`{"target":"orders","durationSeconds":900}`) },
		func() []byte { return vendtest.JWT("d4e5f6", shopper(), vendtest.Ask(askOrders)).Bytes() },
		func() []byte { return vendtest.FunctionURL("xyz", outsider, vendtest.Ask(route())).Bytes() },
		func() []byte { return vendtest.REST("r7s8t9", vendtest.Billing(), vendtest.Ask(route())).Bytes() },
		func() []byte {
			return vendtest.IAM("a1b2c3", vendtest.Billing(), vendtest.Get("/v1/credentials/orders?route=GET%20/orders/1")).Bytes()
		},
		func() []byte { return vendtest.IAM("a1b2c3", vendtest.Billing(), vendtest.Get("/v1/targets")).Bytes() },
		whoAmI,
		func() []byte { return vendtest.IAM("a1b2c3", stranger, vendtest.Ask(askOrders)).Bytes() },
		func() []byte { return billing(`{"target":"orders","routes":["DELETE /orders/1"]}`) },
		func() []byte { return billing(`{"target":"nothing"}`) },
		func() []byte { return billing(`{"target":`) },
		func() []byte { return billing(strings.Repeat("x", 20<<10)) },
		func() []byte {
			return vendtest.IAM("a1b2c3", vendtest.Billing(), vendtest.Get("/v1/elsewhere")).Bytes()
		},
		func() []byte {
			return vendtest.IAM("a1b2c3", vendtest.Billing(), vendtest.Request{Method: "DELETE", Path: "/v1/credentials"}).Bytes()
		},
		func() []byte { return vendtest.IAM("unknown", vendtest.Billing(), vendtest.Ask(askOrders)).Bytes() },
		func() []byte { return []byte(`[1,2]`) },
	}
	return kinds[r.IntN(len(kinds))]()
}

// TestEachAnswerIsRecordedOnce: over a mixed run, with an STS that now and then
// fails, each request has exactly one end on record, in its own order, and STS
// was asked as often as intents say. One run takes events one by one, another
// four at once, as functions on managed instances do.
func TestEachAnswerIsRecordedOnce(t *testing.T) {
	for _, concurrency := range []int{1, 4} {
		t.Run(fmt.Sprintf("%d at once", concurrency), func(t *testing.T) {
			env := map[string]string{config.RateVar: "200/s,400", config.STSTimeoutVar: "5s,10s"}
			if concurrency > 1 {
				env["AWS_LAMBDA_MAX_CONCURRENCY"] = fmt.Sprint(concurrency)
			}
			f := up(t, setup{env: env})
			var calls int
			var mu sync.Mutex
			faults := []stsFault{nil, nil, nil, nil, refuse(403, "AccessDenied"), refuse(500, "InternalFailure"), refuse(400, "Throttling"), reset, cut, body("no XML")}
			f.sts.order("", func(w http.ResponseWriter, r *http.Request, success string) {
				mu.Lock()
				calls++
				fault := faults[calls%len(faults)]
				mu.Unlock()
				if fault != nil {
					fault(w, r, success)
					return
				}
				_, _ = w.Write([]byte(success))
			})
			const requests = 200
			events := make(chan []byte, requests)     // has room for all: a worker that fails leaves
			answers := make(chan [2]string, requests) // request id, and what came of it
			var workers sync.WaitGroup
			for range concurrency {
				workers.Go(func() {
					for event := range events {
						id, a, _ := f.invokeWithin(t, event, 10*time.Second)
						answers <- [2]string{id, fmt.Sprint(a.Status)}
					}
				})
			}
			r := rand.New(rand.NewPCG(1, uint64(concurrency)))
			for range requests {
				events <- mixed(r)
			}
			close(events)
			workers.Wait()
			close(answers)
			checkTrail(t, f.trail(t), answers, len(f.sts.regions()))
		})
	}
}

func checkTrail(t *testing.T, lines []vendtest.Line, answers <-chan [2]string, calls int) {
	t.Helper()
	statuses := map[string]int{}
	intents, known := 0, map[string]bool{}
	for a := range answers {
		id, status := a[0], a[1]
		known[id] = true
		statuses[status]++
		line := last(t, lines, id)
		switch got := ends(lines, id); got {
		case "intent outcome":
			intents++
		case "outcome":
			// Without an intent of its own it answers a question, or shares an
			// issuance that another request announced, whatever came of it.
			o := line.Text("outcome")
			question, sharing := o == "answered" && status == "200", line["reused"] == true && (o == "reused") == (status == "200")
			if !question && !sharing {
				t.Errorf("%s: %s, with the outcome %s alone", id, status, o)
			}
		case "refusal":
			if status == "200" {
				t.Errorf("%s: 200, and a refusal on record", id)
			}
		default:
			t.Errorf("%s: %s, and the trail tells %q", id, status, got)
		}
		raw, _ := json.Marshal(line["attempts"])
		if o := line.Text("outcome"); (status == "200") != (o == "issued" || o == "reused" || o == "answered") {
			t.Errorf("%s: %s, and the trail tells the outcome %q (%s)", id, status, o, raw)
		}
		if (status == "200") != (line.Text("code") == "") {
			t.Errorf("%s: %s, and the trail tells the code %q", id, status, line.Text("code"))
		}
	}
	for _, l := range lines {
		if !known[l.Text("requestId")] {
			t.Errorf("a line tells of a request that was not made: %s", l.Text("requestId"))
		}
	}
	if intents != calls {
		t.Errorf("%d intents on record, %d calls of STS", intents, calls)
	}
	for _, status := range []string{"200", "400", "401", "403", "404", "405", "413", "502", "503"} {
		if statuses[status] == 0 {
			t.Errorf("the run holds no %s: %v", status, statuses)
		}
	}
	t.Logf("answers %v, %d intents", statuses, intents)
}
