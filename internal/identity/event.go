package identity

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
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
	Headers  Headers
	Body     string
	Base64   bool // Body is base64

	APIID     string
	Stage     string // $default for an HTTP API's default stage and for function URLs
	Domain    string
	SourceIP  string
	UserAgent string
	RequestID string // the gateway's own

	authorizer value // requestContext.authorizer, untouched
	identity   value // requestContext.identity of a REST API's event
}

// Headers are a request's headers as the event has them, under lower-cased
// names. What a client sent twice stands here twice, unless the door joined it.
type Headers []Header

// Header is one value of one header.
type Header struct{ Name, Value string }

// Values returns the values of a header, by its lower-cased name. Those of
// names that differ only in case are all among them, so that two can be told
// from one.
func (h Headers) Values(name string) (values []string) {
	for i := range h {
		if h[i].Name == name {
			values = append(values, h[i].Value)
		}
	}
	return values
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
	event, err := decodeJSON(raw)
	if err != nil {
		return nil, refuse("no front door sends an event with %v; %s", err, nextStep)
	}
	if event.shape != object {
		return nil, refuse("the event is not a JSON object; %s", nextStep)
	}
	var f fields
	var e *Event
	version, resource := event.get("version"), event.get("resource")
	rc := f.object(event, "requestContext")
	switch {
	case version.is("1.0"):
		return nil, refuse("the HTTP API sends payload format 1.0; set PayloadFormatVersion of its integration to 2.0")
	case version.is("2.0") && resource.none() && !rc.get("http").none() && rc.get("identity").none():
		e = parseV2(&f, event, rc)
	case version.none() && !resource.none() && rc.shape == object && rc.get("http").none():
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
func parseV2(f *fields, event, rc value) *Event {
	http := f.object(rc, "http")
	e := &Event{
		Method:     f.text(http, "method"),
		Path:       f.text(event, "rawPath"),
		RawQuery:   f.text(event, "rawQueryString"),
		Headers:    headers(f.texts(event, "headers")),
		SourceIP:   f.word(http, "sourceIp"),
		UserAgent:  f.text(http, "userAgent"),
		authorizer: rc.get("authorizer"),
	}
	readCommon(f, e, event, rc)
	return e
}

// parseREST reads a REST API's event.
func parseREST(f *fields, event, rc value) *Event {
	identity := f.object(rc, "identity")
	f.text(event, "resource")
	e := &Event{
		REST:       true,
		Method:     f.text(event, "httpMethod"),
		Path:       f.text(event, "path"),
		SourceIP:   f.word(identity, "sourceIp"),
		UserAgent:  f.text(identity, "userAgent"),
		authorizer: rc.get("authorizer"),
		identity:   identity,
	}
	all := f.lists(event, "multiValueHeaders")
	if len(all) == 0 {
		all = f.texts(event, "headers")
	}
	e.Headers = headers(all)
	parameters := f.lists(event, "multiValueQueryStringParameters")
	if len(parameters) == 0 {
		parameters = f.texts(event, "queryStringParameters")
	}
	if len(parameters) > 0 {
		query := url.Values{}
		for _, p := range parameters {
			query.Add(p.Name, p.Value)
		}
		e.RawQuery = query.Encode()
	}
	readCommon(f, e, event, rc)
	return e
}

// readCommon reads the fields that all events have in the same place.
func readCommon(f *fields, e *Event, event, rc value) {
	e.Body, e.Base64 = f.text(event, "body"), f.flag(event, "isBase64Encoded")
	e.APIID, e.Stage = f.word(rc, "apiId"), f.word(rc, "stage")
	e.Domain, e.RequestID = f.word(rc, "domainName"), f.word(rc, "requestId")
}

// headers lower-cases the names.
func headers(all []Header) Headers {
	for i := range all {
		all[i].Name = strings.ToLower(all[i].Name)
	}
	return all
}

// fields reads typed members of objects and remembers the first of a wrong
// type. Absent and null members are zero, as the gateways write either.
type fields struct{ wrong string }

func (f *fields) fail(key string) {
	if f.wrong == "" {
		f.wrong = key
	}
}

// member returns the member of an object if it is of a shape, or else the zero
// value.
func (f *fields) member(o value, key string, want shape) value {
	v := o.get(key)
	if v.shape == want {
		return v
	}
	if !v.none() {
		f.fail(key)
	}
	return value{}
}

func (f *fields) text(o value, key string) string { return f.member(o, key, text).text }

// word reads a text that AWS makes: short, printable, without blanks. Such
// words go into audit lines, and a forged event could put a megabyte there.
func (f *fields) word(o value, key string) string {
	s := f.text(o, key)
	if len(s) > 255 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		f.fail(key)
	}
	return s
}

func (f *fields) flag(o value, key string) bool { return f.member(o, key, boolean).text == "true" }

func (f *fields) object(o value, key string) value { return f.member(o, key, object) }

// texts reads an object of strings.
func (f *fields) texts(o value, key string) []Header {
	members := f.object(o, key).members
	all := make([]Header, 0, len(members))
	for _, m := range members {
		s, ok := m.value.string()
		if !ok {
			f.fail(key)
		}
		all = append(all, Header{m.name, s})
	}
	return all
}

// lists reads an object of lists of strings.
func (f *fields) lists(o value, key string) []Header {
	members := f.object(o, key).members
	all := make([]Header, 0, len(members))
	for _, m := range members {
		if m.value.shape != list {
			f.fail(key)
			continue
		}
		for _, v := range m.value.members {
			s, ok := v.value.string()
			if !ok {
				f.fail(key)
			}
			all = append(all, Header{m.name, s})
		}
	}
	return all
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
