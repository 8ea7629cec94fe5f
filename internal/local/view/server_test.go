package view

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/local/apigw"
	"github.com/credvend/credvend/internal/local/sts"
)

func get(v *View, path, host string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = host
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	v.ServeHTTP(w, r)
	return w
}

func TestHosts(t *testing.T) {
	for host, want := range map[string]int{
		"127.0.0.1": 200, "127.0.0.1:8080": 200, "127.8.9.1:1": 200, "localhost": 200, "LOCALHOST:8080": 200, "[::1]:8080": 200, "[::1]": 200,
		"": 403, "example.com": 403, "127.0.0.1.nip.io:8080": 403, "localhost.example.com": 403, "localhost.": 403, "10.0.0.1:8080": 403, "0.0.0.0:8080": 403,
		"[::]": 403, "169.254.169.254": 403, "2130706433": 403, "127.1": 403, "[::1%25lo]:80": 403, "127.0.0.1:8080:1": 403, "localhost@example.com": 403,
	} {
		for _, path := range []string{"/", "/state"} {
			w := get(New(Options{}), path, host)
			if w.Code != want {
				t.Errorf("Host %q, %s: %d, want %d", host, path, w.Code, want)
			}
			if want == 403 && strings.Contains(w.Body.String(), "credvend local") {
				t.Errorf("Host %q got the page", host)
			}
		}
	}
	if w := get(New(Options{}), "/events", "example.com"); w.Code != 403 {
		t.Errorf("/events: %d", w.Code)
	}
}

func TestMethodsPathsAndOrigins(t *testing.T) {
	v := New(Options{})
	for _, method := range []string{"POST", "PUT", "HEAD", "OPTIONS", "DELETE"} {
		r := httptest.NewRequest(method, "/", nil)
		r.Host = "localhost"
		w := httptest.NewRecorder()
		v.ServeHTTP(w, r)
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET" {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
	for path, want := range map[string]int{"/": 200, "/state": 200, "/index.html": 404, "/state/": 404, "//": 404, "/../page": 404} {
		if w := get(v, path, "localhost", "Origin", "https://example.com"); w.Code != want || w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d, want %d; %v", path, w.Code, want, w.Header())
		}
	}
	for site, want := range map[string]int{"cross-site": 403, "same-site": 403, "same-origin": 200, "none": 200} {
		if w := get(v, "/state", "localhost", "Sec-Fetch-Site", site); w.Code != want {
			t.Errorf("/state for %s: %d, want %d", site, w.Code, want)
		}
	}
}

