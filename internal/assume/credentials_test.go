package assume

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const (
	plantedSecret = "PLANTED/secret+key/0123456789"
	plantedToken  = "PLANTEDsessiontoken0123456789=="
)

// TestCredentialsNeverPrint throws every verb and encoder at credentials, in
// every place that a struct can hold them.
func TestCredentialsNeverPrint(t *testing.T) {
	c := NewCredentials("ASIAEXAMPLE", plantedSecret, plantedToken)
	issued := Issued{Credentials: c, Receipt: "r"}
	type hidden struct{ c Credentials }
	type hiddenPointer struct{ c *Credentials }
	type hiddenIssued struct {
		n      int
		issued Issued
		more   []Issued
		m      map[string]hidden
	}
	type embedding struct{ Issued }
	values := map[string]any{
		"value":           c,
		"pointer":         &c,
		"issued":          issued,
		"issued pointer":  &issued,
		"exported field":  struct{ C Credentials }{c},
		"hidden":          hidden{c},
		"hidden pointer":  &hiddenPointer{&c},
		"slice":           []Credentials{c},
		"map":             map[string]*Issued{"x": &issued},
		"deep":            hiddenIssued{1, issued, []Issued{issued}, map[string]hidden{"k": {c}}},
		"deep pointer":    &hiddenIssued{1, issued, []Issued{issued}, map[string]hidden{"k": {c}}},
		"interface":       []any{c, &c, issued, hidden{c}},
		"error":           fmt.Errorf("failed on %v %w", issued, errors.New("x")),
		"flight":          flight{issued: issued},
		"pool entry":      &entry{"k", issued},
		"anonymous":       embedding{issued},
		"double pointer":  func() any { p := &c; return &p }(),
		"array":           [1]Issued{issued},
		"channel payload": struct{ c any }{c},
	}
	for name, v := range values {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			for _, verb := range "vTtbcdoOqxXUeEfFgGsp" {
				for _, flags := range []string{"", "+", "#", " ", "-20", "020", ".3"} {
					fmt.Fprintf(&out, "%"+flags+string(verb)+"\n", v)
				}
			}
			fmt.Fprintln(&out, v)
			j, err := json.Marshal(v)
			out.Write(j)
			fmt.Fprintln(&out, err)
			x, err := xml.Marshal(v)
			out.Write(x)
			fmt.Fprintln(&out, err)
			for _, h := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
				slog.New(h).With("with", v).WithGroup("g").Info("m", "v", v, slog.Any("a", v))
			}
			for _, secret := range []string{plantedSecret, plantedToken, "PLANTED"} {
				for _, form := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), fmt.Sprintf("% x", secret), strings.Trim(fmt.Sprintf("%v", []byte(secret)), "[]")} {
					if strings.Contains(out.String(), form) {
						t.Fatalf("prints %q", form)
					}
				}
			}
		})
	}
}

func TestCredentialsAccessors(t *testing.T) {
	c := NewCredentials("ASIAEXAMPLE", plantedSecret, plantedToken)
	if c.AccessKeyID() != "ASIAEXAMPLE" || c.SecretAccessKey() != plantedSecret || c.SessionToken() != plantedToken {
		t.Error("accessors do not return what was put in")
	}
	var zero Credentials
	if zero.AccessKeyID()+zero.SecretAccessKey()+zero.SessionToken() != "" {
		t.Error("zero credentials are not empty")
	}
	if got := fmt.Sprint(zero, c.String(), c.GoString()); strings.Count(got, redacted) != 3 {
		t.Errorf("got %q", got)
	}
}

func TestRefreshAfter(t *testing.T) {
	start := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		life := time.Duration(rapid.IntRange(900, 3600).Draw(t, "life")) * time.Second
		key := rapid.String().Draw(t, "key")
		issued := Issued{IssuedAt: start, Expiration: start.Add(life)}
		at := RefreshAfter(issued, key)
		if at.Before(start.Add(life*2/5-time.Second)) || at.After(start.Add(life*3/5)) {
			t.Fatalf("life %v: refresh after %v", life, at.Sub(start))
		}
		if !at.Equal(RefreshAfter(issued, key)) {
			t.Fatal("the jitter of one key is not fixed")
		}
		if reusable(issued, at) {
			t.Fatal("whoever comes back on time gets the same credential again")
		}
	})
	seen := map[time.Time]bool{}
	for i := range 200 {
		seen[RefreshAfter(Issued{IssuedAt: start, Expiration: start.Add(30 * time.Minute)}, fmt.Sprint("caller", i))] = true
	}
	if len(seen) < 100 {
		t.Errorf("200 callers come back at %d moments; want them spread", len(seen))
	}
	if got := RefreshAfter(Issued{IssuedAt: start, Expiration: start}, "k"); !got.Equal(start) {
		t.Errorf("no life: %v", got)
	}
}
