package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestShellParses: every block of shell is one, those too that need AWS.
func TestShellParses(t *testing.T) {
	count := 0
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if b.lang != "sh" {
				continue
			}
			count++
			cmd := exec.CommandContext(t.Context(), "sh", "-n")
			cmd.Stdin = strings.NewReader(b.text)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s:%d: %v\n%s", p.name, b.line, err, out)
			}
		}
	}
	if count < 20 {
		t.Errorf("only %d blocks were found", count)
	}
}

// TestCodeEndsOnItsLine: a piece of inline code that runs over the end of a
// line would escape the checks here.
func TestCodeEndsOnItsLine(t *testing.T) {
	for _, p := range pages(t) {
		p.prose(func(number int, line string) {
			if strings.Count(code.ReplaceAllString(line, ""), "`") > 0 {
				t.Errorf("%s:%d: inline code does not end on its line", p.name, number)
			}
		})
	}
}

// TestProbe runs the loop of docs/deploy.md that probes a target's routes,
// with stand-ins for the AWS CLI and curl: a route that answers otherwise than
// 403 is shown, and each is called by its own method.
func TestProbe(t *testing.T) {
	found := find(t, "docs/deploy.md").marked("probe")
	if len(found) != 1 {
		t.Fatalf("%d probes", len(found))
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"aws": `case "$*" in
*get-api\ *) echo https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com ;;
*get-routes\ *) printf 'GET /orders\tDELETE /orders/{id}\tANY /open/{proxy+}\t$default\n' ;;
*) exit 1 ;;
esac`,
		"curl": `shift 4
echo "$*" >>"$0.calls"
case "$*" in *open*) printf 200 ;; *) printf 403 ;; esac`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	got, err := shell(t, dir, found[0].text)
	const want = `403 GET /orders ok
403 DELETE /orders/credvend-probe ok
200 GET /open/credvend-probe OPEN, or not guarded by IAM
403 GET /credvend-probe ok
`
	if err != nil || got != want {
		t.Errorf("%v\n%s", err, got)
	}
	calls, err := os.ReadFile(filepath.Join(dir, "curl.calls"))
	if err != nil || !strings.Contains(string(calls), "-X DELETE https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/orders/credvend-probe") {
		t.Errorf("%v\n%s", err, calls)
	}
}
