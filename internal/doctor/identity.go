package doctor

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/credvend/credvend/api"
)

// STS is what STS says of who signs; it is asked only when the door refused.
// Unlike a front door, it tells why.
type STS struct {
	ARN     string // who it is
	Code    string // else, the code of its refusal
	Message string
}

// IdentityFacts are what a proven call to /v1/whoami showed.
type IdentityFacts struct {
	Door      Door
	Answer    Answer     // the refusal; its Status is 200 where WhoAmI is the answer
	WhoAmI    api.WhoAmI // who credvend takes the caller for
	Skew      time.Duration
	SkewKnown bool
	Token     *Token // nil: the caller signs
	Now       time.Time
	STS       *STS // nil: not asked, or not heard
}

func (f IdentityFacts) clockIsOff() bool {
	return f.SkewKnown && (f.Skew >= maxSkew || f.Skew <= -maxSkew)
}

func (f IdentityFacts) clock() Candidate {
	return Candidate{Cause: Clock, Side: Caller, Says: "this machine's clock is wrong, so that AWS takes its signatures for old or forged ones", Do: "set the clock: timedatectl set-ntp true, or w32tm /resync"}
}

// Identity judges whether the front door and credvend know the caller.
func Identity(f IdentityFacts) Step {
	if f.Answer.Err != nil {
		return Reach(StepIdentity, f.Door.URL, f.Answer.Err, Caller)
	}
	if f.Answer.Status == http.StatusOK {
		return known(f.WhoAmI)
	}
	text, ours, isOurs := said(f.Answer.Body)
	switch {
	case isOurs:
		return byCredvend(f, ours)
	case f.Token != nil && (f.Answer.Status == http.StatusUnauthorized || f.Answer.Status == http.StatusForbidden):
		return tokenRefused(f)
	case f.Answer.Status == http.StatusForbidden || f.Answer.Status == http.StatusUnauthorized:
		return signatureRefused(f, text)
	default:
		_, step := FrontDoor(f.Door, f.Answer)
		step.Name, step.Says = StepIdentity, "with proof of who calls, "+step.Says
		return step
	}
}

func known(w api.WhoAmI) Step {
	who := w.Principal
	if who == "" {
		who = fmt.Sprintf("%s of %s", clip(w.Subject), clip(w.Issuer))
	}
	return ok(StepIdentity, who)
}

// byCredvend judges a refusal of credvend's own.
func byCredvend(f IdentityFacts, ours api.Error) Step {
	says := fmt.Sprintf("credvend answered HTTP %d %s: %s (request %s)", f.Answer.Status, clip(ours.Code), clip(ours.Message), clip(ours.RequestID))
	switch ours.Code {
	case "unauthenticated":
		return wrong(StepIdentity, says,
			Candidate{Cause: DoorUnbelieved, Side: AccountB, Says: "CREDVEND_FRONT_DOORS of the function does not name this door's id with its kind, or the integration has payload format 1.0", Evidence: "the front door let the call in, and credvend did not believe it", Do: "set the door's entry, such as <API ID>=iam, and payload format 2.0; for a function URL, deploy again with its id in FunctionUrlId"},
			Candidate{Cause: DoorOpen, Side: AccountB, Says: "the route has no authorizer, so that nothing was verified", Do: "give the route AuthorizationType AWS_IAM or JWT"})
	case "unavailable":
		return unavailable(StepIdentity, says)
	case "throttled":
		return throttled(StepIdentity, says)
	case "not_found", "method_not_allowed":
		return wrong(StepIdentity, says,
			Candidate{Cause: WrongURL, Side: Caller, Says: "the URL has a path that the front door does not have", Evidence: "credvend's own answer", Do: "give the URL up to the stage or base path alone, as the operator's output has it (such as IamUrl)"},
			Candidate{Cause: DoorUnbelieved, Side: AccountB, Says: "the door's base= in CREDVEND_FRONT_DOORS is not the stage or base path that it has", Do: "set it, such as <API ID>=rest-iam,base=/prod"})
	default:
		return fails(StepIdentity, says)
	}
}

func unavailable(step, says string) Step {
	return wrong(step, says,
		Candidate{Cause: ServiceDown, Side: AccountB, Says: "credvend has no allowlist loaded, or STS does not answer it", Do: "try again in a moment; then look for the request id in the function's log"})
}

func throttled(step, says string) Step {
	return wrong(step, says,
		Candidate{Cause: Throttled, Side: Caller, Says: "this caller asks more often than credvend's rate allows", Do: "keep credentials until refreshAfter, as credvend process does; or ask the operator about CREDVEND_RATE"})
}

func fails(step, says string) Step {
	return wrong(step, says, Candidate{Cause: ServiceFails, Side: AccountB, Says: "credvend failed at something unforeseen", Do: "give the operator the request id"})
}

