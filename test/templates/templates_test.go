// Package templates_test holds template.yaml and accounts/target.yaml to what
// they promise, for every combination of their parameters. run.sh beside it
// does the same with AWS's own checker and SAM's transform; this part needs Go
// alone.
package templates_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/local/cfn"
)

const (
	brokerFile = "../../template.yaml"
	targetFile = "../../accounts/target.yaml"

	accountA = "111122223333"
	accountB = "444455556666"
	accountC = "777788889999"
	roleA    = "arn:aws:iam::" + accountA + ":role/orders-invoke"
	roleB    = "arn:aws:iam::" + accountB + ":role/credvend-broker"
)

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func parse(t *testing.T, text string) *cfn.Template {
	t.Helper()
	template, err := cfn.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return template
}

// attribute is what AWS would give: ids of AWS's forms, ARNs of the names.
func attribute(account string) func(cfn.Reference) (any, error) {
	named := func(r cfn.Reference, key string) (string, error) {
		p, err := r.Properties()
		if err != nil {
			return "", err
		}
		name, _ := cfn.Text(p[key])
		if name == "" {
			return "", fmt.Errorf("%s has no %s", r.LogicalID, key)
		}
		return name, nil
	}
	return func(r cfn.Reference) (any, error) {
		switch r.Type + " " + r.Attribute {
		case "AWS::IAM::Role ":
			return named(r, "RoleName")
		case "AWS::IAM::Role Arn":
			name, err := named(r, "RoleName")
			return "arn:aws:iam::" + account + ":role/" + name, err
		case "AWS::IAM::Role RoleId":
			return "AROAEXAMPLEBROKER000", nil
		case "AWS::IAM::ManagedPolicy ":
			return "arn:aws:iam::" + account + ":policy/" + r.LogicalID, nil
		case "AWS::Serverless::Function ":
			return named(r, "FunctionName")
		case "AWS::Serverless::Function Arn":
			name, err := named(r, "FunctionName")
			return "arn:aws:lambda:us-east-1:" + account + ":function:" + name, err
		case "AWS::Logs::LogGroup ":
			return "credvend-" + r.LogicalID + "-1EXAMPLE", nil
		case "AWS::ApiGatewayV2::Api ", "AWS::Serverless::Api ":
			return strings.ToLower(r.LogicalID + "0000000000")[:10], nil
		case "AWS::ApiGatewayV2::Api ApiEndpoint":
			return "https://" + strings.ToLower(r.LogicalID + "0000000000")[:10] + ".execute-api.us-east-1.amazonaws.com", nil
		case "AWS::ApiGatewayV2::Integration ", "AWS::ApiGatewayV2::Authorizer ", "AWS::AppConfig::Application ", "AWS::AppConfig::Environment ", "AWS::AppConfig::ConfigurationProfile ":
			return strings.ToLower(r.LogicalID)[:7], nil
		case "AWS::Lambda::Url FunctionUrl":
			return "https://u1r2l3.lambda-url.us-east-1.on.aws/", nil
		}
		return nil, fmt.Errorf("this test does not know it; add it beside the others")
	}
}

// options are those of a stack in an account, with parameters.
func options(account string, parameters map[string]string) cfn.Options {
	return cfn.Options{
		Parameters: parameters,
		Pseudo:     cfn.Pseudo{AccountID: account, Region: "us-east-1", Partition: "aws", URLSuffix: "amazonaws.com"},
		Attribute:  attribute(account),
	}
}

// choice is one parameter, or some that go together, and what to try for them.
// The empty string stands for the default.
type choice []map[string]string

var brokerChoices = []choice{
	{{}, {"IamDoor": "off"}},
	{{}, {"JwtIssuer": "https://issuer.example.com/x", "JwtAudience": "one"}, {"JwtIssuer": "https://issuer.example.com", "JwtAudience": "one,two", "CorsOrigins": "https://a.example.com,https://b.example.com"}},
	{{}, {"FunctionUrl": "on", "ReservedConcurrency": "20"}, {"FunctionUrl": "on", "ReservedConcurrency": "20", "FunctionUrlId": "u1r2l3"}},
	{{}, {"RestApi": "on"}, {"RestApi": "on", "RestAccessLogs": "off"}},
	{{}, {"AdmittedAccounts": accountC}, {"AdmittedAccounts": "777788889999,777788889998,777788889997,777788889996"}, {"AdmittedAccounts": "777788889999,777788889998,777788889997,777788889996,777788889995"}},
	{{}, {"Tracing": "on"}},
	{{}, {"AppConfigLayerArn": "arn:aws:lambda:us-east-1:027255383542:layer:AWS-AppConfig-Extension-Arm64:100"}},
	{{}, {"LogFormat": "Text"}},
	{{}, {
		"PermissionsBoundaryArn": "arn:aws:iam::444455556666:policy/boundary", "LogKmsKeyArn": "arn:aws:kms:us-east-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab",
		"AlarmTopicArn": "arn:aws:sns:us-east-1:444455556666:alarms", "StsRegions": "us-east-1,us-west-2", "Architecture": "x86_64",
	}},
}

