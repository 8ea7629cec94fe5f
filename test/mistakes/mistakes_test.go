package mistakes_test

import (
	"strings"
	"testing"
)

// mistake is something wrong in a file, and the request that it spoils.
type mistake struct {
	name   string
	edit   edit
	try    try
	status int
	want   string // in the body
	noted  string // in what the local accounts noted of it, which AWS would not say; "": nothing in particular
}

// AWS's words, where they are the same for many mistakes.
const (
	forbidden     = `{"message":"Forbidden"}`
	notFound      = `{"message":"Not Found"}`
	unauthorized  = `{"message":"Unauthorized"}`
	internal      = `{"message":"Internal Server Error"}`
	restInternal  = `{"message":"Internal server error"}`
	urlForbidden  = `{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}`
	misconfigured = `"code":"target_misconfigured"`
	unknownCaller = `"code":"unauthenticated"`
	restDenied    = `is not authorized to perform: execute-api:Invoke on resource: arn:aws:execute-api:us-east-1:********6666:b3restapi0/prod/POST/v1/credentials`
)

// TestNoMistake: without any, each request is answered.
func TestNoMistake(t *testing.T) {
	w, err := play(t)
	if err != nil {
		t.Fatal(err)
	}
	for name, y := range map[string]try{
		"vend": vend, "whoami": vendWhoami, "token": vendJWT, "function URL": vendURL, "function URL, own account": vendURLHome,
		"REST API": vendREST, "REST API, own account": vendRESTHome, "use": use,
	} {
		if status, text := w.send(t, y); status != 200 {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
}

// TestPreflight: a browser asks without a token. Of all the mistakes it alone
// needs web origins, which are off by default.
func TestPreflight(t *testing.T) {
	open := edit{broker, "Parameters.CorsOrigins", "Default: ''", "Default: https://shop.example.com"}
	for _, c := range append([]mistake{{"none", edit{}, preflight, 204, "", ""}}, preflightMistakes...) {
		t.Run(c.name, func(t *testing.T) {
			w, err := play(t, open, c.edit)
			if err != nil {
				t.Fatal(err)
			}
			if status, text := w.send(t, c.try); status != c.status || !strings.Contains(text, c.want) {
				t.Errorf("got %d %s\nwant %d %s", status, text, c.status, c.want)
			}
		})
	}
}

func TestMistakes(t *testing.T) {
	for _, group := range [][]mistake{trustMistakes, invokeMistakes, brokerMistakes, functionMistakes, permissionMistakes, httpMistakes, jwtMistakes, urlMistakes, restMistakes, callerMistakes} {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) {
				w, err := play(t, c.edit)
				if err != nil {
					t.Fatal(err)
				}
				status, text := w.send(t, c.try)
				if status != c.status || !strings.Contains(text, c.want) {
					t.Errorf("got %d %s\nwant %d %s", status, text, c.status, c.want)
				}
				if noted := w.noted(t); !strings.Contains(noted, c.noted) {
					t.Errorf("not noted: %s\n%s", c.noted, noted)
				}
			})
		}
	}
}

