package analysis

import (
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/scope"
)

func TestJSONCaller(t *testing.T) {
	const claims = `{"iss":"https://idp.example.com","aud":["a","b"],"sub":"ana","group":["x","y z"],"n":1e3,"ok":true,"none":null,"deep":{"a":[1,{"b":"<&>"}]},"mixed":[1,null,"s"]}`
	c, err := JSONCaller([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	if c.Kind != identity.JWT || c.Subject != "ana" || strings.Join(c.Audiences, " ") != "a b" || !c.Claims["group"].Has("y z") || c.Claims["deep"].Values != nil || !c.Claims["ok"].Has("true") {
		t.Errorf("%+v", c)
	}
	for name, tt := range map[string]struct{ in, want string }{
		"no JSON":         {"ana", "it is no JSON object of either form"},
		"a list":          {"[]", "it is no JSON object of either form"},
		"nothing":         {"", "it is no JSON object of either form"},
		"no issuer":       {`{"sub":"a","aud":"b"}`, "claim iss is not a non-empty string"},
		"no audience":     {`{"iss":"i","sub":"a"}`, "audience is no non-empty string"},
		"twice":           {`{"iss":"i","sub":"a","sub":"b","aud":"c"}`, "a repeated key"},
		"no event":        {`{"requestContext":{}}`, "the shape of no front door"},
		"payload 1.0":     {`{"version":"1.0","requestContext":{"apiId":"a"}}`, "payload format 1.0"},
		"no identity":     {`{"version":"2.0","rawPath":"/","requestContext":{"apiId":"a","http":{"method":"GET"}}}`, "no identity verified by iam"},
		"two authorizers": {`{"version":"2.0","rawPath":"/","requestContext":{"apiId":"a","http":{"method":"GET"},"authorizer":{"iam":{},"jwt":{}}}}`, "another authorizer's block"},
	} {
		if _, err := JSONCaller([]byte(tt.in)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestARNCaller(t *testing.T) {
	c, err := ARNCaller("arn:aws:sts::444455556666:assumed-role/r/s", "AROAEXAMPLEBILLING00")
	if err != nil || c.Principal.Canonical() != "arn:aws:iam::444455556666:role/r" || c.Subject != "s" || c.UniqueID == "" {
		t.Errorf("%+v %v", c, err)
	}
	for _, id := range []string{"AIDAEXAMPLEOPERATOR0", "AROA", "x"} {
		if _, err := ARNCaller("arn:aws:iam::444455556666:role/r", id); err == nil {
			t.Errorf("%s is taken", id)
		}
	}
}

func FuzzJSONCaller(f *testing.F) {
	f.Add([]byte(`{"iss":"i","sub":"a","aud":"b","x":[1,"[a b]",null,{"y":1e400}]}`))
	f.Add([]byte(`{"version":"2.0","rawPath":"/","requestContext":{"apiId":"a","http":{"method":"GET"},"authorizer":{"jwt":{"claims":{}}}}}`))
	f.Add([]byte(`{"resource":"/","requestContext":{"apiId":"a","identity":{}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := JSONCaller(raw)
		if (err == nil) != (c.Kind != identity.NoKind) {
			t.Errorf("%+v beside %v", c, err)
		}
	})
}

// The estimate is no more than a guess, but it grows with what is sent.
func TestSizes(t *testing.T) {
	small := SizesOf(`{"Version":"2012-10-17"}`, nil)
	tagged := SizesOf(`{"Version":"2012-10-17"}`, []scope.Tag{{Key: "k", Value: strings.Repeat("v", 250)}})
	if small.PolicyCharacters != 24 || small.PolicyLimit != 2048 || small.PackedPercentEstimate > 10 || tagged.PackedPercentEstimate < small.PackedPercentEstimate+50 || tagged.Tags != 1 {
		t.Errorf("%+v %+v", small, tagged)
	}
}
