package allowlist

import (
	"cmp"
	"slices"
)

// named is one caller in the list of one rule, as compiled.
type named struct {
	caller *caller
	mention
}

// mentions files the rules under the callers that they name. all is in
// document order.
func (l *List) mentions(all []named) {
	count := make([]int32, len(l.callers))
	for _, n := range all {
		count[n.caller.place]++
	}
	room := make([]mention, len(all)) // of all callers together
	for i, k := range l.callers {
		k.mentions, room = room[:0:count[i]], room[count[i]:]
	}
	for _, n := range all {
		n.caller.mentions = append(n.caller.mentions, n.mention)
	}
	byTarget := func(a, b mention) int { return cmp.Compare(l.rules[a.rule].target.place, l.rules[b.rule].target.place) }
	for _, k := range l.callers {
		if !slices.IsSortedFunc(k.mentions, byTarget) {
			slices.SortStableFunc(k.mentions, byTarget)
		}
		targets := 0
		for i, m := range k.mentions {
			if i == 0 || byTarget(k.mentions[i-1], m) != 0 {
				targets++
			}
		}
		k.reach = make([]reach, 0, targets)
		for i, m := range k.mentions {
			r := &l.rules[m.rule]
			if i == 0 || byTarget(k.mentions[i-1], m) != 0 {
				k.reach = append(k.reach, reach{target: r.target, from: int32(i)})
			}
			last := &k.reach[len(k.reach)-1]
			last.to, last.allows = int32(i)+1, last.allows || !r.deny
		}
	}
}

// bearing is a rule that concerns an identity by one of the names it bears.
type bearing struct {
	mention
	caller *caller
}

// bearings appends to room the rules of a target that concern any of the
// callers, in document order, and under each its callers in the order in which
// it names them.
func (l *List) bearings(room []bearing, callers []*caller, t *target) []bearing {
	all := room
	for _, rule := range t.rules {
		for i, k := range callers {
			all = append(all, bearing{mention{rule, int32(i)}, k})
		}
	}
	for _, k := range callers {
		for _, m := range k.at(t) {
			all = append(all, bearing{m, k})
		}
	}
	slices.SortFunc(all, func(a, b bearing) int {
		return cmp.Or(cmp.Compare(a.rule, b.rule), cmp.Compare(a.at, b.at))
	})
	return all
}
