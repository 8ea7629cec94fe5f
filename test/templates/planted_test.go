package templates_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/local/cfn"
)

// mistake is an edit of a template that somebody could make, and a word of the
// problem that must come of it.
type mistake struct{ name, old, with, want string }

var brokerMistakes = []mistake{
	{"any role", "Resource: !Split [',', !Ref TargetRoleArns]", "Resource: '*'", "has a wildcard"},
	{"any role of an account", "Resource: !Split [',', !Ref TargetRoleArns]", "Resource: arn:aws:iam::111122223333:role/*", "has a wildcard"},
	{"every action of STS", "Action: [sts:AssumeRole, sts:TagSession, sts:SetSourceIdentity]", "Action: ['sts:*']", "has a wildcard"},
	{"one action more", "Action: [sts:AssumeRole, sts:TagSession, sts:SetSourceIdentity]", "Action: [sts:AssumeRole, sts:TagSession, sts:SetSourceIdentity, iam:PassRole]", "the role may do iam:PassRole"},
	{"no TagSession", "Action: [sts:AssumeRole, sts:TagSession, sts:SetSourceIdentity]", "Action: [sts:AssumeRole, sts:SetSourceIdentity]", "what the role may do at STS"},
	{"usable in any function", "                Condition:\n                  ArnEquals:\n                    lambda:SourceFunctionArn: !Sub arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${FunctionName}\n", "", "the condition of assuming"},
	{"every log group", "log-group:${VendLogs}:*", "*", "has a wildcard"},
	{"a condition key misspelt", "lambda:SourceFunctionArn:", "lambda:SourceFunctionARNs:", "SourceFunctionARNs"},
	{"an open route", "      RouteKey: GET /v1/whoami\n      AuthorizationType: AWS_IAM", "      RouteKey: GET /v1/whoami\n      AuthorizationType: NONE", "IamGetWhoami: AuthorizationType"},
	{"a route without authorization", "      RouteKey: POST /v1/credentials\n      AuthorizationType: JWT\n      AuthorizerId: !Ref JwtAuthorizer", "      RouteKey: POST /v1/credentials", "JwtPostCredentials: AuthorizationType"},
	{"a route without authorizer", "      AuthorizationType: JWT\n      AuthorizerId: !Ref JwtAuthorizer", "      AuthorizationType: JWT", "AuthorizerId"},
	{"a route too many", "RouteKey: GET /v1/targets", "RouteKey: $default", "routes"},
	{"an open catch-all", "      RouteKey: $default\n      AuthorizationType: AWS_IAM", "      RouteKey: $default\n      AuthorizationType: NONE", "IamAnyOther: AuthorizationType"},
	{"a catch-all without authorization", "      RouteKey: $default\n      AuthorizationType: AWS_IAM\n", "      RouteKey: $default\n", "IamAnyOther: AuthorizationType"},
	{"an open catch-all for tokens", "      RouteKey: GET /{proxy+}\n      AuthorizationType: JWT\n      AuthorizerId: !Ref JwtAuthorizer", "      RouteKey: GET /{proxy+}\n      AuthorizationType: NONE", "JwtGetAnyPath: AuthorizationType"},
	{"no catch-all", "  IamAnyOther:\n    Type: AWS::ApiGatewayV2::Route\n    Condition: HasIamDoor\n    Properties:\n      ApiId: !Ref IamApi\n      RouteKey: $default\n      AuthorizationType: AWS_IAM\n      Target: !Sub integrations/${IamIntegration}\n", "", "IamApi: routes"},
	{"a preflight behind the authorizer", "RouteKey: GET /{proxy+}", "RouteKey: ANY /{proxy+}", "JwtApi: routes"},
	{"a preflight behind the authorizer, by $default", "RouteKey: GET /{proxy+}", "RouteKey: $default", "JwtApi: routes"},
	{"a preflight that anybody may send to the function", "      RouteKey: DELETE /{proxy+}\n      AuthorizationType: JWT\n      AuthorizerId: !Ref JwtAuthorizer", "      RouteKey: OPTIONS /{proxy+}\n      AuthorizationType: NONE", "JwtApi: routes"},
	{"no root", "RouteKey: HEAD /\n", "RouteKey: HEAD /root\n", "JwtApi: routes"},
	{"an open function URL", "AuthType: AWS_IAM\n      InvokeMode", "AuthType: NONE\n      InvokeMode", "AuthType"},
	{"a token from the query", "$request.header.Authorization", "$request.querystring.token", "IdentitySource"},
	{"any audience", "        Audience: !Split [',', !Ref JwtAudience]\n", "", "made for anybody"},
	{"a permission without source ARN", "      SourceArn: !Sub arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${JwtApi}/$default/*\n", "", "JwtInvoke: its source ARN"},
	{"a permission for every API", "      SourceArn: !Sub arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${IamApi}/$default/*", "      SourceArn: !Sub arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:*", "IamInvoke: its source ARN"},
	{"a permission for every stage", "      SourceArn: !Sub arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${IamApi}/$default/*", "      SourceArn: !Sub arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${IamApi}/*", "IamInvoke: the routes of its source ARN"},
	{"a permission for the named routes alone", "${JwtApi}/$default/*", "${JwtApi}/*/v1/*", "JwtInvoke: the routes of its source ARN"},
	{"a caller policy for every API", "            Resource: !Sub arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${IamApi}/$default/*", "            Resource: !Sub arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:*/$default/*", "has a wildcard"},
	{"a caller policy for the JWT door", "            Resource: !Sub arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${IamApi}/$default/*", "            Resource: !Sub arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${JwtApi}/$default/*", ""},
	{"a caller policy for the named routes alone", "            Resource: !Sub arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${IamApi}/$default/*", "            Resource: !Sub arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${IamApi}/$default/GET/v1/*", "what callers may do"},
	{"a direct invoke across accounts", "      InvokedViaFunctionUrl: true\n", "", "without source ARN and without condition"},
	{"an open URL's permission", "      FunctionUrlAuthType: AWS_IAM\n", "      FunctionUrlAuthType: NONE\n", "without source ARN and without condition"},
	{"a public permission", "      Principal: !Select [2, !Split [',', !Sub '${AdmittedAccounts},,,,']]\n", "      Principal: '*'\n", "who may"},
	{"an account too few", "  UrlInvoke5:\n    Type: AWS::Lambda::Permission\n    Condition: UrlAdmits5", "  UrlInvoke5:\n    Type: AWS::Lambda::Permission\n    Condition: UrlAdmits4", "who may"},
	{"no throttle", "        ThrottlingRateLimit: !Ref ThrottleRate\n        ThrottlingBurstLimit: !Ref ThrottleBurst\n        DetailedMetricsEnabled", "        DetailedMetricsEnabled", "not every route has"},
	{"a header in the log", `"sourceIp":"$context.identity.sourceIp","caller"`, `"auth":"$request.header.authorization","caller"`, "its access log holds"},
	{"a path in the log", `"route":"$context.routeKey"`, `"route":"$context.path"`, "its access log holds"},
	{"a door that nobody opened", "!If [HasJwt, !Sub '${JwtApi}=jwt', '']", "!Sub 'xyz=jwt'", "CREDVEND_FRONT_DOORS"},
	{"a JWT door taken for IAM", "${JwtApi}=jwt", "${JwtApi}=iam", "CREDVEND_FRONT_DOORS"},
	{"a level under which the audit trail drowns", "ApplicationLogLevel: !If [LogsAreJson, !Ref LogLevel,", "ApplicationLogLevel: !If [LogsAreJson, WARN,", "the log level"},
	{"payload format 1.0", "PayloadFormatVersion: '2.0'", "PayloadFormatVersion: '1.0'", "payload format"},
	{"a public REST API", "Principal: {AWS: !Split [',', !Ref AdmittedAccounts]}", "Principal: {AWS: '*'}", "everybody is admitted"},
	{"a REST API for strangers", "aws:PrincipalAccount: !Split", "aws:SourceAccount: !Split", "whom the REST API does not shut out"},
	{"an open REST method", "          /v1/whoami:\n            get:\n              security: [sigv4: []]\n", "          /v1/whoami:\n            get:\n", "security"},
	{"a cache", "CachingEnabled: false", "CachingEnabled: true", "CachingEnabled"},
	{"data trace", "DataTraceEnabled: false", "DataTraceEnabled: true", "DataTraceEnabled"},
	{"a deployment that stays", "      AlwaysDeploy: true\n", "", "AlwaysDeploy"},
	{"a boundary forgotten", "      PermissionsBoundary: !If [HasBoundary, !Ref PermissionsBoundaryArn, !Ref AWS::NoValue]\n", "", "boundary"},
	{"logs for ever", "      RetentionInDays: !Ref LogRetentionDays\n", "", "kept for ever"},
	{"any web page", "AllowOrigins: !Split [',', !Ref CorsOrigins]", "AllowOrigins: ['*']", "whose pages may call"},
	{"cookies", "AllowCredentials: false", "AllowCredentials: true", "with cookies"},
	{"any header of a page", "AllowHeaders: [authorization, content-type]", "AllowHeaders: ['*']", "with which headers"},
	{"no throttle on the REST API", "          ThrottlingRateLimit: !Ref ThrottleRate\n          ThrottlingBurstLimit: !Ref ThrottleBurst\n", "", "ThrottlingRateLimit"},
	{"a throttle of one route", "        DetailedMetricsEnabled: true\n", "        DetailedMetricsEnabled: true\n      RouteSettings: {GET /v1/whoami: {ThrottlingRateLimit: 10000}}\n", "not every route has"},
	{"a cache cluster", "CacheClusterEnabled: false", "CacheClusterEnabled: true", "cache"},
	{"whole requests in the log", "LoggingLevel: 'OFF'", "LoggingLevel: INFO", "LoggingLevel"},
	{"settings of one method", "ResourcePath: /*", "ResourcePath: /v1/whoami", "ResourcePath"},
	{"no access log", "      AccessLogSetting: !If\n        - HasRestAccessLogs\n", "      AccessLogSettings: !If\n        - HasRestAccessLogs\n", "it has no access log"},
	{"nobody is shut out", "Effect: Deny", "Effect: Allow", "everybody is admitted"},
	{"some paths are not shut", "Resource: execute-api:/prod/*", "Resource: execute-api:/prod/POST/*", "what that shuts"},
	{"a permission of any account's API", "      SourceAccount: !Ref AWS::AccountId\n", "", "its source account"},
	{"a managed policy more", "      Policies:\n        - PolicyName: vend", "      ManagedPolicyArns: [arn:aws:iam::aws:policy/AdministratorAccess]\n      Policies:\n        - PolicyName: vend", "managed policies"},
	{"anybody runs as the role", "Principal: {Service: lambda.amazonaws.com}", "Principal: {Service: ec2.amazonaws.com}", "who may run as the role"},
	{"a right to make log groups", "Action: [logs:CreateLogStream, logs:PutLogEvents]", "Action: [logs:CreateLogGroup, logs:CreateLogStream, logs:PutLogEvents]", "the role may do logs:CreateLogGroup"},
	{"traces to anywhere", "                  Condition:\n                    StringEquals:\n                      aws:RequestedRegion: !Ref AWS::Region\n", "", "the condition of tracing"},
	{"traces without being asked", "        - !If\n          - HasTracing\n          - PolicyName: trace", "        - !If\n          - HasIamDoor\n          - PolicyName: trace", "has a wildcard"},
	{"all but some actions", "Action: [logs:CreateLogStream, logs:PutLogEvents]", "NotAction: [logs:DeleteLogGroup]", "NotAction"},
	{"a key forgotten", "      KmsKeyId: !If [HasKms, !Ref LogKmsKeyArn, !Ref AWS::NoValue]\n", "", "KmsKeyId"},
	{"a door for any token", "IdentitySource: [$request.header.Authorization]", "IdentitySource: [$request.header.Authorization, $request.header.X-Token]", "IdentitySource"},
	{"an alarm that tells nobody", "AlarmActions: !If [HasAlarmTopic, [!Ref AlarmTopicArn], !Ref AWS::NoValue]", "AlarmActions: []", "whom it tells"},
	{"an alarm of a code that is none", "Value: target_misconfigured", "Value: misconfigured", "there is no code"},
	{"an alarm of a metric that is none", "MetricName: requests", "MetricName: request", "nothing writes the metric"},
	{"a rule forgotten", "      - Assert: !Not [!Equals [!Ref ReservedConcurrency, none]]", "      - Assert: !Not [!Equals [!Ref FunctionUrl, none]]", "not refused: FunctionUrl"},
	{"tokens for any audience", "      - Assert: !Not [!Equals [!Ref JwtAudience, '']]", "      - Assert: !Not [!Equals [!Ref JwtIssuer, '']]", "not refused: JwtIssuer"},
	{"an issuer without TLS", "^(https://[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)*(:[0-9]{1,5})?(/", "^(https?://[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)*(:[0-9]{1,5})?(/", "not refused: JwtIssuer=http://"},
	{"accounts of eleven digits", "^([0-9]{12}(,[0-9]{12}){0,4})?$", "^([0-9]{11,12}(,[0-9]{11,12}){0,4})?$", "not refused: AdmittedAccounts"},
	{"a throttle that is none", "MaxValue: 10000", "MaxValue: 100000", "not refused: ThrottleRate"},
	{"a level above INFO", "AllowedValues: [TRACE, DEBUG, INFO]", "AllowedValues: [TRACE, DEBUG, INFO, WARN]", "not refused: LogLevel"},
	{"an unknown function", "Handler: bootstrap", "Handler: !Base64 bootstrap", "not understood"},
	{"a circle", "function:${FunctionName}\n        - PolicyName: log", "function:${VendFunction}\n        - PolicyName: log", "depend on themselves"},
}

