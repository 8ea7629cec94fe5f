package templates_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/credvend/credvend/internal/local/cfn"
)

// rewriter writes what Terraform plans as the resources of a template: the same
// names and properties. What a property becomes stands here once; what differs
// for good reasons, and is dropped, says why.
type rewriter struct {
	resources map[string]map[string]any // of Terraform, by address
	stack     *cfn.Stack
	wrong     []string
}

// properties are CloudFormation's names for Terraform's arguments.
type properties map[string]string

func (r *rewriter) fail(format string, args ...any) {
	r.wrong = append(r.wrong, fmt.Sprintf(format, args...))
}

// take removes a resource from those that are still to be rewritten.
func (r *rewriter) take(address string) map[string]any {
	from := r.resources[address]
	delete(r.resources, address)
	return from
}

// add rewrites a resource. Arguments that are set and have no name here are an
// error; "" drops one.
func (r *rewriter) add(id, typeName, address string, names properties, more map[string]any) {
	from, ok := r.resources[address]
	if !ok {
		return
	}
	delete(r.resources, address)
	p := r.rewrite(address, from, names)
	for key, value := range more {
		if value != nil {
			p[key] = value
		}
	}
	r.stack.Resources[id] = cfn.Resource{Type: typeName, Properties: p}
}

// told are what AWS tells, not what is asked for.
var told = []string{"id", "arn", "unique_id", "api_endpoint", "execution_arn", "invoke_url", "function_url", "url_id", "environment_id", "configuration_profile_id"}

func (r *rewriter) rewrite(address string, from map[string]any, names properties) map[string]any {
	p := map[string]any{}
	for key, value := range from {
		if list, ok := value.([]any); value == nil || ok && len(list) == 0 {
			continue
		}
		name, known := names[key]
		switch {
		case known && name != "":
			p[name] = value
		case !known && !slices.Contains(told, key):
			r.fail("%s: its %s has no counterpart in this test; add it", address, key)
		}
	}
	return p
}

// block is a nested block that stands once or not at all.
func (r *rewriter) block(address string, from any, names properties) any {
	list, _ := from.([]any)
	if len(list) == 0 {
		return nil
	}
	if len(list) > 1 {
		r.fail("%s: a block stands twice", address)
	}
	m, _ := list[0].(map[string]any)
	return r.rewrite(address, m, names)
}

// document is JSON in a string.
func (r *rewriter) document(what string, v any) any {
	s, _ := v.(string)
	var out any
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		r.fail("%s: %v", what, err)
	}
	return out
}

// done is the stack, if all of Terraform's resources have their place.
func (r *rewriter) done() (*cfn.Stack, error) {
	for _, address := range slices.Sorted(maps.Keys(r.resources)) {
		if !strings.HasPrefix(address, "data.") {
			r.fail("%s has no counterpart in this test; add it", address)
		}
	}
	if len(r.wrong) > 0 {
		return nil, fmt.Errorf("%s", strings.Join(r.wrong, "\n"))
	}
	return r.stack, nil
}

func newRewriter(from planned) *rewriter {
	return &rewriter{resources: maps.Clone(from.Resources), stack: &cfn.Stack{Resources: map[string]cfn.Resource{}, Outputs: map[string]string{}}}
}

// role rewrites a role together with its policies, named in order.
func (r *rewriter) role(id, address string, policies ...string) {
	from := r.resources[address]
	var list []any
	for _, of := range policies {
		policy := r.take(of)
		if policy == nil {
			continue
		}
		if policy["role"] != from["id"] {
			r.fail("%s: it is not of %s", of, address)
		}
		list = append(list, map[string]any{"PolicyName": policy["name"], "PolicyDocument": r.document(of, policy["policy"])})
	}
	r.add(id, "AWS::IAM::Role", address, properties{
		"name": "RoleName", "description": "Description", "permissions_boundary": "PermissionsBoundary",
		"max_session_duration": "MaxSessionDuration", "assume_role_policy": "",
	}, map[string]any{"AssumeRolePolicyDocument": r.document(address, from["assume_role_policy"]), "Policies": list})
}

