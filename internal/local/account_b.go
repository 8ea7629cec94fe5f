package local

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/local/deploy"
)

// The ids that AWS would make up for Account B's doors.
const (
	iamAPI  = "b1iamapi00"
	jwtAPI  = "b2jwtapi00"
	restAPI = "b3restapi0"
	urlID   = "b4functionurl0000000000000000000"
)

// documentationIssuer stands in the template's parameter where the list names
// no issuer, or one on loopback: API Gateway takes https alone, and so does the
// template. The door is given the local issuer either way.
const documentationIssuer = "https://issuer.example.com"

// deployBroker makes Account B's stack as docs/deploy.md tells people to: with
// all four doors, and twice, since the function's environment needs the id of
// its URL, which AWS makes up in the first.
func (p *plan) deployBroker(t *deploy.Template) (*deploy.Stack, error) {
	parameters := map[string]string{
		"IamDoor": "on", "FunctionUrl": "on", "RestApi": "on",
		"ReservedConcurrency": "20", // a function URL needs one
		"JwtIssuer":           p.jwtIssuer(),
	}
	for name, values := range map[string][]string{
		"TargetRoleArns": p.targetRoles(), "JwtAudience": p.audiences, "AdmittedAccounts": p.accountsAdmitted(),
	} {
		for _, v := range values {
			if strings.Contains(v, ",") {
				return nil, fmt.Errorf("%s: parameter %s: %q has a comma, which parts the values of the list", brokerFile, name, v)
			}
		}
		parameters[name] = strings.Join(values, ",")
	}
	options := deploy.Options{
		Site: deploy.Site{Partition: p.partition, Region: p.region, Account: accountB}, Name: "credvend", Parameters: parameters,
		IDs: map[string]string{"IamApi": iamAPI, "JwtApi": jwtAPI, "VendRestApi": restAPI, "VendUrl": urlID},
	}
	first, err := t.Deploy(options)
	if err != nil {
		return nil, err
	}
	options.Parameters["FunctionUrlId"] = first.Outputs["FunctionUrlId"]
	return t.Deploy(options)
}

// targetRoles are the roles of the targets, each once.
func (p *plan) targetRoles() []string {
	set := map[string]bool{}
	for _, t := range p.doc.Targets {
		set[t.Role] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// jwtIssuer is the value of the template's parameter.
func (p *plan) jwtIssuer() string {
	u, err := url.Parse(p.issuer)
	if p.issuer == "" || err == nil && u.Scheme == "http" && (u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()) {
		return documentationIssuer
	}
	return p.issuer
}

// doorway is one of the four front doors as the stack's outputs tell people of
// it: whatever it leads to is what they find.
type doorway struct {
	port             int
	output, id, path string
}

// doorways finds the door behind each of the outputs.
func doorways(b *deploy.Stack) ([]doorway, error) {
	all := []doorway{{port: portIAM, output: "IamUrl"}, {port: portJWT, output: "JwtUrl"}, {port: portFunctionURL, output: "FunctionUrl"}, {port: portREST, output: "RestUrl"}}
	for i := range all {
		d := &all[i]
		text, ok := b.Outputs[d.output]
		if !ok {
			return nil, fmt.Errorf("%s: it has no output %s, which tells where a front door is; a local run opens all four", brokerFile, d.output)
		}
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "https" {
			return nil, fmt.Errorf("%s: the output %s is %q, which is no address", brokerFile, d.output, text)
		}
		d.id, _, _ = strings.Cut(u.Host, ".")
		if !b.HasDoor(d.id) {
			return nil, fmt.Errorf("%s: the output %s is %s, which is no front door of this stack", brokerFile, d.output, text)
		}
		d.path = strings.TrimSuffix(u.Path, "/")
	}
	return all, nil
}
