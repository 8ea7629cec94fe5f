package allowmap

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"html"
	"strings"
)

// files are the parts of the page.
//
//go:embed page
var files embed.FS

// HTML writes the page, whole in one file. Its policy lets it run its own style
// and script, known by their hashes, and nothing else; and what the allowlist
// holds stands in it as JSON in which no `<` occurs, so that no text of it can
// end the element or begin another.
func (m *Map) HTML() ([]byte, error) {
	data, err := json.Marshal(m) // escapes <, > and &, and the line ends of JavaScript
	if err != nil {
		return nil, err
	}
	style, code := part("page/style.css"), part("page/script.js")
	policy := strings.Join([]string{
		"default-src 'none'", "script-src " + hash(code), "style-src " + hash(style), "img-src data:",
		"base-uri 'none'", "form-action 'none'",
		"require-trusted-types-for 'script'", "trusted-types 'none'",
	}, "; ")
	// One pass: what is put in is not looked at again.
	return []byte(strings.NewReplacer(
		"<!--POLICY-->", policy,
		"<!--FILE-->", html.EscapeString(m.File),
		"/*STYLE*/", style,
		"/*SCRIPT*/", code,
		"/*DATA*/", string(data),
	).Replace(part("page/index.html"))), nil
}

// part reads an embedded file; a test sees to it that none is missing.
func part(name string) string {
	text, _ := files.ReadFile(name)
	return string(text)
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
