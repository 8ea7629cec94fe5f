package local

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/credvend/credvend/internal/local/apigw"
	"github.com/credvend/credvend/internal/local/sts"
	"github.com/credvend/credvend/internal/local/view"
	"github.com/credvend/credvend/internal/local/wire"
)

// sawDoor tells of a request to a front door or to an API of Account A.
func (s *Stack) sawDoor(t apigw.Trace) {
	s.log.request(t)
	s.view.Door(t)
}

// sawSTS tells of a request to STS.
func (s *Stack) sawSTS(e sts.Event) {
	s.log.printf("%s  %-12s %-37s %d %s  %s %s %s", e.Time.Format("15:04:05"), "sts "+e.Region, e.Action, e.Status, http.StatusText(e.Status), e.Caller, e.SessionName, e.Reason)
	s.view.STS(e)
}

// sawStray tells of what came to a port and was no request. A browser opens
// connections that it does not use; those bring nothing and are not told of.
func (s *Stack) sawStray(t wire.Stray) {
	_, port, _ := net.SplitHostPort(t.To) // an address of ours: it has a port
	s.log.printf("%s  %-12s %s", s.log.now().Format("15:04:05"), "port "+port, t.What)
}

// auditLines shows the function's audit lines to the view and writes them to
// their file; runtime gives whole lines.
type auditLines struct {
	file io.Writer
	view *view.View
}

func (a auditLines) Write(line []byte) (int, error) {
	n, err := a.file.Write(line)
	a.view.Audit(line)
	return n, err
}

// places is where everything is, for the view.
func (s *Stack) places() view.Places {
	w := s.World
	p := view.Places{
		Region: w.Region, Issuer: w.IssuerURL, STS: w.STSURL, Notes: w.Adapted,
		Doors: []view.Door{
			{ID: iamAPI, Name: "HTTP API, AWS_IAM", URL: w.URL, Auth: "AWS_IAM"},
			{ID: jwtAPI, Name: "HTTP API, JWT", URL: w.JWTURL, Auth: "JWT"},
			{ID: urlID, Name: "function URL, AWS_IAM", URL: w.FunctionURL, Auth: "AWS_IAM"},
			{ID: restAPI, Name: "REST API, AWS_IAM", URL: w.RESTURL, Auth: "AWS_IAM"},
		},
		Files: []view.File{
			{Path: w.Files.Env, What: "shell variables"},
			{Path: w.Files.Audit, What: "audit trail"},
			{Path: w.Files.Log, What: "the function's log"},
		},
	}
	for _, t := range w.Targets {
		p.Targets = append(p.Targets, view.Target{Name: t.Name, API: s.plan.apiOf(t.Name).stage.API, URL: t.URL, Role: s.plan.doc.Targets[t.Name].Role})
	}
	for _, name := range slices.Sorted(maps.Keys(w.Profiles)) {
		p.Profiles = append(p.Profiles, view.Profile{Name: name, Who: w.Profiles[name].ARN()})
	}
	for _, name := range w.vending() {
		p.Profiles = append(p.Profiles, view.Profile{Name: name, Who: "vends as " + vendingProfile})
	}
	return p
}

// requestLog writes a line for each request, whole lines at a time.
type requestLog struct {
	now func() time.Time
	mu  sync.Mutex
	w   io.Writer
}

// tell has the requests to a handler logged that tells of none itself.
func (l *requestLog) tell(name string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		noted := &noted{ResponseWriter: w, status: http.StatusOK}
		h.ServeHTTP(noted, r)
		l.printf("%s  %-12s %-4s %-32s %d %s", l.now().Format("15:04:05"), name, r.Method, r.URL.EscapedPath(), noted.status, http.StatusText(noted.status))
	})
}

// noted keeps the status of an answer.
type noted struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (n *noted) WriteHeader(status int) {
	n.status = status
	n.ResponseWriter.WriteHeader(status)
}

func (l *requestLog) printf(format string, args ...any) {
	if l.w == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = io.WriteString(l.w, printable(fmt.Sprintf(format, args...))+"\n") // for people: nothing depends on it
}

// printable takes the sting out of text that came over the wire: a session name
// or a token's subject with a line feed would forge a line, one with an escape
// sequence would command the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, s)
}

// request tells of one request to a door or to Account A's API.
func (l *requestLog) request(t apigw.Trace) {
	who := t.Caller
	if who == "" && t.Subject != "" {
		who = "sub " + t.Subject
	}
	if who == "" {
		who = "nobody verified"
	}
	line := fmt.Sprintf("%s  %-12s %-4s %-32s %d %s  %s", t.At.Format("15:04:05"), t.Kind, t.Method, t.Path, t.Status, http.StatusText(t.Status), who)
	if t.Reason != "" && (!t.Allowed || t.Status >= http.StatusInternalServerError) {
		line += "  (" + t.Reason + ")"
	}
	l.printf("%s", line)
}
