package api_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/credvend/credvend/api"
)

// wire is api.Credentials with its secrets in plain text, as encoding/json
// would write them.
type wire struct {
	Version         int
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Token           string
	Expiration      time.Time
	AccountID       string `json:"AccountId"`
	RoleARN         string `json:"RoleArn"`
	Grant           api.Grant
}

// TestWireHasEveryField: a new field of the answer must not be forgotten by
// Encode, which the next test would not notice if wire forgot it too.
func TestWireHasEveryField(t *testing.T) {
	ours, theirs := reflect.TypeFor[api.Credentials](), reflect.TypeFor[wire]()
	if ours.NumField() != theirs.NumField() {
		t.Fatalf("%d fields, %d here", ours.NumField(), theirs.NumField())
	}
	for i := range ours.NumField() {
		if a, b := ours.Field(i), theirs.Field(i); a.Name != b.Name || a.Tag != b.Tag {
			t.Errorf("field %s %s, here %s %s", a.Name, a.Tag, b.Name, b.Tag)
		}
	}
}

// FuzzEncode holds Encode against encoding/json, byte for byte. Every field
// gets a value of its own, so that none can stand in another's place.
func FuzzEncode(f *testing.F) {
	for _, s := range []string{"", "a", `"\\`, "<", ">", "&", "\x00\n\x1f\x7f", "\u00e9\u2028\U0001f600", "\xff"} {
		f.Add(s, s, 1, int64(1795435200), int64(0), 3)
	}
	f.Add("x", "y", 1, int64(1795435200), int64(0), 0) // lists of none at all
	f.Add("x", "y", -1, int64(1e15), int64(0), 0)
	f.Add("x", "y", 0, int64(0), int64(123456789), 1)
	f.Fuzz(func(t *testing.T, s, secret string, n int, seconds, nanos int64, routes int) {
		i := 0
		text := func() string { i++; return s + string(rune('A'+i)) }
		number := func() int { i++; return n + i }
		moment := func() time.Time { i++; return time.Unix(seconds+int64(i), nanos%1e9).UTC() }
		list := func() []string {
			i++
			if routes%(i+1) == 0 {
				return nil
			}
			all := []string{}
			for range uint(routes+i) % 4 {
				all = append(all, text())
			}
			return all
		}
		w := wire{
			Version: number(), AccessKeyID: text(), SecretAccessKey: secret + "1", SessionToken: secret + "2", Token: secret + "3",
			Expiration: moment(), AccountID: text(), RoleARN: text(),
			Grant: api.Grant{
				RequestID: text(), Receipt: text(), Reused: n%2 == 0, Caller: text(), Target: text(), Endpoint: text(), Region: text(),
				Routes: list(), DeniedRoutes: list(), Rules: list(),
				RequestedSeconds: number(), GrantedSeconds: number(), DurationLimitedBy: text(),
				RefreshAfter: moment(), ServerTime: moment(), PackedPolicyPercent: number(),
			},
		}
		want, wantErr := json.Marshal(w)
		got, err := api.Credentials{
			Version: w.Version, AccessKeyID: w.AccessKeyID, SecretAccessKey: api.NewSecret(w.SecretAccessKey),
			SessionToken: api.NewSecret(w.SessionToken), Token: api.NewSecret(w.Token),
			Expiration: w.Expiration, AccountID: w.AccountID, RoleARN: w.RoleARN, Grant: w.Grant,
		}.Encode()
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%v, want %v", err, wantErr)
		}
		if err != nil && got != nil {
			t.Fatalf("%s beside %v", got, err)
		}
		if err == nil && !bytes.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		var back api.Credentials
		if err == nil && json.Unmarshal(got, &back) != nil {
			t.Error("it does not read again")
		}
	})
}
