package config

import (
	"fmt"
	"strings"
)

// Variables that are not ours and can undo what we promise.
const (
	logFormatVar = "AWS_LAMBDA_LOG_FORMAT"
	logLevelVar  = "AWS_LAMBDA_LOG_LEVEL"
	goAPIHostVar = "GO_API_HOST"
)

// checkLambda refuses surroundings in which the function would seem to work.
func checkLambda(getenv func(string) string) error {
	// Lambda drops JSON lines below its level. The audit trail's are INFO: with
	// a higher level, credentials would leave without a trace.
	if level := getenv(logLevelVar); strings.EqualFold(getenv(logFormatVar), "JSON") {
		switch strings.ToUpper(level) {
		case "", "TRACE", "DEBUG", "INFO":
		default:
			return fmt.Errorf("%s: %s makes Lambda drop the audit trail, whose lines are INFO; set the function's application log level to INFO or below, or its log format to Text", logLevelVar, quote(level))
		}
	}
	// The library that bridges events to HTTP takes the host of every request
	// from this variable.
	if host := getenv(goAPIHostVar); host != "" {
		return fmt.Errorf("%s: %s would replace the host of every request; unset it", goAPIHostVar, quote(host))
	}
	return nil
}
