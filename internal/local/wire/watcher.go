package wire

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// head is what is kept of the head of a request.
type head struct {
	line  string            // the request line
	names map[string]string // header names as sent, by lower-case name
}

// part is what a connection's next byte belongs to.
type part int

const (
	inHead part = iota
	inBody
	inChunkSize
	inChunk
	inTrailer
	lost // no telling any more
)

// watcher follows the framing of requests.
type watcher struct {
	part part
	text []byte // of the head, or of the chunk's size line
	line int    // bytes of the current line
	left uint64 // bytes of the body or chunk that are to come
	why  string // lost before a handler could claim the head
}

// give stops watching.
func (w *watcher) give() { w.part, w.text = lost, nil }

// see takes in bytes and returns the heads that they complete.
func (w *watcher) see(b []byte) (heads []head) {
	for len(b) > 0 {
		switch w.part {
		case inHead:
			n, whole := w.seeLines(b)
			b = b[n:]
			if whole {
				h := parseHead(w.text)
				heads = append(heads, h.head)
				w.text, w.part, w.left = nil, h.next, h.length
			}
		case inBody, inChunk:
			n := min(uint64(len(b)), w.left)
			b = b[n:]
			if w.left -= n; w.left == 0 && w.part == inBody {
				w.part = inHead
			} else if w.left == 0 {
				w.part = inChunkSize
			}
		case inChunkSize:
			b = w.seeSize(b)
		case inTrailer:
			n, whole := w.seeLines(b)
			b = b[n:]
			if whole {
				w.text, w.part = nil, inHead
			}
		default:
			return heads
		}
	}
	return heads
}

// seeLines collects lines up to the empty one, and tells whether that came.
func (w *watcher) seeLines(b []byte) (n int, whole bool) {
	for i, c := range b {
		w.text = append(w.text, c)
		switch {
		case c == '\n' && w.line == 0:
			return i + 1, true
		case c == '\n':
			w.line = 0
		case c != '\r':
			w.line++
		}
		if len(w.text) > MaxHead {
			w.why = "more headers than are taken"
			w.give()
			return len(b), false
		}
	}
	return len(b), false
}

func (w *watcher) seeSize(b []byte) []byte {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		if w.text = append(w.text, b...); len(w.text) > 4<<10 {
			w.give()
		}
		return nil
	}
	text, _, _ := bytes.Cut(append(w.text, b[:i]...), []byte(";"))
	w.text = nil
	size, err := strconv.ParseUint(string(bytes.TrimSpace(text)), 16, 62)
	switch {
	case err != nil:
		w.give()
	case size == 0:
		w.part, w.line = inTrailer, 0
	default:
		w.part, w.left = inChunk, size+2 // with the line's end behind it
	}
	return b[i+1:]
}

type parsed struct {
	head
	next   part
	length uint64
}

func parseHead(text []byte) parsed {
	lines := strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
	p := parsed{head: head{line: lines[0], names: map[string]string{}}}
	chunked := false
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || name[0] == ' ' || name[0] == '\t' {
			continue
		}
		low, value := strings.ToLower(name), strings.TrimSpace(value)
		if _, again := p.names[low]; !again {
			p.names[low] = name
		}
		switch low {
		case "content-length":
			if n, err := strconv.ParseUint(value, 10, 62); err == nil {
				p.length = n
			}
		case "transfer-encoding":
			chunked = chunked || strings.EqualFold(value, "chunked") && strings.HasSuffix(p.line, " HTTP/1.1")
		}
	}
	switch {
	case chunked:
		p.next = inChunkSize
	case p.length > 0:
		p.next = inBody
	}
	return p
}

// stray says what it was that no handler claimed; "" if there is nothing. It
// shows a request's method and path at most: a query can hold a token, and so
// can bytes that are no request.
func (w *watcher) stray(unclaimed []head) string {
	const tls, handshake = "\x16\x03", "a TLS handshake, and this port speaks plain HTTP: use http:// in the URL"
	switch {
	case len(unclaimed) > 0 && strings.HasPrefix(unclaimed[0].line, tls):
		return handshake
	case len(unclaimed) > 0:
		return "a request that is refused as it stands: " + firstWords(unclaimed[0].line)
	case w.why != "":
		return w.why
	case w.part != inHead || len(w.text) == 0:
		return ""
	case bytes.HasPrefix(w.text, []byte(tls)):
		return handshake
	}
	line, _, whole := bytes.Cut(w.text, []byte("\n"))
	if whole && bytes.Contains(line, []byte(" HTTP/1.")) {
		return fmt.Sprintf("half a request, which broke off after %d bytes: %s", len(w.text), firstWords(string(line)))
	}
	return fmt.Sprintf("%d bytes that are no HTTP request", len(w.text))
}

// firstWords are a request line's method and path, if it looks like one.
func firstWords(line string) string {
	method, rest, ok := strings.Cut(line, " ")
	path, _, _ := strings.Cut(rest, " ")
	path, _, _ = strings.Cut(path, "?")
	if !ok || len(method) > 16 || strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || !strings.HasPrefix(path, "/") {
		return "its first line is no request line"
	}
	if len(path) > 64 {
		path = path[:64] + "…"
	}
	return method + " " + path
}
