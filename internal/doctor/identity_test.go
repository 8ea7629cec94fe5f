package doctor

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/credvend/credvend/api"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func jwt(t *testing.T, alg string, claims map[string]any) string {
	t.Helper()
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	return part(map[string]string{"alg": alg}) + "." + part(claims) + ".c2lnbmF0dXJl"
}

func claims(changes map[string]any) map[string]any {
	all := map[string]any{"iss": "https://issuer.example.com", "aud": "orders-app", "exp": noon.Add(time.Hour).Unix()}
	for name, value := range changes {
		if all[name] = value; value == nil {
			delete(all, name)
		}
	}
	return all
}

func TestToken(t *testing.T) {
	for _, c := range []struct {
		name string
		raw  string
		want []Cause
		says string
	}{
		{"good", jwt(t, "RS256", claims(nil)), nil, "issuer https://issuer.example.com, audience orders-app, good for another 1h"},
		{"several audiences", jwt(t, "RS256", claims(map[string]any{"aud": []string{"a", "b"}})), nil, "audience a, b"},
		{"client_id", jwt(t, "RS256", claims(map[string]any{"aud": nil, "client_id": "1example"})), nil, "audience 1example (client_id)"},
		{"expired", jwt(t, "RS256", claims(map[string]any{"exp": noon.Add(-time.Hour).Unix()})), []Cause{ExpiredToken, Clock}, "it expired 1h ago"},
		{"expires now", jwt(t, "RS256", claims(map[string]any{"exp": noon.Unix()})), []Cause{ExpiredToken}, "expired"},
		{"not yet", jwt(t, "RS256", claims(map[string]any{"nbf": noon.Add(time.Hour).Unix()})), []Cause{TokenNotYetValid}, "not valid yet"},
		{"no expiry", jwt(t, "RS256", claims(map[string]any{"exp": nil})), []Cause{BadToken}, "no expiry"},
		{"endless", jwt(t, "RS256", claims(map[string]any{"exp": 1e300})), []Cause{BadToken}, "no expiry"},
		{"elliptic", jwt(t, "ES256", claims(nil)), []Cause{BadToken}, "ES256"},
		{"unsigned", jwt(t, "none", claims(nil)), []Cause{BadToken}, "none"},
		{"for nobody", jwt(t, "RS256", claims(map[string]any{"aud": nil})), []Cause{WrongAudience}, "audience nobody"},
		{"audience of numbers", jwt(t, "RS256", claims(map[string]any{"aud": []any{1, "x"}})), []Cause{WrongAudience}, "audience nobody"},
		{"empty", "", []Cause{BadToken}, "empty"},
		{"with Bearer", "Bearer " + jwt(t, "RS256", claims(nil)), []Cause{BadToken}, "a blank"},
		{"two lines", jwt(t, "RS256", claims(nil)) + "\n" + jwt(t, "RS256", claims(nil)), []Cause{BadToken}, "a newline"},
		{"opaque", "hunter2hunter2", []Cause{BadToken}, "1 parts"},
		{"not JSON", "aHVudGVyMg.aHVudGVyMg.x", []Cause{BadToken}, "header"},
		{"claims of another type", base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256"}`)) + ".WzFd.x", []Cause{BadToken}, "claims"},
		{"huge", strings.Repeat("a", 10<<10), []Cause{BadToken}, "bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, s := TokenStep(c.raw, noon)
			beginsWith(t, s, c.want...)
			if (s.Status == OK) != (c.want == nil) || !strings.Contains(s.Says, c.says) || strings.Contains(s.Says, "hunter2") {
				t.Errorf("%s: %s", s.Status, s.Says)
			}
		})
	}
}

func FuzzReadToken(f *testing.F) {
	f.Add("eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOlsxXX0.x")
	f.Add("..")
	f.Fuzz(func(t *testing.T, raw string) {
		_, s := TokenStep(raw, noon)
		if s.Status != OK && s.Status != Wrong {
			t.Error(s)
		}
	})
}

