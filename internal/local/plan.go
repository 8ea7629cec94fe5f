package local

import (
	_ "embed" // the story's allowlist
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/allowlist/yamldoc"
	"github.com/credvend/credvend/internal/arn"
)

//go:embed story/allowlist.yaml
var storyAllowlist []byte

// plan is what an allowlist asks of the two accounts: an API and a role for
// each target, and somebody for each caller.
type plan struct {
	doc         *allowlist.Document
	story       bool
	partition   string
	region      string // of Account B
	targetNames []string
	apis        []*plannedAPI
	issuer      string   // of the list's tokens, played by the local issuer
	audiences   []string // of those tokens
	json        []byte   // what the function reads
	adapted     []string
}

// plannedAPI is one HTTP API of Account A.
type plannedAPI struct {
	stage arn.Stage
	url   string // set once the ports are known
}

// newPlan reads an allowlist; "" is the story's own.
func newPlan(file string) (*plan, error) {
	name, text := "the story's allowlist", storyAllowlist
	if file != "" {
		var err error
		if text, err = os.ReadFile(file); err != nil {
			return nil, fmt.Errorf("the allowlist cannot be read: %w", err)
		}
		name = file
	}
	loaded, _, err := yamldoc.Load(name, text)
	if err != nil {
		return nil, err
	}
	p := &plan{doc: loaded.Doc, story: file == "", targetNames: slices.Sorted(maps.Keys(loaded.Doc.Targets))}
	for _, name := range p.targetNames {
		stage, err := arn.ParseStage(p.doc.Targets[name].API)
		if err != nil {
			return nil, err
		}
		if p.partition == "" {
			p.partition = stage.Partition
		}
		if stage.Partition != p.partition {
			return nil, fmt.Errorf("target %s is of the partition %s and another of %s: a local run plays one partition", name, stage.Partition, p.partition)
		}
		if p.api(stage) == nil {
			p.apis = append(p.apis, &plannedAPI{stage: stage})
		}
	}
	p.region = map[string]string{"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}[p.partition]
	p.planIssuer()
	return p, nil
}

// planIssuer chooses the issuer that the local one plays: the first that a
// caller names. An HTTP API takes one issuer per authorizer.
func (p *plan) planIssuer() {
	for _, name := range slices.Sorted(maps.Keys(p.doc.Callers)) {
		jwt := p.doc.Callers[name].JWT
		if jwt == nil {
			continue
		}
		if p.issuer == "" {
			p.issuer = jwt.Issuer
		}
		if jwt.Issuer == p.issuer && !slices.Contains(p.audiences, jwt.Audience) {
			p.audiences = append(p.audiences, jwt.Audience)
		}
	}
	if len(p.audiences) == 0 {
		p.audiences = []string{"orders-app"}
	}
}

// settle puts the loopback addresses in the place of the real ones, and builds
// what the function reads.
func (p *plan) settle(w World) error {
	for name, t := range p.doc.Targets {
		t.Endpoint = p.apiOf(name).url
		p.doc.Targets[name] = t
	}
	for name, c := range p.doc.Callers {
		if c.JWT != nil && c.JWT.Issuer == p.issuer {
			jwt := *c.JWT
			jwt.Issuer = w.IssuerURL
			c.JWT = &jwt
			p.doc.Callers[name] = c
		} else if c.JWT != nil {
			p.adapt("caller %s: nobody plays its issuer %s here, since a front door takes one issuer", name, c.JWT.Issuer)
		}
	}
	if p.issuer != "" && !p.story {
		p.adapt("tokens of %s are played by %s", p.issuer, w.IssuerURL)
	}
	if _, err := allowlist.Compile(p.doc); err != nil { // the function does it too: this is to fail early
		return fmt.Errorf("the allowlist with local addresses: %w", err)
	}
	p.json = p.doc.JSON()
	return nil
}

func (p *plan) adapt(format string, args ...any) {
	p.adapted = append(p.adapted, fmt.Sprintf(format, args...))
	slices.Sort(p.adapted)
}

func (p *plan) api(stage arn.Stage) *plannedAPI {
	for _, api := range p.apis {
		if api.stage == stage {
			return api
		}
	}
	return nil
}

func (p *plan) apiOf(target string) *plannedAPI {
	stage, err := arn.ParseStage(p.doc.Targets[target].API)
	if err != nil {
		return nil // not so: newPlan parsed it
	}
	return p.api(stage)
}

// literal is a caller that names one principal.
type literal struct {
	name, arn, uniqueID string
	user                bool
}

// literals are the callers that can have a profile, by name.
func (p *plan) literals() (all []literal) {
	for _, name := range slices.Sorted(maps.Keys(p.doc.Callers)) {
		iam := p.doc.Callers[name].IAM
		switch {
		case iam == nil || strings.Contains(iam.Role+iam.User, "*"):
		case iam.Role != "":
			all = append(all, literal{name, iam.Role, iam.RoleID, false})
		case iam.User != "":
			all = append(all, literal{name, iam.User, iam.UserID, true})
		}
	}
	return samePrincipals(all)
}

// samePrincipals gives callers of one ARN one unique id: the first that a
// caller pins. The accounts hold each principal once.
func samePrincipals(all []literal) []literal {
	pinned := map[string]string{}
	for _, l := range all {
		if pinned[l.arn] == "" {
			pinned[l.arn] = l.uniqueID
		}
	}
	for i := range all {
		all[i].uniqueID = pinned[all[i].arn]
	}
	return all
}

// accountsAdmitted are the accounts of IAM callers other than Account B's, to
// be let in at the function URL and the REST API.
func (p *plan) accountsAdmitted() []string {
	set := map[string]bool{}
	for _, c := range p.doc.Callers {
		if c.IAM == nil {
			continue
		}
		account := c.IAM.Account
		for _, s := range []string{c.IAM.Role, c.IAM.User} {
			if f := strings.Split(s, ":"); len(f) > 4 {
				account = f[4]
			}
		}
		if account != accountB {
			set[account] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}
