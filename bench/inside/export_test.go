package inside

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/credvend/credvend/bench/report"
	"github.com/credvend/credvend/internal/assume"
)

// Decided is what is measured under one list: allocations and MiB.
func Decided(rules int, e report.Env) (role, token int, file float64, err error) {
	d, err := decideUnder(rules, e)
	return d.roleAllocations, d.tokenAllocations, d.file, err
}

// Loop starts a loop and returns what has a handler answer an event under it.
func Loop(ctx context.Context) (func(lambda.Handler, []byte) error, error) {
	l, err := startLoop(ctx)
	return func(h lambda.Handler, event []byte) error {
		l.use(h)
		return l.run(event)
	}, err
}

// Stampede has callers miss keys at once, and counts the calls of STS.
func Stampede(ctx context.Context, keys, callers int) (int64, error) {
	return stampede(ctx, keys, callers, 200*time.Millisecond)
}

// Stock and Advised are the two kinds of client.
var (
	Stock   = stock
	Advised = advised
)

// Refreshing is the calls of each second, and the most of any.
func Refreshing(over time.Duration, next func(assume.Issued, string) time.Time) (seconds []int, peak int) {
	l := refreshing(over, next)
	return l, l.peak()
}

// Thousands and Median are for their tests.
var (
	Thousands = thousands
	Median    = median
)