func TestIdentityOfTokens(t *testing.T) {
	good := Token{Issuer: "https://issuer.example.com", Audience: []string{"reports-app"}, Expires: noon.Add(time.Hour)}
	expired := good
	expired.Expires = noon.Add(-time.Hour)
	for _, c := range []struct {
		name   string
		token  Token
		a      Answer
		skew   time.Duration
		want   []Cause
		tells  string
		closer bool // there is evidence
	}{
		{"AWS says nothing", good, answered(401, sayUnauthorized, "Www-Authenticate", "Bearer"), 0, []Cause{WrongAudience, WrongIssuer}, "reports-app", false},
		{"AWS says audience", good, answered(401, sayUnauthorized, "Www-Authenticate", `Bearer scope="" error="invalid_token" error_description="the token does not have a valid audience"`), 0, []Cause{WrongAudience}, "reports-app", true},
		{"AWS says expired", good, answered(401, sayUnauthorized, "Www-Authenticate", `Bearer error="invalid_token" error_description="the token has expired"`), 0, []Cause{ExpiredToken}, "expired", true},
		{"AWS says issuer", good, answered(401, sayUnauthorized, "Www-Authenticate", `Bearer error="invalid_token" error_description="the token does not match the issuer"`), 0, []Cause{WrongIssuer}, "issuer.example.com", true},
		{"expired", expired, answered(401, sayUnauthorized), 0, []Cause{ExpiredToken}, "11:00:00Z", true},
		{"expired by a clock that is ahead alone", expired, answered(401, sayUnauthorized), 2 * time.Hour, []Cause{WrongAudience}, "reports-app", false},
		{"scope", good, answered(403, sayForbidden), 0, []Cause{MissingScope}, "scope", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Identity(IdentityFacts{Token: &c.token, Answer: c.a, Now: noon, Skew: c.skew, SkewKnown: true})
			beginsWith(t, s, c.want...)
			if first := s.Candidates[0]; !strings.Contains(first.Says, c.tells) || (first.Evidence != "") != c.closer {
				t.Errorf("%+v", first)
			}
		})
	}
}

