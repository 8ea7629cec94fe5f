package function

import (
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/credvend/credvend/internal/audit"
	"github.com/credvend/credvend/internal/config"
	"github.com/credvend/credvend/internal/source"
)

// newSource makes the allowlist's source, which tells each change of what it
// knows to the operator's log.
func newSource(cfg config.Config, getenv func(string) string, log *slog.Logger) (*source.Source, error) {
	loader, err := newLoader(cfg.Allowlist, getenv)
	if err != nil {
		return nil, err
	}
	return source.New(source.Config{
		Loader: loader, MaxAge: cfg.MaxAge, MaxStale: cfg.MaxStale,
		Report: func(s source.Status) { reportLoad(log, cfg.Allowlist, s, time.Now()) },
	})
}

func newLoader(place config.Allowlist, getenv func(string) string) (source.Loader, error) {
	if place.Scheme == config.FileScheme {
		return source.File{Path: place.Path}, nil
	}
	a := source.AppConfig{Application: place.Application, Environment: place.Environment, Profile: place.Profile}
	if text := getenv(source.AppConfigPortVar); text != "" {
		port, err := strconv.ParseUint(text, 10, 16)
		if err != nil || port == 0 {
			return nil, fmt.Errorf("%s: %q is not a port from 1 to 65535; leave it out for %d", source.AppConfigPortVar, text, source.DefaultAppConfigPort)
		}
		a.Port = int(port)
	}
	return a, nil
}

// Metrics of the operator's log: another list that serves, and a load that
// failed. A failure that stays the same counts once per CREDVEND_ALLOWLIST_MAX_AGE.
const (
	loadsMetric    = "allowlistLoads"
	failuresMetric = "allowlistLoadFailures"
)

func reportLoad(log *slog.Logger, place config.Allowlist, s source.Status, now time.Time) {
	if s.Err != nil {
		log.Error("the allowlist could not be loaded", slog.String("source", place.String()), slog.String("error", s.Err.Error()),
			slog.String("servesDigest", s.Digest), slog.Int("ageSeconds", int(s.Age.Seconds())),
			slog.Int(failuresMetric, 1), slog.Any(audit.MetricsKey, audit.Counts(now, failuresMetric)))
		return
	}
	log.Info("allowlist loaded", slog.String("source", place.String()), slog.String("digest", s.Digest),
		slog.Int(loadsMetric, 1), slog.Any(audit.MetricsKey, audit.Counts(now, loadsMetric)))
}
