package identity_test

import (
	"encoding/base64"
	"encoding/json"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/credvend/credvend/internal/identity"
)

func one(s string) identity.Claim     { return identity.Claim{Values: []string{s}} }
func many(s ...string) identity.Claim { return identity.Claim{Values: s, List: true} }

func TestIdentifyJWT(t *testing.T) {
	const sub = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
	tests := []struct {
		name, payload string
		want          identity.Caller
	}{
		{"Cognito access token", cognitoAccess, identity.Caller{
			Issuer: "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Example", Subject: sub, Audiences: []string{"1example23456789"},
			Claims: map[string]identity.Claim{
				"sub": one(sub), "cognito:groups": many("shoppers", "testers"), "iss": one("https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Example"),
				"version": one("2"), "client_id": one("1example23456789"), "token_use": one("access"), "scope": one("openid email"),
				"auth_time": one("1795348800"), "exp": one("1795352400"), "iat": one("1795348800"), "jti": one("j1"), "username": one("shopper"),
			},
		}},
		{"Cognito id token", cognitoID, identity.Caller{
			Issuer: "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Example", Subject: sub, Audiences: []string{"1example23456789"},
			Claims: map[string]identity.Claim{
				"sub": one(sub), "aud": one("1example23456789"), "iss": one("https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Example"),
				"email_verified": one("true"), "token_use": one("id"), "exp": one("1795352400"), "custom:level": one("7"), "weight": {}, "tags": {List: true},
			},
		}},
		{"list of audiences beats client_id; null is absent", listAudience, identity.Caller{
			Issuer: "http://127.0.0.1:8086", Subject: "ci", Audiences: []string{"orders", "invoices"},
			Claims: map[string]identity.Claim{
				"iss": one("http://127.0.0.1:8086"), "sub": one("ci"), "aud": many("orders", "invoices"), "client_id": one("other"),
				"sizes": many("1", "2"), "flags": many("true", "x"), "mixed": {List: true},
			},
		}},
		{"GetWebIdentityToken", webIdentity, identity.Caller{
			Issuer:    "https://11111111-2222-3333-4444-555555555555.tokens.sts.global.api.aws",
			Subject:   "arn:aws:iam::777788889999:role/outsider",
			Audiences: []string{"https://vend.example.com"},
			Claims: map[string]identity.Claim{
				"aud": one("https://vend.example.com"), "sub": one("arn:aws:iam::777788889999:role/outsider"), "https://sts.amazonaws.com/": {},
				"iss": one("https://11111111-2222-3333-4444-555555555555.tokens.sts.global.api.aws"),
				"exp": one("1795352400"), "iat": one("1795348800"), "jti": one("j2"),
			},
		}},
		{"longest subject", `{"iss":"i","aud":"a","sub":"` + strings.Repeat("é", 255) + `"}`, identity.Caller{
			Issuer: "i", Subject: strings.Repeat("é", 255), Audiences: []string{"a"},
			Claims: map[string]identity.Claim{"iss": one("i"), "aud": one("a"), "sub": one(strings.Repeat("é", 255))},
		}},
		{"numbers", `{"iss":"i","aud":"a","sub":"s","n":-5,"z":0,"big":123456789012345678901234567890,"dot":1.0,"exp":1e3,"l":[1,2.5]}`, identity.Caller{
			Issuer: "i", Subject: "s", Audiences: []string{"a"},
			Claims: map[string]identity.Claim{"iss": one("i"), "aud": one("a"), "sub": one("s"), "n": one("-5"), "z": one("0"),
				"big": one("123456789012345678901234567890"), "dot": {}, "exp": {}, "l": {List: true}},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.Kind, tt.want.Door, tt.want.SourceIP = identity.JWT, "d4e5f6", "192.0.2.7"
			got, _, err := identify(t, jwtEvent(t, tt.payload))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("caller (-want +got):\n%s", diff)
			}
		})
	}
}

func TestClaim(t *testing.T) {
	if s, ok := one("x").Scalar(); !ok || s != "x" {
		t.Errorf("scalar: %q, %v", s, ok)
	}
	for _, c := range []identity.Claim{{}, many("x"), many("x", "y"), {List: true}} {
		if s, ok := c.Scalar(); ok || s != "" {
			t.Errorf("%+v has the scalar %q", c, s)
		}
	}
	if !many("a", "b").Has("b") || many("a", "b").Has("a b") || (identity.Claim{}).Has("") {
		t.Error("Has finds what is not there, or not what is")
	}
}

