package templates_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/credvend/credvend/internal/local/cfn"
)

const (
	brokerModule = "../../terraform/broker"
	targetModule = "../../terraform/target"
)

// planned is what tools/terraformcheck makes of a module and variables.
type planned struct {
	Refused   []string
	Problem   string
	Variables map[string]any
	Resources map[string]map[string]any
	Outputs   map[string]any
}

// checker is tools/terraformcheck, built when a test first asks for it. It is
// of another module, with dependencies of its own.
var checker = sync.OnceValues(func() (string, error) {
	file := filepath.Join(scratch, "terraformcheck")
	build := exec.Command("go", "-C", "../../tools", "build", "-o", file, "./terraformcheck")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("tools/terraformcheck cannot be built: %w: %s", err, out)
	}
	return file, nil
})

// scratch is a folder for the whole run.
var scratch string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if scratch, err = os.MkdirTemp("", "credvend-templates-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(scratch) }()
		return m.Run()
	}())
}

func terraformcheck(t *testing.T, in io.Reader, args ...string) (string, error) {
	t.Helper()
	file, err := checker()
	if err != nil {
		t.Fatal(err)
	}
	// go test takes a result from its cache unless a file has changed that the
	// test itself has read; what the tool reads it does not see.
	for _, pattern := range []string{"../../tools/go.mod", "../../tools/terraformcheck/*", brokerModule + "/*.tf", targetModule + "/*.tf"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("there is no %s (%v)", pattern, err)
		}
		for _, file := range files {
			read(t, file)
		}
	}
	cmd := exec.CommandContext(t.Context(), file, args...)
	cmd.Stdin = in
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%w: %s", err, complaint.String())
	}
	return out.String(), nil
}

// plan works a module out for each of the given parameters.
func plan(t *testing.T, module, templateFile string, known map[string]map[string]any, all []map[string]string) []planned {
	t.Helper()
	pkg := filepath.Join(t.TempDir(), "credvend-vend.zip")
	if err := os.WriteFile(pkg, []byte("a zip"), 0o600); err != nil {
		t.Fatal(err)
	}
	var in bytes.Buffer
	for _, p := range all {
		variables := map[string]any{}
		for name, value := range p {
			variables[snake(name)] = variable(name, value)
		}
		if templateFile == brokerFile {
			variables["package"] = pkg
		}
		if err := json.NewEncoder(&in).Encode(map[string]any{"variables": variables, "known": known}); err != nil {
			t.Fatal(err)
		}
	}
	out, err := terraformcheck(t, &in, "-plan", module)
	if err != nil {
		t.Fatal(err)
	}
	var answers []planned
	for d := json.NewDecoder(strings.NewReader(out)); ; {
		d.UseNumber()
		var one planned
		if err := d.Decode(&one); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, one)
	}
	if len(answers) != len(all) {
		t.Fatalf("%d answers for %d inputs", len(answers), len(all))
	}
	return answers
}

var wordStart = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// snake is a parameter's, output's or property's name in Terraform.
func snake(name string) string {
	return strings.ToLower(wordStart.ReplaceAllString(name, "${1}_${2}"))
}

// Parameters that are lists, and switches, in Terraform.
var (
	lists    = []string{"TargetRoleArns", "JwtAudience", "CorsOrigins", "AdmittedAccounts", "StsRegions", "BrokerRoleArns", "BrokerRoleIds"}
	switches = []string{"IamDoor", "FunctionUrl", "RestApi", "Tracing", "Cache", "RestAccessLogs"}
)

// variable is a parameter's value as Terraform has it.
func variable(name, value string) any {
	switch {
	case slices.Contains(lists, name) && value == "":
		return []any{}
	case slices.Contains(lists, name):
		var list []any
		for item := range strings.SplitSeq(value, ",") {
			list = append(list, item)
		}
		return list
	case slices.Contains(switches, name) && (value == "on" || value == "off"):
		return value == "on"
	case name == "ReservedConcurrency" && value == "none":
		return nil
	}
	return value
}

