package vendtest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/credvend/credvend/api"
	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
	"github.com/credvend/credvend/internal/vendtest"
)

// TestContractIsValid: the document is OpenAPI, its examples fit its schemas.
func TestContractIsValid(t *testing.T) {
	doc, err := vendtest.Contract()
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation(), openapi3.EnableSchemaPatternValidation()); err != nil {
		t.Fatal(err)
	}
	want := []string{"GET /v1/credentials/{target}", "GET /v1/targets", "GET /v1/whoami", "POST /v1/credentials"}
	var got []string
	for _, path := range doc.Paths.InMatchingOrder() {
		for method := range doc.Paths.Value(path).Operations() {
			got = append(got, method+" "+path)
		}
	}
	if len(got) != len(want) {
		t.Errorf("operations %q", got)
	}
	for _, op := range want {
		if !strings.Contains(strings.Join(got, "\n"), op) {
			t.Errorf("no operation %s", op)
		}
	}
}

// TestEverySchemaIsClosed: a field that is not documented must fail, so no
// object may take others.
func TestEverySchemaIsClosed(t *testing.T) {
	doc, err := vendtest.Contract()
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range doc.Components.Schemas {
		if !s.Value.Type.Is("object") {
			continue
		}
		if closed := s.Value.AdditionalProperties.Has; closed == nil || *closed {
			t.Errorf("schema %s takes undocumented fields", name)
		}
	}
}

// TestContractAgreesWithCode: limits stand in the code and in the document, and
// the document's requests are ones that the service reads.
func TestContractAgreesWithCode(t *testing.T) {
	doc, err := vendtest.Contract()
	if err != nil {
		t.Fatal(err)
	}
	schemas := doc.Components.Schemas
	if d := schemas["DurationSeconds"].Value; *d.Min != api.MinDurationSeconds || *d.Max != api.MaxDurationSeconds {
		t.Error("the limits of durationSeconds differ")
	}
	if n := schemas["CredentialsRequest"].Value.Properties["routes"].Value.MaxItems; *n != api.MaxRoutes {
		t.Errorf("%d routes", *n)
	}
	if n := *schemas["Route"].Value.MaxLength; n != route.MaxLength {
		t.Errorf("routes of %d characters", n)
	}
	var codes []any
	for _, k := range fault.Kinds() {
		codes = append(codes, k.Code())
	}
	if got := schemas["Error"].Value.Properties["code"].Value.Enum; len(got) != len(codes) {
		t.Errorf("codes %v, want %v", got, codes)
	}
	for name, example := range doc.Paths.Value("/v1/credentials").Post.RequestBody.Value.Content["application/json"].Examples {
		raw, err := json.Marshal(example.Value.Value)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := api.DecodeCredentialsRequest(raw); err != nil {
			t.Errorf("example %s: %v", name, err)
		}
	}
}

// TestContractCatches: the check that all tests rely on can fail.
func TestContractCatches(t *testing.T) {
	h := vendtest.New(t, vendtest.Options{})
	event := vendtest.IAM("a1b2c3", vendtest.Billing(), vendtest.Ask(`{"target":"orders"}`)).Bytes()
	good := h.Invoke(t, event)
	bad := h.Invoke(t, vendtest.IAM("a1b2c3", vendtest.Billing(), vendtest.Ask(`{`)).Bytes())
	for name, c := range map[string]struct {
		event []byte
		bend  func(a *vendtest.Answer)
		from  vendtest.Answer
	}{
		"an undocumented field":       {event, func(a *vendtest.Answer) { a.Text = strings.Replace(a.Text, `{`, `{"Debug":1,`, 1) }, good},
		"an undocumented grant field": {event, func(a *vendtest.Answer) { a.Text = strings.Replace(a.Text, `"reused"`, `"also":1,"reused"`, 1) }, good},
		"a missing field":             {event, func(a *vendtest.Answer) { a.Text = strings.Replace(a.Text, `"reused":false,`, ``, 1) }, good},
		"null for a list":             {event, func(a *vendtest.Answer) { a.Text = strings.Replace(a.Text, `["DELETE /*"]`, `null`, 1) }, good},
		"a fraction of a second":      {event, func(a *vendtest.Answer) { a.Text = strings.Replace(a.Text, `00:00Z`, `00:00.5Z`, 1) }, good},
		"an undocumented status":      {event, func(a *vendtest.Answer) { a.Status = 418 }, bad},
		"a status of another error":   {event, func(a *vendtest.Answer) { a.Status = 403 }, bad},
		"no requestId":                {event, func(a *vendtest.Answer) { a.Text = strings.Replace(a.Text, vendtest.RequestID, ``, 1) }, bad},
		"an undocumented header":      {event, func(a *vendtest.Answer) { a.Headers["Set-Cookie"] = "x" }, bad},
		"a header missing":            {event, func(a *vendtest.Answer) { delete(a.Headers, "Cache-Control") }, bad},
		"a header with another value": {event, func(a *vendtest.Answer) { a.Headers["Cache-Control"] = "no-cache" }, bad},
		"unavailable without a wait": {event, func(a *vendtest.Answer) {
			a.Status = 503
			a.Text = strings.ReplaceAll(a.Text, "invalid_request", "unavailable")
		}, bad},
		"an answer to nobody": {[]byte(`null`), func(*vendtest.Answer) {}, bad},
	} {
		t.Run(name, func(t *testing.T) {
			a := c.from
			a.Headers = map[string]string{}
			for k, v := range c.from.Headers {
				a.Headers[k] = v
			}
			if err := vendtest.CheckContract(h.Doors, c.event, a); err != nil && name != "an answer to nobody" {
				t.Fatalf("before it was bent: %v", err)
			}
			before := a.Text
			c.bend(&a)
			err := vendtest.CheckContract(h.Doors, c.event, a)
			if err == nil {
				t.Error("not caught")
			}
			if a.Text == before && strings.Contains(name, "field") {
				t.Error("the case bends nothing")
			}
			if err != nil && len(vendtest.Leaks(err.Error())) > 0 {
				t.Errorf("the check quotes secrets: %v", err)
			}
		})
	}
}

func TestDoorsOfTheHarness(t *testing.T) {
	doors, err := identity.ParseDoors(vendtest.FrontDoors)
	if err != nil || len(doors) != 4 {
		t.Fatalf("%v %v", doors, err)
	}
}
