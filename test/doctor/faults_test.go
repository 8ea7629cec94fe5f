package doctor_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/doctor"
)

// planted is a fault in what the accounts are made from, and what is to be said
// of it. The door is the HTTP API, the caller billing-service.
type planted struct {
	name  string
	fault fault
	step  string
	cause doctor.Cause
	side  doctor.Side
	says  string // in the candidate, its statement or its allowlist entry
}

var (
	wrongExternalID = fault{edits: []edit{{target, "!If [HasNext, [!Ref ExternalId, !Ref NextExternalId], !Ref ExternalId]", "orders-0000"}}}
	noTagSession    = fault{edits: []edit{{target, "[sts:TagSession, sts:SetSourceIdentity]", "[sts:SetSourceIdentity]"}}}
	noSourceID      = fault{edits: []edit{{target, "[sts:TagSession, sts:SetSourceIdentity]", "[sts:TagSession]"}}}
	brokerNoTags    = fault{edits: []edit{{broker, "[sts:AssumeRole, sts:TagSession, sts:SetSourceIdentity]", "[sts:AssumeRole, sts:SetSourceIdentity]"}}}
	brokerNoSource  = fault{edits: []edit{{broker, "[sts:AssumeRole, sts:TagSession, sts:SetSourceIdentity]", "[sts:AssumeRole, sts:TagSession]"}}}
	otherRole       = fault{edits: []edit{{target, "aws:PrincipalArn: !Split [',', !Ref BrokerRoleArns]", "aws:PrincipalArn: arn:aws:iam::444455556666:role/other"}}}
	wrongAPI        = fault{edits: []edit{{target, "${ApiId}/${Stage}/*", "z9z9z9z9z9/${Stage}/*"}}}
	wrongStage      = fault{edits: []edit{{target, "${ApiId}/${Stage}/*", "${ApiId}/prod/*"}}}
	noExecuteAPI    = fault{edits: []edit{{target, "Action: execute-api:Invoke\n", "Action: execute-api:ManageConnections\n"}}}
	noRule          = fault{edits: []edit{{allowlist, "callers: [billing-service, outsider, shopper]", "callers: [outsider, shopper]"}}}
)

