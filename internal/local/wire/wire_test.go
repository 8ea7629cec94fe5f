package wire

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// bench is a server whose handler answers the spelling of x-name, and what
// strayed to it.
type bench struct {
	address string

	mu     sync.Mutex
	strays []Stray
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.address = l.Addr().String()
	s := &http.Server{
		Handler: Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = fmt.Fprintln(w, r.Method, Spelling(r, "X-Name"))
		})),
		ConnContext: ConnContext, ReadHeaderTimeout: 300 * time.Millisecond, MaxHeaderBytes: MaxHead,
	}
	go func() {
		_ = s.Serve(Listen(l, func(s Stray) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.strays = append(b.strays, s)
		}))
	}()
	t.Cleanup(func() { _ = s.Close() })
	return b
}

// send writes raw bytes and reads to the end of the connection.
func (b *bench) send(t *testing.T, raw string, half bool) (answers []string) {
	t.Helper()
	c, err := net.Dial("tcp", b.address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, raw); err != nil {
		return nil // the server has answered and gone
	}
	if half {
		_ = c.(*net.TCPConn).CloseWrite()
	}
	r := bufio.NewReader(c)
	for {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return answers
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		answers = append(answers, fmt.Sprintf("%d %s", resp.StatusCode, strings.TrimSpace(string(body))))
	}
}

const last = "GET /last HTTP/1.1\r\nHost: x\r\nx-NAME: 1\r\nConnection: close\r\n\r\n"

func TestSpellingAcrossFraming(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	cases := []struct {
		name, raw string
		want      []string
	}{
		{"one", last, []string{"200 GET x-NAME"}},
		{"not sent", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", []string{"200 GET X-Name"}},
		{"behind a body", "POST / HTTP/1.1\r\nHost: x\r\nX-name: 1\r\nContent-Length: 34\r\n\r\nGET / HTTP/1.1\r\nx-namE: forged\r\n\r\n" + last, []string{"200 POST X-name", "200 GET x-NAME"}},
		{"behind chunks", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4;ext=\"1\"\r\nabcd\r\n0A\r\n0\r\n\r\nabcde\r\n0\r\nTrail: er\r\n\r\n" + last, []string{"200 POST X-Name", "200 GET x-NAME"}},
		{"behind both kinds of length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n" + last, []string{"200 POST X-Name", "200 GET x-NAME"}},
		{"line feeds alone", strings.ReplaceAll(last, "\r\n", "\n"), []string{"200 GET x-NAME"}},
		{"the first spelling counts", "GET / HTTP/1.1\r\nHost: x\r\nX-naMe: 1\r\nX-NAME: 2\r\nConnection: close\r\n\r\n", []string{"200 GET X-naMe"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, b.send(t, c.raw, true)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStrays(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, raw string
		half      bool // the client ends its side
		want      string
	}{
		{"nothing", "", true, ""},
		{"a request", last, true, ""},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03secret", true, "a TLS handshake, and this port speaks plain HTTP: use http:// in the URL"},
		{"TLS, with line ends in it", "\x16\x03\x01\n\n\x01\xfcsecret", false, "a TLS handshake, and this port speaks plain HTTP: use http:// in the URL"},
		{"not HTTP", "SSH-2.0-secret\r\n", true, "16 bytes that are no HTTP request"},
		{"half a request, then the end", "GET /a?token=secret HTTP/1.1\r\nAuthorization: secret", true, "half a request, which broke off after 51 bytes: GET /a"},
		{"half a request, then silence", "GET /a?token=secret HTTP/1.1\r\nAuthorization: secret", false, "half a request, which broke off after 51 bytes: GET /a"},
		{"a head that net/http refuses", "GET /a?t=secret HTTP/1.1\r\nHost: x\r\nbad name: secret\r\n\r\n", false, "a request that is refused as it stands: GET /a"},
		{"no Host", "GET /b HTTP/1.1\r\n\r\n", false, "a request that is refused as it stands: GET /b"},
		{"two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", false, "a request that is refused as it stands: POST /"},
		{"escape sequences", "\x1b[2J\x1b[31m / HTTP/1.1\r\n\r\n", false, "a request that is refused as it stands: its first line is no request line"},
		{"a header bomb", "GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-A: "+strings.Repeat("a", 1000)+"\r\n", 90), false, "more headers than are taken"},
		{"just below the limit of net/http", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-A: " + strings.Repeat("a", MaxHead) + "\r\n\r\n", false, ""},
		{"a long path", "GET /" + strings.Repeat("p", 100) + " HTTP/1.1\r\n\r\n", false, "a request that is refused as it stands: GET /" + strings.Repeat("p", 63) + "…"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.send(t, c.raw, c.half)
			want := []string{c.want}
			if c.want == "" {
				want = nil
			}
			var got []string
			for range 100 { // the connection is closed a moment after its answer
				b.mu.Lock()
				got = nil
				for _, s := range b.strays {
					got = append(got, s.What)
				}
				b.mu.Unlock()
				if len(got) >= len(want) && len(want) > 0 {
					break
				}
				time.Sleep(5 * time.Millisecond)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(fmt.Sprint(got), "secret") {
				t.Error("a secret is told")
			}
		})
	}
}

// FuzzWatcher: however the bytes come in pieces, the same heads are seen, and
// what is kept stays bounded.
func FuzzWatcher(f *testing.F) {
	f.Add([]byte(last+last), 3)
	f.Add([]byte("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4;x\r\nabcd\r\n0\r\nT: r\r\n\r\n"+last), 1)
	f.Add([]byte("POST / HTTP/1.0\r\nContent-Length: 99999999999999999999\r\n\r\nffffffffffffffffffff\r\n"), 7)
	f.Fuzz(func(t *testing.T, raw []byte, size int) {
		var whole, pieces watcher
		want := whole.see(raw)
		var got []head
		for piece := range slices.Chunk(raw, max(1, size%64)) {
			got = append(got, pieces.see(piece)...)
			if len(pieces.text) > MaxHead+1 {
				t.Fatalf("%d bytes are kept", len(pieces.text))
			}
		}
		if len(got) != len(want) || whole.part != pieces.part || whole.left != pieces.left {
			t.Fatalf("%d heads in pieces, %d at once", len(got), len(want))
		}
		for i := range got {
			if got[i].line != want[i].line {
				t.Fatalf("%q and %q", got[i].line, want[i].line)
			}
		}
		_ = pieces.stray(got)
	})
}
