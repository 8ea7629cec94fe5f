package iam

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParsePolicyRefuses(t *testing.T) {
	wrap := func(s string) string { return `{"Version":"2012-10-17","Statement":[` + s + `]}` }
	with := func(element string) string {
		return wrap(`{"Effect":"Allow","Action":"a:b","Resource":"*",` + element + `}`)
	}
	deep := strings.Repeat("[", 5000)
	cases := []struct{ name, doc, reason string }{
		{"nothing", "", "valid JSON"},
		{"not JSON", "{", "valid JSON"},
		{"not UTF-8", "{\"Id\":\"\xff\"}", "valid JSON"},
		{"trailing data", wrap(allowAll) + "{}", "valid JSON"},
		{"a list", "[]", "Syntax errors"},
		{"null", "null", "Syntax errors"},
		{"no statement", `{"Version":"2012-10-17"}`, "Syntax errors"},
		{"empty statements", wrap(""), "Syntax errors"},
		{"unknown version", `{"Version":"2012-10-18","Statement":[` + allowAll + `]}`, "version"},
		{"unknown element", `{"Version":"2012-10-17","Comment":"x","Statement":[` + allowAll + `]}`, "Syntax errors"},
		{"unknown element of a statement", with(`"Conditions":{}`), "Syntax errors"},
		{"element in other letters", with(`"condition":{}`), "Syntax errors"},
		{"repeated element", with(`"Effect":"Deny"`), "Syntax errors"},
		{"repeated element of the document", `{"Version":"2008-10-17","Version":"2012-10-17","Statement":[` + allowAll + `]}`, "Syntax errors"},
		{"repeated operator", with(`"Condition":{"StringEquals":{"aws:userid":"x"},"StringEquals":{"aws:username":"y"}}`), "Syntax errors"},
		{"both of a pair", with(`"NotAction":"c:d"`), "Syntax errors"},
		{"both resources", with(`"NotResource":"*"`), "Syntax errors"},
		{"no effect", wrap(`{"Action":"a:b","Resource":"*"}`), "Syntax errors"},
		{"effect in other letters", wrap(`{"Effect":"allow","Action":"a:b","Resource":"*"}`), "Syntax errors"},
		{"no action", wrap(`{"Effect":"Allow","Resource":"*"}`), "must contain actions"},
		{"no resource", wrap(`{"Effect":"Allow","Action":"a:b"}`), "must contain resources"},
		{"empty actions", wrap(`{"Effect":"Allow","Action":[],"Resource":"*"}`), "Syntax errors"},
		{"number as action", wrap(`{"Effect":"Allow","Action":1,"Resource":"*"}`), "Syntax errors"},
		{"action without a service", wrap(`{"Effect":"Allow","Action":"Invoke","Resource":"*"}`), "prefaced by a vendor"},
		{"action with two colons", wrap(`{"Effect":"Allow","Action":"a:b:c","Resource":"*"}`), "one colon"},
		{"action with a wildcard service", wrap(`{"Effect":"Allow","Action":"*:Invoke","Resource":"*"}`), "Syntax errors"},
		{"resource that is no ARN", wrap(`{"Effect":"Allow","Action":"a:b","Resource":"orders"}`), "ARN format"},
		{"resource with too few parts", wrap(`{"Effect":"Allow","Action":"a:b","Resource":"arn:aws:execute-api:us-east-1:*"}`), "ARN format"},
		{"resource of an unknown partition", wrap(`{"Effect":"Allow","Action":"a:b","Resource":"arn:asw:s3:::x"}`), "Partition"},
		{"resource without its own service", wrap(`{"Effect":"Deny","Action":"a:b","Resource":"*/../*"}`), "ARN format"},
		{"resource with a wildcard service", wrap(`{"Effect":"Allow","Action":"a:b","Resource":"arn:aws:*:us-east-1:1:x"}`), "fully qualified"},
		{"resource with an open variable", wrap(`{"Effect":"Allow","Action":"a:b","Resource":"arn:aws:s3:::${aws:username"}`), "Syntax errors"},
		{"resource with an unknown variable", wrap(`{"Effect":"Allow","Action":"a:b","Resource":"arn:aws:s3:::${aws:user}"}`), "Syntax errors"},
		{"variable with an unquoted default", wrap(`{"Effect":"Allow","Action":"a:b","Resource":"arn:aws:s3:::${aws:username, x}"}`), "Syntax errors"},
		{"repeated Sid", wrap(`{"Sid":"x","Effect":"Allow","Action":"a:b","Resource":"*"},{"Sid":"x","Effect":"Allow","Action":"a:b","Resource":"*"}`), "unique"},
		{"unknown operator", with(`"Condition":{"StringMatches":{"aws:userid":"x"}}`), "Syntax errors"},
		{"operator in other letters", with(`"Condition":{"stringequals":{"aws:userid":"x"}}`), "Syntax errors"},
		{"unknown set operator", with(`"Condition":{"ForSomeValues:StringEquals":{"aws:userid":"x"}}`), "Syntax errors"},
		{"Null with IfExists", with(`"Condition":{"NullIfExists":{"aws:userid":"true"}}`), "Syntax errors"},
		{"Null of no boolean", with(`"Condition":{"Null":{"aws:userid":"x"}}`), "Syntax errors"},
		{"unknown key", with(`"Condition":{"StringEquals":{"aws:PrincipleArn":"x"}}`), "Syntax errors"},
		{"key without a prefix", with(`"Condition":{"StringEquals":{"userid":"x"}}`), "Syntax errors"},
		{"tag key without a tag", with(`"Condition":{"StringEquals":{"aws:PrincipalTag/":"x"}}`), "Syntax errors"},
		{"one key twice in two spellings", with(`"Condition":{"StringEquals":{"aws:userid":"x","aws:UserId":"y"}}`), "Syntax errors"},
		{"no values", with(`"Condition":{"StringEquals":{"aws:userid":[]}}`), "Syntax errors"},
		{"null value", with(`"Condition":{"StringEquals":{"aws:userid":null}}`), "Syntax errors"},
		{"object value", with(`"Condition":{"StringEquals":{"aws:userid":{}}}`), "Syntax errors"},
		{"condition that is a list", with(`"Condition":[]`), "Syntax errors"},
		{"number that is none", with(`"Condition":{"NumericEquals":{"aws:MultiFactorAuthAge":"x"}}`), "Syntax errors"},
		{"number that would fill the memory", with(`"Condition":{"NumericEquals":{"aws:MultiFactorAuthAge":1e999999999}}`), "Syntax errors"},
		{"date that is none", with(`"Condition":{"DateLessThan":{"aws:CurrentTime":"yesterday"}}`), "Syntax errors"},
		{"range that is none", with(`"Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/33"}}`), "Syntax errors"},
		{"boolean that is none", with(`"Condition":{"Bool":{"aws:SecureTransport":"yes"}}`), "Syntax errors"},
		{"ARN condition that is no ARN", with(`"Condition":{"ArnLike":{"aws:PrincipalArn":"*"}}`), "Syntax errors"},
		{"principal with a wildcard in a role", with(`"Principal":{"AWS":"arn:aws:iam::111122223333:role/ci-*"}`), "Invalid principal"},
		{"principal of another kind", with(`"Principal":{"Aws":"*"}`), "Invalid principal"},
		{"principal that is text", with(`"Principal":"arn:aws:iam::111122223333:root"`), "Invalid principal"},
		{"principal of a short account", with(`"Principal":{"AWS":"1111"}`), "Invalid principal"},
		{"principal that is a group", with(`"Principal":{"AWS":"arn:aws:iam::111122223333:group/team"}`), "Invalid principal"},
		{"principal with a wildcard in a user", with(`"Principal":{"AWS":"arn:aws:iam::111122223333:user/*"}`), "Invalid principal"},
		{"principal with every session of a role", with(`"Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/reader/*"}`), "Invalid principal"},
		{"ForAnyValue:Null", with(`"Condition":{"ForAnyValue:Null":{"aws:TagKeys":"true"}}`), "Syntax errors"},
		{"IfExists before the operator", with(`"Condition":{"IfExistsStringEquals":{"aws:userid":"x"}}`), "Syntax errors"},
		{"variable in an operator that takes none", with(`"Condition":{"NumericEquals":{"aws:MultiFactorAuthAge":"${aws:username}"}}`), "Syntax errors"},
		{"empty principal", with(`"Principal":{}`), "Invalid principal"},
		{"Allow with NotPrincipal", with(`"NotPrincipal":{"AWS":"111122223333"}`), "NotPrincipal"},
		{"too deep", `{"Statement":` + deep, "Syntax errors"},
		{"too large", `{"Id":"` + strings.Repeat("x", maxDocument) + `"}`, "too large"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParsePolicy([]byte(c.doc))
			var m *Malformed
			if !errors.As(err, &m) {
				t.Fatalf("got %v, want *Malformed", err)
			}
			if !strings.Contains(m.Reason, c.reason) {
				t.Errorf("reason %q does not hold %q", m.Reason, c.reason)
			}
			if len(err.Error()) > 1000 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}

// The matcher is compared with a translation into a regular expression.
func TestWildcardsAgreeWithRegularExpressions(t *testing.T) {
	matched := 0
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ab/:*?]{0,8}`).Draw(t, "pattern")
		s := rapid.StringMatching(`[ab/:*]{0,8}`).Draw(t, "text")
		var re strings.Builder
		for _, c := range text {
			switch c {
			case '*':
				re.WriteString(`(?s:.*)`)
			case '?':
				re.WriteString(`(?s:.)`)
			default:
				re.WriteString(regexp.QuoteMeta(string(c)))
			}
		}
		want := regexp.MustCompile(`^(?:` + re.String() + `)$`).MatchString(s)
		p, err := compilePattern(text, patternMode{wildcards: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.match(nil, s); got != want {
			t.Fatalf("%q against %q: got %v, want %v", text, s, got, want)
		}
		if want {
			matched++
		}
	})
	if matched == 0 {
		t.Error("no pattern matched: the test shows nothing")
	}
}

func TestManyStarsAreCheap(t *testing.T) {
	p, err := compilePattern(strings.Repeat("*a", 500)+"b", patternMode{wildcards: true})
	if err != nil {
		t.Fatal(err)
	}
	if p.match(nil, strings.Repeat("a", 2000)) {
		t.Error("matched")
	}
}

func FuzzParsePolicy(f *testing.F) {
	for _, s := range []string{allowAll, allowGET, denyGET, resourceFor(`{"AWS":"444455556666"}`, "Allow"),
		`{"Effect":"Allow","Action":"sts:*","Resource":"arn:aws:iam::1:role/${aws:username, 'x'}","Condition":{"ForAnyValue:NumericLessThanIfExists":{"aws:TagKeys":["1",2]}}}`} {
		f.Add([]byte(`{"Version":"2012-10-17","Statement":[` + s + `]}`))
	}
	p := &Principal{ARN: "arn:aws:sts::111122223333:assumed-role/r/s", Account: accountA, RoleARN: "arn:aws:iam::111122223333:role/r", UserID: "AROAX:s"}
	f.Fuzz(func(t *testing.T, doc []byte) {
		policy, err := ParsePolicy(doc)
		if err != nil {
			var m *Malformed
			if !errors.As(err, &m) {
				t.Fatalf("%T is not *Malformed", err)
			}
			return
		}
		// Whatever parses must be judged without a panic, and a document that
		// allows nothing must allow nothing.
		allows := false
		for _, s := range policy.statements {
			allows = allows || !s.deny
		}
		if !allows && PolicyAllows(policy, "execute-api:Invoke", orderGET, Context{"aws:userid": {"x"}}) {
			t.Fatalf("allowed by a document without Allow: %s", doc)
		}
		Evaluate(p, policy, accountA, Request{Action: "sts:AssumeRole", Resource: p.RoleARN})
		Evaluate(nil, policy, accountA, Request{Action: "sts:AssumeRole", Resource: p.RoleARN})
	})
}
