// Package function wires the Lambda function: configuration, allowlist, STS
// clients, audit trail, service and handler, in the direction that data flows.
// functions/vend runs it, and so does the tool where it plays the function
// itself. It decides nothing.
package function

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/credvend/credvend/internal/assume"
	"github.com/credvend/credvend/internal/audit"
	"github.com/credvend/credvend/internal/config"
	"github.com/credvend/credvend/internal/gateway"
	"github.com/credvend/credvend/internal/vend"
)

// preloadPatience is how long the first load of the allowlist may take: Lambda
// gives initialisation ten seconds, and an environment that could not load
// still answers, with 503, and tries again.
const preloadPatience = 5 * time.Second

// Run runs the function until ctx ends or the runtime goes away. getenv reads
// the function's own variables; the AWS SDK reads its own. An error is one line
// that names what to mend.
//
// Audit lines go to standard output, the operator's log to standard error.
func Run(ctx context.Context, getenv func(string) string) error {
	if getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		// aws-lambda-go would end the process with a text of its own. Whoever
		// starts this by hand learns it first, before any variable.
		return errors.New("AWS_LAMBDA_RUNTIME_API is not set: this program runs in AWS Lambda; `credvend local` plays one on this machine")
	}
	handler, err := New(ctx, getenv, os.Stdout, os.Stderr)
	if err != nil {
		return err
	}
	lambda.StartWithOptions(handler, lambda.WithContext(ctx))
	return nil
}

// New builds the function's handler.
func New(ctx context.Context, getenv func(string) string, trail, operator *os.File) (*gateway.Handler, error) {
	cfg, err := config.Load(getenv)
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.NewJSONHandler(operator, nil))
	list, err := newSource(cfg, getenv, log)
	if err != nil {
		return nil, err
	}
	clients, connect, err := newClients(ctx, cfg)
	if err != nil {
		return nil, err
	}
	broker, err := newBroker(cfg, clients)
	if err != nil {
		return nil, err
	}
	var limiter *assume.Limiter // nil allows everything
	if !cfg.Rate.Off {
		limiter = assume.NewLimiter(assume.RateConfig{PerSecond: cfg.Rate.PerSecond, Burst: cfg.Rate.Burst})
	}
	service := vend.New(vend.Config{
		Lists:    list,
		Issuer:   broker,
		Pool:     assume.NewPool(assume.PoolConfig{Enabled: cfg.Cache}),
		Limiter:  limiter,
		Recorder: audit.New(trail, nil),
	})
	list.Preload(ctx, preloadPatience)
	handler := gateway.New(cfg.FrontDoors, service, log)
	connect()
	return handler, nil
}

func newBroker(cfg config.Config, clients []*sts.Client) (*assume.Broker, error) {
	regions := make([]assume.Region, len(clients))
	for i, c := range clients {
		regions[i] = assume.Region{Name: cfg.STSRegions[i], Client: c}
	}
	return assume.New(assume.Config{
		Regions:        regions,
		AttemptTimeout: cfg.STSAttemptTimeout,
		TotalTimeout:   cfg.STSTotalTimeout,
	})
}