var targetMistakes = []mistake{
	{"twelve hours", "MaxSessionDuration: 3600", "MaxSessionDuration: 43200", "the longest session"},
	{"any API", ":${ApiId}/${Stage}/*\n                  - Region", ":*\n                  - Region", "has a wildcard"},
	{"any stage", ":${ApiId}/${Stage}/*\n                  - Region", ":${ApiId}/*\n                  - Region", "has a wildcard"},
	{"any action of the API", "Action: execute-api:Invoke", "Action: execute-api:*", "has a wildcard"},
	{"every role of Account B", "              ArnEquals:\n                aws:PrincipalArn: !Split [',', !Ref BrokerRoleArns]\n", "", "which roles are trusted"},
	{"everybody", "                - arn:${Partition}:iam::${Account}:root\n", "                - '*'\n", "everybody is admitted"},
	{"no external id", "              StringEquals:\n                sts:ExternalId: !If [HasNext, [!Ref ExternalId, !Ref NextExternalId], !Ref ExternalId]\n", "", "the external ids"},
	{"no rotation", "!If [HasNext, [!Ref ExternalId, !Ref NextExternalId], !Ref ExternalId]", "!Ref ExternalId", "the external ids"},
	{"no pin", "                - aws:userid:", "                - aws:username:", "which roles are pinned"},
	{"no TagSession", "Action: [sts:TagSession, sts:SetSourceIdentity]", "Action: sts:SetSourceIdentity", "what is trusted"},
	{"one action more", "Action: [sts:TagSession, sts:SetSourceIdentity]", "Action: [sts:TagSession, sts:SetSourceIdentity, sts:AssumeRoleWithSAML]", "what is trusted"},
	{"an operator misspelt", "ArnEquals:", "ArnEqual:", "ArnEqual"},
	{"any role of Account B, by pattern", "aws:PrincipalArn: !Split [',', !Ref BrokerRoleArns]", "aws:PrincipalArn: arn:aws:iam::444455556666:role/*", "which roles are trusted"},
	{"every route but some", "Action: execute-api:Invoke", "NotAction: execute-api:ManageConnections", "NotAction"},
	{"another region's API", "!If [HasRegion, !Ref ApiRegion, !Ref AWS::Region]", "!Ref AWS::Region", "what the role may do"},
	{"an API id with a wildcard", "^[a-z0-9]{10}$", "^[a-z0-9*]{1,10}$", "not refused: ApiId"},
	{"any stage, by parameter", "[A-Za-z0-9_-]{1,128})$", "[A-Za-z0-9_*-]{1,128})$", "not refused: Stage"},
	{"an external id that STS does not take", "AllowedPattern: ^[\\w+=.@:/-]+$", "AllowedPattern: ^.+$", "not refused: ExternalId"},
	{"a rotation that changes nothing", "      - Assert: !Not [!Equals [!Ref NextExternalId, !Ref ExternalId]]", "      - Assert: !Not [!Equals [!Ref NextExternalId, '']]", "not refused: NextExternalId"},
	{"a boundary forgotten", "      PermissionsBoundary: !If [HasBoundary, !Ref PermissionsBoundaryArn, !Ref AWS::NoValue]\n", "", "boundary"},
	{"another role", "TargetRole:\n    Type: AWS::IAM::Role", "TargetRoles:\n    Type: AWS::IAM::Role", ""},
}

