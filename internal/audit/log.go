package audit

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// Log writes entries, each as one line by one call of Write, so that lines of
// concurrent requests do not mix. It is safe for concurrent use.
type Log struct {
	now func() time.Time

	mu   sync.Mutex
	w    io.Writer
	torn bool   // the last line broke off in the middle
	text []byte // the last line, whose room the next one takes; no entry holds a secret
}

// New returns a log that writes to w. With now nil it uses time.Now.
func New(w io.Writer, now func() time.Time) *Log {
	if now == nil {
		now = time.Now
	}
	return &Log{w: w, now: now}
}

// traceKey is where aws-lambda-go keeps the X-Ray trace id of an invocation.
const traceKey = "x-amzn-trace-id"

// Write writes one entry. Unless it returns nil, the entry must be taken as not
// written, and no credential that it stands for may leave.
//
// It writes even if ctx has ended: what happened must be told all the more.
// From ctx it takes the trace id, if the entry has none.
func (l *Log) Write(ctx context.Context, e Entry) error {
	if id, ok := ctx.Value(traceKey).(string); ok && e.TraceID == "" {
		e.TraceID = id
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.text[:0]
	if l.torn {
		text = append(text, '\n') // or this line would be lost with the torn one
	}
	text, err := appendLine(text, &e, l.now())
	if err != nil {
		return err
	}
	l.text = text
	n, err := l.w.Write(text)
	switch {
	case err == nil && n == len(text):
		l.torn = false
		return nil
	case err == nil:
		err = io.ErrShortWrite
	}
	l.torn = l.torn || n > 0
	return fmt.Errorf("audit: %s %s of request %s could not be written: %w", e.Event, e.Action, e.RequestID, err)
}
