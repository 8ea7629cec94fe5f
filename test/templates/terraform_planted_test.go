package templates_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/local/cfn"
)

// slip is an edit of one file of a Terraform module that somebody could make,
// and a word of the problem that must come of it.
type slip struct{ name, file, old, with, want string }

var brokerSlips = []slip{
	{"any role", "role.tf", "Resource  = var.target_role_arns", `Resource  = "*"`, "BrokerRole.Policies"},
	{"usable in any function", "role.tf", "\n      Condition = { ArnEquals = { \"lambda:SourceFunctionArn\" = local.function_arn } }", "", "BrokerRole.Policies"},
	{"one action more", "role.tf", `"sts:SetSourceIdentity"]`, `"sts:SetSourceIdentity", "iam:PassRole"]`, "the role may do iam:PassRole"},
	{"every log group", "role.tf", `"${aws_cloudwatch_log_group.vend.arn}:*"`, `"arn:${local.partition}:logs:*:*:*"`, "has a wildcard"},
	{"a policy of another role", "role.tf", "  role = aws_iam_role.broker.id\n\n  policy = jsonencode({\n    Version = \"2012-10-17\"\n    Statement = [{\n      Sid       = \"Assume", "  role = \"other\"\n\n  policy = jsonencode({\n    Version = \"2012-10-17\"\n    Statement = [{\n      Sid       = \"Assume", "is not of aws_iam_role.broker"},
	{"a boundary forgotten", "role.tf", "  permissions_boundary = var.permissions_boundary_arn == \"\" ? null : var.permissions_boundary_arn\n", "", "var.permissions_boundary_arn is not used"},
	{"anybody runs as the role", "role.tf", `{ Service = "lambda.amazonaws.com" }`, `{ Service = "ec2.amazonaws.com" }`, "BrokerRole.AssumeRolePolicyDocument"},
	{"traces to anywhere", "role.tf", "\n      Condition = { StringEquals = { \"aws:RequestedRegion\" = local.region } }", "", "BrokerRole.Policies"},
	{"an open route", "door_iam.tf", `authorization_type = "AWS_IAM"`, `authorization_type = "NONE"`, "AuthorizationType"},
	{"a route without authorizer", "door_jwt.tf", "  authorizer_id      = aws_apigatewayv2_authorizer.jwt[0].id\n", "", "AuthorizerId"},
	{"an open catch-all for tokens", "door_jwt.tf", `authorization_type = "JWT"`, `authorization_type = endswith(each.key, "_any_path") ? "NONE" : "JWT"`, "JwtGetAnyPath: AuthorizationType"},
	{"no catch-all", "door_iam.tf", `merge(local.routes, { any_other = "$default" })`, "local.routes", "IamApi: routes"},
	{"a preflight behind the authorizer", "door_jwt.tf", `["GET", "HEAD",`, `["OPTIONS", "GET", "HEAD",`, "OPTIONS_any_path"},
	{"a preflight behind the authorizer, by ANY", "door_jwt.tf", `"${method} /{proxy+}"`, `"ANY /{proxy+}"`, "JwtApi: routes"},
	{"a preflight behind the authorizer, by $default", "door_jwt.tf", `merge(local.routes, [for`, `merge(local.routes, { any_other = "$default" }, [for`, "Terraform makes JwtAnyOther"},
	{"no root", "door_jwt.tf", "\n    \"${method}_root\"     = \"${method} /\"", "", "makes no JwtGetRoot"},
	{"a permission for the named routes alone", "door_iam.tf", `execution_arn}/$default/*"
}`, `execution_arn}/*/v1/*"
}`, "IamInvoke: the routes of its source ARN"},
	{"a caller policy for every stage", "door_iam.tf", `Resource = "${aws_apigatewayv2_api.iam[0].execution_arn}/$default/*"`, `Resource = "${aws_apigatewayv2_api.iam[0].execution_arn}/*"`, "what callers may do"},
	{"a route too many", "door_iam.tf", `"GET /v1/targets"`, `"ANY /{proxy+}"`, "RouteKey"},
	{"no throttle", "door_iam.tf", "    throttling_rate_limit    = var.throttle_rate\n", "", "ThrottlingRateLimit"},
	{"a permission without source ARN", "door_jwt.tf", "\n  source_arn     = \"${aws_apigatewayv2_api.jwt[0].execution_arn}/$default/*\"", "", "JwtInvoke"},
	{"a permission for every API", "door_rest.tf", `"${aws_api_gateway_rest_api.rest[0].execution_arn}/prod/*/v1/*"`, `"arn:${local.partition}:execute-api:${local.region}:${local.account}:*"`, "RestInvoke"},
	{"a token from the query", "door_jwt.tf", "$request.header.Authorization", "$request.querystring.token", "IdentitySource"},
	{"any web page", "door_jwt.tf", "allow_origins     = cors_configuration.value", `allow_origins     = ["*"]`, "CorsConfiguration"},
	{"cookies", "door_jwt.tf", "allow_credentials = false          ", "allow_credentials = true           ", "CorsConfiguration"},
	{"an open function URL", "door_url.tf", `authorization_type = "AWS_IAM"`, `authorization_type = "NONE"`, "AuthType"},
	{"a direct invoke across accounts", "door_url.tf", "\n  invoked_via_function_url = true", "", "InvokedViaFunctionUrl"},
	{"a public permission", "door_url.tf", "  principal              = each.value\n", "  principal              = \"*\"\n", "UrlCaller1.Principal"},
	{"a public REST API", "door_rest.tf", "Principal = { AWS = accounts }", `Principal = { AWS = "*" }`, "everybody is admitted"},
	{"a REST API for strangers", "door_rest.tf", "concat([local.account], var.admitted_accounts)", `concat([local.account, "123456789012"], var.admitted_accounts)`, "VendRestApi.DefinitionBody"},
	{"an open REST method", "door_rest.tf", "    security                          = [{ sigv4 = [] }]\n", "", "security"},
	{"a cache", "door_rest.tf", "caching_enabled        = false", "caching_enabled        = true", "CachingEnabled"},
	{"a cache for the stage", "door_rest.tf", "cache_cluster_enabled = false", "cache_cluster_enabled = true", "CacheClusterEnabled"},
	{"data trace", "door_rest.tf", "data_trace_enabled     = false", "data_trace_enabled     = true", "DataTraceEnabled"},
	{"settings of one method", "door_rest.tf", `method_path = "*/*"`, `method_path = "v1/whoami/GET"`, "not of every method"},
	{"a deployment that stays", "door_rest.tf", "  triggers    = { body = sha256(aws_api_gateway_rest_api.rest[0].body) }\n", "", "AlwaysDeploy"},
	{"a header in the log", "function.tf", `"$context.identity.sourceIp"`, `"$context.identity.apiKey"`, "its access log holds"},
	{"a level under which the audit trail drowns", "function.tf", `? var.log_level : null`, `? "WARN" : null`, "LoggingConfig"},
	{"a door that nobody opened", "function.tf", "var.rest_api ? \"${", "true ? \"x${", "Invalid index"},
	{"logs for ever", "function.tf", "  retention_in_days = var.log_retention_days\n  kms_key_id        = var.log_kms_key_arn == \"\" ? null : var.log_kms_key_arn\n  skip_destroy      = true\n}\n\n# What the doors", "  kms_key_id        = var.log_kms_key_arn == \"\" ? null : var.log_kms_key_arn\n  skip_destroy      = true\n}\n\n# What the doors", "RetentionInDays"},
	{"logs that go with it", "function.tf", "  skip_destroy      = true\n}\n\n# What the doors", "  skip_destroy      = false\n}\n\n# What the doors", "must outlive"},
	{"a package that is not noticed", "function.tf", "  source_code_hash               = filebase64sha256(var.package)\n", "", "would not be noticed"},
	{"another memory", "variables_function.tf", "default     = 256", "default     = 512", "the variables"},
	{"any role ARN", "variables_doors.tf", `role/([\\w+=.@-]+/)*[\\w+=.@-]{1,64}$", arn))`, `role/.+$", arn))`, "not refused"},
	{"tokens for any audience", "variables_doors.tf", `condition     = var.jwt_issuer == "" || length(var.jwt_audience) > 0`, `condition     = length(var.jwt_audience) >= 0`, "not refused"},
	{"validations in a circle", "variables_doors.tf", `condition     = can(regex("^(https://`, `condition     = length(var.jwt_audience) >= 0 && can(regex("^(https://`, "look at one another"},
	{"an argument misspelt", "function.tf", "memory_size ", "memory_sizes", "no argument memory_sizes"},
	{"a reference to nothing", "alarms.tf", "aws_cloudwatch_log_group.vend.name", "aws_cloudwatch_log_group.vends.name", "there is no aws_cloudwatch_log_group.vends"},
	{"an attribute of nothing", "outputs.tf", "aws_iam_role.broker.unique_id", "aws_iam_role.broker.uniqueid", "no such attribute"},
	{"a door without its switch", "outputs.tf", "one(aws_apigatewayv2_api.iam[*].api_endpoint)", "aws_apigatewayv2_api.iam.api_endpoint", "an index"},
	{"an output less", "outputs.tf", "output \"access_log_group_name\"", "output \"access_log_groups_name\"", "the outputs"},
	{"a variable that does nothing", "function.tf", "= var.rate\n", "= \"off\"\n", "var.rate is not used"},
	{"any provider", "versions.tf", `version = "~> 6.29"`, `version = ">= 6.29"`, "not pinned"},
	{"unformatted", "alarms.tf", "      of          = 5\n", "      of = 5\n", "not formatted"},
}

