// Package allowmap draws an allowlist as one page of HTML: who may use which
// routes of which target, as a matrix to filter and to search. The page asks
// nobody for anything, and what it shows was decided by the Decide that the
// function runs.
//
// It must never be linked into the function.
package allowmap

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/analysis/population"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
	"github.com/credvend/credvend/internal/scope"
)

// MaxCells bounds the pairs of caller and target that a page shows. A browser
// keeps up with as many.
const MaxCells = 20_000

// Map is an allowlist as the page has it.
type Map struct {
	File     string   `json:"file"`
	Digest   string   `json:"digest"`
	Callers  []Caller `json:"callers"`
	Targets  []Target `json:"targets"`
	Rules    []Rule   `json:"rules"`
	Policies []string `json:"policies"` // each once
	Cells    []Cell   `json:"cells"`
}

// Caller is a row.
type Caller struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // iam, jwt
	Who  string `json:"who"`
}

// Target is a column, or where it is chosen, the whole matrix.
type Target struct {
	Name     string `json:"name"`
	API      string `json:"api"`
	Role     string `json:"role"`
	Endpoint string `json:"endpoint"`
	Asks     bool   `json:"asks,omitempty"` // a request must name its routes
}

// Rule is a rule as written.
type Rule struct {
	ID     string   `json:"id"`
	Effect string   `json:"effect"`
	Routes []string `json:"routes"` // none: the whole target
	Max    string   `json:"max,omitempty"`
}

// State is what a caller has of a route.
type State string

// The states.
const (
	Allowed State = "a"
	Partly  State = "p" // a deny rule takes a part of it
	Denied  State = "d"
)

// Cell is what one caller has of one target.
type Cell struct {
	Caller  int     `json:"c"`
	Target  int     `json:"t"`
	Routes  []Route `json:"r"`
	Policy  int     `json:"p"`            // in Policies; -1: none
	Refusal string  `json:"no,omitempty"` // it may have nothing, and why
	Too     []Name  `json:"too,omitempty"`
	Tags    []Tag   `json:"tags,omitempty"`
	Life    string  `json:"life,omitempty"`
	Note    string  `json:"note,omitempty"`
}

// Name is the name of another caller that whoever bears this one bears too.
type Name = string

// Tag is a session tag.
type Tag struct {
	Key   string `json:"k"`
	Value string `json:"v"`
}

// Route is a route as written, its state, and the rules that speak of it.
type Route struct {
	Text  string `json:"r"`
	State State  `json:"s"`
	Rules []int  `json:"by"`
}

// New asks the list about every caller and every target. Each caller is asked
// about as the plainest identity that bears its name.
func New(file string, doc *allowlist.Document, list *allowlist.List) (*Map, error) {
	people, err := population.Of([]population.Source{{Doc: doc, List: list}})
	if err != nil {
		return nil, err
	}
	m := &Map{File: file, Digest: list.Digest(), Callers: []Caller{}, Targets: []Target{}, Rules: []Rule{}, Policies: []string{}, Cells: []Cell{}}
	b := builder{m: m, doc: doc, list: list, byID: map[string]int{}, policies: map[string]int{}}
	for i, r := range doc.Rules {
		effect := r.Effect
		if effect == "" {
			effect = allowlist.Allow
		}
		b.byID[r.ID] = i
		m.Rules = append(m.Rules, Rule{r.ID, effect, append([]string{}, r.Routes...), r.MaxDuration})
	}
	targets := slices.Sorted(maps.Keys(doc.Targets))
	place := make(map[string]int, len(targets))
	for i, name := range targets {
		t := doc.Targets[name]
		place[name] = i
		m.Targets = append(m.Targets, Target{name, t.API, t.Role, t.Endpoint, t.RequireRoutes})
	}
	concern := concerned(doc)
	bases := population.Bases(people, 0)
	for i, name := range slices.Sorted(maps.Keys(doc.Callers)) {
		m.Callers = append(m.Callers, about(name, doc.Callers[name]))
		at, known := bases[name]
		if !known {
			continue // nobody can be this caller
		}
		for _, target := range concern(people[at].Names[0]) {
			cell, ok := b.cell(people[at], name, target)
			if !ok {
				continue
			}
			if len(m.Cells) == MaxCells {
				return nil, fmt.Errorf("the list has more than %d pairs of caller and target, too many for one page; `credvend allowlist what-can` tells of one caller, `who-can` of one route", MaxCells)
			}
			cell.Caller, cell.Target = i, place[target]
			m.Cells = append(m.Cells, cell)
		}
	}
	return m, nil
}

