//go:build conformance

package main

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// stated is the window as AWS's error texts state it.
var stated = regexp.MustCompile(`- (\d+) min\.\)`)

// edge is how near to the limit it is asked. AWS's clock is known to a second,
// and a request takes its time.
const edge = 10 * time.Second

// window measures how far a signature's time may be off: ten seconds inside the
// limit and ten beyond, either way. The limit is the one that the service states
// when it refuses, and five minutes where it states none.
func window(id string, needs []string, q func(b *bench, late time.Duration) request) check {
	return check{
		id: id + ".clock-window", says: "A signature's time may be off as far as the error text says, either way.", needs: needs, facts: []string{"clock-window"},
		try: func(ctx context.Context, b *bench) (finding, error) {
			a, err := b.send(ctx, q(b, time.Hour))
			if err != nil {
				return finding{}, err
			}
			limit := 5 * time.Minute
			if m := stated.FindStringSubmatch(a.text); m != nil {
				n, err := strconv.Atoi(m[1])
				if err != nil {
					return finding{}, err
				}
				limit = time.Duration(n) * time.Minute
			}
			f := finding{learned: fmt.Sprintf("%s: %d minutes", id, int(limit.Minutes()))}
			var expected, observed []string
			for _, late := range []time.Duration{edge - limit, -limit - edge, limit - edge, limit + edge} {
				a, err := b.send(ctx, q(b, late))
				if err != nil {
					return finding{}, err
				}
				taken, should := a.status == http.StatusOK, late.Abs() < limit
				f.differs = f.differs || taken != should
				expected, observed = append(expected, verdictAt(late, should)), append(observed, verdictAt(late, taken))
			}
			f.expected, f.observed = strings.Join(expected, ", "), strings.Join(observed, ", ")
			return f, nil
		},
	}
}

func verdictAt(late time.Duration, taken bool) string {
	verdict, side := "refused", "late"
	if taken {
		verdict = "taken"
	}
	if late < 0 {
		side = "early"
	}
	return fmt.Sprintf("%d s %s %s", int(late.Abs().Seconds()), side, verdict)
}
