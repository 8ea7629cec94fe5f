package callers_test

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// signer is a client in a program of its own kind. Each call signs something at
// a moment of the session, and fetches credentials if the client thinks it must.
type signer func(at time.Duration) error

// errEnded is a program that was to sign, and is no more.
var errEnded = errors.New("the program has ended by itself")

// client is a kind of client that is measured.
type client struct {
	label  string
	fresh  func() signer // a program that has just begun
	single bool          // each signing is a program of its own, which forgets
	aside  time.Duration // a fetch beside a signing that succeeds has begun after so long
}

// session is a row of the table of sessions: what credentials cost.
type session struct {
	label            string
	half, quarter    int    // fetches for ten signings, one a minute, with 30 and 15 minutes of life
	renews, persists string // how much of an hour's life is left when it fetches anew, and to which it goes on where it cannot
	after            string // what it does once they have ended
}

func (s session) row() string {
	return fmt.Sprintf("| %s | %d | %d | %s | %s | %s |", s.label, s.half, s.quarter, s.renews, s.persists, s.after)
}

// cost is how many fetches ten signings make, one a minute.
func (c client) cost(t *testing.T, s *standIn, life time.Duration) int {
	t.Helper()
	s.order(life, 0)
	sign := c.fresh()
	for i := range 10 {
		if err := sign(time.Duration(i) * time.Minute); err != nil {
			t.Fatalf("%s: signing %d: %v", c.label, i, err)
		}
	}
	return len(s.asked())
}

// settle lets a fetch begin that the client makes aside. None does so before an
// hour's last quarter.
func (c client) settle(at time.Duration) {
	if at >= 44*time.Minute {
		time.Sleep(c.aside)
	}
}

// session measures a row.
func (c client) session(t *testing.T, s *standIn) session {
	t.Helper()
	row := session{label: c.label, half: c.cost(t, s, 30*time.Minute), quarter: c.cost(t, s, 15*time.Minute)}
	// A program that runs once has no later to measure: these words follow from
	// the counts, and docs/callers.md says so.
	if c.single {
		row.renews, row.persists, row.after = "with each command", "not at all", "fetches"
		if row.half == 1 {
			row.renews, row.persists = "by `refreshAfter`", "the end"
		}
		return row
	}

	const hour = time.Hour
	s.order(hour, 0)
	sign := c.fresh()
	row.renews = "never"
	for at := time.Duration(0); at < hour; at += time.Minute {
		if err := sign(at); err != nil {
			t.Fatalf("%s: after %v: %v", c.label, at, err)
		}
		c.settle(at)
		if len(s.asked()) > 1 {
			row.renews = fmt.Sprintf("%.0f min", (hour - at).Minutes())
			break
		}
	}

	s.order(hour, 0)
	sign = c.fresh()
	if err := sign(0); err != nil {
		t.Fatalf("%s: %v", c.label, err)
	}
	s.order(hour, http.StatusServiceUnavailable)
	row.persists = "for ever"
	for at := time.Minute; at <= hour+time.Minute; at += time.Minute {
		if err := sign(at); err != nil {
			row.persists = fmt.Sprintf("%.0f min", (hour - at).Minutes())
			if at >= hour {
				row.persists = "the end"
			}
			if errors.Is(err, errEnded) {
				row.persists = "its crash"
			}
			break
		}
		c.settle(at)
	}

	s.order(hour, 0)
	sign = c.fresh()
	first, second := sign(0), sign(hour+time.Minute)
	switch count := len(s.asked()); {
	case first != nil || second != nil:
		row.after = "fails"
	case count == 2:
		row.after = "fetches"
	default:
		row.after = fmt.Sprintf("%d fetches", count)
	}
	return row
}

// refusal is a row of the table of refusals, or a part of one.
type refusal struct {
	label    string
	statuses []int
	tries    int
	waits    time.Duration // from the first try to the last
	says     string
}

func (r refusal) row() string {
	return fmt.Sprintf("| %s | %s | %d | %s | `%s` |", r.label, strings.Trim(strings.ReplaceAll(fmt.Sprint(r.statuses), " ", ", "), "[]"), r.tries, seconds(r.waits), r.says)
}

// among reports whether a row of the document, perhaps of several statuses, says
// the same.
func (r refusal) among(written []string) bool {
	return slices.ContainsFunc(written, func(row string) bool {
		cells := strings.Split(strings.Trim(row, "| "), " | ")
		return len(cells) > 2 && cells[0] == r.label && strings.Contains(cells[1], fmt.Sprint(r.statuses[0])) && cells[2] == fmt.Sprint(r.tries)
	})
}

// together joins what differs in the status alone. Of the words, those for the
// first status stay.
func together(all []refusal) []refusal {
	var joined []refusal
	for _, r := range all {
		i := slices.IndexFunc(joined, func(j refusal) bool { return j.label == r.label && j.tries == r.tries })
		if i < 0 {
			joined = append(joined, r)
			continue
		}
		joined[i].statuses = append(slices.Clone(joined[i].statuses), r.statuses...)
		joined[i].waits = max(joined[i].waits, r.waits)
	}
	return joined
}

// seconds rounds to whole seconds, up, but for the little that a try takes.
func seconds(d time.Duration) string {
	return fmt.Sprintf("%.0f s", math.Ceil(max(0, d-250*time.Millisecond).Seconds()))
}

// refused measures what a client that begins does with a status.
func (c client) refused(t *testing.T, s *standIn, status int) refusal {
	t.Helper()
	s.order(0, status)
	err := c.fresh()(0)
	if err == nil {
		t.Fatalf("%s: %d is no failure to it", c.label, status)
	}
	calls := s.asked()
	row := refusal{label: c.label, statuses: []int{status}, tries: len(calls), says: err.Error()}
	if len(calls) > 0 {
		row.waits = calls[len(calls)-1].Sub(calls[0])
	}
	return row
}

var document = regexp.MustCompile(`\{"[Cc]ode".*`)

// plain makes an error's text fit for a table, and leaves out where the stand-in
// was, and its document.
func plain(text, address string) string {
	text = document.ReplaceAllString(strings.ReplaceAll(text, address, "https://…"), "{…}")
	return strings.Join(strings.Fields(strings.NewReplacer("|", "/", "`", "'").Replace(text)), " ")
}