// Account A's trust.
var trustMistakes = []mistake{
	{"another external id", edit{target, "TargetRole", "!If [HasNext, [!Ref ExternalId, !Ref NextExternalId], !Ref ExternalId]", "orders-0000"}, vend, 502, misconfigured, "sts:AssumeRole: the role's trust policy does not allow it"},
	{"trust without sts:AssumeRole", edit{target, "TargetRole", "Action: sts:AssumeRole", "Action: sts:AssumeRoleWithSAML"}, vend, 502, misconfigured, "sts:AssumeRole: the role's trust policy does not allow it"},
	{"trust without sts:TagSession", edit{target, "TargetRole", "[sts:TagSession, sts:SetSourceIdentity]", "[sts:SetSourceIdentity]"}, vend, 502, misconfigured, "sts:TagSession: the role's trust policy does not allow it"},
	{"trust without sts:SetSourceIdentity", edit{target, "TargetRole", "[sts:TagSession, sts:SetSourceIdentity]", "[sts:TagSession]"}, vend, 502, misconfigured, "sts:SetSourceIdentity: the role's trust policy does not allow it"},
	{"trust of another account", edit{target, "TargetRole", "!Select [4, !Split [':', !Ref BrokerRoleArns]]", "'777788889999'"}, vend, 502, misconfigured, "the role's trust policy does not allow it"},
	{"trust of another role", edit{target, "TargetRole", "aws:PrincipalArn: !Split [',', !Ref BrokerRoleArns]", "aws:PrincipalArn: arn:aws:iam::444455556666:role/other"}, vend, 502, misconfigured, "the role's trust policy does not allow it"},
	{"trust of the session's ARN instead of the role's", edit{target, "TargetRole", "aws:PrincipalArn: !Split [',', !Ref BrokerRoleArns]", "aws:PrincipalArn: arn:aws:sts::444455556666:assumed-role/credvend-broker/credvend-vend"}, vend, 502, misconfigured, "the role's trust policy does not allow it"},
	{"trust pinned to another unique id", edit{target, "Parameters.BrokerRoleIds", "Default: ''", "Default: AROAEXAMPLEBROKER000"}, vend, 502, misconfigured, "the role's trust policy does not allow it"},
	{"a role of another name", edit{target, "TargetRole", "RoleName: !Ref RoleName", "RoleName: !Sub ${RoleName}-2"}, vend, 502, misconfigured, "there is no such role"},
	{"a role with a path that the list does not have", edit{target, "TargetRole", "RoleName: !Ref RoleName", "RoleName: !Ref RoleName\n      Path: /team/"}, vend, 502, misconfigured, "there is no such role"},
	{"a condition on a tag that is not sent", edit{target, "TargetRole", "aws:PrincipalArn: !Split [',', !Ref BrokerRoleArns]", "aws:PrincipalArn: !Split [',', !Ref BrokerRoleArns]\n              'Null': {'aws:RequestTag/project': 'false'}"}, vend, 502, misconfigured, "the role's trust policy does not allow it"},
}

// What Account A's role may do.
var invokeMistakes = []mistake{
	{"another stage in the role's policy", edit{target, "TargetRole", "${ApiId}/${Stage}/*", "${ApiId}/prod/*"}, use, 403, forbidden, "no identity policy allows it"},
	{"no stage in the role's policy", edit{target, "TargetRole", "${ApiId}/${Stage}/*", "${ApiId}/GET/*"}, use, 403, forbidden, "no identity policy allows it"},
	{"no routes in the role's policy", edit{target, "TargetRole", "${ApiId}/${Stage}/*", "${ApiId}/${Stage}"}, use, 403, forbidden, "no identity policy allows it"},
	{"another API in the role's policy", edit{target, "TargetRole", "${ApiId}/${Stage}/*", "z9z9z9z9z9/${Stage}/*"}, use, 403, forbidden, "no identity policy allows it"},
	{"another region in the role's policy", edit{target, "TargetRole", "Region: !If [HasRegion, !Ref ApiRegion, !Ref AWS::Region]", "Region: eu-west-1"}, use, 403, forbidden, "no identity policy allows it"},
	{"another account in the role's policy", edit{target, "TargetRole", "${AWS::AccountId}:${ApiId}", "444455556666:${ApiId}"}, use, 403, forbidden, "no identity policy allows it"},
	{"another method in the role's policy", edit{target, "TargetRole", "${Stage}/*", "${Stage}/POST/*"}, use, 403, forbidden, "no identity policy allows it"},
	{"another action in the role's policy", edit{target, "TargetRole", "execute-api:Invoke\n", "execute-api:ManageConnections\n"}, use, 403, forbidden, "no identity policy allows it"},
	{"another service in the role's policy", edit{target, "TargetRole", "execute-api:Invoke\n", "apigateway:Invoke\n"}, use, 403, forbidden, "no identity policy allows it"},
	{"a deny in the role's policy", edit{target, "TargetRole", "Sid: InvokeTheApi\n                Effect: Allow", "Sid: InvokeTheApi\n                Effect: Deny"}, use, 403, forbidden, "explicit deny in the identity policy"},
}