// concerned returns a function that finds the targets that allow rules speak of
// for callers.
func concerned(doc *allowlist.Document) func(names []string) []string {
	by := map[string][]string{}
	for _, r := range doc.Rules {
		if r.Effect != allowlist.Deny {
			for _, name := range r.Callers {
				by[name] = append(by[name], r.Target)
			}
		}
	}
	return func(names []string) []string {
		all := slices.Clone(by[allowlist.AnyCaller])
		for _, name := range names {
			all = append(all, by[name]...)
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
}

func about(name string, k allowlist.Caller) Caller {
	if k.JWT != nil {
		who := "iss " + k.JWT.Issuer + ", aud " + k.JWT.Audience
		for _, claim := range slices.Sorted(maps.Keys(k.JWT.Claims)) {
			who += ", " + claim + " " + strings.Join(k.JWT.Claims[claim], " or ")
		}
		return Caller{name, "jwt", who}
	}
	who := k.IAM.Role + k.IAM.User
	if k.IAM.Account != "" {
		who = "every role and user of account " + k.IAM.Account
	}
	if id := k.IAM.RoleID + k.IAM.UserID; id != "" {
		who += " (" + id + ")"
	}
	return Caller{name, "iam", who}
}

type builder struct {
	m        *Map
	doc      *allowlist.Document
	list     *allowlist.List
	byID     map[string]int
	policies map[string]int
}

// cell asks about one pair; false if the list says nothing of it.
func (b *builder) cell(p population.Person, name, target string) (Cell, bool) {
	d := b.list.AccessTo(p.Identity, target)
	cell := Cell{Policy: -1, Too: slices.DeleteFunc(slices.Clone(p.Names[0]), func(n string) bool { return n == name })}
	var denied []route.Route
	if d.Allowed() {
		denied = d.Grant.Denied
	}
	seen := map[string]int{}
	for _, tried := range d.Tried {
		i := b.byID[tried.Rule]
		if tried.Verdict == allowlist.NoMatch {
			continue
		}
		texts := b.doc.Rules[i].Routes
		if len(texts) == 0 {
			texts = []string{"* /*"}
		}
		for _, text := range texts {
			state := Denied
			if tried.Effect == allowlist.Allow {
				state = stateOf(text, p.Identity, name, denied)
			}
			if at, there := seen[text]; there {
				cell.Routes[at].Rules = append(cell.Routes[at].Rules, i)
				if state == Denied {
					cell.Routes[at].State = Denied
				}
				continue
			}
			seen[text] = len(cell.Routes)
			cell.Routes = append(cell.Routes, Route{text, state, []int{i}})
		}
	}
	if len(cell.Routes) == 0 {
		return cell, false
	}
	if !d.Allowed() {
		cell.Refusal = d.Refusal().Public()
		for i := range cell.Routes {
			cell.Routes[i].State = Denied
		}
		return cell, true
	}
	b.session(&cell, p, d)
	return cell, true
}

// session adds what the session of a grant would be.
func (b *builder) session(cell *Cell, p population.Person, d allowlist.Decision) {
	cell.Life = fmt.Sprintf("at most %d minutes, by %s", int(d.Grant.MaxDuration.Minutes()), d.Grant.LimitedBy)
	s, err := scope.New(p.Identity, *d.Grant, 0)
	if err != nil {
		cell.Note = err.Error()
		return
	}
	policy := p.Values.Name(s.Policy)
	at, known := b.policies[policy]
	if !known {
		at = len(b.m.Policies)
		b.policies[policy] = at
		b.m.Policies = append(b.m.Policies, policy)
	}
	cell.Policy = at
	for _, t := range s.Tags {
		if t.Key != scope.TagSubject { // that of the one who stands for all
			cell.Tags = append(cell.Tags, Tag{t.Key, p.Values.Name(t.Value)})
		}
	}
}

// stateOf is what denied routes leave of an allowed one, as written.
func stateOf(text string, c identity.Caller, name string, denied []route.Route) State {
	text, _ = population.Write(text, c)
	text = strings.NewReplacer("${caller.name}", name, "${caller.account}", c.Principal.Account).Replace(text)
	r, err := route.Parse(text)
	switch {
	case err != nil:
		return Partly // a value that this identity lacks: it is not allowed to all
	case r.Within(denied):
		return Denied
	case slices.ContainsFunc(denied, r.Overlaps):
		return Partly
	default:
		return Allowed
	}
}