// openRoute lets calls without a signature in, as a route without AWS_IAM does.
func openRoute(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			api.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"orders":[]}`))
	})
}

// answers is a target that answers everybody the same.
func answers(status int, contentType, body string) func(http.Handler) http.Handler {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		})
	}
}

func TestPlanted(t *testing.T) {
	for _, c := range []planted{
		{"clock an hour behind", fault{clock: time.Hour}, doctor.StepClock, doctor.Clock, doctor.Caller, "timedatectl"},
		{"clock an hour ahead", fault{clock: -time.Hour}, doctor.StepClock, doctor.Clock, doctor.Caller, "timedatectl"},
		{"no rule", noRule, doctor.StepRule, doctor.NoRule, doctor.AccountB, "callers: [billing-service]"},
		{"wrong external id", wrongExternalID, doctor.StepAssume, doctor.ExternalID, doctor.AccountA, "sts:ExternalId"},
		{"trust of another role", otherRole, doctor.StepAssume, doctor.TrustPrincipal, doctor.AccountA, "aws:PrincipalArn"},
		{"missing sts:TagSession", noTagSession, doctor.StepAssume, doctor.TrustTags, doctor.AccountA, `"Action":"sts:TagSession"`},
		{"missing sts:SetSourceIdentity", noSourceID, doctor.StepAssume, doctor.TrustSourceID, doctor.AccountA, `"Action":"sts:SetSourceIdentity"`},
		{"broker without sts:TagSession", brokerNoTags, doctor.StepAssume, doctor.BrokerTags, doctor.AccountB, `"sts:TagSession"`},
		{"broker without sts:SetSourceIdentity", brokerNoSource, doctor.StepAssume, doctor.BrokerSourceID, doctor.AccountB, `"sts:SetSourceIdentity"`},
		{"wrong API id", wrongAPI, doctor.StepSigned, doctor.WrongAPI, doctor.AccountA, "execute-api:Invoke"},
		{"wrong stage", wrongStage, doctor.StepSigned, doctor.WrongAPI, doctor.AccountA, "execute-api:Invoke"},
		{"role without execute-api", noExecuteAPI, doctor.StepSigned, doctor.RoleMayNot, doctor.AccountA, "execute-api:Invoke"},
		{"open route", fault{target: openRoute}, doctor.StepUnsigned, doctor.OpenRoute, doctor.AccountA, "AWS_IAM"},
		{"target behind an authorizer for tokens", fault{target: answers(401, "application/json", `{"message":"Unauthorized"}`)}, doctor.StepUnsigned, doctor.OtherAuthorizer, doctor.AccountA, "AWS_IAM"},
		{"target's stage does not exist", fault{target: answers(404, "application/json", `{"message":"Not Found"}`)}, doctor.StepUnsigned, doctor.ListedAPI, doctor.AccountB, "ApiArn"},
		{"HTML at the front door", fault{door: answers(200, "text/html", "<html>Sign in")}, doctor.StepDoor, doctor.ForeignAnswer, doctor.Caller, "proxy"},
		{"redirect at the front door", fault{door: answers(302, "text/html", "")}, doctor.StepDoor, doctor.ForeignAnswer, doctor.Caller, "proxy"},
		{"front door without such a route", fault{door: answers(404, "application/json", `{"message":"Not Found"}`)}, doctor.StepDoor, doctor.WrongURL, doctor.Caller, "IamUrl"},
		{"front door that fails", fault{door: answers(500, "application/json", `{"message":"Internal Server Error"}`)}, doctor.StepDoor, doctor.DoorDown, doctor.AccountB, "permission"},
		{"open front door", fault{edits: []edit{{broker, "AuthorizationType: AWS_IAM", "AuthorizationType: NONE"}}}, doctor.StepDoor, doctor.DoorOpen, doctor.AccountB, "AWS_IAM"},
		{"front door that is not believed", fault{edits: []edit{{broker, "!Sub '${IamApi}=iam'", "''"}}}, doctor.StepIdentity, doctor.DoorUnbelieved, doctor.AccountB, "CREDVEND_FRONT_DOORS"},
		{"caller policy with another action", fault{edits: []edit{{broker, "Sid: AskCredvend\n            Effect: Allow\n            Action: execute-api:Invoke", "Sid: AskCredvend\n            Effect: Allow\n            Action: execute-api:ManageConnections"}}}, doctor.StepIdentity, doctor.MayNotInvoke, doctor.Caller, "execute-api:Invoke"},
		{"function may not be invoked", fault{edits: []edit{{broker, "Principal: apigateway.amazonaws.com", "Principal: elasticloadbalancing.amazonaws.com"}}}, doctor.StepIdentity, doctor.DoorDown, doctor.AccountB, "permission"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := play(t, c.fault)
			o := run(t, w.environment("iam", "billing-service"), "orders")
			found := o.wants(t, c.step, c.cause, c.side)
			said := found.Says + found.Do + found.YAML
			if found.Statement != nil {
				said += found.Statement.Text()
			}
			if !strings.Contains(said, c.says) {
				t.Errorf("%q is not said: %s", c.says, said)
			}
			shows(t, o)
		})
	}
}

// shows tells for the log what was found, and that text and error say it too.
func shows(t *testing.T, o outcome) {
	t.Helper()
	first := o.Wrong()[0]
	var causes []string
	for _, c := range first.Candidates[:min(2, len(first.Candidates))] {
		causes = append(causes, string(c.Cause)+" ("+string(c.Side)+")")
	}
	t.Logf("%s: %s", first.Name, strings.Join(causes, ", "))
	if !strings.Contains(o.stdout, "WRONG    "+first.Name) || !strings.Contains(o.stdout, "1. "+first.Candidates[0].Side.People()) {
		t.Errorf("the text does not say it:\n%s", o.stdout)
	}
	if want := "credvend: the first thing wrong is the " + first.Name; !strings.HasPrefix(lastLine(o.stderr), want) {
		t.Errorf("standard error is %q", o.stderr)
	}
	if testing.Verbose() {
		t.Log("\n" + o.stdout + o.stderr)
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// TestPlantedHere: faults of this machine's configuration, credentials, tokens
// and network, with two healthy accounts.
func TestPlantedHere(t *testing.T) {
	w := play(t, fault{})
	token := func(claims map[string]any) map[string]string {
		all := map[string]any{"sub": "ana", "cognito:groups": []string{"shoppers"}}
		for name, value := range claims {
			all[name] = value
		}
		text, err := w.Token(all)
		if err != nil {
			t.Fatal(err)
		}
		return with(w.environment("jwt", ""), "CREDVEND_PROFILE", "", "CREDVEND_TOKEN", text)
	}
	iam := func(changes ...string) map[string]string {
		return with(w.environment("iam", "billing-service"), changes...)
	}
	id, secret, session := w.World.Profiles["billing-service"].Reveal()
	keys := func(id, secret, session string) map[string]string {
		return iam("CREDVEND_PROFILE", "", "AWS_ACCESS_KEY_ID", id, "AWS_SECRET_ACCESS_KEY", secret, "AWS_SESSION_TOKEN", session)
	}
	tls, plain, closed := tlsServer(t), plainAddress(w.doors["iam"]), closedPort(t)
	for _, c := range []struct {
		name string
		env  map[string]string
		args []string
		step string
		want doctor.Cause
		side doctor.Side
	}{
		{"expired token", token(map[string]any{"iat": time.Now().Add(-2 * time.Hour).Unix(), "exp": time.Now().Add(-time.Hour).Unix()}), nil, doctor.StepToken, doctor.ExpiredToken, doctor.Caller},
		{"token of another audience", token(map[string]any{"aud": "reports-app"}), nil, doctor.StepIdentity, doctor.WrongAudience, doctor.Caller},
		{"token without audience", token(map[string]any{"aud": nil}), nil, doctor.StepToken, doctor.WrongAudience, doctor.Caller},
		{"token of another issuer", token(map[string]any{"iss": "https://elsewhere.example.com"}), nil, doctor.StepIdentity, doctor.WrongIssuer, doctor.Caller},
		{"token of the future", token(map[string]any{"nbf": time.Now().Add(time.Hour).Unix(), "exp": time.Now().Add(2 * time.Hour).Unix()}), nil, doctor.StepToken, doctor.TokenNotYetValid, doctor.Caller},
		{"no token at all", with(token(nil), "CREDVEND_TOKEN", "hunter2-hunter2-hunter2"), nil, doctor.StepToken, doctor.BadToken, doctor.Caller},
		{"token's file missing", with(token(nil), "CREDVEND_TOKEN", "", "CREDVEND_TOKEN_FILE", "/nowhere/token"), nil, doctor.StepToken, doctor.BadToken, doctor.Caller},
		{"token at a door for signatures", with(token(nil), "CREDVEND_URL", w.doors["iam"]), nil, doctor.StepDoor, doctor.WrongDoor, doctor.Caller},
		{"token of nobody on the list", token(map[string]any{"cognito:groups": []string{"guests"}}), nil, doctor.StepRule, doctor.NoCaller, doctor.AccountB},
		{"signature at the door for tokens", iam("CREDVEND_URL", w.doors["jwt"]), nil, doctor.StepDoor, doctor.WrongDoor, doctor.Caller},
		{"function URL as execute-api", iam("CREDVEND_URL", w.doors["url"]), nil, doctor.StepDoor, doctor.WrongService, doctor.Caller},
		{"HTTP API as lambda", iam("CREDVEND_SERVICE", "lambda"), nil, doctor.StepDoor, doctor.WrongService, doctor.Caller},
		{"another region", iam("CREDVEND_REGION", "eu-west-1"), nil, doctor.StepIdentity, doctor.RegionMismatch, doctor.Caller},
		{"another region than the URL's", iam("CREDVEND_URL", "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com", "CREDVEND_REGION", "us-east-1"), nil, doctor.StepConfig, doctor.RegionMismatch, doctor.Caller},
		{"another service than the URL's", iam("CREDVEND_URL", "https://abcdefgh.lambda-url.eu-west-1.on.aws", "CREDVEND_SERVICE", "execute-api"), nil, doctor.StepConfig, doctor.WrongService, doctor.Caller},
		{"URL with a path too many", iam("CREDVEND_URL", w.doors["iam"]+"/credvend"), nil, doctor.StepIdentity, doctor.WrongURL, doctor.Caller},
		{"REST API with another stage", iam("CREDVEND_URL", strings.TrimSuffix(w.doors["rest"], "/prod")+"/live"), nil, doctor.StepDoor, doctor.WrongURL, doctor.Caller},
		{"stranger", iam("CREDVEND_PROFILE", "stranger"), nil, doctor.StepRule, doctor.NoCaller, doctor.AccountB},
		{"another account at the HTTP API", iam("CREDVEND_PROFILE", "outsider"), nil, doctor.StepIdentity, doctor.OtherAccount, doctor.Caller},
		{"no such target", iam(), []string{"order"}, doctor.StepRule, doctor.UnknownTarget, doctor.Caller},
		{"no such profile", iam("CREDVEND_PROFILE", "nobody"), nil, doctor.StepConfig, doctor.ProfileMissing, doctor.Caller},
		{"no URL", iam("CREDVEND_URL", ""), nil, doctor.StepConfig, doctor.BadConfig, doctor.Caller},
		{"plain http", iam("CREDVEND_URL", "http://vend.example.com"), nil, doctor.StepConfig, doctor.BadConfig, doctor.Caller},
		{"no credentials", with(iam("CREDVEND_PROFILE", "", "AWS_CONFIG_FILE", "/nowhere", "AWS_SHARED_CREDENTIALS_FILE", "/nowhere")), nil, doctor.StepCredentials, doctor.NoCredentials, doctor.Caller},
		{"expired SSO sign-in", iam("CREDVEND_PROFILE", "sso", "AWS_CONFIG_FILE", ssoConfig(t)), nil, doctor.StepCredentials, doctor.LoginExpired, doctor.Caller},
		{"a profile that vends", iam("CREDVEND_PROFILE", "orders"), nil, doctor.StepConfig, doctor.VendedCredentials, doctor.Caller},
		{"wrong secret key", keys(id, "EXAMPLE0"+secret[8:], session), nil, doctor.StepIdentity, doctor.WrongSecret, doctor.Caller},
		{"unknown access key", keys("ASIANOBODYSKEY000000", secret, session), nil, doctor.StepIdentity, doctor.UnknownKey, doctor.Caller},
		{"unreachable", iam("CREDVEND_URL", closed), nil, doctor.StepDoor, doctor.WrongURL, doctor.Caller},
		{"no such host", iam("CREDVEND_URL", "https://vend.invalid"), []string{"--timeout", "5s"}, doctor.StepDoor, doctor.NoSuchHost, doctor.Caller},
		{"untrusted certificate", iam("CREDVEND_URL", tls), nil, doctor.StepDoor, doctor.Certificate, doctor.Caller},
		{"https of plain http", iam("CREDVEND_URL", "https://"+plain), nil, doctor.StepDoor, doctor.WrongURL, doctor.Caller},
		{"no answer", iam("CREDVEND_URL", hanging(t)), []string{"--timeout", "3s"}, doctor.StepDoor, doctor.Network, doctor.Caller},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := run(t, c.env, append(slices.Clone(c.args), targetOf(c.args)...)...)
			o.wants(t, c.step, c.want, c.side)
			shows(t, o)
			if c.name == "no answer" && !strings.HasPrefix(o.stderr, "credvend: waiting for the front door, up to 3s…\n") {
				t.Errorf("nothing is told while it waits: %q", o.stderr)
			}
		})
	}
}

// targetOf is orders, unless the arguments begin with another.
func targetOf(args []string) []string {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		return nil
	}
	return []string{"orders"}
}

// TestVendedShell: after eval "$(credvend get orders --output env)" the shell's
// credentials cannot vend; also where the marker that says so is gone.
func TestVendedShell(t *testing.T) {
	w := play(t, fault{})
	vended := vend(t, w.environment("iam", "billing-service"))
	env := with(w.environment("iam", ""), "CREDVEND_PROFILE", "")
	for name, value := range vended {
		env[name] = value
	}
	o := run(t, env, "orders")
	o.wants(t, doctor.StepConfig, doctor.VendedCredentials, doctor.Caller)
	delete(env, "CREDVEND_VENDED")
	o = run(t, env, "orders")
	o.wants(t, doctor.StepIdentity, doctor.VendedCredentials, doctor.Caller)
	shows(t, o)
}
