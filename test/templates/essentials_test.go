package templates_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/audit"
	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/local/cfn"
	"github.com/credvend/credvend/internal/local/iam"
)

// problems collects what is wrong with a stack.
type problems []string

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Sprintf(format, args...)) }

func (p *problems) want(what string, got, want any) {
	if g, w := jsonOf(got), jsonOf(want); g != w {
		p.add("%s is %s, not %s", what, g, w)
	}
}

// at follows keys into a resolved value; nil if there is nothing.
func at(v any, path ...string) any {
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

// texts is a string or list of strings, as a list.
func texts(v any) []string {
	var out []string
	if list, ok := v.([]any); ok {
		for _, item := range list {
			out = append(out, texts(item)...)
		}
		return out
	}
	if s, ok := cfn.Text(v); ok {
		out = append(out, s)
	}
	return out
}

// ofType are the stack's resources of a type, by logical id.
func ofType(s *cfn.Stack, typeName string) map[string]map[string]any {
	out := map[string]map[string]any{}
	for id, r := range s.Resources {
		if r.Type == typeName {
			out[id] = r.Properties
		}
	}
	return out
}

// policies calls visit for every policy document in v.
func policies(v any, visit func(document map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["Statement"]; ok {
			visit(v)
			return
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			policies(v[key], visit)
		}
	case []any:
		for _, item := range v {
			policies(item, visit)
		}
	}
}

// Wildcards may stand for the streams of one log group, and for paths within
// one stage of one API.
var narrowWildcard = regexp.MustCompile(`^(arn:aws:logs:[a-z0-9-]+:\d{12}:log-group:[^*?]+:\*|(arn:aws:execute-api:[a-z0-9-]+:\d{12}:[a-z0-9]{10}|execute-api:)/(\$default|[A-Za-z0-9_-]+)/[^?]*)$`)

// checkPolicies holds every policy of a stack to the rules for all of them.
func (p *problems) checkPolicies(s *cfn.Stack, tracing bool) {
	for id, r := range s.Resources {
		policies(r.Properties, func(document map[string]any) {
			text := strings.ReplaceAll(jsonOf(document), `"execute-api:/`, `"arn:aws:execute-api:us-east-1:444455556666:vendrestap/`)
			if _, err := iam.ParsePolicy([]byte(text)); err != nil {
				p.add("%s: %v", id, err)
			}
			statements, _ := document["Statement"].([]any)
			for _, statement := range statements {
				p.checkStatement(id, statement, tracing)
			}
		})
	}
}

func (p *problems) checkStatement(id string, statement any, tracing bool) {
	for _, key := range []string{"NotAction", "NotResource", "NotPrincipal"} {
		if at(statement, key) != nil {
			p.add("%s: a statement has %s", id, key)
		}
	}
	if at(statement, "Effect") != "Allow" {
		return
	}
	traces := tracing
	for _, action := range texts(at(statement, "Action")) {
		traces = traces && strings.HasPrefix(action, "xray:Put")
		if strings.Contains(action, "*") {
			p.add("%s: the action %s has a wildcard", id, action)
		}
	}
	for _, resource := range texts(at(statement, "Resource")) {
		if strings.ContainsAny(resource, "*?") && !narrowWildcard.MatchString(resource) && (!traces || resource != "*") {
			p.add("%s: the resource %s has a wildcard", id, resource)
		}
	}
	for _, principal := range append(texts(at(statement, "Principal")), texts(at(statement, "Principal", "AWS"))...) {
		if strings.Contains(principal, "*") {
			p.add("%s: everybody is admitted", id)
		}
	}
}

func checkBroker(s *cfn.Stack, parameters map[string]string) []string {
	p := &problems{}
	p.checkCallerPolicy(s)
	p.checkPolicies(s, parameters["Tracing"] == "on")
	p.checkBrokerRole(s, parameters)
	p.checkFunction(s, parameters)
	p.checkPermissions(s, parameters)
	p.checkHTTPAPIs(s)
	p.checkCORS(s, parameters)
	p.checkREST(s, parameters)
	p.checkAlarms(s, parameters)
	for id, url := range ofType(s, "AWS::Lambda::Url") {
		p.want(id+": AuthType", url["AuthType"], "AWS_IAM")
	}
	for id, group := range ofType(s, "AWS::Logs::LogGroup") {
		if group["RetentionInDays"] == nil {
			p.add("%s: its logs are kept for ever", id)
		}
		p.want(id+": KmsKeyId", group["KmsKeyId"], orNil(parameters["LogKmsKeyArn"]))
	}
	return *p
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// checkCallerPolicy: callers reach all of the IAM door and nothing else, so that
// what credvend lacks is answered by credvend.
func (p *problems) checkCallerPolicy(s *cfn.Stack) {
	for id, policy := range ofType(s, "AWS::IAM::ManagedPolicy") {
		p.want(id+": what callers may do", at(policy, "PolicyDocument", "Statement"), []any{map[string]any{
			"Sid": "AskCredvend", "Effect": "Allow", "Action": "execute-api:Invoke",
			"Resource": "arn:aws:execute-api:us-east-1:" + accountB + ":iamapi0000/$default/*",
		}})
	}
}

// mayDo is all that the function's role may ever do.
var mayDo = []string{
	"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity", "logs:CreateLogStream", "logs:PutLogEvents",
	"appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration", "xray:PutTraceSegments", "xray:PutTelemetryRecords",
}

func (p *problems) checkBrokerRole(s *cfn.Stack, parameters map[string]string) {
	role := s.Resources["BrokerRole"].Properties
	p.want("the role's boundary", role["PermissionsBoundary"], orNil(parameters["PermissionsBoundaryArn"]))
	p.want("the role's managed policies", role["ManagedPolicyArns"], nil)
	assumes := 0
	policies(role["Policies"], func(document map[string]any) {
		for _, statement := range document["Statement"].([]any) {
			actions := texts(at(statement, "Action"))
			for _, action := range actions {
				if !slices.Contains(mayDo, action) {
					p.add("the role may do %s", action)
				}
			}
			if slices.Contains(actions, "xray:PutTraceSegments") {
				p.want("the condition of tracing", at(statement, "Condition"), map[string]any{"StringEquals": map[string]any{"aws:RequestedRegion": "us-east-1"}})
			}
			if !slices.ContainsFunc(actions, func(a string) bool { return strings.HasPrefix(a, "sts:") }) {
				continue
			}
			assumes++
			p.want("what the role may do at STS", actions, []string{"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"})
			p.want("the roles it may assume", texts(at(statement, "Resource")), strings.Split(parameters["TargetRoleArns"], ","))
			p.want("the condition of assuming", at(statement, "Condition"), map[string]any{
				"ArnEquals": map[string]any{"lambda:SourceFunctionArn": "arn:aws:lambda:us-east-1:444455556666:function:credvend-vend"},
			})
		}
	})
	p.want("the statements about STS", assumes, 1)
	p.want("who may run as the role", at(role, "AssumeRolePolicyDocument", "Statement").([]any)[0].(map[string]any)["Principal"], map[string]any{"Service": "lambda.amazonaws.com"})
}

func (p *problems) checkFunction(s *cfn.Stack, parameters map[string]string) {
	f := s.Resources["VendFunction"].Properties
	p.want("the handler", f["Handler"], "bootstrap")
	p.want("the runtime", f["Runtime"], "provided.al2023")
	p.want("the role", f["Role"], roleB)
	var doors []string
	if parameters["IamDoor"] != "off" {
		doors = append(doors, "iamapi0000=iam")
	}
	if parameters["JwtIssuer"] != "" {
		doors = append(doors, "jwtapi0000=jwt")
	}
	if parameters["FunctionUrl"] == "on" {
		id := parameters["FunctionUrlId"]
		if id == "" {
			id = "unknown"
		}
		doors = append(doors, "url:"+id+"=iam")
	}
	if parameters["RestApi"] == "on" {
		doors = append(doors, "vendrestap=rest-iam")
	}
	environment := at(f, "Environment", "Variables")
	got, _ := at(environment, "CREDVEND_FRONT_DOORS").(string)
	p.want("CREDVEND_FRONT_DOORS", strings.Fields(got), doors)
	list := "file:allowlist.json"
	if parameters["AppConfigLayerArn"] != "" {
		list = "appconfig:allowli/allowli/allowli"
	}
	p.want("CREDVEND_ALLOWLIST", at(environment, "CREDVEND_ALLOWLIST"), list)
	level := orNil("INFO")
	if parameters["LogFormat"] == "Text" {
		level = nil
	}
	p.want("the log level", at(f, "LoggingConfig", "ApplicationLogLevel"), level)
	if parameters["FunctionUrl"] == "on" && f["ReservedConcurrentExecutions"] == nil {
		p.add("the function URL has no throttle")
	}
}

// checkPermissions: whoever may invoke the function may be anyone, so each
// permission is bound to its door.
func (p *problems) checkPermissions(s *cfn.Stack, parameters map[string]string) {
	var doors, callers, invokers []string
	for id, permission := range ofType(s, "AWS::Lambda::Permission") {
		principal, action := permission["Principal"], permission["Action"]
		arn, _ := permission["SourceArn"].(string)
		switch {
		case principal == "apigateway.amazonaws.com" && action == "lambda:InvokeFunction":
			rest, ok := strings.CutPrefix(arn, "arn:aws:execute-api:us-east-1:444455556666:")
			api, path, _ := strings.Cut(rest, "/")
			if !ok || len(api) != 10 || strings.Contains(api, "*") || path == "" {
				p.add("%s: its source ARN %q is not of one API", id, arn)
			}
			// The named routes alone would leave the others without an answer.
			want := "$default/*"
			if api == "vendrestap" {
				want = "prod/*/v1/*"
			}
			p.want(id+": the routes of its source ARN", path, want)
			p.want(id+": its source account", permission["SourceAccount"], accountB)
			doors = append(doors, api)
		case action == "lambda:InvokeFunctionUrl" && permission["FunctionUrlAuthType"] == "AWS_IAM":
			callers = append(callers, fmt.Sprint(principal))
		case action == "lambda:InvokeFunction" && permission["InvokedViaFunctionUrl"] == true:
			invokers = append(invokers, fmt.Sprint(principal))
		default:
			p.add("%s: %s may %s without source ARN and without condition", id, principal, action)
		}
	}
	apis := []string{}
	if parameters["IamDoor"] != "off" {
		apis = append(apis, "iamapi0000")
	}
	if parameters["JwtIssuer"] != "" {
		apis = append(apis, "jwtapi0000")
	}
	if parameters["RestApi"] == "on" {
		apis = append(apis, "vendrestap")
	}
	admitted := []string{}
	if parameters["FunctionUrl"] == "on" && parameters["AdmittedAccounts"] != "" {
		admitted = strings.Split(parameters["AdmittedAccounts"], ",")
	}
	p.want("the APIs that may invoke", sorted(doors), sorted(apis))
	p.want("who may call the URL", sorted(callers), sorted(admitted))
	p.want("who may invoke by the URL", sorted(invokers), sorted(admitted))
}

func sorted(s []string) []string {
	return slices.Sorted(slices.Values(append([]string{}, s...)))
}

// routeKeys are the routes that callers are told of, and anyOther those for what
// is left, which credvend answers with 404 and 405. On the JWT door none of them
// may take OPTIONS, or a browser's preflight ends at the authorizer.
var (
	routeKeys = []string{"GET /v1/credentials/{target}", "GET /v1/targets", "GET /v1/whoami", "POST /v1/credentials"}
	anyOther  = map[string][]string{
		"iamapi0000": {"$default"},
		"jwtapi0000": {
			"DELETE /", "DELETE /{proxy+}", "GET /", "GET /{proxy+}", "HEAD /", "HEAD /{proxy+}",
			"PATCH /", "PATCH /{proxy+}", "POST /", "POST /{proxy+}", "PUT /", "PUT /{proxy+}",
		},
	}
)

// logVariables are what an access log may hold: nothing that a caller sent.
var logVariables = regexp.MustCompile(`^\$context\.(requestTime|requestId|routeKey|httpMethod|resourcePath|status|responseLength|responseLatency|identity\.sourceIp|identity\.userArn|error\.message|authorizer\.error|integrationErrorMessage)$`)

func (p *problems) checkHTTPAPIs(s *cfn.Stack) {
	routes := map[string][]string{}
	for id, route := range ofType(s, "AWS::ApiGatewayV2::Route") {
		api := fmt.Sprint(route["ApiId"])
		routes[api] = append(routes[api], fmt.Sprint(route["RouteKey"]))
		want := map[string]string{"iamapi0000": "AWS_IAM", "jwtapi0000": "JWT"}[api]
		p.want(id+": AuthorizationType", route["AuthorizationType"], want)
		if want == "JWT" {
			p.want(id+": AuthorizerId", route["AuthorizerId"], "jwtauth")
		}
	}
	staged := map[string]bool{}
	for id, stage := range ofType(s, "AWS::ApiGatewayV2::Stage") {
		staged[fmt.Sprint(stage["ApiId"])] = true
		for _, key := range []string{"ThrottlingRateLimit", "ThrottlingBurstLimit"} {
			if at(stage, "DefaultRouteSettings", key) == nil || stage["RouteSettings"] != nil {
				p.add("%s: not every route has %s", id, key)
			}
		}
		p.checkAccessLog(id, stage["AccessLogSettings"])
	}
	for id := range ofType(s, "AWS::ApiGatewayV2::Api") {
		api := strings.ToLower(id + "0000000000")[:10]
		p.want(id+": routes", sorted(routes[api]), sorted(slices.Concat(routeKeys, anyOther[api])))
		if !staged[api] {
			p.add("%s: it has no stage", id)
		}
	}
	for id, authorizer := range ofType(s, "AWS::ApiGatewayV2::Authorizer") {
		p.want(id+": IdentitySource", authorizer["IdentitySource"], []string{"$request.header.Authorization"})
		if len(texts(at(authorizer, "JwtConfiguration", "Audience"))) == 0 {
			p.add("%s: it accepts tokens made for anybody", id)
		}
	}
	for _, integration := range ofType(s, "AWS::ApiGatewayV2::Integration") {
		p.want("the payload format", integration["PayloadFormatVersion"], "2.0")
	}
}

func (p *problems) checkAccessLog(id string, settings any) {
	if at(settings, "DestinationArn") == nil {
		p.add("%s: it has no access log", id)
	}
	format, _ := at(settings, "Format").(string)
	for _, variable := range regexp.MustCompile(`\$[A-Za-z0-9_.-]+`).FindAllString(format, -1) {
		if !logVariables.MatchString(variable) {
			p.add("%s: its access log holds %s", id, variable)
		}
	}
}

func (p *problems) checkREST(s *cfn.Stack, parameters map[string]string) {
	for id, api := range ofType(s, "AWS::Serverless::Api") {
		p.want(id+": AlwaysDeploy", api["AlwaysDeploy"], true)
		p.want(id+": cache", api["CacheClusterEnabled"], false)
		settings, _ := api["MethodSettings"].([]any)
		p.want(id+": method settings", len(settings), 1)
		for _, setting := range settings {
			for key, want := range map[string]any{"HttpMethod": "*", "ResourcePath": "/*", "CachingEnabled": false, "DataTraceEnabled": false, "LoggingLevel": "OFF", "ThrottlingRateLimit": "50", "ThrottlingBurstLimit": "100"} {
				p.want(id+": "+key, plain(at(setting, key)), plain(want))
			}
		}
		if parameters["RestAccessLogs"] != "off" {
			p.checkAccessLog(id, api["AccessLogSetting"])
		}
		body := api["DefinitionBody"]
		p.want(id+": sigv4", at(body, "components", "securitySchemes", "sigv4", "x-amazon-apigateway-authtype"), "awsSigv4")
		var routes []string
		for path, methods := range at(body, "paths").(map[string]any) {
			for method, operation := range methods.(map[string]any) {
				routes = append(routes, strings.ToUpper(method)+" "+path)
				p.want(id+": "+method+" "+path+": security", at(operation, "security"), []any{map[string]any{"sigv4": []any{}}})
			}
		}
		p.want(id+": routes", sorted(routes), routeKeys)
		p.checkRESTPolicy(at(body, "x-amazon-apigateway-policy", "Statement"), parameters)
	}
}

func (p *problems) checkRESTPolicy(statement any, parameters map[string]string) {
	var admitted []string
	if parameters["AdmittedAccounts"] != "" {
		admitted = strings.Split(parameters["AdmittedAccounts"], ",")
	}
	statements, _ := statement.([]any)
	if len(statements) == 0 {
		p.add("the REST API has no policy")
		return
	}
	p.want("the REST API's first statement", at(statements[0], "Effect"), "Deny")
	p.want("whom that shuts out", at(statements[0], "Principal"), map[string]any{"AWS": "*"})
	p.want("what that shuts", []any{at(statements[0], "Action"), at(statements[0], "Resource")}, []string{"execute-api:Invoke", "execute-api:/prod/*"})
	p.want("whom the REST API does not shut out", texts(at(statements[0], "Condition", "StringNotEquals", "aws:PrincipalAccount")), append([]string{accountB}, admitted...))
	if len(admitted) == 0 {
		p.want("the REST API's statements", len(statements), 1)
		return
	}
	p.want("whom the REST API admits", texts(at(statements[1], "Principal", "AWS")), admitted)
}

// checkCORS: pages of the named origins alone, and no cookies.
func (p *problems) checkCORS(s *cfn.Stack, parameters map[string]string) {
	for id, api := range ofType(s, "AWS::ApiGatewayV2::Api") {
		cors := api["CorsConfiguration"]
		if id != "JwtApi" || parameters["CorsOrigins"] == "" {
			p.want(id+": what web pages may do", cors, nil)
			continue
		}
		p.want(id+": whose pages may call", texts(at(cors, "AllowOrigins")), strings.Split(parameters["CorsOrigins"], ","))
		p.want(id+": with which methods", texts(at(cors, "AllowMethods")), []string{"GET", "POST"})
		p.want(id+": with which headers", texts(at(cors, "AllowHeaders")), []string{"authorization", "content-type"})
		p.want(id+": with cookies", plain(at(cors, "AllowCredentials")), "false")
	}
}

// checkAlarms: each watches a metric that is there, and tells the topic.
func (p *problems) checkAlarms(s *cfn.Stack, parameters map[string]string) {
	codes := map[string]bool{}
	for _, kind := range fault.Kinds() {
		codes[kind.Code()] = true
	}
	filter := s.Resources["AllowlistFailures"].Properties
	counted, _ := filter["MetricTransformations"].([]any)
	p.want("what counts loads that failed", filter["LogGroupName"], "credvend-VendLogs-1EXAMPLE")
	alarms := ofType(s, "AWS::CloudWatch::Alarm")
	p.want("the alarms", slices.Sorted(maps.Keys(alarms)), []string{"AllowlistAlarm", "ErrorsAlarm", "TargetsAlarm", "ThrottlesAlarm", "UnavailableAlarm"})
	for id, alarm := range alarms {
		var topics []string
		if parameters["AlarmTopicArn"] != "" {
			topics = []string{parameters["AlarmTopicArn"]}
		}
		p.want(id+": whom it tells", texts(alarm["AlarmActions"]), topics)
		p.want(id+": without data", alarm["TreatMissingData"], "notBreaching")
		dimensions, _ := alarm["Dimensions"].([]any)
		what := fmt.Sprint(alarm["Namespace"], " ", alarm["MetricName"])
		switch {
		case what == "AWS/Lambda Errors", what == "AWS/Lambda Throttles":
			p.want(id+": of what", dimensions, []any{map[string]any{"Name": "FunctionName", "Value": "credvend-vend"}})
		case what == audit.Namespace+" requests" && len(dimensions) == 1 && at(dimensions[0], "Name") == "code":
			if code, _ := at(dimensions[0], "Value").(string); !codes[code] {
				p.add("%s: there is no code %q", id, code)
			}
		case len(counted) == 1 && what == fmt.Sprint(at(counted[0], "MetricNamespace"), " ", at(counted[0], "MetricName")) && len(dimensions) == 0:
		default:
			p.add("%s: nothing writes the metric %s %s", id, what, jsonOf(dimensions))
		}
	}
}

func checkTarget(s *cfn.Stack, parameters map[string]string) []string {
	p := &problems{}
	p.checkPolicies(s, false)
	p.want("the resources", slices.Collect(maps.Keys(s.Resources)), []string{"TargetRole"})
	role := s.Resources["TargetRole"].Properties
	longest, _ := cfn.Text(role["MaxSessionDuration"])
	p.want("the longest session", longest, "3600")
	p.want("the boundary", role["PermissionsBoundary"], orNil(parameters["PermissionsBoundaryArn"]))
	statements, _ := at(role, "AssumeRolePolicyDocument", "Statement").([]any)
	var actions []string
	for _, statement := range statements {
		actions = append(actions, texts(at(statement, "Action"))...)
		p.want("who is trusted", at(statement, "Principal"), map[string]any{"AWS": "arn:aws:iam::444455556666:root"})
		p.want("which roles are trusted", texts(at(statement, "Condition", "ArnEquals", "aws:PrincipalArn")), strings.Split(parameters["BrokerRoleArns"], ","))
		var pins []string
		for id := range strings.SplitSeq(parameters["BrokerRoleIds"], ",") {
			if id != "" {
				pins = append(pins, id+":*")
			}
		}
		p.want("which roles are pinned", texts(at(statement, "Condition", "StringLike", "aws:userid")), pins)
		if slices.Contains(texts(at(statement, "Action")), "sts:AssumeRole") {
			ids := []string{parameters["ExternalId"]}
			if next := parameters["NextExternalId"]; next != "" {
				ids = append(ids, next)
			}
			p.want("the external ids", texts(at(statement, "Condition", "StringEquals", "sts:ExternalId")), ids)
		}
	}
	p.want("what is trusted to be done", actions, []string{"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"})
	stage, region := "$default", "us-east-1"
	if parameters["Stage"] != "" {
		stage = parameters["Stage"]
	}
	if parameters["ApiRegion"] != "" {
		region = parameters["ApiRegion"]
	}
	api := "arn:aws:execute-api:" + region + ":111122223333:a1b2c3d4e5/" + stage
	p.want("what the role may do", role["Policies"], []any{map[string]any{
		"PolicyName": "invoke",
		"PolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{
			map[string]any{"Sid": "InvokeTheApi", "Effect": "Allow", "Action": "execute-api:Invoke", "Resource": api + "/*"},
		}},
	}})
	p.want("the output ApiArn", s.Outputs["ApiArn"], api)
	p.want("the output RoleArn", s.Outputs["RoleArn"], roleA)
	return *p
}
