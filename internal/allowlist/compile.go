package allowlist

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/credvend/credvend/internal/arn"
)

// Limits of a document.
const (
	MinDuration     = 15 * time.Minute // STS's minimum
	MaxDuration     = time.Hour        // role chaining caps AssumeRole here
	DefaultDuration = 30 * time.Minute // shorter ones defeat the caches of stock clients
	MaxPolicy       = 2048             // characters of a session policy, by STS
	maxTags         = 48               // STS takes 50; two are credvend's own
)

// Compile checks a document and turns it into an index. The error, if any, is
// Problems: all of them, each with its remedy.
func Compile(doc *Document) (*List, error) {
	if doc == nil {
		doc = &Document{}
	}
	c := &compiler{
		doc:         doc,
		list:        &List{digest: doc.Digest(), targets: make(map[string]*target, len(doc.Targets)), memo: &memo{}},
		callers:     make(map[string]*caller, len(doc.Callers)),
		targetNames: slices.Sorted(maps.Keys(doc.Targets)),
		callerNames: slices.Sorted(maps.Keys(doc.Callers)),
	}
	switch doc.Version {
	case Version:
	case 0:
		c.at("version").fail("version is missing", fmt.Sprintf("begin with version: %d", Version))
	default:
		c.at("version").fail(fmt.Sprintf("version %d is not understood", doc.Version), fmt.Sprintf("write version: %d", Version))
	}
	c.atLeastOne("targets", len(doc.Targets), "name the API that credentials are for")
	c.atLeastOne("callers", len(doc.Callers), "name who may ask")
	c.atLeastOne("rules", len(doc.Rules), "without a rule nobody is allowed anything")
	for _, name := range c.targetNames {
		c.target(name, doc.Targets[name])
	}
	c.list.callers = make([]*caller, 0, len(c.callerNames))
	for _, name := range c.callerNames {
		c.caller(name, doc.Callers[name])
	}
	c.rules()
	if len(c.problems) == 0 {
		c.list.index = newIndex(c.list.callers)
		c.list.mentions(c.named)
		for _, name := range c.targetNames {
			if slices.ContainsFunc(c.list.targets[name].rules, func(r int32) bool { return !c.list.rules[r].deny }) {
				c.list.reachedByAll = append(c.list.reachedByAll, name)
			}
		}
		c.sizes()
	}
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	return c.list, nil
}

// compiler collects the index and the problems of one document.
type compiler struct {
	doc      *Document
	list     *List
	problems Problems

	targetNames, callerNames []string           // sorted
	callers                  map[string]*caller // by name
	named                    []named            // every caller of every rule, but `*`
	suggestions              int                // made so far
}

func (c *compiler) atLeastOne(section string, n int, why string) {
	if n == 0 {
		c.at(section).fail("there are no "+section, why)
	}
}

// target checks a target and adds it to the list.
func (c *compiler) target(name string, doc Target) {
	here := c.at("targets", name)
	if !isTargetName(name) {
		here.name().fail(fmt.Sprintf("%q is not a target name", clip(name)), "use a lower-case letter, then up to 63 lower-case letters, digits, - and _")
	}
	t := &target{place: int32(len(c.list.targets)), limit: "target " + name, TargetInfo: TargetInfo{ //nolint:gosec // a document of 2 GiB targets does not fit in memory
		Name: name, RoleARN: doc.Role, ExternalID: doc.ExternalID, Endpoint: doc.Endpoint, RequireRoutes: doc.RequireRoutes,
		SourceIdentity: doc.SourceIdentity == nil || *doc.SourceIdentity,
		SessionTags:    doc.SessionTags == nil || *doc.SessionTags,
	}}
	stage, err := arn.ParseStage(doc.API)
	if err != nil {
		here.under("api").fail(err.Error(), "copy the API's id and its stage from Account A's console")
	}
	t.Stage = stage
	role, err := arn.ParseTargetRole(doc.Role)
	switch {
	case err != nil:
		here.under("role").fail(err.Error(), "write arn:aws:iam::ACCOUNT:role/NAME")
	case stage.API == "":
	case role.Partition != stage.Partition:
		here.under("role").fail(fmt.Sprintf("the role is of the partition %s, the API of %s", role.Partition, stage.Partition), "a role reaches APIs of its own partition only")
	case role.Account != stage.Account:
		here.under("role").fail(fmt.Sprintf("the role is of the account %s, the API of %s", role.Account, stage.Account), "an HTTP API admits only roles of its own account, so name a role there")
	}
	t.AccountID = role.Account
	if doc.Endpoint == "" {
		t.Endpoint = stage.Endpoint()
	} else if !isEndpoint(doc.Endpoint) {
		here.under("endpoint").fail(fmt.Sprintf("%q is not the URL of an API", clip(doc.Endpoint)), "write https://HOST, with a base path if the domain maps one, and no query; http is for loopback hosts alone")
	}
	if doc.ExternalID != "" && !isExternalID(doc.ExternalID) {
		here.under("external_id").fail("STS does not take this external id", `use 2 to 1224 letters, digits and _+=,.@:/-`)
	}
	t.MaxDuration = here.duration("max_duration", doc.MaxDuration, MaxDuration)
	t.DefaultDuration = here.duration("default_duration", doc.DefaultDuration, min(DefaultDuration, t.MaxDuration))
	if doc.DefaultDuration != "" && t.DefaultDuration > t.MaxDuration {
		here.under("default_duration").fail(fmt.Sprintf("the default of %s is longer than max_duration, %s", doc.DefaultDuration, doc.MaxDuration), "shorten the default or lengthen the maximum")
	}
	c.list.targets[name] = t
}

// duration reads an optional duration within the limits of STS.
func (p place) duration(key, text string, fallback time.Duration) time.Duration {
	if text == "" {
		return fallback
	}
	d, err := time.ParseDuration(text)
	if err != nil || d%time.Second != 0 || d < MinDuration || d > MaxDuration {
		p.under(key).fail(fmt.Sprintf("%q is not a duration from 15m to 1h", clip(text)), "write minutes, such as 30m; STS gives no less than 15 and a chained role no more than 60")
		return fallback
	}
	return d
}
