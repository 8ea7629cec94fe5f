package guard

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
)

// ErrNotMeasured says that this machine does not count instructions.
var ErrNotMeasured = errors.New("instructions are not measured here")

const instructionsInfix = ":instructions:"

// InstructionsName is the baseline's name for the instructions of a part on this
// kind of processor.
func InstructionsName(part string) string { return part + instructionsInfix + runtime.GOARCH }

func isOptional(name string) bool { return strings.Contains(name, instructionsInfix) }

// Counter counts the instructions of a process, from its start to its end, that
// runs a part of the hot path so many times.
type Counter func(ctx context.Context, part string, rounds int) (uint64, error)

// few and many are how often a process runs a part: what they differ by is the
// part's own, for the start of the process is the same in both.
const few, many = 100, 1100

// Instructions is how many instructions one run of a part takes, outside the
// kernel. The error is ErrNotMeasured where the machine does not count them.
func Instructions(ctx context.Context, count Counter, part string) (int, error) {
	start, err := count(ctx, part, few)
	if err != nil {
		return 0, err
	}
	all, err := count(ctx, part, many)
	if err != nil {
		return 0, err
	}
	if all <= start {
		return 0, fmt.Errorf("%d runs of %s took %d instructions and %d runs %d: that is no count", few, part, start, many, all)
	}
	return int((all - start) / (many - few)), nil //nolint:gosec // below 2^63 for centuries
}

// Perf counts with the perf command of Linux. The command to run a part is made
// by child.
func Perf(child func(part string, rounds int) (argv, env []string)) Counter {
	return func(ctx context.Context, part string, rounds int) (uint64, error) {
		perf, err := exec.LookPath("perf")
		if err != nil {
			return 0, fmt.Errorf("%w: there is no perf on the PATH", ErrNotMeasured)
		}
		argv, env := child(part, rounds)
		// An underlined number and a comma in some locales would not parse.
		cmd := exec.CommandContext(ctx, perf, append([]string{"stat", "-x,", "-e", "instructions:u", "--"}, argv...)...)
		cmd.Env = append(cmd.Environ(), append(env, "LC_ALL=C")...)
		var report strings.Builder
		cmd.Stderr = &report
		if err := cmd.Run(); err != nil {
			return 0, fmt.Errorf("%w: %s: %w: %s", ErrNotMeasured, perf, err, lastLine(report.String()))
		}
		return ParsePerf(report.String())
	}
}

// ParsePerf reads what `perf stat -x,` reports of instructions:u. Where the
// processor has no counters, or they are not to be had, it says so in place of
// a number.
func ParsePerf(report string) (uint64, error) {
	for line := range strings.Lines(report) {
		fields := strings.Split(strings.TrimSpace(line), ",")
		if len(fields) < 3 || !strings.HasPrefix(fields[2], "instructions") {
			continue
		}
		n, err := strconv.ParseUint(fields[0], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%w: perf says %s", ErrNotMeasured, fields[0])
		}
		return n, nil
	}
	return 0, fmt.Errorf("%w: perf says nothing of them: %s", ErrNotMeasured, lastLine(report))
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
