package api_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/credvend/credvend/api"
)

func TestDecodeCredentialsRequest(t *testing.T) {
	for body, want := range map[string]api.CredentialsRequest{
		`{"target":"orders"}`:                               {Target: "orders"},
		" {\n\"target\" :\t\"orders\" \r\n} ":               {Target: "orders"},
		`{"routes":["GET /a","* /b/*"],"target":"orders"}`:  {Target: "orders", Routes: []string{"GET /a", "* /b/*"}},
		`{"target":"orders","durationSeconds":900}`:         {Target: "orders", DurationSeconds: 900},
		`{"durationSeconds": 3600 ,"target":"\u006frders"}`: {Target: "orders", DurationSeconds: 3600},
		`{"target":""}`: {},
		`{"target":"a","routes":["GET /a","GET /a","x"]}`:              {Target: "a", Routes: []string{"GET /a", "GET /a", "x"}},
		`{"target":"a","routes":[ "GET /a" ] ,"durationSeconds":1801}`: {Target: "a", Routes: []string{"GET /a"}, DurationSeconds: 1801},
	} {
		got, err := api.DecodeCredentialsRequest([]byte(body))
		if err != nil || got.Target != want.Target || !slices.Equal(got.Routes, want.Routes) || got.DurationSeconds != want.DurationSeconds {
			t.Errorf("%s: %+v %v, want %+v", body, got, err, want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	const (
		object   = "must be a JSON object"
		notJSON  = "is not JSON"
		list     = "must be a list of strings"
		duration = "from 900 to 3600"
	)
	for body, want := range map[string]string{
		``: object, ` `: object, `null`: object, `[]`: object, `"target"`: object, `1`: object, `}`: object, "\ufeff{}": object, `target=orders`: object,
		`{`: notJSON, `{"target"`: notJSON, `{"target":`: notJSON, `{"target":"a"`: notJSON, `{"target":"a",}`: notJSON, `{target:"a"}`: notJSON,
		`{'target':'a'}`: notJSON, `{"target":"a";}`: notJSON, `{"target":"a" "routes":["x"]}`: notJSON, `{"target" "a"}`: notJSON, `{,"target":"a"}`: notJSON,
		`{"target":"a"/**/}`: notJSON, `{"target":tru}`: notJSON, `{1:2}`: notJSON, "{\"target\":\"a\nb\"}": notJSON, `{"target":"\x"}`: notJSON,
		`{"target":"a"}x`: "text after", `{"target":"a"}{}`: "text after", `{"target":"a"}}`: "text after", `{"target":"a"} null`: "text after",
		`{}`: "names no target", `{"routes":["GET /a"]}`: "names no target",
		`{"target":"a","target":"a"}`: `"target" twice`, `{"target":"a","\u0074arget":"b"}`: `"target" twice`,
		`{"target":"a","durationSeconds":900,"durationSeconds":900}`: "twice",
		`{"target":"a","TARGET":"b"}`:                                `unknown field "TARGET"`, `{"target":"a","duration_seconds":900}`: "unknown field", `{"":1}`: `unknown field ""`,
		`{"` + strings.Repeat("x", 500) + `":1}`: "unknown field", "{\"\u202e\":1}": `unknown field "\u202e"`,
		`{"target":null}`: "must be a string", `{"target":1}`: "must be a string", `{"target":["a"]}`: "must be a string", `{"target":true}`: "must be a string",
		`{"target":"a","routes":null}`: list, `{"target":"a","routes":"GET /a"}`: list, `{"target":"a","routes":{}}`: list, `{"target":"a","routes":[1]}`: list,
		`{"target":"a","routes":[null]}`: list, `{"target":"a","routes":["GET /a",["GET /b"]]}`: list, `{"target":"a","routes":[]}`: "leave it out",
		`{"target":"a","durationSeconds":0}`: duration, `{"target":"a","durationSeconds":899}`: duration, `{"target":"a","durationSeconds":3601}`: duration,
		`{"target":"a","durationSeconds":-900}`: duration, `{"target":"a","durationSeconds":900.0}`: duration, `{"target":"a","durationSeconds":9e2}`: duration,
		`{"target":"a","durationSeconds":"900"}`: duration, `{"target":"a","durationSeconds":null}`: duration, `{"target":"a","durationSeconds":[]}`: duration,
		`{"target":"a","durationSeconds":99999999999999999999}`: duration,
		"{\"target\":\"\xff\"}":                                 "not UTF-8", "\xff\xfe{\x00}\x00": "not UTF-8", "{\"target\":\"\xed\xa0\x80\"}": "not UTF-8",
	} {
		got, err := api.DecodeCredentialsRequest([]byte(body))
		if err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 200 {
			t.Errorf("%q: %+v %v, want an error with %q", body, got, err, want)
		}
	}
}

func TestParseDurationSeconds(t *testing.T) {
	for s, want := range map[string]int{"900": 900, "3600": 3600, "1000": 1000} {
		if got, err := api.ParseDurationSeconds(s); got != want || err != nil {
			t.Errorf("%q: %d %v", s, got, err)
		}
	}
	for _, s := range []string{"", "0", "0900", "+900", "-900", " 900", "900 ", "9e2", "900s", "15m", "899", "3601", "9999", "10000", "٩٠٠", "0x384", "1_00"} {
		if got, err := api.ParseDurationSeconds(s); got != 0 || err == nil {
			t.Errorf("%q: %d %v", s, got, err)
		}
	}
}
