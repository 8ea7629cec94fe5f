// Package docs_test holds the documents to the code: their links lead
// somewhere, their commands run, and the names in them are those that exist,
// both ways. run.sh beside it draws their pictures in a browser, and runs the
// commands that need more than Go.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// page is one Markdown file.
type page struct {
	name   string // from the root, with slashes: docs/deploy.md
	lines  []string
	blocks []block
}

// block is one fenced block of a page.
type block struct {
	line   int    // of its first line of text, from 1
	lang   string // sh, json …
	marker string // the text of an HTML comment on the line before it
	text   string // without the indentation of its fence
	indent string
}

var (
	fence   = regexp.MustCompile("^( *)(```+|~~~+) *([A-Za-z]*) *$")
	comment = regexp.MustCompile(`^\s*<!-- (.*) -->\s*$`)
	heading = regexp.MustCompile(`^(#{1,6}) +(.*?)(?: +#+)?$`)
	code    = regexp.MustCompile("``(.+?)``|`([^`]+)`")
)

// made are folders that nobody wrote.
var made = map[string]bool{".git": true, ".credvend": true, ".aws-sam": true, ".terraform": true, "build": true, "node_modules": true, "testdata": true}

// pages reads every Markdown file of the tree.
func pages(t *testing.T) []*page {
	t.Helper()
	var all []*page
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && made[d.Name()]:
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".md":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		all = append(all, parsePage(filepath.ToSlash(name), string(text)))
		return nil
	})
	if err != nil || len(all) < 10 {
		t.Fatalf("%d pages: %v", len(all), err)
	}
	return all
}

// parsePage finds the fenced blocks. A fence that stays open runs to the end.
func parsePage(name, text string) *page {
	p := &page{name: name, lines: strings.Split(text, "\n")}
	for i := 0; i < len(p.lines); i++ {
		open := fence.FindStringSubmatch(p.lines[i])
		if open == nil {
			continue
		}
		b := block{line: i + 2, lang: open[3], indent: open[1]}
		for before := i - 1; before >= 0 && before >= i-2; before-- { // one blank line may stand between
			if m := comment.FindStringSubmatch(p.lines[before]); m != nil {
				b.marker = m[1]
				break
			}
			if strings.TrimSpace(p.lines[before]) != "" {
				break
			}
		}
		var inside []string
		for i++; i < len(p.lines) && strings.TrimSpace(p.lines[i]) != open[2]; i++ {
			inside = append(inside, strings.TrimPrefix(p.lines[i], open[1]))
		}
		b.text = strings.Join(inside, "\n") + "\n"
		p.blocks = append(p.blocks, b)
	}
	return p
}

// prose calls f with each line outside of fenced blocks.
func (p *page) prose(f func(number int, line string)) {
	inside := map[int]bool{}
	for _, b := range p.blocks {
		for n := b.line - 1; n <= b.line+strings.Count(b.text, "\n"); n++ {
			inside[n] = true
		}
	}
	for i, line := range p.lines {
		if !inside[i+1] {
			f(i+1, line)
		}
	}
}

// codes calls f with each piece of inline code.
func (p *page) codes(f func(number int, text string)) {
	p.prose(func(number int, line string) {
		for _, m := range code.FindAllStringSubmatch(line, -1) {
			f(number, strings.TrimSpace(m[1]+m[2]))
		}
	})
}

// table returns the rows of the table under a heading, cell by cell, without
// its head.
func (p *page) table(t *testing.T, under string) [][]string {
	t.Helper()
	var rows [][]string
	here := false
	p.prose(func(_ int, line string) {
		if m := heading.FindStringSubmatch(line); m != nil {
			here = m[2] == under
			return
		}
		if cells := strings.Split(strings.Trim(line, "| "), "|"); here && strings.HasPrefix(line, "|") {
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			rows = append(rows, cells)
		}
	})
	if len(rows) < 3 {
		t.Fatalf("%s has no table under %q", p.name, under)
	}
	return rows[2:]
}

// find returns the page of a name.
func find(t *testing.T, name string) *page {
	t.Helper()
	for _, p := range pages(t) {
		if p.name == name {
			return p
		}
	}
	t.Fatalf("there is no %s", name)
	return nil
}

// marked returns the blocks of a page whose marker begins so.
func (p *page) marked(marker string) []block {
	var found []block
	for _, b := range p.blocks {
		if b.marker == marker || strings.HasPrefix(b.marker, marker+":") {
			found = append(found, b)
		}
	}
	return found
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
