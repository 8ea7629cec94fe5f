package inside

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// runtimeVar is where aws-lambda-go learns of the Runtime API.
const runtimeVar = "AWS_LAMBDA_RUNTIME_API"

// loop is aws-lambda-go's own loop in this process, against a Runtime API that
// allocates nothing, so that all that is counted is the loop's and the
// handler's.
//
// aws-lambda-go ends the process when its loop ends. So this one never does: it
// waits for its next event until the process is over. One loop therefore runs
// all handlers, in turns.
type loop struct {
	handler atomic.Pointer[lambda.Handler]
	events  chan []byte
	answers chan bool // whether an answer was a 200
	broken  chan error
	first   sync.Once     // closes waiting
	waiting chan struct{} // closed when the loop has asked for its first event
}

// startLoop starts the loop and returns when it waits for its first event.
func startLoop(ctx context.Context) (*loop, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &loop{events: make(chan []byte), answers: make(chan bool), broken: make(chan error, 1), waiting: make(chan struct{})}
	go l.serve(listener)
	if err := os.Setenv(runtimeVar, listener.Addr().String()); err != nil {
		return nil, err
	}
	go lambda.StartWithOptions(turn{l})
	select {
	case <-l.waiting:
	case err = <-l.broken:
	case <-time.After(10 * time.Second):
		err = errors.New("aws-lambda-go asks for no event")
	}
	return l, errors.Join(err, os.Unsetenv(runtimeVar)) // programs that are started later are none of it
}

// turn is the handler whose turn it is.
type turn struct{ *loop }

// Invoke implements lambda.Handler.
func (t turn) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	return (*t.handler.Load()).Invoke(ctx, event)
}

var errNotOK = errors.New("the handler's answer is no 200")

// run has a handler answer one event.
func (l *loop) run(event []byte) error {
	select {
	case l.events <- event:
	case err := <-l.broken:
		return err
	}
	select {
	case ok := <-l.answers:
		if !ok {
			return errNotOK
		}
		return nil
	case err := <-l.broken:
		return err
	}
}

// use says whose turn it is.
func (l *loop) use(h lambda.Handler) { l.handler.Store(&h) }

// serve is the Runtime API: it takes each connection as it comes, of which
// aws-lambda-go needs one.
func (l *loop) serve(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			l.broken <- err
			return
		}
		go func() {
			l.broken <- l.converse(conn)
		}()
	}
}

var (
	nextHead = []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: 00000000-1111-2222-3333-444444444444\r\n" +
		"Lambda-Runtime-Deadline-Ms: 4102444800000\r\nLambda-Runtime-Trace-Id: Root=1-6b02d940-000000000000000000000000;Sampled=0\r\n" +
		"Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:444455556666:function:credvend\r\n")
	accepted = []byte("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
	headEnd  = []byte("\r\n\r\n")
	bodyEnd  = []byte("\r\n0\r\n") // of the chunked answer; JSON holds no bare line feed
	isOK     = []byte(`{"statusCode":200`)
	get      = []byte("GET ")
)

// converse answers the requests of one connection until that breaks.
func (l *loop) converse(conn net.Conn) error {
	in, out := make([]byte, 0, 256<<10), make([]byte, 0, 256<<10)
	for {
		var err error
		if in, err = request(conn, in[:0]); err != nil {
			return err
		}
		if !bytes.HasPrefix(in, get) {
			if _, err := conn.Write(accepted); err != nil {
				return err
			}
			l.answers <- bytes.Contains(in, isOK)
			continue
		}
		l.first.Do(func() { close(l.waiting) })
		event := <-l.events
		out = append(out[:0], nextHead...)
		out = append(strconv.AppendInt(append(out, "Content-Length: "...), int64(len(event)), 10), headEnd...)
		out = append(out, event...)
		if _, err := conn.Write(out); err != nil {
			return err
		}
	}
}

// request reads one request whole: its head, and of an answer the chunks, up to
// the trailers' end.
func request(conn net.Conn, in []byte) ([]byte, error) {
	for {
		n, err := conn.Read(in[len(in):cap(in)])
		if err != nil {
			return in, err
		}
		in = in[:len(in)+n]
		switch {
		case !bytes.HasSuffix(in, headEnd):
		case bytes.HasPrefix(in, get), bytes.Contains(in, bodyEnd):
			return in, nil
		}
		if len(in) == cap(in) {
			return in, errors.New("the answer is too long for this")
		}
	}
}
