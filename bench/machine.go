package main

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/credvend/credvend/bench/report"
)

// machine says where and of what a run was made. What cannot be found out is
// "unknown": it is for readers alone.
func machine(ctx context.Context, root string, now time.Time) report.Machine {
	return report.Machine{
		Go:       runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
		CPU:      cpu(ctx),
		Cores:    runtime.NumCPU(),
		Commit:   commit(ctx, root),
		Date:     now.UTC().Format(time.RFC3339),
	}
}

func cpu(ctx context.Context) string {
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				return strings.Join(strings.Fields(value), " ")
			}
		}
	}
	return orElse(output(ctx, "", "sysctl", "-n", "machdep.cpu.brand_string"), "unknown processor")
}

func commit(ctx context.Context, root string) string {
	id := output(ctx, root, "git", "rev-parse", "--short", "HEAD")
	if id == "" {
		return "unknown"
	}
	if output(ctx, root, "git", "status", "--porcelain") != "" {
		id += "+"
	}
	return id
}

// output is what a program prints, or "".
func output(ctx context.Context, dir, name string, args ...string) string {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	text, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
