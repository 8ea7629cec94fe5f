package blackbox

import (
	"encoding/json"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/vendtest"
)

// TestFullDisk: where no audit line can be written, no credential leaves and STS
// is not asked, whatever is asked for.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = full.Close() }()
	f := up(t, setup{stdout: full})
	for name, event := range map[string][]byte{
		"a vend":     billing(askOrders),
		"the same":   billing(askOrders),
		"whoami":     whoAmI(),
		"targets":    vendtest.IAM("a1b2c3", vendtest.Billing(), vendtest.Get("/v1/targets")).Bytes(),
		"a refusal":  billing(`{"target":"nothing"}`),
		"no target":  billing(`{}`),
		"no path":    vendtest.IAM("a1b2c3", vendtest.Billing(), vendtest.Get("/v2")).Bytes(),
		"nobody":     []byte(`null`),
		"by a token": vendtest.JWT("d4e5f6", vendtest.Shopper("ana"), vendtest.Ask(askOrders)).Bytes(),
	} {
		a := f.invoke(t, event)
		if a.Status != http.StatusInternalServerError || a.Field("code") != "internal" || leaks(a.Text) != "" {
			t.Errorf("%s: %d %s", name, a.Status, a.Field("code"))
		}
	}
	if n := len(f.sts.regions()); n != 0 {
		t.Errorf("STS was asked %d times without an intent on record", n)
	}
	if !f.alive() {
		t.Error("the function went")
	}
}

// filling is a standard output that can be made to fail and to work again: a
// file whose offset, which this process shares, is moved to where nothing can be
// written, and back.
type filling struct {
	file *os.File
	end  int64
}

func newFilling(t *testing.T) *filling {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "trail"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return &filling{file: file}
}

// fill makes the next writes fail with EFBIG: the file system's largest offset is
// found by halving.
func (f *filling) fill() error {
	var err error
	if f.end, err = f.file.Seek(0, io.SeekCurrent); err != nil {
		return err
	}
	low, high := f.end, int64(math.MaxInt64)
	for low < high {
		middle := low + (high-low)/2 + (high-low)%2
		if _, err := f.file.Seek(middle, io.SeekStart); err == nil {
			low = middle
		} else {
			high = middle - 1
		}
	}
	_, err = f.file.Seek(low, io.SeekStart)
	return err
}

func (f *filling) empty() error {
	_, err := f.file.Seek(f.end, io.SeekStart)
	return err
}

// TestOutcomeNotWritten: where the intent could be written and the outcome
// could not, the credential that STS made does not leave, and is not kept for a
// later request that could be recorded.
func TestOutcomeNotWritten(t *testing.T) {
	trail := newFilling(t)
	f := up(t, setup{stdout: trail.file})
	fills := make(chan error, 1)
	f.sts.order("", func(w http.ResponseWriter, _ *http.Request, success string) {
		fills <- trail.fill()
		_, _ = w.Write([]byte(success))
	})
	a := f.invoke(t, billing(askOrders))
	if err := <-fills; err != nil {
		t.Fatal(err)
	}
	if a.Status != http.StatusInternalServerError || leaks(a.Text) != "" {
		t.Errorf("%d %s: a credential without an outcome on record", a.Status, a.Field("AccessKeyId"))
	}
	if err := trail.empty(); err != nil {
		t.Fatal(err)
	}
	f.sts.order("", nil)
	again := f.invoke(t, billing(askOrders))
	if again.Status != http.StatusOK || again.Field("AccessKeyId") != "ASIAEXAMPLE000000002" || len(f.sts.regions()) != 2 {
		t.Errorf("%d %s after %d calls of STS: want the second's own", again.Status, again.Field("AccessKeyId"), len(f.sts.regions()))
	}
	// A reuse that cannot be recorded is none.
	if err := trail.fill(); err != nil {
		t.Fatal(err)
	}
	if a := f.invoke(t, billing(askOrders)); a.Status != http.StatusInternalServerError || leaks(a.Text) != "" {
		t.Errorf("%d: a reuse without an outcome on record", a.Status)
	}
	if err := trail.empty(); err != nil {
		t.Fatal(err)
	}
	var events []string
	for text := range strings.Lines(read(t, trail.file.Name())) {
		var l vendtest.Line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%v in %q", err, text)
		}
		events = append(events, l.Text("event"))
	}
	if got := strings.Join(events, " "); got != "intent intent outcome" {
		t.Errorf("the trail tells %q, want an intent that counts as issued, then a whole issuance", got)
	}
	if text := read(t, trail.file.Name()); leaks(text) != "" {
		t.Errorf("the trail holds %s", leaks(text))
	}
}