var targetSlips = []slip{
	{"twelve hours", "role.tf", "max_session_duration = 3600", "max_session_duration = 43200", "MaxSessionDuration"},
	{"any stage", "role.tf", "${var.api_id}/${var.stage}", "${var.api_id}/*", "var.stage is not used"},
	{"any API", "role.tf", `"${local.api_arn}/*"`, `"*"`, "has a wildcard"},
	{"any action of the API", "role.tf", `"execute-api:Invoke"`, `"execute-api:*"`, "has a wildcard"},
	{"everybody", "role.tf", `principal = { AWS = "arn:${local.broker[1]}:iam::${local.broker[4]}:root" }`, `principal = { AWS = "*" }`, "everybody is admitted"},
	{"every role of Account B", "role.tf", `{ ArnEquals = { "aws:PrincipalArn" = var.broker_role_arns } }`, `{ ArnLike = { "aws:PrincipalArn" = "*" } }`, "which roles are trusted"},
	{"no external id", "role.tf", "merge(local.is_broker, local.is_pinned, {\n          StringEquals = { \"sts:ExternalId\" = compact([var.external_id, var.next_external_id]) }\n        })", "merge(local.is_broker, local.is_pinned)", "the external ids"},
	{"no rotation", "role.tf", "compact([var.external_id, var.next_external_id])", "var.external_id", "var.next_external_id"},
	{"no pin", "role.tf", "if length(ids) > 0", "if false", "which roles are pinned"},
	{"no TagSession", "role.tf", `["sts:TagSession", "sts:SetSourceIdentity"]`, `"sts:SetSourceIdentity"`, "what is trusted to be done"},
	{"another region", "role.tf", `var.api_region == "" ? data.aws_region.current.region : var.api_region`, `data.aws_region.current.region`, "var.api_region is not used"},
}