func targetStack(from planned, _ map[string]string) (*cfn.Stack, error) {
	r := newRewriter(from)
	r.role("TargetRole", "aws_iam_role.target", "aws_iam_role_policy.invoke")
	// checkTarget looks at these outputs of a stack.
	for name, key := range map[string]string{"ApiArn": "api_arn", "RoleArn": "role_arn"} {
		r.stack.Outputs[name], _ = from.Outputs[key].(string)
	}
	return r.done()
}

func brokerStack(from planned, parameters map[string]string) (*cfn.Stack, error) {
	r := newRewriter(from)
	r.role("BrokerRole", "aws_iam_role.broker",
		"aws_iam_role_policy.vend", "aws_iam_role_policy.log", "aws_iam_role_policy.allowlist[0]", "aws_iam_role_policy.trace[0]")
	r.function()
	for id, address := range map[string]string{"VendLogs": "aws_cloudwatch_log_group.vend", "AccessLogs": "aws_cloudwatch_log_group.access"} {
		if r.resources[address]["skip_destroy"] != true {
			r.fail("%s: its lines must outlive it", address)
		}
		r.add(id, "AWS::Logs::LogGroup", address, properties{
			"retention_in_days": "RetentionInDays", "kms_key_id": "KmsKeyId",
			"name": "", "name_prefix": "", // CloudFormation chooses a name
			"skip_destroy": "", // DeletionPolicy
		}, nil)
	}
	r.httpAPI("Iam", "iam")
	r.httpAPI("Jwt", "jwt")
	r.add("JwtAuthorizer", "AWS::ApiGatewayV2::Authorizer", "aws_apigatewayv2_authorizer.jwt[0]", properties{
		"api_id": "ApiId", "name": "Name", "authorizer_type": "AuthorizerType", "identity_sources": "IdentitySource", "jwt_configuration": "",
	}, map[string]any{"JwtConfiguration": r.block("the authorizer", r.resources["aws_apigatewayv2_authorizer.jwt[0]"]["jwt_configuration"], properties{"issuer": "Issuer", "audience": "Audience"})})
	caller := "aws_iam_policy.caller[0]"
	if r.resources[caller] != nil {
		r.add("CallerPolicy", "AWS::IAM::ManagedPolicy", caller, properties{"description": "Description", "policy": "", "name_prefix": ""},
			map[string]any{"PolicyDocument": r.document(caller, r.resources[caller]["policy"])})
	}
	r.functionURL(parameters)
	r.restAPI()
	r.appConfig()
	r.alarms()
	return r.done()
}

func (r *rewriter) function() {
	const address = "aws_lambda_function.vend"
	f := r.resources[address]
	if hash, _ := f["source_code_hash"].(string); hash == "" {
		r.fail("%s: a new package would not be noticed", address)
	}
	mode := r.block(address, f["tracing_config"], properties{"mode": "Mode"})
	r.add("VendFunction", "AWS::Serverless::Function", address, properties{
		"function_name": "FunctionName", "description": "Description", "handler": "Handler", "runtime": "Runtime", "architectures": "Architectures",
		"memory_size": "MemorySize", "timeout": "Timeout", "reserved_concurrent_executions": "ReservedConcurrentExecutions", "role": "Role", "layers": "Layers",
		"filename": "", "source_code_hash": "", "tracing_config": "", "logging_config": "", "environment": "",
	}, map[string]any{
		"CodeUri": ".", // where sam build finds what the package holds
		"Tracing": at(mode, "Mode"),
		"LoggingConfig": r.block(address, f["logging_config"], properties{
			"log_group": "LogGroup", "log_format": "LogFormat", "application_log_level": "ApplicationLogLevel", "system_log_level": "SystemLogLevel",
		}),
		"Environment": r.block(address, f["environment"], properties{"variables": "Variables"}),
	})
}

var accessLogNames = properties{"destination_arn": "DestinationArn", "format": "Format"}

