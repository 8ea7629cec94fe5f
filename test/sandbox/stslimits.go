//go:build conformance

package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// sender is one of STS's errors.
func sender(status int, code, message string) want {
	return want{status: status, typed: "text/xml", text: "Sender " + code + ": " + message}
}

func senderLike(status int, code, message string) want {
	return want{status: status, typed: "text/xml", like: "Sender " + code + ": " + message}
}

// notAuthorized is STS's refusal of the permission sts:AssumeRole. It names who, what and which
// role, and never which side refused.
func notAuthorized() want {
	return senderLike(http.StatusForbidden, "AccessDenied", `User: arn:[a-z-]+:(sts|iam)::\d{12}:\S+ is not authorized to perform: sts:AssumeRole on resource: arn:[a-z-]+:iam::\d{12}:role/\S+`)
}

// assume is a call of AssumeRole.
func assume(endpoint string, as *identity, role string, params url.Values) request {
	all := url.Values{"RoleArn": {role}, "RoleSessionName": {"credvend-sandbox"}}
	for name, values := range params {
		all[name] = values
		if values == nil {
			all.Del(name)
		}
	}
	return stsCall(endpoint, as, "AssumeRole", all)
}

func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// nobody is a role that does not exist: STS checks the form of a request before
// it says anything of permissions.
func nobody(b *bench) string {
	return "arn:" + partition(b.settings.get("REGION")) + ":iam::111122223333:role/credvend-sandbox-nobody"
}

