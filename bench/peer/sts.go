package peer

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// stub answers every AssumeRole at once, in STS's own words, and checks nothing.
// Both sides call the same one, over plain HTTP. Like the stand-in of the Runtime
// API it speaks on the bare connection, so that as little of it as can be is in
// the figures.
type stub struct {
	listener net.Listener
	calls    atomic.Int64
	last     atomic.Pointer[string] // the form of the latest call
	filler   string                 // a session token as long as one with a session policy and tags
}

const answerOfSTS = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>` +
	`<AssumedRoleUser><AssumedRoleId>AROAEXAMPLEORDERS000:%[1]s</AssumedRoleId>` +
	`<Arn>arn:aws:sts::111122223333:assumed-role/orders-invoke/%[1]s</Arn></AssumedRoleUser>` +
	`<Credentials><AccessKeyId>ASIAEXAMPLE%09[2]d</AccessKeyId><SecretAccessKey>ExampleSecretAccessKeyOfFortyCharacters0</SecretAccessKey>` +
	`<SessionToken>%[3]s</SessionToken><Expiration>%[4]s</Expiration></Credentials>` +
	`<PackedPolicySize>14</PackedPolicySize>%[5]s</AssumeRoleResult>` +
	`<ResponseMetadata><RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId></ResponseMetadata></AssumeRoleResponse>`

// startSTS serves the stub on a free loopback port.
func startSTS() (*stub, error) {
	listener, err := listen()
	if err != nil {
		return nil, err
	}
	s := &stub{listener: listener, filler: strings.Repeat("E", 900)}
	go accept(listener, s.converse)
	return s, nil
}

func (s *stub) url() string { return "http://" + s.listener.Addr().String() }
func (s *stub) close()      { _ = s.listener.Close() }

// form is that of the latest call.
func (s *stub) form() url.Values {
	form, _ := url.ParseQuery(*s.last.Load()) // it was parsed before
	return form
}

// converse serves one connection.
func (s *stub) converse(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	in := bufio.NewReaderSize(conn, 16<<10)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		status, document := s.answer(string(body))
		if _, err := fmt.Fprintf(conn, "HTTP/1.1 %s\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%s", status, len(document), document); err != nil {
			return
		}
	}
}

func (s *stub) answer(text string) (status, document string) {
	form, err := url.ParseQuery(text)
	seconds, wrong := strconv.Atoi(form.Get("DurationSeconds"))
	if err != nil || wrong != nil || form.Get("Action") != "AssumeRole" {
		return "400 Bad Request", `<ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code>` +
			`<Message>this stub knows AssumeRole alone</Message></Error><RequestId>0</RequestId></ErrorResponse>`
	}
	s.last.Store(&text)
	source := ""
	if id := form.Get("SourceIdentity"); id != "" {
		source = "<SourceIdentity>" + id + "</SourceIdentity>"
	}
	return "200 OK", fmt.Sprintf(answerOfSTS, form.Get("RoleSessionName"), s.calls.Add(1), s.filler,
		time.Now().Add(time.Duration(seconds)*time.Second).UTC().Format(time.RFC3339), source)
}
