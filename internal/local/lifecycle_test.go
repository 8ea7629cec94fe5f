package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/local/apigw"
	"github.com/credvend/credvend/internal/local/sts"
)

// gone reports whether nothing listens at a URL any more.
func gone(t *testing.T, raw string) bool {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.DialTimeout("tcp4", u.Host, 5*time.Second)
	if err != nil {
		return true
	}
	_ = conn.Close()
	return false
}

// TestClose: nothing stays behind, neither a process nor a listener.
func TestClose(t *testing.T) {
	before := linuxChildren(t)
	s, err := Start(t.Context(), options(t))
	if err != nil {
		t.Fatal(err)
	}
	running := linuxChildren(t)
	if runtime.GOOS == "linux" && len(running) != len(before)+1 {
		t.Errorf("%d processes before and %d after the start: the test does not see the function", len(before), len(running))
	}
	urls := slices.Clone(s.row.urls)
	if len(urls) != fixedPorts+1 {
		t.Errorf("%d listeners, want %d", len(urls), fixedPorts+1)
	}
	for _, u := range urls {
		if gone(t, u) {
			t.Errorf("%s does not listen while it should", u)
		}
	}
	// A request that hangs in STS must not hold up the end.
	s.Faults().Order(sts.AnyRegion, sts.Fault{Kind: sts.Hang})
	hanging := make(chan struct{})
	go func() {
		defer close(hanging)
		event := `{"version":"2.0","rawPath":"/v1/credentials","requestContext":{"apiId":"` + iamAPI + `","http":{"method":"POST","path":"/v1/credentials"}}}`
		_, _ = s.Invoke(context.WithoutCancel(t.Context()), []byte(event))
	}()
	if err := s.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
	<-hanging
	for _, u := range urls {
		if !gone(t, u) {
			t.Errorf("%s still listens", u)
		}
	}
	if after := linuxChildren(t); len(after) != len(before) {
		t.Errorf("processes %q are left behind", after)
	}
	if _, err := s.Invoke(t.Context(), []byte(`{}`)); err == nil {
		t.Error("a closed function answers")
	}
}

func linuxChildren(t *testing.T) []string {
	t.Helper()
	if runtime.GOOS != "linux" {
		return nil
	}
	return children(t)
}

// TestSideBySide: two stacks know nothing of each other.
func TestSideBySide(t *testing.T) {
	a, b := start(t, options(t)), start(t, options(t))
	for _, s := range []*Stack{a, b} {
		var told bytes.Buffer
		if err := s.Tour(t.Context(), &told); err != nil {
			t.Errorf("%v\n%s", err, told.String())
		}
	}
	billing := a.World.Profiles["billing-service"].keys()
	mine := call{url: a.World.URL, body: ask("orders"), keys: billing, service: "execute-api", region: "us-east-1"}.vend(t, http.StatusOK)
	for name, c := range map[string]call{
		"a profile's keys": {method: "POST", url: b.World.URL + "/v1/credentials", body: ask("orders"), keys: billing},
		"vended keys":      {method: "GET", url: b.World.Targets[0].URL + "/orders/1", keys: mine.keys()},
	} {
		c.service, c.region = "execute-api", "us-east-1"
		if status, text := c.send(t); status != http.StatusForbidden {
			t.Errorf("%s of the one are good in the other: %d %s", name, status, text)
		}
	}
	token, err := a.Token(map[string]any{"sub": "ana", "cognito:groups": []string{"shoppers"}})
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := (call{method: "POST", url: b.World.JWTURL + "/v1/credentials", body: ask("orders"), bearer: token}).send(t); status != http.StatusUnauthorized {
		t.Errorf("a token of the one is good in the other: %d", status)
	}
}

// script is a program in the bootstrap's place.
func script(t *testing.T, text string) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bootstrap")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return []string{path}
}

