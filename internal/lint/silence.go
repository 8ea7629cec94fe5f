package lint

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// marker begins a comment that silences:
//
//	# credvend:ignore CHECK[,CHECK…] REASON
//
// Behind a value it is about its own line; alone on a line, about the next line
// that holds more than a comment.
const marker = "credvend:ignore"

// comment is one such comment.
type comment struct {
	line, column int // of the #
	about        int // the line that it silences
	checks       []string
	reason       string
	text         []byte // the whole line
	used         map[string]bool
}

// silence marks what comments silence, and returns what is wrong with the
// comments. A finding of the compiler cannot be silenced.
func silence(text []byte, report *Report) []Finding {
	comments := comments(text)
	if len(comments) == 0 {
		return nil
	}
	byLine := map[int][]*comment{}
	for _, c := range comments {
		byLine[c.about] = append(byLine[c.about], c)
	}
	for i := range report.Findings {
		f := &report.Findings[i]
		for _, c := range byLine[f.Line] {
			for _, name := range c.checks {
				if name == f.Check && silenceable(name) {
					f.Silenced, f.Reason = c.reason != "", c.reason
					c.used[name] = true
				}
			}
		}
	}
	var findings []Finding
	for _, c := range comments {
		add := func(check, text, remedy string) {
			findings = append(findings, Finding{
				Check: check, Severity: Warning, Line: c.line, Column: c.column, Excerpt: c.excerpt(), Text: text, Remedy: remedy,
			})
		}
		if len(c.checks) == 0 {
			add(silenceUnknown, "the comment names no check to silence", "write # "+marker+" CHECK REASON; docs/lint.md lists the checks")
			continue
		}
		if c.reason == "" {
			add(silenceWithoutReason, "the comment gives no reason, so it silences nothing", "say behind the name of the check why it does not matter here")
		}
		for _, name := range c.checks {
			switch _, known := Named(name); {
			case !known:
				add(silenceUnknown, fmt.Sprintf("there is no check %q", clip(name)), "docs/lint.md lists the checks; commas without spaces part several")
			case !silenceable(name):
				add(silenceUnknown, fmt.Sprintf("%s cannot be silenced", name), "mend what it reports")
			case c.used[name] || report.More[name] > 0 || slices.Contains(report.Cut, name):
			default:
				add(silenceUnused, fmt.Sprintf("%s finds nothing on line %d, so there is nothing to silence", name, c.about), "remove the comment")
			}
		}
	}
	return findings
}

func silenceable(name string) bool {
	switch name {
	case DoesNotCompile, silenceWithoutReason, silenceUnknown, silenceUnused:
		return false
	}
	return true
}

// comments finds the comments that silence, in order.
func comments(text []byte) []*comment {
	if !bytes.Contains(text, []byte(marker)) {
		return nil
	}
	var found, waiting []*comment
	number := 0
	for line := range bytes.Lines(text) {
		number++
		line = bytes.TrimRight(line, "\r\n")
		at := hash(line)
		alone := at >= 0 && len(bytes.TrimSpace(line[:at])) == 0
		if !alone && len(bytes.TrimSpace(line)) > 0 {
			for _, c := range waiting {
				c.about = number
			}
			waiting = nil
		}
		if at < 0 {
			continue
		}
		rest, is := strings.CutPrefix(strings.TrimLeft(string(line[at+1:]), " "), marker)
		if !is || rest != "" && rest[0] != ' ' && rest[0] != ':' {
			continue
		}
		c := &comment{line: number, column: utf8.RuneCount(line[:at]) + 1, about: number, text: line, used: map[string]bool{}}
		names, reason, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(rest, ":")), " ")
		c.reason = strings.TrimSpace(reason)
		for name := range strings.SplitSeq(names, ",") {
			if name != "" {
				c.checks = append(c.checks, name)
			}
		}
		found = append(found, c)
		if alone {
			waiting = append(waiting, c)
		}
	}
	return found
}

// hash is where the comment of a line begins, or -1: the first # at its
// beginning or behind a space, outside of quotes. The reader let the line
// pass, so a quote that opens a value is closed on it.
func hash(line []byte) int {
	quote, begins := byte(0), true // begins: a value could begin here
	for i := 0; i < len(line); i++ {
		c := line[i]
		next := byte(0)
		if i+1 < len(line) {
			next = line[i+1]
		}
		switch {
		case quote == '"' && c == '\\', quote == '\'' && c == quote && next == quote:
			i++
		case quote != 0:
			if c == quote {
				quote, begins = 0, false
			}
		case (c == '"' || c == '\'') && begins:
			quote = c
		case c == '#' && (i == 0 || line[i-1] == ' '):
			return i
		case c == ' ':
			begins = begins || line[max(i, 1)-1] == ':' || line[max(i, 1)-1] == '-'
		default:
			begins = strings.IndexByte("[{,", c) >= 0
		}
	}
	return -1
}

func (c *comment) excerpt() string {
	const limit = 140
	line, mark := string(c.text), c.column-1
	if r := []rune(line); len(r) > limit {
		from := max(0, min(mark-20, len(r)-limit))
		line, mark = "…"+string(r[from:min(len(r), from+limit)]), mark-from+1
	}
	return fmt.Sprintf("%5d | %s\n      | %s^", c.line, line, strings.Repeat(" ", mark))
}

// clip shortens text from the file before it stands in a message.
func clip(s string) string {
	const limit = 60
	if r := []rune(s); len(r) > limit {
		return string(r[:limit]) + "…"
	}
	return s
}
