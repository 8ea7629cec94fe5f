package blackbox

import (
	"context"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// TestThaw: Lambda freezes the environment between two events, and STS closes the
// connection meanwhile. The next caller must not be told of it.
func TestThaw(t *testing.T) {
	var frozen []*function
	for range 10 { // what a thaw wakes first is chance
		f := up(t, setup{})
		if a := f.invoke(t, billing(askOrders)); a.Status != http.StatusOK {
			t.Fatalf("%d %s", a.Status, a.Text)
		}
		for end := time.Now().Add(patience); f.api.idle.Load() == 0; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the function does not ask for the next event")
			}
		}
		if err := f.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		f.sts.server.CloseClientConnections()
		frozen = append(frozen, f)
	}
	time.Sleep(11 * time.Second) // longer than a connection is kept
	for _, f := range frozen {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		inv := f.api.add(billing(`{"target":"orders","routes":["GET /orders/7"]}`), 10*time.Second)
		err := f.api.deliver(ctx, inv)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if err := f.cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		select {
		case o := <-inv.answered:
			if a := parse(t, inv.event, o); a.Status != http.StatusOK {
				t.Errorf("after the thaw: %d %s", a.Status, a.Field("message"))
			}
		case <-time.After(patience):
			t.Fatal("no answer after the thaw")
		}
	}
}
