package analysis

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/analysis/population"
)

// callerChanges says who bears each name now and did not then, or the other
// way round.
func callerChanges(was, now Subject, people []population.Person) []CallerChange {
	gained, then := map[string]string{}, map[string]string{}
	for _, p := range people {
		onlyIn(gained, p, p.Names[1], p.Names[0])
		onlyIn(then, p, p.Names[0], p.Names[1])
	}
	names := sortedKeys(gained)
	for name := range then {
		if gained[name] == "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var out []CallerChange
	for _, name := range names {
		_, inOld := was.Doc.Callers[name]
		_, inNew := now.Doc.Callers[name]
		c := CallerChange{Caller: name, Now: gained[name], Then: then[name]}
		switch {
		case !inOld:
			c.Change = "new"
		case !inNew:
			c.Change = "gone"
		case c.Then == "":
			c.Change = "wider"
		case c.Now == "":
			c.Change = "narrower"
		default:
			c.Change = "other"
		}
		out = append(out, c)
	}
	return out
}

// onlyIn notes who bears each of the names here and not there; the first will
// do.
func onlyIn(by map[string]string, p population.Person, here, there []string) {
	for _, name := range here {
		if by[name] == "" && !slices.Contains(there, name) {
			by[name] = p.Describe()
		}
	}
}

// targetChanges says how the targets differ, whoever asks.
func targetChanges(was, now *allowlist.Document) []TargetChange {
	var out []TargetChange
	for _, name := range sortedKeys(now.Targets) {
		n := now.Targets[name]
		o, both := was.Targets[name]
		if !both {
			out = append(out, TargetChange{Target: name, Change: []string{"new: role " + n.Role + ", API " + n.API}})
			continue
		}
		t := TargetChange{Target: name}
		changed := func(what, then, is string) bool {
			if then == is {
				return false
			}
			if then == "" {
				then = "unset"
			}
			if is == "" {
				is = "unset"
			}
			t.Change = append(t.Change, fmt.Sprintf("%s %s, not %s", what, is, then))
			return true
		}
		// What another role may do does not stand in this file.
		t.Widens = changed("role", o.Role, n.Role)
		changed("api", o.API, n.API)
		changed("external id", o.ExternalID, n.ExternalID)
		changed("endpoint", o.Endpoint, n.Endpoint)
		changed("default life", life(o.DefaultDuration, o.MaxDuration, allowlist.DefaultDuration), life(n.DefaultDuration, n.MaxDuration, allowlist.DefaultDuration))
		changed("longest life", life(o.MaxDuration, "", allowlist.MaxDuration), life(n.MaxDuration, "", allowlist.MaxDuration))
		changed("requests must name their routes:", yes(o.RequireRoutes), yes(n.RequireRoutes))
		changed("source identity sent:", yes(o.SourceIdentity == nil || *o.SourceIdentity), yes(n.SourceIdentity == nil || *n.SourceIdentity))
		changed("session tags sent:", yes(o.SessionTags == nil || *o.SessionTags), yes(n.SessionTags == nil || *n.SessionTags))
		if len(t.Change) > 0 {
			out = append(out, t)
		}
	}
	for _, name := range sortedKeys(was.Targets) {
		if _, still := now.Targets[name]; !still {
			out = append(out, TargetChange{Target: name, Change: []string{"gone"}})
		}
	}
	return out
}

// life is a duration as it holds: the one written, or the default within the
// longest.
func life(text, longest string, fallback time.Duration) string {
	d, err := time.ParseDuration(text)
	if err != nil {
		d = fallback
		if m, err := time.ParseDuration(longest); err == nil {
			d = min(d, m)
		}
	}
	return short(d)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// short writes a duration of whole minutes as 30m or 1h.
func short(d time.Duration) string {
	s := strings.TrimSuffix(d.String(), "0s")
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// words says how the rules are written otherwise, access apart.
func words(was, now *allowlist.Document) (out []string) {
	content := func(r allowlist.Rule) string {
		if r.Effect == allowlist.Allow {
			r.Effect = ""
		}
		return fmt.Sprintf("%q", []any{r.Effect, r.Callers, r.Target, r.Routes, r.MaxDuration})
	}
	old := map[string]string{} // id → content
	byContent := map[string][]string{}
	for _, r := range was.Rules {
		old[r.ID] = content(r)
	}
	inNew := map[string]bool{}
	for _, r := range now.Rules {
		inNew[r.ID] = true
	}
	for _, r := range was.Rules {
		if !inNew[r.ID] {
			byContent[content(r)] = append(byContent[content(r)], r.ID)
		}
	}
	renamed := map[string]bool{}
	var order []string
	for _, r := range now.Rules {
		then, kept := old[r.ID]
		switch c := content(r); {
		case kept && then != c:
			out = append(out, "rule "+r.ID+" is written otherwise")
		case kept:
		case len(byContent[c]) > 0:
			id := byContent[c][0]
			byContent[c] = byContent[c][1:]
			renamed[id] = true
			out = append(out, fmt.Sprintf("rule %s is called %s now", id, r.ID))
		default:
			out = append(out, "rule "+r.ID+" is new")
		}
		if kept {
			order = append(order, r.ID)
		}
	}
	var before []string
	for _, r := range was.Rules {
		switch {
		case inNew[r.ID]:
			before = append(before, r.ID)
		case !renamed[r.ID]:
			out = append(out, "rule "+r.ID+" is gone")
		}
	}
	if !slices.Equal(before, order) {
		out = append(out, "the rules stand in another order")
	}
	return out
}
