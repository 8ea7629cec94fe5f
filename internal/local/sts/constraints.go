package sts

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// constraints gathers what a request breaks of the service's model, and says all
// of it at once in AWS's sentence.
type constraints struct{ broken []string }

// shape is a string type of the model: its length in characters and alphabet.
type shape struct {
	shortest, longest int // longest 0: no limit
	alphabet          string
}

// The shapes of STS's parameters, with the alphabets as AWS prints them.
func roleArnShape() shape {
	return shape{20, 2048, `[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+`}
}
func sessionNameShape() shape    { return shape{2, 64, `[\w+=,.@-]*`} }
func sourceIdentityShape() shape { return shape{2, 64, `[\w+=,.@-]*`} }
func externalIDShape() shape     { return shape{2, 1224, `[\w+=,.@:\/-]*`} }
func policyShape() shape         { return shape{1, 2048, `[\u0009\u000A\u000D\u0020-\u00FF]+`} }
func tagKeyShape() shape         { return shape{1, 128, `[\p{L}\p{Z}\p{N}_.:/=+\-@]+`} }
func tagValueShape() shape       { return shape{0, 256, `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`} }
func audienceShape() shape       { return shape{1, 1000, ""} }

// javaEscape is how AWS prints a character of an alphabet; Go writes it \x{…}.
var javaEscape = regexp.MustCompile(`\\u([0-9A-F]{4,6})`)

// matches tells whether s is wholly of the alphabet. Go has no surrogates, so
// the range up to D7FF needs no care.
func (s shape) matches(text string) bool {
	if s.alphabet == "" {
		return true
	}
	re := regexp.MustCompile(`^(?:` + javaEscape.ReplaceAllString(s.alphabet, `\x{$1}`) + `)$`)
	return re.MatchString(text)
}

func (c *constraints) fail(value, at, rule string) {
	c.broken = append(c.broken, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: Member must %s", value, at, rule))
}

func (c *constraints) required(at string, v *string) {
	if v == nil {
		c.fail("null", at, "not be null")
	}
}

// text checks a string that was sent; nil was not.
func (c *constraints) text(at string, v *string, s shape) {
	if v == nil {
		return
	}
	shown := "'" + *v + "'"
	n := utf8.RuneCountInString(*v)
	if !s.matches(*v) {
		c.fail(shown, at, "satisfy regular expression pattern: "+s.alphabet)
	}
	if n < s.shortest {
		c.fail(shown, at, fmt.Sprintf("have length greater than or equal to %d", s.shortest))
	}
	if s.longest > 0 && n > s.longest {
		c.fail(shown, at, fmt.Sprintf("have length less than or equal to %d", s.longest))
	}
}

// integer reads a number within bounds; missing gives otherwise.
func (c *constraints) integer(at string, v *string, otherwise, least, most int) (int, *refusal) {
	if v == nil {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(*v, 10, 32)
	if err != nil {
		return 0, refuse(http.StatusBadRequest, "MalformedInput", "%s is not an integer", at)
	}
	if int(n) < least {
		c.fail("'"+*v+"'", at, fmt.Sprintf("have value greater than or equal to %d", least))
	}
	if int(n) > most {
		c.fail("'"+*v+"'", at, fmt.Sprintf("have value less than or equal to %d", most))
	}
	return int(n), nil
}

func (c *constraints) count(at string, n, most int) {
	if n > most {
		c.fail("'["+strconv.Itoa(n)+" members]'", at, fmt.Sprintf("have length less than or equal to %d", most))
	}
}

func (c *constraints) tags(tags []tag) {
	c.count("tags", len(tags), 50)
	for i, t := range tags {
		at := fmt.Sprintf("tags.%d.member.", i+1)
		c.required(at+"key", t.key)
		c.text(at+"key", t.key, tagKeyShape())
		c.required(at+"value", t.value)
		c.text(at+"value", t.value, tagValueShape())
	}
}

// refusal is nil where nothing was broken.
func (c *constraints) refusal() *refusal {
	switch n := len(c.broken); n {
	case 0:
		return nil
	case 1:
		return refuse(http.StatusBadRequest, "ValidationError", "1 validation error detected: %s", c.broken[0])
	default:
		return refuse(http.StatusBadRequest, "ValidationError", "%d validation errors detected: %s", n, strings.Join(c.broken, "; "))
	}
}

// tagMap checks what the model does not say of tags: keys are unique without
// regard to case, and "aws:" is AWS's own. The code and the sentences of these
// two errors are (unsure).
func tagMap(tags []tag) (map[string]string, *refusal) {
	out := make(map[string]string, len(tags))
	folded := map[string]bool{}
	for _, t := range tags {
		low := strings.ToLower(*t.key)
		if strings.HasPrefix(low, "aws:") {
			return nil, refuse(http.StatusBadRequest, "InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use.")
		}
		if folded[low] {
			return nil, refuse(http.StatusBadRequest, "InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		folded[low] = true
		out[*t.key] = *t.value
	}
	return out, nil
}