// Account B's role.
var brokerMistakes = []mistake{
	{"broker without sts:AssumeRole", edit{broker, "BrokerRole", "[sts:AssumeRole, sts:TagSession, sts:SetSourceIdentity]", "[sts:TagSession, sts:SetSourceIdentity]"}, vend, 502, misconfigured, "sts:AssumeRole: no identity policy allows it"},
	{"broker without sts:TagSession", edit{broker, "BrokerRole", "[sts:AssumeRole, sts:TagSession, sts:SetSourceIdentity]", "[sts:AssumeRole, sts:SetSourceIdentity]"}, vend, 502, misconfigured, "sts:TagSession: no identity policy allows it"},
	{"broker without sts:SetSourceIdentity", edit{broker, "BrokerRole", "[sts:AssumeRole, sts:TagSession, sts:SetSourceIdentity]", "[sts:AssumeRole, sts:TagSession]"}, vend, 502, misconfigured, "sts:SetSourceIdentity: no identity policy allows it"},
	{"the source function is another", edit{broker, "BrokerRole", "function:${FunctionName}", "function:other"}, vend, 502, misconfigured, "sts:AssumeRole: no identity policy allows it"},
	{"the source function has a version", edit{broker, "BrokerRole", "function:${FunctionName}", "function:${FunctionName}:live"}, vend, 502, misconfigured, "sts:AssumeRole: no identity policy allows it"},
	{"the source function is of another region", edit{broker, "BrokerRole", "lambda:${AWS::Region}", "lambda:eu-west-1"}, vend, 502, misconfigured, "sts:AssumeRole: no identity policy allows it"},
	{"the broker may assume another role", edit{broker, "BrokerRole", "!Split [',', !Ref TargetRoleArns]", "arn:aws:iam::111122223333:role/other"}, vend, 502, misconfigured, "sts:AssumeRole: no identity policy allows it"},
	{"the broker's role has another name than its output", edit{broker, "Outputs.BrokerRoleArn", "!GetAtt BrokerRole.Arn", "!Sub arn:aws:iam::${AWS::AccountId}:role/broker"}, vend, 502, misconfigured, "the role's trust policy does not allow it"},
}

// The function's environment.
var functionMistakes = []mistake{
	{"the JWT door is believed to be an IAM one", edit{broker, "VendFunction", "${JwtApi}=jwt", "${JwtApi}=iam"}, vendJWT, 401, unknownCaller, ""},
	{"the IAM door is not believed", edit{broker, "VendFunction", "!Sub '${IamApi}=iam'", "''"}, vend, 401, unknownCaller, ""},
	{"the REST API is believed to be an HTTP one", edit{broker, "VendFunction", "${VendRestApi}=rest-iam", "${VendRestApi}=iam"}, vendREST, 401, unknownCaller, ""},
	{"the function URL's id is never told", edit{broker, "VendFunction", "'url:${FunctionUrlId}=iam'", "'url:unknown=iam'"}, vendURL, 401, unknownCaller, ""},
	{"the output tells another id of the function URL", edit{broker, "Outputs.FunctionUrlId", "!Split ['.'", "!Split ['0'"}, vendURL, 401, unknownCaller, ""},
	{"the allowlist has another name", edit{broker, "VendFunction", "file:allowlist.json", "file:list.json"}, vend, 503, `"code":"unavailable"`, ""},
}

// The function's permissions: API Gateway may not invoke, and does not say so.
var permissionMistakes = []mistake{
	{"no permission for the IAM door", edit{broker, "IamInvoke", "", ""}, vend, 500, internal, "API Gateway may not invoke the function"},
	{"no permission for the JWT door", edit{broker, "JwtInvoke", "", ""}, vendJWT, 500, internal, "API Gateway may not invoke the function"},
	{"no permission for the REST API", edit{broker, "RestInvoke", "", ""}, vendREST, 500, restInternal, "API Gateway may not invoke the function"},
	{"a permission for another API", edit{broker, "IamInvoke", "${IamApi}", "${JwtApi}"}, vend, 500, internal, "API Gateway may not invoke the function"},
	{"a permission for another stage", edit{broker, "IamInvoke", "/$default/*", "/prod/*"}, vend, 500, internal, "API Gateway may not invoke the function"},
	{"a permission for another method", edit{broker, "IamInvoke", "/$default/*", "/$default/GET/*"}, vend, 500, internal, "API Gateway may not invoke the function"},
	{"a permission for another path", edit{broker, "IamInvoke", "/$default/*", "/$default/*/v2/*"}, vend, 500, internal, "API Gateway may not invoke the function"},
	{"a permission for named routes alone", edit{broker, "IamInvoke", "/$default/*", "/*/v1/*"}, vendNothing, 500, internal, "API Gateway may not invoke the function for $default"},
	{"a permission with one star too many", edit{broker, "IamInvoke", "/$default/*", "/*/*/*"}, vendNothing, 500, internal, "API Gateway may not invoke the function for $default"},
	{"a permission for named routes alone, JWT", edit{broker, "JwtInvoke", "/$default/*", "/*/v1/*"}, jwtNothing, 500, internal, "API Gateway may not invoke the function for GET /{proxy+}"},
	{"a permission of another region", edit{broker, "IamInvoke", "${AWS::Region}", "eu-west-1"}, vend, 500, internal, "API Gateway may not invoke the function"},
	{"a permission for another account's API", edit{broker, "IamInvoke", "SourceAccount: !Ref AWS::AccountId", "SourceAccount: '111122223333'"}, vend, 500, internal, "API Gateway may not invoke the function"},
	{"a permission for another service", edit{broker, "IamInvoke", "apigateway.amazonaws.com", "elasticloadbalancing.amazonaws.com"}, vend, 500, internal, "API Gateway may not invoke the function"},
	{"a permission for another action", edit{broker, "IamInvoke", "lambda:InvokeFunction", "lambda:InvokeAsync"}, vend, 500, internal, "API Gateway may not invoke the function"},
	{"a permission for the REST API's other stage", edit{broker, "RestInvoke", "/prod/*/v1/*", "/live/*/v1/*"}, vendREST, 500, restInternal, "API Gateway may not invoke the function"},
}

