package deploy

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/credvend/credvend/internal/local/iam"
)

// Function is a Lambda function.
type Function struct {
	ARN         string
	Role        string // ARN
	Timeout     time.Duration
	MemoryMB    int
	Concurrency int // executions at one moment that are reserved; 0: none
	Environment map[string]string

	permissions []policyStatement
	site        Site
}

// Name is the function's name.
func (f *Function) Name() string { return f.ARN[strings.LastIndexByte(f.ARN, ':')+1:] }

func readFunction(r *reader, id string, p *properties) error {
	if r.stack.Function != nil {
		return fmt.Errorf("a local run plays one function, and %s is another", id)
	}
	f := &Function{
		ARN: r.functionARN(r.named(p.text("FunctionName"), id)), Role: p.text("Role"),
		// Lambda's own defaults; SAM has no others.
		Timeout: time.Duration(p.number("Timeout", 3)) * time.Second, MemoryMB: p.number("MemorySize", 128),
		Concurrency: p.number("ReservedConcurrentExecutions", 0), Environment: map[string]string{}, site: r.Site,
	}
	if p.has("ReservedConcurrentExecutions") && f.Concurrency == 0 {
		p.fail("ReservedConcurrentExecutions 0 switches the function off, so that there is nothing to play")
	}
	if f.Role == "" {
		p.fail("a local run needs the function's Role: SAM makes one where there is none, with policies of its own")
	}
	if len(p.texts("Layers")) > 0 {
		p.fail("a local run has no Layers")
	}
	p.part("Environment", func(q *properties) {
		q.part("Variables", func(v *properties) {
			for _, name := range slices.Sorted(maps.Keys(v.values)) {
				if reservedForm.MatchString(name) {
					v.fail("the environment variables contain reserved keys that are currently not supported for modification: %s", name)
				}
				f.Environment[name] = v.text(name)
			}
		})
	})
	p.part("LoggingConfig", func(q *properties) {
		// Lambda tells the function both, and the function looks at them.
		for name, variable := range map[string]string{"LogFormat": "AWS_LAMBDA_LOG_FORMAT", "ApplicationLogLevel": "AWS_LAMBDA_LOG_LEVEL"} {
			if value := q.text(name); value != "" {
				f.Environment[variable] = value
			}
		}
	}, "LogGroup", "SystemLogLevel")
	role, ok := r.stack.Role(f.Role)
	if !ok {
		return fmt.Errorf("the function's role %s is not of this stack", f.Role)
	}
	lambda := &iam.Principal{Service: "lambda.amazonaws.com"}
	if !iam.EvaluateTrust(lambda, role.Trust, r.Account, iam.Request{Action: "sts:AssumeRole", Resource: role.ARN}).Allowed {
		return fmt.Errorf("the role defined for the function cannot be assumed by Lambda: its trust policy does not let lambda.amazonaws.com")
	}
	r.stack.Function = f
	return nil
}

// policyDocument is a policy in the making.
type policyDocument struct {
	Version   string
	Statement []policyStatement
}

type policyStatement struct {
	Sid, Effect string
	Principal   any
	Action      string
	Resource    string
	Condition   map[string]map[string]string `json:",omitempty"`
}

// Policy is the function's resource-based policy; nil if nobody has a permission.
func (f *Function) Policy() (*iam.Policy, error) {
	if len(f.permissions) == 0 {
		return nil, nil
	}
	text, err := json.Marshal(policyDocument{"2012-10-17", f.permissions})
	if err != nil {
		return nil, err
	}
	return iam.ParsePolicy(text)
}

var (
	// The variables that Lambda keeps to itself.
	reservedForm = regexp.MustCompile(`^(_HANDLER|_X_AMZN_TRACE_ID|AWS_(DEFAULT_)?REGION|AWS_EXECUTION_ENV|AWS_LAMBDA_.*|AWS_ACCESS_KEY(_ID)?|AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN|LAMBDA_(TASK_ROOT|RUNTIME_DIR))$`)

	accountForm = regexp.MustCompile(`^[0-9]{12}$`)
	serviceForm = regexp.MustCompile(`^[a-z0-9.-]+\.amazonaws\.com$`)
	actionForm  = regexp.MustCompile(`^(lambda:[*]|lambda:[a-zA-Z]+|[*])$`) // Lambda's own
)

// readPermission makes of a permission the statement that Lambda's AddPermission
// makes.
func readPermission(r *reader, id string, p *properties) error {
	f := r.stack.Function
	name := p.required("FunctionName")
	if f == nil || name != f.ARN && name != f.Name() {
		return fmt.Errorf("function not found: %s", name)
	}
	s := policyStatement{Sid: id, Effect: "Allow", Action: p.required("Action"), Resource: f.ARN, Condition: map[string]map[string]string{}}
	if s.Action != "" && !actionForm.MatchString(s.Action) {
		p.fail("the Action %s is none of Lambda's", s.Action)
	}
	switch who := p.required("Principal"); {
	case who == "*":
		s.Principal = who
	case accountForm.MatchString(who):
		s.Principal = map[string]string{"AWS": "arn:" + r.Partition + ":iam::" + who + ":root"}
	case serviceForm.MatchString(who):
		s.Principal = map[string]string{"Service": who}
	default:
		s.Principal = map[string]string{"AWS": who}
	}
	when := func(operator, key, value string) {
		if value == "" {
			return
		}
		if s.Condition[operator] == nil {
			s.Condition[operator] = map[string]string{}
		}
		s.Condition[operator][key] = value
	}
	when("ArnLike", "aws:SourceArn", p.text("SourceArn"))
	when("StringEquals", "aws:SourceAccount", p.text("SourceAccount"))
	when("StringEquals", "aws:PrincipalOrgID", p.text("PrincipalOrgID"))
	when("StringEquals", "lambda:FunctionUrlAuthType", p.oneOf("FunctionUrlAuthType", "", "AWS_IAM", "NONE"))
	if p.flag("InvokedViaFunctionUrl") {
		when("Bool", "lambda:InvokedViaFunctionUrl", "true")
	}
	f.permissions = append(f.permissions, s)
	_, err := f.Policy() // it is read with each statement, so that the error names the permission
	return err
}

// Source is the method of an API on whose behalf API Gateway invokes.
type Source struct {
	API, Stage   string
	Method, Path string // "GET", "/v1/{x}"; of the catch-all route "$default" and nothing
}

// Invocable tells why API Gateway may not invoke the function for a method, or
// nil. uri is the ARN of the function that the integration names.
func (f *Function) Invocable(policy *iam.Policy, uri string, from Source) error {
	if uri != f.ARN {
		return fmt.Errorf("the integration names the function %s, which does not exist", uri)
	}
	ctx := iam.Context{}
	ctx.Set("aws:SourceArn", f.site.arn("execute-api", true, from.API+"/"+from.Stage+"/"+from.Method+from.Path))
	ctx.Set("aws:SourceAccount", f.site.Account)
	verdict := iam.Evaluate(&iam.Principal{Service: "apigateway.amazonaws.com"}, policy, f.site.Account,
		iam.Request{Action: "lambda:InvokeFunction", Resource: f.ARN, Context: ctx})
	if !verdict.Allowed {
		return fmt.Errorf("API Gateway may not invoke the function for %s %s: %s", from.Method, from.Path, verdict.Reason)
	}
	return nil
}
