package lint

import (
	"slices"
)

// Severity is how bad a finding is.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // the list is refused
	Warning Severity = "warning" // it does something that is probably not meant
	Hint    Severity = "hint"    // it could be better
)

// Check is one thing that is looked for.
type Check struct {
	Name     string // kebab-case; a heading of docs/lint.md
	Severity Severity
	Short    string // what it finds, in a line

	run func(*linter)
}

// DoesNotCompile is the check that stands for the reader and the compiler.
const DoesNotCompile = "does-not-compile"

// The checks of the comments that silence others.
const (
	silenceWithoutReason = "silence-without-reason"
	silenceUnknown       = "silence-unknown"
	silenceUnused        = "silence-unused"
)

// Checks is every check, in the order in which docs/lint.md tells of them.
func Checks() []Check { return checks() }

// Named returns the check of a name.
func Named(name string) (Check, bool) {
	all := checks()
	i := slices.IndexFunc(all, func(c Check) bool { return c.Name == name })
	if i < 0 {
		return Check{}, false
	}
	return all[i], true
}

func checks() []Check {
	return []Check{
		{DoesNotCompile, Error, "the file cannot be read, or the compiler refuses it", nil},

		{"shadowed-by-deny", Warning, "an allowed route that deny rules take away from everybody it is for", (*linter).shadowed},
		{"never-matches", Warning, "a route whose variable no caller of the rule can ever fill", (*linter).neverMatches},
		{"deny-without-effect", Hint, "a denied route that no rule allows", (*linter).idleDenies},
		{"redundant-route", Hint, "a route that lies inside another of its rule", (*linter).redundant},
		{"prefix-wildcard", Warning, "an allowed path that ends in a star without a slash before it", (*linter).prefixWildcards},
		{"inner-wildcard", Warning, "an allowed path with a star in the middle, which spans slashes", (*linter).innerWildcards},
		{"wildcard-write", Warning, "a star in the path of a method that writes", (*linter).wildcardWrites},
		{"carve-out", Warning, "a path deny that cuts a hole into what is allowed", (*linter).carveOuts},
		{"deny-beside-everything", Warning, "a path deny beside `* /*`, which allows more methods than a route can deny", (*linter).besideEverything},
		{"route-without-operation", Warning, "a route that no operation of the OpenAPI document answers", (*linter).withoutOperation},

		{"unused-caller", Warning, "a caller that no rule names", (*linter).unusedCallers},
		{"account-wide-caller", Warning, "a caller that is every role or user of an account", (*linter).accountWide},
		{"wide-caller-pattern", Warning, "a principal's name with a star that does not follow a separator", (*linter).wideCallers},
		{"missing-unique-id", Hint, "a role or user that is not pinned to its unique id", (*linter).missingIDs},
		{"conflicting-tags", Warning, "two callers that one identity can be, with one tag of two values", (*linter).conflictingTags},
		{"overlap-without-tags", Warning, "two callers that one identity can be, at a target without session tags", (*linter).overlapUntagged},

		{"unused-target", Warning, "a target that no rule allows anything of", (*linter).unusedTargets},
		{"weak-external-id", Warning, "an external id that is short, easily guessed, or shared by two roles", (*linter).weakExternalIDs},
		{"near-policy-limit", Warning, "a grant whose session policy is nearly as long as STS takes", (*linter).nearLimit},
		{"packed-policy-estimate", Hint, "a grant that may be over STS's packed size, by estimate", (*linter).packed},

		{"look-alike-names", Warning, "two names that look like one", (*linter).lookAlikeNames},
		{"look-alike-characters", Warning, "a letter of another script that looks like a Latin one", (*linter).lookAlikeLetters},

		{silenceWithoutReason, Warning, "a comment that silences a check and does not say why", nil},
		{silenceUnknown, Warning, "a comment that silences a check which does not exist, or which cannot be silenced", nil},
		{silenceUnused, Warning, "a comment that silences nothing", nil},
	}
}
