package view

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"strings"
)

// files are the parts of the page.
//
//go:embed page
var files embed.FS

// document is the page in one piece, with the policy that lets it run its own
// style and script, ask its own server, and nothing else.
type document struct {
	text   []byte
	policy string
}

// assemble puts style, pictures and script into the page. The policy names
// style and script by their hashes: text that came over the wire could not
// become either, even if it were ever written into the page as HTML.
func assemble() document {
	var script strings.Builder
	names, _ := fs.Glob(files, "page/*.js") // the pattern is well-formed; in the order of their names
	for _, name := range names {
		script.WriteString(part(name))
	}
	style, code := part("page/style.css"), script.String()
	text := strings.NewReplacer(
		"/*STYLE*/", style,
		"/*SCRIPT*/", code,
		"<!--WIDE-->", part("page/wide.svg"),
		"<!--TALL-->", part("page/tall.svg"),
	).Replace(part("page/index.html"))
	policy := strings.Join([]string{
		"default-src 'none'",
		"script-src " + hash(code),
		"style-src " + hash(style),
		"connect-src 'self'",
		"img-src data:", // the page's icon
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
		"require-trusted-types-for 'script'",
		"trusted-types 'none'",
	}, "; ")
	return document{[]byte(text), policy}
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
