package story

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// everywhere is a world in which one server answers everything.
func everywhere(t *testing.T, h http.HandlerFunc) World {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	keys := func(name string) Keys { return NewKeys("AKIA"+name, "PLANTEDsecret"+name, "PLANTEDtoken"+name) }
	return World{
		Region: "us-east-1", IAM: server.URL, JWT: server.URL, FunctionURL: server.URL, REST: server.URL, Issuer: server.URL, Target: server.URL,
		Billing: keys("BILLING"), Stranger: keys("STRANGER"), Outsider: keys("OUTSIDER"),
		Invoke: func(context.Context, []byte) ([]byte, error) {
			return []byte(`{"statusCode":401,"body":"{\"code\":\"unauthenticated\",\"message\":\"no\"}"}`), nil
		},
	}
}

// TestNothingIsAsTold: whatever answers, the story ends, says what is wrong, and
// shows no secret.
func TestNothingIsAsTold(t *testing.T) {
	const document = `{"Version":1,"AccessKeyId":"ASIAX","SecretAccessKey":"PLANTEDvended","SessionToken":"PLANTEDvended","Grant":{}}`
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		bend   func(w *World)
		wrong  int
		says   []string
	}{
		{name: "everybody gets credentials", wrong: 13, says: []string{"(credentials, withheld)"},
			answer: func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, document) }},
		{name: "no JSON", wrong: 18, says: []string{"the answer is no credential document"},
			answer: func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "<html>") }},
		{name: "everything is refused", wrong: 19, says: []string{"there are no credentials to try", "teapot: short and stout"},
			answer: func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusForbidden)
				_, _ = fmt.Fprint(w, `{"code":"teapot","message":"short and stout"}`)
			}},
		{name: "a long answer", wrong: 19, says: []string{strings.Repeat("x", 300) + "…"},
			answer: func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusTeapot)
				_, _ = fmt.Fprint(w, strings.Repeat("x", 5000))
			}},
		{name: "redirected", wrong: 19, says: []string{"→ 307  WRONG"},
			answer: func(w http.ResponseWriter, r *http.Request) {
				if r.Host == "elsewhere.invalid" {
					t.Error("a signed request follows a redirection")
				}
				http.Redirect(w, r, "http://elsewhere.invalid/", http.StatusTemporaryRedirect)
			}},
		{name: "the connection breaks", wrong: 19, says: []string{"EOF"},
			answer: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		{name: "the function fails", wrong: 20, says: []string{"the function crashed"},
			answer: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			bend: func(w *World) {
				w.Invoke = func(context.Context, []byte) ([]byte, error) { return nil, errors.New("the function crashed") }
			}},
		{name: "the function answers with no JSON", wrong: 20, says: []string{"the function's answer is not JSON"},
			answer: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			bend: func(w *World) {
				w.Invoke = func(context.Context, []byte) ([]byte, error) { return []byte("PLANTED"), nil }
			}},
		{name: "the function vends to a forged event", wrong: 20, says: []string{"(credentials, withheld)"},
			answer: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			bend: func(w *World) {
				w.Invoke = func(context.Context, []byte) ([]byte, error) {
					return fmt.Appendf(nil, `{"statusCode":200,"body":%q}`, document), nil
				}
			}},
		{name: "addresses that are none", wrong: 19, says: []string{"unsupported protocol scheme"},
			answer: func(http.ResponseWriter, *http.Request) { t.Error("asked") },
			bend: func(w *World) {
				w.IAM, w.JWT, w.FunctionURL, w.REST, w.Issuer, w.Target = "x:", "x:", "x:", "x:", "x:", "x:"
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := everywhere(t, c.answer)
			if c.bend != nil {
				c.bend(&world)
			}
			var told bytes.Buffer
			err := Play(t.Context(), &told, world)
			if want := fmt.Sprintf("%d of 20 steps of the story went otherwise than told", c.wrong); err == nil || err.Error() != want {
				t.Errorf("%v, want %s", err, want)
			}
			if n := strings.Count(told.String(), "WRONG\n"); n != c.wrong {
				t.Errorf("%d steps are told as wrong, want %d", n, c.wrong)
			}
			for _, part := range c.says {
				if !strings.Contains(told.String(), part) {
					t.Errorf("not told: %s", part)
				}
			}
			if strings.Contains(told.String(), "PLANTED") {
				t.Error("a secret is told")
			}
			if t.Failed() {
				t.Log(told.String())
			}
		})
	}
}

// TestGivenUp: a reader who leaves ends the story at once.
func TestGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	world := everywhere(t, func(http.ResponseWriter, *http.Request) {
		asked++
		cancel()
		panic(http.ErrAbortHandler)
	})
	if err := Play(ctx, &bytes.Buffer{}, world); !errors.Is(err, context.Canceled) || asked != 1 {
		t.Errorf("%v after %d requests", err, asked)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestNobodyReads: a story that could not be told does not end as told.
func TestNobodyReads(t *testing.T) {
	p := printer{w: full{}}
	p.step(1, step{want: 200}, result{status: 200}, nil)
	if p.err == nil {
		t.Error("the writer's error is forgotten")
	}
	err := Play(t.Context(), full{}, everywhere(t, func(http.ResponseWriter, *http.Request) {}))
	if err == nil {
		t.Error("no error")
	}
}

// TestKeysDoNotPrint in any of fmt's ways.
func TestKeysDoNotPrint(t *testing.T) {
	k := NewKeys("AKIAX", "PLANTED", "PLANTED")
	text := fmt.Sprintf("%v %+v %#v %s %q %v", k, k, k, k, k, []*Keys{&k})
	text += fmt.Sprintf("%v %+v %#v", World{Billing: k}, &World{Billing: k}, World{Billing: k})
	if strings.Contains(text, "PLANTED") || !strings.Contains(text, "AKIAX") {
		t.Error(text)
	}
}

// TestStep: a step goes as told only with its status, its words and no error.
func TestStep(t *testing.T) {
	var got []bool
	for _, c := range []struct {
		r   result
		err error
	}{
		{result{status: 200, body: "a word b"}, nil},
		{result{status: 201, body: "a word b"}, nil},
		{result{status: 200, body: "b"}, nil},
		{result{status: 200, body: "a word b"}, errors.New("late")},
		{result{}, nil},
	} {
		got = append(got, (&printer{w: &bytes.Buffer{}}).step(1, step{want: 200, says: "word"}, c.r, c.err))
	}
	if diff := cmp.Diff([]bool{true, false, false, false, false}, got); diff != "" {
		t.Error(diff)
	}
}
