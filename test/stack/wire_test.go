package stack

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// answer is what came back: status 0 is a connection that was closed without one.
type answer struct {
	status int
	header http.Header
	body   string
}

// dial opens a raw connection.
func (s *stack) dial(t *testing.T, port string) *net.TCPConn {
	t.Helper()
	c, err := net.DialTimeout("tcp", s.ports[port], patience)
	if err != nil {
		t.Fatalf("%s does not take connections: %v", port, err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// receive reads the answers until the connection ends. A request that asks for
// it to be kept gets it closed here after its answer.
func receive(t *testing.T, c net.Conn, n int) (all []answer) {
	t.Helper()
	r := bufio.NewReader(c)
	for range n {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
				t.Fatal("neither an answer nor the end of the connection")
			}
			return append(all, answer{})
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		all = append(all, answer{resp.StatusCode, resp.Header, string(body)})
	}
	return all
}

// raw sends bytes, %s being the port's address, and reads one answer. The end of
// the client's side stays open: an answer must not wait for it.
func (s *stack) raw(t *testing.T, port, request string) answer {
	t.Helper()
	c := s.dial(t, port)
	if _, err := io.WriteString(c, strings.ReplaceAll(request, "%s", s.ports[port])); err != nil && !strings.Contains(err.Error(), "reset") && !strings.Contains(err.Error(), "broken pipe") {
		t.Fatal(err)
	}
	return receive(t, c, 1)[0]
}

// everywhere are all the ports of the stack.
func (s *stack) everywhere() []string {
	var names []string
	for name := range s.ports {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func headers(n int, line string) string { return strings.Repeat(line+"\r\n", n) }

// TestRequestsThatAreNone: on every port, what is no request is answered with an
// error of HTTP's own or with the end of the connection.
func TestRequestsThatAreNone(t *testing.T) {
	const get, host = "GET /v1/whoami HTTP/1.1\r\n", "Host: %s\r\n"
	cases := []struct {
		name, request string
		status        []int // any of them; 0: closed
	}{
		{"TLS", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + strings.Repeat("\x07", 64) + "\n\r\n", []int{0, 400}},
		{"another protocol", "SSH-2.0-" + secret + "\r\n", []int{0, 400}},
		{"zeros", strings.Repeat("\x00", 4096) + "\r\n\r\n", []int{0, 400}},
		{"terminal commands", "\x1b]0;" + secret + "\x07\x1b[2J \x1b[31m HTTP/1.1\r\n\r\n", []int{0, 400}},
		{"HTTP/0.9", "GET /\r\n\r\n", []int{0, 400}},
		{"HTTP/9.9", "GET / HTTP/9.9\r\n" + host + "\r\n", []int{0, 505}},
		{"HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{0, 400, 403, 404, 405, 501, 505}},
		{"no host", get + "\r\n", []int{400}},
		{"two hosts", get + host + "Host: evil.example\r\n\r\n", []int{400}},
		{"a NUL in the path", "GET /v1/\x00 HTTP/1.1\r\n" + host + "\r\n", []int{0, 400}},
		{"a NUL in a header", get + host + "X-A: a\x00b\r\n\r\n", []int{400}},
		{"an escape in a header's name", get + host + "X-\x1b[2J: a\r\n\r\n", []int{400}},
		{"a space in a header's name", get + host + "X A: " + secret + "\r\n\r\n", []int{400}},
		{"no colon", get + host + "nothing\r\n\r\n", []int{400}},
		{"two lengths", "POST /v1/credentials HTTP/1.1\r\n" + host + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x", []int{400}},
		{"a length below zero", "POST /v1/credentials HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n", []int{400}},
		{"a length beyond all numbers", "POST /v1/credentials HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\n", []int{400}},
		{"an unknown transfer encoding", "POST /v1/credentials HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n", []int{400, 501}},
		{"more headers than are taken", get + host + headers(20, "X-Bomb: "+strings.Repeat(secret, 150)) + "\r\n", []int{0, 431}},
		{"a header without an end", get + host + "X-Bomb: " + strings.Repeat("a", 200<<10), []int{0, 431}},
	}
	for _, port := range shared.everywhere() {
		t.Run(port, func(t *testing.T) {
			for _, c := range cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					got := shared.raw(t, port, c.request)
					if !slices.Contains(c.status, got.status) {
						t.Errorf("%d %.200s, want one of %v", got.status, got.body, c.status)
					}
					if strings.Contains(got.body, secret) {
						t.Errorf("the answer repeats a secret: %.200s", got.body)
					}
				})
			}
		})
		shared.good(t)
	}
}

// TestOddRequests are HTTP, and yet none that a client of AWS sends.
func TestOddRequests(t *testing.T) {
	const (
		forbidden = `{"message":"Forbidden"}`
		missing   = `{"message":"Missing Authentication Token"}`
		url       = `{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}`
		rest      = "/prod/v1/whoami"
	)
	door := func(name string) (path, refused string, unauthorized int) {
		switch name {
		case "function URL":
			return "/v1/whoami", url, 403
		case "REST API":
			return rest, missing, 403
		case "HTTP API, JWT":
			return "/v1/whoami", `{"message":"Unauthorized"}`, 401
		}
		return "/v1/whoami", forbidden, 403
	}
	for _, name := range []string{"HTTP API, IAM", "HTTP API, JWT", "function URL", "REST API", "Account A's API"} {
		path, refused, unauthorized := door(name)
		head, post := " HTTP/1.1\r\nHost: %s\r\n", strings.Replace(path, "whoami", "credentials", 1)
		many := `{"message":"Request Header Fields Too Large"}`
		cases := []struct {
			name, request string
			status        int
			body          string // "": any
		}{
			{"unsigned", "GET " + path + head + "\r\n", unauthorized, refused},
			{"HTTP/1.0", "GET " + path + " HTTP/1.0\r\n\r\n", unauthorized, refused},
			{"absolute form", "GET http://evil.example" + path + head + "\r\n", 0, ""},
			{"an unknown host", "GET " + path + " HTTP/1.1\r\nHost: evil.example\r\n\r\n", unauthorized, refused},
			{"bytes that are no UTF-8", "GET " + path + "/\xff\xfe" + head + "X-A: \xff\r\n\r\n", 0, ""},
			{"chunks that are none", "POST " + post + head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, ""},
			{"a signature that is none", "GET " + path + head + "Authorization: " + secret + "\r\n\r\n", 0, ""},
			{"expect 100-continue, and 100 MB", "POST " + post + head + "Expect: 100-continue\r\nContent-Length: 104857600\r\n\r\n", 413, ""},
			{"expect something else", "POST " + post + head + "Expect: miracles\r\nContent-Length: 2\r\n\r\n{}", 417, ""},
			{"thousands of headers", "GET " + path + head + headers(4000, "X-N: 1") + "\r\n", 431, many},
			{"10,240 bytes and more", "GET " + path + head + "X-Wide: " + strings.Repeat("a", 10240) + "\r\n\r\n", 431, many},
			{"a websocket", "GET " + path + head + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", unauthorized, refused},
			{"CONNECT", "CONNECT evil.example:443" + head + "\r\n", 0, ""},
			{"TRACE", "TRACE " + path + head + "X-A: " + secret + "\r\n\r\n", 0, ""},
			{"a method of nobody's", "BREW " + path + head + "\r\n", 0, ""},
			{"the server itself", "OPTIONS *" + head + "\r\n", 0, ""},
		}
		if name == "function URL" { // Lambda documents no such limit for it
			cases = slices.DeleteFunc(cases, func(c struct {
				name, request string
				status        int
				body          string
			}) bool {
				return c.status == 431
			})
		}
		t.Run(name, func(t *testing.T) {
			for _, c := range cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					got := shared.raw(t, name, c.request)
					if c.status != 0 && got.status != c.status || c.status == 0 && (got.status < 400 && got.status != 0 || got.status >= 500 && got.status != 501) {
						if c.name != "the server itself" { // net/http answers OPTIONS * by itself
							t.Errorf("%d %.200s, want %d", got.status, got.body, c.status)
						}
					}
					if c.body != "" && got.body != c.body {
						t.Errorf("%d %.300s\nwant %s", got.status, got.body, c.body)
					}
					if strings.Contains(got.body+fmt.Sprint(got.header), secret) {
						t.Errorf("the answer repeats a secret: %v %.200s", got.header, got.body)
					}
				})
			}
		})
		shared.good(t)
	}
}

// TestPipelinedGarbage: a good request is answered, and what follows it on the
// connection is refused.
func TestPipelinedGarbage(t *testing.T) {
	for _, port := range shared.everywhere() {
		t.Run(port, func(t *testing.T) {
			t.Parallel()
			c := shared.dial(t, port)
			request := "GET /v1/whoami HTTP/1.1\r\nHost: " + shared.ports[port] + "\r\n\r\n"
			if _, err := io.WriteString(c, request+request+"\x00\xff garbage\r\n\r\n"+request); err != nil {
				t.Fatal(err)
			}
			all := receive(t, c, 4)
			if len(all) < 3 || all[0].status != all[1].status || all[0].status == 0 || all[2].status != 400 && all[2].status != 0 || len(all) > 3 && all[3].status != 0 {
				t.Errorf("%+v", all)
			}
		})
	}
	t.Cleanup(func() { shared.good(t) })
}

// TestHalves: what breaks off in the middle leaves nothing behind.
func TestHalves(t *testing.T) {
	halves := map[string]string{
		"half a request line": "GET /v1/who",
		"half a head":         "POST /v1/credentials?X-Amz-Security-Token=" + secret + " HTTP/1.1\r\nHost: x\r\nAuthoriz",
		"half a body":         "POST /v1/credentials HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"target\":",
		"half a chunk":        "POST /v1/credentials HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n{",
	}
	for _, port := range shared.everywhere() {
		for name, half := range halves {
			t.Run(port+"/"+name, func(t *testing.T) {
				t.Parallel()
				c := shared.dial(t, port)
				if _, err := io.WriteString(c, half); err != nil {
					t.Fatal(err)
				}
				if err := c.CloseWrite(); err != nil {
					t.Fatal(err)
				}
				if got := receive(t, c, 1)[0]; got.status != 0 && got.status < 400 {
					t.Errorf("%d %s", got.status, got.body)
				}
			})
		}
	}
	t.Cleanup(func() { shared.good(t) })
}

// TestSlowClients: two hundred connections that send a byte now and then hold
// nobody up, and are closed when they have had their time.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	for i := range 200 {
		ports := shared.everywhere()
		port := ports[i%len(ports)]
		c := shared.dial(t, port)
		wg.Go(func() {
			began := time.Now()
			for _, b := range []byte("GET /slow HTTP/1.1\r\nHost: x\r\nX-Slow: ") {
				if _, err := c.Write([]byte{b}); err != nil {
					break
				}
				time.Sleep(150 * time.Millisecond)
			}
			if _, err := io.ReadAll(c); err != nil && !strings.Contains(err.Error(), "reset") {
				t.Errorf("%s: not closed after %s: %v", port, time.Since(began), err)
			}
		})
	}
	shared.good(t) // while they are open
	wg.Wait()
	shared.good(t)
}