// The HTTP API for Account B.
var httpMistakes = []mistake{
	{"a route without authorization is open", edit{broker, "IamPostCredentials", "AuthorizationType: AWS_IAM", "AuthorizationType: NONE"}, vend.unsigned(), 401, unknownCaller, ""},
	{"a route without AuthorizationType is open", edit{broker, "IamGetWhoami", "      AuthorizationType: AWS_IAM\n", ""}, vendWhoami.unsigned(), 401, unknownCaller, ""},
	{"the catch-all route is missing", edit{broker, "IamAnyOther", "", ""}, vendNothing, 404, notFound, "no such route"},
	{"the catch-all route is missing, and the unsigned are told so", edit{broker, "IamAnyOther", "", ""}, vendNothing.unsigned(), 404, notFound, "no such route"},
	{"the catch-all route takes one method", edit{broker, "IamAnyOther", "RouteKey: $default", "RouteKey: GET /{proxy+}"}, try{door: iamDoor, service: "execute-api", profile: "billing-service", method: "DELETE", path: "/v1/credentials"}, 404, notFound, "no such route"},
	{"the catch-all route is open", edit{broker, "IamAnyOther", "AuthorizationType: AWS_IAM", "AuthorizationType: NONE"}, vendNothing.unsigned(), 401, unknownCaller, ""},
	{"the stage has a name", edit{broker, "IamStage", "StageName: $default", "StageName: prod"}, vend, 404, notFound, "no such stage"},
	{"nothing is deployed", edit{broker, "IamStage", "AutoDeploy: true", "AutoDeploy: false"}, vend, 404, notFound, ""},
	{"the integration names another function", edit{broker, "IamIntegration", "!GetAtt VendFunction.Arn", "!Sub '${VendFunction.Arn}-2'"}, vend, 500, internal, "does not exist"},
	{"the integration has payload format 1.0", edit{broker, "IamIntegration", "PayloadFormatVersion: '2.0'", "PayloadFormatVersion: '1.0'"}, vend, 401, unknownCaller, ""},
	{"the throttle lets nothing through", edit{broker, "IamStage", "ThrottlingBurstLimit: !Ref ThrottleBurst", "ThrottlingBurstLimit: 0"}, vend, 429, `{"message":"Too Many Requests"}`, "throttled"},
	{"the output names the JWT door", edit{broker, "Outputs.IamUrl", "IamApi", "JwtApi"}, vend, 401, unauthorized, ""},
}

