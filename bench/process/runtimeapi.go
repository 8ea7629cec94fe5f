package process

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// runtimeAPI is a stand-in of the Runtime API for one environment. It speaks
// HTTP on the bare connection: net/http's server would add goroutines and
// switches to what is measured.
type runtimeAPI struct {
	listener net.Listener
	first    chan time.Time // has room for one: when the program first asked for an event
	calls    chan *call     // to the program

	mu   sync.Mutex
	open map[string]*call // given out, by id
	n    int
}

// call is one invocation.
type call struct {
	id     string
	event  []byte
	sent   time.Time // just before the event was written
	over   time.Time // once the answer was read
	answer []byte
	failed bool // answered by the error path
	done   chan struct{}
}

func newRuntimeAPI() (*runtimeAPI, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once
	if err != nil {
		return nil, err
	}
	a := &runtimeAPI{listener: l, first: make(chan time.Time, 1), calls: make(chan *call), open: map[string]*call{}}
	go accept(l, a.converse)
	return a, nil
}

// accept serves the connections of a listener until it is closed.
func accept(l net.Listener, converse func(net.Conn)) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go converse(conn)
	}
}

func (a *runtimeAPI) address() string { return a.listener.Addr().String() }

// close ends the stand-in; the program must have ended.
func (a *runtimeAPI) close() {
	_ = a.listener.Close()
	close(a.calls)
}

// newCall makes an invocation with an id of Lambda's form.
func (a *runtimeAPI) newCall(event []byte) *call {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.n++
	c := &call{id: fmt.Sprintf("6b02d940-0000-4000-8000-%012x", a.n), event: event, done: make(chan struct{})}
	a.open[c.id] = c
	return c
}

// accepted is what Lambda answers to an answer.
const accepted = "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n" + `{"status":"OK"}` + "\n"

// converse serves one connection, request by request.
func (a *runtimeAPI) converse(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	in := bufio.NewReaderSize(conn, 16<<10)
	var out []byte
	var body bytes.Buffer // grown once: a longer answer must not cost more here
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if r.Method == http.MethodGet {
			select {
			case a.first <- time.Now():
			default:
			}
			c, ok := <-a.calls
			if !ok {
				return
			}
			out = fmt.Appendf(out[:0], "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: %s\r\n"+
				"Lambda-Runtime-Deadline-Ms: %d\r\nLambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:444455556666:function:credvend\r\n"+
				"Lambda-Runtime-Trace-Id: Root=1-6b02d940-000000000000000000000000;Parent=0000000000000000;Sampled=0\r\nContent-Length: %d\r\n\r\n",
				c.id, time.Now().Add(10*time.Second).UnixMilli(), len(c.event))
			out = append(out, c.event...)
			a.mu.Lock() // the answer may come by another connection
			c.sent = time.Now()
			a.mu.Unlock()
			_, err = conn.Write(out)
		} else {
			body.Reset()
			if _, err = body.ReadFrom(r.Body); err != nil {
				return
			}
			a.finish(r.URL.Path, body.Bytes(), time.Now())
			_, err = io.WriteString(conn, accepted)
		}
		if err != nil {
			return
		}
	}
}

// finish ends the invocation that a path speaks of:
// /2018-06-01/runtime/invocation/ID/response, or …/error, or /init/error.
func (a *runtimeAPI) finish(path string, body []byte, at time.Time) {
	part := strings.Split(path, "/")
	if len(part) < 2 {
		return
	}
	id, kind := part[len(part)-2], part[len(part)-1]
	a.mu.Lock()
	c := a.open[id]
	delete(a.open, id)
	a.mu.Unlock()
	if c != nil {
		c.over, c.answer, c.failed = at, bytes.Clone(body), kind != "response"
		close(c.done)
	}
}
