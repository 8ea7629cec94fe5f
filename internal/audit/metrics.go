package audit

import "time"

// Namespace is the CloudWatch namespace of credvend's metrics.
const Namespace = "credvend"

// metrics is what makes a line count in CloudWatch: the embedded metric
// format, whose values are top-level members of the line. They ride in the
// lines that end a request, so that each request counts once.
type metrics struct {
	AWS          embedded `json:"_aws"`
	Requests     int      `json:"requests"`
	STSAttempts  int      `json:"stsAttempts"`
	STSLatencyMS *float64 `json:"stsLatencyMs,omitempty"` // all attempts together
}

type embedded struct {
	Timestamp         int64 // Unix milliseconds
	CloudWatchMetrics []directive
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []metric
}

type metric struct{ Name, Unit string }

// newMetrics counts one request. Its dimensions are of closed lists of words:
// 7 outcomes, 4 kinds, 11 codes. A caller, target or route is never one, since
// each value of a dimension is a metric that is paid for, and callers choose
// some of them.
func newMetrics(e *Entry, now time.Time) *metrics {
	m := &metrics{Requests: 1, STSAttempts: len(e.Attempts)}
	d := directive{
		Namespace:  Namespace,
		Dimensions: [][]string{{"outcome"}, {"kind", "outcome"}},
		Metrics:    []metric{{"requests", "Count"}, {"latencyMs", "Milliseconds"}, {"stsAttempts", "Count"}},
	}
	if e.Code != "" { // a dimension must have a value
		d.Dimensions = append(d.Dimensions, []string{"code"})
	}
	if len(e.Attempts) > 0 {
		var total time.Duration
		for _, a := range e.Attempts {
			total += a.Latency
		}
		ms := milliseconds(total)
		m.STSLatencyMS = &ms
		d.Metrics = append(d.Metrics, metric{"stsLatencyMs", "Milliseconds"})
	}
	if e.PackedPolicyPercent > 0 {
		d.Metrics = append(d.Metrics, metric{"packedPolicyPercent", "Percent"})
	}
	m.AWS = embedded{now.UnixMilli(), []directive{d}}
	return m
}

// Counts returns the member `_aws` of a line that counts each of the names once:
// top-level members of the line, whose values are numbers. They have no
// dimensions. It is for lines that are not about a request, such as those of
// the operator's log; the member's name is MetricsKey.
func Counts(now time.Time, names ...string) any {
	d := directive{Namespace: Namespace, Dimensions: [][]string{{}}}
	for _, name := range names {
		d.Metrics = append(d.Metrics, metric{name, "Count"})
	}
	return embedded{now.UnixMilli(), []directive{d}}
}

// MetricsKey is where CloudWatch looks for what Counts returns.
const MetricsKey = "_aws"