// TestPage: the page is whole, asks for nothing from anywhere, and its policy
// lets nothing run but what it came with.
func TestPage(t *testing.T) {
	w := get(New(Options{}), "/", "localhost")
	page, policy := w.Body.String(), w.Header().Get("Content-Security-Policy")
	for _, rest := range []string{"/*STYLE*/", "/*SCRIPT*/", "<!--WIDE-->", "<!--TALL-->", "innerHTML", "insertAdjacentHTML", "document.write", "eval(", "style=", " onclick="} {
		if strings.Contains(page, rest) {
			t.Errorf("the page holds %s", rest)
		}
	}
	for _, m := range regexp.MustCompile(`(?i)(src|href)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(m[2], "#") && !strings.HasPrefix(m[2], "data:") && m[2] != "/state" {
			t.Errorf("the page leads to %s", m[2])
		}
	}
	between := func(open, end string) string {
		_, rest, _ := strings.Cut(page, open)
		text, _, _ := strings.Cut(rest, end)
		return text
	}
	style, script := between("<style>", "</style>"), between(`<script type="module">`, "</script>")
	if len(style) < 1000 || len(script) < 1000 {
		t.Errorf("style of %d bytes, script of %d", len(style), len(script))
	}
	for _, want := range []string{"default-src 'none'", "script-src " + hash(script), "style-src " + hash(style), "connect-src 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy lacks %s", want)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Error(policy)
	}
}

// stream reads server-sent events as "name data".
type stream struct {
	body  io.ReadCloser
	lines *bufio.Scanner
}

func open(t *testing.T, url string) *stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	s := &stream{resp.Body, bufio.NewScanner(resp.Body)}
	s.lines.Buffer(nil, 8<<20)
	return s
}

// next is the next event, "" at the stream's end.
func (s *stream) next() (name, data string) {
	for s.lines.Scan() {
		key, value, _ := strings.Cut(s.lines.Text(), ": ")
		switch key {
		case "event":
			name = value
		case "data":
			return name, value
		}
	}
	return "", ""
}

// until reads to an event, and counts those before it.
func (s *stream) until(t *testing.T, name string) (count map[string]int, data string) {
	t.Helper()
	count = map[string]int{}
	for {
		n, d := s.next()
		switch n {
		case name:
			return count, d
		case "":
			t.Fatalf("the stream ended before %q, after %v", name, count)
		}
		count[n]++
	}
}

func serve(t *testing.T, v *View, change func(*http.Server)) string {
	t.Helper()
	s := httptest.NewUnstartedServer(v)
	if change != nil {
		change(s.Config)
	}
	s.Start()
	t.Cleanup(func() { v.Close(); s.Close() })
	return s.URL
}

func TestEvents(t *testing.T) {
	v := New(Options{Keep: 7})
	for _, e := range recorded(t) {
		e.tell(v)
	}
	s := open(t, serve(t, v, nil))
	if count, _ := s.until(t, "live"); count["start"] != 1 || count["places"] != 1 || count["request"] != 7 {
		t.Errorf("replayed %v", count)
	}
	v.Door(apigw.Trace{ID: "a1b2c3d4e5", Method: "GET", Path: "/live\nevent: gone", At: noon})
	_, data := s.until(t, "request")
	var r Request
	if err := json.Unmarshal([]byte(data), &r); err != nil || r.Front.Path != "/live event: gone" {
		t.Errorf("%v: %s", err, data)
	}
	if _, data := s.until(t, "gone"); data == "" {
		t.Error("nothing went for it")
	}
	v.Close()
	if name, _ := s.next(); name != "" {
		t.Errorf("%s after the end", name)
	}
}

// TestEventsOutliveTheServersLimits: a stream is no request that was sent too
// slowly.
func TestEventsOutliveTheServersLimits(t *testing.T) {
	v := newView()
	s := open(t, serve(t, v, func(s *http.Server) { s.ReadTimeout, s.WriteTimeout = 50*time.Millisecond, 50*time.Millisecond }))
	s.until(t, "live")
	time.Sleep(200 * time.Millisecond)
	v.Door(trace(0, 1))
	s.until(t, "request")
}

// TestAllAtOnce is for the race detector.
func TestAllAtOnce(t *testing.T) {
	v := newView()
	url := serve(t, v, nil)
	var wg sync.WaitGroup
	for i := range 4 {
		s := open(t, url)
		wg.Go(func() {
			for n := range 50 {
				id := fmt.Sprint(i, "-", n)
				v.STS(sts.Event{Time: at(20), Action: "AssumeRole", SessionName: "billing-service@" + id})
				v.Audit(bytes.Replace(line(id, id, 30, 10, ""), []byte("Parent=1"), []byte("Parent="+id), 1))
				tr := trace(0, 50)
				tr.TraceID = "Root=1-a;Parent=" + id + ";Sampled=0"
				v.Door(tr)
				get(v, "/state", "localhost")
			}
		})
		wg.Go(func() {
			for n := 0; n < 50; n++ {
				if name, _ := s.next(); name == "" {
					return // too slow, and dropped
				}
			}
			_ = s.body.Close()
		})
	}
	wg.Wait()
	for _, r := range requests(t, v) {
		if r.Front == nil || r.Function == nil || len(r.STS) != 1 {
			t.Errorf("request %d is not whole", r.ID)
		}
	}
}

// TestSlowReader: one that does not read is dropped, and holds nobody up.
func TestSlowReader(t *testing.T) {
	v := newView()
	r, _, ok := v.subscribe()
	if !ok {
		t.Fatal("no stream")
	}
	for i := range 2 * backlog {
		v.Door(trace(i, i))
	}
	if len(v.readers) != 0 {
		t.Error("it is still there")
	}
	n := 0
	for range r.messages {
		n++
	}
	if n != backlog {
		t.Errorf("%d messages were kept for it, want %d", n, backlog)
	}
	v.drop(r) // twice is no harm
}

func TestTooManyReaders(t *testing.T) {
	v := newView()
	for range maxReaders {
		if _, _, ok := v.subscribe(); !ok {
			t.Fatal("refused early")
		}
	}
	if w := get(v, "/events", "localhost"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d", w.Code)
	}
	v.Close()
	if w := get(v, "/events", "localhost"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("after the end: %d", w.Code)
	}
}

func TestReaderThatLeavesIsForgotten(t *testing.T) {
	v := newView()
	url := serve(t, v, nil)
	s := open(t, url)
	s.until(t, "live")
	_ = s.body.Close()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		v.mu.Lock()
		n := len(v.readers)
		v.mu.Unlock()
		if n == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("it is still there")
		}
	}
}

// TestSecrets: planted in fields that the view does not know, and in texts that
// it does, secrets do not come out anywhere.
func TestSecrets(t *testing.T) {
	const (
		secret = "wJalrXUtnFEMIK7MDENGbPxRfiCYPLANTEDKEY00"
		jwt    = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJQTEFOVEVEIn0.c2lnbmF0dXJlUExBTlRFRA"
	)
	token := strings.Repeat("IQoJb3JpZ2luX2VjPLANTED", 20)
	v := newView()
	v.Audit(line("l1", "r1", 30, 10, `,"SecretAccessKey":"`+secret+`","sessionToken":"`+token+`","credentials":{"secret":"`+secret+`"},"attempts":[{"region":"r","token":"`+token+
		`"}],"rulesTried":[{"id":"x","secret":"`+secret+`","why":"`+jwt+`"}],"reason":"SecretAccessKey=`+secret+` for `+token+`"`))
	tr := trace(0, 50)
	tr.Path, tr.Reason = "/v1/credentials/"+jwt, "token "+jwt+" and X-Amz-Signature="+secret
	v.Door(tr)
	v.STS(sts.Event{Time: at(20), Action: "AssumeRole", SessionName: "billing-service@r1", IssuedKey: "ASIASHOWN", Reason: "secretAccessKey: " + secret, Tags: map[string]string{"t": token}})
	s := open(t, serve(t, v, nil))
	var all strings.Builder
	for {
		name, data := s.next()
		all.WriteString(data + "\n")
		if name == "live" || name == "" {
			break
		}
	}
	all.WriteString(get(v, "/state", "localhost").Body.String())
	if strings.Contains(all.String(), "PLANTED") {
		t.Errorf("a secret came out: %s", all.String())
	}
	if !strings.Contains(all.String(), "ASIASHOWN") || !strings.Contains(all.String(), "(withheld)") {
		t.Error("an access key id, or the mark of what was withheld, is missing")
	}
}

// TestHidden: what a page would obey or hide is shown as a mark.
func TestHidden(t *testing.T) {
	if got := clean("a\x1b[2J\u202eb\u0000c\nd"); got != "a\uFFFD[2J\uFFFDb\uFFFDc d" {
		t.Errorf("%q", got)
	}
	if got := cleanTo("äöü", 2); got != "äö…" {
		t.Errorf("%q", got)
	}
}

func TestCommands(t *testing.T) {
	p := *recorded(t)[0].Places
	for name, c := range map[string]struct {
		places Places
		want   int
	}{
		"the story's": {p, 9},
		"nothing":     {Places{}, 2},
	} {
		all := Commands(c.places)
		if len(all) != c.want {
			t.Errorf("%s: %d commands, want %d", name, len(all), c.want)
		}
		for _, command := range all {
			check := exec.CommandContext(t.Context(), "sh", "-n")
			check.Stdin = strings.NewReader(command.Text)
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s", command.Title, err, out)
			}
		}
	}
	if got := quote("it's here"); got != `'it'\''s here'` {
		t.Error(got)
	}
}
