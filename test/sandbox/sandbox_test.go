package main_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestOwnStack: the local stack is what the suite expects, whole.
func TestOwnStack(t *testing.T) {
	t.Parallel()
	o := runOwn(t)
	if o.code != 0 || o.report.Counts.Differs != 0 {
		t.Errorf("exit code %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	if o.report.Counts.OK < 200 {
		t.Errorf("only %d checks ran well", o.report.Counts.OK)
	}
	for _, c := range o.report.Checks {
		// Nothing plays a custom domain here, and not every stack has a session
		// that has expired.
		if c.Outcome == "not run" && c.ID != "event.base-path" && !strings.HasSuffix(c.ID, ".expired-credentials") {
			t.Errorf("%s was not run: %s", c.ID, c.Why)
		}
	}
	if o.report.Against != "the local stack" || !strings.Contains(o.stdout, "only a run against AWS settles any") {
		t.Error("it does not say that nothing is settled here")
	}
}

// TestLocalEnv: the variables of `credvend local` are enough, and nothing that is
// printed or saved holds a secret.
func TestLocalEnv(t *testing.T) {
	t.Parallel()
	stack, env := start(t)
	o := run(t, env)
	if o.code != 0 {
		t.Fatalf("exit code %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	if c := o.report.Counts; c.OK < 160 || c.Differs != 0 {
		t.Errorf("%+v", c)
	}
	for _, c := range o.report.Checks {
		if c.Outcome == "not run" && !strings.HasPrefix(c.Why, "set CREDVEND_SANDBOX_") {
			t.Errorf("%s was not run, and it does not say what to set: %s", c.ID, c.Why)
		}
	}
	if verdict, says := o.fact(t, "packed-size"); verdict != "open" || !strings.Contains(says, "set CREDVEND_SANDBOX_ROLE") {
		t.Errorf("packed-size is %s: %s", verdict, says)
	}
	printed := o.stdout + o.stderr + o.saved
	for name, session := range stack.World.Profiles {
		_, secret, token := session.Reveal()
		if strings.Contains(printed, secret) || token != "" && strings.Contains(printed, token) {
			t.Errorf("a secret of %s is printed", name)
		}
	}
	if m := regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}|"SessionToken":"[^(]`).FindString(printed); m != "" {
		t.Errorf("it prints %q", m)
	}
}

// TestFacts: the facts are those of docs/deploy.md, no more and no fewer.
func TestFacts(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(root + "/docs/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "## What is unsure")
	if !found {
		t.Fatal("docs/deploy.md has no section What is unsure")
	}
	var documented []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|").FindAllStringSubmatch(section, -1) {
		documented = append(documented, m[1])
	}
	var printed []string
	for _, f := range runOwn(t).report.Facts {
		printed = append(printed, f.ID)
	}
	slices.Sort(documented)
	slices.Sort(printed)
	if !slices.Equal(documented, printed) {
		t.Errorf("docs/deploy.md has %q, the suite %q", documented, printed)
	}
}

// TestDocumented: every variable of the help is on the page, and the other way
// round.
func TestDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(root + "/docs/conformance-aws.md")
	if err != nil {
		t.Fatal(err)
	}
	o := run(t, nil, "-help")
	if o.code != 0 {
		t.Errorf("-help ends with %d", o.code)
	}
	_, help, _ := strings.Cut(o.stdout, "\nVariables")
	inHelp, inPage := map[string]bool{}, map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^  CREDVEND_SANDBOX_([A-Z_]+) `).FindAllStringSubmatch(help, -1) {
		inHelp[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`CREDVEND_SANDBOX_([A-Z_]+)`).FindAllStringSubmatch(string(page), -1) {
		inPage[strings.TrimSuffix(m[1], "_FILE")] = true
	}
	if len(inHelp) < 20 {
		t.Errorf("the help names %d variables", len(inHelp))
	}
	for name := range inHelp {
		if !inPage[name] {
			t.Errorf("docs/conformance-aws.md lacks CREDVEND_SANDBOX_%s", name)
		}
	}
	for name := range inPage {
		if !inHelp[name] {
			t.Errorf("the help lacks CREDVEND_SANDBOX_%s", name)
		}
	}
}

// TestIDs: an id names one check, and -list sends nothing.
func TestIDs(t *testing.T) {
	t.Parallel()
	o := run(t, nil, "-list")
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^([a-z-]+\.[a-z0-9-]+) `).FindAllStringSubmatch(o.stdout, -1) {
		if seen[m[1]] {
			t.Errorf("%s stands twice", m[1])
		}
		seen[m[1]] = true
	}
	if o.code != 0 || len(seen) < 200 {
		t.Errorf("exit code %d, %d checks", o.code, len(seen))
	}
}
