package deploy

import "strings"

// kind says how a type of resource is read.
type kind struct {
	read func(r *reader, id string, p *properties) error
	idle []string // properties of no consequence here
}

// kinds are the types of resources that are known. Of those that are read,
// every property is either read by its function or listed as idle.
var kinds = map[string]kind{
	"AWS::IAM::Role":          {readRole, []string{"Description"}},
	"AWS::IAM::ManagedPolicy": {readManagedPolicy, []string{"Description"}},
	"AWS::Serverless::Function": {readFunction, []string{
		"Description", "CodeUri", "Handler", "Runtime", "Architectures", "Tracing",
	}},
	"AWS::Lambda::Permission":        {readPermission, nil},
	"AWS::Lambda::Url":               {readURL, nil},
	"AWS::ApiGatewayV2::Api":         {readAPI, []string{"Name", "Description"}},
	"AWS::ApiGatewayV2::Authorizer":  {readAuthorizer, []string{"Name"}},
	"AWS::ApiGatewayV2::Integration": {readIntegration, []string{"Description"}},
	"AWS::ApiGatewayV2::Route":       {readRoute, []string{"OperationName"}},
	"AWS::ApiGatewayV2::Stage":       {readStage, []string{"Description", "AccessLogSettings"}},
	"AWS::Serverless::Api":           {readRESTAPI, []string{"Name", "Description", "OpenApiVersion", "TracingEnabled", "AccessLogSetting", "AlwaysDeploy"}},
}

// idleFamilies are the services whose resources have no bearing here on who may
// do what.
var idleFamilies = []string{"AWS::Logs::", "AWS::CloudWatch::", "AWS::AppConfig::", "AWS::SNS::"}

// known tells whether a type of resource is played, or of no consequence.
func known(typeName string) bool {
	if _, read := kinds[typeName]; read {
		return true
	}
	for _, family := range idleFamilies {
		if strings.HasPrefix(typeName, family) {
			return true
		}
	}
	return false
}

// order is the order in which kinds are read: each after those that it speaks
// of.
var order = []string{
	"AWS::IAM::ManagedPolicy", "AWS::IAM::Role",
	"AWS::Serverless::Function", "AWS::Lambda::Permission", "AWS::Lambda::Url",
	"AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Authorizer", "AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Stage",
	"AWS::Serverless::Api",
}