// TestPlantedMistakes edits a template wrongly and wants to hear of it.
func TestPlantedMistakes(t *testing.T) {
	for _, of := range []struct {
		file, account string
		mistakes      []mistake
		all           []map[string]string
		check         func(*cfn.Stack, map[string]string) []string
	}{
		{brokerFile, accountB, brokerMistakes, brokerFew(), checkBroker},
		{targetFile, accountA, targetMistakes, combinations(targetAlways, targetChoices), checkTarget},
	} {
		text := read(t, of.file)
		for _, m := range of.mistakes {
			t.Run(strings.TrimLeft(of.file, "./")+"/"+m.name, func(t *testing.T) {
				if !strings.Contains(text, m.old) {
					t.Fatalf("the template no longer has %q: mend this case", m.old)
				}
				found := hear(strings.ReplaceAll(text, m.old, m.with), of.account, of.all, of.check)
				if found == "" || !strings.Contains(found, m.want) {
					t.Errorf("got %q, want a problem with %q", found, m.want)
				}
			})
		}
	}
}

// hear returns the first value that is no longer refused, or else all that is
// wrong under the first combination where anything is. The last combinations
// come first: they have the most doors open, where most mistakes show.
func hear(text, account string, all []map[string]string, check func(*cfn.Stack, map[string]string) []string) string {
	template, err := cfn.Parse([]byte(text))
	if err != nil {
		return err.Error()
	}
	for _, c := range refusals {
		if (c.file == brokerFile) != (account == accountB) {
			continue
		}
		if _, err := template.Resolve(options(account, c.parameters())); err == nil || !strings.Contains(err.Error(), c.want) {
			return "not refused: " + c.String()
		}
	}
	for _, p := range slices.Backward(all) {
		if account == accountB && contradicts(p) {
			continue
		}
		stack, err := template.Resolve(options(account, p))
		if err != nil {
			return err.Error()
		}
		if found := check(stack, p); len(found) > 0 {
			return strings.Join(found, "\n")
		}
	}
	return ""
}
