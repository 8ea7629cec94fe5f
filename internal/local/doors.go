package local

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/credvend/credvend/internal/local/apigw"
	"github.com/credvend/credvend/internal/local/iam"
	"github.com/credvend/credvend/internal/local/oidc"
	"github.com/credvend/credvend/internal/local/runtime"
	"github.com/credvend/credvend/internal/local/sigv4"
	"github.com/credvend/credvend/internal/local/sts"
)

// mostEnvironments is how many copies of the function run side by side, at most.
const mostEnvironments = 4

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
	f := a.stack.Function
	environments := mostEnvironments
	if f.Concurrency > 0 {
		environments = min(environments, f.Concurrency)
	}
	var env []string
	for _, name := range slices.Sorted(maps.Keys(f.Environment)) {
		env = append(env, name+"="+f.Environment[name])
	}
	env = append(env, // later ones win: a template cannot lead the function to the real STS
		"AWS_ACCESS_KEY_ID="+a.broker.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY="+a.broker.SecretAccessKey,
		"AWS_SESSION_TOKEN="+a.broker.SessionToken,
		"AWS_ENDPOINT_URL_STS="+s.World.STSURL,
	)
	s.function, err = runtime.Start(ctx, runtime.Options{
		Bootstrap:    o.Bootstrap,
		Dir:          filepath.Dir(list), // where the package's allowlist.json lies
		FunctionARN:  f.ARN,
		Timeout:      f.Timeout,
		MemoryMB:     f.MemoryMB,
		Environments: environments,
		Stdout:       auditLines{audit, s.view},
		Stderr:       operator,
		Env:          env,
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

// openDoors opens the four front doors, as the stack makes them, and Account A's
// APIs, which no template makes: with AWS_IAM on every route, and an echo.
func (s *Stack) openDoors(a *accounts, now func() time.Time) error {
	door := func(id, account, region string) apigw.Door {
		return apigw.Door{ID: id, Region: region, Account: account, World: a.world, Trace: s.sawDoor, Now: now}
	}
	open := opener{
		stack: a.stack, policy: a.functionPolicy, function: invoker{s.function},
		door:   func(id string) apigw.Door { return door(id, accountB, s.plan.region) },
		issuer: s.World.IssuerURL, played: s.plan.jwtIssuer(), now: now,
	}
	for _, d := range a.doors {
		h, err := open.handler(d.id)
		if err != nil {
			return fmt.Errorf("%s: the front door of the output %s: %w", brokerFile, d.output, err)
		}
		s.row.serve(d.port, h)
	}
	for i, api := range s.plan.apis {
		h, err := apigw.NewHTTPAPI(apigw.HTTPAPIOptions{
			Door: door(api.stage.API, api.stage.Account, api.stage.Region), Stage: api.stage.Name, Backend: apigw.Echo(),
		})
		if err != nil {
			return fmt.Errorf("opening an API of Account A: %w", err)
		}
		s.row.serve(fixedPorts+i, h)
	}
	return nil
}

// newSTS is the security token service of every region.
func newSTS(world *iam.World, issuer *oidc.Issuer, faults *sts.Faults, saw func(sts.Event), now func() time.Time) http.Handler {
	return sts.New(sts.Options{
		World: world, Authenticator: signatures{sigv4.Verifier{Keys: keys{world}, Now: now, Service: "sts", Regions: stsRegions()}},
		Now: now, Faults: faults,
		Log: saw,
		WebIdentity: func(_ context.Context, r sts.WebIdentityRequest) (string, error) {
			return issuer.TokenWith(r.SigningAlgorithm, r.Claims(issuer.URL()))
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
