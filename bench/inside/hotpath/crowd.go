package hotpath

import (
	"fmt"

	"github.com/credvend/credvend/internal/allowlist"
)

// crowd is how many callers stand in a list that has rules enough for them.
const crowd = 1000

// rulesEach is how many rules a caller has for one target: as many as a session
// policy of 2,048 characters takes, with five routes each.
const rulesEach = 3

// Crowd is a list of so many rules, 10 at least, for 1,000 callers of one
// account, each with a wildcard. CrowdCaller has three rules of five routes for
// the target orders, and CrowdShopper one with a template; the rest belong to
// the others, three for each of them and each target, of which there are as
// many as that takes.
func Crowd(rules int) *allowlist.Document {
	doc := &allowlist.Document{
		Version: allowlist.Version,
		Targets: map[string]allowlist.Target{"orders": orders},
		Callers: map[string]allowlist.Caller{
			"the-caller": {IAM: &allowlist.IAMCaller{Role: "arn:aws:iam::" + account + ":role/the-caller-*"}},
			"shopper": {JWT: &allowlist.JWTCaller{
				Issuer: issuer, Audience: audience, Claims: map[string][]string{"cognito:groups": {"shoppers"}},
			}},
		},
		Rules: make([]allowlist.Rule, 0, rules),
	}
	others := min(crowd-len(doc.Callers), rules)
	for i := range others {
		doc.Callers[other(i)] = allowlist.Caller{IAM: &allowlist.IAMCaller{Role: pattern(i)}}
	}
	for i := range rulesEach {
		doc.Rules = append(doc.Rules, allowlist.Rule{
			ID: fmt.Sprintf("the-caller-%d", i), Callers: []string{"the-caller"}, Target: "orders", Routes: fiveRoutes(i),
		})
	}
	doc.Rules = append(doc.Rules, allowlist.Rule{ID: "shoppers", Callers: []string{"shopper"}, Target: "orders", Routes: []string{"GET /users/${claims.sub}/*"}})
	for i := 0; len(doc.Rules) < rules; i++ {
		target := "orders"
		if n := i / (others * rulesEach); n > 0 {
			target = fmt.Sprintf("target-%d", n)
			doc.Targets[target] = orders
		}
		doc.Rules = append(doc.Rules, allowlist.Rule{
			ID: fmt.Sprintf("rule-%d", i), Callers: []string{other(i % others)}, Target: target, Routes: fiveRoutes(i),
		})
	}
	return doc
}

func other(i int) string { return fmt.Sprintf("caller-%d", i) }

// pattern is the role of one of the crowd: the wildcard stands at its end, at
// its beginning or in the middle.
func pattern(i int) string {
	role := "arn:aws:iam::" + account + ":role/"
	switch i % 3 {
	case 0:
		return fmt.Sprintf("%sservice-%d-*", role, i)
	case 1:
		return fmt.Sprintf("%s*-job-%d", role, i)
	default:
		return fmt.Sprintf("%steam-*-task-%d", role, i)
	}
}

func fiveRoutes(i int) []string {
	return []string{
		fmt.Sprintf("GET /x%d", i), fmt.Sprintf("GET /x%d/*", i), fmt.Sprintf("POST /x%d", i),
		fmt.Sprintf("PUT /x%d/*/items", i), fmt.Sprintf("PATCH /x%d/*", i),
	}
}

// CrowdCaller is the event of the caller of Crowd's three rules.
func CrowdCaller() []byte {
	return Event("arn:aws:sts::"+account+":assumed-role/the-caller-7/i-0123456789abcdef0", "AROAEXAMPLECALLER000:i-0123456789abcdef0", Ask)
}

// CrowdShopper is the event of the one caller of Crowd with a token.
func CrowdShopper() []byte { return Shopper(Ask) }
