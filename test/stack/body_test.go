package stack

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// flood is 100 MB of body, in chunks or with its length stated.
const flood = 100 << 20

// TestFloods: a body of 100 MB gets AWS's answer, or the end of the connection
// while the client still writes; the stack's memory stays where it was.
func TestFloods(t *testing.T) {
	answers := map[string]string{
		"HTTP API, IAM":   `{"message":"Request Entity Too Large"}`,
		"HTTP API, JWT":   `{"message":"Request Entity Too Large"}`,
		"Account A's API": `{"message":"Request Entity Too Large"}`,
		"function URL":    `{"Message":"Request must be smaller than 6291556 bytes for the InvokeFunction operation"}`,
		"REST API":        "HTTP content length exceeded 10485760 bytes.",
		"STS":             "RequestEntityTooLarge",
		"issuer":          "at most 64 KB",
		"view":            "use GET",
	}
	paths := map[string]string{
		"HTTP API, IAM": "/v1/credentials", "HTTP API, JWT": "/v1/credentials", "function URL": "/v1/credentials", "REST API": "/prod/v1/credentials",
		"Account A's API": "/orders", "issuer": "/token",
	}
	var wg sync.WaitGroup
	for name, want := range answers {
		for _, chunked := range []bool{false, true} {
			wg.Go(func() {
				t.Run(fmt.Sprintf("%s, chunked %t", name, chunked), func(t *testing.T) {
					got := pour(t, name, "POST /"+strings.TrimPrefix(paths[name], "/"), chunked)
					if got.status != 0 && got.status != 413 && got.status != 400 && got.status != 405 || got.status != 0 && !strings.Contains(got.body, want) {
						t.Errorf("%d %.200s, want %s", got.status, got.body, want)
					}
				})
			})
		}
	}
	wg.Wait()
	shared.good(t)
	const most = 512 << 20 // of sixteen floods at once, 1,600 MB in all
	if peak, known := peakMemory(t, shared.cmd.Process.Pid); known && peak > most {
		t.Errorf("the stack took %d MB of memory, more than %d", peak>>20, most>>20)
	} else if known {
		t.Logf("the stack's peak of memory: %d MB", peak>>20)
	}
}

// pour writes until the server answers or closes, and reads meanwhile.
func pour(t *testing.T, port, line string, chunked bool) answer {
	t.Helper()
	c := shared.dial(t, port)
	length := fmt.Sprintf("Content-Length: %d", flood)
	if chunked {
		length = "Transfer-Encoding: chunked"
	}
	if _, err := fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\n%s\r\n\r\n", line, shared.ports[port], length); err != nil {
		t.Fatal(err)
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		piece := strings.Repeat("a", 64<<10)
		if chunked {
			piece = fmt.Sprintf("%x\r\n%s\r\n", len(piece), piece)
		}
		for range flood / (64 << 10) {
			if _, err := io.WriteString(c, piece); err != nil {
				return // closed: that is an answer too
			}
		}
	}()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		_ = c.Close()
		<-written
		return answer{}
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	_ = c.Close()
	<-written
	return answer{resp.StatusCode, resp.Header, string(body)}
}

// TestBodiesJustTooLarge: a client that writes its whole body before it reads is
// told what was wrong, not cut off.
func TestBodiesJustTooLarge(t *testing.T) {
	for name, want := range map[string]string{
		"HTTP API, IAM": `413 {"message":"Request Entity Too Large"}`,
		"REST API":      "413 HTTP content length exceeded 10485760 bytes.",
		"function URL":  `413 {"Message":"Request must be smaller than 6291556 bytes for the InvokeFunction operation"}`,
	} {
		path := "/v1/credentials"
		if name == "REST API" {
			path = "/prod" + path
		}
		body := strings.Repeat("a", 10<<20+1)
		got := shared.raw(t, name, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body))
		if text := fmt.Sprintf("%d %s", got.status, got.body); text != want {
			t.Errorf("%s: %.200s\nwant %s", name, text, want)
		}
	}
	shared.good(t)
}
