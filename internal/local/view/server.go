package view

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Bounds of the readers of a run.
const (
	maxReaders   = 32               // streams at once
	backlog      = 256              // messages that a reader may be behind
	writeTimeout = 10 * time.Second // of one message, or of a page
	heartbeat    = 15 * time.Second
)

// ServeHTTP serves the page at "/", its stream at "/events" and the same as one
// JSON document at "/state".
func (v *View) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	switch {
	case !loopback(r.Host):
		http.Error(w, "This page answers to 127.0.0.1, [::1] and localhost alone: open it by one of them.", http.StatusForbidden)
		return
	case r.Method != http.MethodGet:
		h.Set("Allow", http.MethodGet)
		http.Error(w, "There is nothing here but to look: use GET.", http.StatusMethodNotAllowed)
		return
	}
	switch r.URL.Path {
	case "/":
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", v.page.policy)
		_, _ = w.Write(v.page.text) // a reader that has gone
	case "/events", "/state":
		// A page of another origin could not read these, but it could hold the
		// streams.
		if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
			http.Error(w, "Only the page of this address may read this.", http.StatusForbidden)
			return
		}
		if r.URL.Path == "/state" {
			v.serveState(w)
			return
		}
		v.serveEvents(w, r)
	default:
		http.NotFound(w, r)
	}
}

// loopback reports whether a Host header names this machine by its own names.
// Any other name that leads here was rebound by somebody's DNS, so that a page
// of theirs would count as this one's.
func loopback(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	} else {
		name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.Zone() == "" && ip.IsLoopback()
}

func (v *View) serveState(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	v.mu.Lock()
	state := struct {
		Run      string            `json:"run"`
		Time     time.Time         `json:"time"`
		Places   json.RawMessage   `json:"places"`
		Requests []json.RawMessage `json:"requests"` // oldest first
	}{v.run, v.now().UTC(), v.places, []json.RawMessage{}}
	for _, r := range v.journal.records {
		state.Requests = append(state.Requests, r.encoded)
	}
	v.mu.Unlock()
	_, _ = w.Write(append(encode(state), '\n')) // a reader that has gone
}

// reader is one open stream.
type reader struct{ messages chan []byte }

// message is one server-sent event. JSON holds no line feed.
func message(name string, data json.RawMessage) []byte {
	return []byte("event: " + name + "\ndata: " + string(data) + "\n\n")
}

// broadcast hands a message to every reader. One that is too far behind is
// dropped: its browser comes back and is told everything anew.
func (v *View) broadcast(text []byte) {
	for r := range v.readers {
		select {
		case r.messages <- text:
		default:
			v.drop(r)
		}
	}
}

func (v *View) drop(r *reader) {
	if v.readers[r] {
		delete(v.readers, r)
		close(r.messages)
	}
}

// subscribe opens a stream, with all that a page needs to begin with.
func (v *View) subscribe() (r *reader, start [][]byte, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed || len(v.readers) >= maxReaders {
		return nil, nil, false
	}
	r = &reader{make(chan []byte, backlog)}
	v.readers[r] = true
	start = append(start, message("start", encode(map[string]any{"run": v.run, "keep": v.journal.keep})), message("places", v.places))
	for _, rec := range v.journal.records {
		start = append(start, message("request", rec.encoded))
	}
	return r, append(start, message("live", encode(len(v.journal.records)))), true
}

func (v *View) serveEvents(w http.ResponseWriter, r *http.Request) {
	stream, start, ok := v.subscribe()
	if !ok {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "Too many pages are open: close one.", http.StatusServiceUnavailable)
		return
	}
	defer func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.drop(stream)
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	c := http.NewResponseController(w)
	send := func(texts ...[]byte) bool {
		// A server's limit on answering would end the stream. Not every
		// ResponseWriter has deadlines; without them the server's own hold.
		_ = c.SetWriteDeadline(time.Now().Add(writeTimeout)) // the connection's clock, not the story's
		for _, text := range texts {
			if _, err := w.Write(text); err != nil {
				return false
			}
		}
		return c.Flush() == nil
	}
	if !send(append([][]byte{[]byte("retry: 1000\n\n")}, start...)...) {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case text, ok := <-stream.messages:
			if !ok || !send(text) {
				return
			}
		case <-beat.C:
			if _, err := io.WriteString(w, ":\n\n"); err != nil || !send() {
				return
			}
		}
	}
}
