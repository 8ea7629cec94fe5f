package runtime

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// settings are Options with the defaults filled in, and what follows from them.
type settings struct {
	Options
	name, region string
	output       *output
}

func newSettings(o Options) (*settings, error) {
	if len(o.Bootstrap) == 0 {
		return nil, errors.New("no bootstrap is given: name the program to run as the function")
	}
	path, err := exec.LookPath(o.Bootstrap[0])
	if err != nil {
		return nil, fmt.Errorf("the bootstrap cannot be run: %w", err)
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, fmt.Errorf("the bootstrap's path: %w", err)
	}
	o.Bootstrap = append([]string{path}, o.Bootstrap[1:]...)
	if o.Dir == "" {
		o.Dir = filepath.Dir(path)
	}
	parts := strings.Split(o.FunctionARN, ":")
	if len(parts) < 7 || parts[0] != "arn" || parts[2] != "lambda" || parts[3] == "" || parts[5] != "function" || parts[6] == "" {
		return nil, fmt.Errorf("the function's ARN %q is not of the form arn:aws:lambda:REGION:ACCOUNT:function:NAME", o.FunctionARN)
	}
	o.Timeout = orDefault(o.Timeout, 3*time.Second)
	o.InitTimeout = orDefault(o.InitTimeout, 10*time.Second)
	o.MemoryMB = orDefault(o.MemoryMB, 128)
	o.Environments = orDefault(o.Environments, 1)
	o.Concurrency = orDefault(o.Concurrency, 1)
	if o.Now == nil {
		o.Now = time.Now
	}
	return &settings{Options: o, name: parts[6], region: parts[3], output: &output{}}, nil
}

func orDefault[T int | time.Duration](value, fallback T) T {
	if value <= 0 {
		return fallback
	}
	return value
}

// environ is the whole environment of the process. Later entries win. Lambda sets
// no AWS_EXECUTION_ENV for OS-only runtimes such as provided.al2023.
func (s *settings) environ(address string) []string {
	env := []string{
		"LANG=en_US.UTF-8",
		"PATH=/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"TZ=:UTC",
	}
	env = append(env, s.Env...)
	env = append(env,
		"AWS_LAMBDA_RUNTIME_API="+address,
		"AWS_LAMBDA_FUNCTION_NAME="+s.name,
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE="+strconv.Itoa(s.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/"+s.name,
		"AWS_LAMBDA_LOG_STREAM_NAME="+s.Now().UTC().Format("2006/01/02")+"/[$LATEST]"+randomHex(16),
		"AWS_REGION="+s.region,
		"AWS_DEFAULT_REGION="+s.region,
		"LAMBDA_TASK_ROOT="+s.Dir,
		"LAMBDA_RUNTIME_DIR=/var/runtime",
		"_HANDLER=bootstrap",
	)
	if s.Concurrency > 1 {
		env = append(env, "AWS_LAMBDA_MAX_CONCURRENCY="+strconv.Itoa(s.Concurrency))
	}
	return env
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails: crypto/rand says so
	return hex.EncodeToString(b)
}

// newRequestID is a random UUID.
func newRequestID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails: crypto/rand says so
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

type traceKey struct{}

// WithTraceID has invokes under ctx carry this X-Ray trace header; without it each
// gets a fresh one.
func WithTraceID(ctx context.Context, header string) context.Context {
	return context.WithValue(ctx, traceKey{}, header)
}

func traceID(ctx context.Context, now time.Time) string {
	if header, ok := ctx.Value(traceKey{}).(string); ok && header != "" && !strings.ContainsAny(header, "\r\n") {
		return header
	}
	return fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0", now.Unix(), randomHex(12), randomHex(8))
}
