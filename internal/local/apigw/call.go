package apigw

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/credvend/credvend/internal/local/sigv4"
)

// call is one request on its way through a door.
type call struct {
	*core
	w     http.ResponseWriter
	r     *http.Request
	at    time.Time
	path  string // as sent
	query string // as sent
	body  []byte
	trace Trace

	requestID  string
	extendedID string // API Gateway's own short id
	traceID    string // X-Ray's, of this door: Root, or Self where the client sent a Root
}

func (c *core) begin(w http.ResponseWriter, r *http.Request) *call {
	k := &call{core: c, w: w, r: r, at: c.Now().UTC(), path: r.URL.EscapedPath(), query: r.URL.RawQuery}
	if strings.HasPrefix(r.RequestURI, "/") {
		// url.URL re-escapes some bytes; the wire form is the truth.
		k.path, k.query, _ = strings.Cut(r.RequestURI, "?")
	}
	id := c.random(16)
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	x := hex.EncodeToString(id)
	k.requestID = x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
	k.extendedID = base64.StdEncoding.EncodeToString(c.random(11))
	k.traceID = fmt.Sprintf("1-%08x-%s", uint32(k.at.Unix()), hex.EncodeToString(c.random(12))) //nolint:gosec // X-Ray's format has 32 bits of time
	k.trace = Trace{
		Kind: c.kind, ID: c.ID, At: k.at, RequestID: k.requestID, TraceID: k.invocationTrace(), Method: r.Method, Path: k.path, SourceIP: sourceIP(r),
	}
	return k
}

type traceKey struct{}

// TraceOf is the X-Ray header of the request that ctx belongs to, for Lambda to
// hand to the function; "" outside a door.
func TraceOf(ctx context.Context) string {
	header, _ := ctx.Value(traceKey{}).(string)
	return header
}

var rootForm = regexp.MustCompile(`(?:^|;)Root=(1-[0-9a-f]{8}-[0-9a-f]{24})(?:;|$)`)

// invocationTrace keeps the client's Root, as AWS does. The client may send one
// Root many times; Parent is the door's own and tells its requests apart.
func (k *call) invocationTrace() string {
	root := k.traceID
	if m := rootForm.FindStringSubmatch(k.r.Header.Get("X-Amzn-Trace-Id")); m != nil {
		root = m[1]
	}
	return "Root=" + root + ";Parent=" + hex.EncodeToString(k.random(8)) + ";Sampled=0"
}

func (c *core) random(n int) []byte {
	b := make([]byte, n)
	if _, err := io.ReadFull(c.Random, b); err != nil {
		clear(b) // an id is a label, not a secret
	}
	return b
}

// sourceIP is the peer's address. X-Forwarded-For is the client's to write, so
// AWS never takes the source from it.
func sourceIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// readBody reads at most limit bytes; status is 0 or that of the refusal. Of a
// body that is too large twice as much again is thrown away, so that a client which
// writes before it reads gets to see the answer; whoever sends still more finds
// the connection closed.
func (k *call) readBody(limit int64) (status int) {
	stated := k.r.ContentLength > limit
	if stated && k.r.Header.Get("Expect") != "" {
		return k.tooLarge() // the client waits to be told
	}
	if !stated {
		body, err := io.ReadAll(io.LimitReader(k.r.Body, limit+1))
		if err != nil {
			k.trace.Reason = "the body could not be read"
			return http.StatusBadRequest
		}
		if int64(len(body)) <= limit {
			k.body = body
			return 0
		}
	}
	_, _ = io.CopyN(io.Discard, k.r.Body, 2*limit) // to be polite; a client that has gone is no matter
	return k.tooLarge()
}

func (k *call) tooLarge() int {
	k.trace.Reason = "the body is too large"
	k.w.Header().Set("Connection", "close")
	return http.StatusRequestEntityTooLarge
}

// headerBytes counts the request line and the header lines as they came.
func headerBytes(r *http.Request) int {
	uri := r.RequestURI
	if uri == "" {
		uri = r.URL.RequestURI()
	}
	n := len(r.Method) + len(uri) + len(r.Proto) + 4 + len("Host: \r\n") + len(r.Host)
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v) + 4
		}
	}
	return n
}

func (k *call) throttled() bool {
	return k.Throttle != nil && !k.Throttle.AllowN(k.at, 1)
}

// reply writes an answer and reports the request.
func (k *call) reply(status int, body []byte) {
	k.w.WriteHeader(status)
	_, _ = k.w.Write(body) // a client that has gone, or a status without a body
	k.finish(status)
}

// finish reports the request.
func (k *call) finish(status int) {
	k.trace.Status = status
	if k.Trace != nil {
		k.trace.Elapsed = k.Now().Sub(k.at)
		k.Trace(k.trace)
	}
}

// replyJSON writes one of the doors' own answers: {key: text}.
func (k *call) replyJSON(status int, key, text string) {
	k.w.Header().Set("Content-Type", "application/json")
	k.reply(status, encode(map[string]string{key: text}))
}

// replyRefusal writes the answer to a bad signature.
func (k *call) replyRefusal(a sigv4.Answer) {
	k.w.Header().Set("Content-Type", a.ContentType)
	if a.ErrorType != "" {
		k.w.Header().Set("X-Amzn-Errortype", a.ErrorType)
	}
	k.reply(a.Status, a.Body)
}

// What an invocation can come to, besides an answer.
var (
	errTimeout   = errors.New("the integration did not answer in time")
	errTooLarge  = errors.New("the event is larger than Lambda takes")
	errNoInvoke  = errors.New("the function could not be invoked")
	errFunction  = errors.New("the function failed")
	errMalformed = errors.New("malformed answer of the function")
)

// invoke sends the event and waits at most wait.
func (k *call) invoke(f Invoker, event any, wait time.Duration) ([]byte, error) {
	payload := encode(event)
	if len(payload) > maxEventBytes {
		return nil, errTooLarge
	}
	if k.Timeout > 0 {
		wait = k.Timeout
	}
	ctx, cancel := context.WithTimeout(context.WithValue(k.r.Context(), traceKey{}, k.trace.TraceID), wait)
	defer cancel()
	answer, functionError, err := f.Invoke(ctx, payload)
	switch {
	case err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, errTimeout
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errNoInvoke, err)
	case functionError != "":
		return nil, fmt.Errorf("%w: %s", errFunction, functionError)
	case len(answer) > maxEventBytes:
		return nil, fmt.Errorf("%w: larger than Lambda takes", errMalformed)
	}
	return answer, nil
}

// encode writes JSON as AWS does, without escaping "&" and "<". What is encoded
// here is of our own types and always can be.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return []byte("null")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