func TestBearer(t *testing.T) {
	good := token(cognitoAccess)
	parts := strings.Split(good, ".")
	const one, form = "send exactly one", "send the token bare or as"
	tests := []struct {
		name    string
		headers object
		want    string // empty: accepted
	}{
		{"bare", object{"authorization": good}, ""},
		{"Bearer", object{"Authorization": "Bearer " + good}, ""},
		{"scheme in other case", object{"AUTHORIZATION": "bEARER " + good}, ""},
		{"none", object{}, one},
		{"other header", object{"x-authorization": good}, one},
		{"empty", object{"authorization": ""}, form},
		{"scheme alone", object{"authorization": "Bearer "}, form},
		{"two by case", object{"authorization": good, "Authorization": good}, one},
		{"two by case, second empty", object{"authorization": good, "Authorization": ""}, one},
		{"two joined", object{"authorization": good + "," + good}, "has a comma"},
		{"two joined with a blank", object{"authorization": "Bearer " + good + ", Bearer " + good}, "has a comma"},
		{"comma at the end", object{"authorization": good + ","}, "has a comma"},
		{"two parted by a blank", object{"authorization": "Bearer " + good + " " + good}, form},
		{"two blanks", object{"authorization": "Bearer  " + good}, form},
		{"tab", object{"authorization": "Bearer\t" + good}, form},
		{"other scheme", object{"authorization": "Basic " + good}, form},
		{"blank before", object{"authorization": " " + good}, form},
		{"blank after", object{"authorization": good + " "}, form},
		{"line break inside", object{"authorization": good[:9] + "\n" + good[9:]}, form},
		{"carriage return inside", object{"authorization": good[:9] + "\r" + good[9:]}, form},
		{"two parts", object{"authorization": parts[0] + "." + parts[1]}, "three parts"},
		{"four parts", object{"authorization": good + "." + parts[2]}, "three parts"},
		{"five parts", object{"authorization": good + "..x"}, "three parts"},
		{"empty signature", object{"authorization": parts[0] + "." + parts[1] + "."}, form},
		{"empty header", object{"authorization": "." + parts[1] + "." + parts[2]}, form},
		{"padding", object{"authorization": parts[0] + "." + parts[1] + "." + base64.URLEncoding.EncodeToString([]byte("abcd"))}, form},
		{"standard base64", object{"authorization": parts[0] + "." + parts[1] + ".a+/b"}, form},
		{"spare bits", object{"authorization": parts[0] + "." + parts[1] + ".AB"}, form},
		{"payload is null", object{"authorization": token("null")}, "payload is not a JSON object"},
		{"payload is a list", object{"authorization": token("[" + cognitoAccess + "]")}, "payload is not a JSON object"},
		{"payload is no JSON", object{"authorization": token("{")}, "payload has malformed JSON"},
		{"payload with trailing data", object{"authorization": token(cognitoAccess + "{}")}, "payload has malformed JSON"},
		{"payload is not UTF-8", object{"authorization": token("{\"a\":\"\xff\"}")}, "not UTF-8"},
		{"payload repeats a key", object{"authorization": token(`{"sub":"victim",` + cognitoAccess[1:])}, "a repeated key"},
		{"payload repeats a key, escaped", object{"authorization": token(`{"\u0073ub":"victim",` + cognitoAccess[1:])}, "a repeated key"},
		{"payload repeats a nested key", object{"authorization": token(`{"x":{"a":1,"a":2},` + cognitoAccess[1:])}, "a repeated key"},
		{"payload nests deeply", object{"authorization": token(`{"x":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`)}, "too many levels"},
		{"another token", object{"authorization": token(cognitoID)}, "is not the one that was verified"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			event := jwtEvent(t, cognitoAccess)
			set(t, event, "headers", tt.headers)
			got, _, err := identify(t, event)
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			assertRefused(t, got, err, tt.want)
			assertQuotesNothing(t, err, tt.headers)
		})
	}
}

// assertQuotesNothing checks that an error holds no part of a header or claim.
func assertQuotesNothing(t *testing.T, err error, headers object) {
	t.Helper()
	if err == nil {
		return
	}
	for _, v := range headers {
		for _, part := range strings.FieldsFunc(v.(string), func(r rune) bool { return strings.ContainsRune(" .,", r) }) {
			if len(part) > 6 && strings.Contains(err.Error(), part) {
				t.Errorf("the error quotes the header: %v", err)
			}
		}
	}
	for _, value := range []string{"aaaaaaaa-bbbb", "us-east-1_Example", "shoppers", "1795348800", "victim"} {
		if strings.Contains(err.Error(), value) {
			t.Errorf("the error quotes a claim's value: %v", err)
		}
	}
}