// knownB is what AWS tells of Account B's resources, as attribute does for the
// template.
func knownB() map[string]map[string]any {
	api := func(id string) map[string]any {
		return map[string]any{
			"id": id, "execution_arn": "arn:aws:execute-api:us-east-1:" + accountB + ":" + id,
			"api_endpoint": "https://" + id + ".execute-api.us-east-1.amazonaws.com",
		}
	}
	group := func(id string) map[string]any {
		name := "credvend-" + id + "-1EXAMPLE"
		return map[string]any{"name": name, "arn": "arn:aws:logs:us-east-1:" + accountB + ":log-group:" + name}
	}
	return map[string]map[string]any{
		"data.aws_region.current":                       {"region": "us-east-1"},
		"data.aws_partition.current":                    {"partition": "aws"},
		"data.aws_caller_identity.current":              {"account_id": accountB},
		"aws_iam_role.broker":                           {"id": "credvend-broker", "arn": roleB, "unique_id": "AROAEXAMPLEBROKER000"},
		"aws_iam_policy.caller":                         {"arn": "arn:aws:iam::" + accountB + ":policy/CallerPolicy"},
		"aws_lambda_function.vend":                      {"arn": "arn:aws:lambda:us-east-1:" + accountB + ":function:credvend-vend"},
		"aws_lambda_function_url.vend":                  {"function_url": "https://u1r2l3.lambda-url.us-east-1.on.aws/", "url_id": "u1r2l3"},
		"aws_cloudwatch_log_group.vend":                 group("VendLogs"),
		"aws_cloudwatch_log_group.access":               group("AccessLogs"),
		"aws_apigatewayv2_api.iam":                      api("iamapi0000"),
		"aws_apigatewayv2_api.jwt":                      api("jwtapi0000"),
		"aws_apigatewayv2_integration.iam":              {"id": "iaminte"},
		"aws_apigatewayv2_integration.jwt":              {"id": "jwtinte"},
		"aws_apigatewayv2_authorizer.jwt":               {"id": "jwtauth"},
		"aws_api_gateway_rest_api.rest":                 api("vendrestap"),
		"aws_api_gateway_deployment.rest":               {"id": "deploy1"},
		"aws_api_gateway_stage.rest":                    {"invoke_url": "https://vendrestap.execute-api.us-east-1.amazonaws.com/prod"},
		"aws_appconfig_application.allowlist":           {"id": "allowli"},
		"aws_appconfig_environment.allowlist":           {"id": "allowli:allowli", "environment_id": "allowli"},
		"aws_appconfig_configuration_profile.allowlist": {"id": "allowli:allowli", "configuration_profile_id": "allowli"},
	}
}

// knownA is the same of Account A's.
func knownA() map[string]map[string]any {
	return map[string]map[string]any{
		"data.aws_region.current":          {"region": "us-east-1"},
		"data.aws_partition.current":       {"partition": "aws"},
		"data.aws_caller_identity.current": {"account_id": accountA},
		"aws_iam_role.target":              {"id": "orders-invoke", "arn": roleA, "unique_id": "AROAEXAMPLEBROKER000"},
	}
}

// pair is a template and the Terraform module that is held equal to it.
type pair struct {
	file, module, account string
	known                 map[string]map[string]any
	convert               func(planned, map[string]string) (*cfn.Stack, error)
	check                 func(*cfn.Stack, map[string]string) []string
}

func pairs() []pair {
	return []pair{
		{brokerFile, brokerModule, accountB, knownB(), brokerStack, checkBroker},
		{targetFile, targetModule, accountA, knownA(), targetStack, checkTarget},
	}
}

func allOf(of pair) []map[string]string {
	if of.file == targetFile {
		return combinations(targetAlways, targetChoices)
	}
	return brokerFew()
}

