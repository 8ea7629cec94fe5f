package deploy

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"

	"github.com/credvend/credvend/internal/local/cfn"
)

// naming makes up what AWS makes up: ids, and names where a template gives
// none. They follow from account, stack and logical id, so that two runs of one
// template have the same ones, and a log can be read beside the next.
type naming struct{ Options }

// id is n lower-case letters and digits.
func (n naming) id(what string, length int) string {
	sum := sha256.Sum256([]byte(n.Account + "/" + n.Region + "/" + n.Name + "/" + what))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:length]
}

// doorID is the id of an API or a URL.
func (n naming) doorID(logicalID string, length int) string {
	if id, ok := n.IDs[logicalID]; ok {
		return id
	}
	return n.id(logicalID, length)
}

const (
	apiIDLength = 10
	urlIDLength = 32
)

// named is the name that a template gives, or the one that CloudFormation makes
// of stack and logical id.
func (n naming) named(given, logicalID string) string {
	if given != "" {
		return given
	}
	return n.Name + "-" + logicalID + "-" + strings.ToUpper(n.id(logicalID, 12))
}

func (n naming) roleARN(path, name string) string {
	if path == "" {
		path = "/"
	}
	return n.arn("iam", false, "role"+path+name)
}

func (n naming) policyARN(path, name string) string {
	if path == "" {
		path = "/"
	}
	return n.arn("iam", false, "policy"+path+name)
}

// roleID is a role's unique id: of AWS's form, and the same for the same name.
func (n naming) roleID(name string) string { return "AROA" + strings.ToUpper(n.id("role "+name, 17)) }

func (n naming) functionARN(name string) string { return n.arn("lambda", true, "function:"+name) }

func (n naming) apiDomain(id string) string {
	return id + ".execute-api." + n.Region + "." + map[bool]string{true: "amazonaws.com.cn", false: "amazonaws.com"}[n.Partition == "aws-cn"]
}

func (n naming) urlDomain(id string) string {
	return id + ".lambda-url." + n.Region + "." + map[bool]string{true: "on.amazonwebservices.com.cn", false: "on.aws"}[n.Partition == "aws-cn"]
}

// attribute is what a reference to a resource stands for.
func (n naming) attribute(r cfn.Reference) (any, error) {
	property := func(key string) (string, error) {
		p, err := r.Properties()
		if err != nil {
			return "", err
		}
		s, _ := cfn.Text(p[key])
		return s, nil
	}
	// name is what the resource is called, and path where it stands, for IAM.
	name := func(key string) (path, name string, err error) {
		given, err := property(key)
		if err != nil {
			return "", "", err
		}
		path, err = property("Path")
		return path, n.named(given, r.LogicalID), err
	}
	switch strings.TrimSuffix(r.Type+" "+r.Attribute, " ") {
	case "AWS::IAM::Role":
		_, name, err := name("RoleName")
		return name, err
	case "AWS::IAM::Role Arn":
		path, name, err := name("RoleName")
		return n.roleARN(path, name), err
	case "AWS::IAM::Role RoleId":
		_, name, err := name("RoleName")
		return n.roleID(name), err
	case "AWS::IAM::ManagedPolicy", "AWS::IAM::ManagedPolicy PolicyArn":
		path, name, err := name("ManagedPolicyName")
		return n.policyARN(path, name), err
	case "AWS::Serverless::Function":
		_, name, err := name("FunctionName")
		return name, err
	case "AWS::Serverless::Function Arn":
		_, name, err := name("FunctionName")
		return n.functionARN(name), err
	case "AWS::Logs::LogGroup":
		_, name, err := name("LogGroupName")
		return name, err
	case "AWS::Logs::LogGroup Arn":
		_, name, err := name("LogGroupName")
		return n.arn("logs", true, "log-group:"+name+":*"), err
	case "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Api ApiId", "AWS::Serverless::Api", "AWS::Serverless::Api RestApiId":
		return n.doorID(r.LogicalID, apiIDLength), nil
	case "AWS::ApiGatewayV2::Api ApiEndpoint":
		return "https://" + n.apiDomain(n.doorID(r.LogicalID, apiIDLength)), nil
	case "AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Authorizer", "AWS::ApiGatewayV2::Route",
		"AWS::AppConfig::Application", "AWS::AppConfig::Environment", "AWS::AppConfig::ConfigurationProfile":
		return n.id(r.LogicalID, 7), nil
	case "AWS::ApiGatewayV2::Stage":
		return property("StageName")
	case "AWS::Lambda::Url FunctionUrl":
		return "https://" + n.urlDomain(n.doorID(r.LogicalID, urlIDLength)) + "/", nil
	case "AWS::Lambda::Url", "AWS::Lambda::Url FunctionArn":
		return property("TargetFunctionArn")
	}
	return nil, fmt.Errorf("a local run does not know what it would be")
}
