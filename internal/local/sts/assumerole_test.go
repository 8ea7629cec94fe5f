package sts

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/credvend/credvend/internal/local/iam"
)

func TestAssumeRoleAnswersAsAWS(t *testing.T) {
	b := newBench(t, trustAll())
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"` + granted + `"}]}`
	out, err := b.assume(b.session(iam.SessionSpec{}), &awssts.AssumeRoleInput{
		DurationSeconds: aws.Int32(1800), Policy: &policy, SourceIdentity: aws.String("ana.1"),
		Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("billing")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := aws.ToString(out.AssumedRoleUser.Arn), "arn:aws:sts::111122223333:assumed-role/orders-invoke/billing@1"; got != want {
		t.Errorf("Arn %s, want %s", got, want)
	}
	if got, want := aws.ToString(out.AssumedRoleUser.AssumedRoleId), "AROAEXAMPLETARGET000:billing@1"; got != want {
		t.Errorf("AssumedRoleId %s, want %s", got, want)
	}
	if got := aws.ToString(out.SourceIdentity); got != "ana.1" {
		t.Errorf("SourceIdentity %q", got)
	}
	if n := aws.ToInt32(out.PackedPolicySize); n < 1 || n > 100 { //nolint:staticcheck // deprecated, and still what STS sends
		t.Errorf("PackedPolicySize %d", n)
	}
	if !out.Credentials.Expiration.Equal(b.clock().Add(30 * time.Minute)) {
		t.Errorf("Expiration %s, now %s", out.Credentials.Expiration, b.clock())
	}
	if !strings.HasPrefix(*out.Credentials.AccessKeyId, "ASIA") {
		t.Errorf("AccessKeyId %s", *out.Credentials.AccessKeyId)
	}
	// The session policy bites, and the tags describe the session.
	c, ok := b.world.Credential(*out.Credentials.AccessKeyId)
	if !ok || c.SecretAccessKey != *out.Credentials.SecretAccessKey || c.SessionToken != *out.Credentials.SessionToken {
		t.Fatal("the answer's credential is not the world's")
	}
	other := strings.Replace(granted, "/42", "/43", 1)
	for resource, want := range map[string]bool{granted: true, other: false} {
		if got := iam.Evaluate(c.Principal, nil, "111122223333", iam.Request{Action: "execute-api:Invoke", Resource: resource}); got.Allowed != want {
			t.Errorf("%s: %+v, want allowed %v", resource, got, want)
		}
	}
	if c.Principal.Tags["team"] != "billing" || !c.Principal.Chained {
		t.Errorf("principal %+v", c.Principal)
	}
	e := b.last()
	if e.Verdict != Granted || e.Caller != anaARN || e.Role != target || e.Region != "us-east-1" || e.Policy != policy ||
		e.IssuedKey != c.AccessKeyID || e.Tags["team"] != "billing" || e.Reason == "" || e.SourceIdentity != "ana.1" {
		t.Errorf("event %+v", e)
	}
	if text := fmt.Sprintf("%+v %#v", e, e); strings.Contains(text, c.SecretAccessKey) || strings.Contains(text, c.SessionToken) {
		t.Error("the event holds a secret")
	}
}

// Each row is a sentence of the documentation of AssumeRole and its permissions.
func TestAssumeRolePermissions(t *testing.T) {
	const assumeOnly = `"sts:AssumeRole"`
	tagged := []types.Tag{{Key: aws.String("team"), Value: aws.String("billing")}}
	withIdentity := func(doc string) func(*bench) {
		return func(b *bench) {
			if err := b.world.UpdateRole(iam.Role{ARN: broker, Policies: []*iam.Policy{b.policy(doc)}, MaxSession: 12 * time.Hour}); err != nil {
				b.t.Fatal(err)
			}
		}
	}
	only := func(action string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"` + action + `","Resource":"*"}]}`
	}
	cases := []struct {
		name   string
		trust  string
		change func(*bench)
		in     awssts.AssumeRoleInput
		want   string // the action that is refused; "": granted
	}{
		{"both sides allow", trustAll(), nil, awssts.AssumeRoleInput{}, ""},
		{"the trust policy names another account", strings.ReplaceAll(trustAll(), "444455556666", "777788889999"), nil, awssts.AssumeRoleInput{}, "sts:AssumeRole"},
		{"the caller's identity policy lacks sts:AssumeRole", trustAll(), withIdentity(only("sts:TagSession")), awssts.AssumeRoleInput{}, "sts:AssumeRole"},
		{"a role that does not exist reads the same", trustAll(), nil, awssts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::111122223333:role/no-such-role")}, "sts:AssumeRole"},
		{"tags need sts:TagSession in the trust policy", trustFor(assumeOnly, ""), nil, awssts.AssumeRoleInput{Tags: tagged}, "sts:TagSession"},
		{"tags need sts:TagSession in the identity policy", trustAll(), withIdentity(only("sts:AssumeRole")), awssts.AssumeRoleInput{Tags: tagged}, "sts:TagSession"},
		{"a source identity needs sts:SetSourceIdentity in the trust policy", trustFor(assumeOnly, ""), nil, awssts.AssumeRoleInput{SourceIdentity: aws.String("ana")}, "sts:SetSourceIdentity"},
		{"a source identity needs sts:SetSourceIdentity in the identity policy", trustAll(), withIdentity(only("sts:AssumeRole")), awssts.AssumeRoleInput{SourceIdentity: aws.String("ana")}, "sts:SetSourceIdentity"},
		{"no tags and no source identity need neither", trustFor(assumeOnly, ""), nil, awssts.AssumeRoleInput{}, ""},
		{"the external id that the trust policy asks for", trustFor(assumeOnly, `{"StringEquals":{"sts:ExternalId":"orders-7f3c9a"}}`), nil, awssts.AssumeRoleInput{ExternalId: aws.String("orders-7f3c9a")}, ""},
		{"another external id", trustFor(assumeOnly, `{"StringEquals":{"sts:ExternalId":"orders-7f3c9a"}}`), nil, awssts.AssumeRoleInput{ExternalId: aws.String("orders-7f3c9b")}, "sts:AssumeRole"},
		{"no external id", trustFor(assumeOnly, `{"StringEquals":{"sts:ExternalId":"orders-7f3c9a"}}`), nil, awssts.AssumeRoleInput{}, "sts:AssumeRole"},
		{"an external id that nobody asks for is taken", trustFor(assumeOnly, ""), nil, awssts.AssumeRoleInput{ExternalId: aws.String("xx")}, ""},
		{"aws:PrincipalArn is the caller's role, with its path", trustFor(assumeOnly, `{"ArnEquals":{"aws:PrincipalArn":"`+broker+`"}}`), nil, awssts.AssumeRoleInput{}, ""},
		{"aws:PrincipalArn without the path", trustFor(assumeOnly, `{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::444455556666:role/credvend-vend"}}`), nil, awssts.AssumeRoleInput{}, "sts:AssumeRole"},
		{"sts:RoleSessionName", trustFor(assumeOnly, `{"StringLike":{"sts:RoleSessionName":"billing@*"}}`), nil, awssts.AssumeRoleInput{}, ""},
		{"another sts:RoleSessionName", trustFor(assumeOnly, `{"StringLike":{"sts:RoleSessionName":"shop@*"}}`), nil, awssts.AssumeRoleInput{}, "sts:AssumeRole"},
		{"aws:RequestTag and aws:TagKeys", trustFor(assumeOnly+`,"sts:TagSession"`, `{"StringEquals":{"aws:RequestTag/team":"billing"},"ForAllValues:StringEquals":{"aws:TagKeys":["team"]}}`), nil, awssts.AssumeRoleInput{Tags: tagged}, ""},
		{"another aws:RequestTag", trustFor(assumeOnly+`,"sts:TagSession"`, `{"StringEquals":{"aws:RequestTag/team":"shop"}}`), nil, awssts.AssumeRoleInput{Tags: tagged}, "sts:AssumeRole"},
		{"sts:TransitiveTagKeys can be forbidden", trustFor(assumeOnly+`,"sts:TagSession"`, `{"Null":{"sts:TransitiveTagKeys":"true"}}`), nil, awssts.AssumeRoleInput{Tags: tagged, TransitiveTagKeys: []string{"team"}}, "sts:AssumeRole"},
		{"sts:SourceIdentity", trustFor(assumeOnly+`,"sts:SetSourceIdentity"`, `{"StringLike":{"sts:SourceIdentity":"ana*"}}`), nil, awssts.AssumeRoleInput{SourceIdentity: aws.String("bob")}, "sts:AssumeRole"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, c.trust)
			if c.change != nil {
				c.change(b)
			}
			_, err := b.assume(b.session(iam.SessionSpec{}), &c.in)
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			want := "User: " + anaARN + " is not authorized to perform: " + c.want + " on resource: " + aws.ToString(c.in.RoleArn)
			if codeOf(err) != "AccessDenied" || textOf(err) != want {
				t.Errorf("got %v\nwant %s", err, want)
			}
			var response *awshttp.ResponseError
			if !errors.As(err, &response) || response.HTTPStatusCode() != http.StatusForbidden || response.RequestID == "" {
				t.Errorf("got %v, want 403 with a request id", err)
			}
			if e := b.last(); e.Verdict != Refused || e.Code != "AccessDenied" || e.Reason == "" || e.IssuedKey != "" {
				t.Errorf("event %+v", e)
			}
		})
	}
}

