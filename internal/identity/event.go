package identity

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/fault"
)

// Event is what a front door said about one request, read from the event's
// bytes by our own hand. What the caller chose (method, path, headers, body)
// and what AWS verified stand in one struct: only Doors.Identify may turn it
// into an identity.
//
// Headers and body hold bearer tokens, so an Event does not print.
type Event struct {
	REST bool // a REST API's event; else payload 2.0 of an HTTP API or function URL

	Method   string
	Path     string // as the door sent it: stage and base still in it (Door.StripPrefix)
	RawQuery string // without "?"
	Headers  map[string][]string
	Body     string
	Base64   bool // Body is base64

	APIID     string
	Stage     string // $default for an HTTP API's default stage and for function URLs
	Domain    string
	SourceIP  string
	UserAgent string
	RequestID string // the gateway's own

	authorizer any    // requestContext.authorizer, untouched
	identity   object // requestContext.identity of a REST API's event
}

// maxEvent bounds the event before it is parsed. Lambda lets 6 MB pass; a
// caller who sends that much is told so by name, as an authenticated caller.
const maxEvent = 8 << 20

// nextStep tells the sender of an event that no door made where to go.
const nextStep = "call credvend through one of its front doors"

// ParseEvent reads an event of an HTTP API or function URL (payload format
// 2.0) or of a REST API. All its errors are *fault.Error of the kind
// Unauthenticated: an event of no known shape proves nobody's identity.
func ParseEvent(raw []byte) (*Event, error) {
	if len(raw) > maxEvent {
		return nil, refuse("the event has %d bytes; credvend takes at most %d, and bodies of at most 16 KiB: send a smaller request", len(raw), maxEvent)
	}
	value, err := decodeJSON(raw)
	if err != nil {
		return nil, refuse("no front door sends an event with %v; %s", err, nextStep)
	}
	event, ok := value.(object)
	if !ok {
		return nil, refuse("the event is not a JSON object; %s", nextStep)
	}
	var f fields
	var e *Event
	version, resource := event["version"], event["resource"]
	rc := f.object(event, "requestContext")
	switch {
	case version == "1.0":
		return nil, refuse("the HTTP API sends payload format 1.0; set PayloadFormatVersion of its integration to 2.0")
	case version == "2.0" && resource == nil && rc["http"] != nil && rc["identity"] == nil:
		e = parseV2(&f, event, rc)
	case version == nil && resource != nil && rc != nil && rc["http"] == nil:
		e = parseREST(&f, event, rc)
	default:
		return nil, refuse("the event has the shape of no front door (HTTP API or function URL with payload format 2.0, or REST API); %s", nextStep)
	}
	if f.wrong != "" {
		return nil, refuse("the event's field %s is not of the type that a front door sends; %s", f.wrong, nextStep)
	}
	return e, nil
}

// parseV2 reads payload format 2.0.
func parseV2(f *fields, event, rc object) *Event {
	http := f.object(rc, "http")
	e := &Event{
		Method:     f.text(http, "method"),
		Path:       f.text(event, "rawPath"),
		RawQuery:   f.text(event, "rawQueryString"),
		Headers:    map[string][]string{},
		SourceIP:   f.word(http, "sourceIp"),
		UserAgent:  f.text(http, "userAgent"),
		authorizer: rc["authorizer"],
	}
	addHeaders(e.Headers, f.texts(event, "headers"))
	readCommon(f, e, event, rc)
	return e
}

// parseREST reads a REST API's event.
func parseREST(f *fields, event, rc object) *Event {
	identity := f.object(rc, "identity")
	f.text(event, "resource")
	e := &Event{
		REST:       true,
		Method:     f.text(event, "httpMethod"),
		Path:       f.text(event, "path"),
		Headers:    map[string][]string{},
		SourceIP:   f.word(identity, "sourceIp"),
		UserAgent:  f.text(identity, "userAgent"),
		authorizer: rc["authorizer"],
		identity:   identity,
	}
	headers := f.lists(event, "multiValueHeaders")
	if len(headers) == 0 {
		headers = f.texts(event, "headers")
	}
	addHeaders(e.Headers, headers)
	query := f.lists(event, "multiValueQueryStringParameters")
	if len(query) == 0 {
		query = f.texts(event, "queryStringParameters")
	}
	e.RawQuery = url.Values(query).Encode()
	readCommon(f, e, event, rc)
	return e
}

// readCommon reads the fields that all events have in the same place.
func readCommon(f *fields, e *Event, event, rc object) {
	e.Body, e.Base64 = f.text(event, "body"), f.flag(event, "isBase64Encoded")
	e.APIID, e.Stage = f.word(rc, "apiId"), f.word(rc, "stage")
	e.Domain, e.RequestID = f.word(rc, "domainName"), f.word(rc, "requestId")
}

// addHeaders adds from to headers under lower-cased names. Values of names that
// differ only in case are all kept, so that two can be told from one.
func addHeaders(headers map[string][]string, from map[string][]string) {
	for _, name := range slices.Sorted(maps.Keys(from)) {
		lower := strings.ToLower(name)
		headers[lower] = append(headers[lower], from[name]...)
	}
}

// fields reads typed members of objects and remembers the first of a wrong
// type. Absent and null members are zero, as the gateways write either.
type fields struct{ wrong string }

func (f *fields) fail(key string) {
	if f.wrong == "" {
		f.wrong = key
	}
}

func (f *fields) text(o object, key string) string {
	s, ok := o[key].(string)
	if !ok && o[key] != nil {
		f.fail(key)
	}
	return s
}

// word reads a text that AWS makes: short, printable, without blanks. Such
// words go into audit lines, and a forged event could put a megabyte there.
func (f *fields) word(o object, key string) string {
	s := f.text(o, key)
	if len(s) > 255 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		f.fail(key)
	}
	return s
}

func (f *fields) flag(o object, key string) bool {
	b, ok := o[key].(bool)
	if !ok && o[key] != nil {
		f.fail(key)
	}
	return b
}

func (f *fields) object(o object, key string) object {
	m, ok := o[key].(object)
	if !ok && o[key] != nil {
		f.fail(key)
	}
	return m
}

// texts reads an object of strings.
func (f *fields) texts(o object, key string) map[string][]string {
	out := map[string][]string{}
	for name, v := range f.object(o, key) {
		s, ok := v.(string)
		if !ok {
			f.fail(key)
		}
		out[name] = []string{s}
	}
	return out
}

// lists reads an object of lists of strings.
func (f *fields) lists(o object, key string) map[string][]string {
	out := map[string][]string{}
	for name, v := range f.object(o, key) {
		list, ok := v.([]any)
		if !ok {
			f.fail(key)
		}
		for _, v := range list {
			s, ok := v.(string)
			if !ok {
				f.fail(key)
			}
			out[name] = append(out[name], s)
		}
	}
	return out
}

// refuse makes the one kind of error that an identity can fail with.
func refuse(format string, args ...any) *fault.Error {
	return fault.New(fault.Unauthenticated, format, args...)
}

// eventText is what an Event prints as.
const eventText = "[event]"

// Format writes a fixed word whatever the verb: an event holds bearer tokens.
func (Event) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, eventText) }

// LogValue returns a fixed word.
func (Event) LogValue() slog.Value { return slog.StringValue(eventText) }

// MarshalText returns a fixed word, so that no encoder writes the event out.
func (Event) MarshalText() ([]byte, error) { return []byte(eventText), nil }