func TestClaimsMustBeTheVerifiedOnes(t *testing.T) {
	const verified, mismatch = "requestContext/authorizer/jwt/claims/", "is not the one that was verified"
	payload := `{"iss":"i","aud":"a","sub":"s","l":["x","y"],"n":1795348800,"b":true,"z":null,"o":{"k":"v","m":[1,null]}}`
	tests := []struct {
		name string
		with []change
		want string // empty: accepted
	}{
		{"as Go prints them", nil, ""},
		{"number with an exponent", []change{{verified + "n", "1.7953488E9"}}, ""},
		{"number as a number", []change{{verified + "n", 1795348800}}, ""},
		{"boolean as a boolean", []change{{verified + "b", true}}, ""},
		{"null as null", []change{{verified + "z", "null"}}, ""},
		{"null left out", []change{{verified + "z", absent{}}}, ""},
		{"object as JSON", []change{{verified + "o", `{"m":[1,null],"k":"v"}`}}, ""},

		{"claim added to the token", []change{{verified + "l", absent{}}}, `its claim "l" was not verified`},
		{"claim missing from the token", []change{{verified + "admin", "true"}}, `its claim "admin" is missing`},
		{"null claim missing from the token", []change{{verified + "admin", "null"}}, `its claim "admin" is missing`},
		{"long claim name is clipped", []change{{verified + strings.Repeat("n", 500), "x"}}, strings.Repeat("n", 64) + `…" is missing`},
		{"string differs", []change{{verified + "sub", "t"}}, `its claim "sub" differs`},
		{"string in other case", []change{{verified + "sub", "S"}}, mismatch},
		{"string with a blank", []change{{verified + "sub", "s "}}, mismatch},
		{"string is empty", []change{{verified + "sub", ""}}, mismatch},
		{"string is null", []change{{verified + "sub", nil}}, mismatch},
		{"list in other order", []change{{verified + "l", "[y x]"}}, mismatch},
		{"list shorter", []change{{verified + "l", "[x]"}}, mismatch},
		{"list longer", []change{{verified + "l", "[x y z]"}}, mismatch},
		{"list as JSON", []change{{verified + "l", `["x","y"]`}}, mismatch},
		{"list with commas", []change{{verified + "l", "[x, y]"}}, mismatch},
		{"list as a list", []change{{verified + "l", []any{"x", "y"}}}, mismatch},
		{"number differs", []change{{verified + "n", "1795348801"}}, mismatch},
		{"number rounded", []change{{verified + "n", "1.7953E9"}}, mismatch},
		{"number is a word", []change{{verified + "n", "true"}}, mismatch},
		{"boolean differs", []change{{verified + "b", "false"}}, mismatch},
		{"boolean in capitals", []change{{verified + "b", "True"}}, mismatch},
		{"null is empty", []change{{verified + "z", ""}}, mismatch},
		{"object differs", []change{{verified + "o", "map[k:w m:[1 <nil>]]"}}, mismatch},
		{"object cut short", []change{{verified + "o", "map[k:v m:[1 <nil>]"}}, mismatch},
		{"object as an object", []change{{verified + "o", object{"k": "v"}}}, mismatch},
		{"object as other JSON", []change{{verified + "o", `{"k":"v","m":[1]}`}}, mismatch},
		{"object as JSON with a key twice", []change{{verified + "o", `{"k":"v","k":"v","m":[1,null]}`}}, mismatch},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			event := jwtEvent(t, payload)
			for _, c := range tt.with {
				set(t, event, c.path, c.value)
			}
			got, _, err := identify(t, event)
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			assertRefused(t, got, err, tt.want)
		})
	}
}

