package inside

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/credvend/credvend/bench/inside/hotpath"
	"github.com/credvend/credvend/bench/minimal"
	"github.com/credvend/credvend/bench/report"
)

// Limits of credvend's own work.
const (
	beyondLimit  = 60  // µs at p50, beyond the minimal handler
	ownLimit     = 250 // allocations of a vend, less the SDK's and the loop's
	serviceLimit = 90
	reusedLimit  = 60
)

// role and caller are the minimal handler's, those of credvend's list.
const (
	role   = "arn:aws:iam::111122223333:role/orders-invoke"
	caller = "arn:aws:sts::444455556666:assumed-role/billing-service"
)

// InProcess measures a vend without the way to the process and without the way
// to STS, beside the minimal handler's, and whose work it is.
func InProcess(ctx context.Context, e report.Env) (report.Section, error) {
	s := report.Section{
		Name: "inprocess", Title: "In process: a vend without Runtime API and without the round trip to STS",
		Note: "Both handlers over the SDK's client, whose HTTP client answers from memory. Times: rounds of 50 in turns; the difference is the median of the rounds' differences of medians. " +
			"Allocations: runtime.MemStats over 500 runs of each: of the handlers under aws-lambda-go's loop, with a Runtime API that allocates nothing; of that loop with a handler that does nothing; of the SDK's AssumeRole with the same input. credvend's own are what remains. " +
			"CPU: the process's own, garbage collection included, of runs in turns: of the whole, of the handler without the loop, of the SDK's AssumeRole; the loop's has that Runtime API in it.",
	}
	ctx, end := hotpath.Context(ctx)
	defer end()
	clock := hotpath.Running()
	f, err := hotpath.NewSDKFunction(clock)
	if err != nil {
		return s, err
	}
	h := handlers{
		ctx: ctx, event: hotpath.Billing(hotpath.Ask), clock: clock,
		credvend: f.Handler, minimal: minimal.New(hotpath.NewSTS(time.Now), io.Discard, role, caller),
	}
	e.Log("in process: times")
	if s.Figures, err = h.times(e, s.Figures); err != nil {
		return s, err
	}
	e.Log("in process: allocations and CPU")
	if s.Figures, err = h.costs(e, s.Figures); err != nil {
		return s, err
	}
	return s, nil
}

// handlers are the two that stand beside each other.
type handlers struct {
	ctx               context.Context //nolint:containedctx // of the one invocation that all runs play
	event             []byte
	clock             *hotpath.Clock
	credvend, minimal lambda.Handler
}

// vend has credvend vend anew.
func (h *handlers) vend() error {
	h.clock.Expire()
	answer, err := h.credvend.Invoke(h.ctx, h.event)
	return hotpath.Answers(http.StatusOK, answer, err)
}

// vendMinimal has the minimal handler vend.
func (h *handlers) vendMinimal() error {
	answer, err := h.minimal.Invoke(h.ctx, h.event)
	return hotpath.Answers(http.StatusOK, answer, err)
}

func (h *handlers) times(e report.Env, figures []report.Figure) ([]report.Figure, error) {
	const perRound = 50
	var own, other, differences []float64
	for i := range 1 + e.Rounds(100, 10) {
		ours, err := round(perRound, h.vend)
		if err != nil {
			return nil, fmt.Errorf("credvend: %w", err)
		}
		theirs, err := round(perRound, h.vendMinimal)
		if err != nil {
			return nil, fmt.Errorf("minimal: %w", err)
		}
		if i == 0 {
			continue // caches fill
		}
		own, other = append(own, ours...), append(other, theirs...)
		differences = append(differences, median(ours)-median(theirs))
	}
	return append(figures,
		figure("minimal", "vend, p50", median(other), "µs"),
		beside(figure("credvend", "vend, p50", median(own), "µs"), "minimal", median(other), 0),
		limited(figure("credvend", "p50 beyond the minimal handler's", median(differences), "µs"), beyondLimit),
	), nil
}

// round is what each of n runs of f takes, in microseconds.
func round(n int, f func() error) ([]float64, error) {
	took := make([]float64, n)
	for i := range took {
		start := time.Now()
		if err := f(); err != nil {
			return nil, err
		}
		took[i] = microseconds(time.Since(start))
	}
	return took, nil
}
