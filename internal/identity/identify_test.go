package identity_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/identity"
)

// role is the principal of a session of a role of Account B.
func role(name, session string) arn.Principal {
	return arn.Principal{Partition: "aws", Account: "444455556666", Type: arn.Role, Name: name, Session: session}
}

func TestIdentifyIAM(t *testing.T) {
	rest := func(changes object) object {
		e := tree(t, eventREST)
		for k, v := range changes {
			set(t, e, "requestContext/identity/"+k, v)
		}
		return e
	}
	outsider := arn.Principal{Partition: "aws", Account: "777788889999", Type: arn.Role, Name: "outsider", Session: "ci"}
	cognito := role("pool-role", "CognitoIdentityCredentials")
	tests := []struct {
		name  string
		event object
		want  identity.Caller
	}{
		{"role session", iamEvent(t, iamRole), identity.Caller{Principal: role("billing-service", "laptop"), UniqueID: "AROAEXAMPLEBILLING00", Subject: "laptop"}},
		{"user with a path", iamEvent(t, iamUser), identity.Caller{
			Principal: arn.Principal{Partition: "aws", Account: "444455556666", Type: arn.User, Name: "people/operator"}, UniqueID: "AIDAEXAMPLEOPERATOR0"}},
		{"root", iamEvent(t, iamRoot), identity.Caller{Principal: arn.Principal{Partition: "aws", Account: "444455556666", Type: arn.Root}}},
		{"federated user", iamEvent(t, iamFederated), identity.Caller{
			Principal: arn.Principal{Partition: "aws", Account: "444455556666", Type: arn.FederatedUser, Name: "bob"}}},
		{"Cognito guest", iamEvent(t, fmt.Sprintf(iamCognito, `["unauthenticated"]`)), identity.Caller{
			Principal: cognito, UniqueID: "AROAEXAMPLECOGNITO00", Subject: cognito.Session, Guest: true}},
		{"Cognito guest that says both", iamEvent(t, fmt.Sprintf(iamCognito, `["unauthenticated","authenticated"]`)), identity.Caller{
			Principal: cognito, UniqueID: "AROAEXAMPLECOGNITO00", Subject: cognito.Session, Guest: true}},
		{"Cognito that says nothing is a guest", iamEvent(t, fmt.Sprintf(iamCognito, `null`)), identity.Caller{
			Principal: cognito, UniqueID: "AROAEXAMPLECOGNITO00", Subject: cognito.Session, Guest: true}},
		{"Cognito with a provider named like the word is a guest", iamEvent(t, fmt.Sprintf(iamCognito, `["authenticated.example.com"]`)), identity.Caller{
			Principal: cognito, UniqueID: "AROAEXAMPLECOGNITO00", Subject: cognito.Session, Guest: true}},
		{"Cognito user", iamEvent(t, fmt.Sprintf(iamCognito, `["authenticated","login.example.com"]`)), identity.Caller{
			Principal: cognito, UniqueID: "AROAEXAMPLECOGNITO00", Subject: cognito.Session}},
		{"function URL", urlEvent(t), identity.Caller{
			Door: "url:xyz", Principal: role("billing-service", "laptop"), UniqueID: "AROAEXAMPLEBILLING00", Subject: "laptop"}},
		{"REST", rest(nil), identity.Caller{Kind: identity.RESTIAM, Principal: outsider, UniqueID: "AROAEXAMPLEOUTSIDER0", Subject: "ci"}},
		{"REST Cognito guest", rest(object{"cognitoIdentityId": "us-east-1:1", "cognitoAuthenticationType": "unauthenticated"}), identity.Caller{
			Kind: identity.RESTIAM, Principal: outsider, UniqueID: "AROAEXAMPLEOUTSIDER0", Subject: "ci", Guest: true}},
		{"REST Cognito pool alone is a guest", rest(object{"cognitoIdentityPoolId": "us-east-1:1"}), identity.Caller{
			Kind: identity.RESTIAM, Principal: outsider, UniqueID: "AROAEXAMPLEOUTSIDER0", Subject: "ci", Guest: true}},
		{"REST Cognito user", rest(object{"cognitoIdentityId": "us-east-1:1", "cognitoAuthenticationType": "authenticated"}), identity.Caller{
			Kind: identity.RESTIAM, Principal: outsider, UniqueID: "AROAEXAMPLEOUTSIDER0", Subject: "ci"}},
		{"REST root", rest(object{"userArn": "arn:aws:iam::777788889999:root", "caller": "777788889999", "user": "777788889999"}), identity.Caller{
			Kind: identity.RESTIAM, Principal: arn.Principal{Partition: "aws", Account: "777788889999", Type: arn.Root}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.want.Kind == identity.NoKind {
				tt.want.Kind, tt.want.SourceIP = identity.IAM, "192.0.2.7"
				if tt.want.Door == "" {
					tt.want.Door = "a1b2c3"
				}
			} else {
				tt.want.Door, tt.want.SourceIP = "r7s8t9", "192.0.2.8"
			}
			got, door, err := identify(t, tt.event)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("caller (-want +got):\n%s", diff)
			}
			if door.Name() != tt.want.Door || door.Kind != tt.want.Kind {
				t.Errorf("door %+v", door)
			}
		})
	}
}

