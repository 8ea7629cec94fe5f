package yamldoc_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/allowlist/yamldoc"
)

// FuzzParse: whatever comes in, there is no panic and every diagnostic has a
// place; what is accepted survives the way through canonical JSON, and a
// general YAML parser that accepts it too reads the same.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("rules: [{id: 'a''b', callers: [\"x\\\"y\", z]}]\r\n"))
	f.Add([]byte("rules:\n- id: a # b\n  callers:\n  - x: y\n"))
	f.Add([]byte("callers:\n  a: {tags: {b: '', \"c\":d}}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, _, err := yamldoc.Load("fuzz", text)
		if err != nil {
			var ds yamldoc.Diagnostics
			if !errors.As(err, &ds) || len(ds) == 0 {
				t.Fatalf("%T: %v", err, err)
			}
			lines := bytes.Count(text, []byte("\n")) + 1
			for _, d := range ds {
				if d.Line < 1 || d.Line > lines || d.Column < 1 || d.Column > len(text)+1 || d.Text == "" {
					t.Fatalf("%#v", d)
				}
			}
		}
		if file == nil {
			return
		}
		agree(t, string(text), file.Doc)
		canonical := file.Doc.JSON()
		if bytes.Contains(canonical, []byte(":null")) {
			return // a section is missing: it does not compile, and JSON has no way to say so
		}
		doc, err := allowlist.Parse(canonical)
		if err != nil {
			t.Fatalf("%v\n%s", err, canonical)
		}
		if !bytes.Equal(doc.JSON(), canonical) {
			t.Fatalf("%s\nbecame\n%s", canonical, doc.JSON())
		}
	})
}
