package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/credvend/credvend/api"
)

// FuzzDecodeCredentialsRequest: what the strict decoder accepts, encoding/json
// reads in the same way, to the last byte.
func FuzzDecodeCredentialsRequest(f *testing.F) {
	for _, seed := range []string{
		`{"target":"orders"}`, `{"target":"orders","routes":["GET /orders/*"],"durationSeconds":1800}`, ` { "durationSeconds" : 900 , "target":"a" } `,
		`{"target":"a","target":"b"}`, `{"Target":"a"}`, `{"t\u0061rget":"a"}`, `{"target":"a"}{}`, `{"target":"a","durationSeconds":1e3}`,
		`{"target":"\ud800"}`, `null`, `[]`, `{"target":"a",}`, "{\"target\":\"\xff\"}", `{"target" "a"}`, `{"target":"a" "routes":[]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := api.DecodeCredentialsRequest(body)
		if err != nil {
			if !utf8.ValidString(err.Error()) || len(err.Error()) > 500 {
				t.Errorf("the text is not for a caller: %q", err)
			}
			return
		}
		var want api.CredentialsRequest
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&want); err != nil {
			t.Fatalf("encoding/json refuses it: %v", err)
		}
		if _, err := dec.Token(); !errors.Is(err, io.EOF) {
			t.Error("there is text behind it")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("encoding/json reads it otherwise:\n%s", diff)
		}
		again, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := api.DecodeCredentialsRequest(again); err != nil || !cmp.Equal(back, got) {
			t.Errorf("what clients would send reads otherwise: %v %+v", err, back)
		}
		if d := got.DurationSeconds; d != 0 && (d < api.MinDurationSeconds || d > api.MaxDurationSeconds) {
			t.Errorf("duration %d", d)
		}
	})
}
