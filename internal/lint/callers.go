package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/allowlist"
)

// unusedCallers finds callers that no rule names. A deny rule for everybody
// does not name them: it would leave nothing of them.
func (l *linter) unusedCallers() {
	used := map[string]bool{}
	for at := range l.rules {
		switch r := &l.rules[at]; {
		case r.anyone && !r.deny():
			return
		default:
			for _, name := range r.Callers {
				used[name] = true
			}
		}
	}
	for _, name := range l.callers {
		if !used[name] {
			l.aboutKey(fmt.Sprintf("no rule names the caller %s, so it may do nothing", name), "remove it, or name it in a rule", "callers", name)
		}
	}
}

// eachPrincipal calls f with each caller that is an AWS principal, and the
// path of what names it.
func (l *linter) eachPrincipal(f func(name string, k *allowlist.IAMCaller, path []any)) {
	for _, name := range l.callers {
		k := l.doc.Callers[name].IAM
		if k == nil {
			continue
		}
		key := "account"
		switch {
		case k.Role != "":
			key = "role"
		case k.User != "":
			key = "user"
		}
		f(name, k, []any{"callers", name, "iam", key})
	}
}

// accountWide finds callers that are every role, or every user, of an account.
func (l *linter) accountWide() {
	l.eachPrincipal(func(name string, k *allowlist.IAMCaller, path []any) {
		switch {
		case k.Account != "":
			l.report(fmt.Sprintf("%s is every role and user of account %s: whoever may create a role there decides who is let in", name, k.Account),
				"name the roles that need it, or say in a comment why the account is trusted as a whole", path...)
		case strings.Trim(principalName(k), "*/") == "":
			l.report(fmt.Sprintf("%s is every %s of account %s", name, path[3], account(k)),
				"name the ones that need it, or a beginning that only their names have", path...)
		}
	})
}

// wideCallers finds stars in names that do not follow a separator: ci* is
// cinema too.
func (l *linter) wideCallers() {
	l.eachPrincipal(func(name string, k *allowlist.IAMCaller, path []any) {
		who := principalName(k)
		star := strings.IndexByte(who, '*')
		if star < 0 || strings.Trim(who, "*/") == "" {
			return
		}
		if star == 0 {
			l.report(fmt.Sprintf("%q begins with a star, so whoever may name a %s in account %s can choose a name that matches", who, path[3], account(k)),
				"write the beginning out, one that only the right ones may have", path...)
			return
		}
		if strings.IndexByte("-_./", who[star-1]) >= 0 {
			return
		}
		l.report(fmt.Sprintf("%q also matches %s", who, strings.ReplaceAll(who, "*", "nema")),
			fmt.Sprintf("put a separator before the star, such as %s-*", who[:star]), path...)
	})
}

// missingIDs finds principals that are not pinned, where they could be: a
// caller of a deny rule must not be.
func (l *linter) missingIDs() {
	denied := map[string]bool{}
	for at := range l.rules {
		if r := &l.rules[at]; r.deny() {
			for _, name := range r.Callers {
				denied[name] = true
			}
		}
	}
	l.eachPrincipal(func(name string, k *allowlist.IAMCaller, path []any) {
		if k.Account != "" || uniqueID(k) != "" || denied[name] || strings.Contains(principalName(k), "*") {
			return
		}
		key, command := "role_id", "get-role --role-name"
		if k.User != "" {
			key, command = "user_id", "get-user --user-name"
		}
		l.report(fmt.Sprintf("%s is known by its name alone: if it is deleted, whoever makes one of that name is let in", principalName(k)),
			fmt.Sprintf("add %s, from `aws iam %s %s`", key, command, principalName(k)[strings.LastIndexByte(principalName(k), '/')+1:]), path...)
	})
}

// conflictingTags finds callers that one identity can be, and that give one
// tag two values: such an identity is refused.
func (l *linter) conflictingTags() {
	for _, pair := range l.overlapping(func(k allowlist.Caller) bool { return len(k.Tags) > 0 }) {
		a, b := l.doc.Callers[pair[0]], l.doc.Callers[pair[1]]
		theirs := map[string]string{}
		for key, value := range a.Tags {
			theirs[fold(key)] = value
		}
		keys := sortedKeys(b.Tags)
		for _, key := range keys {
			value, both := theirs[fold(key)]
			if both && (value != b.Tags[key] || strings.Contains(value, "${caller.name}")) {
				l.report(fmt.Sprintf("an identity can be both %s and %s, which give the tag %s two values; it is refused everything then", pair[0], pair[1], key),
					"keep the two apart, or give the tag one value", "callers", pair[1], "tags", key)
			}
		}
	}
}

func fold(key string) string { return strings.ToLower(strings.ToUpper(key)) }

// overlapUntagged finds callers that one identity can be, at a target that
// sends no session tags: such an identity is refused there.
func (l *linter) overlapUntagged() {
	for _, target := range l.targets {
		if on := l.doc.Targets[target].SessionTags; on == nil || *on {
			continue
		}
		mine := map[string]bool{}
		for _, r := range l.allows[target] {
			for _, name := range l.names(r) {
				mine[name] = true
			}
		}
		// Whoever is let in as one caller is refused if it is another too,
		// whatever that one may do.
		for _, pair := range l.overlapping(func(allowlist.Caller) bool { return true }) {
			if mine[pair[0]] || mine[pair[1]] {
				l.report(fmt.Sprintf("target %s sends no session tags, and an identity can be both %s and %s, which nothing would tell apart in Account A; it is refused", target, pair[0], pair[1]),
					"keep the two callers apart, or switch session_tags on", "targets", target, "session_tags")
			}
		}
	}
}

// overlapping returns pairs of callers that one identity can be, in order, up
// to what a check lists.
func (l *linter) overlapping(of func(allowlist.Caller) bool) [][2]string {
	var pairs [][2]string
	near := map[string][]string{} // vicinity → callers
	wide := map[string][]string{} // of them those that more than one principal can be
	same := map[string][]string{} // principal, literal → callers
	for _, name := range l.callers {
		k := l.doc.Callers[name]
		if !of(k) {
			continue
		}
		v := vicinity(k)
		near[v] = append(near[v], name)
		if k.IAM == nil || k.IAM.Account != "" || strings.Contains(principal(k.IAM), "*") {
			wide[v] = append(wide[v], name)
		} else {
			same[principal(k.IAM)] = append(same[principal(k.IAM)], name)
		}
	}
	seen := map[[2]string]bool{}
	try := func(a, b string) bool {
		pair := [2]string{min(a, b), max(a, b)}
		if !l.spend(1) {
			return false
		}
		if a == b || seen[pair] || !mayOverlap(l.doc.Callers[a], l.doc.Callers[b]) {
			return true
		}
		seen[pair] = true
		pairs = append(pairs, pair)
		return len(pairs) < maxPairs
	}
	each := func(xs, ys []string) bool {
		for _, x := range xs {
			for _, y := range ys {
				if !try(x, y) {
					return false
				}
			}
		}
		return true
	}
	for _, v := range sortedKeys(near) {
		if !each(wide[v], near[v]) {
			break
		}
	}
	for _, p := range sortedKeys(same) {
		if !each(same[p], same[p]) {
			break
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	return pairs
}

// maxPairs bounds the pairs that are looked at.
const maxPairs = 100_000