func TestRoleChaining(t *testing.T) {
	const inTag = "team"
	cases := []struct {
		name    string
		caller  iam.SessionSpec
		trust   string
		in      awssts.AssumeRoleInput
		code    string
		text    string
		success func(t *testing.T, p *iam.Principal)
	}{
		{"a chained session lasts an hour at most", iam.SessionSpec{}, trustAll(), awssts.AssumeRoleInput{DurationSeconds: aws.Int32(3601)}, "ValidationError", "1 hour session limit for roles assumed by role chaining", nil},
		{"transitive tags are inherited", iam.SessionSpec{Tags: map[string]string{inTag: "billing", "own": "x"}, Transitive: []string{inTag}}, trustAll(), awssts.AssumeRoleInput{}, "", "", func(t *testing.T, p *iam.Principal) {
			if !maps.Equal(p.Tags, map[string]string{inTag: "billing"}) || len(p.Transitive) != 1 {
				t.Errorf("tags %v, transitive %v", p.Tags, p.Transitive)
			}
		}},
		{"inherited tags need sts:TagSession", iam.SessionSpec{Tags: map[string]string{inTag: "billing"}, Transitive: []string{inTag}}, trustFor(`"sts:AssumeRole"`, ""), awssts.AssumeRoleInput{}, "AccessDenied", "sts:TagSession", nil},
		{"an inherited tag cannot be overridden, whatever its case", iam.SessionSpec{Tags: map[string]string{inTag: "billing"}, Transitive: []string{inTag}}, trustAll(),
			awssts.AssumeRoleInput{Tags: []types.Tag{{Key: aws.String("TEAM"), Value: aws.String("shop")}}}, "InvalidParameterValue", "conflicts with a transitive tag key from the calling session", nil},
		{"a tag that is not transitive can be set anew", iam.SessionSpec{Tags: map[string]string{inTag: "billing"}}, trustAll(),
			awssts.AssumeRoleInput{Tags: []types.Tag{{Key: aws.String(inTag), Value: aws.String("shop")}}, TransitiveTagKeys: []string{inTag}}, "", "", func(t *testing.T, p *iam.Principal) {
				if p.Tags[inTag] != "shop" || len(p.Transitive) != 1 {
					t.Errorf("tags %v, transitive %v", p.Tags, p.Transitive)
				}
			}},
		{"a source identity is inherited", iam.SessionSpec{SourceIdentity: "ana"}, trustAll(), awssts.AssumeRoleInput{}, "", "", func(t *testing.T, p *iam.Principal) {
			if p.SourceIdentity != "ana" {
				t.Errorf("source identity %q", p.SourceIdentity)
			}
		}},
		{"a source identity cannot change", iam.SessionSpec{SourceIdentity: "ana"}, trustAll(), awssts.AssumeRoleInput{SourceIdentity: aws.String("bob")}, "AccessDenied", "sts:SetSourceIdentity", nil},
		{"a source identity may be said again", iam.SessionSpec{SourceIdentity: "ana"}, trustAll(), awssts.AssumeRoleInput{SourceIdentity: aws.String("ana")}, "", "", nil},
		{"an inherited source identity needs sts:SetSourceIdentity", iam.SessionSpec{SourceIdentity: "ana"}, trustFor(`"sts:AssumeRole"`, ""), awssts.AssumeRoleInput{}, "AccessDenied", "sts:SetSourceIdentity", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, c.trust)
			if err := b.world.UpdateRole(iam.Role{ARN: target, Trust: b.policy(c.trust), MaxSession: 12 * time.Hour}); err != nil {
				t.Fatal(err)
			}
			out, err := b.assume(b.session(c.caller), &c.in)
			if codeOf(err) != c.code || !strings.Contains(textOf(err), c.text) || c.code == "" && err != nil {
				t.Fatalf("got %v, want %s %q", err, c.code, c.text)
			}
			if c.success != nil {
				got, _ := b.world.Credential(*out.Credentials.AccessKeyId)
				c.success(t, got.Principal)
			}
		})
	}
}

