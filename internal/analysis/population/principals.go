package population

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/analysis/globset"
	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/identity"
)

// longestName is the longest name of a role, and of a user without its path.
const longestName = 64

// scope is one type of principal of one account and partition.
type scope struct {
	partition, account string
	kind               arn.PrincipalType
}

// named is what the callers of a scope name.
type named struct {
	literal map[string][]string // name → pinned unique ids
	wild    []string
	whole   bool // a caller is the whole account
}

// principals adds the people who are AWS principals.
func (b *builder) principals() error {
	scopes := map[scope]*named{}
	at := func(s scope) *named {
		if scopes[s] == nil {
			scopes[s] = &named{literal: map[string][]string{}}
		}
		return scopes[s]
	}
	accounts := map[string]bool{}
	for _, source := range b.sources {
		for _, k := range source.Doc.Callers {
			if k.IAM == nil {
				continue
			}
			if k.IAM.Account != "" {
				accounts[k.IAM.Account] = true
				continue
			}
			s, name, id := pattern(k.IAM)
			n := at(s)
			if strings.Contains(name, "*") {
				n.wild = append(n.wild, name)
				continue
			}
			n.literal[name] = append(n.literal[name], id)
		}
	}
	for account := range accounts {
		for _, kind := range []arn.PrincipalType{arn.Role, arn.User} {
			here := slices.ContainsFunc(slices.Collect(maps.Keys(scopes)), func(s scope) bool { return s.account == account && s.kind == kind })
			if !here {
				at(scope{"aws", account, kind})
			}
			for s, n := range scopes {
				n.whole = n.whole || s.account == account
			}
		}
	}
	keys := slices.SortedFunc(maps.Keys(scopes), func(a, b scope) int {
		return cmp.Or(cmp.Compare(a.account, b.account), cmp.Compare(a.partition, b.partition), cmp.Compare(a.kind, b.kind))
	})
	for _, s := range keys {
		if err := b.scope(s, scopes[s]); err != nil {
			return err
		}
	}
	return nil
}

// pattern splits the ARN of a caller that compiled.
func pattern(k *allowlist.IAMCaller) (s scope, name, id string) {
	text, id := k.Role, k.RoleID
	s.kind = arn.Role
	if text == "" {
		text, id, s.kind = k.User, k.UserID, arn.User
	}
	fields := strings.SplitN(text, ":", 6)
	s.partition, s.account = fields[1], fields[4]
	_, name, _ = strings.Cut(fields[5], "/")
	return s, name, id
}

// scope adds the people of one scope: whoever is named, and one for each way
// in which the patterns overlap.
func (b *builder) scope(s scope, n *named) error {
	names := slices.Sorted(maps.Keys(n.literal))
	slices.Sort(n.wild)
	n.wild = slices.Compact(n.wild)
	groups := make([][]string, len(n.wild))
	for i, w := range n.wild {
		groups[i] = []string{w}
	}
	// A text that is some caller's literal name stands for that name alone. It
	// then joins the patterns, so that the walk goes on to one beside it.
	for beside := []string(nil); ; {
		seen := map[string]bool{}
		var found, met []string
		err := globset.Walk(append(slices.Clip(groups), beside), true, func(text string, in []int) bool {
			in = slices.DeleteFunc(in, func(i int) bool { return i == len(groups) })
			key := indices(in)
			switch _, taken := n.literal[text]; {
			case seen[key] || len(in) == 0 || !isPrincipalName(text):
			case taken && !slices.Contains(beside, text):
				met = append(met, text)
			case !taken:
				seen[key] = true
				found = append(found, text)
			}
			return true
		})
		if err != nil {
			return err
		}
		if len(met) == 0 {
			names = append(names, found...)
			break
		}
		beside = append(beside, met...)
	}
	if n.whole {
		names = append(names, b.unnamed(n))
	}
	for _, name := range names {
		ids := slices.Clone(n.literal[name])
		slices.Sort(ids)
		for _, id := range append(slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == "" }), "") {
			if err := b.principal(s, name, id, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// principal adds one principal and, where an account's callers leave guests
// out, the same as a guest.
func (b *builder) principal(s scope, name, id string, n *named) error {
	c := identity.Caller{
		Kind: identity.IAM, UniqueID: id, Subject: "session",
		Principal: arn.Principal{Partition: s.partition, Account: s.account, Type: s.kind, Name: name, Session: "session"},
	}
	var notes []string
	if s.kind == arn.User {
		c.Principal.Session, c.Subject = "", ""
	}
	if id == "" && slices.ContainsFunc(n.literal[name], func(id string) bool { return id != "" }) {
		notes = append(notes, "of another unique id")
	}
	if err := b.add(c, notes...); err != nil {
		return err
	}
	if n.whole && s.kind == arn.Role {
		c.Guest = true
		return b.add(c, append(slices.Clip(notes), "a guest of an identity pool")...)
	}
	return nil
}

// unnamed returns a name that no caller spells out and no pattern matches, or
// the first that it tries: then a pattern matches every name.
func (b *builder) unnamed(n *named) string {
	const first = "x"
	for _, letter := range "xyzqjkvwuhgfbpdmcltrsnieoaXYZQJKVWUHGFBPDMCLTRSNIEOA0123456789_-" {
		for _, name := range []string{string(letter), strings.Repeat(string(letter), 9)} {
			_, taken := n.literal[name]
			if !taken && !slices.ContainsFunc(n.wild, func(w string) bool { return covers(w, name) }) {
				return name
			}
		}
	}
	return first
}

// covers reports whether a pattern matches a name, by the automaton.
func covers(pattern, name string) bool {
	_, found, err := globset.Shortest([][]string{{pattern}, {name}}, func(in func(int) bool) bool { return in(0) && in(1) })
	return err != nil || found
}

// isPrincipalName reports whether IAM could give a name: patterns such as
// `*//*` describe none.
func isPrincipalName(name string) bool {
	path, last := "", name
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		path, last = name[:i], name[i+1:]
	}
	return last != "" && len(last) <= longestName && !strings.HasPrefix(name, "/") && !strings.Contains(name, "//") && len(path) <= 510
}

func indices(in []int) string {
	var b strings.Builder
	for _, i := range in {
		b.WriteByte(byte(i >> 16)) //nolint:gosec // the low bytes are meant
		b.WriteByte(byte(i >> 8))  //nolint:gosec // as above
		b.WriteByte(byte(i))       //nolint:gosec // as above
	}
	return b.String()
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