// httpAPI rewrites one HTTP API and all that hangs on it.
func (r *rewriter) httpAPI(prefix, name string) {
	address := "aws_apigatewayv2_api." + name + "[0]"
	r.add(prefix+"Api", "AWS::ApiGatewayV2::Api", address, properties{"name": "Name", "description": "Description", "protocol_type": "ProtocolType", "cors_configuration": ""},
		map[string]any{"CorsConfiguration": r.block(address, r.resources[address]["cors_configuration"], properties{
			"allow_origins": "AllowOrigins", "allow_methods": "AllowMethods", "allow_headers": "AllowHeaders",
			"expose_headers": "ExposeHeaders", "allow_credentials": "AllowCredentials", "max_age": "MaxAge",
		})})
	r.add(prefix+"Integration", "AWS::ApiGatewayV2::Integration", "aws_apigatewayv2_integration."+name+"[0]", properties{
		"api_id": "ApiId", "integration_type": "IntegrationType", "integration_uri": "IntegrationUri", "payload_format_version": "PayloadFormatVersion",
	}, nil)
	routes := map[string]string{"post_credentials": "PostCredentials", "get_credentials": "GetCredentials", "get_targets": "GetTargets", "get_whoami": "GetWhoami", "any_other": "AnyOther"}
	for _, method := range []string{"Get", "Head", "Post", "Put", "Patch", "Delete"} {
		routes[strings.ToUpper(method)+"_any_path"], routes[strings.ToUpper(method)+"_root"] = method+"AnyPath", method+"Root"
	}
	for key, id := range routes {
		r.add(prefix+id, "AWS::ApiGatewayV2::Route", fmt.Sprintf("aws_apigatewayv2_route.%s[%q]", name, key), properties{
			"api_id": "ApiId", "route_key": "RouteKey", "authorization_type": "AuthorizationType", "authorizer_id": "AuthorizerId", "target": "Target",
		}, nil)
	}
	address = "aws_apigatewayv2_stage." + name + "[0]"
	r.add(prefix+"Stage", "AWS::ApiGatewayV2::Stage", address, properties{
		"api_id": "ApiId", "name": "StageName", "auto_deploy": "AutoDeploy", "default_route_settings": "", "access_log_settings": "",
	}, map[string]any{
		"DefaultRouteSettings": r.block(address, r.resources[address]["default_route_settings"], properties{
			"throttling_rate_limit": "ThrottlingRateLimit", "throttling_burst_limit": "ThrottlingBurstLimit", "detailed_metrics_enabled": "DetailedMetricsEnabled",
		}),
		"AccessLogSettings": r.block(address, r.resources[address]["access_log_settings"], accessLogNames),
	})
	r.permission(prefix+"Invoke", "aws_lambda_permission."+name+"[0]")
}

func (r *rewriter) permission(id, address string) {
	r.add(id, "AWS::Lambda::Permission", address, properties{
		"function_name": "FunctionName", "action": "Action", "principal": "Principal", "source_account": "SourceAccount", "source_arn": "SourceArn",
		"function_url_auth_type": "FunctionUrlAuthType", "invoked_via_function_url": "InvokedViaFunctionUrl",
	}, nil)
}

func (r *rewriter) functionURL(parameters map[string]string) {
	const address = "aws_lambda_function_url.vend[0]"
	if of := r.resources[address]["function_name"]; of != nil && of != "credvend-vend" {
		r.fail("%s: it is of the function %v", address, of)
	}
	r.add("VendUrl", "AWS::Lambda::Url", address, properties{"function_name": "", "authorization_type": "AuthType", "invoke_mode": "InvokeMode"},
		map[string]any{"TargetFunctionArn": "arn:aws:lambda:us-east-1:" + accountB + ":function:credvend-vend"})
	for i, account := range strings.Split(parameters["AdmittedAccounts"], ",") {
		r.permission("UrlCaller"+strconv.Itoa(i+1), fmt.Sprintf("aws_lambda_permission.url_caller[%q]", account))
		r.permission("UrlInvoke"+strconv.Itoa(i+1), fmt.Sprintf("aws_lambda_permission.url_invoke[%q]", account))
	}
}

