package peer

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// runtimeAPI is a stand-in of Lambda's Runtime API for one environment, which
// gets one event after the other.
type runtimeAPI struct {
	listener net.Listener
	asked    chan struct{} // closed when the program first asks for an event
	events   chan []byte
	answers  chan answer

	mu     sync.Mutex
	once   sync.Once
	number int
	sent   time.Time // just after the latest event was written
}

// answer is what came of an event.
type answer struct {
	payload []byte
	failed  bool // reported as an error
	took    time.Duration
}

func newRuntimeAPI() (*runtimeAPI, error) {
	listener, err := listen()
	if err != nil {
		return nil, err
	}
	a := &runtimeAPI{listener: listener, asked: make(chan struct{}), events: make(chan []byte), answers: make(chan answer, 1)}
	go accept(listener, a.converse)
	return a, nil
}

func (a *runtimeAPI) address() string { return a.listener.Addr().String() }

// close ends the stand-in; nobody may send events any more.
func (a *runtimeAPI) close() {
	_ = a.listener.Close()
	close(a.events)
}

const (
	next = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %[1]d\r\n" +
		"Lambda-Runtime-Aws-Request-Id: 6b02d940-0000-4000-8000-%012[2]x\r\nLambda-Runtime-Deadline-Ms: %[3]d\r\n" +
		"Lambda-Runtime-Invoked-Function-Arn: " + functionARN + "\r\n" +
		"Lambda-Runtime-Trace-Id: Root=1-6b02d940-000000000000000000000000;Parent=0000000000000000;Sampled=0\r\n\r\n%[4]s"
	accepted = "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n"
)

// converse serves one connection of the program: GET asks for an event, POST
// answers it.
func (a *runtimeAPI) converse(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	in := bufio.NewReaderSize(conn, 16<<10)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if r.Method == http.MethodGet {
			err = a.give(conn)
		} else {
			err = a.take(conn, r)
		}
		if err != nil {
			return
		}
	}
}

func (a *runtimeAPI) give(conn net.Conn) error {
	a.once.Do(func() { close(a.asked) })
	event, ok := <-a.events
	if !ok {
		return net.ErrClosed
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.number++
	message := fmt.Appendf(nil, next, len(event), a.number, time.Now().Add(patience).UnixMilli(), event)
	a.sent = time.Now()
	_, err := conn.Write(message)
	return err
}

func (a *runtimeAPI) take(conn net.Conn, r *http.Request) error {
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	a.mu.Lock()
	took := time.Since(a.sent)
	a.mu.Unlock()
	if _, err := io.WriteString(conn, accepted); err != nil {
		return err
	}
	a.answers <- answer{payload, !strings.HasSuffix(r.URL.Path, "/response"), took}
	return nil
}

// listen opens a free loopback port.
func listen() (net.Listener, error) {
	var l net.ListenConfig
	listener, err := l.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("a free port: %w", err)
	}
	return listener, nil
}

// accept serves the connections of a listener until that is closed.
func accept(l net.Listener, converse func(net.Conn)) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go converse(conn)
	}
}