// TestTerraformStands: formatted, every reference resolved, nothing unused.
func TestTerraformStands(t *testing.T) {
	if out, err := terraformcheck(t, nil, brokerModule, targetModule); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestTerraformEquals holds the modules to the templates: in every combination
// of doors, and of all that the target's role can be.
func TestTerraformEquals(t *testing.T) {
	for _, of := range pairs() {
		t.Run(filepath.Base(of.module), func(t *testing.T) {
			all := fewer(allOf(of))
			template := parse(t, read(t, of.file))
			for i, answer := range plan(t, of.module, of.file, of.known, all) {
				if found := of.differences(template, all[i], answer); len(found) > 0 {
					t.Fatalf("%v:\n%s", all[i], strings.Join(found, "\n"))
				}
			}
		})
	}
}

// differences are all between a stack and what Terraform would make. Both must
// refuse the same.
func (of pair) differences(template *cfn.Template, parameters map[string]string, answer planned) []string {
	stack, err := template.Resolve(options(of.account, parameters))
	switch {
	case answer.Problem != "":
		return []string{"Terraform: " + answer.Problem}
	case err != nil && len(answer.Refused) == 0:
		return []string{"Terraform does not refuse it; the template does: " + err.Error()}
	case err != nil:
		return nil
	case len(answer.Refused) > 0:
		return append([]string{"Terraform refuses what the template takes"}, answer.Refused...)
	}
	p := &problems{}
	p.sameVariables(template, parameters, answer)
	other, err := of.convert(answer, parameters)
	if err != nil {
		return []string{err.Error()}
	}
	p.sameResources(stack, other)
	p.sameOutputs(stack, answer)
	return append(*p, of.check(other, parameters)...)
}

func (p *problems) sameVariables(template *cfn.Template, parameters map[string]string, answer planned) {
	want := map[string]any{}
	for _, parameter := range template.Parameters() {
		value, given := parameters[parameter.Name]
		if !given {
			value = parameter.Default
		}
		want[snake(parameter.Name)] = variable(parameter.Name, value)
	}
	got := maps.Clone(answer.Variables)
	delete(got, "package") // sam build puts it into the template
	p.want("the variables", plain(got), plain(want))
}

func (p *problems) sameResources(stack, other *cfn.Stack) {
	for _, id := range slices.Sorted(maps.Keys(stack.Resources)) {
		if _, ok := other.Resources[id]; !ok {
			p.add("Terraform makes no %s", id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(other.Resources)) {
		want, ok := stack.Resources[id]
		if !ok {
			p.add("Terraform makes %s, the template does not", id)
			continue
		}
		wanted, got := want.Properties, other.Resources[id].Properties
		p.want(id+": its type", other.Resources[id].Type, want.Type)
		for _, key := range slices.Sorted(maps.Keys(wanted)) {
			p.want("Terraform's "+id+"."+key, plain(got[key]), plain(wanted[key]))
		}
		for _, key := range slices.Sorted(maps.Keys(got)) {
			if _, ok := wanted[key]; !ok {
				p.add("Terraform's %s.%s is %s; the template has none", id, key, jsonOf(got[key]))
			}
		}
	}
}

func (p *problems) sameOutputs(stack *cfn.Stack, answer planned) {
	want := map[string]any{}
	for name, value := range stack.Outputs {
		want[snake(name)] = value
	}
	got := map[string]any{}
	for name, value := range answer.Outputs {
		if value != nil {
			got[name] = value
		}
	}
	// Both tell what to do next, each with its own command.
	if next, ok := got["next_step"].(string); ok && strings.Contains(next, "u1r2l3") {
		got["next_step"] = want["next_step"]
	}
	p.want("the outputs", plain(got), plain(want))
}

// plain is a value in one form, whoever wrote it: numbers and booleans as text,
// JSON parsed, blanks between doors closed up, sets sorted, and a set of one as
// its member, which is the same to IAM.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, item := range v {
			out[key] = plain(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		scalars := true
		for i, item := range v {
			out[i] = plain(item)
			_, text := out[i].(string)
			scalars = scalars && text
		}
		if scalars {
			slices.SortFunc(out, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
			if len(out) == 1 {
				return out[0]
			}
		}
		return out
	case string:
		var parsed map[string]any
		if strings.HasPrefix(v, "{") && json.Unmarshal([]byte(v), &parsed) == nil {
			return plain(parsed)
		}
		return strings.Join(strings.Fields(v), " ")
	}
	if s, ok := cfn.Text(v); ok {
		return s
	}
	return v
}

// TestTerraformRefuses: what the templates refuse, the modules refuse.
func TestTerraformRefuses(t *testing.T) {
	for _, of := range pairs() {
		var cases []refusal
		for _, c := range refusals {
			if c.file == of.file {
				cases = append(cases, c)
			}
		}
		for i, answer := range plan(t, of.module, of.file, of.known, of.refused()) {
			t.Run(cases[i].String(), func(t *testing.T) {
				if answer.Problem != "" || len(answer.Refused) == 0 {
					t.Fatalf("it is not refused: %s", answer.Problem)
				}
				if why := strings.Join(answer.Refused, "\n"); !strings.HasPrefix(cases[i].want, "rule ") && !strings.Contains(why, snake(cases[i].name)+":") {
					t.Errorf("the refusal does not name the variable: %s", why)
				}
			})
		}
	}
}

// TestTerraformRefusesMore: what Terraform can say and a template cannot.
func TestTerraformRefusesMore(t *testing.T) {
	broker := func(name, value string) map[string]string { return with(brokerAlways, name, value) }
	for _, c := range []struct {
		name   string
		of     pair
		given  map[string]string
		differ map[string]map[string]any
		want   string
	}{
		{"roles of another partition", pairs()[0], broker("FunctionName", "x"), map[string]map[string]any{"data.aws_partition.current": {"partition": "aws-us-gov"}}, "not of the partition aws-us-gov"},
		{"brokers of another partition", pairs()[1], with(targetAlways, "BrokerRoleArns", roleB), map[string]map[string]any{"data.aws_partition.current": {"partition": "aws-cn"}}, "not of the partition aws-cn"},
		{"brokers of two accounts", pairs()[1], with(targetAlways, "BrokerRoleArns", roleB+",arn:aws:iam::"+accountC+":role/credvend-broker"), nil, "all of one account"},
	} {
		t.Run(c.name, func(t *testing.T) {
			known := maps.Clone(c.of.known)
			maps.Copy(known, c.differ)
			answer := plan(t, c.of.module, c.of.file, known, []map[string]string{c.given})[0]
			if why := strings.Join(answer.Refused, "\n"); !strings.Contains(why, c.want) {
				t.Errorf("got %q (%s), want %q", why, answer.Problem, c.want)
			}
		})
	}
}
