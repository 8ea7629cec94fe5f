package templates_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/local/cfn"
)

// refusal is a value that a template must not take, and words of what it says
// instead. The Terraform modules must not take it either.
type refusal struct{ file, name, value, want string }

func (c refusal) String() string { return c.name + "=" + c.value[:min(len(c.value), 40)] }

// without are parameters that are all in order.
func (c refusal) without() map[string]string {
	if c.file == targetFile {
		return with(targetAlways, "BrokerRoleArns", roleB)
	}
	return maps.Clone(brokerAlways)
}

// parameters are those with the value among them.
func (c refusal) parameters() map[string]string {
	given := c.without()
	given[c.name] = c.value
	return given
}

var refusals = []refusal{
	{brokerFile, "TargetRoleArns", "", "write whole role ARNs"},
	{brokerFile, "TargetRoleArns", "*", "write whole role ARNs"},
	{brokerFile, "TargetRoleArns", "arn:aws:iam::111122223333:role/*", "without wildcards"},
	{brokerFile, "TargetRoleArns", "arn:aws:iam::*:role/orders-invoke", "without wildcards"},
	{brokerFile, "TargetRoleArns", "arn:aws:iam::111122223333:user/orders", "write whole role ARNs"},
	{brokerFile, "TargetRoleArns", "arn:aws-iso:iam::111122223333:role/orders-invoke", "of this partition"},
	{brokerFile, "TargetRoleArns", "arn:aws:iam::11112222333:role/orders-invoke", "write whole role ARNs"},
	{brokerFile, "TargetRoleArns", roleA + ", " + roleA, "no blanks"},
	{brokerFile, "TargetRoleArns", roleA + ",", "no blanks"},
	{brokerFile, "TargetRoleArns", roleA + "\n", "no blanks"},
	{brokerFile, "TargetRoleArns", roleA + ",arn:aws-cn:iam::111122223333:role/orders-invoke", "all of this partition"},
	{brokerFile, "TargetRoleArns", "arn:aws-us-gov:iam::111122223333:role/orders-invoke," + roleA, "all of this partition"},
	{brokerFile, "TargetRoleArns", "arn:aws:iam::111122223333:role/orders?invoke", "without wildcards"},
	{brokerFile, "TargetRoleArns", "arn:aws:sts::111122223333:assumed-role/orders-invoke/x", "write whole role ARNs"},
	{brokerFile, "TargetRoleArns", "arn:aws:iam::111122223333:role/" + strings.Repeat("x", 65), "write whole role ARNs"},
	{brokerFile, "BrokerRoleName", "*", "write the name of a role"},
	{brokerFile, "BrokerRoleName", "", "write the name of a role"},
	{brokerFile, "BrokerRoleName", "team/credvend", "write the name of a role"},
	{brokerFile, "PermissionsBoundaryArn", "boundary", "ARN of a managed policy"},
	{brokerFile, "IamDoor", "On", "none of on, off"},
	{brokerFile, "JwtIssuer", "http://issuer.example.com", "https"},
	{brokerFile, "JwtIssuer", "https://issuer.example.com/?x=y", "https URL"},
	{brokerFile, "JwtIssuer", "issuer.example.com", "https URL"},
	{brokerFile, "JwtIssuer", "HTTPS://issuer.example.com", "https URL"},
	{brokerFile, "JwtIssuer", "https://issuer.example.com//", "with a slash at its end only if they have one"},
	{brokerFile, "JwtIssuer", "https://.example.com", "https URL"},
	{brokerFile, "JwtIssuer", "https://*.example.com", "https URL"},
	{brokerFile, "JwtIssuer", "https://user@issuer.example.com", "https URL"},
	{brokerFile, "JwtIssuer", "https://issuer.example.com/x ", "https URL"},
	{brokerFile, "JwtAudience", "one two", "no blanks"},
	{brokerFile, "JwtAudience", "one,,two", "no blanks"},
	{brokerFile, "JwtAudience", "*", "no blanks"},
	{brokerFile, "JwtAudience", strings.Repeat("one,", 50) + "one", "up to 50"},
	{brokerFile, "JwtAudience", "one, two", "no blanks"},
	{brokerFile, "CorsOrigins", "*", "without wildcard"},
	{brokerFile, "CorsOrigins", "https://*.example.com", "without wildcard"},
	{brokerFile, "CorsOrigins", "https://a.example.com/", "without path"},
	{brokerFile, "CorsOrigins", "http://a.example.com", "https"},
	{brokerFile, "FunctionUrlId", "https://u1r2l3.lambda-url.us-east-1.on.aws/", "first part"},
	{brokerFile, "FunctionUrlId", "u1=iam evil", "first part"},
	{brokerFile, "AdmittedAccounts", "*", "twelve digits"},
	{brokerFile, "AdmittedAccounts", "7777-8888-9999", "twelve digits"},
	{brokerFile, "AdmittedAccounts", "77778888999", "twelve digits"},
	{brokerFile, "AdmittedAccounts", "777788889999, 777788889998", "no blanks"},
	{brokerFile, "AdmittedAccounts", "arn:aws:iam::777788889999:root", "twelve digits"},
	{brokerFile, "AdmittedAccounts", "777788889991,777788889992,777788889993,777788889994,777788889995,777788889996", "up to five"},
	{brokerFile, "ThrottleRate", "0", "below 1"},
	{brokerFile, "ThrottleRate", "10001", "above 10000"},
	{brokerFile, "ThrottleRate", "many", "it is no number"},
	{brokerFile, "ThrottleBurst", "0", "below 1"},
	{brokerFile, "ThrottleBurst", "5001", "above 5000"},
	{brokerFile, "FunctionName", "arn:aws:lambda:us-east-1:444455556666:function:x", "hyphens and underscores"},
	{brokerFile, "Architecture", "amd64", "none of arm64, x86_64"},
	{brokerFile, "MemorySize", "64", "below 128"},
	{brokerFile, "Timeout", "30", "above 29"},
	{brokerFile, "MemorySize", "10241", "above 10240"},
	{brokerFile, "Timeout", "2", "below 3"},
	{brokerFile, "ReservedConcurrency", "-1", "or none"},
	{brokerFile, "ReservedConcurrency", "10000", "or none"},
	{brokerFile, "ReservedConcurrency", "1.5", "or none"},
	{brokerFile, "LogLevel", "WARN", "none of TRACE, DEBUG, INFO"},
	{brokerFile, "LogFormat", "json", "none of JSON, Text"},
	{brokerFile, "AppConfigLayerArn", "arn:aws:lambda:us-east-1:444455556666:layer:mine:1", "AWS-AppConfig-Extension"},
	{brokerFile, "AllowlistMaxAge", "0s", "a second or more"},
	{brokerFile, "StsRegions", "us-east-1 us-west-2", "commas and no blanks"},
	{brokerFile, "StsRegions", "us-iso-east-1", "of this partition"},
	{brokerFile, "StsRegions", "us-esat-1", "write regions"},
	{brokerFile, "StsRegions", "us-east1", "write regions"},
	{brokerFile, "StsRegions", "us-east-1a", "write regions"},
	{brokerFile, "StsRegions", "US-EAST-1", "write regions"},
	{brokerFile, "AllowlistMaxAge", "60", "a second or more"},
	{brokerFile, "AllowlistMaxStale", "1 h", "as long as AllowlistMaxAge"},
	{brokerFile, "Cache", "true ", "none of on, off"},
	{brokerFile, "StsTimeout", "400,850", "two durations"},
	{brokerFile, "Rate", "0/s,1", "RATE/s,BURST"},
	{brokerFile, "LogRetentionDays", "7", "none of 30"},
	{brokerFile, "LogKmsKeyArn", "alias/logs", "not of an alias"},
	{brokerFile, "LogKmsKeyArn", "arn:aws:kms:us-esat-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab", "ARN of a key"},
	{brokerFile, "LogKmsKeyArn", "arn:aws:kms:us-east-1:444455556666:key/*", "ARN of a key"},
	{brokerFile, "PermissionsBoundaryArn", "arn:aws:iam::44445555666:policy/boundary", "ARN of a managed policy"},
	{brokerFile, "AlarmTopicArn", "arn:aws:sns:us-east-1:444455556666:*", "ARN of an SNS topic"},
	{brokerFile, "AlarmTopicArn", "alarms", "ARN of an SNS topic"},
	{brokerFile, "JwtIssuer", "https://issuer.example.com", "rule IssuerHasAudience: JwtIssuer needs JwtAudience"},
	{brokerFile, "JwtAudience", "one", "rule AudienceHasIssuer"},
	{brokerFile, "CorsOrigins", "https://a.example.com", "rule CorsHasIssuer"},
	{brokerFile, "AdmittedAccounts", accountC, "rule AccountsHaveDoor"},
	{brokerFile, "FunctionUrlId", "u1r2l3", "rule UrlIdHasUrl"},
	{brokerFile, "FunctionUrl", "on", "rule UrlIsThrottled: A function URL has no throttle"},
	{brokerFile, "IamDoor", "off", "rule SomeDoor: There is no front door"},

	{targetFile, "ApiId", "*", "without wildcards"},
	{targetFile, "ApiId", "a1b2c3d4e*", "without wildcards"},
	{targetFile, "ApiId", "a1b2c3d4e5/*", "without wildcards"},
	{targetFile, "ApiId", "A1B2C3D4E5", "lower-case"},
	{targetFile, "Stage", "*", "without wildcards"},
	{targetFile, "Stage", "prod/GET", "one stage"},
	{targetFile, "Stage", "$prod", "one stage"},
	{targetFile, "Stage", "", "one stage"},
	{targetFile, "Stage", "$default/*", "one stage"},
	{targetFile, "Stage", "prod blue", "one stage"},
	{targetFile, "Stage", strings.Repeat("x", 129), "one stage"},
	{targetFile, "ApiId", "", "ten lower-case"},
	{targetFile, "ApiId", "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com", "of one API"},
	{targetFile, "ApiRegion", "*", "one region"},
	{targetFile, "ApiRegion", "us-esat-1", "one region"},
	{targetFile, "ApiRegion", "us-east-1,us-west-2", "one region"},
	{targetFile, "BrokerRoleArns", "", "whole role ARNs"},
	{targetFile, "BrokerRoleArns", "arn:aws:iam::44445555666:role/credvend-broker", "whole role ARNs"},
	{targetFile, "BrokerRoleArns", roleB + ",arn:aws-cn:iam::444455556666:role/credvend-broker", "all of one account of this partition"},
	{targetFile, "BrokerRoleArns", strings.Repeat(roleB+",", 10) + roleB, "up to ten"},
	{targetFile, "ExternalId", "", "2 to 1224"},
	{targetFile, "ExternalId", "one,two", "without comma"},
	{targetFile, "ExternalId", "orders\t7f3c9a", "which is what STS takes"},
	{targetFile, "ExternalId", "orders'7f3c9a", "which is what STS takes"},
	{targetFile, "TargetName", "Orders", "lower-case"},
	{targetFile, "BrokerRoleArns", "credvend-broker", "whole role ARNs"},
	{targetFile, "BrokerRoleArns", "arn:aws:iam::444455556666:root", "whole role ARNs"},
	{targetFile, "BrokerRoleArns", "arn:aws:iam::444455556666:role/*", "without wildcards"},
	{targetFile, "BrokerRoleArns", "arn:aws-eusc:iam::444455556666:role/credvend-broker", "of this partition"},
	{targetFile, "BrokerRoleArns", "arn:aws:sts::444455556666:assumed-role/credvend-broker/x", "whole role ARNs"},
	{targetFile, "BrokerRoleIds", "AROA*", "begin with AROA"},
	{targetFile, "BrokerRoleIds", "AIDAEXAMPLEUSER00000", "begin with AROA"},
	{targetFile, "BrokerRoleIds", "AROAEXAMPLEBROKER000:*", "begin with AROA"},
	{targetFile, "ExternalId", "x", "2 to 1224"},
	{targetFile, "ExternalId", "orders 7f3c9a", "which is what STS takes"},
	{targetFile, "ExternalId", "orders*", "which is what STS takes"},
	{targetFile, "ExternalId", "${aws:username}", "which is what STS takes"},
	{targetFile, "ExternalId", "größe", "which is what STS takes"},
	{targetFile, "ExternalId", strings.Repeat("x", 1225), "2 to 1224"},
	{targetFile, "NextExternalId", "y", "2 to 1224"},
	{targetFile, "NextExternalId", "orders-7f3c9a", "rule RotationChanges"},
	{targetFile, "RoleName", "team/orders", "write the name of a role"},
	{targetFile, "PermissionsBoundaryArn", "*", "ARN of a managed policy"},
}

// TestRefusedParameters: what the templates cannot mean, they refuse, and say
// what to write.
func TestRefusedParameters(t *testing.T) {
	templates := map[string]*cfn.Template{brokerFile: parse(t, read(t, brokerFile)), targetFile: parse(t, read(t, targetFile))}
	for _, c := range refusals {
		t.Run(c.String(), func(t *testing.T) {
			account := accountB
			if c.file == targetFile {
				account = accountA
			}
			template := templates[c.file]
			if _, err := template.Resolve(options(account, c.without())); err != nil {
				t.Fatalf("before: %v", err)
			}
			if _, err := template.Resolve(options(account, c.parameters())); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}