func TestRequiredClaims(t *testing.T) {
	const audience, subject = "audience is no non-empty string", "claim sub is not a non-empty string"
	tests := []struct{ name, payload, want string }{
		{"no iss", `{"sub":"s","aud":"a"}`, "claim iss is not a non-empty string"},
		{"iss is empty", `{"iss":"","sub":"s","aud":"a"}`, "claim iss"},
		{"iss is a list", `{"iss":["i"],"sub":"s","aud":"a"}`, "claim iss"},
		{"no sub", `{"iss":"i","aud":"a"}`, subject},
		{"sub is empty", `{"iss":"i","sub":"","aud":"a"}`, subject},
		{"sub is null", `{"iss":"i","sub":null,"aud":"a"}`, subject},
		{"sub is a number", `{"iss":"i","sub":7,"aud":"a"}`, subject},
		{"sub is a list", `{"iss":"i","sub":["s"],"aud":"a"}`, subject},
		{"sub is an object", `{"iss":"i","sub":{"s":1},"aud":"a"}`, subject},
		{"sub too long", `{"iss":"i","sub":"` + strings.Repeat("s", 256) + `","aud":"a"}`, "longer than 255 characters"},
		{"sub of 10 KiB", `{"iss":"i","sub":"` + strings.Repeat("s", 10<<10) + `","aud":"a"}`, "longer than 255 characters"},
		{"no audience", `{"iss":"i","sub":"s"}`, audience},
		{"aud is empty", `{"iss":"i","sub":"s","aud":""}`, audience},
		{"aud is an empty list", `{"iss":"i","sub":"s","aud":[]}`, audience},
		{"aud holds an empty string", `{"iss":"i","sub":"s","aud":["a",""]}`, audience},
		{"aud holds a number", `{"iss":"i","sub":"s","aud":["a",1]}`, audience},
		{"aud is a number", `{"iss":"i","sub":"s","aud":1}`, audience},
		{"aud is an object", `{"iss":"i","sub":"s","aud":{"a":1}}`, audience},
		{"null aud does not fall back", `{"iss":"i","sub":"s","aud":null,"client_id":"c"}`, audience},
		{"empty aud does not fall back", `{"iss":"i","sub":"s","aud":"","client_id":"c"}`, audience},
		{"client_id is a list", `{"iss":"i","sub":"s","client_id":["c"]}`, audience},
		{"client_id is empty", `{"iss":"i","sub":"s","client_id":""}`, audience},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _, err := identify(t, jwtEvent(t, tt.payload))
			assertRefused(t, got, err, tt.want)
		})
	}
}

// Whatever single byte of the payload an attacker changes, the token is no
// longer the verified one, unless it still says exactly the same.
func TestAnyChangedByteIsRefused(t *testing.T) {
	payloads := []string{cognitoAccess, cognitoID, listAudience, webIdentity}
	events := make([]object, len(payloads))
	for i, p := range payloads {
		events[i] = jwtEvent(t, p)
	}
	tried, changed := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		tried++
		which := rapid.IntRange(0, len(payloads)-1).Draw(rt, "payload")
		b := []byte(payloads[which])
		at := rapid.IntRange(0, len(b)-1).Draw(rt, "at")
		// The bytes that JSON and the renderings give a meaning, and all others.
		b[at] = rapid.OneOf(rapid.SampledFrom([]byte(` "\,:[]{}0123456789eE.+-ntf<>`)), rapid.Byte()).Draw(rt, "byte")
		if saysTheSame(string(b), payloads[which]) {
			return
		}
		changed++
		set(t, events[which], "headers/authorization", "Bearer "+token(string(b)))
		if c, _, err := identify(t, events[which]); err == nil {
			rt.Fatalf("byte %d as %q was let pass: %s gives %+v", at, b[at], b, c)
		}
	})
	if changed < tried/2 { // -short tries fewer
		t.Errorf("only %d of %d payloads differed", changed, tried)
	}
}

// Every bit once, without chance.
func TestEveryFlippedBitIsRefused(t *testing.T) {
	believed := parseDoors(t)
	for _, p := range []string{cognitoAccess, listAudience, webIdentity} {
		event, err := identity.ParseEvent(raw(t, jwtEvent(t, p)))
		if err != nil {
			t.Fatal(err)
		}
		for at := range len(p) {
			for bit := range 7 {
				b := []byte(p)
				b[at] ^= 1 << bit
				if saysTheSame(string(b), p) {
					continue
				}
				event.Headers = identity.Headers{{"authorization", token(string(b))}}
				if _, _, err := believed.Identify(event); err == nil {
					t.Fatalf("bit %d of byte %d was let pass: %s", bit, at, b)
				}
			}
		}
	}
}

// saysTheSame compares two JSON texts by value, with no code of the package's.
func saysTheSame(a, b string) bool {
	read := func(s string) (any, bool) {
		d := json.NewDecoder(strings.NewReader(s))
		d.UseNumber()
		var v any
		err := d.Decode(&v)
		return exact(v), err == nil
	}
	x, ok := read(a)
	if !ok {
		return false
	}
	y, ok := read(b)
	return ok && reflect.DeepEqual(x, y)
}

// exact replaces numbers by fractions in lowest terms.
func exact(v any) any {
	switch v := v.(type) {
	case json.Number:
		if len(v) > 40 || strings.ContainsAny(string(v), "eE") && len(v) > 12 {
			return string(v)
		}
		r, ok := new(big.Rat).SetString(string(v))
		if !ok {
			return string(v)
		}
		return "number " + r.String()
	case []any:
		for i := range v {
			v[i] = exact(v[i])
		}
	case object:
		for k := range v {
			v[k] = exact(v[k])
		}
	}
	return v
}
