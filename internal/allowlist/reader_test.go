package allowlist_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/credvend/credvend/internal/allowlist"
)

// agree holds the quick reader against encoding/json: what it is sure of must
// be accepted there too, and mean the same.
func agree(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, text string) (sure bool) {
	t.Helper()
	if !utf8.ValidString(text) {
		return false // Parse looks first
	}
	quick, sure := allowlist.Read(text)
	if !sure {
		return false
	}
	doc, err := allowlist.ParseAny([]byte(text))
	if err != nil || !reflect.DeepEqual(quick, doc) {
		t.Fatalf("%q\nreads as  %+v\nencoding/json: %+v, %v", text, quick, doc, err)
	}
	return true
}

func FuzzParse(f *testing.F) {
	f.Add(plain)
	f.Add(string(story().JSON()))
	for _, s := range strings.SplitAfter(plain, ",") {
		f.Add(strings.Replace(plain, s, s+s, 1))
		f.Add(strings.Replace(plain, s, "", 1))
	}
	f.Add(`{"version":1,"targets":{"t":{"role":"r","api":"a","endpoint":"e","external_id":"x","default_duration":"1h","max_duration":"1h","require_routes":true,"source_identity":true,"session_tags":false}},"callers":{"c":{"iam":{"role":"r","role_id":"i","user":"u","user_id":"i","account":"1"},"tags":{"k":"v"}}},"rules":[{"id":"i","effect":"deny","callers":[],"target":"t"}]}`)
	f.Add(`{"version":1,"targets":{},"callers":{"\ud800":{}},"rules":[]}`)
	f.Add(`{"version":1,"targets":{"\`)
	f.Fuzz(func(t *testing.T, text string) {
		agree(t, text)
		doc, err := allowlist.Parse([]byte(text))
		if (doc == nil) == (err == nil) {
			t.Fatalf("%q: %v beside %v", text, doc, err)
		}
	})
}

// Documents are written, laid out anew, and damaged at a random place. The
// quick reader takes every whole one, or lists would load slowly.
func TestReaderProperty(t *testing.T) {
	var damagedAndSure int
	rapid.Check(t, func(t *rapid.T) {
		doc := drawDocument(t, "version")
		doc.Version = allowlist.Version
		canonical := string(doc.JSON())
		laidOut := layout(rapid.Uint64().Draw(t, "layout"), canonical)
		for _, text := range []string{canonical, laidOut} {
			// Lists that are there and empty are left to encoding/json.
			if !agree(t, text) && !strings.Contains(text, `""`) {
				t.Fatalf("the reader is not sure of %s", text)
			}
			for range 20 {
				if agree(t, damage(t, text)) {
					damagedAndSure++
				}
			}
		}
	})
	if damagedAndSure == 0 {
		t.Error("no damaged document was read: the test tries nothing")
	}
}

// layout writes JSON with other space, and its members in another order.
func layout(seed uint64, text string) string {
	r := rand.New(rand.NewPCG(seed, 0))
	space := func() string { return []string{"", " ", "\n\t", "\r\n  "}[r.IntN(4)] }
	var write func(b *strings.Builder, v any)
	write = func(b *strings.Builder, v any) {
		b.WriteString(space())
		defer func() { b.WriteString(space()) }()
		comma := ""
		switch v := v.(type) {
		case map[string]any:
			b.WriteByte('{')
			keys := slices.Sorted(maps.Keys(v))
			r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
			for _, key := range keys {
				b.WriteString(comma + space())
				name, _ := json.Marshal(key)
				b.Write(name)
				b.WriteString(space() + ":")
				write(b, v[key])
				comma = ","
			}
			b.WriteByte('}')
		case []any:
			b.WriteByte('[')
			for _, item := range v {
				b.WriteString(comma)
				write(b, item)
				comma = ","
			}
			b.WriteByte(']')
		default:
			scalar, _ := json.Marshal(v)
			b.Write(scalar)
		}
	}
	var v any
	_ = json.Unmarshal([]byte(text), &v)
	var b strings.Builder
	write(&b, v)
	return b.String()
}

// damage changes a letter or two of text, or repeats or drops a part.
func damage(t *rapid.T, text string) string {
	at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
	until := rapid.IntRange(at, min(at+12, len(text))).Draw(t, "until")
	with := rapid.SampledFrom([]string{"", `"`, `\`, "{", "}", "[", "]", ",", ":", " ", "null", "true", "false", "1", "0", "-", ".", "e", "a", `""`, `\u0061`, `\ud800`, "\x00", "\x7f", "é", text[at:until] + text[at:until]}).Draw(t, "with")
	return text[:at] + with + text[until:]
}

// The canonical form is that of encoding/json, to the byte.
func TestWriterProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := drawDocument(t, "version")
		if rapid.Bool().Draw(t, "zero") {
			doc.Targets = nil
			doc.Callers["jwt"] = allowlist.Caller{JWT: &allowlist.JWTCaller{Claims: map[string][]string{"none": nil, "empty": {}}}}
			doc.Rules = append(doc.Rules, allowlist.Rule{}, allowlist.Rule{ID: "\xff\x00\t\u2028", Routes: []string{}, MaxDuration: "15m"})
		}
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(doc); err != nil {
			t.Fatal(err)
		}
		if got := doc.JSON(); !bytes.Equal(got, want.Bytes()) {
			t.Fatalf("got  %s\nwant %s", got, want.Bytes())
		}
	})
	long := story()
	for range 1000 { // more than is written at once
		long.Rules = append(long.Rules, long.Rules[0])
	}
	want, err := json.Marshal(long)
	if err != nil || string(long.JSON()) != string(want)+"\n" {
		t.Errorf("a long document: %v", err)
	}
}
