package local

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/local/iam"
)

// Account B and what stands in it. Account A's names come from the allowlist.
const (
	accountB     = "444455556666"
	accountC     = "777788889999"
	functionName = "credvend-vend"
	brokerRole   = "credvend-broker"
	iamAPI       = "b1iamapi00"
	jwtAPI       = "b2jwtapi00"
	restAPI      = "b3restapi0"
	restStage    = "prod"
	urlID        = "b4functionurl0000000000000000000"

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

// accounts is everybody, and the policies between them.
type accounts struct {
	plan      *plan
	world     *iam.World
	broker    iam.Credential
	sessions  map[string]*Session // by profile
	urlPolicy *iam.Policy         // of the function
	apiPolicy *iam.Policy         // of the REST API
}

func newAccounts(p *plan, now func() time.Time) (*accounts, error) {
	a := &accounts{plan: p, world: iam.NewWorld(now), sessions: map[string]*Session{}}
	for _, step := range []func() error{a.addBroker, a.addTargets, a.addCallers, a.addPolicies} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("building the local accounts: %w", err)
		}
	}
	return a, nil
}

func (a *accounts) arn(service, region, account, resource string) string {
	return strings.Join([]string{"arn", a.plan.partition, service, region, account, resource}, ":")
}

func (a *accounts) functionARN() string {
	return a.arn("lambda", a.plan.region, accountB, "function:"+functionName)
}

func (a *accounts) roleARN(account, name string) string {
	return a.arn("iam", "", account, "role/"+name)
}

// document is a policy document in the making.
type document struct {
	Version   string
	Statement []statement
}

type statement struct {
	Effect    string
	Principal any `json:",omitempty"`
	Action    any
	Resource  any                       `json:",omitempty"`
	Condition map[string]map[string]any `json:",omitempty"`
}

func policy(statements ...statement) (*iam.Policy, error) {
	text, err := json.Marshal(document{"2012-10-17", statements})
	if err != nil {
		return nil, err
	}
	return iam.ParsePolicy(text)
}

// vendingActions are what the broker needs, and all it gets.
var vendingActions = [...]string{"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"}

// addBroker makes the function's role: it can assume the targets' roles, from
// this function alone.
func (a *accounts) addBroker() error {
	trust, err := policy(statement{Effect: "Allow", Principal: map[string]any{"Service": "lambda.amazonaws.com"}, Action: "sts:AssumeRole"})
	if err != nil {
		return err
	}
	var roles []string
	for _, name := range a.plan.targetNames {
		if role := a.plan.doc.Targets[name].Role; !slices.Contains(roles, role) {
			roles = append(roles, role)
		}
	}
	assume, err := policy(statement{
		Effect: "Allow", Action: vendingActions, Resource: roles,
		Condition: map[string]map[string]any{"ArnEquals": {"lambda:SourceFunctionArn": a.functionARN()}},
	})
	if err != nil {
		return err
	}
	role := a.roleARN(accountB, brokerRole)
	if err := a.world.AddRole(iam.Role{ARN: role, Trust: trust, Policies: []*iam.Policy{assume}, MaxSession: sessionLife}); err != nil {
		return err
	}
	a.broker, err = a.world.StartSession(iam.SessionSpec{
		RoleARN: role, SessionName: functionName, Duration: sessionLife, SourceFunctionARN: a.functionARN(),
	})
	return err
}

// addTargets makes the roles of Account A: each trusts the broker's role by
// name, so that it may be re-created, and may invoke its APIs and nothing else.
func (a *accounts) addTargets() error {
	byRole := map[string][]allowlist.Target{}
	for _, name := range a.plan.targetNames {
		t := a.plan.doc.Targets[name]
		byRole[t.Role] = append(byRole[t.Role], t)
	}
	for role, targets := range byRole {
		condition := map[string]map[string]any{"ArnEquals": {"aws:PrincipalArn": a.roleARN(accountB, brokerRole)}}
		var externalIDs, resources []string
		for _, t := range targets {
			resources = append(resources, t.API+"/*")
			if t.ExternalID != "" {
				externalIDs = append(externalIDs, t.ExternalID)
			}
		}
		if len(externalIDs) == len(targets) {
			condition["StringEquals"] = map[string]any{"sts:ExternalId": externalIDs}
		}
		// Tags and source identity are no calls of their own and bring no
		// external id, so they are allowed apart.
		root := map[string]any{"AWS": a.roleARNRoot(accountB)}
		trust, err := policy(
			statement{Effect: "Allow", Principal: root, Action: vendingActions, Condition: condition},
		)
		if err != nil {
			return err
		}
		invoke, err := policy(statement{Effect: "Allow", Action: "execute-api:Invoke", Resource: resources})
		if err != nil {
			return err
		}
		if err := a.world.AddRole(iam.Role{ARN: role, Trust: trust, Policies: []*iam.Policy{invoke}}); err != nil {
			return err
		}
	}
	return nil
}