func TestIdentityOfSignatures(t *testing.T) {
	const arn = "arn:aws:sts::444455556666:assumed-role/billing-service/laptop"
	http, rest := Door{Kind: KindIAM, Service: "execute-api", Region: "us-east-1"}, Door{Kind: KindREST, Service: "execute-api", Region: "us-east-1"}
	said, shown := http, http
	said.RegionSaid, shown.RegionShown = true, true
	denied := func(why string) Answer {
		return answered(403, `{"Message":"User: `+arn+` is not authorized to perform: execute-api:Invoke on resource: arn:aws:execute-api:us-east-1:********6666:b3restapi0/prod/GET/v1/whoami `+why+`"}`)
	}
	for _, c := range []struct {
		name string
		f    IdentityFacts
		want []Cause
	}{
		{"known", IdentityFacts{Answer: Answer{Status: 200}, WhoAmI: api.WhoAmI{Principal: "arn:aws:iam::444455556666:role/billing-service"}}, nil},
		{"no reason", IdentityFacts{Door: http, Answer: answered(403, sayForbidden), STS: &STS{ARN: arn}}, []Cause{MayNotInvoke, OtherAccount}},
		{"region was said", IdentityFacts{Door: said, Answer: answered(403, sayForbidden), STS: &STS{ARN: arn}}, []Cause{MayNotInvoke, RegionMismatch}},
		{"clock", IdentityFacts{Door: http, Answer: answered(403, sayForbidden), Skew: -time.Hour, SkewKnown: true}, []Cause{Clock}},
		{"clock, by STS alone", IdentityFacts{Door: http, Answer: answered(403, sayForbidden), STS: &STS{Code: "SignatureDoesNotMatch", Message: "Signature expired: 20261122T110000Z is now earlier than …"}}, []Cause{Clock}},
		{"expired", IdentityFacts{Door: http, Answer: answered(403, sayForbidden), STS: &STS{Code: "ExpiredToken"}}, []Cause{ExpiredCredentials}},
		{"unknown key", IdentityFacts{Door: http, Answer: answered(403, sayForbidden), STS: &STS{Code: "InvalidClientTokenId"}}, []Cause{UnknownKey}},
		{"secret", IdentityFacts{Door: http, Answer: answered(403, sayForbidden), STS: &STS{Code: "SignatureDoesNotMatch", Message: "The request signature we calculated…"}}, []Cause{WrongSecret, Clock}},
		{"an STS that says another thing", IdentityFacts{Door: http, Answer: answered(403, sayForbidden), STS: &STS{Code: "AccessDenied"}}, []Cause{MayNotInvoke}},
		{"STS is not heard", IdentityFacts{Door: http, Answer: answered(403, sayForbidden)}, []Cause{MayNotInvoke}},
		{"vended", IdentityFacts{Door: http, Answer: answered(403, sayForbidden), STS: &STS{ARN: "arn:aws:sts::111122223333:assumed-role/orders-invoke/billing-service@abcdefghijklmnopqrstuvwx"}}, []Cause{VendedCredentials}},
		{"identity policy", IdentityFacts{Door: rest, Answer: denied("because no identity-based policy allows the execute-api:Invoke action"), STS: &STS{ARN: arn}}, []Cause{MayNotInvoke, ResourcePolicy}},
		{"resource policy", IdentityFacts{Door: rest, Answer: denied("because no resource-based policy allows the execute-api:Invoke action"), STS: &STS{ARN: arn}}, []Cause{ResourcePolicy, MayNotInvoke}},
		{"explicit deny", IdentityFacts{Door: rest, Answer: denied("with an explicit deny"), STS: &STS{ARN: arn}}, []Cause{ExplicitDeny}},
		{"not believed", IdentityFacts{Door: http, Answer: ours(401, "unauthenticated", "no identity")}, []Cause{DoorUnbelieved}},
		{"no list", IdentityFacts{Door: http, Answer: ours(503, "unavailable", "no allowlist")}, []Cause{ServiceDown}},
		{"path", IdentityFacts{Door: http, Answer: ours(404, "not_found", "no such path")}, []Cause{WrongURL}},
		{"internal", IdentityFacts{Door: http, Answer: ours(500, "internal", "…")}, []Cause{ServiceFails}},
		{"rate", IdentityFacts{Door: http, Answer: ours(429, "throttled", "…")}, []Cause{Throttled}},
		{"function fails", IdentityFacts{Door: http, Answer: answered(500, `{"message":"Internal Server Error"}`)}, []Cause{DoorDown}},
		{"broken off", IdentityFacts{Door: http, Answer: Answer{Err: errors.New("EOF")}}, []Cause{WrongURL, Network}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Identity(c.f)
			beginsWith(t, s, c.want...)
			if s.Name != StepIdentity || (s.Status == OK) != (c.want == nil) {
				t.Errorf("%s %s", s.Name, s.Status)
			}
		})
	}
	for _, cause := range causes(t, Identity(IdentityFacts{Door: shown, Answer: answered(403, sayForbidden)})) {
		if cause == RegionMismatch {
			t.Error("the URL shows the region, and the signature is for it")
		}
	}
}

func TestCredentialsFailed(t *testing.T) {
	for text, want := range map[string]Cause{
		`there is no AWS profile "x" in the config and credentials files`:                                                     ProfileMissing,
		"failed to refresh cached credentials, failed to read cached SSO token file":                                          LoginExpired,
		"refresh cached SSO token failed, unable to refresh SSO token, operation error SSO OIDC: CreateToken, 400":            LoginExpired,
		"operation error STS: AssumeRole, ExpiredToken: The security token included in the request is expired":                LoginExpired,
		"failed to refresh cached credentials, no EC2 IMDS role found, operation error ec2imds: GetMetadata, access disabled": NoCredentials,
	} {
		beginsWith(t, CredentialsFailed(text, "x"), want)
	}
}
