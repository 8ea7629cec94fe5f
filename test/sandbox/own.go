//go:build conformance

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/credvend/credvend/internal/local"
	"github.com/credvend/credvend/internal/local/apigw"
	"github.com/credvend/credvend/internal/local/iam"
	"github.com/credvend/credvend/internal/local/sigv4"
	"github.com/credvend/credvend/internal/local/sts"
)

// own is the local stack of -local: what `credvend local` starts, and beside it
// what a user would set up for the checks of ROLE and EVENT_URL. The suite gets
// to know both by variables alone, as it does AWS.
type own struct {
	dir       string
	stack     *local.Stack
	variables map[string]string
	servers   []*http.Server
}

const (
	ownRegion     = "us-east-1"
	ownRole       = "arn:aws:iam::111122223333:role/sandbox-invoke"
	ownCaller     = "arn:aws:iam::444455556666:role/sandbox-caller"
	ownExternalID = "sandbox-7f3c9a"
	ownProfile    = "sandbox-caller"
)

func startOwn(ctx context.Context, bootstrap string) (_ *own, err error) {
	if bootstrap, err = filepath.Abs(bootstrap); err != nil {
		return nil, err
	}
	if _, err := os.Stat(bootstrap); err != nil {
		return nil, fmt.Errorf("the function is not built: %w; make build/bootstrap builds it", err)
	}
	dir, err := os.MkdirTemp("", "credvend-sandbox-")
	if err != nil {
		return nil, err
	}
	o := &own{dir: dir, variables: map[string]string{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, o.close())
		}
	}()
	if o.stack, err = local.Start(ctx, local.Options{Dir: dir, Bootstrap: []string{bootstrap}, Tool: "credvend"}); err != nil {
		return nil, err
	}
	if err := o.readEnv(o.stack.World.Files.Env); err != nil {
		return nil, err
	}
	credential, err := o.addSandbox()
	if err != nil {
		return nil, err
	}
	if err := o.addProfile(o.stack.World.Files.Credentials, credential); err != nil {
		return nil, err
	}
	// The SDK reads the process's environment: nothing of the user's own AWS
	// setup may have a say.
	for _, name := range []string{"AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"} {
		if err := os.Unsetenv(name); err != nil {
			return nil, err
		}
	}
	for name, value := range o.variables {
		if strings.HasPrefix(name, "AWS_") {
			if err := os.Setenv(name, value); err != nil {
				return nil, err
			}
		}
	}
	return o, nil
}

// getenv knows what belongs to this stack and nothing else.
func (o *own) getenv(name string) string { return o.variables[name] }

// readEnv reads local.env: lines of export NAME=VALUE. None of its values needs
// a shell: they are URLs, a region and paths in our own folder.
func (o *own) readEnv(path string) error {
	f, err := os.Open(path) //nolint:gosec // written by our own stack
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if pair, ok := strings.CutPrefix(lines.Text(), "export "); ok {
			name, value, _ := strings.Cut(pair, "=")
			o.variables[name] = strings.Trim(value, "'")
		}
	}
	return lines.Err()
}

