package docs_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/local/cfn"
)

// same reports what stands in one of two sets only.
func same(t *testing.T, what string, exist, named map[string]bool) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(exist)) {
		if !named[name] {
			t.Errorf("%s %s exists, and the documents do not name it", what, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if !exist[name] {
			t.Errorf("%s %s is named, and does not exist", what, name)
		}
	}
	if len(exist) == 0 {
		t.Errorf("no %s was found", what)
	}
}

// names collects what a form finds in the files of a tree that pass.
func names(t *testing.T, form *regexp.Regexp, pass func(path string) bool) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && made[d.Name()]:
			return fs.SkipDir
		case d.IsDir() || !pass(filepath.ToSlash(path)):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range form.FindAllStringSubmatch(string(text), -1) {
			found[m[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestVariables: the environment variables of the programs are those that the
// documents name. A document may also name those of a test's script.
func TestVariables(t *testing.T) {
	form := regexp.MustCompile(`\b(CREDVEND_[A-Z_]*[A-Z])\b`)
	programs := names(t, form, func(path string) bool {
		return strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") &&
			!strings.Contains(path, "/test/") && !strings.Contains(path, "/vendtest/")
	})
	scripts := names(t, form, func(path string) bool {
		return strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, ".sh") || strings.HasSuffix(path, ".txtar") || strings.Contains(path, "/test/") && !strings.HasSuffix(path, ".md")
	})
	documents := names(t, form, func(path string) bool { return strings.HasSuffix(path, ".md") })
	// test/sandbox puts the names of its variables together.
	sandbox := readFile(t, "test/sandbox/settings.go")
	for name := range documents {
		rest, isSandbox := strings.CutPrefix(name, "CREDVEND_SANDBOX_")
		isSandbox = isSandbox && strings.Contains(sandbox, `"`+strings.TrimSuffix(rest, "_FILE")+`"`)
		if (scripts[name] || isSandbox) && !programs[name] {
			delete(documents, name)
		}
	}
	same(t, "the variable", programs, documents)
}

var template = map[string]struct{ file, account string }{
	"B": {"template.yaml", "Account B"},
	"A": {"accounts/target.yaml", "Account A"},
}

// outputs are the names under Outputs in a template.
func outputs(text string) map[string]bool {
	_, section, _ := strings.Cut(text, "\nOutputs:\n")
	found := map[string]bool{}
	for _, line := range strings.Split(section, "\n") {
		if line != "" && line[0] != ' ' && line[0] != '#' {
			break
		}
		if m := regexp.MustCompile(`^  ([A-Za-z0-9]+):\s*$`).FindStringSubmatch(line); m != nil {
			found[m[1]] = true
		}
	}
	return found
}

func parameters(t *testing.T, file string) map[string]cfn.Parameter {
	t.Helper()
	parsed, err := cfn.Parse([]byte(readFile(t, file)))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]cfn.Parameter{}
	for _, p := range parsed.Parameters() {
		found[p.Name] = p
	}
	return found
}

var quoted = regexp.MustCompile("^`([^`]+)`$")

// TestParametersAndOutputs: the tables of docs/deploy.md have every parameter,
// with its default, and every output of both templates.
func TestParametersAndOutputs(t *testing.T) {
	p := find(t, "docs/deploy.md")
	for _, of := range template {
		t.Run(of.account, func(t *testing.T) {
			all := parameters(t, of.file)
			exist, named := map[string]bool{}, map[string]bool{}
			for name := range all {
				exist[name] = true
			}
			for _, row := range p.table(t, "Parameters of "+of.account) {
				name := quoted.ReplaceAllString(row[0], "$1")
				named[name] = true
				want := ""
				if parameter := all[name]; parameter.HasDefault {
					want = "`" + parameter.Default + "`"
					if parameter.Default == "" {
						want = "empty"
					}
				}
				if exist[name] && row[1] != want {
					t.Errorf("the default of %s is %q, and the table has %q", name, want, row[1])
				}
			}
			same(t, "the parameter", exist, named)
			named = map[string]bool{}
			for _, row := range p.table(t, "Outputs of "+of.account) {
				named[quoted.ReplaceAllString(row[0], "$1")] = true
			}
			same(t, "the output", outputs(readFile(t, of.file)), named)
		})
	}
}

// TestParametersInCommands: what a command gives as --parameter-overrides, and
// what a table says to answer, are parameters of the template in question.
func TestParametersInCommands(t *testing.T) {
	broker, target := parameters(t, template["B"].file), parameters(t, template["A"].file)
	count := 0
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			for _, command := range commands(b.text) {
				_, given, ok := strings.Cut(command, "--parameter-overrides ")
				if !ok {
					continue
				}
				known := broker
				if strings.Contains(command, template["A"].file) {
					known = target
				}
				for _, m := range regexp.MustCompile(`(?:^|\s)([A-Za-z]+)=`).FindAllStringSubmatch(given, -1) {
					count++
					if _, ok := known[m[1]]; !ok {
						t.Errorf("%s:%d: there is no parameter %s", p.name, b.line, m[1])
					}
				}
			}
		}
		answers := false
		p.prose(func(number int, line string) {
			cells := strings.Split(strings.Trim(line, "| "), "|")
			switch {
			case strings.HasPrefix(strings.TrimSpace(line), "| parameter | answer |"):
				answers = true
			case !strings.HasPrefix(strings.TrimSpace(line), "|"):
				answers = false
			case answers && !strings.HasPrefix(strings.TrimSpace(line), "|--"):
				count++
				if _, ok := broker[strings.TrimSpace(cells[0])]; !ok {
					t.Errorf("%s:%d: there is no parameter %s", p.name, number, cells[0])
				}
			}
		})
	}
	if count < 5 {
		t.Errorf("only %d parameters were found", count)
	}
}