// TestWhatCameIsTold: the stack says what came, here and in the tests before, and
// neither a secret nor a command for the terminal is in it.
func TestWhatCameIsTold(t *testing.T) {
	for _, request := range []string{"\x16\x03\x01\x00\x01\x01\n\r\n", "GET /told?X-Amz-Signature=" + secret + " HTTP/1.1\r\n\r\n"} {
		shared.raw(t, "REST API", request)
	}
	c := shared.dial(t, "STS")
	_, _ = io.WriteString(c, "POST /half HTTP/1.1\r\nAuthorization: "+secret)
	_ = c.Close()
	wanted := []string{"a TLS handshake, and this port speaks plain HTTP", "a request that is refused as it stands: GET /told\n", "bytes: POST /half"}
	var log string
	for range 200 {
		if log = shared.told(); !slices.ContainsFunc(wanted, func(w string) bool { return !strings.Contains(log, w) }) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	for _, want := range wanted {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q", want)
		}
	}
	if strings.Contains(log, secret) {
		t.Error("a secret is told")
	}
	if i := strings.IndexFunc(log, func(r rune) bool { return r != '\n' && (r < ' ' || r == 0x7f) }); i >= 0 {
		t.Errorf("a control character is told: %q", log[max(0, i-80):min(len(log), i+20)])
	}
}
