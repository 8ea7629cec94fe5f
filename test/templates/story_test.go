package templates_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/allowlist/yamldoc"
	"github.com/credvend/credvend/internal/config"
	"github.com/credvend/credvend/internal/local/cfn"
	"github.com/credvend/credvend/internal/local/iam"
)

func resolve(t *testing.T, file, account string, always map[string]string, more map[string]string) *cfn.Stack {
	t.Helper()
	given := maps.Clone(always)
	maps.Copy(given, more)
	stack, err := parse(t, read(t, file)).Resolve(options(account, given))
	if err != nil {
		t.Fatal(err)
	}
	return stack
}

func policy(t *testing.T, document any) *iam.Policy {
	t.Helper()
	p, err := iam.ParsePolicy([]byte(jsonOf(document)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestTrust plays the broker, and others, at Account A's role.
func TestTrust(t *testing.T) {
	broker := resolve(t, brokerFile, accountB, brokerAlways, nil)
	vend := policy(t, broker.Resources["BrokerRole"].Properties["Policies"].([]any)[0].(map[string]any)["PolicyDocument"])
	const function = "arn:aws:lambda:us-east-1:444455556666:function:credvend-vend"
	session := func(change func(*iam.Principal)) *iam.Principal {
		p := &iam.Principal{
			ARN: "arn:aws:sts::444455556666:assumed-role/credvend-broker/credvend-vend", Account: accountB, RoleARN: roleB,
			UserID: "AROAEXAMPLEBROKER000:credvend-vend", SourceFunctionARN: function, Policies: []*iam.Policy{vend},
		}
		if change != nil {
			change(p)
		}
		return p
	}
	pinned := map[string]string{"BrokerRoleIds": "AROAEXAMPLEBROKER009,AROAEXAMPLEBROKER000"}
	rotating := map[string]string{"NextExternalId": "orders-91be02"}
	for _, c := range []struct {
		name       string
		who        *iam.Principal
		externalID string
		parameters map[string]string
		want       bool
	}{
		{"the broker", session(nil), "orders-7f3c9a", nil, true},
		{"without external id", session(nil), "", nil, false},
		{"another external id", session(nil), "orders-91be02", nil, false},
		{"rotation: the old one", session(nil), "orders-7f3c9a", rotating, true},
		{"rotation: the new one", session(nil), "orders-91be02", rotating, true},
		{"another function with the role", session(func(p *iam.Principal) { p.SourceFunctionARN = function + "2" }), "orders-7f3c9a", nil, false},
		{"no function at all", session(func(p *iam.Principal) { p.SourceFunctionARN = "" }), "orders-7f3c9a", nil, false},
		{"another role of Account B", session(func(p *iam.Principal) { p.RoleARN += "2" }), "orders-7f3c9a", nil, false},
		{"a role of the same name with a path", session(func(p *iam.Principal) { p.RoleARN = "arn:aws:iam::444455556666:role/x/credvend-broker" }), "orders-7f3c9a", nil, false},
		{"another account", session(func(p *iam.Principal) {
			p.Account, p.RoleARN, p.ARN = accountC, strings.Replace(p.RoleARN, accountB, accountC, 1), strings.Replace(p.ARN, accountB, accountC, 1)
		}), "orders-7f3c9a", nil, false},
		{"the role made anew", session(func(p *iam.Principal) { p.UserID = "AROAEXAMPLEBROKER777:credvend-vend" }), "orders-7f3c9a", nil, true},
		{"pinned", session(nil), "orders-7f3c9a", pinned, true},
		{"pinned, and made anew", session(func(p *iam.Principal) { p.UserID = "AROAEXAMPLEBROKER777:credvend-vend" }), "orders-7f3c9a", pinned, false},
		{"pinned, and named like the id", session(func(p *iam.Principal) { p.UserID = "AROAEXAMPLEBROKER777:AROAEXAMPLEBROKER000:" }), "orders-7f3c9a", pinned, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			target := resolve(t, targetFile, accountA, targetAlways, with(c.parameters, "BrokerRoleArns", roleB))
			trust := policy(t, target.Resources["TargetRole"].Properties["AssumeRolePolicyDocument"])
			ctx := iam.Context{}
			if c.externalID != "" {
				ctx.Set("sts:ExternalId", c.externalID)
			}
			got := iam.Evaluate(c.who, trust, accountA, iam.Request{Action: "sts:AssumeRole", Resource: roleA, Context: ctx})
			if got.Allowed != c.want {
				t.Errorf("AssumeRole: got %+v, want %v", got, c.want)
			}
			// Without the external id, as AWS may judge them.
			for _, action := range []string{"sts:TagSession", "sts:SetSourceIdentity"} {
				if got := iam.Evaluate(c.who, trust, accountA, iam.Request{Action: action, Resource: roleA}); c.want && !got.Allowed {
					t.Errorf("%s: %+v", action, got)
				}
			}
		})
	}
}

func with(m map[string]string, key, value string) map[string]string {
	out := map[string]string{key: value}
	maps.Copy(out, m)
	return out
}

// TestInvoke plays a session of the role at APIs of Account A.
func TestInvoke(t *testing.T) {
	target := resolve(t, targetFile, accountA, targetAlways, map[string]string{"BrokerRoleArns": roleB})
	may := policy(t, target.Resources["TargetRole"].Properties["Policies"].([]any)[0].(map[string]any)["PolicyDocument"])
	who := &iam.Principal{ARN: "arn:aws:sts::111122223333:assumed-role/orders-invoke/x", Account: accountA, RoleARN: roleA, Policies: []*iam.Policy{may}}
	for resource, want := range map[string]bool{
		"arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default/GET/orders/42": true,
		"arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/prod/GET/orders/42":     false,
		"arn:aws:execute-api:us-east-1:111122223333:b1b2c3d4e5/$default/GET/orders/42": false,
		"arn:aws:execute-api:us-west-2:111122223333:a1b2c3d4e5/$default/GET/orders/42": false,
	} {
		if got := iam.Evaluate(who, nil, accountA, iam.Request{Action: "execute-api:Invoke", Resource: resource}); got.Allowed != want {
			t.Errorf("%s: %+v, want %v", resource, got, want)
		}
	}
}

// TestAllowlistEntry: what the target's stack says to write, the allowlist's
// own reader takes.
func TestAllowlistEntry(t *testing.T) {
	target := resolve(t, targetFile, accountA, targetAlways, map[string]string{"BrokerRoleArns": roleB})
	text := "version: 1\n" + target.Outputs["AllowlistEntry"] + `
callers:
  billing-service: { iam: { role: "arn:aws:iam::444455556666:role/billing-service" } }
rules:
  - { id: all, callers: [billing-service], target: orders, routes: ["GET /orders"] }
`
	if _, _, err := yamldoc.Load("allowlist.yaml", []byte(text)); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	for _, want := range []string{roleA, "a1b2c3d4e5/$default", "orders-7f3c9a"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

// TestFunctionStarts: with the environment of every stack, the function's own
// configuration is content.
func TestFunctionStarts(t *testing.T) {
	template := parse(t, read(t, brokerFile))
	for _, p := range combinations(brokerAlways, brokerChoices) {
		if contradicts(p) {
			continue
		}
		stack, err := template.Resolve(options(accountB, p))
		if err != nil {
			t.Fatal(err)
		}
		f := stack.Resources["VendFunction"].Properties
		environment := map[string]string{"AWS_REGION": "us-east-1"}
		for name, value := range at(f, "Environment", "Variables").(map[string]any) {
			environment[name], _ = cfn.Text(value)
		}
		environment["AWS_LAMBDA_LOG_FORMAT"], _ = cfn.Text(at(f, "LoggingConfig", "LogFormat"))
		environment["AWS_LAMBDA_LOG_LEVEL"], _ = cfn.Text(at(f, "LoggingConfig", "ApplicationLogLevel"))
		if _, err := config.Load(func(name string) string { return environment[name] }); err != nil {
			t.Fatalf("%v: %v", p, err)
		}
	}
}

// TestCallerPolicies: what the outputs tell callers to attach is a policy, and
// admits to the doors alone.
func TestCallerPolicies(t *testing.T) {
	stack := resolve(t, brokerFile, accountB, brokerAlways, map[string]string{"RestApi": "on", "FunctionUrl": "on", "ReservedConcurrency": "20"})
	for _, name := range []string{"FunctionUrlCallerPolicy", "RestCallerPolicy"} {
		if _, err := iam.ParsePolicy([]byte(stack.Outputs[name])); err != nil {
			t.Errorf("%s: %v\n%s", name, err, stack.Outputs[name])
		}
	}
	url, err := iam.ParsePolicy([]byte(stack.Outputs["FunctionUrlCallerPolicy"]))
	if err != nil {
		t.Fatal(err)
	}
	who := &iam.Principal{ARN: "arn:aws:sts::444455556666:assumed-role/r/s", Account: accountB, RoleARN: "arn:aws:iam::444455556666:role/r", Policies: []*iam.Policy{url}}
	direct := iam.Request{Action: "lambda:InvokeFunction", Resource: "arn:aws:lambda:us-east-1:444455556666:function:credvend-vend"}
	if got := iam.Evaluate(who, nil, accountB, direct); got.Allowed {
		t.Errorf("a caller of the URL may invoke the function directly: %+v", got)
	}
	direct.Context = iam.Context{"lambda:invokedviafunctionurl": {"true"}}
	if got := iam.Evaluate(who, nil, accountB, direct); !got.Allowed {
		t.Errorf("a caller of the URL may not invoke by it: %+v", got)
	}
	if got := stack.Outputs["FunctionUrlId"]; got != "u1r2l3" {
		t.Errorf("FunctionUrlId is %q", got)
	}
}

// TestAlarmsFilter: the line that the metric filter counts is one that the
// function writes.
func TestAlarmsFilter(t *testing.T) {
	stack := resolve(t, brokerFile, accountB, brokerAlways, nil)
	pattern, _ := stack.Resources["AllowlistFailures"].Properties["FilterPattern"].(string)
	line := strings.Trim(pattern, `"`)
	files, err := filepath.Glob("../../internal/function/*.go")
	if err != nil || line == "" || line == pattern {
		t.Fatalf("the pattern is %s, which is no quoted text (%v)", pattern, err)
	}
	if !slices.ContainsFunc(files, func(file string) bool { return strings.Contains(read(t, file), "log.Error("+pattern) }) {
		t.Errorf("the function writes no line %s", pattern)
	}
}