// TestBootstrapThatFails: the error tells why, with what the program itself
// said, and nothing is left behind.
func TestBootstrapThatFails(t *testing.T) {
	notProgram := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(notProgram, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("chatter ", 20)
	for _, c := range []struct {
		name      string
		bootstrap []string
		want      []string
	}{
		{"none", nil, []string{"no bootstrap is given"}},
		{"missing", []string{filepath.Join(t.TempDir(), "nowhere")}, []string{"the bootstrap cannot be run", "nowhere"}},
		{"no program", []string{notProgram}, []string{"the bootstrap cannot be run", "notes.txt"}},
		{"crashes", script(t, "echo 'credvend: CREDVEND_FRONT_DOORS: it is not set' >&2; exit 3"), []string{"exit status 3", "credvend: CREDVEND_FRONT_DOORS: it is not set"}},
		{"crashes without a line feed", script(t, "printf 'half a line' >&2; exit 1"), []string{"exit status 1", "half a line"}},
		{"goes quietly", script(t, "exit 0"), []string{"the function does not start", "exited"}},
		{"says much", script(t, "i=0; while [ $i -lt 2000 ]; do echo '"+long+"' >&2; i=$((i+1)); done; echo 'the last word' >&2; exit 1"), []string{"the last word"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := linuxChildren(t)
			o := options(t)
			o.Bootstrap = c.bootstrap
			_, err := Start(t.Context(), o)
			if err == nil {
				t.Fatal("it starts")
			}
			for _, part := range append(c.want, "the function does not start") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error lacks %q:\n%v", part, err)
				}
			}
			if len(err.Error()) > 8<<10 {
				t.Errorf("the error has %d bytes: nobody finds the last word", len(err.Error()))
			}
			if after := linuxChildren(t); len(after) > len(before) {
				t.Errorf("processes %q are left behind", after)
			}
		})
	}
}

// TestStartIsGivenUp: a program that never asks for an event does not outlive
// the patience of whoever starts it.
func TestStartIsGivenUp(t *testing.T) {
	before := linuxChildren(t)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	o := options(t)
	o.Bootstrap = script(t, "exec sleep 60")
	_, err := Start(ctx, o)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if after := linuxChildren(t); len(after) > len(before) {
		t.Errorf("processes %q are left behind", after)
	}
}

// TestFunctionThatFails: what the runtime says of a function that fails reaches
// whoever invokes it.
func TestFunctionThatFails(t *testing.T) {
	s := start(t, options(t))
	if _, err := s.Invoke(t.Context(), bytes.Repeat([]byte(" "), 7<<20)); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("%v", err)
	}
	o := options(t)
	o.Bootstrap = script(t, `curl -s "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next" >/dev/null; exit 7`)
	if _, err := os.Stat("/usr/bin/curl"); err != nil {
		t.Skip("no curl here")
	}
	failing := start(t, o)
	if _, err := failing.Invoke(t.Context(), []byte(`{}`)); err == nil || !strings.Contains(err.Error(), "the function failed: Unhandled") {
		t.Errorf("%v", err)
	}
}

// TestRequestLog: one line for each request, whoever shaped its text.
func TestRequestLog(t *testing.T) {
	var buf bytes.Buffer
	l := &requestLog{w: &buf}
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	l.request(apigw.Trace{At: at, Kind: "http-api", Method: "GET", Path: "/a", Subject: "ana\n12:00:00  forged", Status: 200, Allowed: true})
	l.request(apigw.Trace{At: at, Kind: "http-api", Method: "GET", Path: "/b", Status: 403, Reason: "\x1b[2Jcleared"})
	l.request(apigw.Trace{At: at, Kind: "rest-api", Method: "GET", Path: "/c", Caller: "arn:x", Subject: "y", Status: 200, Allowed: true, Reason: "unused"})
	want := fmt.Sprintf("12:00:00  http-api     GET  %-32s 200 OK  sub ana\uFFFD12:00:00  forged\n", "/a") +
		fmt.Sprintf("12:00:00  http-api     GET  %-32s 403 Forbidden  nobody verified  (\uFFFD[2Jcleared)\n", "/b") +
		fmt.Sprintf("12:00:00  rest-api     GET  %-32s 200 OK  arn:x\n", "/c")
	if buf.String() != want {
		t.Errorf("got\n%s\nwant\n%s", buf.String(), want)
	}
	(&requestLog{}).printf("%s", "to nobody")
}
