package route

import (
	"iter"
	"strings"

	"github.com/credvend/credvend/internal/arn"
)

// What a session policy is made of. execute-api:Invoke is the one action it
// speaks of.
const (
	policyOpen   = `{"Version":"2012-10-17","Statement":[`
	allowOpen    = `{"Effect":"Allow","Action":"execute-api:Invoke","Resource":[`
	denyOpen     = `{"Effect":"Deny","Action":"execute-api:Invoke","Resource":[`
	closing      = `]}` // of a statement, and of the policy
	policyFrames = len(policyOpen) + len(allowOpen) + len(closing) + len(`,`) + len(denyOpen) + len(closing) + len(closing)
)

// ambiguous are path forms that backends resolve and IAM does not: a request
// for /orders/../admin matches a grant of /orders/* in IAM and reaches /admin
// in a backend that normalises. Whether API Gateway judges the encoded or the
// decoded path is not documented, so both spellings are denied.
var ambiguous = [...]string{
	"*/../*", "*/..", "*/./*", "*/.", "*//*",
	"*%2e*", "*%2E*", "*%2f*", "*%2F*",
}

// ambiguousPrefix stands before them. The region and the account are left open
// to keep the policy short; it grants nothing elsewhere, so there is nothing
// elsewhere to deny.
func ambiguousPrefix(stage arn.Stage) string { return "arn:" + stage.Partition + ":execute-api:*:*:" }

// Policy writes the session policy that allows the routes of allow at a stage,
// less those of deny and less every ambiguous path. Equal input gives equal
// text. Both lists should be merged; allow must not be empty, since a policy
// that allows nothing is malformed to STS.
func Policy(stage arn.Stage, allow, deny []Route) string {
	prefix := stage.ARN() + "/"
	var b strings.Builder
	b.Grow(PolicySize(stage, allow, deny))
	b.WriteString(policyOpen + allowOpen)
	comma := ""
	for method, path := range resources(allow) {
		resource(&b, comma, prefix, method, path)
		comma = ","
	}
	b.WriteString(closing + "," + denyOpen)
	comma = ""
	for method, path := range resources(deny) {
		resource(&b, comma, prefix, method, path)
		comma = ","
	}
	prefix = ambiguousPrefix(stage)
	for _, path := range ambiguous {
		resource(&b, comma, prefix, "", path)
		comma = ","
	}
	b.WriteString(closing + closing)
	return b.String()
}

// resources are what stands behind the stage in the ARNs of routes: a method
// and a path each, or "" and `*`. The zero Route has none.
func resources(routes []Route) iter.Seq2[string, string] {
	return func(yield func(method, path string) bool) {
		for _, r := range routes {
			p := r.pattern()
			if p.everything() {
				if !yield("", "*") {
					return
				}
				continue
			}
			for m, last := p.parts(); m <= last && m > 0; m++ {
				if !yield(m.String(), p.path) {
					return
				}
			}
		}
	}
}

// resource writes one ARN. Routes and stages are parsed to an alphabet that
// JSON need not escape, so quoting is all it takes.
func resource(b *strings.Builder, comma, prefix, method, path string) {
	b.WriteString(comma)
	b.WriteByte('"')
	b.WriteString(prefix)
	b.WriteString(method)
	b.WriteString(path)
	b.WriteByte('"')
}

// PolicySize is the length of what Policy writes, without writing it: a list
// is checked for the size of every caller's grant when it loads.
func PolicySize(stage arn.Stage, allow, deny []Route) int {
	prefix := len("arn::execute-api:::/") + len(stage.Partition) + len(stage.Region) + len(stage.Account) + len(stage.API) + len("/") + len(stage.Name)
	size := policyFrames
	some := 0
	for method, path := range resources(allow) {
		size += prefix + len(method) + len(path) + len(`"",`)
		some = len(",") // the last has none
	}
	size -= some
	for method, path := range resources(deny) {
		size += prefix + len(method) + len(path) + len(`"",`)
	}
	prefix = len("arn::execute-api:*:*:") + len(stage.Partition)
	for _, path := range ambiguous {
		size += prefix + len(path) + len(`"",`)
	}
	return size - len(",")
}