// restAPI joins four resources of Terraform's to the one of SAM's.
func (r *rewriter) restAPI() {
	const address = "aws_api_gateway_rest_api.rest[0]"
	api := r.resources[address]
	if api == nil {
		return
	}
	deployment, stage, settings := r.take("aws_api_gateway_deployment.rest[0]"), r.take("aws_api_gateway_stage.rest[0]"), r.take("aws_api_gateway_method_settings.rest[0]")
	for what, of := range map[string]map[string]any{"the deployment": deployment, "the stage": stage, "the method settings": settings} {
		if of["rest_api_id"] != api["id"] {
			r.fail("%s is not of the REST API", what)
		}
	}
	if stage["deployment_id"] != deployment["id"] || settings["stage_name"] != stage["stage_name"] || settings["method_path"] != "*/*" {
		r.fail("the REST API's stage serves another deployment, or its settings are not of every method")
	}
	body := r.document(address, api["body"])
	method, _ := r.block("the method settings", settings["settings"], properties{
		"caching_enabled": "CachingEnabled", "data_trace_enabled": "DataTraceEnabled", "logging_level": "LoggingLevel", "metrics_enabled": "MetricsEnabled",
		"throttling_rate_limit": "ThrottlingRateLimit", "throttling_burst_limit": "ThrottlingBurstLimit",
	}).(map[string]any)
	if method == nil {
		r.fail("the REST API's methods have no settings")
		return
	}
	method["HttpMethod"], method["ResourcePath"] = "*", "/*"
	triggers, _ := deployment["triggers"].(map[string]any)
	deploys := any(nil)
	if hash, _ := triggers["body"].(string); len(hash) == 64 {
		deploys = true // at each change, which is all that matters of "always"
	}
	more := map[string]any{
		"DefinitionBody": body, "OpenApiVersion": at(body, "openapi"), "AlwaysDeploy": deploys, "MethodSettings": []any{method},
		"EndpointConfiguration": map[string]any{"Type": at(r.block(address, api["endpoint_configuration"], properties{"types": "Types"}), "Types")},
		"StageName":             stage["stage_name"], "TracingEnabled": stage["xray_tracing_enabled"], "CacheClusterEnabled": stage["cache_cluster_enabled"],
		"AccessLogSetting": r.block("the stage", stage["access_log_settings"], accessLogNames),
	}
	r.add("VendRestApi", "AWS::Serverless::Api", address, properties{"name": "Name", "description": "Description", "body": "", "endpoint_configuration": ""}, more)
	r.permission("RestInvoke", "aws_lambda_permission.rest[0]")
}

func (r *rewriter) appConfig() {
	r.add("AllowlistApplication", "AWS::AppConfig::Application", "aws_appconfig_application.allowlist[0]", properties{"name": "Name", "description": "Description"}, nil)
	r.add("AllowlistEnvironment", "AWS::AppConfig::Environment", "aws_appconfig_environment.allowlist[0]", properties{"application_id": "ApplicationId", "name": "Name"}, nil)
	r.add("AllowlistProfile", "AWS::AppConfig::ConfigurationProfile", "aws_appconfig_configuration_profile.allowlist[0]",
		properties{"application_id": "ApplicationId", "name": "Name", "location_uri": "LocationUri", "type": "Type"}, nil)
}

func (r *rewriter) alarms() {
	for key, id := range map[string]string{"errors": "ErrorsAlarm", "throttles": "ThrottlesAlarm", "targets": "TargetsAlarm", "unavailable": "UnavailableAlarm", "allowlist": "AllowlistAlarm"} {
		address := fmt.Sprintf("aws_cloudwatch_metric_alarm.vend[%q]", key)
		var dimensions any
		if m, _ := r.resources[address]["dimensions"].(map[string]any); m != nil {
			var list []any
			for _, name := range slices.Sorted(maps.Keys(m)) {
				list = append(list, map[string]any{"Name": name, "Value": m[name]})
			}
			dimensions = list
		}
		r.add(id, "AWS::CloudWatch::Alarm", address, properties{
			"alarm_description": "AlarmDescription", "namespace": "Namespace", "metric_name": "MetricName", "statistic": "Statistic", "period": "Period",
			"evaluation_periods": "EvaluationPeriods", "datapoints_to_alarm": "DatapointsToAlarm", "threshold": "Threshold", "comparison_operator": "ComparisonOperator",
			"treat_missing_data": "TreatMissingData", "alarm_actions": "AlarmActions",
			"alarm_name": "", // CloudFormation chooses one
			"dimensions": "",
		}, map[string]any{"Dimensions": dimensions})
	}
	const address = "aws_cloudwatch_log_metric_filter.allowlist_failures"
	transformation := r.block(address, r.resources[address]["metric_transformation"], properties{"namespace": "MetricNamespace", "name": "MetricName", "value": "MetricValue"})
	r.add("AllowlistFailures", "AWS::Logs::MetricFilter", address, properties{
		"log_group_name": "LogGroupName", "pattern": "FilterPattern", "name": "", "metric_transformation": "",
	}, map[string]any{"MetricTransformations": []any{transformation}})
}
