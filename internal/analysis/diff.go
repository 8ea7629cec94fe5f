package analysis

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/analysis/population"
	"github.com/credvend/credvend/internal/scope"
)

// Change is what a new list changes for one kind of person at one target.
type Change struct {
	Callers []string `json:"callers"`           // the names it bears in the new list
	Was     []string `json:"was"`               // the names that it bore in the old
	Notes   []string `json:"notes,omitempty"`   // what sets them apart
	Who     string   `json:"who"`               // one such person
	Target  string   `json:"target"`            //
	Gains   []Piece  `json:"gains,omitempty"`   // requests that pass now
	Losses  []Piece  `json:"losses,omitempty"`  // requests that passed
	Session []string `json:"session,omitempty"` // other ways in which sessions change
	Longer  bool     `json:"longer,omitempty"`  // sessions may live longer
	Moved   bool     `json:"moved,omitempty"`   // the API is another: gains are of the new one, losses of the old
	Refusal string   `json:"refusal,omitempty"` // why nothing passes now

	person population.Person
	raw    []Piece // the gains, with values that stand for any
}

// CallerChange is how who bears a name changes.
type CallerChange struct {
	Caller string `json:"caller"`
	Change string `json:"change"`         // new, gone, wider, narrower, other
	Now    string `json:"now,omitempty"`  // somebody who bears it only now
	Then   string `json:"then,omitempty"` // somebody who bore it only then
}

// TargetChange is how a target changes, whoever asks.
type TargetChange struct {
	Target string   `json:"target"`
	Change []string `json:"change"`
	Widens bool     `json:"widens,omitempty"`
}

// Diff is what a new list changes.
type Diff struct {
	Widened bool           `json:"widened"` // somebody gains requests, life, or another role
	Same    bool           `json:"same"`    // nothing changes for anybody
	Old     string         `json:"oldDigest"`
	New     string         `json:"newDigest"`
	Changes []Change       `json:"changes,omitempty"`
	Callers []CallerChange `json:"callers,omitempty"`
	Targets []TargetChange `json:"targets,omitempty"`
	Words   []string       `json:"words,omitempty"` // what else is written otherwise
}

// Compare says what changes from one list to another, for everybody.
func Compare(was, now Subject) (Diff, error) {
	d := Diff{Old: was.List.Digest(), New: now.List.Digest()}
	if d.Old == d.New {
		d.Same = true
		return d, nil
	}
	people, err := People([]Subject{was, now})
	if err != nil {
		return Diff{}, err
	}
	slices.SortStableFunc(people, func(a, b population.Person) int {
		return cmp.Or(cmp.Compare(len(a.Notes), len(b.Notes)), cmp.Compare(len(a.Names[0])+len(a.Names[1]), len(b.Names[0])+len(b.Names[1])))
	})
	c := comparison{was: was, now: now, told: map[string][]told{}}
	for _, p := range people {
		for _, target := range c.targetsOf(p) {
			if err := c.person(p, target); err != nil {
				return Diff{}, err
			}
		}
	}
	d.Changes = c.changes
	d.Callers = callerChanges(was, now, people)
	d.Targets = targetChanges(was.Doc, now.Doc)
	d.Words = words(was.Doc, now.Doc)
	d.Same = len(d.Changes)+len(d.Targets) == 0
	for _, ch := range d.Changes {
		d.Widened = d.Widened || len(ch.Gains) > 0 || ch.Longer
	}
	for _, t := range d.Targets {
		d.Widened = d.Widened || t.Widens
	}
	return d, nil
}

// comparison is a Diff in the making.
type comparison struct {
	was, now Subject
	changes  []Change
	told     map[string][]told // target → what was told of whom
	reach    [2]map[string][]string
}

// told is a change that was told, and the names of those it was told of.
type told struct {
	names [2][]string
	notes []string
	lines map[string]bool
}

