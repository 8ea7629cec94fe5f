package minimal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/credvend/credvend/api"
	"github.com/credvend/credvend/bench/minimal"
)

const (
	role   = "arn:aws:iam::111122223333:role/orders-invoke"
	caller = "arn:aws:sts::444455556666:assumed-role/billing-service"
)

type issuer struct {
	refuses bool
	asked   []*sts.AssumeRoleInput
}

func (i *issuer) AssumeRole(_ context.Context, in *sts.AssumeRoleInput, _ ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	i.asked = append(i.asked, in)
	if i.refuses {
		return nil, errors.New("AccessDenied")
	}
	return &sts.AssumeRoleOutput{Credentials: &types.Credentials{
		AccessKeyId: aws.String("ASIAEXAMPLE000000001"), SecretAccessKey: aws.String("PLANTEDkey"), SessionToken: aws.String("PLANTEDtoken"),
		Expiration: aws.Time(time.Now().Add(30 * time.Minute)),
	}}, nil
}

func event(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "events", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// ask invokes the handler, and returns the answer, its body and the log.
func ask(t *testing.T, i *issuer, event []byte) (status int, body []byte, log string) {
	t.Helper()
	var lines bytes.Buffer
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "00000000-1111-2222-3333-444444444444"})
	raw, err := minimal.New(i, &lines, role, caller).Invoke(ctx, event)
	if err != nil {
		t.Fatal(err)
	}
	var answer events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, []byte(answer.Body), lines.String()
}

// TestVendsAsCredvendDoes: what credvend's figures stand beside does a vend's
// work: a narrowed role, two lines of log, an answer with all that ours has.
func TestVendsAsCredvendDoes(t *testing.T) {
	i := &issuer{}
	status, body, log := ask(t, i, event(t, "http-api-iam-vend"))
	if status != 200 || len(i.asked) != 1 || aws.ToString(i.asked[0].RoleArn) != role || !json.Valid([]byte(aws.ToString(i.asked[0].Policy))) {
		t.Fatalf("%d %v", status, i.asked)
	}
	if n := strings.Count(log, "\n"); n != 2 || strings.Contains(log, "PLANTED") {
		t.Errorf("%d lines:\n%s", n, log)
	}
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	ours, err := api.Credentials{}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]any
	if err := json.Unmarshal(ours, &want); err != nil {
		t.Fatal(err)
	}
	for part, pair := range map[string][2]map[string]any{"the answer": {got, want}, "its grant": {object(got["Grant"]), object(want["Grant"])}} {
		if a, b := slices.Sorted(maps.Keys(pair[0])), slices.Sorted(maps.Keys(pair[1])); !slices.Equal(a, b) {
			t.Errorf("%s has %v, and credvend's %v", part, a, b)
		}
	}
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func TestRefuses(t *testing.T) {
	vend := string(event(t, "http-api-iam-vend"))
	for name, c := range map[string]struct {
		event   string
		refuses bool
		status  int
		calls   int
	}{
		"a stranger":          {string(event(t, "http-api-iam-stranger")), false, 403, 0},
		"nobody":              {string(event(t, "http-api-iam-no-authorizer")), false, 401, 0},
		"a longer role name":  {strings.ReplaceAll(vend, "billing-service/", "billing-service-x/"), false, 403, 0},
		"another target":      {strings.ReplaceAll(vend, `{\"target\":\"orders\"}`, `{\"target\":\"reports\"}`), false, 400, 0},
		"no JSON":             {strings.ReplaceAll(vend, `{\"target\":\"orders\"}`, `target=orders`), false, 400, 0},
		"another path":        {strings.ReplaceAll(vend, "/v1/credentials", "/v1/secrets"), false, 404, 0},
		"whom STS refuses it": {vend, true, 502, 1},
	} {
		i := &issuer{refuses: c.refuses}
		status, body, _ := ask(t, i, []byte(c.event))
		if status != c.status || len(i.asked) != c.calls || bytes.Contains(body, []byte("PLANTED")) {
			t.Errorf("%s: %d after %d calls, want %d after %d", name, status, len(i.asked), c.status, c.calls)
		}
	}
}
