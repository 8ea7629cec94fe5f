// Package local is the two accounts on one machine: it builds them from the
// templates that are deployed and an allowlist, starts everything on loopback,
// and writes the files by which AWS's own tools find their way in.
//
// It is not for production, and says so. What judges requests is in the
// packages below it (iam, sigv4, sts, apigw, oidc, runtime), which know nothing
// of allowlists; this package only wires them.
package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/credvend/credvend/internal/local/oidc"
	"github.com/credvend/credvend/internal/local/runtime"
	"github.com/credvend/credvend/internal/local/sts"
	"github.com/credvend/credvend/internal/local/view"
)

// DefaultPort is the first of the row of ports, if it is free.
const DefaultPort = 8080

// Options of a local run.
type Options struct {
	Port      int      // first of a row; 0: any free ones
	PortFixed bool     // Port was asked for: it is an error if it is taken
	Dir       string   // where the files go; it is made, 0700
	Allowlist string   // a file; "": the story's own
	Templates string   // a folder with template.yaml and accounts/target.yaml; "": those built in
	Bootstrap []string // the function's program and arguments
	Tool      string   // path of credvend, for the profile that calls it

	Log io.Writer // a line for each request; nil: none
	Now func() time.Time
}

// Stack is a running pair of accounts.
type Stack struct {
	World World // where everything is

	dir      string
	row      *row
	function *runtime.Function
	files    []*os.File
	plan     *plan
	issuer   *oidc.Issuer
	faults   *sts.Faults
	log      *requestLog
	view     *view.View
}

// World is what somebody outside needs to know of a running stack.
type World struct {
	ViewURL     string // the live view: a page that shows each request as it passes
	URL         string // front door: HTTP API with AWS_IAM
	JWTURL      string // front door: HTTP API with JWT
	FunctionURL string // front door: function URL with AWS_IAM
	RESTURL     string // front door: REST API with AWS_IAM
	IssuerURL   string // OIDC issuer
	STSURL      string
	Region      string
	Audience    string              // that the JWT front door takes first
	Targets     []TargetAPI         // Account A's APIs, by target name
	Profiles    map[string]*Session // by profile name
	Files       Files
	Adapted     []string // what of the allowlist is played differently here, for people
}

// TargetAPI is one target's API.
type TargetAPI struct{ Name, URL string }

// Start starts everything and returns once all of it answers.
func Start(ctx context.Context, o Options) (_ *Stack, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	p, err := newPlan(o.Allowlist)
	if err != nil {
		return nil, err
	}
	t, err := readTemplates(o.Templates)
	if err != nil {
		return nil, err
	}
	accounts, err := newAccounts(p, t, o.Now)
	if err != nil {
		return nil, err
	}
	s := &Stack{plan: p, dir: o.Dir, faults: &sts.Faults{}, log: &requestLog{w: o.Log, now: o.Now}, view: view.New(view.Options{Now: o.Now})}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := makeDir(o.Dir); err != nil {
		return nil, err
	}
	if s.row, err = listen(o.Port, o.PortFixed, fixedPorts+len(p.apis)); err != nil {
		return nil, err
	}
	s.row.stray = s.sawStray
	s.locate(accounts.doors)
	if err := p.settle(s.World); err != nil {
		return nil, err
	}
	s.World.Adapted = p.adapted
	s.World.Profiles = accounts.sessions
	if s.issuer, err = oidc.New(oidc.Options{URL: s.World.IssuerURL, Audience: s.World.Audience, Now: o.Now}); err != nil {
		return nil, fmt.Errorf("the local issuer: %w", err)
	}
	s.row.serve(portIssuer, s.log.tell("issuer", s.issuer))
	s.row.serve(portSTS, newSTS(accounts.world, s.issuer, s.faults, s.sawSTS, o.Now))
	if err := s.startFunction(ctx, o, accounts); err != nil {
		return nil, err
	}
	if err := s.openDoors(accounts, o.Now); err != nil {
		return nil, err
	}
	s.row.serve(portView, s.view)
	if s.World.Files, err = writeFiles(o.Dir, o.Tool, s.World); err != nil {
		return nil, err
	}
	if err := s.row.ready(ctx); err != nil {
		return nil, err
	}
	s.view.Describe(s.places())
	return s, nil
}

// locate fills in the addresses, which are known once the ports are.
func (s *Stack) locate(doors []doorway) {
	w := &s.World
	w.ViewURL = s.row.url(portView)
	for _, d := range doors {
		url := s.row.url(d.port) + d.path
		switch d.port {
		case portIAM:
			w.URL = url
		case portJWT:
			w.JWTURL = url
		case portFunctionURL:
			w.FunctionURL = url
		case portREST:
			w.RESTURL = url
		}
	}
	w.IssuerURL, w.STSURL = s.row.url(portIssuer), s.row.url(portSTS)
	w.Region, w.Audience = s.plan.region, s.plan.audiences[0]
	for i, api := range s.plan.apis {
		url := s.row.url(fixedPorts + i)
		if api.stage.Name != "$default" {
			url += "/" + api.stage.Name
		}
		api.url = url
	}
	for _, name := range s.plan.targetNames {
		w.Targets = append(w.Targets, TargetAPI{name, s.plan.apiOf(name).url})
	}
}

// Invoke hands an event to the function as whoever may call
// lambda:InvokeFunction could.
func (s *Stack) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	answer, err := s.function.Invoke(ctx, event)
	if err != nil {
		return nil, err
	}
	if answer.FunctionError != "" {
		return nil, fmt.Errorf("the function failed: %s", answer.FunctionError)
	}
	return answer.Payload, nil
}

// Faults orders faults of the local STS, by region.
func (s *Stack) Faults() *sts.Faults { return s.faults }

// Token signs a token of the local issuer.
func (s *Stack) Token(claims map[string]any) (string, error) { return s.issuer.Token(claims) }

// Close stops everything. The files stay, and their credentials die with the
// stack.
func (s *Stack) Close() error {
	var errs []error
	s.view.Close()
	if s.row != nil {
		s.row.close()
	}
	if s.function != nil {
		errs = append(errs, s.function.Close())
	}
	for _, f := range s.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
