package gateway_test

import (
	"bytes"
	"testing"

	"github.com/credvend/credvend/internal/gateway"
)

// FuzzEncode holds the answer's encoding against encoding/json's, byte for
// byte.
func FuzzEncode(f *testing.F) {
	for _, s := range []string{
		"", `{"a":"b\\c"}`, `"`, `\`, "\x00\b\t\n\f\r\x1f", "\x7f", "<&>", "\u00e9\u2028\u2029\U0001f600", "\xff", "\xed\xa0\x80", `a\"é`,
	} {
		f.Add(200, "Retry-After", s, s, false)
		f.Add(0, s, "1", "{}", true)
	}
	f.Fuzz(func(t *testing.T, status int, name, value, body string, base64 bool) {
		ours, theirs, err := gateway.Encoded(status, map[string]string{"Content-Type": "application/json", name: value, "Allow": "GET"}, body, base64)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(ours, theirs) {
			t.Errorf("got\n%s\nwant\n%s", ours, theirs)
		}
	})
}