// tokenRefused judges a JWT authorizer's refusal. Its challenge may say why; AWS
// does not promise that it does.
func tokenRefused(f IdentityFacts) Step {
	t := *f.Token
	all := []Candidate{
		{Cause: WrongAudience, Side: Caller, Says: "the token is for " + t.For() + ", and the front door takes another audience", Do: "ask the issuer for a token with the audience that the operator tells you (JwtAudience of credvend's stack); or have the operator add this one there"},
		{Cause: WrongIssuer, Side: Caller, Says: "the token is of the issuer " + orElse(t.Issuer, "(none)") + ", and the front door takes another, to the letter", Do: "take a token of the issuer that the operator tells you (JwtIssuer of credvend's stack)"},
		{Cause: WrongKey, Side: Caller, Says: "the token's signature is not of a key that the issuer publishes, or API Gateway cannot reach the issuer", Do: newToken("") + "; then see whether the issuer's /.well-known/openid-configuration answers from outside"},
		t.expired(""),
	}
	evidence := ""
	if !t.Expires.IsZero() && !f.Now.Add(-f.Skew).Before(t.Expires) {
		evidence = "its exp"
		all = first(all, evidence, ExpiredToken)
	}
	if !t.NotBefore.IsZero() && f.Now.Add(-f.Skew).Before(t.NotBefore) {
		evidence = "its nbf"
		all = append([]Candidate{t.early(evidence)}, all...)
	}
	if f.Answer.Status == http.StatusForbidden {
		scope := Candidate{Cause: MissingScope, Side: Caller, Says: "the token lacks a scope that the front door's route asks for", Evidence: "403 instead of 401", Do: newToken(", asking for the scope that the operator tells you")}
		all = append([]Candidate{scope}, all...)
	} else if evidence == "" {
		all = challenged(all, f.Answer.Header.Get("Www-Authenticate"))
	}
	return wrong(StepIdentity, fmt.Sprintf("the front door did not take the token: HTTP %d", f.Answer.Status), all...)
}

var description = regexp.MustCompile(`error_description="([^"]*)"`)

// challenged puts first what a Bearer challenge speaks of.
func challenged(all []Candidate, header string) []Candidate {
	m := description.FindStringSubmatch(header)
	if m == nil {
		return all
	}
	text := strings.ToLower(m[1])
	for word, cause := range map[string]Cause{"audience": WrongAudience, "expired": ExpiredToken, "issuer": WrongIssuer, "signature": WrongKey, " key": WrongKey} {
		if strings.Contains(text, word) {
			return first(all, fmt.Sprintf("the front door says %q", clip(m[1])), cause)
		}
	}
	return all
}

// vendedSession is how a session that credvend vended reads.
var vendedSession = regexp.MustCompile(`assumed-role/[^/\s]+/[a-z][a-z0-9-]{0,31}@[a-z2-7]{24}\b`)

// Vended reports whether an ARN, or a text with one in it, is of a session that
// credvend vended.
func Vended(text string) bool { return vendedSession.MatchString(text) }

// VendedCandidate is the trap behind eval "$(credvend get …)".
func VendedCandidate(evidence string) Candidate {
	return Candidate{Cause: VendedCredentials, Side: Caller, Says: "the AWS credentials here were vended by credvend, and these cannot vend", Evidence: evidence, Do: "run `unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION CREDVEND_VENDED`, or name your own profile with --profile"}
}

