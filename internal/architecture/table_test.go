// Package architecture asserts how the packages of this module may depend on
// one another. It holds tests alone: it must not be imported, and it must know
// nothing of what the packages do.
//
// The table is the design's. A package that is not in it fails the test, so
// that a new package, or a new arrow, is a decision that somebody reviews.
package architecture

// module is the path that our own import paths start with.
const module = "github.com/credvend/credvend"

// pure are the packages without clock and I/O, except arn and fault, which
// everything may build on.
var pure = []string{"internal/arn", "internal/fault", "internal/route", "internal/identity", "internal/allowlist", "internal/scope"}

// table says which packages of ours each package may import. Paths are
// relative to the module.
var table = map[string][]string{
	// The wire contract and the vocabulary: at the bottom, importing nothing.
	"api":            {},
	"internal/fault": {},
	"internal/arn":   {},

	// Deciding: pure.
	"internal/route":             {"internal/arn", "internal/fault"},
	"internal/identity":          {"internal/arn", "internal/fault"},
	"internal/allowlist":         {"internal/identity", "internal/route", "internal/arn", "internal/fault"},
	"internal/allowlist/yamldoc": {"internal/allowlist", "internal/identity", "internal/route", "internal/arn", "internal/fault"},
	"internal/scope":             {"internal/allowlist", "internal/identity", "internal/route", "internal/arn", "internal/fault"},

	// Questions about lists, asked offline: pure too, and never linked into the
	// function.
	"internal/analysis/globset":    {},
	"internal/analysis/population": append([]string{"internal/analysis/globset"}, pure...),
	"internal/analysis":            append([]string{"internal/analysis/globset", "internal/analysis/population"}, pure...),
	"internal/analysis/replay":     append([]string{"internal/analysis", "internal/analysis/population"}, pure...),

	// The linter, the map, the importer and the schema: offline, for people.
	"internal/lint":          append([]string{"internal/allowlist/yamldoc"}, pure...),
	"internal/lint/report":   {"internal/lint"},
	"internal/allowmap":      append([]string{"internal/analysis/population"}, pure...),
	"internal/openapiroutes": {"internal/route", "internal/arn"},
	"internal/allowschema":   {"internal/allowlist", "internal/route"},

	// Vending. audit never imports assume: an entry that cannot name the type
	// of a credential cannot hold one.
	"internal/assume": {"internal/scope", "internal/fault"},
	"internal/audit":  {"internal/scope", "internal/allowlist", "internal/identity", "internal/fault"},
	"internal/vend":   {"internal/audit", "internal/assume", "internal/scope", "internal/allowlist", "internal/identity", "internal/route", "internal/fault"},

	// The function. gateway never imports audit: every audit line goes through
	// vend.
	"internal/gateway":  {"internal/vend", "api", "internal/identity", "internal/scope", "internal/route", "internal/fault"},
	"internal/source":   {"internal/allowlist", "internal/fault"},
	"internal/config":   {"internal/identity", "internal/fault"},
	"internal/function": functionSide,
	"functions/vend":    {"internal/function"},

	// The caller's side.
	"client": {"api"},

	// The tool's side of it: what it keeps, reads and writes on its user's
	// machine.
	"internal/credcache":      {},
	"internal/toolconfig":     {},
	"internal/awsconfig":      {},
	"internal/containercreds": {"api"},

	// Judging why a vend fails; it evaluates the accounts' policies as the local
	// accounts do.
	"internal/doctor": {"api", "internal/local/iam"},

	// The judge. It shares no code with what it judges: a mistake in route
	// must not be repeated by the IAM that tests route.
	"internal/local/iam":     {},
	"internal/local/sigv4":   {},
	"internal/local/oidc":    {},
	"internal/local/runtime": {},
	"internal/local/wire":    {},
	"internal/local/sts":     {"internal/local/iam", "internal/local/sigv4"},
	"internal/local/story":   {},
	"internal/local/cfn":     {},
	"internal/local/view":    {"internal/local/sts", "internal/local/apigw"},
	"internal/local/apigw":   {"internal/local/iam", "internal/local/sigv4", "internal/local/oidc", "internal/local/runtime", "internal/local/wire"},

	// The templates, for the tool to play: the function never links them.
	module: {},

	// CloudFormation's part: what a template makes of the accounts.
	"internal/local/deploy": {"internal/local/cfn", "internal/local/iam"},

	// The wiring of the two accounts reads an allowlist, to give each target a
	// role and each caller a profile; the judges do not.
	"internal/local": append([]string{
		"internal/local/iam", "internal/local/sigv4", "internal/local/oidc", "internal/local/runtime", "internal/local/sts", "internal/local/apigw", "internal/local/story", "internal/local/view", "internal/local/wire", "internal/local/deploy", module,
		"internal/allowlist/yamldoc",
	}, pure...),

	// The tool.
	"internal/cli": append([]string{"client", "api", "internal/credcache", "internal/toolconfig", "internal/awsconfig", "internal/containercreds", "internal/doctor", "internal/local", "internal/function", "internal/allowlist/yamldoc", "internal/analysis", "internal/analysis/population", "internal/analysis/replay", "internal/lint", "internal/lint/report", "internal/allowmap", "internal/openapiroutes", "internal/allowschema"}, pure...),
	"cmd/credvend": {"internal/cli"},

	// The runner of the folder events/. It judges the function's answers, so it
	// shares nothing with what decides them but the reader of allowlists.
	"internal/invoke": {"internal/local/iam", "internal/local/sigv4", "internal/local/sts", "internal/local/runtime", "internal/allowlist", "internal/allowlist/yamldoc"},
	"test/events":     {"internal/invoke"},

	// Measuring: beside the function, never in it. minimal and the programs
	// under cmd are what it is measured beside, so they share nothing with it.
	"bench/report":         {},
	"bench/minimal":        {},
	"bench/cmd/bare":       {},
	"bench/cmd/echo":       {},
	"bench/cmd/minimal":    {"bench/minimal"},
	"bench/process":        {"bench/report", "internal/allowlist/yamldoc"},
	"bench/peer":           {"bench/report", "bench/process", "internal/allowlist/yamldoc"},
	"bench/inside/hotpath": functionSide,
	"bench/inside":         append([]string{"bench/report", "bench/minimal", "bench/inside/hotpath"}, functionSide...),
	"bench/guard":          {"bench/inside/hotpath"},
	"bench":                {"bench/report", "bench/process", "bench/inside", "bench/peer"},

	// Simulating fleets: it knows clients and AWS's limits, and nothing of ours
	// but by what was measured.
	"simulate/behaviour": {},
	"simulate/plot":      {},
	"simulate/price":     {},
	"simulate/fleet":     {"simulate/behaviour"},
	"simulate":           {"simulate/behaviour", "simulate/fleet", "simulate/plot", "simulate/price"},

	// Tests alone ask it.
	"internal/racedetector": {},

	// The harness of other packages' tests.
	"internal/vendtest": append([]string{"internal/function"}, functionSide...),
}

