package main

import (
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/invoke"
)

// TestEvents: the real bootstrap answers each event as the file beside it says.
func TestEvents(t *testing.T) {
	program := bootstrap(t)
	for _, c := range cases(t) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			check(t, invoke.Options{Events: eventsDir, Bootstrap: program}, c)
		})
	}
}

// TestEventsUnderRIE: the same under AWS's own Runtime Interface Emulator, which
// is not to be had from a registry. RIE=PATH or the PATH names it.
func TestEventsUnderRIE(t *testing.T) {
	emulator := os.Getenv("RIE")
	if emulator == "" {
		var err error
		if emulator, err = exec.LookPath("aws-lambda-rie"); err != nil {
			t.Skip("NOT RUN: AWS's Runtime Interface Emulator is not here. Put aws-lambda-rie on the PATH, or give RIE=PATH: https://github.com/aws/aws-lambda-runtime-interface-emulator/releases")
		}
	}
	emulator, err := filepath.Abs(emulator)
	if err != nil {
		t.Fatal(err)
	}
	program := bootstrap(t)
	for _, c := range cases(t) {
		t.Run(c.Name, func(t *testing.T) {
			check(t, invoke.Options{Events: eventsDir, Bootstrap: program, Emulator: emulator}, c)
		})
	}
}

func check(t *testing.T, o invoke.Options, c invoke.Case) {
	t.Helper()
	if c.Want == nil {
		t.Fatalf("nothing is expected of it: write %s.want.json", c.Name)
	}
	r, err := invoke.Run(t.Context(), o, c)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range r.Differs {
		t.Error(d)
	}
}

// TestEveryAnswerHasAnEvent: each door is told of, and each status of the
// service's one table but that of the unforeseen.
func TestEveryAnswerHasAnEvent(t *testing.T) {
	byStatus := map[int]int{}
	names := map[string]bool{}
	for _, c := range cases(t) {
		byStatus[c.Want.Status]++
		names[c.Name] = true
	}
	for _, status := range []int{
		http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
		http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
		http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable,
	} {
		if byStatus[status] == 0 {
			t.Errorf("no event is answered with %d", status)
		}
	}
	for _, door := range []string{"http-api-iam", "http-api-jwt", "function-url", "rest-api-iam"} {
		for _, ask := range []string{"vend", "vend-get", "targets", "whoami"} {
			if !names[door+"-"+ask] {
				t.Errorf("there is no event %s-%s", door, ask)
			}
		}
	}
}

// TestDoors: env.json names the doors of the events, as their kinds, and no
// other; events of unknown doors are of unknown doors.
func TestDoors(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(eventsDir, "env.json"))
	if err != nil {
		t.Fatal(err)
	}
	doors, err := identity.ParseDoors(at(parse(t, text), "VendFunction")["CREDVEND_FRONT_DOORS"].(string))
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]identity.Kind{"http-api-iam": identity.IAM, "http-api-jwt": identity.JWT, "function-url": identity.IAM, "rest-api-iam": identity.RESTIAM}
	used := map[string]bool{}
	for _, c := range cases(t) {
		rc := at(parse(t, c.Event), "requestContext")
		name := rc["apiId"].(string)
		if strings.Contains(rc["domainName"].(string), ".lambda-url.") {
			name = "url:" + name
		}
		door, known := doors[name]
		unknown := slices.Contains([]string{"http-api-iam-unknown-api", "function-url-unknown", "rest-api-iam-unknown-api"}, c.Name)
		if known == unknown {
			t.Errorf("%s: its door %s: in env.json %v, want %v", c.Name, name, known, !unknown)
		}
		for prefix, kind := range kinds {
			if known && strings.HasPrefix(c.Name, prefix) && door.Kind != kind {
				t.Errorf("%s: its door %s is %s in env.json, want %s", c.Name, name, door.Kind, kind)
			}
		}
		used[name] = true
	}
	for name := range doors {
		if !used[name] {
			t.Errorf("env.json names the door %s, of which there is no event", name)
		}
	}
}

// canonical are the events that the local gateways make, whose own tests hold
// them to AWS's documentation.
var canonical = map[string]string{
	"http-api-iam": "http_iam.json", "http-api-jwt": "http_jwt.json", "function-url": "function_url.json", "rest-api-iam": "rest_iam.json",
}

// bent are events that no gateway of their door sends: that is what they are
// for.
var bent = []string{
	"http-api-iam-jwt-event", "http-api-iam-no-authorizer", "http-api-iam-payload-1.0", "http-api-jwt-iam-event", "http-api-jwt-no-claims",
	"function-url-forged-header", "rest-api-iam-authorizer", "rest-api-iam-no-identity",
}

// optional fields are there if the request gave cause.
var optional = []string{"body", "cookies", "pathParameters", "queryStringParameters", "stageVariables", "claims", "headers", "multiValueHeaders", "multiValueQueryStringParameters"}

// TestShapes: every event has the fields of its door, and fields of their types.
func TestShapes(t *testing.T) {
	for _, c := range cases(t) {
		if slices.Contains(bent, c.Name) {
			continue
		}
		for prefix, file := range canonical {
			if !strings.HasPrefix(c.Name, prefix) {
				continue
			}
			text, err := os.ReadFile(filepath.Join("../../internal/local/apigw/testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range shape("", parse(t, c.Event), parse(t, text)) {
				t.Errorf("%s: %s", c.Name, d)
			}
		}
	}
}

// shape compares two events by fields and types. null goes for anything: the
// gateways write it for what does not apply.
func shape(where string, got, want object) (all []string) {
	names := slices.Concat(slices.Collect(maps.Keys(got)), slices.Collect(maps.Keys(want)))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if slices.Contains(optional, name) {
			continue
		}
		g, has := got[name]
		w, should := want[name]
		if has != should {
			all = append(all, where+name+": one has it and one has not")
			continue
		}
		if g == nil || w == nil {
			continue
		}
		gotObject, isObject := g.(object)
		wantObject, shouldBe := w.(object)
		switch {
		case isObject && shouldBe:
			all = append(all, shape(where+name+".", gotObject, wantObject)...)
		case kind(g) != kind(w):
			all = append(all, where+name+": of another type")
		}
	}
	return all
}

func kind(v any) string {
	switch v.(type) {
	case string:
		return "text"
	case float64:
		return "number"
	case bool:
		return "truth"
	case []any:
		return "list"
	case object:
		return "object"
	default:
		return "null"
	}
}
