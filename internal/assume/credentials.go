// Package assume calls STS AssumeRole: regions and deadlines (Broker), reuse
// and single flight (Pool), the brake on one caller's calls (Limiter), and the
// credentials that come back, which never print.
//
// It decides nothing about who may have what: it is handed a finished scope.
// It writes no audit line either; whoever calls it writes the intent before
// and the outcome after, from the attempts it reports.
package assume

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// redacted is what credentials read as, whatever prints them.
const redacted = "[credentials redacted]"

// Credentials are a set of temporary credentials. No way of printing or
// encoding them shows them: a stray %+v, a log line, a panic or an encoder
// pointed at the wrong value cannot carry them out. Only the accessors can.
//
// The values stand in a closure, where neither fmt nor reflection reaches. A
// pointer would not do: fmt calls no methods on unexported fields, and under a
// verb that does not suit it prints what a pointer to a struct points at.
type Credentials struct {
	reveal func() (accessKeyID, secretAccessKey, sessionToken string)
}

// NewCredentials wraps the three values that AWS calls credentials.
func NewCredentials(accessKeyID, secretAccessKey, sessionToken string) Credentials {
	return Credentials{func() (string, string, string) { return accessKeyID, secretAccessKey, sessionToken }}
}

// AccessKeyID returns the access key id: not a secret, and the one part that
// the audit trail may hold.
func (c Credentials) AccessKeyID() string {
	id, _, _ := c.get()
	return id
}

// SecretAccessKey returns the secret key in plain text, for the answer alone.
func (c Credentials) SecretAccessKey() string {
	_, secret, _ := c.get()
	return secret
}

// SessionToken returns the session token in plain text, for the answer alone.
func (c Credentials) SessionToken() string {
	_, _, token := c.get()
	return token
}

// get returns three empty strings for the zero Credentials.
func (c Credentials) get() (accessKeyID, secretAccessKey, sessionToken string) {
	if c.reveal == nil {
		return "", "", ""
	}
	return c.reveal()
}

// Format writes a fixed text whatever the verb.
func (c Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String returns a fixed text.
func (c Credentials) String() string { return redacted }

// GoString returns a fixed text.
func (c Credentials) GoString() string { return redacted }

// LogValue returns a fixed text.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns a fixed text: JSON, XML and the rest use it.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Issued is one issuance by STS. It embeds Credentials, so the whole of it
// prints as little as they do.
type Issued struct {
	Credentials
	Receipt             string    // stands in the session name
	IssuedAt            time.Time // when STS's answer was read
	Expiration          time.Time // as STS said it
	Region              string    // of the STS endpoint that issued
	STSRequestID        string
	AssumedRoleARN      string // arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION
	PackedPolicyPercent int    // of STS's budget for policy and tags together
}

// The window in which a client should come back, in thousandths of the life
// since the issuance. It begins after the fifth in which a credential is
// reused, so whoever comes back gets a new one, and it ends long before the
// SDKs' own mandatory refresh (ten minutes before the end in botocore).
const (
	refreshFrom = 400
	refreshTo   = 600
)

// RefreshAfter is the moment from which a client should ask again: between 40
// and 60 % of the credential's life, at a point fixed by the hash of
// jitterKey. One caller always gets the same point; a fleet of callers that
// began together does not come back together.
func RefreshAfter(issued Issued, jitterKey string) time.Time {
	life := issued.Expiration.Sub(issued.IssuedAt)
	if life <= 0 {
		return issued.Expiration
	}
	sum := sha256.Sum256(append(make([]byte, 0, 512), jitterKey...))
	const steps = 1 << 16
	step := time.Duration(binary.BigEndian.Uint16(sum[:2]))
	from, to := life*refreshFrom/1000, life*refreshTo/1000
	return issued.IssuedAt.Add(from + (to-from)*step/steps).UTC().Truncate(time.Second)
}
