package runtime

import (
	"bytes"
	"io"
	"sync"
)

// maxLine is the longest line that is held back for its end: CloudWatch Logs cuts
// there too (256 KB).
const maxLine = 256 * 1024

// output orders what the processes of one function write, so that lines of several
// processes, or of both streams into one writer, never mix.
type output struct{ mu sync.Mutex }

func (o *output) stream(w io.Writer) *lineWriter {
	if w == nil {
		w = io.Discard
	}
	return &lineWriter{order: o, to: w}
}

// lineWriter passes on whole lines, one write each.
type lineWriter struct {
	order   *output
	to      io.Writer
	partial []byte
}

// Write never fails: a function must not notice that nobody reads its log.
func (l *lineWriter) Write(p []byte) (int, error) {
	l.order.mu.Lock()
	defer l.order.mu.Unlock()
	l.partial = append(l.partial, p...)
	for {
		end := bytes.IndexByte(l.partial, '\n') + 1
		if end == 0 && len(l.partial) >= maxLine || end > maxLine {
			_, _ = l.to.Write(append(append([]byte{}, l.partial[:maxLine-1]...), '\n'))
			l.partial = l.partial[maxLine-1:]
			continue
		}
		if end == 0 {
			return len(p), nil
		}
		_, _ = l.to.Write(l.partial[:end])
		l.partial = l.partial[end:]
	}
}

// flush passes on a last line that has no end.
func (l *lineWriter) flush() {
	l.order.mu.Lock()
	defer l.order.mu.Unlock()
	if len(l.partial) > 0 {
		_, _ = l.to.Write(append(l.partial, '\n'))
		l.partial = nil
	}
}
