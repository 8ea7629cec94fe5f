package awsconfig

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func orders() Profile {
	return Profile{Name: "orders", Region: "us-east-1", Command: "credvend process orders"}
}

const block = `# credvend: profile orders, written by credvend configure; its --undo takes it out
[profile orders]
region = us-east-1
credential_process = credvend process orders
# credvend: end of profile orders
`

func TestAdd(t *testing.T) {
	old := strings.Replace(block, "us-east-1", "eu-west-1", 1)
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", block},
		{"at the end", "[default]\nregion = x\n", "[default]\nregion = x\n" + block},
		{"no newline at the end", "[default]", "[default]\n" + block},
		{"Windows", "[default]\r\nregion = x\r\n", "[default]\r\nregion = x\r\n" + strings.ReplaceAll(block, "\n", "\r\n")},
		{"again", "a\n" + old + "# mine\n[profile x]", "a\n" + block + "# mine\n[profile x]"},
		{"the same", "a\n" + block, "a\n" + block},
		{"near names", "[profile orders2]\n[profile Orders]\n[sso-session orders]\n[orders]\n", "[profile orders2]\n[profile Orders]\n[sso-session orders]\n[orders]\n" + block},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Add([]byte(c.text), orders())
			if err != nil || string(got) != c.want {
				t.Errorf("%q %v", got, err)
			}
		})
	}
}

func TestRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"another's", "\n[profile orders]\n", `line 2: the profile "orders" is there already`},
		{"another's, quoted", `[profile "orders"]`, "there already"},
		{"another's, with spaces", "\ufeff[  profile\torders ] # x", "there already"},
		{"another's behind ours", block + "[profile orders]\n", "line 6: the profile"},
		{"no end", "[profile a]\n" + begin("orders") + "\n[profile orders]\n", "line 2: credvend's profile"},
		{"no begin", end("orders") + "\n", "ends where none began"},
		{"twice", block + block, "line 6: credvend's profile \"orders\" begins a second time"},
		{"a section within", strings.Replace(block, "region = us-east-1", "[profile mine]", 1), "the section [profile mine] stands within"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := Add([]byte(c.text), orders()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q %v", got, err)
			}
		})
	}
	for name, p := range map[string]Profile{
		"name with a bracket": {Name: "a]", Command: "x"},
		"no name":             {Command: "x"},
		"newline":             {Name: "a", Command: "x\n[default]"},
		"comment":             {Name: "a", Command: "x ' # y'"},
		"region":              {Name: "a", Region: "x\r", Command: "x"},
	} {
		if got, err := Add(nil, p); err == nil {
			t.Errorf("%s: %q", name, got)
		}
	}
	if _, err := Remove([]byte("[profile orders]\n"), "orders"); err == nil || !strings.Contains(err.Error(), "no profile") {
		t.Error(err)
	}
}

// TestRemoveUndoesAdd, to the byte, whatever stands in the file; only a missing
// newline at its end stays mended.
func TestRemoveUndoesAdd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.SampledFrom([]string{"", "# mine", "[default]", "[profile a]", "region = x", "  nested = y", "\ttab", "[", "]", begin("other"), "credential_process = credvend process orders", "\xff\x00"})
		newline := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "newline")
		text := strings.Join(rapid.SliceOf(line).Draw(t, "lines"), newline)
		with, err := Add([]byte(text), orders())
		if err != nil {
			t.Fatal(err)
		}
		again, err := Add(with, orders())
		if err != nil || !bytes.Equal(again, with) {
			t.Fatalf("a second time: %q %v", again, err)
		}
		without, err := Remove(with, "orders")
		if err != nil {
			t.Fatal(err)
		}
		if got := string(without); got != text && got != text+newlineOf([]byte(text)) {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

func TestDiff(t *testing.T) {
	before := "1\n2\n3\n4\n" + block + "5\n6\n7\n8\n"
	after, err := Remove([]byte(before), "orders")
	if err != nil {
		t.Fatal(err)
	}
	want := "--- f\n+++ f\n@@ -2,11 +2,6 @@\n 2\n 3\n 4\n-" + strings.ReplaceAll(strings.TrimSuffix(block, "\n"), "\n", "\n-") + "\n 5\n 6\n 7\n"
	if got := Diff("f", []byte(before), after); got != want {
		t.Errorf("%s", got)
	}
	if got := Diff("f", nil, []byte("a\n")); got != "--- f\n+++ f\n@@ -0,0 +1,1 @@\n+a\n" {
		t.Errorf("%s", got)
	}
}

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "aws", "config")
	f, err := Read(name)
	if err != nil || f.Text != nil {
		t.Fatal(err)
	}
	if err := f.Replace([]byte("new")); err != nil {
		t.Fatal(err)
	}
	check(t, name, "new", 0o600)
	if err := f.Replace([]byte("x")); err == nil || !strings.Contains(err.Error(), "changed by somebody else") {
		t.Error(err)
	}

	// A link stays a link, and the mode stays.
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join("aws", "config"), link); err != nil {
		t.Skip(err)
	}
	if err := os.Chmod(name, 0o640); err != nil {
		t.Fatal(err)
	}
	if f, err = Read(link); err != nil {
		t.Fatal(err)
	}
	if err := f.Replace([]byte("newer")); err != nil {
		t.Fatal(err)
	}
	check(t, name, "newer", 0o640)
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Error("the link is gone")
	}
	if entries, err := os.ReadDir(filepath.Dir(name)); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}

	if err := os.WriteFile(name, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Replace([]byte("ours")); err == nil {
		t.Error("another's change was overwritten")
	}
	check(t, name, "theirs", 0o640)
	if _, err := Read(dir); err == nil {
		t.Error("a folder was read")
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "dangling")); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(filepath.Join(dir, "dangling")); err == nil {
		t.Error("a link to nowhere was read")
	}
}

func check(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	got, err := os.ReadFile(name)
	info, err2 := os.Stat(name)
	if err != nil || err2 != nil || string(got) != text || info.Mode().Perm() != mode {
		t.Errorf("%q %v %v", got, info.Mode(), err)
	}
}