// addSandbox makes a caller and a role that it may assume, with an STS and two
// APIs that know them: one that echoes, and one whose function answers its event.
func (o *own) addSandbox() (iam.Credential, error) {
	var none iam.Credential
	world := iam.NewWorld(time.Now)
	for _, r := range []struct{ arn, trust, may string }{
		{
			ownCaller, `{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`,
			`{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Resource":"` + ownRole + `"},` +
				`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:us-east-1:444455556666:eventsapi0/*"}`,
		},
		{
			ownRole, `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"` + ownExternalID + `"}}},` +
				`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":["sts:TagSession","sts:SetSourceIdentity"]}`,
			`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default/*"}`,
		},
	} {
		trust, err := parse(r.trust)
		if err != nil {
			return none, err
		}
		may, err := parse(r.may)
		if err != nil {
			return none, err
		}
		if err := world.AddRole(iam.Role{ARN: r.arn, Trust: trust, Policies: []*iam.Policy{may}, MaxSession: 12 * time.Hour}); err != nil {
			return none, err
		}
	}
	door := func(id, account string) apigw.Door {
		return apigw.Door{ID: id, Region: ownRegion, Account: account, World: world}
	}
	api, err := apigw.NewHTTPAPI(apigw.HTTPAPIOptions{Door: door("a1b2c3d4e5", "111122223333"), Backend: apigw.Echo()})
	if err != nil {
		return none, err
	}
	events, err := apigw.NewHTTPAPI(apigw.HTTPAPIOptions{Door: door("eventsapi0", "444455556666"), Invoker: eventEcho{}})
	if err != nil {
		return none, err
	}
	tokens := sts.New(sts.Options{World: world, Regions: []string{ownRegion}, Authenticator: authenticator{sigv4.Verifier{Keys: keys{world}, Service: "sts"}}})
	for name, h := range map[string]http.Handler{"ROLE_TARGET_URL": api, "EVENT_URL": events, "ROLE_STS_URL": tokens} {
		if o.variables[prefix+"_"+name], err = o.serve(h); err != nil {
			return none, err
		}
	}
	o.variables[prefix+"_ROLE"], o.variables[prefix+"_ROLE_PROFILE"], o.variables[prefix+"_ROLE_EXTERNAL_ID"] = ownRole, ownProfile, ownExternalID
	return world.StartSession(iam.SessionSpec{RoleARN: ownCaller, SessionName: "sandbox", Duration: time.Hour})
}

func parse(statements string) (*iam.Policy, error) {
	return iam.ParsePolicy([]byte(`{"Version":"2012-10-17","Statement":[` + statements + `]}`))
}

// serve answers on loopback.
func (o *own) serve(h http.Handler) (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0") //nolint:noctx // does not block
	if err != nil {
		return "", err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	o.servers = append(o.servers, s)
	go func() { _ = s.Serve(l) }() // returns when it is closed
	return "http://" + l.Addr().String(), nil
}

// addProfile appends to the stack's own credentials file.
func (o *own) addProfile(path string, c iam.Credential) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // written by our own stack
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\naws_session_token = %s\n", ownProfile, c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
	return errors.Join(err, f.Close())
}

func (o *own) close() error {
	var errs []error
	for _, s := range o.servers {
		errs = append(errs, s.Close())
	}
	if o.stack != nil {
		errs = append(errs, o.stack.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(o.dir))...)
}

// eventEcho is the function of docs/conformance-aws.md.
type eventEcho struct{}

// Invoke answers the event, less the headers that hold secrets.
func (eventEcho) Invoke(_ context.Context, payload []byte) (out []byte, functionError string, err error) {
	var event map[string]any
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, "Unhandled", nil
	}
	if headers, ok := event["headers"].(map[string]any); ok {
		delete(headers, "authorization")
		delete(headers, "x-amz-security-token")
	}
	body, err := json.Marshal(event)
	if err != nil {
		return nil, "", err
	}
	out, err = json.Marshal(map[string]any{"statusCode": http.StatusOK, "headers": map[string]string{"content-type": "application/json"}, "body": string(body)})
	return out, "", err
}

// keys lets the verifier look credentials up.
type keys struct{ world *iam.World }

// SigningKey implements sigv4.Keys.
func (k keys) SigningKey(accessKeyID string) (secret, sessionToken string, expiration time.Time, ok bool) {
	c, ok := k.world.Credential(accessKeyID)
	return c.SecretAccessKey, c.SessionToken, c.Expiration, ok
}

// authenticator lets STS ask sigv4.
type authenticator struct{ verifier sigv4.Verifier }

// Authenticate implements sts.Authenticator.
func (a authenticator) Authenticate(r *http.Request, body []byte) (accessKeyID, region string, err error) {
	verified, err := a.verifier.Verify(r, body)
	if err != nil {
		return "", "", fault{err}
	}
	return verified.Scope.AccessKeyID, verified.Scope.Region, nil
}

type fault struct{ error }

// STSError implements sts.AuthError.
func (f fault) STSError() (code string, status int, message string) {
	status, code, message = sigv4.STSFault(f.error)
	return code, status, message
}
