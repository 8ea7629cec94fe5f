package stack

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestRuntimeAPIUnderAbuse: another program of the same user finds the Runtime
// API. It can disturb the function, as it could kill it; the stack stays up.
func TestRuntimeAPIUnderAbuse(t *testing.T) {
	shared.ports["Runtime API"] = runtimeAPI(t, shared.cmd.Process.Pid)
	t.Cleanup(func() { delete(shared.ports, "Runtime API") })
	const prefix, host = " /2018-06-01/runtime", " HTTP/1.1\r\nHost: %s\r\n"
	for _, c := range []struct {
		name, request string
		status        int
		body          string
	}{
		{"an answer to nothing", "POST" + prefix + "/invocation/none/response" + host + "Content-Length: 2\r\n\r\n{}", 400, "InvalidRequestID"},
		{"an error of nothing", "POST" + prefix + "/invocation/../error" + host + "Content-Length: 2\r\n\r\n{}", 0, ""},
		{"an init error after the start", "POST" + prefix + "/init/error" + host + "Content-Length: 9\r\n\r\nnot JSON!", 202, "OK"},
		{"a page under a name of its own", "GET" + prefix + "/invocation/next HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403, "InvalidHost"},
		{"a wrong method", "PUT" + prefix + "/invocation/next" + host + "\r\n", 405, ""},
		{"another version", "GET /2015-03-31/functions" + host + "\r\n", 404, ""},
		{"garbage", "\x00\x01\x02\r\n\r\n", 400, ""},
	} {
		got := shared.raw(t, "Runtime API", c.request)
		if c.status != 0 && got.status != c.status || !strings.Contains(got.body, c.body) || got.status >= 500 {
			t.Errorf("%s: %d %.200s", c.name, got.status, got.body)
		}
	}
	shared.good(t)

	// A program that asks for the next event and goes away gets none.
	c, err := net.Dial("tcp", shared.ports["Runtime API"])
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, fmt.Sprintf("GET%s/invocation/next HTTP/1.1\r\nHost: %s\r\n\r\n", prefix, shared.ports["Runtime API"]))
	time.Sleep(50 * time.Millisecond) // it may or may not be waiting by now: either is to be survived
	_ = c.Close()
	time.Sleep(50 * time.Millisecond)
	shared.good(t)
}
