package sts

import "time"

// Verdict sums an event up.
type Verdict string

// The verdicts. Faulted covers every answer that an ordered fault changed.
const (
	Granted Verdict = "granted"
	Refused Verdict = "refused"
	Faulted Verdict = "faulted"
)

// Event tells of one request after it was decided, for tests and the story. It
// holds no secret: no token, no signature, no external id.
type Event struct {
	Time      time.Time
	RequestID string
	Action    string
	Region    string // of the signature's scope; "" if the signature was refused
	Caller    string // ARN
	AccessKey string // id of the signing key

	Role           string
	SessionName    string
	Policy         string // the inline session policy as sent
	Tags           map[string]string
	Transitive     []string
	SourceIdentity string
	Duration       time.Duration
	PackedPercent  int    // an estimate, as the answer's
	IssuedKey      string // access key id of the session that was made
	Session        string // its ARN

	Verdict Verdict
	Fault   FaultKind
	Status  int    // as answered; 0 where no answer was sent
	Code    string // the error's code
	Reason  string // why, with the statement that decided: never on the wire
}
