package function

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/config"
	"github.com/credvend/credvend/internal/gateway"
	"github.com/credvend/credvend/internal/source"
	"github.com/credvend/credvend/internal/vendtest"
)

// The tests of this file build the real handler in virtual time, which stands
// still while anything computes, reads or is on the network. The servers run
// outside it, and keep no connection.

// variant is an allowlist that bears its number in its caller's name, in the
// caller's tag, and in the routes and ids of two rules: what shows two numbers,
// or only one of the two rules, was made of half a list.
func variant(k int) *allowlist.Document {
	name := fmt.Sprintf("variant%d", k)
	doc := vendtest.Document()
	billing := doc.Callers["billing-service"]
	billing.Tags = map[string]string{"team": name}
	doc.Callers = map[string]allowlist.Caller{name: billing}
	doc.Rules = nil
	for _, rule := range []string{"a", "b"} {
		doc.Rules = append(doc.Rules, allowlist.Rule{
			ID: name + "-" + rule, Callers: []string{name}, Target: "orders", Routes: []string{"GET /" + name + "/" + rule},
		})
	}
	return doc
}

var mark = regexp.MustCompile(`variant(\d+)`)

// oneVariant returns the mark that all of a text bears; parts must stand in it
// behind the mark.
func oneVariant(text string, parts ...string) (string, error) {
	marks := mark.FindAllString(text, -1)
	if len(marks) == 0 {
		return "", fmt.Errorf("no variant in %s", text)
	}
	for _, m := range marks {
		if m != marks[0] {
			return "", fmt.Errorf("half a list: %s and %s in %s", marks[0], m, text)
		}
	}
	for _, part := range parts {
		if !strings.Contains(text, marks[0]+part) {
			return "", fmt.Errorf("half a list: no %s%s in %s", marks[0], part, text)
		}
	}
	return marks[0], nil
}

// shelf is where the allowlist comes from: a file, or AppConfig's extension.
// Only what it gives out when shut waits.
type shelf struct {
	path string // of the file; "" for the extension

	mu       sync.Mutex
	document []byte
	gate     chan struct{} // nil: open
	gaveUp   atomic.Bool   // the gate stayed shut
	held     atomic.Int32  // requests at the gate
}

func (s *shelf) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	document, gate := s.document, s.gate
	s.mu.Unlock()
	if gate != nil {
		s.held.Add(1)
		select {
		case <-gate:
		case <-time.After(3 * time.Second): // of real time
			s.gaveUp.Store(true)
		}
	}
	_, _ = w.Write(document)
}

// put replaces the allowlist in one step; nil takes it away.
func (s *shelf) put(t *testing.T, document []byte) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.document = document
	if s.path == "" {
		return
	}
	if document == nil {
		if err := os.Remove(s.path); err != nil {
			t.Error(err)
		}
		return
	}
	next := s.path + ".next"
	if err := os.WriteFile(next, document, 0o600); err != nil {
		t.Error(err)
	}
	if err := os.Rename(next, s.path); err != nil {
		t.Error(err)
	}
}

// fileWorld and extensionWorld are a function without reuse and brake whose
// allowlist, variant 0 at first, comes from a shelf.
func fileWorld(t *testing.T, maxAge string) (*world, *shelf) {
	t.Helper()
	w := newWorld(t, map[string]string{config.CacheVar: "off", config.RateVar: "off", config.STSTimeoutVar: "5s,9s", config.MaxAgeVar: maxAge})
	s := &shelf{path: strings.TrimPrefix(w.env[config.AllowlistVar], "file:")}
	s.put(t, variant(0).JSON())
	return w, s
}

func extensionWorld(t *testing.T, maxAge string) (*world, *shelf) {
	t.Helper()
	w, _ := fileWorld(t, maxAge)
	s := &shelf{document: variant(0).JSON()}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	w.env[config.AllowlistVar] = "appconfig:credvend/live/allowlist"
	w.env[source.AppConfigPortVar] = server.URL[strings.LastIndexByte(server.URL, ':')+1:]
	return w, s
}

