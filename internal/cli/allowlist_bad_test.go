package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// questions are the commands that read an allowlist and ask it something, with
// LIST in its place.
var questions = map[string][]string{
	"explain":  {"explain", "LIST", "--as", "arn:aws:iam::444455556666:role/x", "t"},
	"who-can":  {"who-can", "LIST", "t", "GET /"},
	"what-can": {"what-can", "LIST", "--as", "c"},
	"test":     {"test", "LIST", "--tests", "GOOD"},
	"diff old": {"diff", "LIST", "GOOD"},
	"diff new": {"diff", "GOOD", "LIST"},
	"replay":   {"replay", "LIST", "--log", "GOOD"},
}

// TestQuestionsRefuseBadFiles: whatever the file is, the answer is exit code 1,
// what is wrong with its place, no result, and memory of the file's order.
func TestQuestionsRefuseBadFiles(t *testing.T) {
	var many strings.Builder
	many.WriteString("version: 1\ntargets: { t: { role: \"arn:aws:iam::111122223333:role/r\", api: \"arn:aws:execute-api:us-east-1:111122223333:a/$default\" } }\ncallers: { c: { iam: { account: \"444455556666\" } } }\nrules:\n")
	for i := range 1000 {
		fmt.Fprintf(&many, "  - { id: r%d, callers: [nobody], target: t, routes: [\"GET /\"] }\n", i)
	}
	var bomb strings.Builder
	bomb.WriteString("a: &a [x, x]\n")
	for c := 'b'; c < 'z'; c++ {
		fmt.Fprintf(&bomb, "%c: &%c [*%c, *%c]\n", c, c, c-1, c-1)
	}
	binary := make([]byte, 4096)
	for i := range binary {
		binary[i] = byte(i * 7)
	}
	tests := map[string]struct {
		text       string
		want, last string
	}{
		"empty":       {"", ":1:1: the file is empty; an allowlist begins with: version: 1\n", "has 1 problem; mend it and ask again\n"},
		"binary":      {string(binary), ":1:1: the character U+0000", "problems; mend it and ask again\n"},
		"50 MiB":      {strings.Repeat("# nothing\n", 5<<20), ":1:1: the file holds no allowlist, only comments", "has 1 problem; mend it and ask again\n"},
		"over 64 MiB": {strings.Repeat("# nothing\n", 7<<20), "the limit is 67108864 (64 MiB)", "has 1 problem; mend it and ask again\n"},
		"1,000 errors": {many.String(), ":5:25: there is no caller \"nobody\"; name one that stands under callers\n", "and 980 more problems\n" +
			"credvend: LIST has 1000 problems; mend it and ask again\n"},
		"a bomb":             {bomb.String(), ":1:4: anchors (&name) are not read", "problems; mend it and ask again\n"},
		"deep":               {strings.Repeat("[", 1<<20), ":1:9: more than 8 mappings and lists inside one another", "has 1 problem; mend it and ask again\n"},
		"mixed line endings": {strings.Replace(good, ",\"callers\"", ",\r\"callers\"", 1), "a carriage return without a line feed", "has 1 problem; mend it and ask again\n"},
		"byte-order mark":    {"\xef\xbb\xbf" + good, ":1:1: the file begins with a byte-order mark", "has 1 problem; mend it and ask again\n"},
	}
	dir := t.TempDir()
	fine := filepath.Join(dir, "good.yaml")
	if err := os.WriteFile(fine, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range tests {
		list := filepath.Join(dir, "list.yaml")
		if err := os.WriteFile(list, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		for question, args := range questions {
			if len(tt.text) > 1<<20 && question != "diff new" {
				continue // one way in is slow enough
			}
			t.Run(question+", "+name, func(t *testing.T) {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				code, stdout, stderr := run(t.Context(), "", append([]string{"allowlist"}, placed(args, list, fine)...)...)
				runtime.ReadMemStats(&after)
				if code != 1 || stdout != "" || !strings.Contains(stderr, tt.want) || !strings.HasSuffix(strings.ReplaceAll(stderr, list, "LIST"), tt.last) {
					t.Errorf("exit %d, %q, %.2000s", code, stdout, stderr)
				}
				if len(stderr) > 32<<10 {
					t.Errorf("%d bytes of errors", len(stderr))
				}
				if spent := after.TotalAlloc - before.TotalAlloc; spent > uint64(64<<20+8*len(tt.text)) {
					t.Errorf("%d bytes of memory for %d of text", spent, len(tt.text))
				}
			})
		}
	}
}

func placed(args []string, list, fine string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		switch a {
		case "LIST":
			a = list
		case "GOOD":
			a = fine
		}
		out[i] = a
	}
	return out
}

// TestQuestionsOnCRLF: Windows' line ends mean nothing.
func TestQuestionsOnCRLF(t *testing.T) {
	code, stdout, stderr := run(t.Context(), strings.ReplaceAll(good, ",", ",\r\n"), "allowlist", "who-can", "-", "t", "GET /")
	if code != 0 || !strings.Contains(stdout, "c: all of it, by r\n") || stderr != "" {
		t.Errorf("%d %q %q", code, stdout, stderr)
	}
}

// TestQuestionsDoNotSteerTheTerminal: a log is written by others.
func TestQuestionsDoNotSteerTheTerminal(t *testing.T) {
	list := filepath.Join(t.TempDir(), "list.yaml")
	if err := os.WriteFile(list, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	log := `{"time":"\u001b[2J","event":"outcome","action":"vend","requestId":"\u001b]0;x\u0007","kind":"iam","principal":"arn:aws:iam::777788889999:role/x","target":"t","routes":["GET /"],"outcome":"issued"}`
	code, stdout, stderr := run(t.Context(), log, "allowlist", "replay", list, "--log", "-")
	if code != 3 || !strings.Contains(stdout, "refused, once") || bytes.ContainsAny([]byte(stdout), "\x1b\x07") || stderr != "" {
		t.Errorf("%d %q %q", code, stdout, stderr)
	}
}