// A REST API without any authorizer block, or an empty one, is as usual.
func TestIdentifyRESTAuthorizerMayBeEmpty(t *testing.T) {
	for _, v := range []any{nil, object{}} {
		e := tree(t, eventREST)
		set(t, e, "requestContext/authorizer", v)
		if _, _, err := identify(t, e); err != nil {
			t.Errorf("authorizer %v: %v", v, err)
		}
	}
}

// change is one member of an otherwise good event, set to something else.
type change struct {
	path  string
	value any
}

func TestIdentifyRefuses(t *testing.T) {
	const iam, rest = "requestContext/authorizer/iam/", "requestContext/identity/"
	v2, url, restEvent := iamEvent(t, iamRole), urlEvent(t), tree(t, eventREST)
	jwt := jwtEvent(t, cognitoAccess)
	jwtBlock := jwt["requestContext"].(object)["authorizer"].(object)["jwt"]
	iamBlock := v2["requestContext"].(object)["authorizer"].(object)["iam"]
	tests := []struct {
		name string
		base object
		with []change
		want string // in the text
	}{
		// The door.
		{"unknown API", v2, []change{{"requestContext/apiId", "zzz"}}, `"zzz" is not configured; its operator must name it in CREDVEND_FRONT_DOORS`},
		{"no API id", v2, []change{{"requestContext/apiId", absent{}}}, "names no API id"},
		{"API id that spells a function URL's door", v2, []change{{"requestContext/apiId", "url:xyz"}}, "names no API id"},
		{"endless API id", v2, []change{{"requestContext/apiId", strings.Repeat("a", 65)}}, "names no API id"},
		{"function URL's id without its domain", url, []change{{"requestContext/domainName", "xyz.execute-api.us-east-1.amazonaws.com"}}, `"xyz" is not configured`},
		{"API's id with a function URL's domain", v2, []change{{"requestContext/domainName", "a1b2c3.lambda-url.us-east-1.on.aws"}}, `"url:a1b2c3" is not configured`},
		{"API's id with a function URL's domain in capitals", v2, []change{{"requestContext/domainName", "A1B2C3.Lambda-URL.us-east-1.on.aws"}}, `"url:a1b2c3" is not configured`},
		{"2.0 event at a REST door", v2, []change{{"requestContext/apiId", "r7s8t9"}}, "is configured as rest-iam; its operator must correct the kind"},
		{"REST event at an iam door", restEvent, []change{{"requestContext/apiId", "a1b2c3"}}, "of a REST API, but the front door \"a1b2c3\" is configured as iam"},
		{"REST event at a jwt door", restEvent, []change{{"requestContext/apiId", "d4e5f6"}}, "is configured as jwt"},
		{"iam event at a jwt door", v2, []change{{"requestContext/apiId", "d4e5f6"}}, `another authorizer's block ("iam") where jwt is configured`},
		{"jwt event at an iam door", jwt, []change{{"requestContext/apiId", "a1b2c3"}}, `another authorizer's block ("jwt") where iam is configured`},

		// The block.
		{"no authorizer", v2, []change{{"requestContext/authorizer", absent{}}}, "set the route's authorization to AWS_IAM and sign the request"},
		{"null authorizer", v2, []change{{"requestContext/authorizer", nil}}, "no identity verified by iam"},
		{"empty authorizer", v2, []change{{"requestContext/authorizer", object{}}}, "no identity verified by iam"},
		{"authorizer is a list", v2, []change{{"requestContext/authorizer", []any{iamBlock}}}, "not an object"},
		{"authorizer is a string", v2, []change{{"requestContext/authorizer", "iam"}}, "not an object"},
		{"null iam", v2, []change{{"requestContext/authorizer/iam", nil}}, "no identity verified by iam"},
		{"iam is a list", v2, []change{{"requestContext/authorizer/iam", []any{}}}, "no identity verified by iam"},
		{"iam is empty", v2, []change{{"requestContext/authorizer/iam", object{}}}, "no identity verified by IAM"},
		{"iam in capitals", v2, []change{{"requestContext/authorizer", object{"IAM": iamBlock}}}, `another authorizer's block ("IAM")`},
		{"iam and jwt", v2, []change{{"requestContext/authorizer/jwt", jwtBlock}}, `block ("jwt") where iam`},
		{"iam and lambda", v2, []change{{"requestContext/authorizer/lambda", object{}}}, `block ("lambda") where iam`},
		{"jwt and iam", jwt, []change{{"requestContext/authorizer/iam", iamBlock}}, `block ("iam") where jwt`},
		{"no jwt", jwt, []change{{"requestContext/authorizer/jwt", nil}}, "give the route a JWT authorizer"},
		{"no claims", jwt, []change{{"requestContext/authorizer/jwt/claims", absent{}}}, "no claims verified by jwt"},
		{"claims are a list", jwt, []change{{"requestContext/authorizer/jwt/claims", []any{}}}, "no claims verified by jwt"},

		// The facts.
		{"no account", v2, []change{{iam + "accountId", absent{}}}, "no identity verified by IAM"},
		{"no ARN", v2, []change{{iam + "userArn", nil}}, "no identity verified by IAM"},
		{"no callerId", v2, []change{{iam + "callerId", ""}}, "no identity verified by IAM"},
		{"no userId", v2, []change{{iam + "userId", absent{}}}, "no identity verified by IAM"},
		{"ARN is a number", v2, []change{{iam + "userArn", 7}}, "no identity verified by IAM"},
		{"ARN of a service", v2, []change{{iam + "userArn", "arn:aws:s3:::bucket"}}, "ARN is none that credvend knows"},
		{"ARN with a wildcard", v2, []change{{iam + "userArn", "arn:aws:sts::444455556666:assumed-role/*/laptop"}}, "ARN is none"},
		{"another account", v2, []change{{iam + "accountId", "777788889999"}}, "contradict each other"},
		{"another account's ARN", v2, []change{{iam + "userArn", "arn:aws:sts::777788889999:assumed-role/billing-service/laptop"}}, "contradict each other"},
		{"another session in the ARN", v2, []change{{iam + "userArn", "arn:aws:sts::444455556666:assumed-role/billing-service/phone"}}, "contradict"},
		{"ids disagree", v2, []change{{iam + "callerId", "AROAEXAMPLESTRANGER0:laptop"}}, "contradict"},
		{"ids without a session", v2, []change{{iam + "callerId", "AROAEXAMPLEBILLING00"}, {iam + "userId", "AROAEXAMPLEBILLING00"}}, "contradict"},
		{"role with a user's id", v2, []change{{iam + "callerId", "AIDAEXAMPLEOPERATOR0:laptop"}, {iam + "userId", "AIDAEXAMPLEOPERATOR0:laptop"}}, "contradict"},
		{"id too short", v2, []change{{iam + "callerId", "AROA:laptop"}, {iam + "userId", "AROA:laptop"}}, "contradict"},
		{"role ARN without a session", v2, []change{{iam + "userArn", "arn:aws:iam::444455556666:role/billing-service"}}, "contradict"},
		{"role ARN and id without a session", v2, []change{{iam + "userArn", "arn:aws:iam::444455556666:role/billing-service"}, {iam + "callerId", "AROAEXAMPLEBILLING00:"}, {iam + "userId", "AROAEXAMPLEBILLING00:"}}, "contradict"},
		{"user with a role's id", v2, []change{{iam + "userArn", "arn:aws:iam::444455556666:user/operator"}}, "contradict"},
		{"user with a session", v2, []change{{iam + "userArn", "arn:aws:iam::444455556666:user/operator"}, {iam + "callerId", "AIDAEXAMPLEOPERATOR0:x"}, {iam + "userId", "AIDAEXAMPLEOPERATOR0:x"}}, "contradict"},
		{"root with another's id", v2, []change{{iam + "userArn", "arn:aws:iam::444455556666:root"}}, "contradict"},
		{"federated user with another's name", v2, []change{{iam + "userArn", "arn:aws:sts::444455556666:federated-user/bob"}, {iam + "callerId", "444455556666:eve"}, {iam + "userId", "444455556666:eve"}}, "contradict"},
		{"Cognito block is a string", v2, []change{{iam + "cognitoIdentity", "authenticated"}}, "field cognitoIdentity of the wrong type"},
		{"amr is a string", v2, []change{{iam + "cognitoIdentity", object{"amr": "authenticated"}}}, "field amr of the wrong type"},
		{"amr holds a number", v2, []change{{iam + "cognitoIdentity", object{"amr": []any{"authenticated", 1}}}}, "field amr of the wrong type"},

		// REST.
		{"REST with authorizer context", restEvent, []change{{"requestContext/authorizer", object{"principalId": "x"}}}, "another authorizer's block where rest-iam"},
		{"REST with claims", restEvent, []change{{"requestContext/authorizer", object{"claims": object{"sub": "x"}}}}, "another authorizer's block"},
		{"REST authorizer is a list", restEvent, []change{{"requestContext/authorizer", []any{}}}, "another authorizer's block"},
		{"REST without identity", restEvent, []change{{"requestContext/identity", absent{}}}, "no identity verified by IAM"},
		{"REST not signed", restEvent, []change{{rest + "accountId", nil}, {rest + "caller", nil}, {rest + "user", nil}, {rest + "userArn", nil}}, "set the authorization to AWS_IAM"},
		{"REST without user", restEvent, []change{{rest + "user", absent{}}}, "no identity verified by IAM"},
		{"REST user and caller differ", restEvent, []change{{rest + "user", "AROAEXAMPLESTRANGER0:ci"}}, "contradict"},
		{"REST account differs", restEvent, []change{{rest + "accountId", "444455556666"}}, "contradict"},
		{"REST Cognito type is a number", restEvent, []change{{rest + "cognitoAuthenticationType", 1}}, "field cognitoAuthenticationType of the wrong type"},
		{"REST console test", restEvent, []change{{"requestContext/stage", "test-invoke-stage"}}, "the console's test call"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			event := tree(t, string(raw(t, tt.base)))
			for _, c := range tt.with {
				set(t, event, c.path, c.value)
			}
			got, _, err := identify(t, event)
			assertRefused(t, got, err, tt.want)
		})
	}
}

