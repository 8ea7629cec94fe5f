package runtime_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// asBootstrap tells the test binary to be a Lambda function instead.
const asBootstrap = "TEST_AS_BOOTSTRAP"

func TestMain(m *testing.M) {
	switch os.Getenv(asBootstrap) {
	case "":
		os.Exit(m.Run())
	case "function":
		lambda.Start(serve)
	case "exit":
		fmt.Fprintln(os.Stderr, "no configuration")
		os.Exit(3)
	case "exit cleanly":
		os.Exit(0)
	case "init error":
		reportInitError()
	case "silent":
		time.Sleep(time.Hour)
	case "raw":
		speakRaw()
	case "parent":
		startAndLinger()
	}
}

func reportInitError() {
	url := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/init/error"
	resp, err := http.Post(url, "application/json", strings.NewReader(`{"errorType":"Config.Missing","errorMessage":"CREDVEND_FRONT_DOORS is missing"}`))
	if err != nil {
		panic(err)
	}
	_ = resp.Body.Close()
	os.Exit(1)
}

// speakRaw uses the Runtime API without a library, and not as it should.
func speakRaw() {
	address := os.Getenv("AWS_LAMBDA_RUNTIME_API")
	base := "http://" + address + "/2018-06-01/runtime"
	send := func(method, url, host string, body io.Reader) (int, string) {
		req, err := http.NewRequest(method, url, body)
		if err != nil {
			panic(err)
		}
		req.Host = host
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, ""
		}
		defer func() { _ = resp.Body.Close() }()
		return resp.StatusCode, resp.Header.Get("Lambda-Runtime-Aws-Request-Id")
	}
	statuses := map[string]int{}
	for {
		_, id := send(http.MethodGet, base+"/invocation/next", "", nil)
		if id == "" {
			return
		}
		own := base + "/invocation/" + id + "/response"
		if len(statuses) == 0 {
			statuses["unknown id"], _ = send(http.MethodPost, base+"/invocation/00000000-0000-4000-8000-000000000000/response", "", nil)
			statuses["unknown path"], _ = send(http.MethodGet, base+"/secrets", "", nil)
			statuses["get for post"], _ = send(http.MethodGet, own, "", nil)
			statuses["another host"], _ = send(http.MethodPost, own, "attacker.example.com", nil)
			statuses["a body that breaks off"] = sendHalf(address, own)
		}
		body, err := json.Marshal(statuses)
		if err != nil {
			panic(err)
		}
		first, _ := send(http.MethodPost, own, "", strings.NewReader(string(body)))
		second, _ := send(http.MethodPost, own, "", strings.NewReader("again"))
		statuses = map[string]int{"second answer": second}
		if first != http.StatusAccepted {
			panic(first)
		}
	}
}

// sendHalf promises more bytes than it sends.
func sendHalf(address, url string) int {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return 0
	}
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 100\r\n\r\nhalf", strings.TrimPrefix(url, "http://"+address), address)
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// command is what the tests ask the function to do.
type command struct {
	Do    string `json:"do"`
	Text  string `json:"text,omitempty"`
	Bytes int    `json:"bytes,omitempty"`
}

// report is what the function says of itself.
type report struct {
	Text     string
	PID      int
	ID       string
	ARN      string
	Trace    string
	Deadline time.Time
	Env      []string
	Dir      string
}

// brokenReader fails after its first bytes.
type brokenReader struct{ sent bool }

func (b *brokenReader) Read(p []byte) (int, error) {
	if b.sent {
		return 0, errors.New("the source dried up")
	}
	b.sent = true
	return copy(p, "half an ans"), nil
}

func serve(ctx context.Context, event json.RawMessage) (any, error) {
	var c command
	if err := json.Unmarshal(event, &c); err != nil {
		return nil, err
	}
	switch c.Do {
	case "report":
		deadline, _ := ctx.Deadline()
		lc, _ := lambdacontext.FromContext(ctx)
		dir, err := os.Getwd()
		return report{Text: c.Text, PID: os.Getpid(), ID: lc.AwsRequestID, ARN: lc.InvokedFunctionArn, Trace: os.Getenv("_X_AMZN_TRACE_ID"), Deadline: deadline, Env: os.Environ(), Dir: dir}, err
	case "fail":
		return nil, errors.New(c.Text)
	case "panic":
		panic(c.Text)
	case "exit":
		os.Exit(c.Bytes)
	case "exit after answering":
		go func() {
			time.Sleep(20 * time.Millisecond)
			os.Exit(7)
		}()
		return os.Getpid(), nil
	case "hang":
		time.Sleep(time.Hour)
	case "hang with a child":
		if err := exec.Command("sleep", "3600").Start(); err != nil {
			return nil, err
		}
		time.Sleep(time.Hour)
	case "nap":
		time.Sleep(50 * time.Millisecond)
		return os.Getpid(), nil
	case "answer bytes":
		return strings.NewReader(strings.Repeat("x", c.Bytes)), nil
	case "break off":
		return io.Reader(&brokenReader{}), nil
	case "print":
		for i := range c.Bytes {
			_, _ = fmt.Fprintf(os.Stdout, "out %s ", c.Text)
			_, _ = fmt.Fprintf(os.Stdout, "%d\n", i)
			_, _ = fmt.Fprintf(os.Stderr, "err %s %d\n", c.Text, i)
		}
		_, _ = fmt.Fprint(os.Stdout, "a last line without an end")
		return "printed", nil
	}
	return nil, nil
}
