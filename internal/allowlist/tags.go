package allowlist

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/identity"
)

// tag is a session tag of a caller.
type tag struct {
	key   string
	value template
}

// tags checks a caller's session tags.
func (p place) tags(doc Caller) []tag {
	if len(doc.Tags) > maxTags {
		p.fail(fmt.Sprintf("%d tags; STS takes 50, of which two are credvend's", len(doc.Tags)), fmt.Sprintf("keep %d", maxTags))
	}
	var tags []tag
	seen := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(doc.Tags)) {
		at := p.under(key)
		folded := foldKey(key)
		switch twin, taken := seen[folded]; {
		case key == "" || len([]rune(key)) > 128 || !IsTagText(key):
			at.name().fail(fmt.Sprintf("%q is not a tag key", clip(key)), "use 1 to 128 letters, digits, spaces and _.:/=+-@")
		case strings.HasPrefix(folded, "aws:"):
			at.name().fail("tag keys beginning with aws: are AWS's own", "choose another key")
		case strings.HasPrefix(folded, "credvend:"):
			at.name().fail("tag keys beginning with credvend: are reserved", "choose another key")
		case taken:
			at.name().fail(fmt.Sprintf("the tag keys %q and %q are one to STS, which ignores case", twin, key), "keep one")
		}
		seen[folded] = key
		t, err := parseTemplate(doc.Tags[key])
		if err == nil && !IsTagText(strings.Join(t.literals, "")) {
			err = errors.New("the value has characters that STS takes in no tag; it takes letters, digits, spaces and _.:/=+-@")
		}
		if err == nil && len([]rune(t.with(func(variable) string { return "x" }))) > 256 {
			err = errors.New("the value is longer than 256 characters")
		}
		for _, v := range t.variables {
			if v.source == fromClaim && doc.IAM != nil || v.source == fromCallerAccount && doc.JWT != nil {
				err = fmt.Errorf("this caller has nothing to fill %s", v)
			}
		}
		if err != nil {
			at.fail(err.Error(), "tags describe the caller: a fixed text, or ${claims.NAME}, ${caller.name}, ${caller.account}")
			continue
		}
		tags = append(tags, tag{key, t})
	}
	return tags
}

// foldKey gives keys that STS takes for one the same text. The way over upper
// case catches the letters that only fold there, such as the long s.
func foldKey(key string) string { return strings.ToLower(strings.ToUpper(key)) }

// tagsOf returns the session tags of all callers that match. STS ignores the
// case of keys, so keys are compared without it.
func (p *plan) tagsOf(c *identity.Caller) ([]Tag, *fault.Error) {
	var tags []Tag
	var from map[string]int // folded key → place in tags
	for _, k := range p.callers {
		for _, tag := range k.tags {
			p.personal = p.personal || len(tag.value.variables) > 0
			value, failed := tag.value.fill(c, k.name)
			if failed != nil {
				return nil, fault.New(fault.Denied, "the tag %s of caller %s cannot be worked out: %s", tag.key, k.name, failed)
			}
			if from == nil {
				from = map[string]int{}
			}
			folded := foldKey(tag.key)
			at, taken := from[folded]
			switch {
			case !taken:
				from[folded] = len(tags)
				tags = append(tags, Tag{tag.key, value})
			case tags[at].Value != value:
				return nil, fault.New(fault.Denied, "you match the callers %s, which give the tag %s different values; the allowlist's operator must settle which holds",
					strings.Join(names(p.callers), ", "), tag.key)
			}
		}
	}
	slices.SortFunc(tags, func(a, b Tag) int { return strings.Compare(a.Key, b.Key) })
	return tags, nil
}

// IsTagText reports whether STS takes s in a tag: [\p{L}\p{Z}\p{N}_.:/=+\-@]*.
func IsTagText(s string) bool {
	for _, r := range s {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
			continue // as nearly all do
		}
		if !unicode.In(r, unicode.L, unicode.Z, unicode.N) && !strings.ContainsRune("_.:/=+-@", r) {
			return false
		}
	}
	return true
}