// handler builds the real one.
func (w *world) handler(t *testing.T) *gateway.Handler {
	t.Helper()
	h, err := New(t.Context(), w.getenv, w.trail, w.operator)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// requests are one of each kind, and what an answer must hold behind its mark.
var requests = map[string]struct {
	request vendtest.Request
	parts   []string
}{
	"whoami":  {vendtest.Get("/v1/whoami"), nil},
	"targets": {vendtest.Get("/v1/targets"), []string{"/a", "/b", "-a", "-b"}},
	"vend":    {vendtest.Ask(`{"target":"orders"}`), []string{"/a", "/b", "-a", "-b", `"`}},
}

// ask makes one request. It must be over in no time, and its answer of one
// variant; "" is an answer of 503.
func ask(t *testing.T, h *gateway.Handler, kind string) string {
	t.Helper()
	start := time.Now()
	raw, err := h.Invoke(t.Context(), vendtest.IAM("a1b2c3", vendtest.Billing(), requests[kind].request).Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took != 0 {
		t.Errorf("%s waits %v", kind, took)
	}
	var a vendtest.Answer
	if err := json.Unmarshal(raw, &a); err != nil {
		t.Error(err)
	}
	if a.Status == http.StatusServiceUnavailable {
		return ""
	}
	name, err := oneVariant(a.Text, requests[kind].parts...)
	if a.Status != http.StatusOK || err != nil {
		t.Errorf("%s: %d, %v: %s", kind, a.Status, err, a.Text)
	}
	return name
}

// issuer is an STS that issues, at the time of its client, and wants one
// variant in all that it is sent.
func issuer(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		if _, err := oneVariant(fmt.Sprint(r.PostForm), "/a", "/b", "@"); err != nil {
			t.Errorf("STS is sent %v", err)
		}
		now, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err != nil {
			t.Error(err)
		}
		w.Header()["Date"] = nil // the SDK would correct its clock by it
		w.Header().Set("Connection", "close")
		_, _ = fmt.Fprintf(w, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAEXAMPLE000000001</AccessKeyId><SecretAccessKey>%s</SecretAccessKey>`+
			`<SessionToken>%s</SessionToken><Expiration>%s</Expiration></Credentials><AssumedRoleUser><AssumedRoleId>AROAEXAMPLEORDERS000:%[4]s</AssumedRoleId>`+
			`<Arn>arn:aws:sts::111122223333:assumed-role/orders-invoke/%[4]s</Arn></AssumedRoleUser><SourceIdentity>%[5]s</SourceIdentity></AssumeRoleResult></AssumeRoleResponse>`,
			vendtest.SecretKeyMark, vendtest.SessionTokenMark, now.Add(29*time.Minute).Format(time.RFC3339), r.PostForm.Get("RoleSessionName"), r.PostForm.Get("SourceIdentity"))
	}
}

// history is the variants that were put up, and when.
type history struct {
	mu      sync.Mutex
	at      []time.Time
	numbers map[string]int    // of the marks
	marks   map[string]string // of the digests
	served  map[string]bool   // marks
}

func (y *history) add(k int) {
	y.mu.Lock()
	defer y.mu.Unlock()
	name := fmt.Sprintf("variant%d", k)
	y.numbers[name], y.marks[variant(k).Digest()] = k, name
	y.at = append(y.at, time.Now())
}

// check wants a mark of a variant that was not replaced a maximal age ago.
func (y *history) check(t *testing.T, name string, maxAge time.Duration) {
	t.Helper()
	y.mu.Lock()
	defer y.mu.Unlock()
	y.served[name] = true
	k, ok := y.numbers[name]
	if !ok {
		t.Errorf("%q was never put up", name)
	} else if k+1 < len(y.at) && time.Since(y.at[k+1]) >= maxAge {
		t.Errorf("%s serves, replaced %v ago", name, time.Since(y.at[k+1]))
	}
}

// TestReloadUnderLoad: 2,400 requests while the list changes 100 times,
// once in a maximal age. 10,000 that only decide are in internal/source.
func TestReloadUnderLoad(t *testing.T) {
	const clients, changes, maxAge = 8, 100, time.Second
	for name, c := range map[string]struct {
		build func(*testing.T, string) (*world, *shelf)
		each  int // requests of a client
	}{
		"file":      {fileWorld, 200},
		"appconfig": {extensionWorld, 100},
	} {
		t.Run(name, func(t *testing.T) {
			sdkEnv(t, issuer(t))
			w, s := c.build(t, maxAge.String())
			y := &history{numbers: map[string]int{}, marks: map[string]string{}, served: map[string]bool{}}
			var vends atomic.Int32
			synctest.Test(t, func(t *testing.T) {
				y.add(0)
				h := w.handler(t)
				var wg sync.WaitGroup
				wg.Go(func() {
					for k := 1; k <= changes; k++ {
						time.Sleep(maxAge)
						y.add(k)
						s.put(t, variant(k).JSON())
					}
				})
				for client := range clients {
					random := rand.New(rand.NewPCG(6, uint64(client)))
					wg.Go(func() {
						for i := range c.each {
							kind := [2]string{"whoami", "targets"}[i%2]
							if i%20 == 0 {
								kind = "vend"
								vends.Add(1)
							}
							y.check(t, ask(t, h, kind), maxAge)
							time.Sleep(time.Duration(random.Int64N(int64(2 * changes * maxAge / time.Duration(c.each)))))
						}
					})
				}
				wg.Wait()
			})
			if len(y.served) < changes*9/10 { // a pause of all clients may skip one
				t.Errorf("%d of %d variants served: the list is not reloaded", len(y.served), changes+1)
			}
			checkTrail(t, w, y, clients*c.each+int(vends.Load()))
		})
	}
}

// checkTrail wants as many audit lines, and on each the digest of a list that
// there was, and nothing of another list.
func checkTrail(t *testing.T, w *world, y *history, lines int) {
	t.Helper()
	receipts := map[string]string{}
	for line := range strings.Lines(text(t, w.trail)) {
		lines--
		var l struct{ AllowlistDigest, Receipt string }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		name, err := oneVariant(line)
		if err != nil || y.marks[l.AllowlistDigest] != name {
			t.Errorf("a line with the digest of %q: %v: %s", y.marks[l.AllowlistDigest], err, line)
		}
		if first, ok := receipts[l.Receipt]; ok && l.Receipt != "" && first != name {
			t.Errorf("the intent tells of %s, the outcome of %s", first, name)
		}
		receipts[l.Receipt] = name
	}
	if lines != 0 {
		t.Errorf("%d audit lines are missing", lines)
	}
}

// TestNoRequestWaitsWhileTheListIsYoung: a reload that is under way holds up
// nobody.
func TestNoRequestWaitsWhileTheListIsYoung(t *testing.T) {
	sdkEnv(t, issuer(t))
	w, s := extensionWorld(t, "1m")
	gate := make(chan struct{})
	synctest.Test(t, func(t *testing.T) {
		h := w.handler(t)
		s.put(t, variant(1).JSON())
		s.mu.Lock()
		s.gate = gate
		s.mu.Unlock()
		time.Sleep(59 * time.Second)
		var wg sync.WaitGroup
		for range 20 {
			for kind := range requests {
				wg.Go(func() {
					if got := ask(t, h, kind); got != "variant0" {
						t.Errorf("%s answers %q", kind, got)
					}
				})
			}
		}
		wg.Wait()
		if s.gaveUp.Load() {
			t.Error("requests wait for the reload")
		}
		close(gate)
		synctest.Wait() // the reload ends
		if got := ask(t, h, "whoami"); got != "variant1" {
			t.Errorf("after the reload: %q", got)
		}
	})
	if held := s.held.Load(); held != 1 {
		t.Errorf("%d reloads, want 1: for all the requests", held)
	}
}

// TestFrozenForAnHour: an environment that was asked nothing for an hour does
// not serve what it knew, not even to the first of many at once.
func TestFrozenForAnHour(t *testing.T) {
	for name, c := range map[string]struct {
		document []byte // meanwhile
		want     string
	}{
		"another list": {variant(1).JSON(), "variant1"},
		"no list":      {nil, ""},
		"garbage":      {[]byte("{"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			sdkEnv(t, issuer(t))
			w, s := fileWorld(t, "1m")
			synctest.Test(t, func(t *testing.T) {
				h := w.handler(t)
				if got := ask(t, h, "vend"); got != "variant0" {
					t.Fatalf("before: %q", got)
				}
				s.put(t, c.document)
				time.Sleep(time.Hour)
				var wg sync.WaitGroup
				for range 20 {
					for kind := range requests {
						wg.Go(func() {
							if got := ask(t, h, kind); got != c.want {
								t.Errorf("%s answers %q, want %q", kind, got, c.want)
							}
						})
					}
				}
				wg.Wait()
			})
		})
	}
}
