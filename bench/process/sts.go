package process

import (
	"bufio"
	"bytes"
	"crypto/tls"
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

// stsStandIn answers AssumeRole at once, to anyone, as fully as STS does. It
// looks at what an answer must repeat and at nothing else.
type stsStandIn struct {
	listener net.Listener
	scheme   string
	issued   atomic.Int64
}

// newSTS starts one, over TLS if cert is given.
func newSTS(cert *tls.Certificate) (*stsStandIn, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once
	if err != nil {
		return nil, err
	}
	s := &stsStandIn{listener: l, scheme: "http"}
	if cert != nil {
		s.listener = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12})
		s.scheme = "https"
	}
	go accept(s.listener, s.converse)
	return s, nil
}

func (s *stsStandIn) url() string { return s.scheme + "://" + s.listener.Addr().String() }
func (s *stsStandIn) close()      { _ = s.listener.Close() }

// sessionToken is as long as STS's.
var sessionToken = strings.Repeat("ExampleSessionTokenThatIsNoSecret", 32)

func (s *stsStandIn) converse(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	in := bufio.NewReaderSize(conn, 16<<10)
	var out, document []byte
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		form, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		status := "200 OK"
		if session := formValue(form, "RoleSessionName"); session != "" {
			document = s.answer(document[:0], form, session)
		} else {
			status = "400 Bad Request"
			document = append(document[:0], "<ErrorResponse><Error><Type>Sender</Type><Code>MissingAction</Code><Message>AssumeRole alone is answered here</Message></Error></ErrorResponse>"...)
		}
		out = fmt.Appendf(out[:0], "HTTP/1.1 %s\r\nx-amzn-RequestId: 01234567-89ab-cdef-0123-456789abcdef\r\nContent-Type: text/xml\r\nContent-Length: %d\r\nDate: %s\r\n\r\n",
			status, len(document), time.Now().UTC().Format(http.TimeFormat))
		if _, err := conn.Write(append(out, document...)); err != nil {
			return
		}
	}
}

func (s *stsStandIn) answer(b, form []byte, session string) []byte {
	seconds, err := strconv.Atoi(formValue(form, "DurationSeconds"))
	if err != nil {
		seconds = 3600
	}
	var identity string
	if v := formValue(form, "SourceIdentity"); v != "" {
		identity = "<SourceIdentity>" + v + "</SourceIdentity>"
	}
	return fmt.Appendf(b, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult>
    <AssumedRoleUser>
      <AssumedRoleId>AROAEXAMPLEORDERS000:%[1]s</AssumedRoleId>
      <Arn>arn:aws:sts::111122223333:assumed-role/orders-invoke/%[1]s</Arn>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>ASIAEXAMPLE%09[2]d</AccessKeyId>
      <SecretAccessKey>ExampleSecretKeyThatIsNoSecret0123456789</SecretAccessKey>
      <SessionToken>%[3]s</SessionToken>
      <Expiration>%[4]s</Expiration>
    </Credentials>
    <PackedPolicySize>14</PackedPolicySize>%[5]s
  </AssumeRoleResult>
  <ResponseMetadata>
    <RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId>
  </ResponseMetadata>
</AssumeRoleResponse>
`, session, s.issued.Add(1), sessionToken, time.Now().Add(time.Duration(seconds)*time.Second).UTC().Format(time.RFC3339), identity)
}

// formValue finds one value of a form; "" if it is not there. Parsing all of
// it would take longer for the program that sends more.
func formValue(form []byte, name string) string {
	for part := range bytes.SplitSeq(form, []byte("&")) {
		if value, ok := bytes.CutPrefix(part, []byte(name+"=")); ok {
			text, err := url.QueryUnescape(string(value))
			if err != nil {
				return ""
			}
			return text
		}
	}
	return ""
}