// The HTTP API for bearers of tokens.
var jwtMistakes = []mistake{
	{"another audience", edit{broker, "JwtAuthorizer", "!Split [',', !Ref JwtAudience]", "[other-app]"}, vendJWT, 401, unauthorized, ""},
	{"another issuer", edit{broker, "JwtAuthorizer", "!Ref JwtIssuer", "https://other.example.com"}, vendJWT, 401, unauthorized, ""},
	{"the issuer with a slash more", edit{broker, "JwtAuthorizer", "!Ref JwtIssuer", "!Sub '${JwtIssuer}/'"}, vendJWT, 401, unauthorized, ""},
	{"another identity source", edit{broker, "JwtAuthorizer", "$request.header.Authorization", "$request.header.X-Token"}, vendJWT, 401, unauthorized, ""},
	{"a scope that the token lacks", edit{broker, "JwtPostCredentials", "AuthorizationType: JWT", "AuthorizationType: JWT\n      AuthorizationScopes: [vend]"}, vendJWT, 403, `"message":"Forbidden"`, ""},
	{"a route with AWS_IAM", edit{broker, "JwtPostCredentials", "AuthorizationType: JWT", "AuthorizationType: AWS_IAM"}, vendJWT, 403, forbidden, ""},
	{"a route that is open", edit{broker, "JwtPostCredentials", "AuthorizationType: JWT", "AuthorizationType: NONE"}, vendJWT, 401, unknownCaller, ""},
	{"the stage has a name", edit{broker, "JwtStage", "StageName: $default", "StageName: prod"}, vendJWT, 404, notFound, "no such stage"},
	{"the stage has the name of the path's first segment", edit{broker, "JwtStage", "StageName: $default", "StageName: v1"}, vendJWT, 500, internal, "API Gateway may not invoke the function for POST /{proxy+}"},
	{"a catch-all route is missing", edit{broker, "JwtGetAnyPath", "", ""}, jwtNothing, 404, notFound, "no such route"},
	{"a catch-all route is missing, and those without a token are told so", edit{broker, "JwtGetAnyPath", "", ""}, jwtNothing.unsigned(), 404, notFound, "no such route"},
	{"the root has no route", edit{broker, "JwtGetRoot", "", ""}, try{door: jwtDoor, token: true, method: "GET", path: "/"}, 404, notFound, "no such route"},
	{"a catch-all route is open", edit{broker, "JwtGetAnyPath", "AuthorizationType: JWT", "AuthorizationType: NONE"}, jwtNothing.unsigned(), 401, unknownCaller, ""},
}

// Routes of the JWT door that take OPTIONS, once web pages may call it: API
// Gateway answers a preflight itself only where no route does.
var preflightMistakes = []mistake{
	{"ANY takes the preflight", edit{broker, "JwtGetAnyPath", "RouteKey: GET /{proxy+}", "RouteKey: ANY /{proxy+}"}, preflight, 401, unauthorized, ""},
	{"$default takes the preflight", edit{broker, "JwtGetAnyPath", "RouteKey: GET /{proxy+}", "RouteKey: $default"}, preflight, 401, unauthorized, ""},
	{"OPTIONS takes the preflight", edit{broker, "JwtGetAnyPath", "RouteKey: GET /{proxy+}", "RouteKey: OPTIONS /{proxy+}"}, preflight, 401, unauthorized, ""},
	{"an open OPTIONS lets anybody reach the function", edit{broker, "JwtGetAnyPath", "RouteKey: GET /{proxy+}\n      AuthorizationType: JWT", "RouteKey: OPTIONS /{proxy+}\n      AuthorizationType: NONE"}, preflight, 401, unknownCaller, ""},
}

// The function URL.
var urlMistakes = []mistake{
	{"no permission to call the URL", edit{broker, "UrlCaller1", "", ""}, vendURL, 403, urlForbidden, "no resource policy allows it"},
	{"no permission to invoke by way of the URL", edit{broker, "UrlInvoke1", "", ""}, vendURL, 403, urlForbidden, "no resource policy allows it"},
	{"a permission to call a URL without authorization", edit{broker, "UrlCaller1", "FunctionUrlAuthType: AWS_IAM", "FunctionUrlAuthType: NONE"}, vendURL, 403, urlForbidden, "no resource policy allows it"},
	{"a permission for another account", edit{broker, "UrlCaller1", "!Select [0, !Split [',', !Sub '${AdmittedAccounts},,,,']]", "'999988887777'"}, vendURL, 403, urlForbidden, "no resource policy allows it"},
	{"a permission for a service", edit{broker, "UrlInvoke1", "!Select [0, !Split [',', !Sub '${AdmittedAccounts},,,,']]", "apigateway.amazonaws.com"}, vendURL, 403, urlForbidden, "no resource policy allows it"},
	{"both permissions the same", edit{broker, "UrlInvoke1", "lambda:InvokeFunction\n", "lambda:InvokeFunctionUrl\n"}, vendURL, 403, urlForbidden, "no resource policy allows it"},
	{"a URL without authorization, and nobody allowed", edit{broker, "VendUrl", "AuthType: AWS_IAM", "AuthType: NONE"}, vendURL.unsigned(), 403, urlForbidden, "no resource policy allows it"},
}

