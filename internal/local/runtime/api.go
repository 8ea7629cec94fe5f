package runtime

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

const (
	apiPrefix = "/2018-06-01/runtime"
	// drainLimit bounds how much of an answer that is too large is read and thrown
	// away, so that the client gets to see the 413 instead of a broken connection.
	drainLimit = 64 * 1024 * 1024
)

func (s *sandbox) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+apiPrefix+"/invocation/next", s.serveNext)
	mux.HandleFunc("POST "+apiPrefix+"/invocation/{id}/response", s.serveResponse)
	mux.HandleFunc("POST "+apiPrefix+"/invocation/{id}/error", s.serveError)
	mux.HandleFunc("POST "+apiPrefix+"/init/error", s.serveInitError)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A web page could reach a loopback port under a name of its own.
		if r.Host != s.address {
			writeFault(w, http.StatusForbidden, "InvalidHost", "This Runtime API is for the local function only")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (s *sandbox) serveNext(w http.ResponseWriter, r *http.Request) {
	s.readyOnce.Do(func() { close(s.ready) })
	s.mu.Lock()
	if s.settings.Freeze && s.wanted == 0 && len(s.inFlight) == 0 && !s.dead {
		s.stopped = s.process.freeze()
	}
	s.mu.Unlock()
	var offer handoff
	select {
	case offer = <-s.next:
	case <-r.Context().Done():
		return
	}
	inv := offer.inv
	s.mu.Lock()
	alive := !s.dead && r.Context().Err() == nil
	if alive {
		s.wanted--
		s.inFlight[inv.id] = inv
	}
	s.mu.Unlock()
	offer.taken <- alive
	if !alive {
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(s.settings.Timeout).UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", s.settings.FunctionARN)
	h.Set("Lambda-Runtime-Trace-Id", inv.trace)
	_, _ = w.Write(inv.payload) // a broken connection shows as an exit or a timeout
}

func (s *sandbox) serveResponse(w http.ResponseWriter, r *http.Request) {
	inv := s.find(w, r)
	if inv == nil {
		return
	}
	body, err := readPayload(r)
	switch kind := r.Trailer.Get("Lambda-Runtime-Function-Error-Type"); {
	case errors.Is(err, errTooLarge):
		s.finish(inv, tooLargeDocument(), true)
		writeFault(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", MaxPayload))
	case err != nil: // the process will exit, or run into its timeout
		writeFault(w, http.StatusBadRequest, "InvalidRequest", "The body broke off")
	case kind != "": // a streamed answer that failed half-way says so after its end
		document, err := base64.StdEncoding.DecodeString(r.Trailer.Get("Lambda-Runtime-Function-Error-Body"))
		if err != nil || len(document) == 0 {
			document = errorDocument(kind, "The answer broke off")
		}
		s.accept(w, inv, document, true)
	default:
		s.accept(w, inv, body, false)
	}
}

func (s *sandbox) serveError(w http.ResponseWriter, r *http.Request) {
	inv := s.find(w, r)
	if inv == nil {
		return
	}
	body, err := readPayload(r)
	if errors.Is(err, errTooLarge) {
		body = tooLargeDocument()
	} else if err != nil {
		writeFault(w, http.StatusBadRequest, "InvalidRequest", "The body broke off")
		return
	}
	s.accept(w, inv, body, true)
}

func (s *sandbox) serveInitError(w http.ResponseWriter, r *http.Request) {
	body, err := readPayload(r)
	var doc struct{ ErrorType, ErrorMessage string }
	if err != nil || json.Unmarshal(body, &doc) != nil {
		doc.ErrorMessage = "the runtime reported an error that is not JSON"
		body = nil
	}
	if doc.ErrorType == "" {
		doc.ErrorType = "Runtime.Unknown"
	}
	select {
	case s.initFault <- &InitError{Type: doc.ErrorType, Message: doc.ErrorMessage, Payload: body}:
	default: // only the first counts
	}
	writeStatus(w, http.StatusAccepted, map[string]string{"status": "OK"})
}

func (s *sandbox) find(w http.ResponseWriter, r *http.Request) *invocation {
	s.mu.Lock()
	inv := s.inFlight[r.PathValue("id")]
	s.mu.Unlock()
	if inv == nil {
		writeFault(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
	}
	return inv
}

func (s *sandbox) finish(inv *invocation, payload []byte, failed bool) bool {
	s.mu.Lock()
	delete(s.inFlight, inv.id)
	s.mu.Unlock()
	return inv.finish(payload, failed)
}

// accept ends the invocation before it answers: the process may exit the moment it
// has its answer, and that exit must come second.
func (s *sandbox) accept(w http.ResponseWriter, inv *invocation, payload []byte, failed bool) {
	if !s.finish(inv, payload, failed) {
		writeFault(w, http.StatusForbidden, "InvalidStateTransition", "The invocation has ended already")
		return
	}
	writeStatus(w, http.StatusAccepted, map[string]string{"status": "OK"})
}

var errTooLarge = errors.New("the payload is too large")

// readPayload reads a body of at most MaxPayload bytes, or gives errTooLarge.
func readPayload(r *http.Request) ([]byte, error) {
	var b bytes.Buffer
	if _, err := b.ReadFrom(io.LimitReader(r.Body, MaxPayload+1)); err != nil {
		return nil, err
	}
	if b.Len() > MaxPayload {
		_, _ = io.CopyN(io.Discard, r.Body, drainLimit) // best effort
		return nil, errTooLarge
	}
	return b.Bytes(), nil
}

func tooLargeDocument() []byte {
	return errorDocument("Function.ResponseSizeTooLarge", fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", MaxPayload))
}

func writeStatus(w http.ResponseWriter, status int, doc any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(doc) // the client may have gone
}

func writeFault(w http.ResponseWriter, status int, kind, message string) {
	writeStatus(w, status, map[string]string{"errorType": kind, "errorMessage": message})
}

func errorDocument(kind, message string) []byte {
	doc, err := json.Marshal(struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}{kind, message})
	if err != nil { // cannot happen: two strings
		return []byte(`{"errorType":"Runtime.Unknown"}`)
	}
	return doc
}
