//go:build conformance

package main

import (
	"fmt"
	"html"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// refusal is a row of refusals.tsv: what AWS answers.
type refusal struct{ status, kind, body string }

func readRefusals(path string) (map[string]refusal, error) {
	text, err := os.ReadFile(path) //nolint:gosec // run.sh names it
	if err != nil {
		return nil, err
	}
	table := map[string]refusal{}
	for line := range strings.Lines(string(text)) {
		if f := strings.Split(strings.TrimSuffix(line, "\n"), "\t"); len(f) == 5 {
			table[f[0]+": "+f[1]] = refusal{f[2], f[3], f[4]}
		}
	}
	return table, nil
}

var (
	stsCode    = regexp.MustCompile(`<Code>(.*)</Code>`)
	stsMessage = regexp.MustCompile(`<Message>.*</Message>`)
)

// refusal is what the answer looks like as a row of the table.
func (a answer) refusal() refusal {
	got := refusal{fmt.Sprint(a.status), "-", a.text}
	if strings.HasPrefix(a.text, "<") { // STS
		if m := stsCode.FindStringSubmatch(a.text); m != nil {
			got.kind = m[1]
		}
		got.body = html.UnescapeString(stsMessage.FindString(a.text))
		return got
	}
	for _, name := range []string{"X-Amzn-Errortype", "Www-Authenticate"} {
		if value := a.header.Get(name); value != "" {
			got.kind = value
		}
	}
	return got
}

// refusedAsAWSDoes sends and holds the answer to the table.
func (s *suite) refusedAsAWSDoes(name string, c call) {
	a, err := s.send(c)
	if err != nil {
		s.check(name, err)
		return
	}
	want, known := s.refusals[name]
	if !known {
		s.check(name, mismatchf("refusals.tsv does not have it"))
		return
	}
	got := a.refusal()
	if a.status == http.StatusOK {
		got.body = "withheld"
	}
	for _, part := range []struct{ what, got, want string }{
		{"status", got.status, want.status}, {"error", got.kind, want.kind}, {"body", got.body, want.body},
	} {
		if !like(part.got, part.want) {
			s.check(name, mismatchf("%s is %.300s, want %s", part.what, part.got, part.want))
			return
		}
	}
	s.check(name, nil)
}

// like matches a pattern in which only "*" is special.
func like(text, pattern string) bool {
	parts := strings.Split(pattern, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile(`(?s)^` + strings.Join(parts, ".*") + `$`).MatchString(text)
}

// cases are those of README.md at an endpoint that takes signatures.
type cases struct {
	door         string
	call         call // signed by somebody who is let in
	otherService string
	tamper       [2]string // the second takes the first one's place once it is signed
	allowed      func(answer) error
	refused      call
}

func (s *suite) sevenCases(c cases) {
	allow := func(name string, request call) {
		a, err := s.send(request)
		if err == nil {
			err = c.allowed(a)
		}
		s.check(c.door+": "+name, err)
	}
	allow("allowed", c.call)
	slow := c.call
	slow.skew = -4 * time.Minute
	allow("a clock that is four minutes behind is allowed", slow)

	expired := s.profile("expired")
	s.refusedAsAWSDoes(c.door+": refused", c.refused)
	for name, change := range map[string]func(*call){
		"unsigned":      func(r *call) { r.as = nil },
		"expired":       func(r *call) { r.as = &expired },
		"tampered":      func(r *call) { r.tamper = c.tamper },
		"clock-behind":  func(r *call) { r.skew = -time.Hour },
		"clock-ahead":   func(r *call) { r.skew = time.Hour },
		"wrong-service": func(r *call) { r.service = c.otherService },
		"wrong-region":  func(r *call) { r.region = "eu-nowhere-1" },
	} {
		request := c.call
		change(&request)
		s.refusedAsAWSDoes(c.door+": "+name, request)
	}
}

// door is a front door with AWS_IAM. refused is somebody whom it turns away.
type door struct {
	name, url, profile, service, otherService string
	refused                                   func() (aws.Config, error)
}

func (s *suite) signedDoor(d door) {
	allowed := s.profile(d.profile)
	refused, err := d.refused()
	if err != nil {
		s.check(d.name+": refused", err)
		return
	}
	c := cases{
		door:         d.name,
		call:         call{method: http.MethodPost, url: d.url + vendPath, body: ask, as: &allowed, service: d.service},
		otherService: d.otherService,
		tamper:       [2]string{"orders", "0rders"},
		allowed:      func(a answer) error { return a.vended() },
	}
	c.refused = c.call
	c.refused.as = &refused
	s.sevenCases(c)
}