// The REST API.
var restMistakes = []mistake{
	{"another stage in the resource policy", edit{broker, "VendRestApi", "execute-api:/prod/POST/v1/credentials", "execute-api:/live/POST/v1/credentials"}, vendREST, 403, restDenied, "no resource policy allows it"},
	{"no slash in the resource policy's path", edit{broker, "VendRestApi", "execute-api:/prod/POST/v1/credentials", "execute-api:/prod/POSTv1/credentials"}, vendREST, 403, restDenied, "no resource policy allows it"},
	{"the deny hits admitted accounts", edit{broker, "VendRestApi", "!Split [',', !If [HasAccounts, !Sub '${AWS::AccountId},${AdmittedAccounts}', !Ref AWS::AccountId]]", "!Ref AWS::AccountId"}, vendREST, 403, restDenied + " with an explicit deny", "explicit deny in the resource policy"},
	{"the deny hits everybody", edit{broker, "VendRestApi", "StringNotEquals:", "StringEquals:"}, vendRESTHome, 403, restDenied + " with an explicit deny", "explicit deny in the resource policy"},
	{"the admitted account is another", edit{broker, "VendRestApi", "Principal: {AWS: !Split [',', !Ref AdmittedAccounts]}", "Principal: {AWS: '999988887777'}"}, vendREST, 403, restDenied, "no resource policy allows it"},
	{"another action in the resource policy", edit{broker, "VendRestApi", "Principal: {AWS: !Split [',', !Ref AdmittedAccounts]}\n                Action: execute-api:Invoke", "Principal: {AWS: !Split [',', !Ref AdmittedAccounts]}\n                Action: execute-api:InvalidateCache"}, vendREST, 403, restDenied, "no resource policy allows it"},
	{"another stage than the output's", edit{broker, "VendRestApi", "StageName: prod", "StageName: live"}, vendREST, 403, forbidden, "no such stage"},
	{"a method without security", edit{broker, "/v1/credentials", "security: [sigv4: []]", "security: []"}, vendREST.unsigned(), 403, "User: anonymous " + restDenied + " with an explicit deny", ""},
	{"the integration uses the method of the API", edit{broker, "/v1/whoami", "httpMethod: POST", "httpMethod: GET"}, try{door: restDoor, service: "execute-api", profile: "outsider", method: "GET", path: "/v1/whoami"}, 500, restInternal, "Lambda is invoked by POST"},
	{"the integration names another function", edit{broker, "/v1/credentials", "function:${FunctionName}/", "function:${FunctionName}-2/"}, vendREST, 500, restInternal, "does not exist"},
	{"a method is missing", edit{broker, "/v1/credentials", "post:", "put:"}, vendREST, 403, `{"message":"Missing Authentication Token"}`, "no such resource or method"},
	{"the throttle lets nothing through", edit{broker, "VendRestApi", "ThrottlingBurstLimit: !Ref ThrottleBurst", "ThrottlingBurstLimit: 0"}, vendREST, 429, `{"message":"Too Many Requests"}`, "throttled"},
}

// What callers are told to attach.
var callerMistakes = []mistake{
	{"the caller policy lacks a route", edit{broker, "CallerPolicy", "$default/*", "$default/GET/*"}, vend, 403, forbidden, "no identity policy allows it"},
	{"the caller policy has another stage", edit{broker, "CallerPolicy", "$default/", "prod/"}, vend, 403, forbidden, "no identity policy allows it"},
	{"the caller policy is of another door", edit{broker, "CallerPolicy", "${IamApi}", "${JwtApi}"}, vend, 403, forbidden, "no identity policy allows it"},
	{"the URL's caller policy lacks the second action", edit{broker, "Outputs.FunctionUrlCallerPolicy", `"Action":"lambda:InvokeFunction",`, `"Action":"lambda:GetFunction",`}, vendURLHome, 403, urlForbidden, "no identity policy allows it"},
	{"the URL's caller policy has another auth type", edit{broker, "Outputs.FunctionUrlCallerPolicy", `"AWS_IAM"`, `"NONE"`}, vendURL, 403, urlForbidden, "no identity policy allows it"},
	{"the REST caller policy has another stage", edit{broker, "Outputs.RestCallerPolicy", ":${VendRestApi}/prod", ":${VendRestApi}/live"}, vendRESTHome, 403, restDenied, "no identity policy allows it"},
}
