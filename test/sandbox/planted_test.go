package main_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// reply is an answer on its way back.
type reply struct {
	request *http.Request
	status  int
	header  http.Header
	body    []byte
}

// otherwise stands in front of a service and changes its answers, as AWS would
// if it were otherwise. The request goes through as it is, its Host included:
// that is what was signed.
func otherwise(t *testing.T, service string, change func(*reply)) string {
	t.Helper()
	u, err := url.Parse(service)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = u.Scheme, u.Host, r.In.Host
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
		},
		ModifyResponse: func(r *http.Response) error {
			text, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			a := reply{r.Request, r.StatusCode, r.Header, text}
			change(&a)
			r.StatusCode, r.Body = a.status, io.NopCloser(bytes.NewReader(a.body))
			if r.Request.Method != http.MethodHead {
				r.ContentLength = int64(len(a.body))
				r.Header.Set("Content-Length", strconv.Itoa(len(a.body)))
			}
			return nil
		},
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return server.URL + u.Path
}

func status(from, to int) func(*reply) {
	return func(a *reply) {
		if a.status == from {
			a.status = to
		}
	}
}

func body(from, to string) func(*reply) {
	return func(a *reply) { a.body = bytes.ReplaceAll(a.body, []byte(from), []byte(to)) }
}

// header changes a header that is there; "" removes it.
func header(name, value string) func(*reply) {
	return func(a *reply) {
		switch {
		case value == "":
			a.header.Del(name)
		case a.header.Get(name) != "":
			a.header.Set(name, value)
		}
	}
}

// TestPlanted: whatever part of an answer is otherwise, the suite says so.
func TestPlanted(t *testing.T) {
	t.Parallel()
	_, env := start(t)
	for name, c := range map[string]struct {
		variable, only string
		change         func(*reply)
		differs        []string
		says           string
	}{
		"HTTP API: another body":           {"CREDVEND_URL", `^http-api\.(unsigned|signed)$`, body(`{"message":"Forbidden"}`, `{"message":"forbidden"}`), []string{"http-api.unsigned"}, `observed: 403 application/json {"message":"forbidden"}`},
		"HTTP API: another status":         {"CREDVEND_URL", `^http-api\.(wrong-region|signed)$`, status(403, 401), []string{"http-api.wrong-region"}, "observed: 401 application/json"},
		"HTTP API: another type":           {"CREDVEND_URL", `^http-api\.unsigned$`, header("Content-Type", "text/plain"), []string{"http-api.unsigned"}, "observed: 403 text/plain"},
		"REST API: another error type":     {"CREDVEND_REST_URL", `^rest-api\.(unsigned|signed)$`, header("X-Amzn-Errortype", "AccessDeniedException"), []string{"rest-api.unsigned"}, "X-Amzn-Errortype=AccessDeniedException"},
		"REST API: no error type":          {"CREDVEND_REST_URL", `^rest-api\.wrong-service$`, header("X-Amzn-Errortype", ""), []string{"rest-api.wrong-service"}, "X-Amzn-Errortype=-"},
		"function URL: another text":       {"CREDVEND_FUNCTION_URL", `^function-url\.(unsigned|wrong-secret)$`, body("Forbidden. For troubleshooting", "Forbidden! For troubleshooting"), []string{"function-url.unsigned"}, "Forbidden! For"},
		"function URL: message, lower":     {"CREDVEND_FUNCTION_URL", `^function-url\.unsigned$`, body(`"Message"`, `"message"`), []string{"function-url.unsigned"}, "observed: 403"},
		"JWT: as it is":                    {"CREDVEND_JWT_URL", `^jwt\.(expired|token)$`, body("x", "x"), nil, ""},
		"JWT: the header without a reason": {"CREDVEND_JWT_URL", `^jwt\.(expired|no-token)$`, header("Www-Authenticate", "Bearer"), []string{"jwt.expired"}, "Www-Authenticate=Bearer {"},
		"JWT: no header":                   {"CREDVEND_JWT_URL", `^jwt\.no-token$`, header("Www-Authenticate", ""), []string{"jwt.no-token"}, "Www-Authenticate=-"},
		"STS: another code":                {"AWS_ENDPOINT_URL_STS", `^(limits\.duration-899|sts\.identity)$`, body("<Code>ValidationError<", "<Code>InvalidParameterValue<"), []string{"limits.duration-899"}, "observed: 400 text/xml Sender InvalidParameterValue:"},
		"STS: another text":                {"AWS_ENDPOINT_URL_STS", `^limits\.name-colon$`, body("[\\w+=,.@-]*", "[\\w+=,.@-]+"), []string{"limits.name-colon"}, "observed: 400"},
		"Account A: lets everybody in":     {"CREDVEND_TARGET_URL", `^target\.(unsigned|allowed)$`, status(403, 200), []string{"target.unsigned"}, "observed: 200"},
		"Account A: refuses what it may":   {"CREDVEND_TARGET_URL", `^target\.(unsigned|allowed)$`, status(200, 403), []string{"target.allowed"}, "observed: 403"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			planted := map[string]string{c.variable: ""}
			for name, value := range env {
				planted[name] = value
			}
			planted[c.variable] = otherwise(t, env[c.variable], c.change)
			o := run(t, planted, "-run", c.only)
			if got := o.differing(); !slices.Equal(got, c.differs) || (o.code == 1) != (len(c.differs) > 0) || !strings.Contains(o.stdout, c.says) {
				t.Errorf("exit code %d, differing %q, want %q with %q\n%s%s", o.code, got, c.differs, c.says, o.stdout, o.stderr)
			}
			for _, id := range c.differs {
				if !strings.Contains(o.stdout, "DIFFERS  "+id+" ") {
					t.Errorf("no line says that %s differs", id)
				}
			}
		})
	}
}

