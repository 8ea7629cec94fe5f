package hotpath

import (
	"github.com/credvend/credvend/internal/allowlist"
)

const (
	issuer   = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Example"
	audience = "1example23456789"
	account  = "444455556666"
)

// orders is the target of every list here.
var orders = allowlist.Target{
	Role:       "arn:aws:iam::111122223333:role/orders-invoke",
	API:        "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default",
	ExternalID: "orders-7f3c9a",
}

// Document is the list under which the handler and the service run: the
// design's, with a caller of each kind and a rule that denies.
func Document() *allowlist.Document {
	return &allowlist.Document{
		Version: allowlist.Version,
		Targets: map[string]allowlist.Target{"orders": orders},
		Callers: map[string]allowlist.Caller{
			"billing-service": {
				IAM:  &allowlist.IAMCaller{Role: "arn:aws:iam::" + account + ":role/billing-service", RoleID: "AROAEXAMPLEBILLING00"},
				Tags: map[string]string{"team": "billing"},
			},
			"ci":                {IAM: &allowlist.IAMCaller{Role: "arn:aws:iam::" + account + ":role/ci-*"}},
			"analytics-account": {IAM: &allowlist.IAMCaller{Account: "777788889999"}},
			"shopper": {JWT: &allowlist.JWTCaller{
				Issuer: issuer, Audience: audience, Claims: map[string][]string{"cognito:groups": {"shoppers"}},
			}},
		},
		Rules: []allowlist.Rule{
			{ID: "billing-reads-orders", Callers: []string{"billing-service"}, Target: "orders", Routes: []string{"GET /orders", "GET /orders/*"}, MaxDuration: "30m"},
			{ID: "shoppers-see-their-own", Callers: []string{"shopper"}, Target: "orders", Routes: []string{"GET /users/${claims.sub}/*"}},
			{ID: "nobody-deletes", Effect: allowlist.Deny, Callers: []string{"*"}, Target: "orders", Routes: []string{"DELETE /*"}},
		},
	}
}