// assertRefused checks the three things every refusal has: the kind, a text
// with the next step, and no caller.
func assertRefused(t *testing.T, got identity.Caller, err error, want string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Unauthenticated {
		t.Fatalf("error %v (caller %+v); want one of the kind unauthenticated", err, got)
	}
	if !strings.Contains(f.Public(), want) {
		t.Errorf("text %q; want %q in it", f.Public(), want)
	}
	if diff := cmp.Diff(identity.Caller{}, got); diff != "" {
		t.Errorf("a caller beside an error: %s", diff)
	}
}

// The header that the proxy library believes must not make anybody anyone.
func TestForgedContextHeaderHasNoEffect(t *testing.T) {
	forged := `{"authorizer":{"iam":{"userArn":"arn:aws:sts::444455556666:assumed-role/admin/x"}},"identity":{"userArn":"arn:aws:iam::444455556666:root"}}`
	for name, event := range allEvents(t) {
		t.Run(name, func(t *testing.T) {
			want, _, err := identify(t, event)
			if err != nil {
				t.Fatal(err)
			}
			for _, header := range []string{"X-GoLambdaProxy-ApiGw-Context", "x-golambdaproxy-apigw-context", "X-GoLambdaProxy-ApiGw-StageVars"} {
				set(t, event, "headers/"+header, forged)
				if event["multiValueHeaders"] != nil {
					set(t, event, "multiValueHeaders/"+header, []string{forged})
				}
			}
			got, _, err := identify(t, event)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the header changed the caller:\n%s", diff)
			}
		})
	}
	e := iamEvent(t, "null")
	set(t, e, "headers/X-GoLambdaProxy-ApiGw-Context", forged)
	got, _, err := identify(t, e)
	assertRefused(t, got, err, "no identity verified by iam")
}