// stsChecks are about signatures and the query protocol.
func stsChecks() []check {
	caller := []string{"CALLER_PROFILE"}
	with := func(change func(b *bench, q *request)) func(b *bench) request {
		return func(b *bench) request {
			q := stsCall(b.sts, b.who["CALLER_PROFILE"], "GetCallerIdentity", nil)
			change(b, &q)
			return q
		}
	}
	form := func(text string) func(b *bench) request {
		return with(func(_ *bench, q *request) { q.body = []byte(text) })
	}
	mismatch := sender(http.StatusForbidden, "SignatureDoesNotMatch", textMismatch)
	return []check{
		ask("sts.identity", "GetCallerIdentity names a session by its role and session name.", caller, with(func(*bench, *request) {}),
			want{status: http.StatusOK, typed: "text/xml", like: `.*<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">.*<Arn>arn:[a-z-]+:(sts|iam)::\d{12}:\S+</Arn>.*`}),
		ask("sts.identity-presigned", "GetCallerIdentity can be presigned.", caller, with(func(_ *bench, q *request) {
			q.method, q.path, q.body, q.header, q.presign = http.MethodGet, "/?Action=GetCallerIdentity&Version=2011-06-15", nil, nil, time.Minute
		}), want{status: http.StatusOK, typed: "text/xml"}),
		ask("sts.unsigned", "An unsigned request lacks its authentication token.", nil, with(func(_ *bench, q *request) { q.as = nil }),
			sender(http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token")),
		ask("sts.wrong-secret", "A signature by another secret does not match.", caller, with(func(_ *bench, q *request) {
			i := *q.as
			i.credentials.SecretAccessKey = nobodysSecret
			q.as = &i
		}), mismatch),
		ask("sts.tampered-body", "A body that is not the one that was signed does not match.", caller, with(func(_ *bench, q *request) {
			q.signedBody, q.body = q.body, append([]byte(nil), q.body...)
			q.body = append(q.body, "&X=1"...)
		}), mismatch),
		ask("sts.wrong-service", "A signature for another service does not match.", caller, with(func(_ *bench, q *request) { q.service = "execute-api" }),
			senderLike(http.StatusForbidden, "SignatureDoesNotMatch", `Credential should be scoped to correct service: 'sts'\.`)),
		ask("sts.unknown-key", "An access key that does not exist is refused.", nil, with(func(_ *bench, q *request) {
			q.as = &identity{}
			q.as.credentials.AccessKeyID, q.as.credentials.SecretAccessKey, q.as.credentials.SessionToken = nobodysKey, nobodysSecret, "none"
		}), sender(http.StatusForbidden, "InvalidClientTokenId", textInvalidToken)),
		ask("sts.wrong-session-token", "A session token that is not the key's is refused.", caller, with(func(_ *bench, q *request) {
			i := *q.as
			i.credentials.SessionToken = "none"
			q.as = &i
		}), sender(http.StatusForbidden, "InvalidClientTokenId", textInvalidToken)),
		ask("sts.expired-credentials", "Credentials that have expired are refused.", []string{"EXPIRED_PROFILE"}, with(func(b *bench, q *request) { q.as = b.who["EXPIRED_PROFILE"] }),
			sender(http.StatusForbidden, "ExpiredToken", textExpiredToken)),
		ask("sts.signature-too-old", "A signature of twenty minutes ago has expired.", caller, with(func(_ *bench, q *request) { q.late = 20 * time.Minute }),
			senderLike(http.StatusForbidden, "SignatureDoesNotMatch", "Signature expired: "+stamp+" is now earlier than "+stamp+" .*")),
		ask("sts.signature-too-new", "A signature twenty minutes ahead is not yet current.", caller, with(func(_ *bench, q *request) { q.late = -20 * time.Minute }),
			senderLike(http.StatusForbidden, "SignatureDoesNotMatch", "Signature not yet current: "+stamp+" is still later than "+stamp+" .*")),
		window("sts", caller, func(b *bench, late time.Duration) request {
			return with(func(_ *bench, q *request) { q.late = late })(b)
		}),
		ask("sts.no-action", "A request without an action says so.", caller, form("Version=2011-06-15"),
			sender(http.StatusBadRequest, "MissingAction", "The request is missing an action or a required parameter.")),
		ask("sts.unknown-action", "An action that STS lacks is named.", caller, form("Action=AssumeRoles&Version=2011-06-15"),
			sender(http.StatusBadRequest, "InvalidAction", "Could not find operation AssumeRoles for version 2011-06-15")),
		ask("sts.unknown-version", "So is a version.", caller, form("Action=AssumeRole&Version=2011-06-16"),
			sender(http.StatusBadRequest, "InvalidAction", "Could not find operation AssumeRole for version 2011-06-16")),
		ask("sts.no-version", "So is its absence.", caller, form("Action=AssumeRole"),
			sender(http.StatusBadRequest, "InvalidAction", "Could not find operation AssumeRole for version NO_VERSION_SPECIFIED")),
		ask("sts.root-page", "A bare GET is sent to IAM's page.", nil, with(func(_ *bench, q *request) {
			q.method, q.body, q.header, q.as = http.MethodGet, nil, nil, nil
		}), want{status: http.StatusFound, header: map[string]string{"Location": "https://aws.amazon.com/iam"}}),
	}
}

// limitChecks are about the form of AssumeRole's parameters. The role does not
// exist, and nobody gets as far as to learn that.
func limitChecks() []check {
	caller := []string{"CALLER_PROFILE"}
	one := func(at, value, rule string) want {
		return sender(http.StatusBadRequest, "ValidationError", fmt.Sprintf("1 validation error detected: Value %s at '%s' failed to satisfy constraint: Member must %s", value, at, rule))
	}
	longer := func(at, rule string) want { // the value is too long to stand here
		return senderLike(http.StatusBadRequest, "ValidationError", `1 validation error detected: Value .* at '`+quote(at)+`' failed to satisfy constraint: Member must `+quote(rule))
	}
	is := func(id, says string, params url.Values, w want) check {
		return ask("limits."+id, says, caller, func(b *bench) request { return assume(b.sts, b.who["CALLER_PROFILE"], nobody(b), params) }, w)
	}
	p := func(pairs ...string) url.Values {
		v := url.Values{}
		for pair := range slices.Chunk(pairs, 2) {
			v.Set(pair[0], pair[1])
		}
		return v
	}
	const alphabet = `satisfy regular expression pattern: [\w+=,.@-]*`
	return []check{
		is("role-unknown", "A role that does not exist reads like one that may not be assumed.", nil, notAuthorized()),
		is("role-missing", "A role is required.", url.Values{"RoleArn": nil}, one("roleArn", "null", "not be null")),
		is("role-no-role", "The ARN of a user is no role's.", p("RoleArn", "arn:aws:iam::111122223333:user/nobody"), senderLike(http.StatusBadRequest, "ValidationError", "arn:aws:iam::111122223333:user/nobody is invalid")),
		is("role-short", "An ARN has 20 characters at least.", p("RoleArn", "arn:aws:iam::1"), one("roleArn", "'arn:aws:iam::1'", "have length greater than or equal to 20")),
		is("duration-899", "A session lasts 900 seconds at least.", p("DurationSeconds", "899"), one("durationSeconds", "'899'", "have value greater than or equal to 900")),
		is("duration-43201", "A session lasts 43200 seconds at most.", p("DurationSeconds", "43201"), one("durationSeconds", "'43201'", "have value less than or equal to 43200")),
		is("duration-word", "A duration is a number.", p("DurationSeconds", "hour"), senderLike(http.StatusBadRequest, "MalformedInput", ".*")),
		is("name-missing", "A session name is required.", url.Values{"RoleSessionName": nil}, one("roleSessionName", "null", "not be null")),
		is("name-short", "A session name has two characters at least.", p("RoleSessionName", "x"), one("roleSessionName", "'x'", "have length greater than or equal to 2")),
		is("name-long", "A session name has 64 characters at most.", p("RoleSessionName", strings.Repeat("n", 65)), longer("roleSessionName", "have length less than or equal to 64")),
		is("name-64", "64 will do.", p("RoleSessionName", strings.Repeat("n", 64)), notAuthorized()),
		is("name-colon", "A colon is not of the session name's alphabet: no ARN fits.", p("RoleSessionName", "a:b"), one("roleSessionName", "'a:b'", alphabet)),
		is("name-slash", "Nor is a slash.", p("RoleSessionName", "a/b"), one("roleSessionName", "'a/b'", alphabet)),
		is("name-umlaut", "Nor is a letter outside ASCII.", p("RoleSessionName", "bär"), one("roleSessionName", "'bär'", alphabet)),
		is("name-alphabet", "All of the alphabet will do.", p("RoleSessionName", "aZ09_+=,.@-"), notAuthorized()),
		is("source-identity-long", "A source identity has 64 characters at most.", p("SourceIdentity", strings.Repeat("n", 65)), longer("sourceIdentity", "have length less than or equal to 64")),
		is("source-identity-colon", "A colon is not of its alphabet.", p("SourceIdentity", "aws:me"), one("sourceIdentity", "'aws:me'", alphabet)),
		is("external-id-short", "An external id has two characters at least.", p("ExternalId", "x"), one("externalId", "'x'", "have length greater than or equal to 2")),
		is("external-id-space", "A space is not of its alphabet.", p("ExternalId", "a b"), one("externalId", "'a b'", `satisfy regular expression pattern: [\w+=,.@:\/-]*`)),
		is("policy-2049", "A session policy has 2,048 characters at most.", p("Policy", paddedPolicy(2049)), longer("policy", "have length less than or equal to 2048")),
		is("policy-unicode", "Its characters go up to U+00FF.", p("Policy", `{"Version":"2012-10-17","Id":"€"}`), longer("policy", `satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u00FF]+`)),
		is("policy-no-json", "A policy that is no JSON is malformed.", p("Policy", "{"), senderLike(http.StatusBadRequest, "MalformedPolicyDocument", ".+")),
		is("policy-principal", "A session policy has no principals.", p("Policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"*"}]}`), senderLike(http.StatusBadRequest, "MalformedPolicyDocument", ".+")),
		is("policy-arns-11", "Ten managed session policies at most.", elevenPolicies(), longer("policyArns", "have length less than or equal to 10")),
		is("tags-51", "Fifty tags at most.", tagParams(51, 1), longer("tags", "have length less than or equal to 50")),
		is("tag-key-129", "A tag's key has 128 characters at most.", p("Tags.member.1.Key", strings.Repeat("k", 129), "Tags.member.1.Value", "v"), longer("tags.1.member.key", "have length less than or equal to 128")),
		is("tag-value-257", "A tag's value has 256 characters at most.", p("Tags.member.1.Key", "k", "Tags.member.1.Value", strings.Repeat("v", 257)), longer("tags.1.member.value", "have length less than or equal to 256")),
		is("tag-value-star", "A star is not of a tag's alphabet.", p("Tags.member.1.Key", "k", "Tags.member.1.Value", "*"), one("tags.1.member.value", "'*'", `satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]*`)),
		is("tag-case-duplicate", "Two tag keys that differ in case alone are one.", p("Tags.member.1.Key", "Team", "Tags.member.1.Value", "a", "Tags.member.2.Key", "team", "Tags.member.2.Value", "b"),
			sender(http.StatusBadRequest, "InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")),
		is("tag-aws-prefix", "Keys that begin with aws: are AWS's.", p("Tags.member.1.Key", "aws:team", "Tags.member.1.Value", "a"),
			sender(http.StatusBadRequest, "InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use.")),
		is("transitive-without-tag", "A transitive key must be one of the request's tags.", p("TransitiveTagKeys.member.1", "team"),
			sender(http.StatusBadRequest, "InvalidParameterValue", "The specified transitive tag key must be included in the requested tags.")),
	}
}

// paddedPolicy is a policy of so many characters.
func paddedPolicy(n int) string {
	const head, tail = `{"Version":"2012-10-17","Statement":[{"Sid":"`, `","Effect":"Allow","Action":"execute-api:Invoke","Resource":"*"}]}`
	return head + strings.Repeat("x", n-len(head)-len(tail)) + tail
}

func elevenPolicies() url.Values {
	v := url.Values{}
	for i := range 11 {
		v.Set(fmt.Sprintf("PolicyArns.member.%d.arn", i+1), fmt.Sprintf("arn:aws:iam::111122223333:policy/p%d", i))
	}
	return v
}

// tagParams are n tags whose values have so many characters.
func tagParams(n, length int) url.Values {
	v := url.Values{}
	for i := range n {
		v.Set(fmt.Sprintf("Tags.member.%d.Key", i+1), fmt.Sprintf("k%d", i))
		v.Set(fmt.Sprintf("Tags.member.%d.Value", i+1), strings.Repeat("v", length))
	}
	return v
}