// TestTerraformSlips edits a module wrongly and wants to hear of it.
func TestTerraformSlips(t *testing.T) {
	for i, of := range pairs() {
		slips := brokerSlips
		if i == 1 {
			slips = targetSlips
		}
		all := allOf(of)
		few := append(all[len(all)-3:], all[0])
		template := parse(t, read(t, of.file))
		for _, s := range slips {
			t.Run(filepath.Base(of.module)+"/"+s.name, func(t *testing.T) {
				found := of.hear(t, template, s, few)
				if found == "" || !strings.Contains(found, s.want) {
					t.Errorf("got %q, want a problem with %q", found, s.want)
				}
			})
		}
	}
}

// hear returns all that is wrong with the module after a slip.
func (of pair) hear(t *testing.T, template *cfn.Template, s slip, all []map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(of.module)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, s.file)
	text := read(t, file)
	if !strings.Contains(text, s.old) {
		t.Fatalf("%s no longer has %q: mend this case", s.file, s.old)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, s.old, s.with)), 0o600); err != nil {
		t.Fatal(err)
	}
	found, err := terraformcheck(t, nil, dir)
	if err != nil && found == "" {
		return err.Error()
	}
	for i, answer := range plan(t, dir, of.file, of.known, all) {
		found += strings.Join(of.differences(template, all[i], answer), "\n")
	}
	if !strings.HasPrefix(s.file, "variables") {
		return found
	}
	for i, answer := range plan(t, dir, of.file, of.known, of.refused()) {
		if len(answer.Refused) == 0 {
			found += "not refused: " + jsonOf(of.refused()[i])
		}
	}
	return found
}

// refused are the parameters of all refusals of a template.
func (of pair) refused() []map[string]string {
	var all []map[string]string
	for _, c := range refusals {
		if c.file == of.file {
			all = append(all, c.parameters())
		}
	}
	return all
}