// commands are the commands of a shell block, continued lines joined, comments
// left out.
func commands(text string) []string {
	var found []string
	for _, line := range strings.Split(strings.ReplaceAll(text, "\\\n", " "), "\n") {
		line, _, _ = strings.Cut(line, " # ")
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			found = append(found, line)
		}
	}
	return found
}

// TestMakeTargets: every `make X` of a document is a target.
func TestMakeTargets(t *testing.T) {
	targets := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^([A-Za-z][A-Za-z-]*):`).FindAllStringSubmatch(readFile(t, "Makefile"), -1) {
		targets[m[1]] = true
	}
	form := regexp.MustCompile(`(?:^|[\s;&|(])make ([a-z][A-Za-z-]*)`)
	count := 0
	check := func(p *page, number int, text string) {
		for _, m := range form.FindAllStringSubmatch(text, -1) {
			count++
			if !targets[m[1]] {
				t.Errorf("%s:%d: the Makefile has no target %s", p.name, number, m[1])
			}
		}
	}
	for _, p := range pages(t) {
		p.codes(func(number int, text string) { check(p, number, text) })
		for _, b := range p.blocks {
			for _, command := range commands(b.text) {
				if b.lang == "sh" {
					check(p, b.line, command)
				}
			}
		}
	}
	if count < 20 {
		t.Errorf("only %d were found", count)
	}
}

// TestTerraform: the variables and outputs of each Terraform folder are the
// parameters and outputs that docs/deploy.md has tables of, in snake case, and
// those that its section on Terraform adds. So these are named both ways too.
func TestTerraform(t *testing.T) {
	p := find(t, "docs/deploy.md")
	for folder, of := range map[string]string{"terraform/broker": "B", "terraform/target": "A"} {
		t.Run(folder, func(t *testing.T) {
			exist, named := map[string]bool{}, map[string]bool{}
			files, err := filepath.Glob(filepath.Join(root, folder, "*.tf"))
			if err != nil || len(files) == 0 {
				t.Fatalf("%v: %v", files, err)
			}
			for _, file := range files {
				for _, m := range regexp.MustCompile(`(?m)^(variable|output) "([a-z0-9_]+)"`).FindAllStringSubmatch(readFile(t, folder+"/"+filepath.Base(file)), -1) {
					exist[m[1]+" "+m[2]] = true
				}
			}
			for name := range parameters(t, template[of].file) {
				named["variable "+snake(name)] = true
			}
			for name := range outputs(readFile(t, template[of].file)) {
				named["output "+snake(name)] = true
			}
			if folder == "terraform/broker" {
				for _, row := range p.table(t, "With Terraform") {
					named["variable "+quoted.ReplaceAllString(row[0], "$1")] = true
				}
			}
			same(t, "Terraform's", exist, named)
		})
	}
}

func snake(name string) string {
	return strings.ToLower(regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(name, "${1}_$2"))
}

// TestTerraformInCommands: what a command gives as -var is a variable of the
// folder that it names.
func TestTerraformInCommands(t *testing.T) {
	count := 0
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			for _, command := range commands(b.text) {
				chdir := regexp.MustCompile(`terraform -chdir=(\S+)`).FindStringSubmatch(command)
				if chdir == nil {
					continue
				}
				files, err := filepath.Glob(filepath.Join(root, chdir[1], "*.tf"))
				if err != nil || len(files) == 0 {
					t.Errorf("%s:%d: %s is no folder of Terraform files", p.name, b.line, chdir[1])
				}
				var text strings.Builder
				for _, file := range files {
					text.WriteString(readFile(t, chdir[1]+"/"+filepath.Base(file)))
				}
				for _, m := range regexp.MustCompile(`-var '?([a-z_]+)=`).FindAllStringSubmatch(command, -1) {
					count++
					if !strings.Contains(text.String(), `variable "`+m[1]+`"`) {
						t.Errorf("%s:%d: %s has no variable %s", p.name, b.line, chdir[1], m[1])
					}
				}
			}
		}
	}
	if count < 5 {
		t.Errorf("only %d variables were found", count)
	}
}