// targetsOf are the targets that either list has a rule on for a person.
func (c *comparison) targetsOf(p population.Person) []string {
	var out []string
	for i, s := range []Subject{c.was, c.now} {
		if c.reach[i] == nil {
			c.reach[i] = map[string][]string{}
			for _, r := range s.Doc.Rules {
				for _, name := range r.Callers {
					c.reach[i][name] = append(c.reach[i][name], r.Target)
				}
			}
			for name, targets := range c.reach[i] {
				slices.Sort(targets)
				c.reach[i][name] = slices.Compact(targets)
			}
		}
		for _, name := range p.Names[i] {
			out = append(out, c.reach[i][name]...)
		}
		if len(p.Names[i]) > 0 {
			out = append(out, c.reach[i][allowlist.AnyCaller]...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// person compares what one person may have of a target.
func (c *comparison) person(p population.Person, target string) error {
	then, now := accessTo(c.was.List, p.Identity, target), accessTo(c.now.List, p.Identity, target)
	ch := Change{Callers: p.Names[1], Was: p.Names[0], Notes: p.Notes, Who: p.Describe(), Target: target}
	lost, gained := then.language, now.language
	if c.was.Doc.Targets[target].API == c.now.Doc.Targets[target].API {
		if slices.Equal(then.allow, now.allow) && slices.Equal(then.deny, now.deny) {
			lost, gained = language{}, language{}
		}
	} else {
		then.language, now.language = language{}, language{} // requests to another API are others
		ch.Moved = len(lost.allow) > 0 && len(gained.allow) > 0
	}
	pieces, err := gained.beyond(then.language)
	if err != nil {
		return err
	}
	lines := map[string]bool{}
	for _, piece := range pieces {
		lines["+"+piece.String()] = true
	}
	ch.Gains, ch.person, ch.raw = named(p.Values, pieces), p, pieces
	if pieces, err = lost.beyond(now.language); err != nil {
		return err
	}
	for _, piece := range pieces {
		lines["-"+piece.String()] = true
	}
	ch.Losses = named(p.Values, pieces)
	if len(ch.Losses) > 0 && len(now.allow) == 0 && now.decision.Grant == nil {
		ch.Refusal = now.refusal
	}
	if g, h := then.decision.Grant, now.decision.Grant; g != nil && h != nil && then.refusal == "" && now.refusal == "" {
		ch.Session, ch.Longer = sessionChanges(p, g, h)
	}
	for _, line := range ch.Session {
		lines[line] = true
	}
	c.tell(p, ch, lines)
	return nil
}

// tell adds a change, unless it is told already of somebody who bears some of
// the same names: then it follows.
func (c *comparison) tell(p population.Person, ch Change, lines map[string]bool) {
	if len(lines) == 0 {
		return
	}
	left := len(lines)
	follows := map[string]bool{} // what is told of those names, with this one's values
	for _, t := range c.told[ch.Target] {
		if contains(p.Names[0], t.names[0]) && contains(p.Names[1], t.names[1]) && contains(p.Notes, t.notes) && sameTurn(p.Names, t.names) {
			for line := range t.lines {
				follows[p.Values.Fill(line, p.Identity)] = true
			}
		}
	}
	for line := range lines {
		if follows[line] {
			left--
		}
	}
	if left == 0 {
		return
	}
	ch.Session = slices.DeleteFunc(ch.Session, func(s string) bool { return follows[s] })
	c.told[ch.Target] = append(c.told[ch.Target], told{[2][]string{p.Names[0], p.Names[1]}, p.Notes, lines})
	c.changes = append(c.changes, ch)
}

// sameTurn reports whether what was told is of people who bear the names that
// they bore, or who got and lost the same names as these.
func sameTurn(names [][]string, told [2][]string) bool {
	less := func(a, b []string) []string {
		return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
	}
	got, lost := less(told[1], told[0]), less(told[0], told[1])
	return len(got)+len(lost) == 0 || slices.Equal(got, less(names[1], names[0])) && slices.Equal(lost, less(names[0], names[1]))
}

func contains(all, some []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

// sessionChanges says how sessions differ for who has some before and after.
func sessionChanges(p population.Person, then, now *allowlist.Grant) (out []string, longer bool) {
	if then.MaxDuration != now.MaxDuration {
		longer = now.MaxDuration > then.MaxDuration
		out = append(out, fmt.Sprintf("life at most %s, not %s (by %s)", short(now.MaxDuration), short(then.MaxDuration), now.LimitedBy))
	}
	if then.CallerName != now.CallerName {
		out = append(out, fmt.Sprintf("session name begins with %s, not %s", now.CallerName, then.CallerName))
	}
	if a, b := tagText(p, then), tagText(p, now); a != b {
		out = append(out, fmt.Sprintf("session tags %s, not %s", b, a))
	}
	return out, longer
}

func tagText(p population.Person, g *allowlist.Grant) string {
	if !g.Target.SessionTags {
		return "none"
	}
	parts := []string{scope.TagCallers + "=:" + strings.Join(g.Callers, ":") + ":"}
	for _, t := range g.Tags {
		parts = append(parts, t.Key+"="+p.Values.Name(t.Value))
	}
	return strings.Join(parts, " ")
}
