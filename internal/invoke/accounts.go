package invoke

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/local/iam"
	"github.com/credvend/credvend/internal/local/sigv4"
	"github.com/credvend/credvend/internal/local/sts"
)

// Account B's side of every run.
const (
	functionID  = "VendFunction" // in template.yaml
	functionARN = "arn:aws:lambda:us-east-1:444455556666:function:credvend-vend"
	brokerRole  = "arn:aws:iam::444455556666:role/credvend-broker"
	accountB    = "arn:aws:iam::444455556666:root"
	region      = "us-east-1"

	brokerLife = 15 * time.Minute // longer than any run
)

// accounts are the broker's role in Account B and the roles of the targets in
// Account A.
type accounts struct {
	world  *iam.World
	broker iam.Credential
}

// object is a policy document in the making.
type object = map[string]any

func policy(statement object) (*iam.Policy, error) {
	text, err := json.Marshal(object{"Version": "2012-10-17", "Statement": []object{statement}})
	if err != nil {
		return nil, err
	}
	return iam.ParsePolicy(text)
}

// newAccounts makes the role of each target, which trusts the broker unless the
// mood is to refuse it: then it trusts another role, as after a typing error.
func newAccounts(list *allowlist.Document, mood STSMood) (*accounts, error) {
	a := &accounts{world: iam.NewWorld(time.Now)}
	actions := []string{"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"}
	externalIDs, apis := map[string][]string{}, map[string][]string{}
	var roles []string
	for _, t := range list.Targets {
		if !slices.Contains(roles, t.Role) {
			roles = append(roles, t.Role)
		}
		apis[t.Role] = append(apis[t.Role], t.API+"/*")
		if t.ExternalID != "" {
			externalIDs[t.Role] = append(externalIDs[t.Role], t.ExternalID)
		}
	}
	lambda, err := policy(object{"Effect": "Allow", "Principal": object{"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})
	if err != nil {
		return nil, err
	}
	may, err := policy(object{
		"Effect": "Allow", "Action": actions, "Resource": roles,
		"Condition": object{"ArnEquals": object{"lambda:SourceFunctionArn": functionARN}},
	})
	if err != nil {
		return nil, err
	}
	if err := a.world.AddRole(iam.Role{ARN: brokerRole, Trust: lambda, Policies: []*iam.Policy{may}}); err != nil {
		return nil, err
	}
	trusted := brokerRole
	if mood == Refuses {
		trusted += "-misspelt"
	}
	for _, role := range roles {
		condition := object{"ArnEquals": object{"aws:PrincipalArn": trusted}}
		if ids := externalIDs[role]; len(ids) > 0 {
			condition["StringEquals"] = object{"sts:ExternalId": ids}
		}
		trust, err := policy(object{"Effect": "Allow", "Principal": object{"AWS": accountB}, "Action": actions, "Condition": condition})
		if err != nil {
			return nil, err
		}
		invoke, err := policy(object{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": apis[role]})
		if err != nil {
			return nil, err
		}
		if err := a.world.AddRole(iam.Role{ARN: role, Trust: trust, Policies: []*iam.Policy{invoke}}); err != nil {
			return nil, fmt.Errorf("the role %s: %w", role, err)
		}
	}
	a.broker, err = a.world.StartSession(iam.SessionSpec{
		RoleARN: brokerRole, SessionName: "credvend-vend", Duration: brokerLife, SourceFunctionARN: functionARN,
	})
	return a, err
}

// serveSTS answers as STS of every region on a listener, until the returned
// function is called.
func (a *accounts) serveSTS(l net.Listener, mood STSMood) (stop func() error) {
	faults := &sts.Faults{}
	switch mood {
	case Fails:
		faults.Order(sts.AnyRegion, sts.Fault{Kind: sts.Internal})
	case Throttles:
		faults.Order(sts.AnyRegion, sts.Fault{Kind: sts.Throttle})
	case Issues, Refuses:
	}
	server := &http.Server{
		Handler: sts.New(sts.Options{
			World: a.world, Faults: faults,
			Authenticator: signatures{sigv4.Verifier{Keys: keys{a.world}, Now: time.Now, Service: "sts"}},
		}),
		ReadHeaderTimeout: 10 * time.Second,
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	return func() error {
		err := server.Close()
		if served := <-done; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}
}

// signatures lets STS ask sigv4.
type signatures struct{ verifier sigv4.Verifier }

// Authenticate implements sts.Authenticator.
func (s signatures) Authenticate(r *http.Request, body []byte) (accessKeyID, region string, err error) {
	v, err := s.verifier.Verify(r, body)
	if err != nil {
		return "", "", signatureError{err}
	}
	return v.Scope.AccessKeyID, v.Scope.Region, nil
}

type signatureError struct{ error }

// STSError implements sts.AuthError.
func (e signatureError) STSError() (code string, status int, message string) {
	status, code, message = sigv4.STSFault(e.error)
	return code, status, message
}

// keys are the credentials of the world.
type keys struct{ world *iam.World }

// SigningKey implements sigv4.Keys.
func (k keys) SigningKey(id string) (secret, sessionToken string, expiration time.Time, ok bool) {
	c, ok := k.world.Credential(id)
	return c.SecretAccessKey, c.SessionToken, c.Expiration, ok
}