// functionSide is all that the function is wired from.
var functionSide = append([]string{
	"api", "internal/assume", "internal/audit", "internal/vend", "internal/gateway", "internal/source", "internal/config",
}, pure...)

// peers are what credvend is measured beside: made of the same libraries.
var peers = []string{"bench/minimal", "bench/cmd/minimal", "bench/cmd/echo", "bench/cmd/bare"}

// fences say who alone may import a library directly. A name stands for
// itself and all below it.
var fences = map[string][]string{
	// Archived upstream, and it can be talked into trusting a header (ADR 4).
	"github.com/awslabs/aws-lambda-go-api-proxy": append([]string{"internal/gateway"}, peers...),
	"github.com/aws/aws-lambda-go/lambda":        append([]string{"internal/function", "bench/inside"}, peers...),
	"github.com/aws/aws-sdk-go-v2/service/sts":   append([]string{"internal/assume", "internal/function", "internal/vendtest", "bench/inside/hotpath"}, peers...),
	"github.com/goccy/go-yaml":                   {"internal/allowlist/yamldoc", "internal/local/cfn"},
	"github.com/spf13/cobra":                     {"internal/cli"},
	"github.com/getkin/kin-openapi":              {"internal/vendtest"},
	"github.com/oasdiff/yaml":                    {"internal/openapiroutes"},
	"github.com/go-jose/go-jose":                 {"internal/local/oidc", "internal/local/apigw"},
}

// unreachable are parts of import paths that functions/vend must not reach by
// any way: what reads YAML, JSON Schema or a command line has no business in
// the function, and neither has what imitates AWS or serves tests.
var unreachable = []string{
	"yaml", "jsonschema", "openapi", "spf13/", "urfave/", "alecthomas/", "go-jose/",
	module + "/internal/local", module + "/internal/cli", module + "/internal/vendtest", module + "/internal/racedetector", module + "/client",
	module + "/internal/analysis", module + "/internal/lint", module + "/internal/doctor", module + "/bench", module + "/simulate",
	"testing", "pgregory.net/rapid", "rogpeppe/",
}
