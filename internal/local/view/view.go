// Package view is the page that shows a local run live: requests as they pass
// the front doors, credvend, STS and Account A's APIs, and what decided each.
//
// It joins what the doors, STS and the audit trail tell of one request. It
// judges nothing and changes nothing: whoever reads the page can only look. It
// copies named fields alone, so that a secret which an event should not hold
// does not pass through it, and it answers to loopback names alone.
package view

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/credvend/credvend/internal/local/apigw"
	"github.com/credvend/credvend/internal/local/sts"
)

// Bounds of what is kept. With them a run's memory ends somewhere, whatever
// passes.
const (
	defaultKeep = 200
	maxKeep     = 2000
)

// Options of a view.
type Options struct {
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Keep is how many requests are kept, and replayed to a page that opens; 0:
	// 200, and never more than 2,000.
	Keep int
}

// View collects what passes and serves the page. All methods are safe for
// concurrent use, and none waits for a reader.
type View struct {
	now  func() time.Time
	run  string // tells a page that the stack behind it is another one
	page document

	mu      sync.Mutex
	places  json.RawMessage
	journal *journal
	readers map[*reader]bool
	closed  bool
}

// New returns a view that nothing has passed yet.
func New(o Options) *View {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Keep <= 0 {
		o.Keep = defaultKeep
	}
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails; and the id is a label, no secret
	return &View{
		now: o.Now, run: hex.EncodeToString(id), page: assemble(),
		places:  json.RawMessage("null"),
		journal: newJournal(min(o.Keep, maxKeep)),
		readers: map[*reader]bool{},
	}
}

// Describe tells the page where everything is. It may be called again. Whatever
// passes before the first call is not kept: it is the stack finding out whether
// its own doors answer, and nobody could tell yet whose doors they are.
func (v *View) Describe(p Places) {
	if p.Commands == nil {
		p.Commands = Commands(p)
	}
	text := encode(p)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.places = text
	v.journal.describe(p)
	v.broadcast(message("places", text))
}

// Door tells of a request to a front door or to an API of Account A, once its
// answer has been written. It has the form of apigw.Door's Trace.
func (v *View) Door(t apigw.Trace) {
	v.record(func(j *journal) { j.door(t) })
}

// STS tells of a request to STS. It has the form of sts.Options' Log.
func (v *View) STS(e sts.Event) {
	v.record(func(j *journal) { j.sts(e) })
}

// Audit tells of one line of the function's audit trail. What is no such line
// is passed over: the function's standard output may hold others. The view does
// not keep line.
func (v *View) Audit(line []byte) {
	entry, ok := parseTrail(line)
	if !ok {
		return
	}
	v.record(func(j *journal) { j.audit(entry) })
}

// Close ends every stream, so that a server can be shut down in order.
func (v *View) Close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.closed = true
	for r := range v.readers {
		v.drop(r)
	}
}

// record lets the journal take something in, and sends what changed.
func (v *View) record(take func(*journal)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.journal.doors == nil {
		return
	}
	take(v.journal)
	changed, gone := v.journal.flush(v.now)
	for _, r := range changed {
		v.broadcast(message("request", r.encoded))
	}
	for _, id := range gone {
		v.broadcast(message("gone", encode(id)))
	}
}

// encode writes JSON of the view's own types, which always can be written. No
// browser takes it for HTML, so "<" and "&" can stand as they are.
func encode(value any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return json.RawMessage("null")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

var _ http.Handler = (*View)(nil)