// TestPlantedFacts: a fact that is otherwise is reported as such, by the check
// that saw it; a check that saw nothing leaves it open.
func TestPlantedFacts(t *testing.T) {
	t.Parallel()
	_, env := start(t)
	target, door := env["CREDVEND_TARGET_URL"], env["CREDVEND_URL"]
	env["CREDVEND_TARGET_URL"] = otherwise(t, target, func(a *reply) {
		switch {
		case strings.Contains(a.request.URL.EscapedPath(), "%34"): // IAM judges the raw path
			a.status = http.StatusForbidden
		case a.request.Method == "PROPFIND": // API Gateway routes it
			a.status = http.StatusOK
		}
	})
	env["CREDVEND_URL"] = otherwise(t, door, func(a *reply) {
		if a.status == http.StatusForbidden { // no clock at all
			a.status = http.StatusOK
		}
	})
	o := run(t, env)
	if o.code != 1 {
		t.Errorf("exit code %d", o.code)
	}
	for id, want := range map[string][2]string{
		"path-form":     {"otherwise", "path.escaped-letters: expected 200, observed 403"},
		"other-methods": {"otherwise", "target.odd-method: expected 404"},
		"clock-window":  {"otherwise", "http-api.clock-window: expected 290 s early taken, 310 s early refused"},
		"sts-quota":     {"open", "not tried"},
		"org-id":        {"open", "set CREDVEND_SANDBOX_EVENT_URL"},
	} {
		if verdict, says := o.fact(t, id); verdict != want[0] || !strings.Contains(says, want[1]) {
			t.Errorf("%s is %s: %s\nwant %s: …%s…", id, verdict, says, want[0], want[1])
		}
	}
}

// TestHalfAMeasurement: what was not seen everywhere is not settled.
func TestHalfAMeasurement(t *testing.T) {
	t.Parallel()
	_, env := start(t)
	delete(env, "CREDVEND_REST_URL")
	o := run(t, env)
	if o.code != 0 {
		t.Errorf("exit code %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	for id, want := range map[string]string{
		"clock-window":  "rest-api.clock-window: set CREDVEND_SANDBOX_REST_URL",
		"other-methods": "role.odd-method: set CREDVEND_SANDBOX_ROLE",
	} {
		if verdict, says := o.fact(t, id); verdict != "in part" || !strings.Contains(says, want) {
			t.Errorf("%s is %s: %s\nwant in part: %s", id, verdict, says, want)
		}
	}
}

// TestNothingIsEchoed: an answer that shows what was sent, secrets included, is
// not shown.
func TestNothingIsEchoed(t *testing.T) {
	t.Parallel()
	stack, env := start(t)
	for _, name := range []string{"CREDVEND_REST_URL", "CREDVEND_JWT_URL", "CREDVEND_TARGET_URL"} {
		env[name] = otherwise(t, env[name], func(a *reply) {
			a.status = http.StatusTeapot
			shown := a.request.Header.Get("X-Amz-Security-Token") + " " + a.request.Header.Get("Authorization") + " " + a.request.URL.RawQuery
			body("{", "{ "+shown+" ")(a)
		})
	}
	o := run(t, env, "-run", `^(rest-api|jwt|target)\.`)
	if o.code != 1 || !strings.Contains(o.stdout, "(withheld)") {
		t.Errorf("exit code %d, and nothing withheld\n%s", o.code, o.stdout)
	}
	for name, session := range stack.World.Profiles {
		// A part of it: what is shown is cut short.
		_, _, token := session.Reveal()
		for _, form := range []string{token, url.QueryEscape(token)} {
			if strings.Contains(o.stdout+o.saved, form[len(form)/4:len(form)/2]) {
				t.Errorf("the token of %s is shown", name)
			}
		}
	}
	for _, part := range []string{"eyJ", `"SecretAccessKey"`} {
		for line := range strings.Lines(o.stdout + o.saved) {
			if i := strings.Index(line, part); i >= 0 && !strings.Contains(line[i:], "(withheld)") {
				t.Errorf("it shows %q", line)
			}
		}
	}
}

// TestUnreachable: no answer is a difference, and says so.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	_, env := start(t)
	gone := httptest.NewServer(http.NotFoundHandler())
	env["CREDVEND_URL"] = gone.URL
	gone.Close()
	o := run(t, env, "-run", `^(http-api\.unsigned|target\.allowed)$`)
	if o.code != 1 || !strings.Contains(o.stdout, "observed: none: ") || !strings.Contains(o.stdout, "no credentials were vended") {
		t.Errorf("exit code %d\n%s%s", o.code, o.stdout, o.stderr)
	}
}
