package iam

import "testing"

// TestConditionOperators plays AWS's pages "IAM JSON policy elements: Condition
// operators", "Conditions with multiple context keys or values" and "Variables
// and tags": a case is named after the sentence that it plays, shortened.
func TestConditionOperators(t *testing.T) {
	cases := []struct {
		name      string
		condition string
		ctx       Context
		want      bool
	}{
		{"StringEquals matches exactly", `{"StringEquals":{"sts:ExternalId":"x1"}}`, Context{"sts:externalid": {"x1"}}, true},
		{"StringEquals is case-sensitive", `{"StringEquals":{"sts:ExternalId":"x1"}}`, Context{"sts:externalid": {"X1"}}, false},
		{"StringEquals takes a star as it is", `{"StringEquals":{"sts:ExternalId":"x*"}}`, Context{"sts:externalid": {"x1"}}, false},
		{"condition keys are not case-sensitive", `{"StringEquals":{"STS:externalid":"x1"}}`, Context{"sts:ExternalID": {"x1"}}, true},
		{"several values are joined by OR", `{"StringEquals":{"sts:ExternalId":["x1","x2"]}}`, Context{"sts:externalid": {"x2"}}, true},
		{"several keys are joined by AND", `{"StringEquals":{"sts:ExternalId":"x1","aws:RequestedRegion":"r"}}`, Context{"sts:externalid": {"x1"}}, false},
		{"several operators are joined by AND", `{"StringEquals":{"sts:ExternalId":"x1"},"Bool":{"aws:SecureTransport":"true"}}`, Context{"sts:externalid": {"x1"}, "aws:securetransport": {"false"}}, false},
		{"an absent key makes a positive operator false", `{"StringEquals":{"sts:ExternalId":"x1"}}`, nil, false},
		{"an absent key makes a negated operator true", `{"StringNotEquals":{"sts:ExternalId":"x1"}}`, nil, true},
		{"negated operators are joined by NOR", `{"StringNotEquals":{"sts:ExternalId":["x1","x2"]}}`, Context{"sts:externalid": {"x2"}}, false},
		{"IfExists lets an absent key pass", `{"StringEqualsIfExists":{"sts:ExternalId":"x1"}}`, nil, true},
		{"IfExists compares a key that is there", `{"StringEqualsIfExists":{"sts:ExternalId":"x1"}}`, Context{"sts:externalid": {"x2"}}, false},
		{"StringEqualsIgnoreCase", `{"StringEqualsIgnoreCase":{"sts:ExternalId":"ABc"}}`, Context{"sts:externalid": {"abC"}}, true},
		{"StringNotEqualsIgnoreCase", `{"StringNotEqualsIgnoreCase":{"sts:ExternalId":"ABc"}}`, Context{"sts:externalid": {"abC"}}, false},
		{"StringLike spans everything", `{"StringLike":{"aws:userid":"AROA?X:billing@*"}}`, Context{"aws:userid": {"AROA1X:billing@a:/b"}}, true},
		{"StringLike matches the whole", `{"StringLike":{"aws:userid":"AROA:billing@*"}}`, Context{"aws:userid": {"xAROA:billing@1"}}, false},
		{"StringNotLike", `{"StringNotLike":{"aws:userid":"AROA*"}}`, Context{"aws:userid": {"AROAX:s"}}, false},
		{"StringNotLike with a wildcard that does not match", `{"StringNotLike":{"aws:userid":"AROA*"}}`, Context{"aws:userid": {"AIDAX"}}, true},
		{"StringLike: a question mark is one character, not none", `{"StringLike":{"sts:ExternalId":"x?"}}`, Context{"sts:externalid": {"x"}}, false},
		{"StringNotEqualsIfExists of an absent key", `{"StringNotEqualsIfExists":{"sts:ExternalId":"x1"}}`, nil, true},
		{"StringNotEqualsIfExists compares a key that is there", `{"StringNotEqualsIfExists":{"sts:ExternalId":"x1"}}`, Context{"sts:externalid": {"x1"}}, false},
		{"tag keys in condition keys are not case-sensitive", `{"StringEquals":{"aws:PrincipalTag/TEAM":"a"}}`, Context{"aws:principaltag/team": {"a"}}, true},
		{"tag values are case-sensitive", `{"StringEquals":{"aws:PrincipalTag/team":"A"}}`, Context{"aws:principaltag/team": {"a"}}, false},
		{"a value with its own star is text", `{"StringEquals":{"sts:ExternalId":"a"}}`, Context{"sts:externalid": {"*"}}, false},

		{"NumericLessThan", `{"NumericLessThan":{"aws:MultiFactorAuthAge":300}}`, Context{"aws:multifactorauthage": {"299.5"}}, true},
		{"NumericLessThanEquals at the bound", `{"NumericLessThanEquals":{"aws:MultiFactorAuthAge":"300"}}`, Context{"aws:multifactorauthage": {"300.0"}}, true},
		{"NumericGreaterThan is not text order", `{"NumericGreaterThan":{"aws:MultiFactorAuthAge":"9"}}`, Context{"aws:multifactorauthage": {"10"}}, true},
		{"NumericGreaterThanEquals of no number", `{"NumericGreaterThanEquals":{"aws:MultiFactorAuthAge":"9"}}`, Context{"aws:multifactorauthage": {"1e9"}}, false},
		{"NumericNotEquals", `{"NumericNotEquals":{"aws:MultiFactorAuthAge":"9"}}`, Context{"aws:multifactorauthage": {"9"}}, false},

		{"NumericEquals of two ways to write one number", `{"NumericEquals":{"aws:MultiFactorAuthAge":"9"}}`, Context{"aws:multifactorauthage": {"9.00"}}, true},
		{"NumericLessThan at the bound", `{"NumericLessThan":{"aws:MultiFactorAuthAge":"9"}}`, Context{"aws:multifactorauthage": {"9"}}, false},
		{"NumericLessThanIfExists of an absent key", `{"NumericLessThanIfExists":{"aws:MultiFactorAuthAge":"9"}}`, nil, true},
		{"NumericNotEquals of an absent key", `{"NumericNotEquals":{"aws:MultiFactorAuthAge":"9"}}`, nil, true},

		{"DateLessThan", `{"DateLessThan":{"aws:TokenIssueTime":"2026-11-22T12:00:00Z"}}`, Context{"aws:tokenissuetime": {"2026-11-22T11:59:59Z"}}, true},
		{"DateLessThan at the moment", `{"DateLessThan":{"aws:TokenIssueTime":"2026-11-22T12:00:00Z"}}`, Context{"aws:tokenissuetime": {"2026-11-22T12:00:00Z"}}, false},
		{"DateLessThan of a user, who has no issue time", `{"DateLessThan":{"aws:TokenIssueTime":"2026-11-22T12:00:00Z"}}`, nil, false},
		{"DateGreaterThan across zones", `{"DateGreaterThan":{"aws:CurrentTime":"2026-11-22T12:00:00+02:00"}}`, Context{"aws:currenttime": {"2026-11-22T10:00:01Z"}}, true},
		{"DateEquals in seconds", `{"DateEquals":{"aws:EpochTime":"1795348800"}}`, Context{"aws:epochtime": {"1795348800"}}, true},

		{"DateNotEquals", `{"DateNotEquals":{"aws:CurrentTime":"2026-11-22T12:00:00Z"}}`, Context{"aws:currenttime": {"2026-11-22T12:00:01Z"}}, true},
		{"DateLessThanEquals at the moment", `{"DateLessThanEquals":{"aws:CurrentTime":"2026-11-22T12:00:00Z"}}`, Context{"aws:currenttime": {"2026-11-22T12:00:00Z"}}, true},
		{"DateGreaterThanEquals at the moment", `{"DateGreaterThanEquals":{"aws:CurrentTime":"2026-11-22T12:00:00Z"}}`, Context{"aws:currenttime": {"2026-11-22T12:00:00Z"}}, true},
		{"DateGreaterThan of a day", `{"DateGreaterThan":{"aws:CurrentTime":"2026-11-22"}}`, Context{"aws:currenttime": {"2026-11-22T00:00:01Z"}}, true},
		{"Bool of an absent key", `{"Bool":{"aws:MultiFactorAuthPresent":"false"}}`, nil, false},
		{"BoolIfExists of an absent key", `{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}`, nil, true},
		{"Bool", `{"Bool":{"aws:SecureTransport":false}}`, Context{"aws:securetransport": {"false"}}, true},
		{"Bool of no boolean", `{"Bool":{"aws:SecureTransport":"false"}}`, Context{"aws:securetransport": {"no"}}, false},
		{"BinaryEquals", `{"BinaryEquals":{"aws:PrincipalTag/k":"QmluYXJ5"}}`, Context{"aws:principaltag/k": {"QmluYXJ5"}}, true},
		{"IpAddress in a range", `{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, Context{"aws:sourceip": {"203.0.113.9"}}, true},
		{"IpAddress outside", `{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","198.51.100.7"]}}`, Context{"aws:sourceip": {"198.51.100.8"}}, false},
		{"IpAddress of a mapped address", `{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, Context{"aws:sourceip": {"::ffff:203.0.113.9"}}, true},
		{"IpAddress version 6", `{"IpAddress":{"aws:SourceIp":"2001:db8::/32"}}`, Context{"aws:sourceip": {"2001:db8::1"}}, true},
		{"NotIpAddress", `{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, Context{"aws:sourceip": {"203.0.113.9"}}, false},

		{"NotIpAddress outside the range", `{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, Context{"aws:sourceip": {"198.51.100.1"}}, true},
		{"IpAddress without a prefix length is that address alone", `{"IpAddress":{"aws:SourceIp":"203.0.113.9"}}`, Context{"aws:sourceip": {"203.0.113.10"}}, false},
		{"IpAddressIfExists of an absent key", `{"IpAddressIfExists":{"aws:SourceIp":"203.0.113.0/24"}}`, nil, true},

		{"ArnNotEquals of an absent key", `{"ArnNotEquals":{"aws:SourceArn":"arn:aws:s3:::x"}}`, nil, true},
		{"ArnLikeIfExists of an absent key", `{"ArnLikeIfExists":{"aws:SourceArn":"arn:aws:s3:::x"}}`, nil, true},
		{"each of the six parts is compared on its own: a question mark too", `{"ArnLike":{"aws:SourceArn":"arn:aws:s3:?::x"}}`, Context{"aws:sourcearn": {"arn:aws:s3:::x"}}, false},
		{"ArnLike compares part by part", `{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::444455556666:role/ci-*"}}`, Context{"aws:principalarn": {"arn:aws:iam::444455556666:role/ci-main"}}, true},
		{"an ARN's star does not cross a colon", `{"ArnLike":{"aws:SourceArn":"arn:aws:*:us-east-1:111122223333:x"}}`, Context{"aws:sourcearn": {"arn:aws:a:b:us-east-1:111122223333:x"}}, false},
		{"ArnEquals takes wildcards as ArnLike does", `{"ArnEquals":{"aws:SourceArn":"arn:aws:execute-api:*:111122223333:*/*/GET/x"}}`, Context{"aws:sourcearn": {"arn:aws:execute-api:r:111122223333:api/s/GET/x"}}, true},
		{"ArnNotEquals", `{"ArnNotEquals":{"lambda:SourceFunctionArn":"arn:aws:lambda:us-east-1:444455556666:function:vend"}}`, Context{"lambda:sourcefunctionarn": {"arn:aws:lambda:us-east-1:444455556666:function:vend"}}, false},
		{"ArnNotLike of an absent key", `{"ArnNotLike":{"aws:SourceArn":"arn:aws:s3:::x"}}`, nil, true},
		{"ArnLike of no ARN", `{"ArnLike":{"aws:SourceArn":"arn:*:*:*:*:*"}}`, Context{"aws:sourcearn": {"x"}}, false},

		{"Null true: the key is absent", `{"Null":{"sts:ExternalId":"true"}}`, nil, true},
		{"Null true: the key is there", `{"Null":{"sts:ExternalId":true}}`, Context{"sts:externalid": {"x1"}}, false},
		{"Null false: the key is there", `{"Null":{"sts:ExternalId":"false"}}`, Context{"sts:externalid": {""}}, true},

		{"Null false: the key is absent", `{"Null":{"sts:ExternalId":"false"}}`, nil, false},
		{"ForAllValues with Null false needs the key", `{"ForAllValues:StringEquals":{"aws:TagKeys":["a"]},"Null":{"aws:TagKeys":"false"}}`, nil, false},
		{"ForAllValues of a key with a single value", `{"ForAllValues:StringEquals":{"aws:RequestedRegion":["a","b"]}}`, Context{"aws:requestedregion": {"b"}}, true},
		{"ForAllValues IfExists of an absent key", `{"ForAllValues:StringEqualsIfExists":{"aws:TagKeys":["a"]}}`, nil, true},
		{"ForAnyValue of an empty string", `{"ForAnyValue:StringLike":{"aws:TagKeys":["*"]}}`, Context{"aws:tagkeys": {""}}, false},
		{"ForAllValues: every value is listed", `{"ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}}`, Context{"aws:tagkeys": {"a", "b", "a"}}, true},
		{"ForAllValues: one is not", `{"ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}}`, Context{"aws:tagkeys": {"a", "c"}}, false},
		{"ForAllValues is true of an absent key", `{"ForAllValues:StringEquals":{"aws:TagKeys":["a"]}}`, nil, true},
		{"ForAllValues is true of an empty string", `{"ForAllValues:StringEquals":{"aws:TagKeys":["a"]}}`, Context{"aws:tagkeys": {""}}, true},
		{"ForAllValues negated", `{"ForAllValues:StringNotEquals":{"aws:TagKeys":["a"]}}`, Context{"aws:tagkeys": {"b", "a"}}, false},
		{"ForAnyValue: one value is listed", `{"ForAnyValue:StringLike":{"aws:TagKeys":["cred*"]}}`, Context{"aws:tagkeys": {"x", "credvend"}}, true},
		{"ForAnyValue is false of an absent key", `{"ForAnyValue:StringEquals":{"aws:TagKeys":["a"]}}`, nil, false},
		{"ForAnyValue negated of an absent key", `{"ForAnyValue:StringNotEquals":{"aws:TagKeys":["a"]}}`, nil, false},
		{"ForAnyValue negated: one value is not listed", `{"ForAnyValue:StringNotEquals":{"aws:TagKeys":["a"]}}`, Context{"aws:tagkeys": {"a", "b"}}, true},
		{"ForAnyValue IfExists of an absent key", `{"ForAnyValue:StringEqualsIfExists":{"aws:TagKeys":["a"]}}`, nil, true},

		{"a policy variable is the request's value", `{"StringEquals":{"aws:RequestTag/team":"${aws:PrincipalTag/team}"}}`, Context{"aws:requesttag/team": {"x"}, "aws:principaltag/team": {"x"}}, true},
		{"a variable's star is text", `{"StringLike":{"aws:RequestTag/team":"${aws:PrincipalTag/team}"}}`, Context{"aws:requesttag/team": {"x"}, "aws:principaltag/team": {"*"}}, false},
		{"an absent variable matches nothing", `{"StringLike":{"aws:RequestTag/team":"*${aws:PrincipalTag/team}*"}}`, Context{"aws:requesttag/team": {"x"}}, false},
		{"an absent variable with a default", `{"StringEquals":{"aws:RequestTag/team":"${aws:PrincipalTag/team, 'none'}"}}`, Context{"aws:requesttag/team": {"none"}}, true},
		{"a variable of several values matches nothing", `{"StringEquals":{"aws:RequestTag/team":"${aws:TagKeys}"}}`, Context{"aws:requesttag/team": {"a"}, "aws:tagkeys": {"a", "b"}}, false},
		{"nor does its default stand in for several values", `{"StringEquals":{"aws:RequestTag/team":"${aws:TagKeys, 'none'}"}}`, Context{"aws:requesttag/team": {"none"}, "aws:tagkeys": {"a", "b"}}, false},
		{"a default is not used where the key is there", `{"StringEquals":{"aws:RequestTag/team":"${aws:PrincipalTag/team, 'none'}"}}`, Context{"aws:requesttag/team": {"none"}, "aws:principaltag/team": {"x"}}, false},
		{"an escaped question mark is text", `{"StringLike":{"aws:RequestTag/team":"a${?}c"}}`, Context{"aws:requesttag/team": {"abc"}}, false},
		{"an escaped dollar is text", `{"StringEquals":{"aws:RequestTag/team":"${$}{aws:username}"}}`, Context{"aws:requesttag/team": {"${aws:username}"}, "aws:username": {"ana"}}, true},
		{"a negated operator with an absent variable holds", `{"StringNotEquals":{"aws:RequestTag/team":"${aws:PrincipalTag/team}"}}`, Context{"aws:requesttag/team": {"x"}}, true},
		{"an escaped star is text", `{"StringLike":{"aws:RequestTag/team":"a${*}c"}}`, Context{"aws:requesttag/team": {"abc"}}, false},
		{"an ARN may come from a variable", `{"ArnEquals":{"aws:SourceArn":"${aws:PrincipalArn}"}}`, Context{"aws:sourcearn": {"arn:aws:iam::1:role/r"}, "aws:principalarn": {"arn:aws:iam::1:role/r"}}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := statements(t, `{"Effect":"Allow","Action":"*","Resource":"*","Condition":`+c.condition+`}`)
			if got := PolicyAllows(p, "sts:AssumeRole", "*", c.ctx); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestVariablesInResources(t *testing.T) {
	const doc = `{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:execute-api:r:1:a/s/GET/users/${aws:username}/*"}}`
	current := `{"Version":"2012-10-17",` + doc[1:]
	const ana = "arn:aws:execute-api:r:1:a/s/GET/users/ana/x"
	cases := []struct {
		name, doc, resource string
		ctx                 Context
		want                bool
	}{
		{"the own name", current, ana, Context{"aws:username": {"ana"}}, true},
		{"another name", current, ana, Context{"aws:username": {"bob"}}, false},
		{"a name that is a star", current, ana, Context{"aws:username": {"*"}}, false},
		{"no name", current, ana, nil, false},
		{"a version without variables takes the text", doc, ana, Context{"aws:username": {"ana"}}, false},
		{"a version without variables matches the text itself", doc, "arn:aws:execute-api:r:1:a/s/GET/users/${aws:username}/x", nil, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := PolicyAllows(mustPolicy(t, c.doc), "a:b", c.resource, c.ctx); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
