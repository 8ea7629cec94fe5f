package config

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// quote quotes a value from the environment for an error: on one line, and not
// without end.
func quote(value string) string {
	const limit = 128
	if len(value) > limit {
		value = value[:limit] + "…"
	}
	return strconv.Quote(value)
}

func parseAllowlist(value string) (Allowlist, error) {
	const form, example = "file:PATH or appconfig:APPLICATION/ENVIRONMENT/PROFILE", "file:allowlist.json"
	scheme, rest, found := strings.Cut(value, ":")
	if !found || rest == "" || strings.ContainsFunc(rest, isControl) {
		return Allowlist{}, malformed(AllowlistVar, value, form, example)
	}
	switch scheme {
	case FileScheme:
		return Allowlist{Scheme: scheme, Path: rest}, nil
	case AppConfigScheme:
		parts := strings.Split(rest, "/")
		if len(parts) != 3 || slices.ContainsFunc(parts, func(p string) bool { return !isAppConfigName(p) }) {
			return Allowlist{}, malformed(AllowlistVar, value, form+" (names or ids of letters, digits, dots, hyphens and underscores)", "appconfig:credvend/prod/allowlist")
		}
		return Allowlist{Scheme: scheme, Application: parts[0], Environment: parts[1], Profile: parts[2]}, nil
	default:
		return Allowlist{}, malformed(AllowlistVar, value, form, example)
	}
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// isAppConfigName reports whether s can stand in a path of AppConfig's
// extension as it is. AppConfig takes more in a name, spaces for one; ids serve
// for those.
func isAppConfigName(s string) bool {
	return s != "" && len(s) <= 128 && strings.Trim(s, ".") != "" && strings.Trim(s, letters+digits+"._-") == ""
}

const (
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	digits  = "0123456789"
)

// minAge is the shortest age: below it, each request would reload.
const minAge = time.Second

func parseAge(name, value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil || d < minAge {
		return 0, malformed(name, value, "a duration of 1s or more", "1m, or 1h30m")
	}
	return d, nil
}

// maxTimeout is what API Gateway leaves: it waits 30 s for the function.
const maxTimeout = 29 * time.Second

func parseTimeouts(value string) (attempt, total time.Duration, err error) {
	bad := malformed(STSTimeoutVar, value, "ATTEMPT,TOTAL, two durations above 0, ATTEMPT at most TOTAL, and TOTAL at most 29s", "400ms,850ms")
	one, all, found := strings.Cut(value, ",")
	if !found {
		return 0, 0, bad
	}
	attempt, err = time.ParseDuration(one)
	if err != nil {
		return 0, 0, bad
	}
	total, err = time.ParseDuration(all)
	if err != nil || attempt <= 0 || total < attempt || total > maxTimeout {
		return 0, 0, bad
	}
	return attempt, total, nil
}

func parseSwitch(name, value string) (bool, error) {
	switch value {
	case "on":
		return true, nil
	case "off":
		return false, nil
	default:
		return false, fmt.Errorf("%s: %s is neither on nor off; write one of the two", name, quote(value))
	}
}

func parseRate(value string) (Rate, error) {
	if value == "off" {
		return Rate{Off: true}, nil
	}
	bad := malformed(RateVar, value, "RATE/s,BURST", "10/s,20, or off")
	rate, burst, found := strings.Cut(value, "/s,")
	if !found || strings.Trim(rate, digits+".") != "" || strings.Trim(burst, digits) != "" {
		return Rate{}, bad // signs, exponents, NaN and Inf, which ParseFloat takes
	}
	perSecond, err := strconv.ParseFloat(rate, 64)
	if err != nil || perSecond <= 0 || math.IsInf(perSecond, 0) {
		return Rate{}, bad
	}
	n, err := strconv.Atoi(burst)
	if err != nil || n < 1 {
		return Rate{}, bad
	}
	return Rate{PerSecond: perSecond, Burst: n}, nil
}

// parseRegions reads the STS regions; without any, STS is asked in the
// function's own region.
func parseRegions(getenv func(string) string) ([]string, error) {
	name := STSRegionsVar
	value := getenv(name)
	for _, own := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if value == "" {
			name, value = own, getenv(own)
		}
	}
	if value == "" {
		return nil, errors.New(STSRegionsVar + ": neither it nor AWS_REGION is set; write the regions whose STS to ask, for example us-east-1 us-west-2")
	}
	regions := strings.FieldsFunc(value, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	if len(regions) == 0 {
		return nil, malformed(name, value, "a list of regions", "us-east-1 us-west-2")
	}
	if name != STSRegionsVar && len(regions) > 1 {
		return nil, malformed(name, value, "one region", "us-east-1")
	}
	for i, r := range regions {
		switch p := partition(r); {
		case p == "":
			return nil, fmt.Errorf("%s: %s is not a region of the partitions aws, aws-cn or aws-us-gov; write for example us-east-1 us-west-2", name, quote(r))
		case p != partition(regions[0]):
			return nil, fmt.Errorf("%s: %s is of the partition %s and %s of %s; write regions of one partition, since credentials of one are unknown in another", name, regions[0], partition(regions[0]), r, p)
		case slices.Contains(regions[:i], r):
			return nil, fmt.Errorf("%s: %s stands twice; write each region once", name, r)
		}
	}
	return regions, nil
}

// partition returns the partition that a region belongs to, by its name; "" if
// it is not a region's name, or of a partition that credvend does not serve.
func partition(region string) string {
	parts := strings.Split(region, "-")
	last := len(parts) - 1
	if last < 2 || len(region) > 32 || len(parts[0]) != 2 {
		return ""
	}
	for i, p := range parts {
		allowed := "abcdefghijklmnopqrstuvwxyz"
		if i == last {
			allowed = digits
		}
		if p == "" || strings.Trim(p, allowed) != "" {
			return ""
		}
	}
	switch {
	case strings.HasPrefix(parts[1], "iso"):
		return ""
	case parts[0] == "cn":
		return "aws-cn"
	case parts[0] == "us" && parts[1] == "gov":
		return "aws-us-gov"
	default:
		return "aws"
	}
}
