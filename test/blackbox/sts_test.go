package blackbox

import (
	"encoding/xml"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/vendtest"
)

// fakeSTS speaks the query protocol of STS for every region. It tells regions
// apart by the signature's scope, as the one of `credvend local` does, and
// issues to everyone unless a fault is ordered.
type fakeSTS struct {
	server *httptest.Server

	mu     sync.Mutex
	faults map[string]stsFault // by region; "": every region
	calls  []stsCall
}

// stsCall is one AssumeRole that arrived.
type stsCall struct {
	region string
	form   url.Values
}

// stsFault is how a region answers instead. success is the answer that it would
// have given.
type stsFault func(w http.ResponseWriter, r *http.Request, success string)

func newSTS(tb testing.TB) *fakeSTS {
	tb.Helper()
	s := &fakeSTS{faults: map[string]stsFault{}}
	s.server = httptest.NewServer(http.HandlerFunc(s.serve))
	tb.Cleanup(func() {
		s.server.CloseClientConnections()
		s.server.Close()
	})
	return s
}

func (s *fakeSTS) url() string { return s.server.URL }

// order makes a region go wrong from now on; "" is every region, nil no fault.
func (s *fakeSTS) order(region string, f stsFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[region] = f
}

// regions are those of the calls so far, in order.
func (s *fakeSTS) regions() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		all = append(all, c.region)
	}
	return all
}

func (s *fakeSTS) serve(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.PostForm.Get("Action") != "AssumeRole" || r.PostForm.Get("Version") != "2011-06-15" {
		http.Error(w, "not AssumeRole", http.StatusBadRequest)
		return
	}
	scope := credentialScope(r.Header.Get("Authorization"))
	if len(scope) != 5 || scope[3] != "sts" || r.Header.Get("X-Amz-Security-Token") != brokerMark+"SessionToken" {
		http.Error(w, "not signed by the broker", http.StatusForbidden)
		return
	}
	s.mu.Lock()
	s.calls = append(s.calls, stsCall{scope[2], r.PostForm})
	n := len(s.calls)
	fault := s.faults[scope[2]]
	if fault == nil {
		fault = s.faults[""]
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("X-Amzn-Requestid", fmt.Sprintf("sts-%d", n))
	if fault != nil {
		fault(w, r, success(r.PostForm, n))
		return
	}
	_, _ = w.Write([]byte(success(r.PostForm, n)))
}

// credentialScope is the access key, date, region, service and end of a
// signature.
func credentialScope(authorization string) []string {
	_, rest, _ := strings.Cut(authorization, "Credential=")
	scope, _, _ := strings.Cut(rest, ",")
	return strings.Split(scope, "/")
}

// success is the answer of an STS that issues. Its secrets are planted ones.
func success(form url.Values, n int) string {
	seconds, _ := strconv.Atoi(form.Get("DurationSeconds"))
	var escaped strings.Builder
	_ = xml.EscapeText(&escaped, []byte(form.Get("RoleSessionName")))
	return fmt.Sprintf(`<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>`+
		`<Credentials><AccessKeyId>ASIAEXAMPLE%09d</AccessKeyId><SecretAccessKey>%s%d</SecretAccessKey><SessionToken>%s%d</SessionToken><Expiration>%s</Expiration></Credentials>`+
		`<AssumedRoleUser><AssumedRoleId>AROAEXAMPLEORDERS000:%[7]s</AssumedRoleId><Arn>arn:aws:sts::111122223333:assumed-role/orders-invoke/%[7]s</Arn></AssumedRoleUser>`+
		`<PackedPolicySize>14</PackedPolicySize><SourceIdentity>%[8]s</SourceIdentity></AssumeRoleResult>`+
		`<ResponseMetadata><RequestId>sts-%[1]d</RequestId></ResponseMetadata></AssumeRoleResponse>`,
		n, vendtest.SecretKeyMark, n, vendtest.SessionTokenMark, n,
		time.Now().UTC().Add(time.Duration(seconds)*time.Second).Format("2006-01-02T15:04:05Z"), escaped.String(), form.Get("SourceIdentity"))
}

// refuse answers with an error as STS does. The message quotes a secret, as no
// real one does: nobody may repeat it.
func refuse(status int, code string) stsFault {
	return func(w http.ResponseWriter, _ *http.Request, _ string) {
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>%s</Code>`+
			`<Message>User: %s is not authorized to perform: sts:AssumeRole</Message></Error><RequestId>sts-e</RequestId></ErrorResponse>`, code, vendtest.SecretKeyMark)
	}
}

// hang never answers. The server hears of a client that gives up only after the
// body was read, which it was.
func hang(_ http.ResponseWriter, r *http.Request, _ string) { <-r.Context().Done() }

// reset drops the connection with a TCP reset.
func reset(w http.ResponseWriter, _ *http.Request, _ string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// body answers 200 with a text.
func body(text string) stsFault {
	return func(w http.ResponseWriter, _ *http.Request, _ string) { _, _ = w.Write([]byte(text)) }
}

// slow sends half of the answer, secret key and session token included, and then
// nothing.
func slow(w http.ResponseWriter, r *http.Request, success string) {
	_, _ = w.Write([]byte(success[:strings.Index(success, "<Expiration>")]))
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// cut announces the whole answer and breaks off in its middle.
func cut(w http.ResponseWriter, _ *http.Request, success string) {
	w.Header().Set("Content-Length", strconv.Itoa(len(success)))
	_, _ = w.Write([]byte(success[:len(success)/2]))
	panic(http.ErrAbortHandler)
}

// TestCredentialScope: the fake tells regions apart as it should.
func TestCredentialScope(t *testing.T) {
	got := credentialScope("AWS4-HMAC-SHA256 Credential=ASIA/20261122/eu-west-1/sts/aws4_request, SignedHeaders=host, Signature=00")
	if !slices.Equal(got, []string{"ASIA", "20261122", "eu-west-1", "sts", "aws4_request"}) {
		t.Error(got)
	}
}
