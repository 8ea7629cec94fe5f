package mistakes_test

import (
	"strings"
	"testing"
)

// TestRefused: mistakes that AWS refuses when the stack is made, or that stop
// the function, stop the local accounts from starting, with a text that says
// what and where.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		edit edit
		want []string
	}{
		// CloudFormation, on the values of parameters.
		{"an API id that is none", edit{allowlist, "", "a1b2c3d4e5", "a1b2c3d4"}, []string{"target orders", "accounts/target.yaml", "parameter ApiId", `"a1b2c3d4"`, "write the ten lower-case letters and digits of one API"}},
		{"an external id with a comma", edit{allowlist, "", "orders-7f3c9a", "orders,7f3c9a"}, []string{"parameter ExternalId", "which is what STS takes, without comma"}},
		{"more accounts than the template admits", edit{allowlist, "callers", "  outsider:", manyAccounts + "  outsider:"}, []string{"template.yaml", "parameter AdmittedAccounts", "write up to five account ids"}},
		{"an issuer with a query", edit{allowlist, "", "https://issuer.example.com", "https://issuer.example.com/?tenant=1"}, []string{"parameter JwtIssuer", "write the issuer exactly as its tokens have it"}},
		{"an issuer without TLS", edit{allowlist, "", "https://issuer.example.com", "http://issuer.example.com"}, []string{"parameter JwtIssuer", "an https URL"}},
		{"an audience with a comma", edit{allowlist, "", "audience: orders-app", "audience: 'orders,app'"}, []string{"parameter JwtAudience", "has a comma"}},
		{"a role name with a comma", edit{allowlist, "", "role/orders-invoke", "role/orders,invoke"}, []string{"parameter TargetRoleArns", "has a comma"}},
		{"a default that its own pattern refuses", edit{broker, "Parameters.AllowlistMaxAge", "Default: 1m", "Default: 1 minute"}, []string{"template.yaml", "AllowlistMaxAge", "write a duration"}},
		{"a parameter that the run sets is missing", edit{broker, "Parameters.FunctionUrlId", "", ""}, []string{"template.yaml", "FunctionUrlId"}},

		// CloudFormation, on the template.
		{"no YAML", edit{target, "", "Resources:", "Resources: ["}, []string{"accounts/target.yaml", "the template is not YAML"}},
		{"a condition that is not there", edit{broker, "IamStage", "Condition: HasIamDoor", "Condition: HasDoor"}, []string{"template.yaml", "Resources.IamStage", "there is no condition HasDoor"}},
		{"a reference to nothing", edit{broker, "IamIntegration", "!GetAtt VendFunction.Arn", "!GetAtt Function.Arn"}, []string{"template.yaml", "Resources.IamIntegration", "there is no parameter, pseudo parameter or resource Function"}},
		{"a tag that is none", edit{target, "TargetRole", "!Ref RoleName", "!Reff RoleName"}, []string{"accounts/target.yaml", "the tag !Reff"}},
		{"no output for a door", edit{broker, "Outputs.RestUrl", "", ""}, []string{"template.yaml", "no output RestUrl"}},

		// IAM, on policies.
		{"a wildcard in a principal", edit{target, "TargetRole", "arn:${Partition}:iam::${Account}:root", "arn:${Partition}:iam::${Account}:role/*"}, []string{"Resources.TargetRole", "Invalid principal in policy"}},
		{"a principal that does not exist", edit{target, "TargetRole", "arn:${Partition}:iam::${Account}:root", "arn:${Partition}:iam::${Account}:role/nobody"}, []string{"accounts/target.yaml", "Invalid principal in policy", "role/nobody"}},
		{"a resource in a trust policy", edit{target, "TargetRole", "Action: sts:AssumeRole", "Action: sts:AssumeRole\n            Resource: '*'"}, []string{"Has prohibited field Resource"}},
		{"an action without a service", edit{target, "TargetRole", "Action: execute-api:Invoke", "Action: Invoke"}, []string{"Actions/Conditions must be prefaced by a vendor"}},
		{"a misspelt condition key", edit{target, "TargetRole", "sts:ExternalId:", "sts:ExternalID2:"}, []string{"sts:externalid2"}},
		{"a misspelt operator", edit{broker, "BrokerRole", "ArnEquals:", "ArnEqual:"}, []string{"Resources.BrokerRole", "ArnEqual"}},
		{"a value of ArnEquals that is no ARN", edit{target, "TargetRole", "aws:PrincipalArn: !Split [',', !Ref BrokerRoleArns]", "aws:PrincipalArn: arn:aws:iam::*/credvend-broker"}, []string{"Resources.TargetRole", "is not a value for ArnEquals"}},
		{"a resource that is no ARN", edit{target, "TargetRole", "arn:${AWS::Partition}:execute-api:${Region}:${AWS::AccountId}:${ApiId}/${Stage}/*", "${ApiId}/${Stage}/*"}, []string{"must be in ARN format"}},
		{"two statements of one Sid", edit{target, "TargetRole", "Sid: BrokerLabels", "Sid: BrokerAssumes"}, []string{"Statement IDs (SID) in a single policy must be unique"}},
		{"a session shorter than IAM takes", edit{target, "TargetRole", "MaxSessionDuration: 3600", "MaxSessionDuration: 900"}, []string{"1 to 12 hours"}},
		{"a managed policy of elsewhere", edit{broker, "BrokerRole", "RoleName: !Ref BrokerRoleName", "RoleName: !Ref BrokerRoleName\n      ManagedPolicyArns: [arn:aws:iam::aws:policy/AdministratorAccess]"}, []string{"Resources.BrokerRole", "AdministratorAccess", "cannot know what it says"}},
		{"a boundary of elsewhere", edit{target, "Parameters.PermissionsBoundaryArn", "Default: ''", "Default: arn:aws:iam::111122223333:policy/boundary"}, []string{"policy/boundary", "cannot know what it says"}},

		// Lambda.
		{"a role that Lambda cannot assume", edit{broker, "BrokerRole", "lambda.amazonaws.com", "ec2.amazonaws.com"}, []string{"cannot be assumed by Lambda"}},
		{"a permission of another function", edit{broker, "IamInvoke", "!Ref VendFunction", "other"}, []string{"Resources.IamInvoke", "function not found: other"}},
		{"a condition that a local run does not play", edit{broker, "UrlInvoke1", "InvokedViaFunctionUrl: true", "InvokedViaFunctionUrl: true\n      EventSourceToken: x"}, []string{"Resources.UrlInvoke1", "EventSourceToken"}},
		{"a variable that Lambda keeps", edit{broker, "VendFunction", "CREDVEND_CACHE:", "AWS_REGION:"}, []string{"Resources.VendFunction", "reserved keys", "AWS_REGION"}},
		{"no door is told to the function", edit{broker, "VendFunction", "CREDVEND_FRONT_DOORS", "CREDVEND_FRONT_DOOR"}, []string{"CREDVEND_FRONT_DOORS"}},
		{"a log level above the audit trail's", edit{broker, "VendFunction", "!Ref LogLevel", "ERROR"}, []string{"AWS_LAMBDA_LOG_LEVEL", "audit trail"}},
		{"a function that is switched off", edit{broker, "VendFunction", "!If [HasReserved, !Ref ReservedConcurrency, !Ref AWS::NoValue]", "0"}, []string{"ReservedConcurrentExecutions 0 switches the function off"}},

		// API Gateway.
		{"an authorizer of another kind", edit{broker, "IamPostCredentials", "AWS_IAM", "CUSTOM"}, []string{"Resources.IamPostCredentials", "AuthorizationType: CUSTOM"}},
		{"a JWT route without authorizer", edit{broker, "JwtPostCredentials", "      AuthorizerId: !Ref JwtAuthorizer\n", ""}, []string{"Resources.JwtPostCredentials", "requires a valid authorizer"}},
		{"an authorizer of another API", edit{broker, "JwtPostCredentials", "!Ref JwtApi", "!Ref IamApi"}, []string{"already exists"}},
		{"a route without an integration", edit{broker, "IamPostCredentials", "      Target: !Sub integrations/${IamIntegration}\n", ""}, []string{"Resources.IamPostCredentials", "integration"}},
		{"no payload format", edit{broker, "IamIntegration", "      PayloadFormatVersion: '2.0'\n", ""}, []string{"Resources.IamIntegration", "PayloadFormatVersion"}},
		{"a cache", edit{broker, "VendRestApi", "CacheClusterEnabled: false", "CacheClusterEnabled: true\n      CacheClusterSize: '0.5'"}, []string{"Resources.VendRestApi", "CacheClusterSize"}},
		{"a REST method with an API key alone", edit{broker, "VendRestApi", "x-amazon-apigateway-authtype: awsSigv4", "x-amazon-apigateway-authtype: custom"}, []string{"x-amazon-apigateway-authtype: custom"}},
		{"a data trace", edit{broker, "VendRestApi", "DataTraceEnabled: false", "DataTraceEnabled: true"}, []string{"DataTraceEnabled"}},
		{"SAM's own Auth", edit{broker, "VendRestApi", "StageName: prod", "StageName: prod\n      Auth: {DefaultAuthorizer: AWS_IAM}"}, []string{"Resources.VendRestApi", "the property Auth"}},

		// What nobody here knows how to play.
		{"a kind of resource", edit{broker, "", "\nOutputs:", "\n  Firewall:\n    Type: AWS::WAFv2::WebACLAssociation\nOutputs:"}, []string{"Resources.Firewall", "does not know how to play AWS::WAFv2::WebACLAssociation"}},
		{"a policy apart from its role", edit{target, "", "\nOutputs:", "\n  More:\n    Type: AWS::IAM::RolePolicy\nOutputs:"}, []string{"Resources.More", "does not know how to play AWS::IAM::RolePolicy"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := play(t, c.edit)
			if err == nil {
				t.Fatal("it starts")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error lacks %q:\n%v", part, err)
				}
			}
		})
	}
}

const manyAccounts = `  one: { iam: { account: "100000000001" } }
  two: { iam: { account: "100000000002" } }
  three: { iam: { account: "100000000003" } }
  four: { iam: { account: "100000000004" } }
  five: { iam: { account: "100000000005" } }
`