// signatureRefused judges a door's refusal of a signed call.
func signatureRefused(f IdentityFacts, text string) Step {
	says := fmt.Sprintf("the front door refused the signed call: HTTP %d %q", f.Answer.Status, text)
	arn := ""
	if f.STS != nil {
		arn = f.STS.ARN
	}
	if arn != "" {
		says += "; STS knows the caller as " + arn
	}
	may := Candidate{Cause: MayNotInvoke, Side: Caller, Account: accountOf(arn), Says: "no policy of this identity lets it call the front door", Do: "attach credvend's caller policy (output CallerPolicyArn, or FunctionUrlCallerPolicy, RestCallerPolicy)", Statement: mayCallDoor(f.Door, arn), Where: inCallerPolicy}
	other := Candidate{Cause: OtherAccount, Side: Caller, Says: "this identity is of another account than the front door: an HTTP API admits its own account alone", Do: "use the function URL, the REST API or the door for tokens, or a profile of the front door's account"}
	if arn != "" {
		other.Account = accountOf(arn)
		other.Says = "this identity is of account " + other.Account + ", and the front door may be of another: an HTTP API admits its own account alone"
	}
	if f.Door.Kind == KindREST || f.Door.Kind == KindFunctionURL {
		other.Cause, other.Side, other.Says = ResourcePolicy, AccountB, "the front door's resource policy does not admit this account"
		other.Do = "have the operator add the account to AdmittedAccounts of credvend's stack"
	}
	scope := Candidate{Cause: RegionMismatch, Side: Caller, Says: fmt.Sprintf("the signature is for the region %s and the service %s, and the front door is of another", f.Door.Region, f.Door.Service), Do: "give --region (CREDVEND_REGION) the front door's region"}
	all := []Candidate{may, other, scope}
	switch {
	case f.Door.RegionSaid && !f.Door.RegionShown: // somebody said one, and nothing confirms it
		all = []Candidate{may, scope, other}
	case f.Door.RegionShown: // the URL names it, and that was compared
		all = []Candidate{may, other}
	}
	switch {
	case strings.Contains(text, "explicit deny"):
		deny := Candidate{Cause: ExplicitDeny, Side: AccountB, Says: "a Deny of the resource policy, of this identity's policies or of the organisation hits this call", Evidence: "AWS says so", Do: "look for the Deny in the front door's resource policy first (AdmittedAccounts), then at home"}
		all = append([]Candidate{deny}, all...)
	case strings.Contains(text, "no identity-based policy"):
		all = first(all, "AWS says so", MayNotInvoke)
	case strings.Contains(text, "no resource-based policy"):
		all = first(all, "AWS says so", ResourcePolicy)
	}
	if Vended(arn) || Vended(text) {
		all = append([]Candidate{VendedCandidate("the name of the session")}, all...)
	}
	if f.clockIsOff() {
		c := f.clock()
		c.Evidence = "the Date of the front door's answer"
		return wrong(StepIdentity, says, append([]Candidate{c}, all...)...)
	}
	if f.STS == nil || arn != "" {
		return wrong(StepIdentity, says, all...)
	}
	return wrong(StepIdentity, says, append(bySTS(f), all...)...)
}

// bySTS are the causes that a refusal of STS tells.
func bySTS(f IdentityFacts) []Candidate {
	evidence := "STS refuses it too: " + clip(f.STS.Code)
	expired := Candidate{Cause: ExpiredCredentials, Side: Caller, Says: "the AWS credentials have expired", Evidence: evidence, Do: "sign in again, such as with aws sso login, or renew what the profile gets them from"}
	secret := Candidate{Cause: WrongSecret, Side: Caller, Says: "the secret key or session token is not that of the access key", Evidence: evidence, Do: "copy the credentials anew; a line break or a blank at the end is enough to spoil them"}
	unknown := Candidate{Cause: UnknownKey, Side: Caller, Says: "AWS does not know the access key: it was deleted or turned off, or is of another partition, or its session token is missing", Evidence: evidence, Do: "look at the key with aws iam list-access-keys, or take another profile"}
	switch f.STS.Code {
	case "ExpiredToken", "ExpiredTokenException", "RequestExpired":
		return []Candidate{expired}
	case "InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure":
		return []Candidate{unknown}
	case "SignatureDoesNotMatch":
		if strings.Contains(f.STS.Message, "Signature expired") || strings.Contains(f.STS.Message, "not yet current") {
			c := f.clock()
			c.Evidence = "STS says: signature expired, or not yet current"
			return []Candidate{c, secret}
		}
		return []Candidate{secret, f.clock()}
	default:
		return nil
	}
}

// CredentialsFailed judges why there are no AWS credentials to sign with. text is
// the SDK's, which holds no secret.
func CredentialsFailed(text, profile string) Step {
	login := "aws sso login"
	if profile != "" {
		login += " --profile " + profile
	}
	expired := Candidate{Cause: LoginExpired, Side: Caller, Says: "the sign-in that the profile's credentials come from has expired", Do: "run `" + login + "`, or sign in the way your company does"}
	missing := Candidate{Cause: NoCredentials, Side: Caller, Says: "the profile, the environment or the machine has no AWS credentials, or the program or role that they come from fails", Do: "run `aws sts get-caller-identity` with the same profile; name a profile with --profile"}
	lower := strings.ToLower(text)
	switch {
	case strings.Contains(lower, "no aws profile"):
		return wrong(StepConfig, clip(text), Candidate{Cause: ProfileMissing, Side: Caller, Says: "the profile's name is mistyped, or the files are others than you think", Evidence: "the config and credentials files", Do: "see `aws configure list-profiles`, AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE"})
	case strings.Contains(lower, "sso") && !strings.Contains(lower, "no such host"):
		expired.Evidence = "the SDK's error speaks of SSO"
		return wrong(StepCredentials, clip(text), expired, missing)
	case strings.Contains(lower, "expired"):
		return wrong(StepCredentials, clip(text), expired, missing)
	default:
		return wrong(StepCredentials, clip(text), missing, expired)
	}
}