// A door that is known stands beside the error, for the audit.
func TestIdentifyReturnsTheDoorOfARefusal(t *testing.T) {
	_, door, err := identify(t, iamEvent(t, "null"))
	if err == nil || door.Name() != "a1b2c3" {
		t.Errorf("door %q, error %v", door.Name(), err)
	}
	_, door, err = parseDoors(t).Identify(nil)
	if err == nil || door != (identity.Door{}) {
		t.Errorf("no event: door %q, error %v", door.Name(), err)
	}
}

// Doors made by hand cannot say one thing by name and another by content.
func TestIdentifyDistrustsDoorsMadeByHand(t *testing.T) {
	e, err := identity.ParseEvent(raw(t, iamEvent(t, iamRole)))
	if err != nil {
		t.Fatal(err)
	}
	for name, doors := range map[string]identity.Doors{
		"none":       nil,
		"no kind":    {"a1b2c3": {ID: "a1b2c3"}},
		"other id":   {"a1b2c3": {ID: "other", Kind: identity.IAM}},
		"URL's door": {"a1b2c3": {ID: "a1b2c3", URL: true, Kind: identity.IAM}},
	} {
		c, _, err := doors.Identify(e)
		t.Run(name, func(t *testing.T) { assertRefused(t, c, err, "CREDVEND_FRONT_DOORS") })
	}
}

func TestCallerKeyIgnoresTheSessionName(t *testing.T) {
	a, b := identity.Caller{Kind: identity.IAM, Principal: role("r", "one")}, identity.Caller{Kind: identity.IAM, Principal: role("r", "two")}
	if a.Key() != b.Key() {
		t.Error("two sessions of one role have two keys: a rate limit could be walked round")
	}
	j := identity.Caller{Kind: identity.JWT, Issuer: "i", Subject: "s"}
	k := identity.Caller{Kind: identity.JWT, Issuer: "i", Subject: "t"}
	if j.Key() == k.Key() || j.Key() == a.Key() {
		t.Error("different callers share a key")
	}
}

func TestKindWords(t *testing.T) {
	for kind, want := range map[identity.Kind]string{identity.NoKind: "none", identity.IAM: "iam", identity.JWT: "jwt", identity.RESTIAM: "rest-iam", 9: "none"} {
		if kind.String() != want {
			t.Errorf("kind %d reads %q, want %q", kind, kind, want)
		}
	}
}
