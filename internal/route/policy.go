package route

import (
	"strings"

	"github.com/credvend/credvend/internal/arn"
)

// invokeAction is the one action a session policy speaks of.
const invokeAction = "execute-api:Invoke"

// ambiguous are path forms that backends resolve and IAM does not: a request
// for /orders/../admin matches a grant of /orders/* in IAM and reaches /admin
// in a backend that normalises. Whether API Gateway judges the encoded or the
// decoded path is not documented, so both spellings are denied.
var ambiguous = [...]string{
	"*/../*", "*/..", "*/./*", "*/.", "*//*",
	"*%2e*", "*%2E*", "*%2f*", "*%2F*",
}

// Policy writes the session policy that allows the routes of allow at a stage,
// less those of deny and less every ambiguous path. Equal input gives equal
// text. Both lists should be merged; allow must not be empty, since a policy
// that allows nothing is malformed to STS.
func Policy(stage arn.Stage, allow, deny []Route) string {
	var b strings.Builder
	b.WriteString(`{"Version":"2012-10-17","Statement":[`)
	statement(&b, "Allow", resources(stage, allow))
	b.WriteByte(',')
	denied := resources(stage, deny)
	for _, path := range ambiguous {
		// The region and the account are left open to keep the policy short; it
		// grants nothing elsewhere, so there is nothing elsewhere to deny.
		denied = append(denied, "arn:"+stage.Partition+":execute-api:*:*:"+path)
	}
	statement(&b, "Deny", denied)
	b.WriteString(`]}`)
	return b.String()
}

func resources(stage arn.Stage, routes []Route) []string {
	var out []string
	for _, r := range routes {
		out = append(out, r.Resources(stage)...)
	}
	return out
}

// statement writes one statement. Routes and stages are parsed to an alphabet
// that JSON need not escape, so quoting is all it takes.
func statement(b *strings.Builder, effect string, resources []string) {
	b.WriteString(`{"Effect":"` + effect + `","Action":"` + invokeAction + `","Resource":[`)
	for i, r := range resources {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + r + `"`)
	}
	b.WriteString(`]}`)
}