func TestDurationIsBoundByTheRole(t *testing.T) {
	b := newBench(t, trustAll())
	_, err := b.assume(b.user(), &awssts.AssumeRoleInput{DurationSeconds: aws.Int32(3601)})
	if codeOf(err) != "ValidationError" || textOf(err) != "The requested DurationSeconds exceeds the MaxSessionDuration set for this role." {
		t.Errorf("got %v", err)
	}
	if err := b.world.UpdateRole(iam.Role{ARN: target, Trust: b.policy(trustAll()), MaxSession: 12 * time.Hour}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.assume(b.user(), &awssts.AssumeRoleInput{DurationSeconds: aws.Int32(43200)}); err != nil {
		t.Errorf("a user's session of twelve hours: %v", err)
	}
}

func TestParametersAreCheckedInAWSWords(t *testing.T) {
	long := strings.Repeat("x", 2100)
	set := func(kv ...string) func(url.Values) {
		return func(v url.Values) {
			for i := 0; i < len(kv); i += 2 {
				v.Set(kv[i], kv[i+1])
			}
		}
	}
	manyTags := func(v url.Values) {
		for i := range 51 {
			v.Set(fmt.Sprintf("Tags.member.%d.Key", i+1), fmt.Sprint("k", i))
			v.Set(fmt.Sprintf("Tags.member.%d.Value", i+1), "")
		}
	}
	name := `at 'roleSessionName' failed to satisfy constraint: Member must `
	cases := []struct {
		name   string
		change func(url.Values)
		code   string
		text   string
	}{
		{"no role", func(v url.Values) { v.Del("RoleArn") }, "ValidationError", "1 validation error detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be null"},
		{"no role and no name", func(v url.Values) { v.Del("RoleArn"); v.Del("RoleSessionName") }, "ValidationError", "2 validation errors detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be null; Value null at 'roleSessionName'"},
		{"role too short", set("RoleArn", "arn:aws:iam"), "ValidationError", "Value 'arn:aws:iam' at 'roleArn' failed to satisfy constraint: Member must have length greater than or equal to 20"},
		{"role that is none", set("RoleArn", "arn:aws:iam::111122223333:user/ana"), "ValidationError", "arn:aws:iam::111122223333:user/ana is invalid"},
		{"name with a slash", set("RoleSessionName", "a/b"), "ValidationError", `1 validation error detected: Value 'a/b' ` + name + `satisfy regular expression pattern: [\w+=,.@-]*`},
		{"name with a colon", set("RoleSessionName", "a:b"), "ValidationError", name + "satisfy regular expression pattern"},
		{"name with a line break at its end", set("RoleSessionName", "abc\n"), "ValidationError", name + "satisfy regular expression pattern"},
		{"name outside ASCII", set("RoleSessionName", "añb"), "ValidationError", name + "satisfy regular expression pattern"},
		{"name of one", set("RoleSessionName", "a"), "ValidationError", name + "have length greater than or equal to 2"},
		{"empty name", set("RoleSessionName", ""), "ValidationError", name + "have length greater than or equal to 2"},
		{"name of 65", set("RoleSessionName", long[:65]), "ValidationError", name + "have length less than or equal to 64"},
		{"name that is long and wrong", set("RoleSessionName", ":"+long[:64]), "ValidationError", "2 validation errors detected"},
		{"duration of 899", set("DurationSeconds", "899"), "ValidationError", "Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"},
		{"duration of 43201", set("DurationSeconds", "43201"), "ValidationError", "Member must have value less than or equal to 43200"},
		{"duration below zero", set("DurationSeconds", "-1"), "ValidationError", "greater than or equal to 900"},
		{"duration with a fraction", set("DurationSeconds", "900.5"), "MalformedInput", "durationSeconds"},
		{"duration that overflows", set("DurationSeconds", "99999999999"), "MalformedInput", "durationSeconds"},
		{"external id of one", set("ExternalId", "x"), "ValidationError", "at 'externalId' failed to satisfy constraint: Member must have length greater than or equal to 2"},
		{"external id of 1225", set("ExternalId", long[:1225]), "ValidationError", "Member must have length less than or equal to 1224"},
		{"external id with a space", set("ExternalId", "a b"), "ValidationError", `Member must satisfy regular expression pattern: [\w+=,.@:\/-]*`},
		{"source identity with a colon", set("SourceIdentity", "aws:me"), "ValidationError", "at 'sourceIdentity' failed to satisfy constraint: Member must satisfy regular expression pattern"},
		{"source identity of 65", set("SourceIdentity", long[:65]), "ValidationError", "Member must have length less than or equal to 64"},
		{"policy of 2049", set("Policy", long[:2049]), "ValidationError", "at 'policy' failed to satisfy constraint: Member must have length less than or equal to 2048"},
		{"empty policy", set("Policy", ""), "ValidationError", "at 'policy'"},
		{"policy outside Latin-1", set("Policy", `{"Id":"ā"}`), "ValidationError", `Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u00FF]+`},
		{"policy that is no JSON", set("Policy", "x"), "MalformedPolicyDocument", "The policy is not in the valid JSON format."},
		{"policy with a principal", set("Policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"a:b","Resource":"*"}]}`), "MalformedPolicyDocument", "Policy document should not specify a principal."},
		{"policy with an unknown operator", set("Policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"X":{"aws:userid":"x"}}}]}`), "MalformedPolicyDocument", "Syntax errors in policy."},
		{"policy with a resource that is no ARN", set("Policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"a:b","Resource":"x"}]}`), "MalformedPolicyDocument", `Resource x must be in ARN format or "*".`},
		{"managed policy of another account", set("PolicyArns.member.1.arn", "arn:aws:iam::777788889999:policy/x"), "ValidationError", "is invalid"},
		{"managed policy that does not exist", set("PolicyArns.member.1.arn", "arn:aws:iam::111122223333:policy/x"), "MalformedPolicyDocument", "does not exist"},
		{"51 tags", manyTags, "ValidationError", "at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50"},
		{"tag key of 129", set("Tags.member.1.Key", long[:129], "Tags.member.1.Value", "x"), "ValidationError", "at 'tags.1.member.key' failed to satisfy constraint: Member must have length less than or equal to 128"},
		{"empty tag key", set("Tags.member.1.Key", "", "Tags.member.1.Value", "x"), "ValidationError", "at 'tags.1.member.key'"},
		{"tag without a value", set("Tags.member.1.Key", "a"), "ValidationError", "Value null at 'tags.1.member.value'"},
		{"tag value of 257", set("Tags.member.1.Key", "a", "Tags.member.1.Value", long[:257]), "ValidationError", "at 'tags.1.member.value' failed to satisfy constraint: Member must have length less than or equal to 256"},
		{"tag value with a comma", set("Tags.member.1.Key", "a", "Tags.member.1.Value", "a,b"), "ValidationError", `Value 'a,b' at 'tags.1.member.value' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]*`},
		{"tag value with a star", set("Tags.member.1.Key", "a", "Tags.member.1.Value", "*"), "ValidationError", "at 'tags.1.member.value'"},
		{"tag keys that differ in case alone", set("Tags.member.1.Key", "Team", "Tags.member.1.Value", "a", "Tags.member.2.Key", "team", "Tags.member.2.Value", "b"), "InvalidParameterValue", "Duplicate tag keys"},
		{"tag key of AWS", set("Tags.member.1.Key", "AWS:x", "Tags.member.1.Value", "a"), "InvalidParameterValue", "reserved"},
		{"transitive key that is no tag", set("TransitiveTagKeys.member.1", "team"), "InvalidParameterValue", "must be included in the requested tags"},
		{"tags that fill the space", set("Tags.member.1.Key", "a", "Tags.member.1.Value", long[:250], "Tags.member.2.Key", "b", "Tags.member.2.Value", long[:250]), "PackedPolicyTooLarge", "Packed size of session tags consumes 110% of allotted space."},
		{"a code of a device that nobody has", set("TokenCode", "123456", "SerialNumber", "arn:aws:iam::444455556666:mfa/ana"), "AccessDenied", "MultiFactorAuthentication failed"},
	}
	b := newBench(t, trustAll())
	caller := b.session(iam.SessionSpec{})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			form := url.Values{"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleArn": {target}, "RoleSessionName": {"billing@1"}}
			c.change(form)
			body := readAnswer(t, b, caller, form)
			code := between(body, "<Code>", "</Code>")
			text := unescape(between(body, "<Message>", "</Message>"))
			if code != c.code || !strings.Contains(text, c.text) {
				t.Errorf("got %s: %s\nwant %s: %s", code, text, c.code, c.text)
			}
			if e := b.last(); e.IssuedKey != "" || e.Verdict != Refused {
				t.Errorf("event %+v", e)
			}
		})
	}
}

func TestPackedSizeGrowsWithWhatIsPacked(t *testing.T) {
	policy := func(n int) string {
		var routes []string
		for i := range n {
			routes = append(routes, fmt.Sprintf(`"arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default/GET/%x/*"`, i*7919*104729))
		}
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":[` + strings.Join(routes, ",") + `]}]}`
	}
	last := 0
	for _, n := range []int{1, 4, 8, 16} {
		got, _ := packedPercent(policy(n), nil, nil, DefaultPackedAllotment)
		if got <= last {
			t.Errorf("%d routes: %d%%, fewer: %d%%", n, got, last)
		}
		last = got
	}
	if got, tagsAlone := packedPercent("", nil, map[string]string{"a": "b"}, DefaultPackedAllotment); got != 1 || !tagsAlone {
		t.Errorf("a small tag: %d%%, alone %v", got, tagsAlone)
	}
	if got, _ := packedPercent("", nil, nil, DefaultPackedAllotment); got != 0 {
		t.Errorf("nothing: %d%%", got)
	}
}

func TestManagedSessionPolicies(t *testing.T) {
	b := newBench(t, trustAll())
	const arn = "arn:aws:iam::111122223333:policy/orders"
	if err := b.world.AddManagedPolicy(arn, b.policy(allowCalls)); err != nil {
		t.Fatal(err)
	}
	out, err := b.assume(b.session(iam.SessionSpec{}), &awssts.AssumeRoleInput{PolicyArns: []types.PolicyDescriptorType{{Arn: aws.String(arn)}}})
	if err != nil {
		t.Fatal(err)
	}
	c, _ := b.world.Credential(*out.Credentials.AccessKeyId)
	if c.Principal.Session == nil || !iam.PolicyAllows(c.Principal.Session, "execute-api:Invoke", granted, nil) {
		t.Error("the managed policy is not the session's")
	}
}

func readAnswer(t *testing.T, b *bench, c iam.Credential, form url.Values) string {
	t.Helper()
	resp, err := b.raw(c, form)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	id := resp.Header.Get("X-Amzn-Requestid")
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) || !strings.Contains(string(body), id) {
		t.Errorf("request id %q is not in %s", id, body)
	}
	if resp.Header.Get("Content-Type") != "text/xml" || !strings.Contains(string(body), namespace) {
		t.Errorf("content type %q, body %s", resp.Header.Get("Content-Type"), body)
	}
	return string(body)
}

func between(s, from, to string) string {
	_, rest, _ := strings.Cut(s, from)
	out, _, _ := strings.Cut(rest, to)
	return out
}

func unescape(s string) string {
	return strings.NewReplacer("&#39;", "'", "&#34;", `"`, "&amp;", "&", "&lt;", "<", "&gt;", ">").Replace(s)
}
