package inside

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/credvend/credvend/bench/inside/hotpath"
	"github.com/credvend/credvend/bench/report"
)

// cost is what one run of something costs.
type cost struct {
	run         func() error
	allocations int
	cpu         float64 // µs
}

// What is run; the last three are operations of package hotpath.
const (
	whole        = "a vend under the runtime loop"
	wholeMinimal = "the minimal vend under the runtime loop"
	ownVend      = "a vend"
	loopAlone    = "the runtime loop"
	sdk          = "sdk-call"
	service      = "service-vend"
	serviceReuse = "service-reuse"
)

// subjects is what is run, by its name.
func (h *handlers) subjects() (of map[string]*cost, end context.CancelFunc, err error) {
	l, err := startLoop(h.ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("the runtime loop: %w", err)
	}
	under := func(handler lambda.Handler) *cost {
		return &cost{run: func() error {
			l.use(handler)
			return l.run(h.event)
		}}
	}
	of = map[string]*cost{
		whole: under(expiring{h}), wholeMinimal: under(h.minimal), loopAlone: under(nothing{}),
		ownVend: {run: h.vend},
	}
	ops, end, err := hotpath.Operations(h.ctx, h.clock)
	if err != nil {
		return nil, nil, err
	}
	for _, op := range ops {
		of[op.Name] = &cost{run: op.Run}
	}
	return of, end, nil
}

// costs are allocations and processor time of a vend, by whose they are.
func (h *handlers) costs(e report.Env, figures []report.Figure) ([]report.Figure, error) {
	of, end, err := h.subjects()
	if err != nil {
		return nil, err
	}
	defer end()
	for _, name := range []string{whole, wholeMinimal, sdk, loopAlone, service, serviceReuse} {
		c := of[name]
		if c.allocations, err = hotpath.Allocations(e.Rounds(500, 100), c.run); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	timed := []*cost{of[whole], of[wholeMinimal], of[ownVend], of[sdk]}
	if err := processorTime(e, timed); err != nil {
		return nil, err
	}
	const cpu = "CPU"
	allocations := func(of string, n int) report.Figure { return figure(of, "allocations", float64(n), "") }
	return append(figures,
		allocations("minimal", of[wholeMinimal].allocations),
		beside(allocations("credvend", of[whole].allocations), "minimal", float64(of[wholeMinimal].allocations), 0),
		allocations("credvend: the SDK's", of[sdk].allocations),
		allocations("credvend: the runtime loop's", of[loopAlone].allocations),
		limited(allocations("credvend: its own", of[whole].allocations-of[sdk].allocations-of[loopAlone].allocations), ownLimit),
		limited(allocations("Service.Vend over a stub", of[service].allocations), serviceLimit),
		limited(allocations("Service.Vend over a stub, reused", of[serviceReuse].allocations), reusedLimit),
		figure("minimal", cpu, of[wholeMinimal].cpu, "µs"),
		beside(figure("credvend", cpu, of[whole].cpu, "µs"), "minimal", of[wholeMinimal].cpu, 0),
		figure("credvend: the SDK's", cpu, of[sdk].cpu, "µs"),
		figure("credvend: the runtime loop's", cpu, of[whole].cpu-of[ownVend].cpu, "µs"),
		figure("credvend: its own", cpu, of[ownVend].cpu-of[sdk].cpu, "µs"),
	), nil
}

// nothing is a handler that does nothing.
type nothing struct{}

// Invoke implements lambda.Handler.
func (nothing) Invoke(context.Context, []byte) ([]byte, error) { return isOKAnswer, nil }

var isOKAnswer = []byte(`{"statusCode":200}`)

// expiring is credvend's handler with a clock that makes each vend a new one.
type expiring struct{ *handlers }

// Invoke implements lambda.Handler.
func (x expiring) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	x.clock.Expire()
	return x.credvend.Invoke(ctx, event)
}

// processorTime has the subjects run in turns, and takes the median of what a
// run took in each. Counting allocations turns the garbage collector off; its
// time belongs to the cost, so this is another run.
func processorTime(e report.Env, subjects []*cost) error {
	const perTurn = 100
	took := make([][]float64, len(subjects))
	for range e.Rounds(40, 4) {
		for i, c := range subjects {
			before := cpuTime()
			for range perTurn {
				if err := c.run(); err != nil {
					return err
				}
			}
			took[i] = append(took[i], microseconds(cpuTime()-before)/perTurn)
		}
	}
	for i, c := range subjects {
		c.cpu = median(took[i])
	}
	return nil
}
