package cli

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/credvend/credvend/api"
	"github.com/credvend/credvend/client"
	"github.com/credvend/credvend/internal/doctor"
	"github.com/credvend/credvend/internal/route"
)

// walk is one run of doctor.
type walk struct {
	*env
	cmd    *cobra.Command
	who    callerFlags
	how    doctorFlags
	target string // "": all
	report doctor.Report

	caller  *caller
	base    http.RoundTripper
	seen    *recorder
	door    doctor.Door
	token   *doctor.Token // nil: the caller signs
	secrets []string      // never to be shown
	skew    time.Duration
	skewed  bool // skew is known
}

func (w *walk) add(s doctor.Step) { w.report.Add(s) }

// run walks until a step leaves nothing to go on with. Its error is not about
// what was found.
func (w *walk) run(ctx context.Context) error {
	who, found := w.approach(ctx)
	if found {
		w.targets(ctx, who)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// approach goes from the configuration to who credvend takes the caller for.
func (w *walk) approach(ctx context.Context) (api.WhoAmI, bool) {
	if !w.configure() {
		return api.WhoAmI{}, false
	}
	proven := w.proofs(ctx)
	if !w.knock(ctx) || !proven {
		return api.WhoAmI{}, false
	}
	return w.identify(ctx)
}

// knock calls the front door without proof, and compares the clocks.
func (w *walk) knock(ctx context.Context) bool {
	var answer doctor.Answer
	var sent, received time.Time
	w.bounded(ctx, "the front door", func(ctx context.Context) {
		sent = w.now()
		answer = w.get(ctx, http.MethodGet, strings.TrimSuffix(w.door.URL, "/")+api.WhoAmIPath)
		received = w.now()
	})
	door, step := doctor.FrontDoor(w.door, answer)
	w.door = door
	w.add(step)
	if answer.Err != nil {
		return false
	}
	w.skew, w.skewed = doctor.Skew(sent, received, answer.Header.Get("Date"))
	w.add(doctor.ClockStep(w.skew, w.skewed))
	return step.Status == doctor.OK
}

// identify asks credvend who calls, and STS if the front door does not let it.
func (w *walk) identify(ctx context.Context) (who api.WhoAmI, known bool) {
	var err error
	w.bounded(ctx, "credvend to say who calls", func(ctx context.Context) { who, err = w.caller.WhoAmI(ctx) })
	facts := doctor.IdentityFacts{Door: w.door, WhoAmI: who, Skew: w.skew, SkewKnown: w.skewed, Token: w.token, Now: w.now()}
	facts.Answer = w.last(err)
	if err != nil && facts.Answer.Err == nil && facts.Answer.Status == http.StatusForbidden && w.token == nil {
		w.bounded(ctx, "STS", func(ctx context.Context) { facts.STS = w.askSTS(ctx, w.caller.aws) })
	}
	step := doctor.Identity(facts)
	w.add(step)
	return who, step.Status == doctor.OK
}

// last is the answer behind an error of the client's.
func (w *walk) last(err error) doctor.Answer {
	if err == nil {
		return doctor.Answer{Status: http.StatusOK}
	}
	a := w.seen.last
	switch {
	case a.Err == nil && a.Status == 0:
		return doctor.Answer{Err: err} // it was never sent
	case a.Err == nil && a.Status == http.StatusOK:
		a.Header = http.Header{} // it is 200, and not what was asked for
	}
	a.Body = maskWords(a.Body, w.secrets)
	return a
}

// targets walks on to the one target, or to all.
func (w *walk) targets(ctx context.Context, who api.WhoAmI) {
	var all api.Targets
	var err error
	w.bounded(ctx, "credvend to say what is allowed", func(ctx context.Context) { all, err = w.caller.Targets(ctx) })
	if err != nil {
		step := doctor.Identity(doctor.IdentityFacts{Door: w.door, Answer: w.last(err), Skew: w.skew, SkewKnown: w.skewed, Token: w.token, Now: w.now()})
		step.Name = doctor.StepRule
		w.add(step)
		return
	}
	step := doctor.Rule(who, all.Targets, w.target)
	w.add(step)
	if step.Status != doctor.OK {
		return
	}
	for _, t := range all.Targets {
		if (w.target == "" || t.Target == w.target) && ctx.Err() == nil {
			w.try(ctx, t)
		}
	}
}

// try vends for a target, and calls it.
func (w *walk) try(ctx context.Context, t api.Target) {
	facts := doctor.TargetFacts{Name: t.Target, RoleARN: t.RoleARN, AccountID: t.AccountID, Endpoint: t.Endpoint, Region: t.Region, BrokerARN: w.how.broker}
	external := w.listed(&facts)
	probes := w.probes(t)
	transport := w.caller.Transport(t.Target, w.asked(t, probes)...)
	var vended api.Credentials
	var err error
	w.bounded(ctx, "credentials", func(ctx context.Context) { vended, err = transport.Vended(ctx) })
	session := ""
	if err == nil {
		session = sessionARN(vended)
		w.secrets = append(w.secrets, secretsOf(vended)...)
	}
	step := doctor.Assume(facts, session, w.last(err))
	w.finish(ctx, step, facts, external, "")

	w.bounded(ctx, "the target", func(ctx context.Context) {
		for i, p := range probes {
			probes[i].Answer = w.get(ctx, p.Method, strings.TrimSuffix(t.Endpoint, "/")+p.Path)
		}
	})
	open := doctor.Unsigned(facts, probes)
	w.add(open)
	switch {
	case err != nil:
		skipped := doctor.Skip(doctor.StepSigned, "there are no credentials to sign with")
		skipped.Target = t.Target
		w.add(skipped)
		return
	case len(probes) == 0:
		skipped := doctor.Skip(doctor.StepSigned, "there is no route to try")
		skipped.Target = t.Target
		w.add(skipped)
		return
	case len(probes) > 0 && probes[0].Answer.Err != nil:
		return // the same would be said again
	}
	probe := probes[0]
	for _, p := range probes { // one that exists, if there is one
		if p.Answer.Status == http.StatusForbidden {
			probe = p
			break
		}
	}
	w.bounded(ctx, "the target", func(ctx context.Context) {
		probe.Answer = w.fetch(ctx, transport, probe.Method, strings.TrimSuffix(t.Endpoint, "/")+probe.Path)
	})
	w.finish(ctx, doctor.Signed(facts, probe), facts, external, probe.Method+" "+probe.Path)
}

// asked is what the vend asks for: what --route says, or, where the target wants
// routes to be named, what will be tried.
func (w *walk) asked(t api.Target, probes []doctor.ProbedRoute) []client.VendOption {
	switch {
	case w.how.route != "":
		return []client.VendOption{client.Routes(w.how.route)}
	case t.RequiresRoutes && len(probes) > 0:
		return []client.VendOption{client.Routes(probes[0].Method + " " + probes[0].Path)}
	case t.RequiresRoutes && len(t.Routes) > 0:
		return []client.VendOption{client.Routes(t.Routes[0])}
	default:
		return nil
	}
}

// mostProbes bounds the calls of one target.
const mostProbes = 5

// probes are the calls that stand for the granted routes.
func (w *walk) probes(t api.Target) (all []doctor.ProbedRoute) {
	routes := t.Routes
	if w.how.route != "" {
		routes = []string{w.how.route}
	}
	for _, text := range routes {
		r, err := route.Parse(text)
		if err != nil || len(all) == mostProbes {
			continue
		}
		method := r.Method()
		if method == route.AnyMethod {
			method = http.MethodGet
		}
		path := strings.ReplaceAll(r.Path(), "*", "credvend-doctor")
		if method != http.MethodGet && method != http.MethodHead || !within(method+" "+path, api.Grant{Routes: t.Routes, DeniedRoutes: t.DeniedRoutes}) {
			continue
		}
		all = append(all, doctor.ProbedRoute{Method: method, Path: path, Exact: path == r.Path()})
	}
	return all
}

// finish adds a step, narrowed down where something may look into the accounts.
func (w *walk) finish(ctx context.Context, s doctor.Step, t doctor.TargetFacts, external *string, tried string) {
	if s.Status != doctor.Wrong || len(w.how.operators) == 0 || !doctor.Narrows(s) {
		w.add(s)
		return
	}
	var look doctor.Look
	w.bounded(ctx, "IAM", func(ctx context.Context) { look, t = doctor.LookInto(ctx, w.accounts(ctx), t, w.how.broker) })
	look.ExternalID = external
	s, looked := doctor.Narrow(s, t, look, tried)
	w.add(s)
	w.add(looked)
}
