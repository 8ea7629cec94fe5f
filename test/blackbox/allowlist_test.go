package blackbox

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/config"
	"github.com/credvend/credvend/internal/vendtest"
)

func whoAmI() []byte {
	return vendtest.IAM("a1b2c3", vendtest.Billing(), vendtest.Get("/v1/whoami")).Bytes()
}

// until asks who it is, at least once, until the answer is as wanted.
func (f *function) until(t *testing.T, what string, wanted func(vendtest.Answer) bool) vendtest.Answer {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		a := f.invoke(t, whoAmI())
		if wanted(a) {
			return a
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not come about; the last answer: %d %s", what, a.Status, a.Text)
		}
	}
}

// widened is the document with one more route for billing-service.
func widened() []byte {
	doc := vendtest.Document()
	doc.Rules[0].Routes = append(doc.Rules[0].Routes, "GET /invoices/*")
	return doc.JSON()
}

// TestMissingAllowlist: without a list the function stays up and says so, and
// serves from the moment the list is there.
func TestMissingAllowlist(t *testing.T) {
	list := filepath.Join(t.TempDir(), "later.json")
	f := up(t, setup{list: list})
	for _, event := range [][]byte{billing(askOrders), whoAmI(), vendtest.IAM("a1b2c3", vendtest.Billing(), vendtest.Get("/v1/targets")).Bytes()} {
		a := f.invoke(t, event)
		wait, err := strconv.Atoi(a.Headers["Retry-After"])
		if a.Status != http.StatusServiceUnavailable || a.Field("code") != "unavailable" || err != nil || wait < 1 {
			t.Errorf("%d %s, Retry-After %q", a.Status, a.Text, a.Headers["Retry-After"])
		}
		if strings.Contains(a.Text, list) {
			t.Error("the answer tells a path of the function's")
		}
	}
	// Who is not let in learns nothing about the list either.
	if a := f.invoke(t, []byte(`{}`)); a.Status != http.StatusUnauthorized {
		t.Errorf("%d for nobody", a.Status)
	}
	if log := read(t, f.errs); !strings.Contains(log, list) || !strings.Contains(log, "could not be loaded") {
		t.Errorf("the operator is not told which file is missing: %s", log)
	}
	writeList(t, list, vendtest.Document().JSON())
	if a := f.invoke(t, billing(askOrders)); a.Status != http.StatusOK {
		t.Errorf("with the list there: %d %s", a.Status, a.Text)
	}
	if n := len(f.sts.regions()); n != 1 {
		t.Errorf("%d calls of STS, want 1", n)
	}
}

// TestAllowlistTurnsBad: the last good list keeps serving, and a good one takes
// its place.
func TestAllowlistTurnsBad(t *testing.T) {
	for name, bad := range map[string]func(path string) error{
		"cut short":   func(path string) error { return os.WriteFile(path, []byte(`{"version":1,`), 0o600) },
		"empty":       func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"YAML":        func(path string) error { return os.WriteFile(path, []byte("version: 1\n"), 0o600) },
		"gone":        os.Remove,
		"a named key": func(path string) error { return os.WriteFile(path, []byte(`{"version":1,"targetz":{}}`), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			list := filepath.Join(t.TempDir(), "list.json")
			writeList(t, list, vendtest.Document().JSON())
			f := up(t, setup{list: list, env: map[string]string{config.MaxAgeVar: "1s"}})
			good := f.until(t, "an answer", func(a vendtest.Answer) bool { return a.Status == http.StatusOK }).Field("allowlistDigest")
			if err := bad(list); err != nil {
				t.Fatal(err)
			}
			f.until(t, "a failed reload", func(a vendtest.Answer) bool {
				if a.Status != http.StatusOK || a.Field("allowlistDigest") != good {
					t.Fatalf("the last good list does not serve: %d %s", a.Status, a.Text)
				}
				return strings.Contains(read(t, f.errs), "could not be loaded")
			})
			if a := f.invoke(t, billing(askOrders)); a.Status != http.StatusOK {
				t.Errorf("no vend on the last good list: %d %s", a.Status, a.Text)
			}
			writeList(t, list, widened())
			f.until(t, "the new list", func(a vendtest.Answer) bool { return a.Field("allowlistDigest") != good })
			if a := f.invoke(t, billing(`{"target":"orders","routes":["GET /invoices/7"]}`)); a.Status != http.StatusOK {
				t.Errorf("what the new list grants: %d %s", a.Status, a.Text)
			}
		})
	}
}

// TestAllowlistGoesStale: a bad list is not outlived for ever.
func TestAllowlistGoesStale(t *testing.T) {
	list := filepath.Join(t.TempDir(), "list.json")
	writeList(t, list, vendtest.Document().JSON())
	f := up(t, setup{list: list, env: map[string]string{config.MaxAgeVar: "1s", config.MaxStaleVar: "2s"}})
	if a := f.invoke(t, billing(askOrders)); a.Status != http.StatusOK {
		t.Fatalf("%d %s", a.Status, a.Text)
	}
	if err := os.Remove(list); err != nil {
		t.Fatal(err)
	}
	f.until(t, "the end of the stale list", func(a vendtest.Answer) bool { return a.Status == http.StatusServiceUnavailable })
	if a := f.invoke(t, billing(askOrders)); a.Status != http.StatusServiceUnavailable {
		t.Errorf("kept credentials leave without a list: %d", a.Status)
	}
	writeList(t, list, vendtest.Document().JSON())
	if a := f.invoke(t, whoAmI()); a.Status != http.StatusOK {
		t.Errorf("with the list back: %d %s", a.Status, a.Text)
	}
}

// TestAllowlistChanges: a change is picked up, and takes away what it takes away
// from kept credentials too.
func TestAllowlistChanges(t *testing.T) {
	list := filepath.Join(t.TempDir(), "list.json")
	writeList(t, list, widened())
	f := up(t, setup{list: list, env: map[string]string{config.MaxAgeVar: "1s"}})
	const invoices = `{"target":"orders","routes":["GET /invoices/7"]}`
	for range 2 {
		if a := f.invoke(t, billing(invoices)); a.Status != http.StatusOK {
			t.Fatalf("%d %s", a.Status, a.Text)
		}
	}
	if n := len(f.sts.regions()); n != 1 {
		t.Errorf("%d calls of STS for one and the same, want 1", n)
	}
	before := f.invoke(t, whoAmI()).Field("allowlistDigest")
	writeList(t, list, vendtest.Document().JSON())
	f.until(t, "the new list", func(a vendtest.Answer) bool { return a.Field("allowlistDigest") != before })
	if a := f.invoke(t, billing(invoices)); a.Status != http.StatusForbidden {
		t.Errorf("what the list no longer grants: %d %s", a.Status, a.Text)
	}
}
