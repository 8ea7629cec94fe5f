// Package peer measures credvend beside OpenBao with its AWS plugin, where
// OpenBao's programs are on this machine: vends one after the other and eight at
// once, with the same session policy and the same stand-in of STS, in one run.
//
// OpenBao comes as its releases are, and is set up through its documented
// interface to do as little beside vending as it can. The package must not count
// anything for or against one side that the other does not get as well; where the
// two differ all the same, the section's note says so.
package peer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/credvend/credvend/bench/report"
)

const (
	ours   = "credvend"
	theirs = "OpenBao"

	// What is to be shown: a quarter of the latency at one connection, a tenth
	// of the memory.
	latencyLimit = 0.25
	memoryLimit  = 0.1
)

// Peer measures both sides. A peer that is not there, or does not work, is told
// in the section's note and is no error; an error is credvend's own, or ctx's.
func Peer(ctx context.Context, e report.Env) (report.Section, error) {
	section := report.Section{Name: "peer", Title: "Peer: vends of credvend beside OpenBao's AWS plugin, STS at 0 ms"}
	found, err := find()
	if err != nil {
		section.Note = "NOT RUN: " + err.Error() + "; " + howToGet + "."
		return section, nil
	}
	dir, err := filepath.Abs(filepath.Join(e.Dir, "peer")) // the programs run elsewhere
	if err != nil {
		return section, err
	}
	c := &comparison{env: e, found: found, ready: readyTime, block: 50, dir: dir}
	section.Note, err = c.run(ctx)
	section.Figures = c.figures
	return section, err
}

// comparison is both sides side by side.
type comparison struct {
	env      report.Env
	found    programs
	ready    time.Duration // how long OpenBao may take to get ready
	block    int           // how many requests one side gets before it is the other's turn
	dir      string        // scratch
	sts      [2]*stub      // ours and theirs: two of a kind, so that each side's calls are counted
	function *function
	server   *server
	digest   string // of the plugin
	version  string // of OpenBao
	policy   string // the session policy of both
	token    string // of OpenBao's client

	environments []*environment
	clients      []*client
	figures      []report.Figure
}

// run has both sides measured and ends them; the note says what came of it.
func (c *comparison) run(ctx context.Context) (note string, err error) {
	defer c.close()
	if err := c.startTheirs(ctx); err != nil {
		return "NOT MEASURED: " + err.Error(), ctx.Err()
	}
	if err := c.startOurs(ctx); err != nil {
		return "", err
	}
	if err := c.setUp(ctx); err != nil {
		return "NOT MEASURED: " + err.Error(), ctx.Err()
	}
	err = c.measure(ctx)
	var failure *peerError
	if errors.As(err, &failure) {
		return "BROKEN OFF: " + failure.Error() + ". " + c.note(), ctx.Err()
	}
	return c.note(), err
}

// startTheirs starts OpenBao, unsealed and empty.
func (c *comparison) startTheirs(ctx context.Context) error {
	plugins := filepath.Join(c.dir, "plugins")
	if err := os.MkdirAll(plugins, 0o700); err != nil {
		return err
	}
	// OpenBao takes no plugin from a folder that is reached by a link.
	plugins, err := filepath.EvalSymlinks(plugins)
	if err != nil {
		return err
	}
	if c.digest, err = install(c.found.plugin, plugins); err != nil {
		return fmt.Errorf("copying the plugin: %w", err)
	}
	c.env.Log("peer: starting %s", c.found.server)
	if c.server, err = startServer(ctx, c.found.server, c.dir, plugins, c.ready); err != nil {
		return err
	}
	return c.server.unseal(ctx)
}

// startOurs starts credvend and has it vend once.
func (c *comparison) startOurs(ctx context.Context) (err error) {
	task := filepath.Join(c.dir, "task")
	if err := os.MkdirAll(task, 0o700); err != nil {
		return err
	}
	for i := range c.sts {
		if c.sts[i], err = startSTS(); err != nil {
			return err
		}
	}
	c.env.Log("peer: building the function")
	if c.function, err = newFunction(ctx, c.env.Root, task, c.sts[0].url()); err != nil {
		return err
	}
	if err := c.addEnvironment(ctx); err != nil {
		return err
	}
	return try(ctx, c.environments[0], c.sts[0])
}

// setUp sets OpenBao up after what credvend has just asked of STS, and has it
// vend once.
func (c *comparison) setUp(ctx context.Context) error {
	asked := c.sts[0].form()
	c.policy = asked.Get("Policy")
	var err error
	c.token, err = c.server.setUp(ctx, engine{
		digest: c.digest, sts: c.sts[1].url(), region: region,
		roleARN: asked.Get("RoleArn"), policy: c.policy, duration: asked.Get("DurationSeconds") + "s",
	})
	if err != nil {
		return err
	}
	c.version = c.server.version(ctx)
	if err := c.addClient(ctx); err != nil {
		return err
	}
	if err := try(ctx, c.clients[0], c.sts[1]); err != nil {
		return c.server.broken(err)
	}
	sent := c.sts[1].form()
	for _, name := range []string{"RoleArn", "Policy", "DurationSeconds"} {
		if sent.Get(name) != asked.Get(name) {
			return fmt.Errorf("%s asks STS for %s %q, %s for %q", theirs, name, sent.Get(name), ours, asked.Get(name))
		}
	}
	return nil
}

// try asks once, and sees that STS was asked too.
func try(ctx context.Context, a asker, sts *stub) error {
	before := sts.calls.Load()
	if _, err := a.ask(ctx); err != nil {
		return err
	}
	if calls := sts.calls.Load() - before; calls != 1 {
		return fmt.Errorf("one request made %d calls of STS", calls)
	}
	return nil
}

func (c *comparison) addEnvironment(ctx context.Context) error {
	e, err := c.function.launch(ctx)
	if err == nil {
		c.environments = append(c.environments, e)
	}
	return err
}

func (c *comparison) addClient(ctx context.Context) error {
	one, err := c.server.client(ctx, c.token)
	if err == nil {
		c.clients = append(c.clients, one)
	}
	return err
}

// close ends both sides.
func (c *comparison) close() {
	for _, one := range c.clients {
		one.close()
	}
	if c.server != nil {
		c.server.stop()
	}
	for _, e := range c.environments {
		e.close()
	}
	for _, sts := range c.sts {
		if sts != nil {
			sts.close()
		}
	}
}
