package audit

import (
	"encoding/json"
	"strconv"
	"time"
)

// Namespace is the CloudWatch namespace of credvend's metrics.
const Namespace = "credvend"

// metrics makes the line count in CloudWatch: the embedded metric format,
// whose values are top-level members of the line. They ride in the lines that
// end a request, so that each request counts once.
//
// The dimensions are of closed lists of words: 7 outcomes, 4 kinds, 11 codes. A
// caller, target or route is never one, since each value of a dimension is a
// metric that is paid for, and callers choose some of them.
func (l *line) metrics(e *Entry, now time.Time) {
	dimensions := `["outcome"],["kind","outcome"]`
	if e.Code != "" { // a dimension must have a value
		dimensions += `,["code"]`
	}
	l.name(MetricsKey)
	*l = appendDirective(*l, now, dimensions)
	*l = appendMetric(*l, "requests", "Count")
	*l = append(*l, ',')
	*l = appendMetric(*l, "latencyMs", "Milliseconds")
	*l = append(*l, ',')
	*l = appendMetric(*l, "stsAttempts", "Count")
	if len(e.Attempts) > 0 {
		*l = append(*l, ',')
		*l = appendMetric(*l, "stsLatencyMs", "Milliseconds")
	}
	if e.PackedPolicyPercent > 0 {
		*l = append(*l, ',')
		*l = appendMetric(*l, "packedPolicyPercent", "Percent")
	}
	*l = append(*l, "]}]}"...)

	l.count("requests", 1)
	attempts := e.Attempts[:min(len(e.Attempts), maxAttempts)]
	l.name("stsAttempts")
	*l = strconv.AppendInt(*l, int64(len(attempts)), 10)
	if len(attempts) > 0 {
		var total time.Duration
		for _, a := range attempts {
			total += a.Latency
		}
		l.milliseconds("stsLatencyMs", total)
	}
}

// appendDirective begins the member `_aws`, up to the first of its metrics.
func appendDirective(b []byte, now time.Time, dimensions string) []byte {
	b = append(b, `{"Timestamp":`...)
	b = strconv.AppendInt(b, now.UnixMilli(), 10)
	b = append(b, `,"CloudWatchMetrics":[{"Namespace":"`+Namespace+`","Dimensions":[`...)
	b = append(b, dimensions...)
	return append(b, `],"Metrics":[`...)
}

func appendMetric(b []byte, name, unit string) []byte {
	b = append(b, `{"Name":"`...)
	b = append(b, name...)
	b = append(b, `","Unit":"`...)
	b = append(b, unit...)
	return append(b, `"}`...)
}

// Counts returns the member `_aws` of a line that counts each of the names once:
// top-level members of the line, whose values are numbers. They have no
// dimensions. It is for lines that are not about a request, such as those of
// the operator's log; the member's name is MetricsKey.
func Counts(now time.Time, names ...string) any {
	b := appendDirective(nil, now, "[]")
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendMetric(b, name, "Count")
	}
	return json.RawMessage(append(b, "]}]}"...))
}

// MetricsKey is where CloudWatch looks for what Counts returns.
const MetricsKey = "_aws"