func (a *accounts) roleARNRoot(account string) string { return a.arn("iam", "", account, "root") }

// addCallers makes whoever the allowlist names by a literal ARN, and the
// story's others, each with a profile.
func (a *accounts) addCallers() error {
	all := a.plan.literals()
	all = append(all, literal{name: "stranger", arn: a.roleARN(accountB, "stranger")})
	if a.plan.story {
		all = append(all, literal{name: "outsider", arn: a.roleARN(accountC, "outsider")})
	}
	may, err := a.callerPolicy()
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

func (a *accounts) addCaller(l literal, may *iam.Policy) (iam.Credential, error) {
	if l.user {
		if c, err := a.world.UserCredential(l.arn); err == nil {
			return c, nil // another caller is the same user
		}
		if err := a.world.AddUser(iam.User{ARN: l.arn, UniqueID: l.uniqueID, Policies: []*iam.Policy{may}}); err != nil {
			return iam.Credential{}, err
		}
		return a.world.UserCredential(l.arn)
	}
	if _, exists := a.world.Role(l.arn); !exists {
		trust, err := policy(statement{Effect: "Allow", Principal: map[string]any{"Service": "ec2.amazonaws.com"}, Action: "sts:AssumeRole"})
		if err != nil {
			return iam.Credential{}, err
		}
		if err := a.world.AddRole(iam.Role{ARN: l.arn, UniqueID: l.uniqueID, Trust: trust, Policies: []*iam.Policy{may}, MaxSession: sessionLife}); err != nil {
			return iam.Credential{}, err
		}
	}
	return a.world.StartSession(iam.SessionSpec{RoleARN: l.arn, SessionName: l.name + "-local", Duration: sessionLife})
}

// callerPolicy is what each caller's own account lets it do. It is generous on
// purpose, Account A's APIs included: what is refused is then refused by what
// the story is about, and not for want of a permission at home.
func (a *accounts) callerPolicy() (*iam.Policy, error) {
	apis := []string{
		a.arn("execute-api", a.plan.region, accountB, iamAPI+"/*"),
		a.arn("execute-api", a.plan.region, accountB, restAPI+"/*"),
	}
	for _, api := range a.plan.apis {
		apis = append(apis, api.stage.ARN()+"/*")
	}
	return policy(
		statement{Effect: "Allow", Action: "execute-api:Invoke", Resource: apis},
		statement{Effect: "Allow", Action: []string{"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}, Resource: a.functionARN()},
	)
}

// addPolicies admits the list's other accounts at the function URL and the REST
// API. An HTTP API has no policy to admit them by.
func (a *accounts) addPolicies() error {
	accounts := a.plan.accountsAdmitted()
	if len(accounts) == 0 {
		return nil
	}
	var roots []string
	for _, account := range accounts {
		roots = append(roots, a.roleARNRoot(account))
	}
	principal := map[string]any{"AWS": roots}
	var err error
	a.urlPolicy, err = policy(
		statement{
			Effect: "Allow", Principal: principal, Action: "lambda:InvokeFunctionUrl", Resource: a.functionARN(),
			Condition: map[string]map[string]any{"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}},
		},
		statement{
			Effect: "Allow", Principal: principal, Action: "lambda:InvokeFunction", Resource: a.functionARN(),
			Condition: map[string]map[string]any{"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
		},
	)
	if err != nil {
		return err
	}
	roots = append(roots, a.roleARNRoot(accountB))
	a.apiPolicy, err = policy(statement{
		Effect: "Allow", Principal: map[string]any{"AWS": roots}, Action: "execute-api:Invoke",
		Resource: a.arn("execute-api", a.plan.region, accountB, restAPI+"/"+restStage+"/*"),
	})
	return err
}
