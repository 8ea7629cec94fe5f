package docs_test

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

var (
	link      = regexp.MustCompile(`\[[^\[\]]*\]\(([^()\s]+)(?: "[^"]*")?\)`)
	reference = regexp.MustCompile(`^\[[^\]]+\]: +(\S+)`)
	linkText  = regexp.MustCompile(`\[([^\[\]]*)\]\([^()]*\)`)
	anchorTag = regexp.MustCompile(`<a (?:id|name)="([^"]+)"`)
)

// TestLinks: every link to a file of ours leads to one, and every anchor to a
// heading. What lies outside is only looked at for its form.
func TestLinks(t *testing.T) {
	all := pages(t)
	anchors := map[string]map[string]bool{}
	for _, p := range all {
		anchors[p.name] = p.anchors()
	}
	count := 0
	for _, p := range all {
		p.prose(func(number int, line string) {
			line = code.ReplaceAllString(line, "x")
			var targets []string
			for _, m := range link.FindAllStringSubmatch(line, -1) {
				targets = append(targets, m[1])
			}
			if m := reference.FindStringSubmatch(line); m != nil {
				targets = append(targets, m[1])
			}
			for _, target := range targets {
				count++
				if err := follow(p.name, target, anchors); err != nil {
					t.Errorf("%s:%d: %v", p.name, number, err)
				}
			}
		})
	}
	if count < 100 {
		t.Errorf("only %d links were found", count)
	}
}

func follow(from, target string, anchors map[string]map[string]bool) error {
	u, err := url.Parse(target)
	if err != nil {
		return err
	}
	if u.Scheme != "" {
		if u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("%s is not an https link", target)
		}
		return nil
	}
	if strings.HasPrefix(u.Path, "/") {
		return fmt.Errorf("%s begins with a slash; write it relative to the page", target)
	}
	name := from
	if u.Path != "" {
		name = path.Join(path.Dir(from), u.Path)
	}
	for _, part := range strings.Split(name, "/") {
		if made[part] || part == ".." {
			return fmt.Errorf("%s leads to %s, which is not of the repository", target, name)
		}
	}
	if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(name))); err != nil {
		return fmt.Errorf("%s leads nowhere: there is no %s", target, name)
	}
	if u.Fragment != "" && !anchors[name][u.Fragment] {
		return fmt.Errorf("%s: %s has no heading #%s", target, name, u.Fragment)
	}
	return nil
}

// anchors are the fragments that GitHub gives a page's headings.
func (p *page) anchors() map[string]bool {
	found := map[string]bool{}
	p.prose(func(_ int, line string) {
		for _, m := range anchorTag.FindAllStringSubmatch(line, -1) {
			found[m[1]] = true
		}
		m := heading.FindStringSubmatch(line)
		if m == nil {
			return
		}
		plain := slug(m[2])
		name := plain
		for n := 1; found[name]; n++ {
			name = fmt.Sprintf("%s-%d", plain, n)
		}
		found[name] = true
	})
	return found
}

// slug is GitHub's: of the text as it is shown, lower case, letters, digits,
// hyphens and underscores stay, spaces become hyphens, the rest goes.
func slug(title string) string {
	title = linkText.ReplaceAllString(title, "$1")
	title = strings.ReplaceAll(title, "`", "")
	var b strings.Builder
	for _, r := range strings.ToLower(title) {
		switch {
		case r == ' ':
			b.WriteByte('-')
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
			b.WriteRune(r)
		}
	}
	return b.String()
}

// TestLinkChecker plants what it must find.
func TestLinkChecker(t *testing.T) {
	anchors := map[string]map[string]bool{"docs/allowlist.md": parsePage("docs/allowlist.md", "# A `b`: c, d_e\n\n## Twice\n\n## Twice\n\n```sh\n# none\n```\n").anchors(), "README.md": {}}
	for target, ok := range map[string]bool{
		"#a-b-c-d_e": true, "#twice": true, "#twice-1": true, "#twice-2": false, "#none": false, "#A-b-c-d_e": false,
		"../README.md": true, "../README.md#x": false, "../nowhere.md": false, "/README.md": false, "../../x.md": false,
		"../docs": true, "../build/bootstrap": false, "https://example.com/x": true, "http://example.com/x": false,
	} {
		if err := follow("docs/allowlist.md", target, anchors); (err == nil) != ok {
			t.Errorf("%s: %v", target, err)
		}
	}
}
