package deploy

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/local/iam"
)

const (
	roleA = "arn:aws:iam::111122223333:role/orders-invoke"
	roleB = "arn:aws:iam::444455556666:role/credvend-broker"
)

var (
	siteA = Site{"aws", "us-east-1", "111122223333"}
	siteB = Site{"aws", "us-east-1", "444455556666"}
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../../" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func parse(t *testing.T, name, text string) *Template {
	t.Helper()
	template, err := Parse(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return template
}

// brokerOptions open every door.
func brokerOptions() Options {
	return Options{Site: siteB, Name: "credvend", Parameters: map[string]string{
		"TargetRoleArns": roleA, "IamDoor": "on", "JwtIssuer": "https://issuer.example.com", "JwtAudience": "orders-app", "CorsOrigins": "https://shop.example.com",
		"FunctionUrl": "on", "ReservedConcurrency": "20", "RestApi": "on", "AdmittedAccounts": "777788889999",
	}}
}

func targetOptions() TargetOptions {
	return TargetOptions{Role: roleA, Options: Options{Site: siteA, Name: "credvend-target-orders", Parameters: map[string]string{
		"ApiId": "a1b2c3d4e5", "ExternalId": "orders-7f3c9a", "BrokerRoleArns": roleB,
	}}}
}

func deployBroker(t *testing.T, text string) (*Stack, error) {
	t.Helper()
	return parse(t, "template.yaml", text).Deploy(brokerOptions())
}

// TestBroker: what the real template makes.
func TestBroker(t *testing.T) {
	s, err := deployBroker(t, read(t, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	f := s.Function
	if f.ARN != "arn:aws:lambda:us-east-1:444455556666:function:credvend-vend" || f.Role != roleB || f.Timeout.Seconds() != 10 || f.MemoryMB != 256 || f.Concurrency != 20 {
		t.Errorf("the function: %+v", f)
	}
	if len(s.HTTPAPIs) != 2 || len(s.RESTAPIs) != 1 || len(s.URLs) != 1 {
		t.Fatalf("doors: %d HTTP, %d REST, %d URLs", len(s.HTTPAPIs), len(s.RESTAPIs), len(s.URLs))
	}
	for _, door := range []struct {
		id           string
		stage        string
		routes, want int
	}{{s.HTTPAPIs[0].ID, s.HTTPAPIs[0].Stage, len(s.HTTPAPIs[0].Routes), 5}, {s.HTTPAPIs[1].ID, s.HTTPAPIs[1].Stage, len(s.HTTPAPIs[1].Routes), 16}, {s.RESTAPIs[0].ID, s.RESTAPIs[0].Stage, len(s.RESTAPIs[0].Methods), 4}} {
		if !regexp.MustCompile(`^[a-z0-9]{10}$`).MatchString(door.id) || door.routes != door.want || door.stage != "$default" && door.stage != "prod" {
			t.Errorf("door %+v", door)
		}
		if !s.HasDoor(door.id) {
			t.Errorf("the stack does not know its door %s", door.id)
		}
	}
	if s.HasDoor("a1b2c3d4e5") || s.HasDoor("") {
		t.Error("it knows doors that are none")
	}
	jwt := s.HTTPAPIs[1]
	if a := jwt.Routes[0].Authorizer; a == nil || a.Issuer != "https://issuer.example.com" || !slices.Equal(a.Audience, []string{"orders-app"}) || a.IdentitySource != "$request.header.Authorization" {
		t.Errorf("the JWT authorizer: %+v", a)
	}
	if jwt.CORS == nil || jwt.CORS.Origins[0] != "https://shop.example.com" || jwt.CORS.Credentials {
		t.Errorf("CORS: %+v", jwt.CORS)
	}
	if api := s.HTTPAPIs[0]; api.CORS != nil || *api.Throttle != (Throttle{50, 100}) {
		t.Errorf("the IAM door: %+v", api)
	}
	for _, r := range append(slices.Clone(s.HTTPAPIs[0].Routes), jwt.Routes...) {
		if r.Open {
			t.Errorf("%s is open", r.Key)
		}
	}
	for _, m := range s.RESTAPIs[0].Methods {
		if m.Open || m.Mistaken != "" {
			t.Errorf("%+v", m)
		}
	}
}

// TestSameIDs: what AWS makes up is the same in each run, and two stacks differ.
func TestSameIDs(t *testing.T) {
	text := read(t, "template.yaml")
	first, err := deployBroker(t, text)
	if err != nil {
		t.Fatal(err)
	}
	again, err := deployBroker(t, text)
	if err != nil {
		t.Fatal(err)
	}
	o := brokerOptions()
	o.Name = "other"
	other, err := parse(t, "template.yaml", text).Deploy(o)
	if err != nil {
		t.Fatal(err)
	}
	o = brokerOptions()
	o.IDs = map[string]string{"IamApi": "b1iamapi00"}
	given, err := parse(t, "template.yaml", text).Deploy(o)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := fmt.Sprint(first.Outputs), fmt.Sprint(again.Outputs); a != b {
		t.Errorf("outputs differ:\n%s\n%s", a, b)
	}
	if first.Outputs["IamUrl"] == other.Outputs["IamUrl"] {
		t.Error("two stacks have one API")
	}
	if given.Outputs["IamUrl"] != "https://b1iamapi00.execute-api.us-east-1.amazonaws.com" || given.HTTPAPI("b1iamapi00") == nil {
		t.Errorf("the given id is not taken: %s", given.Outputs["IamUrl"])
	}
}

// TestPermissions: the resource policy that the permissions make, by what it
// lets and does not let.
func TestPermissions(t *testing.T) {
	s, err := deployBroker(t, read(t, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	policy, err := s.Function.Policy()
	if err != nil {
		t.Fatal(err)
	}
	iamAPI, jwtAPI, rest := s.HTTPAPIs[0].ID, s.HTTPAPIs[1].ID, s.RESTAPIs[0].ID
	for _, c := range []struct {
		name string
		uri  string
		from Source
		want bool
	}{
		{"a route of the IAM door", s.Function.ARN, Source{iamAPI, "$default", "GET", "/v1/credentials/{target}"}, true},
		{"a method of the REST API", s.Function.ARN, Source{rest, "prod", "POST", "/v1/credentials"}, true},
		{"another stage of the REST API", s.Function.ARN, Source{rest, "test", "POST", "/v1/credentials"}, false},
		{"another path of the REST API", s.Function.ARN, Source{rest, "prod", "GET", "/v2/whoami"}, false},
		{"the catch-all route", s.Function.ARN, Source{iamAPI, "$default", "$default", ""}, true},
		{"a greedy route of the JWT door", s.Function.ARN, Source{jwtAPI, "$default", "DELETE", "/{proxy+}"}, true},
		{"the root of the JWT door", s.Function.ARN, Source{jwtAPI, "$default", "GET", "/"}, true},
		{"another stage of the IAM door", s.Function.ARN, Source{iamAPI, "test", "$default", ""}, false},
		{"the catch-all route of another API", s.Function.ARN, Source{"a1b2c3d4e5", "$default", "$default", ""}, false},
		{"another API", s.Function.ARN, Source{"a1b2c3d4e5", "$default", "GET", "/v1/whoami"}, false},
		{"another function", s.Function.ARN + "2", Source{iamAPI, "$default", "GET", "/v1/whoami"}, false},
	} {
		if err := s.Function.Invocable(policy, c.uri, c.from); (err == nil) != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	who := &iam.Principal{
		ARN: "arn:aws:sts::777788889999:assumed-role/outsider/x", Account: "777788889999", RoleARN: "arn:aws:iam::777788889999:role/outsider", UserID: "AROAEXAMPLEOUTSIDER0:x",
		Policies: []*iam.Policy{mustPolicy(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"lambda:*","Resource":"*"}}`)},
	}
	for _, c := range []struct {
		action string
		ctx    iam.Context
		want   bool
	}{
		{"lambda:InvokeFunctionUrl", iam.Context{"lambda:functionurlauthtype": {"AWS_IAM"}}, true},
		{"lambda:InvokeFunctionUrl", iam.Context{"lambda:functionurlauthtype": {"NONE"}}, false},
		{"lambda:InvokeFunction", iam.Context{"lambda:invokedviafunctionurl": {"true"}}, true},
		{"lambda:InvokeFunction", nil, false}, // it could write its own events
		{"lambda:UpdateFunctionCode", nil, false},
	} {
		if got := iam.Evaluate(who, policy, siteB.Account, iam.Request{Action: c.action, Resource: s.Function.ARN, Context: c.ctx}); got.Allowed != c.want {
			t.Errorf("%s %v: %+v", c.action, c.ctx, got)
		}
	}
}

func mustPolicy(t *testing.T, text string) *iam.Policy {
	t.Helper()
	p, err := iam.ParsePolicy([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestNothingIsPassedOver: a property that nobody knows, in any resource that
// is played, is an error that names both.
func TestNothingIsPassedOver(t *testing.T) {
	for _, file := range []string{"template.yaml", "accounts/target.yaml"} {
		text := read(t, file)
		tried := 0
		entry := regexp.MustCompile(`(?m)^  ([A-Za-z0-9]+):\n    Type: (AWS::[A-Za-z0-9:]+)\n(?:    .*\n)*?    Properties:\n`)
		for _, m := range entry.FindAllStringSubmatchIndex(text, -1) {
			id, kind := text[m[2]:m[3]], text[m[4]:m[5]]
			if _, played := kinds[kind]; !played || regexp.MustCompile(`^Url(Caller|Invoke)[2-5]$`).MatchString(id) { // those are not made
				continue
			}
			tried++
			planted := text[:m[1]] + "      Bogus: {A: b}\n" + text[m[1]:]
			var err error
			if file == "template.yaml" {
				_, err = deployBroker(t, planted)
			} else {
				_, err = parse(t, file, planted).DeployTarget(targetOptions())
			}
			if err == nil || !strings.Contains(err.Error(), "Resources."+id+":") || !strings.Contains(err.Error(), "Bogus") {
				t.Errorf("%s %s: %v", file, id, err)
			}
		}
		if tried == 0 {
			t.Errorf("%s: no resource was tried", file)
		}
	}
}
