package local

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/credvend/credvend/internal/local/deploy"
	"github.com/credvend/credvend/internal/local/iam"
)

// The accounts of a local run, beside those of the targets.
const (
	accountB = "444455556666"
	accountC = "777788889999"

	// sessionLife is how long the profiles' credentials last.
	sessionLife = 12 * time.Hour
)

// Session is somebody's credentials, for a profile. It prints no secret: the
// credentials stand in a closure, where fmt does not look. In a field it would
// print them under %#v, since it calls no methods on fields that are not
// exported.
type Session struct{ credential func() iam.Credential }

func newSession(c iam.Credential) *Session { return &Session{func() iam.Credential { return c }} }

// String names the access key.
func (s *Session) String() string { return s.credential().String() }

// Reveal returns the access key, the secret key and the session token.
func (s *Session) Reveal() (accessKeyID, secretAccessKey, sessionToken string) {
	c := s.credential()
	return c.AccessKeyID, c.SecretAccessKey, c.SessionToken
}

// ARN is who the session is, as STS says it.
func (s *Session) ARN() string { return s.credential().Principal.ARN }

// accounts is everybody, and what the templates make in Account B.
type accounts struct {
	plan           *plan
	world          *iam.World
	stack          *deploy.Stack // Account B's
	functionPolicy *iam.Policy   // resource-based; nil: none
	doors          []doorway
	broker         iam.Credential
	sessions       map[string]*Session // by profile
}

// newAccounts makes the accounts from the templates and the list. A mistake in
// either shows here, where AWS would refuse it when it is deployed.
func newAccounts(p *plan, t templates, now func() time.Time) (*accounts, error) {
	a := &accounts{plan: p, world: iam.NewWorld(now), sessions: map[string]*Session{}}
	if err := a.addBroker(t.broker); err != nil {
		return nil, err
	}
	targets, err := p.deployTargets(t.target, a.stack.Outputs["BrokerRoleArn"])
	if err != nil {
		return nil, err
	}
	for _, stack := range targets {
		if err := stack.AddTo(a.world); err != nil {
			return nil, fmt.Errorf("%s: %w", targetFile, err)
		}
	}
	if err := a.addCallers(); err != nil {
		return nil, fmt.Errorf("building the local accounts: %w", err)
	}
	return a, a.addExpired()
}

// addBroker makes Account B's stack, and starts the session that the function
// runs as.
func (a *accounts) addBroker(t *deploy.Template) (err error) {
	if a.stack, err = a.plan.deployBroker(t); err != nil {
		return err
	}
	f := a.stack.Function
	if f == nil {
		return fmt.Errorf("%s: it makes no function", brokerFile)
	}
	if a.doors, err = doorways(a.stack); err != nil {
		return err
	}
	if a.functionPolicy, err = f.Policy(); err != nil {
		return err
	}
	if err := a.stack.AddTo(a.world); err != nil {
		return fmt.Errorf("%s: %w", brokerFile, err)
	}
	a.broker, err = a.world.StartSession(iam.SessionSpec{
		RoleARN: f.Role, SessionName: f.Name(), Duration: sessionLife, SourceFunctionARN: f.ARN,
	})
	return err
}

func (a *accounts) roleARN(account, name string) string {
	return "arn:" + a.plan.partition + ":iam::" + account + ":role/" + name
}

// addCallers makes whoever the allowlist names by a literal ARN, and the
// story's others, each with a profile.
func (a *accounts) addCallers() error {
	all := a.plan.literals()
	all = append(all, literal{name: "stranger", arn: a.roleARN(accountB, "stranger")})
	if a.plan.story {
		all = append(all, literal{name: "outsider", arn: a.roleARN(accountC, "outsider")})
	}
	may, err := a.callerPolicies()
	if err != nil {
		return err
	}
	for _, l := range all {
		if _, taken := a.sessions[l.name]; taken {
			continue // the list has a caller of that name
		}
		c, err := a.addCaller(l, may)
		if err != nil {
			return fmt.Errorf("caller %s: %w", l.name, err)
		}
		a.sessions[l.name] = newSession(c)
	}
	return nil
}

func (a *accounts) addCaller(l literal, may []*iam.Policy) (iam.Credential, error) {
	if l.user {
		if c, err := a.world.UserCredential(l.arn); err == nil {
			return c, nil // another caller is the same user
		}
		if err := a.world.AddUser(iam.User{ARN: l.arn, UniqueID: l.uniqueID, Policies: may}); err != nil {
			return iam.Credential{}, err
		}
		return a.world.UserCredential(l.arn)
	}
	if _, exists := a.world.Role(l.arn); !exists {
		trust, err := iam.ParsePolicy([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}}`))
		if err != nil {
			return iam.Credential{}, err
		}
		if err := a.world.AddRole(iam.Role{ARN: l.arn, UniqueID: l.uniqueID, Trust: trust, Policies: may, MaxSession: sessionLife}); err != nil {
			return iam.Credential{}, err
		}
	}
	return a.world.StartSession(iam.SessionSpec{RoleARN: l.arn, SessionName: l.name + "-local", Duration: sessionLife})
}

// addExpired makes the story's profile "expired": billing-service's, of a
// session that has ended, for whoever wants to see how AWS says so.
func (a *accounts) addExpired() error {
	if !a.plan.story {
		return nil
	}
	c, err := a.world.StartSession(iam.SessionSpec{
		RoleARN: a.roleARN(accountB, "billing-service"), SessionName: "expired-local", Duration: time.Hour, Age: 2 * time.Hour,
	})
	if err != nil {
		return fmt.Errorf("building the local accounts: %w", err)
	}
	a.sessions["expired"] = newSession(c)
	return nil
}

// callerPolicies are what each caller's own account lets it do: what Account
// B's stack tells people to attach, for each door, by its outputs. Callers of
// other accounts have all of them too, and everybody may call Account A's APIs
// as far as its own account is concerned: what is refused is then refused by
// what the story is about, and not for want of a permission at home.
func (a *accounts) callerPolicies() ([]*iam.Policy, error) {
	var all []*iam.Policy
	if p, ok := a.stack.Managed[a.stack.Outputs["CallerPolicyArn"]]; ok {
		all = append(all, p)
	}
	for _, output := range [...]string{"FunctionUrlCallerPolicy", "RestCallerPolicy"} {
		text, ok := a.stack.Outputs[output]
		if !ok {
			continue
		}
		p, err := iam.ParsePolicy([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("%s: the output %s: %w", brokerFile, output, err)
		}
		all = append(all, p)
	}
	apis := make([]string, 0, len(a.plan.apis))
	for _, api := range a.plan.apis {
		apis = append(apis, api.stage.ARN()+"/*")
	}
	generous, err := json.Marshal(map[string]any{
		"Version":   "2012-10-17",
		"Statement": map[string]any{"Sid": "AccountAsApis", "Effect": "Allow", "Action": "execute-api:Invoke", "Resource": apis},
	})
	if err != nil {
		return nil, err
	}
	p, err := iam.ParsePolicy(generous)
	return append(all, p), err
}
