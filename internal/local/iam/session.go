package iam

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Credential is an access key, with who it stands for at the moment of asking.
// It does not print its secrets.
type Credential struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string    // "" for a long-term key
	Expiration      time.Time // zero for a long-term key
	Principal       *Principal
}

// String names the access key and leaves the secrets out.
func (c Credential) String() string { return "credential " + c.AccessKeyID + " (secrets withheld)" }

// GoString is String: "%#v" must not print secrets either.
func (c Credential) GoString() string { return c.String() }

// LogValue is String, for structured logs.
func (c Credential) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON keeps a credential from being written by accident: the one place
// that sends secrets takes the fields itself.
func (c Credential) MarshalJSON() ([]byte, error) { return []byte(`"` + c.String() + `"`), nil }

// SessionSpec says what session of a role to make.
type SessionSpec struct {
	RoleARN        string
	SessionName    string            // 2 to 64 of [\w+=,.@-]
	Policy         *Policy           // session policy; nil: none
	Tags           map[string]string // session tags, inherited ones included
	Transitive     []string          // those of Tags that a further session inherits
	SourceIdentity string
	Duration       time.Duration // zero: an hour; at most the role's longest
	Chained        bool          // made from another role session

	// Age is how long ago the session was made: one that is older than its
	// Duration has expired, as a test of refusals needs it. Zero: now.
	Age time.Duration

	SourceFunctionARN string // of the Lambda function whose execution role this is
}

// issued is what World keeps of a credential. The principal's permissions are
// not kept: they are read from the role or user at each request.
type issued struct {
	secret, token string
	expiration    time.Time
	issuedAt      time.Time
	owner         string // ARN of the role or user
	uniqueID      string // of the owner when it was issued
	spec          SessionSpec
}

var sessionNameForm = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

// forget is how long an expired session is still told apart from an unknown key.
const forget = 24 * time.Hour

// UserCredential mints a long-term access key for a user.
func (w *World) UserCredential(userARN string) (Credential, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	u, ok := w.users[userARN]
	if !ok {
		return Credential{}, fmt.Errorf("there is no user %s", userARN)
	}
	id := mintID("AKIA")
	w.issued[id] = issued{secret: mintSecret(30), owner: userARN, uniqueID: u.UniqueID}
	c, _ := w.credential(id)
	return c, nil
}

// StartSession mints a session of a role. It asks nobody whether the role may be
// assumed: that is the token service's part.
func (w *World) StartSession(s SessionSpec) (Credential, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r, ok := w.roles[s.RoleARN]
	if !ok {
		return Credential{}, fmt.Errorf("there is no role %s", s.RoleARN)
	}
	if !sessionNameForm.MatchString(s.SessionName) {
		return Credential{}, fmt.Errorf(`a session name is 2 to 64 of [\w+=,.@-], not %q`, s.SessionName)
	}
	if s.Duration == 0 {
		s.Duration = time.Hour
	}
	if s.Duration < 0 || s.Duration > r.MaxSession {
		return Credential{}, fmt.Errorf("a session of %s lasts at most %s, not %s", s.RoleARN, r.MaxSession, s.Duration)
	}
	if s.Age < 0 {
		return Credential{}, fmt.Errorf("a session cannot be made in the future, %s from now", -s.Age)
	}
	if s.Policy != nil {
		if err := s.Policy.checkIdentity(); err != nil {
			return Credential{}, err
		}
	}
	s.Tags, s.Transitive = maps.Clone(s.Tags), slices.Clone(s.Transitive)
	now := w.now()
	maps.DeleteFunc(w.issued, func(_ string, i issued) bool {
		return !i.expiration.IsZero() && now.Sub(i.expiration) > forget
	})
	id := mintID("ASIA")
	w.issued[id] = issued{
		secret: mintSecret(30), token: mintSecret(384),
		issuedAt: now.Add(-s.Age), expiration: now.Add(s.Duration - s.Age).Truncate(time.Second),
		owner: s.RoleARN, uniqueID: r.UniqueID, spec: s,
	}
	c, _ := w.credential(id)
	return c, nil
}

// Credential looks an access key up, with its principal as the accounts are now:
// a policy that was changed after the key was issued counts. It reports false for
// a key that is unknown or whose role or user is gone. An expired session is
// found; whether to take it is for the caller, who must compare Expiration.
func (w *World) Credential(accessKeyID string) (Credential, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.credential(accessKeyID)
}

func (w *World) credential(id string) (Credential, bool) {
	i, ok := w.issued[id]
	if !ok {
		return Credential{}, false
	}
	c := Credential{AccessKeyID: id, SecretAccessKey: i.secret, SessionToken: i.token, Expiration: i.expiration}
	if u, ok := w.users[i.owner]; ok && u.UniqueID == i.uniqueID {
		c.Principal = &Principal{
			ARN: u.ARN, Account: accountOf(u.ARN), UserID: u.UniqueID,
			Policies: slices.Clone(u.Policies), Boundary: u.Boundary, at: w.now(),
		}
		return c, true
	}
	r, ok := w.roles[i.owner]
	if !ok || r.UniqueID != i.uniqueID {
		return Credential{}, false
	}
	s := i.spec
	c.Principal = &Principal{
		ARN:     "arn:" + partitionOf(r.ARN) + ":sts::" + accountOf(r.ARN) + ":assumed-role/" + nameOf(r.ARN) + "/" + s.SessionName,
		Account: accountOf(r.ARN), UserID: r.UniqueID + ":" + s.SessionName, RoleARN: r.ARN,
		Policies: slices.Clone(r.Policies), Boundary: r.Boundary, Session: s.Policy,
		Tags: mergeTags(r.Tags, s.Tags), Transitive: slices.Clone(s.Transitive),
		SourceIdentity: s.SourceIdentity, IssuedAt: i.issuedAt, Chained: s.Chained,
		SourceFunctionARN: s.SourceFunctionARN, at: w.now(),
	}
	return c, true
}

// mergeTags lets session tags override the role's, without regard to case.
func mergeTags(role, session map[string]string) map[string]string {
	out := make(map[string]string, len(role)+len(session))
	maps.Copy(out, session)
	for k, v := range role {
		taken := false
		for s := range session {
			taken = taken || strings.EqualFold(s, k)
		}
		if !taken {
			out[k] = v
		}
	}
	return out
}

// mintID makes an identifier of AWS's form: a prefix that tells the kind, and
// seventeen (ids) or sixteen (keys) capitals and digits.
func mintID(prefix string) string {
	n := 17
	if prefix == "AKIA" || prefix == "ASIA" {
		n = 16
	}
	b := make([]byte, 16)
	_, _ = rand.Read(b) // crypto/rand never returns an error: it ends the program instead
	return prefix + base32.StdEncoding.EncodeToString(b)[:n]
}

func mintSecret(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b)
	return base64.StdEncoding.EncodeToString(b)
}
