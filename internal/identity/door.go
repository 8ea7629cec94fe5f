package identity

import (
	"errors"
	"fmt"
	"strings"

	"github.com/credvend/credvend/internal/fault"
)

// Door is one front door whose events are believed, and as what.
type Door struct {
	ID   string // the id of the API or function URL: lower-case letters and digits
	URL  bool   // a function URL, not an API
	Kind Kind
	Base string // the base path that a custom domain puts before the routes: /prod; may be empty
}

// urlPrefix marks a function URL in a door's name.
const urlPrefix = "url:"

// Name is the door as configured, answered and audited: a1b2c3, url:xyz.
func (d Door) Name() string {
	if d.URL {
		return urlPrefix + d.ID
	}
	return d.ID
}

// Doors are the believed front doors by their names. The zero Doors believe
// nobody.
type Doors map[string]Door

// doorForm is what an entry of CREDVEND_FRONT_DOORS looks like, for errors.
const doorForm = "write ID=KIND or url:ID=iam, KIND being iam, jwt or rest-iam, and optionally ,base=/PATH after it"

// ParseDoors reads the value of CREDVEND_FRONT_DOORS: entries parted by blanks,
//
//	a1b2c3=iam d4e5f6=jwt url:xyz=iam r7s8t9=rest-iam,base=/prod
//
// Nothing has a default: an id that is spelt wrong must stop the function at
// start, not turn into a door that believes the wrong block.
func ParseDoors(s string) (Doors, error) {
	entries := strings.Fields(s)
	if len(entries) == 0 {
		return nil, errors.New("it names no front door; " + doorForm)
	}
	doors := make(Doors, len(entries))
	for _, entry := range entries {
		d, err := parseDoor(entry)
		if err != nil {
			return nil, fmt.Errorf("front door %q: %w", clip(entry), err)
		}
		if _, taken := doors[d.Name()]; taken {
			return nil, fmt.Errorf("front door %q is named twice; each may have one kind", clip(d.Name()))
		}
		doors[d.Name()] = d
	}
	return doors, nil
}

// parseDoor reads one entry.
func parseDoor(entry string) (Door, error) {
	name, rest, ok := strings.Cut(entry, "=")
	if !ok {
		return Door{}, errors.New("it has no kind; " + doorForm)
	}
	kind, options, hasOptions := strings.Cut(rest, ",")
	var d Door
	d.ID, d.URL = strings.CutPrefix(name, urlPrefix)
	if !isAPIID(d.ID) {
		return Door{}, fmt.Errorf("%q is not the id of an API or function URL (1 to %d lower-case letters and digits); %s", clip(d.ID), maxAPIID, doorForm)
	}
	for _, k := range []Kind{IAM, JWT, RESTIAM} {
		if kind == k.String() {
			d.Kind = k
		}
	}
	switch {
	case d.Kind == NoKind:
		return Door{}, fmt.Errorf("%q is no kind of front door; known are iam, jwt and rest-iam", clip(kind))
	case d.URL && d.Kind != IAM:
		return Door{}, fmt.Errorf("a function URL has no authorizer of the kind %s; write %s=iam", kind, name)
	}
	if !hasOptions {
		return d, nil
	}
	for _, option := range strings.Split(options, ",") {
		key, value, _ := strings.Cut(option, "=")
		if key != "base" {
			return Door{}, fmt.Errorf("unknown option %q; the only one is base=/PATH", clip(option))
		}
		if d.Base != "" {
			return Door{}, errors.New("the option base is given twice")
		}
		if !strings.HasPrefix(value, "/") || strings.HasSuffix(value, "/") || CheckPath(value) != nil {
			return Door{}, fmt.Errorf("%q is not a base path; it begins with / and ends without one, and has no //, dot segments or %%: base=/prod", clip(value))
		}
		d.Base = value
	}
	return d, nil
}

// StripPrefix returns the path to route on: e's path without the door's base
// and without a named stage.
//
// HTTP APIs and function URLs put a named stage into the path; whether they do
// under a custom domain, reports differ. So a prefix goes only if what remains
// is one of the service's own paths: a stage or base called v1 then does no
// harm. REST events never carry the stage.
func (d Door) StripPrefix(e *Event) string {
	if d.Base != "" && e.Path == d.Base {
		return "/"
	}
	rest := trimSegments(e.Path, d.Base)
	if isOwn(rest) && rest != e.Path {
		return rest
	}
	if !e.REST && e.Stage != "" && e.Stage != "$default" {
		for _, path := range []string{rest, e.Path} {
			if inner := trimSegments(path, "/"+e.Stage); inner != path && isOwn(inner) {
				return inner
			}
		}
	}
	return e.Path
}

// trimSegments removes prefix from path if it ends where a segment does.
func trimSegments(path, prefix string) string {
	if rest, ok := strings.CutPrefix(path, prefix); ok && strings.HasPrefix(rest, "/") {
		return rest
	}
	return path
}

// isOwn reports whether path is under the service's paths.
func isOwn(path string) bool { return strings.HasPrefix(path, "/v1/") }

// maxPath is more than twice the longest path with a meaning here.
const maxPath = 1024

// CheckPath refuses, as fault.NotFound, every path that some part on the way
// could read otherwise than we do: dot segments and doubled slashes, which
// net/http redirects, escapes, which it decodes, and bytes that URLs do not
// hold, which the proxy library prints. Nothing is cleaned up: a path that
// needs it is not one of ours.
func CheckPath(path string) error {
	if len(path) > maxPath {
		return fault.New(fault.NotFound, "no such path: it is longer than %d characters; the paths are /v1/credentials, /v1/credentials/TARGET, /v1/targets and /v1/whoami", maxPath)
	}
	if !strings.HasPrefix(path, "/") || strings.Contains(path, "//") || hasDotSegment(path) || !isPlain(path) {
		return fault.New(fault.NotFound, "no such path: write it plainly, beginning with / and without //, dot segments, %% or other escapes; the paths are /v1/credentials, /v1/credentials/TARGET, /v1/targets and /v1/whoami")
	}
	return nil
}

func hasDotSegment(path string) bool {
	for seg := range strings.SplitSeq(path, "/") {
		if seg == "." || seg == ".." {
			return true
		}
	}
	return false
}

// isPlain reports whether path holds only the characters that RFC 3986 lets
// stand in a path unescaped.
func isPlain(path string) bool {
	for i := range len(path) {
		c := path[i]
		if !isAlnum(c) && strings.IndexByte("/._~!$&'()*+,;=:@-", c) < 0 {
			return false
		}
	}
	return true
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// maxAPIID bounds an API's id; AWS's have 10 characters, a function URL's 32.
const maxAPIID = 64

// isAPIID keeps urlPrefix, and anything else with a colon, out of ids: an
// event whose API id reads "url:xyz" must not find that function URL's door.
func isAPIID(s string) bool {
	if s == "" || len(s) > maxAPIID {
		return false
	}
	for i := range len(s) {
		if (s[i] < 'a' || s[i] > 'z') && (s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return true
}

// clip shortens text from outside before it stands in an error.
func clip(s string) string {
	const limit = 64
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "…"
}
