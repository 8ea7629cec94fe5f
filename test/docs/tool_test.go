package docs_test

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/cli"
)

// command is a command of the tool, as its own help tells of it.
type command struct {
	path  string // credvend allowlist build
	below map[string]*command
	flags map[string]bool // without the dashes; those it inherits too
}

var (
	flagLine    = regexp.MustCompile(`(?m)^ +(?:-[A-Za-z], )?--([a-z][a-z0-9-]*)`)
	commandLine = regexp.MustCompile(`(?m)^  ([a-z][a-z0-9-]*) +[A-Z]`)
)

// tool asks the tool's help for every command.
func tool(t *testing.T, path ...string) *command {
	t.Helper()
	var out bytes.Buffer
	if code := cli.Main(t.Context(), append(path, "--help"), strings.NewReader(""), &out, &out); code != 0 {
		t.Fatalf("%v --help: %d\n%s", path, code, out.String())
	}
	c := &command{path: strings.Join(append([]string{"credvend"}, path...), " "), below: map[string]*command{}, flags: map[string]bool{}}
	// After the usage line come sections: examples, groups of commands, flags.
	var flags, groups string
	_, rest, _ := strings.Cut(out.String(), "\nUsage:\n")
	for _, section := range regexp.MustCompile(`(?m)^\S.*:$`).FindAllStringIndex(rest, -1) {
		text := rest[section[1]:]
		if next := regexp.MustCompile(`(?m)^\S`).FindStringIndex(text); next != nil {
			text = text[:next[0]]
		}
		switch title := rest[section[0]:section[1]]; title {
		case "Flags:", "Global Flags:":
			flags += text
		case "Examples:":
		default:
			groups += text
		}
	}
	for _, m := range flagLine.FindAllStringSubmatch(flags, -1) {
		c.flags[m[1]] = true
	}
	for _, m := range commandLine.FindAllStringSubmatch(groups, -1) {
		if m[1] != "help" && m[1] != "completion" {
			c.below[m[1]] = tool(t, append(slices.Clone(path), m[1])...)
		}
	}
	return c
}

// each calls f with the command and all below it that do something.
func (c *command) each(f func(*command)) {
	if len(c.below) == 0 {
		f(c)
	}
	for _, b := range c.below {
		b.each(f)
	}
}

// use is one call of the tool in a document.
type use struct {
	page  *page
	line  int
	words []string // after "credvend"
}

// call is the tool at the place of a command: at the beginning, after what ends
// another command, or as the value of credential_process.
var call = regexp.MustCompile(`(?:^|[|;&(] *|credential_process = )(?:[A-Z_]+=\S+ )*(?:build/|\./)?credvend ([^|;&>#)\x60]+)`)

// uses finds the calls of the tool in shell blocks, AWS profiles and inline
// code.
func uses(t *testing.T) []use {
	t.Helper()
	var found []use
	for _, p := range pages(t) {
		if p.name == "CHANGELOG.md" { // tells of the past too
			continue
		}
		add := func(line int, text string) {
			for _, m := range call.FindAllStringSubmatch(text, -1) {
				found = append(found, use{p, line, strings.Fields(m[1])})
			}
		}
		p.codes(func(number int, text string) {
			if strings.HasPrefix(text, "credvend ") || strings.HasPrefix(text, "build/credvend ") {
				add(number, text)
			}
		})
		for _, b := range p.blocks {
			if slices.Contains([]string{"sh", "bash", "console", "ini"}, b.lang) {
				for _, line := range commands(b.text) {
					add(b.line, line)
				}
			}
		}
	}
	return found
}

// check walks a call down the tool's commands, and returns where it ends and
// what is wrong with it.
func (c *command) check(words []string) (at *command, problem string) {
	at = c
	for i, w := range words {
		name, isFlag := strings.CutPrefix(strings.Trim(w, `"'[]…`), "--")
		name, _, _ = strings.Cut(name, "=")
		switch {
		case w == "--":
			return at, ""
		case isFlag && name != "help" && !at.flags[name]:
			return at, at.path + " has no flag --" + name
		case isFlag || strings.HasPrefix(w, "-"):
		case at.below[w] != nil:
			at = at.below[w]
		case i == 0 && (w == "help" || w == "completion"):
			return at, ""
		case len(at.below) > 0:
			return at, "there is no command " + at.path + " " + w
		}
	}
	return at, ""
}

// TestCommandsAndFlags: each call of the tool in a document is of a command
// and of flags that exist; and each command and flag stands in a document.
func TestCommandsAndFlags(t *testing.T) {
	all := tool(t)
	inPages := map[string]string{} // of a command: the text of the pages that show it
	for _, u := range uses(t) {
		at, problem := all.check(u.words)
		if problem != "" {
			t.Errorf("%s:%d: %s", u.page.name, u.line, problem)
		}
		inPages[at.path] += strings.Join(u.page.lines, "\n")
	}
	all.each(func(c *command) {
		text, shown := inPages[c.path]
		if !shown {
			t.Errorf("no document shows %s", c.path)
			return
		}
		for name := range c.flags {
			if name != "help" && name != "version" && !regexp.MustCompile(`--`+name+`\b`).MatchString(text) {
				t.Errorf("no document that shows %s names --%s", c.path, name)
			}
		}
	})
}

// foreign are flags of other programs that documents name by themselves.
var foreign = map[string]bool{"endpoint-url": true, "guided": true, "aws-sigv4": true, "env-vars": true, "parameter-overrides": true, "profile": true, "region": true}

// TestFlagsAlone: a flag that stands by itself in a text is one of the tool's.
func TestFlagsAlone(t *testing.T) {
	known := map[string]bool{"help": true}
	tool(t).each(func(c *command) {
		for name := range c.flags {
			known[name] = true
		}
	})
	for _, p := range pages(t) {
		p.codes(func(number int, text string) {
			m := regexp.MustCompile(`^--([a-z][a-z0-9-]*)`).FindStringSubmatch(text)
			if m != nil && !known[m[1]] && !foreign[m[1]] {
				t.Errorf("%s:%d: no command has --%s; if it is another program's, add it to the list foreign", p.name, number, m[1])
			}
		})
	}
}

// TestToolChecker plants what it must find.
func TestToolChecker(t *testing.T) {
	all := tool(t)
	for text, ok := range map[string]bool{
		"process orders --profile x": true, "process orders --profle x": false, "vendor orders": false,
		"allowlist build a.yaml -o b": true, "allowlist biuld a.yaml": false, "help process": true, "--help": true, "process --help": true,
	} {
		if _, problem := all.check(strings.Fields(text)); (problem == "") != ok {
			t.Errorf("%s: %q", text, problem)
		}
	}
}
