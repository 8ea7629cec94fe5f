package api_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/credvend/credvend/api"
)

func credentials() api.Credentials {
	return api.Credentials{
		Version: api.CredentialProcessVersion, AccessKeyID: "ASIAEXAMPLE000000001",
		SecretAccessKey: api.NewSecret("EXAMPLE/secret+key"), SessionToken: api.NewSecret("EXAMPLEtoken=="), Token: api.NewSecret("EXAMPLEtoken=="),
		Expiration: time.Date(2026, 11, 22, 12, 30, 0, 0, time.UTC), AccountID: "111122223333", RoleARN: "arn:aws:iam::111122223333:role/orders-invoke",
		Grant: api.Grant{
			RequestID: "id", Receipt: "receipt", Caller: "billing-service", Target: "orders", Endpoint: "https://orders.example.com", Region: "us-east-1",
			Routes: []string{"GET /orders/*"}, DeniedRoutes: []string{"DELETE /*"}, Rules: []string{"billing-reads-orders"},
			RequestedSeconds: 3600, GrantedSeconds: 1800, DurationLimitedBy: "rule billing-reads-orders",
			RefreshAfter: time.Date(2026, 11, 22, 12, 12, 41, 0, time.UTC), ServerTime: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), PackedPolicyPercent: 14,
		},
	}
}

// encoded is credentials() as the design's section 6 writes it.
const encoded = `{
  "Version": 1,
  "AccessKeyId": "ASIAEXAMPLE000000001",
  "SecretAccessKey": "EXAMPLE/secret+key",
  "SessionToken": "EXAMPLEtoken==",
  "Token": "EXAMPLEtoken==",
  "Expiration": "2026-11-22T12:30:00Z",
  "AccountId": "111122223333",
  "RoleArn": "arn:aws:iam::111122223333:role/orders-invoke",
  "Grant": {
    "requestId": "id",
    "receipt": "receipt",
    "reused": false,
    "caller": "billing-service",
    "target": "orders",
    "endpoint": "https://orders.example.com",
    "region": "us-east-1",
    "routes": [
      "GET /orders/*"
    ],
    "deniedRoutes": [
      "DELETE /*"
    ],
    "rules": [
      "billing-reads-orders"
    ],
    "requestedSeconds": 3600,
    "grantedSeconds": 1800,
    "durationLimitedBy": "rule billing-reads-orders",
    "refreshAfter": "2026-11-22T12:12:41Z",
    "serverTime": "2026-11-22T12:00:00Z",
    "packedPolicyPercent": 14
  }
}`

func TestEncode(t *testing.T) {
	raw, err := credentials().Encode()
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := json.Indent(&got, raw, "", "  "); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(encoded, got.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	plain, err := json.Marshal(credentials())
	if err != nil {
		t.Fatal(err)
	}
	redacted := strings.NewReplacer("EXAMPLE/secret+key", "[redacted]", "EXAMPLEtoken==", "[redacted]").Replace(string(raw))
	if string(plain) != redacted {
		t.Errorf("any other encoding differs by more than its secrets:\n%s\n%s", plain, redacted)
	}
}

// TestClientsRead: what is written is what clients read.
func TestClientsRead(t *testing.T) {
	raw, err := credentials().Encode()
	if err != nil {
		t.Fatal(err)
	}
	var got api.Credentials
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	again, err := got.Encode()
	if err != nil || !bytes.Equal(raw, again) {
		t.Errorf("%v\n%s\n%s", err, raw, again)
	}
	if got.SecretAccessKey.Reveal() != "EXAMPLE/secret+key" || got.SessionToken.Reveal() != got.Token.Reveal() {
		t.Error("the secrets were not read")
	}
}

func TestNewError(t *testing.T) {
	raw, err := json.Marshal(api.NewError("denied", "no", "id"))
	if want := `{"code":"denied","message":"no","Code":"denied","Message":"no","requestId":"id"}`; err != nil || string(raw) != want {
		t.Errorf("%v %s, want %s", err, raw, want)
	}
	// encoding/json matches names whatever their case, so each of the four must
	// find its own field.
	var e api.Error
	if err := json.Unmarshal([]byte(`{"code":"a","message":"b","Code":"c","Message":"d"}`), &e); err != nil || e.Code != "a" || e.Message != "b" || e.CodeAWS != "c" || e.MessageAWS != "d" {
		t.Errorf("%v %+v", err, e)
	}
}
