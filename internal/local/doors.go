package local

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/credvend/credvend/internal/local/apigw"
	"github.com/credvend/credvend/internal/local/iam"
	"github.com/credvend/credvend/internal/local/oidc"
	"github.com/credvend/credvend/internal/local/runtime"
	"github.com/credvend/credvend/internal/local/sigv4"
	"github.com/credvend/credvend/internal/local/sts"
)

// startFunction runs the real bootstrap under the Runtime API, as the broker's
// role and with nothing else of this process's environment.
func (s *Stack) startFunction(ctx context.Context, o Options, a *accounts) error {
	list := filepath.Join(o.Dir, "allowlist.json")
	if err := writeFile(list, s.plan.json); err != nil {
		return err
	}
	audit, err := s.openLog("audit.jsonl")
	if err != nil {
		return err
	}
	operator, err := s.openLog("function.log")
	if err != nil {
		return err
	}
	list, err = filepath.Abs(list)
	if err != nil {
		return err
	}
	s.function, err = runtime.Start(ctx, runtime.Options{
		Bootstrap:    o.Bootstrap,
		FunctionARN:  a.functionARN(),
		Timeout:      10 * time.Second,
		MemoryMB:     256,
		Environments: 4,
		Stdout:       auditLines{audit, s.view},
		Stderr:       operator,
		Env: []string{
			"AWS_ACCESS_KEY_ID=" + a.broker.AccessKeyID,
			"AWS_SECRET_ACCESS_KEY=" + a.broker.SecretAccessKey,
			"AWS_SESSION_TOKEN=" + a.broker.SessionToken,
			"AWS_ENDPOINT_URL_STS=" + s.World.STSURL,
			"CREDVEND_ALLOWLIST=file:" + list,
			"CREDVEND_FRONT_DOORS=" + fmt.Sprintf("%s=iam %s=jwt url:%s=iam %s=rest-iam,base=/%s", iamAPI, jwtAPI, urlID, restAPI, restStage),
		},
	})
	if err != nil {
		return fmt.Errorf("the function does not start: %w\n%s", err, lastWords(filepath.Join(o.Dir, "function.log")))
	}
	return nil
}

// lastWords is the end of what the function wrote, if it wrote anything: there
// it says why it goes.
func lastWords(path string) []byte {
	text, _ := os.ReadFile(path) // no words then
	const enough = 4 << 10
	if len(text) <= enough {
		return text
	}
	text = text[len(text)-enough:]
	return text[bytes.IndexByte(text, '\n')+1:]
}

// openLog opens a file of the run, empty and for its owner's eyes.
func (s *Stack) openLog(name string) (io.Writer, error) {
	f, err := createFile(filepath.Join(s.dir, name))
	if err != nil {
		return nil, err
	}
	s.files = append(s.files, f)
	return f, nil
}

// invoker is the function as front doors invoke it.
type invoker struct{ function *runtime.Function }

func (i invoker) Invoke(ctx context.Context, payload []byte) ([]byte, string, error) {
	answer, err := i.function.Invoke(ctx, payload)
	return answer.Payload, answer.FunctionError, err
}

// openDoors opens the four front doors and Account A's APIs.
func (s *Stack) openDoors(a *accounts, now func() time.Time) error {
	door := func(id, account, region string) apigw.Door {
		return apigw.Door{ID: id, Region: region, Account: account, World: a.world, Trace: s.sawDoor, Now: now}
	}
	ours := func(id string) apigw.Door { return door(id, accountB, s.plan.region) }
	function := invoker{s.function}
	issuer := oidc.NewVerifier(oidc.VerifierOptions{Issuer: s.World.IssuerURL, Audience: s.plan.audiences, Now: now})

	type opening struct {
		port int
		open func() (http.Handler, error)
	}
	doors := []opening{
		{portIAM, func() (http.Handler, error) {
			return apigw.NewHTTPAPI(apigw.HTTPAPIOptions{Door: ours(iamAPI), Invoker: function})
		}},
		{portJWT, func() (http.Handler, error) {
			return apigw.NewHTTPAPI(apigw.HTTPAPIOptions{Door: ours(jwtAPI), Invoker: function, JWT: &apigw.JWTAuthorizer{Verifier: issuer}})
		}},
		{portFunctionURL, func() (http.Handler, error) {
			return apigw.NewFunctionURL(apigw.FunctionURLOptions{Door: ours(urlID), FunctionARN: a.functionARN(), Policy: a.urlPolicy, Invoker: function})
		}},
		{portREST, func() (http.Handler, error) {
			return apigw.NewRESTAPI(apigw.RESTAPIOptions{Door: ours(restAPI), Stage: restStage, Policy: a.apiPolicy, Invoker: function})
		}},
	}
	for i, api := range s.plan.apis {
		doors = append(doors, opening{fixedPorts + i, func() (http.Handler, error) {
			return apigw.NewHTTPAPI(apigw.HTTPAPIOptions{
				Door: door(api.stage.API, api.stage.Account, api.stage.Region), Stage: api.stage.Name, Backend: apigw.Echo(),
			})
		}})
	}
	for _, d := range doors {
		h, err := d.open()
		if err != nil {
			return fmt.Errorf("opening a door: %w", err)
		}
		s.row.serve(d.port, h)
	}
	return nil
}

// newSTS is the security token service of every region.
func newSTS(world *iam.World, issuer *oidc.Issuer, faults *sts.Faults, saw func(sts.Event), now func() time.Time) http.Handler {
	return sts.New(sts.Options{
		World: world, Authenticator: signatures{sigv4.Verifier{Keys: keys{world}, Now: now, Service: "sts"}},
		Now: now, Faults: faults,
		Log: saw,
		WebIdentity: func(_ context.Context, r sts.WebIdentityRequest) (string, error) {
			return issuer.Token(r.Claims(issuer.URL()))
		},
	})
}

// signatures lets STS ask sigv4.
type signatures struct{ verifier sigv4.Verifier }

// Authenticate implements sts.Authenticator.
func (s signatures) Authenticate(r *http.Request, body []byte) (accessKeyID, region string, err error) {
	verified, err := s.verifier.Verify(r, body)
	if err != nil {
		return "", "", signatureError{err}
	}
	return verified.Scope.AccessKeyID, verified.Scope.Region, nil
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
