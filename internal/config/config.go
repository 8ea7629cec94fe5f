// Package config turns the function's environment into a validated Config. A
// variable that is missing or malformed stops the function at start, with one
// line that names it and says what it takes: nothing is guessed, and nothing
// falls back to a default because it could not be read.
//
// It reads no file and calls no service.
package config

import (
	"errors"
	"fmt"
	"time"

	"github.com/credvend/credvend/internal/identity"
)

// Names of the function's own variables.
const (
	AllowlistVar  = "CREDVEND_ALLOWLIST"
	MaxAgeVar     = "CREDVEND_ALLOWLIST_MAX_AGE"
	MaxStaleVar   = "CREDVEND_ALLOWLIST_MAX_STALE"
	FrontDoorsVar = "CREDVEND_FRONT_DOORS"
	STSRegionsVar = "CREDVEND_STS_REGIONS"
	STSTimeoutVar = "CREDVEND_STS_TIMEOUT"
	CacheVar      = "CREDVEND_CACHE"
	RateVar       = "CREDVEND_RATE"
)

// Config is the function's configuration. It holds no secret.
type Config struct {
	Allowlist Allowlist
	MaxAge    time.Duration // an older allowlist is reloaded before it serves
	MaxStale  time.Duration // up to this age it serves where a reload failed; at least MaxAge

	FrontDoors identity.Doors // never empty

	STSRegions        []string      // in order of preference, distinct, of one partition; never empty
	STSAttemptTimeout time.Duration // of one attempt; at most STSTotalTimeout
	STSTotalTimeout   time.Duration // of a whole call

	Cache bool // reuse vended credentials in memory
	Rate  Rate
}

// Schemes of an allowlist's place.
const (
	FileScheme      = "file"
	AppConfigScheme = "appconfig"
)

// Allowlist says where the allowlist comes from.
type Allowlist struct {
	Scheme string
	Path   string // with FileScheme

	Application, Environment, Profile string // with AppConfigScheme: names or ids
}

// String writes it as the variable has it.
func (a Allowlist) String() string {
	if a.Scheme == AppConfigScheme {
		return a.Scheme + ":" + a.Application + "/" + a.Environment + "/" + a.Profile
	}
	return a.Scheme + ":" + a.Path
}

// Rate is the brake on one caller's STS calls.
type Rate struct {
	Off       bool
	PerSecond float64 // above 0, unless off
	Burst     int     // at least 1, unless off
}

// Load reads the environment. Its error is one line that names the variable.
func Load(getenv func(string) string) (Config, error) {
	if err := checkLambda(getenv); err != nil {
		return Config{}, err
	}
	c := Config{}
	get := func(name, byDefault string) string {
		if v := getenv(name); v != "" {
			return v
		}
		return byDefault
	}
	var err error
	if c.Allowlist, err = parseAllowlist(get(AllowlistVar, "file:allowlist.json")); err != nil {
		return Config{}, err
	}
	if c.MaxAge, err = parseAge(MaxAgeVar, get(MaxAgeVar, "1m")); err != nil {
		return Config{}, err
	}
	if c.MaxStale, err = parseAge(MaxStaleVar, get(MaxStaleVar, "1h")); err != nil {
		return Config{}, err
	}
	if c.MaxStale < c.MaxAge {
		return Config{}, fmt.Errorf("%s: %v is less than %s, %v; make it as long or longer", MaxStaleVar, c.MaxStale, MaxAgeVar, c.MaxAge)
	}
	if c.FrontDoors, err = parseFrontDoors(getenv(FrontDoorsVar)); err != nil {
		return Config{}, err
	}
	if c.STSRegions, err = parseRegions(getenv); err != nil {
		return Config{}, err
	}
	if c.STSAttemptTimeout, c.STSTotalTimeout, err = parseTimeouts(get(STSTimeoutVar, "400ms,850ms")); err != nil {
		return Config{}, err
	}
	if c.Cache, err = parseSwitch(CacheVar, get(CacheVar, "on")); err != nil {
		return Config{}, err
	}
	if c.Rate, err = parseRate(get(RateVar, "10/s,20")); err != nil {
		return Config{}, err
	}
	return c, nil
}

// malformed is the error of a value that does not have its form.
func malformed(name, value, form, example string) error {
	return fmt.Errorf("%s: %s is not %s; write for example %s", name, quote(value), form, example)
}

// parseFrontDoors has no default: a function that believes no door is of no
// use, and one that believes any is open to all.
func parseFrontDoors(value string) (identity.Doors, error) {
	if value == "" {
		return nil, errors.New(FrontDoorsVar + ": it is not set, and no event is believed without it; write the id and kind of each front door, for example a1b2c3=iam d4e5f6=jwt url:xyz=iam r7s8t9=rest-iam,base=/prod")
	}
	doors, err := identity.ParseDoors(value)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", FrontDoorsVar, err)
	}
	return doors, nil
}
