package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const profile = `mode: set
example.com/m/internal/route/a.go:1.1,2.2 90 1
example.com/m/internal/route/a.go:3.1,4.2 10 0
example.com/m/internal/scope/b.go:1.1,2.2 50 0
example.com/m/internal/scope/b.go:3.1,4.2 50 0
example.com/m/internal/route/a.go:3.1,4.2 10 0
example.com/m/internal/scope/b.go:1.1,2.2 50 7
`

func TestGate(t *testing.T) {
	for _, c := range []struct {
		name, profile string
		args          []string
		wantErr       string // empty: passes
		wantOut       string
	}{
		{"no floors", profile, nil, "", " 70.0%    140/200"},
		{"a block covered by a later binary counts once", profile, []string{"-package", "internal/scope=50"}, "", " 50.0%     50/100 "},
		{"floors just reached", profile, []string{"-total", "70", "-package", "internal/route=90"}, "", ""},
		{"total missed", profile, []string{"-total", "70.5"}, "all packages together have 70.00%, want 70.5%", ""},
		{"package missed", profile, []string{"-package", "internal/route=90.1"}, "internal/route has 90.00%, wants 90.1%", ""},
		{"every miss is named", profile, []string{"-total", "99", "-package", "internal/scope=99"}, "; internal/scope has", ""},
		{"a floor whose package went away", profile, []string{"-package", "internal/rout=1"}, "internal/rout has a floor, but no line", ""},
		{"a name matches whole path elements only", profile, []string{"-package", "oute=1"}, "oute has a floor, but no line", ""},
		{"empty profile", "mode: set\n", nil, "no statements", ""},
		{"empty file", "", nil, "no statements", ""},
		{"not a profile", "hello\n", nil, "not a coverage profile", ""},
		{"broken line", "mode: set\na.go:1.1,2.2 x 1\n", nil, "line 2", ""},
		{"malformed floor", profile, []string{"-package", "internal/route"}, "want PACKAGE=PERCENT", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "cover.out")
			if err := os.WriteFile(file, []byte(c.profile), 0o600); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			err := run(append(c.args, file), &out, io.Discard)
			if c.wantErr == "" && err != nil {
				t.Fatalf("refused: %v", err)
			}
			if c.wantErr != "" && (err == nil || !strings.Contains(err.Error(), c.wantErr)) {
				t.Fatalf("error %v, want one with %q", err, c.wantErr)
			}
			if !strings.Contains(out.String(), c.wantOut) {
				t.Errorf("output lacks %q:\n%s", c.wantOut, out.String())
			}
		})
	}
}
