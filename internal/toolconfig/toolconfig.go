// Package toolconfig reads the file in which a user of the tool keeps what
// would otherwise be said each time: where the service is, and who calls.
//
// The file is the smallest part of YAML, a key and a value on each line, read
// strictly: what is not understood is an error with its line, never passed
// over. It holds no secret and names no secret's value; package cli decides
// what beats what.
package toolconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode/utf8"
)

// maxSize bounds the file, in bytes.
const maxSize = 64 << 10

// Config is what the file says; what it does not say is "".
type Config struct {
	URL       string // url: front door of the service
	Profile   string // profile: AWS profile to sign with
	TokenFile string // token_file: file that holds a JWT, instead of a profile
	Region    string // region: of the front door, to sign for
	Service   string // service: to sign for
}

func (c *Config) field(key string) *string {
	switch key {
	case "url":
		return &c.URL
	case "profile":
		return &c.Profile
	case "token_file":
		return &c.TokenFile
	case "region":
		return &c.Region
	case "service":
		return &c.Service
	default:
		return nil
	}
}

const known = "url, profile, token_file, region and service"

// Read reads the file of a name. A file that does not exist is an empty one if
// it need not exist.
func Read(name string, must bool) (Config, error) {
	f, err := os.Open(name) //nolint:gosec // G304: the user's own file
	if errors.Is(err, fs.ErrNotExist) && !must {
		return Config{}, nil
	}
	if err != nil {
		return Config{}, fmt.Errorf("the configuration cannot be read: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return Config{}, fmt.Errorf("the configuration cannot be read: %w", err)
	}
	return Parse(name, text)
}

// Parse reads the text of a file; name stands in its errors, with the line.
func Parse(name string, text []byte) (Config, error) {
	var c Config
	if len(text) > maxSize {
		return c, fmt.Errorf("%s has more than %d bytes: it is no configuration of credvend", name, maxSize)
	}
	seen := map[string]bool{}
	for i, line := range strings.Split(string(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))), "\n") {
		key, value, err := entry(strings.TrimSuffix(line, "\r"))
		switch {
		case err != nil:
		case key == "":
			continue
		case c.field(key) == nil:
			err = fmt.Errorf("the key %q is not known; known are %s", clip(key), known)
		case seen[key]:
			err = fmt.Errorf("the key %q stands there twice; keep one", key)
		case value == "":
			err = fmt.Errorf("%s has no value; write one, or take the line away", key)
		default:
			seen[key], *c.field(key) = true, value
		}
		if err != nil {
			return Config{}, fmt.Errorf("%s, line %d: %w", name, i+1, err)
		}
	}
	if c.Profile != "" && c.TokenFile != "" {
		return Config{}, fmt.Errorf("%s: profile and token_file are two ways to prove who calls; keep one", name)
	}
	return c, nil
}

// entry reads a line; the key is "" where it says nothing.
func entry(line string) (key, value string, err error) {
	if strings.TrimSpace(line) == "" || strings.HasPrefix(strings.TrimLeft(line, " "), "#") {
		return "", "", nil
	}
	if !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", "", errors.New("it holds a tab or another control character, or is not UTF-8; use spaces")
	}
	if line[0] == ' ' {
		return "", "", errors.New("it is indented; every key begins its line")
	}
	key, value, found := strings.Cut(line, ":")
	if !found || value != "" && value[0] != ' ' {
		return "", "", errors.New("it is not of the form KEY: VALUE, with a space after the colon")
	}
	value, err = scalar(strings.TrimSpace(value))
	return strings.TrimRight(key, " "), value, err
}

// scalar reads a value: in quotes, or plain up to a comment.
func scalar(text string) (string, error) {
	if text == "" || text[0] == '#' {
		return "", nil
	}
	if quote := text[0]; quote == '"' || quote == '\'' {
		value, rest, closed := strings.Cut(text[1:], string(quote))
		rest = strings.TrimSpace(rest)
		switch {
		case !closed:
			return "", errors.New("a quote is not closed")
		case rest != "" && rest[0] != '#', quote == '"' && strings.Contains(value, `\`):
			return "", errors.New("escapes and quotes within quotes are not read; write the value plainly")
		}
		return value, nil
	}
	if strings.ContainsRune("{}[]&*!|>%@`,?-", rune(text[0])) {
		return "", fmt.Errorf("a value cannot begin with %q; put it into quotes if it is meant", text[0])
	}
	if value, _, comment := strings.Cut(text, " #"); comment {
		text = strings.TrimRight(value, " ")
	}
	if strings.Contains(text, ": ") {
		return "", errors.New("a value with a colon and a space must stand in quotes")
	}
	return text, nil
}

func clip(s string) string {
	const limit = 60
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}