var targetChoices = []choice{
	{{"BrokerRoleArns": roleB}, {"BrokerRoleArns": roleB + ",arn:aws:iam::444455556666:role/team/other-broker"}},
	{{}, {"BrokerRoleIds": "AROAEXAMPLEBROKER000"}, {"BrokerRoleIds": "AROAEXAMPLEBROKER000,AROAEXAMPLEBROKER001"}},
	{{}, {"NextExternalId": "orders-91be02"}},
	{{}, {"Stage": "prod"}},
	{{}, {"ApiRegion": "eu-west-1"}},
	{{}, {"PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/boundary"}},
}

// combinations is every way to choose, on top of what is always given.
func combinations(always map[string]string, choices []choice) []map[string]string {
	all := []map[string]string{always}
	for _, c := range choices {
		var next []map[string]string
		for _, before := range all {
			for _, one := range c {
				joined := maps.Clone(before)
				maps.Copy(joined, one)
				next = append(next, joined)
			}
		}
		all = next
	}
	return all
}

// fewer are a fifth of the combinations under go test -short, or else all.
func fewer(all []map[string]string) []map[string]string {
	if !testing.Short() {
		return all
	}
	var some []map[string]string
	for i := len(all) - 1; i >= 0; i -= 5 {
		some = append(some, all[i])
	}
	return some
}

// doors are how many of brokerChoices open and shut doors.
const doors = 5

// brokerFew are all combinations of doors, with the rest as it is by default
// and all turned about, and each of the rest alone with all doors open: enough
// to meet every resource in every form, in a fifth of the time.
func brokerFew() []map[string]string {
	shut := combinations(brokerAlways, brokerChoices[:doors])
	open := shut[len(shut)-1]
	together := map[string]string{}
	all := shut
	for _, c := range brokerChoices[doors:] {
		one := maps.Clone(open)
		maps.Copy(one, c[1])
		maps.Copy(together, c[1])
		all = append(all, one)
	}
	for _, p := range shut {
		both := maps.Clone(p)
		maps.Copy(both, together)
		all = append(all, both)
	}
	return all
}

var (
	brokerAlways = map[string]string{"TargetRoleArns": roleA + ",arn:aws:iam::777788889999:role/team/other"}
	targetAlways = map[string]string{"ApiId": "a1b2c3d4e5", "ExternalId": "orders-7f3c9a"}
)

// contradicts says which combinations the template's Rules must refuse.
func contradicts(p map[string]string) bool {
	url, rest := p["FunctionUrl"] == "on", p["RestApi"] == "on"
	return p["IamDoor"] == "off" && p["JwtIssuer"] == "" && !url && !rest || p["AdmittedAccounts"] != "" && !url && !rest
}

// TestBroker holds Account B's template to its promises.
func TestBroker(t *testing.T) {
	template := parse(t, read(t, brokerFile))
	all := fewer(combinations(brokerAlways, brokerChoices))
	tried, refused := 0, 0
	for _, p := range all {
		stack, err := template.Resolve(options(accountB, p))
		if contradicts(p) {
			refused++
			if err == nil || !strings.HasPrefix(err.Error(), "rule ") {
				t.Fatalf("%v: got %v, want a rule that refuses it", p, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%v: %v", p, err)
		}
		tried++
		if problems := checkBroker(stack, p); len(problems) > 0 {
			t.Fatalf("%v:\n%s", p, strings.Join(problems, "\n"))
		}
	}
	if tried < len(all)/2 || refused < len(all)/20 || len(all) < 600 {
		t.Errorf("%d combinations were tried and %d refused: the choices are not those that were meant", tried, refused)
	}
}

// TestTarget holds Account A's template to its promises.
func TestTarget(t *testing.T) {
	template := parse(t, read(t, targetFile))
	for _, p := range combinations(targetAlways, targetChoices) {
		stack, err := template.Resolve(options(accountA, p))
		if err != nil {
			t.Fatalf("%v: %v", p, err)
		}
		if problems := checkTarget(stack, p); len(problems) > 0 {
			t.Fatalf("%v:\n%s", p, strings.Join(problems, "\n"))
		}
	}
}

// jsonOf is a resolved value as JSON.
func jsonOf(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
