// Package replay holds recorded audit lines against an allowlist: which past
// requests would it answer otherwise?
//
// It reads line by line, with memory that does not grow with the log. It asks
// the compiler and the decisions that the function runs. What a line does not
// record it does not make up: a token's claims are not in the audit trail, so
// a token is taken to be still whom the line names, and the answer says so.
package replay

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// maxLine is the longest line that is read, in bytes. Audit lines are shorter
// than the 256 KiB that CloudWatch takes; what stands before them in an export
// is not long either.
const maxLine = 512 << 10

// record is an audit line, as far as it matters here. The fields are those of
// docs/operate.md.
type record struct {
	Time           string   `json:"time"`
	Event          string   `json:"event"`
	Action         string   `json:"action"`
	RequestID      string   `json:"requestId"`
	Kind           string   `json:"kind"`
	Principal      string   `json:"principal"`
	UniqueID       string   `json:"uniqueId"`
	Session        string   `json:"session"`
	Guest          bool     `json:"guest"`
	Issuer         string   `json:"issuer"`
	Subject        string   `json:"subject"`
	Callers        []string `json:"callers"`
	Target         string   `json:"target"`
	Routes         []string `json:"routes"`
	DeniedRoutes   []string `json:"deniedRoutes"`
	Requested      int      `json:"requestedSeconds"`
	Granted        int      `json:"grantedSeconds"`
	Digest         string   `json:"allowlistDigest"`
	Outcome        string   `json:"outcome"`
	Code           string   `json:"code"`
	SourceIdentity string   `json:"sourceIdentity"`

	LeftOut map[string]int `json:"leftOut"`
}

// lines reads a log line by line.
type lines struct{ r *bufio.Reader }

func newLines(r io.Reader) *lines { return &lines{bufio.NewReaderSize(r, maxLine)} }

// next returns the next line without its end, and whether it was too long to
// be kept; io.EOF at the end. The line is good until the next call.
func (l *lines) next() (line []byte, tooLong bool, err error) {
	line, err = l.r.ReadSlice('\n')
	for errors.Is(err, bufio.ErrBufferFull) {
		tooLong = true
		line, err = l.r.ReadSlice('\n')
	}
	if errors.Is(err, io.EOF) && (len(line) > 0 || tooLong) {
		err = nil
	}
	if tooLong {
		line = nil
	}
	return bytes.TrimRight(line, "\r\n"), tooLong, err
}

// parse reads a line; false if it is none of credvend's audit lines. Text
// before the JSON, such as the time that `aws logs tail` writes there, is
// passed over.
func parse(line []byte) (record, bool) {
	at := bytes.IndexByte(line, '{')
	if at < 0 || at > 512 {
		return record{}, false
	}
	var r record
	if err := json.Unmarshal(line[at:], &r); err != nil {
		return record{}, false
	}
	known := r.Event == "intent" || r.Event == "outcome" || r.Event == "refusal"
	return r, known && r.RequestID != "" && r.Kind != ""
}

// cut reports whether a text was cut when the line was written.
func cut(texts ...string) bool {
	for _, s := range texts {
		if strings.HasSuffix(s, "…") {
			return true
		}
	}
	return false
}
