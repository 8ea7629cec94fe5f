package api

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Encode writes the answer as JSON, secrets in plain text. Marshalling c any
// other way redacts them.
//
// It is written out, member by member: encoding/json would keep a buffer with
// the secrets in it for its next use, and takes longer. A test holds the two
// together.
func (c Credentials) Encode() ([]byte, error) {
	secret, token, again := c.SecretAccessKey.Reveal(), c.SessionToken.Reveal(), c.Token.Reveal()
	e := encoder{text: make([]byte, 0, len(secret)+len(token)+len(again)+1536)}
	e.number(`{"Version":`, c.Version)
	e.string(`,"AccessKeyId":`, c.AccessKeyID)
	e.string(`,"SecretAccessKey":`, secret)
	e.string(`,"SessionToken":`, token)
	e.string(`,"Token":`, again)
	e.time(`,"Expiration":`, c.Expiration)
	e.string(`,"AccountId":`, c.AccountID)
	e.string(`,"RoleArn":`, c.RoleARN)
	g := &c.Grant
	e.string(`,"Grant":{"requestId":`, g.RequestID)
	e.string(`,"receipt":`, g.Receipt)
	e.bool(`,"reused":`, g.Reused)
	e.string(`,"caller":`, g.Caller)
	e.string(`,"target":`, g.Target)
	e.string(`,"endpoint":`, g.Endpoint)
	e.string(`,"region":`, g.Region)
	e.strings(`,"routes":`, g.Routes)
	e.strings(`,"deniedRoutes":`, g.DeniedRoutes)
	e.strings(`,"rules":`, g.Rules)
	e.number(`,"requestedSeconds":`, g.RequestedSeconds)
	e.number(`,"grantedSeconds":`, g.GrantedSeconds)
	e.string(`,"durationLimitedBy":`, g.DurationLimitedBy)
	e.time(`,"refreshAfter":`, g.RefreshAfter)
	e.time(`,"serverTime":`, g.ServerTime)
	e.number(`,"packedPolicyPercent":`, g.PackedPolicyPercent)
	if e.err != nil {
		return nil, e.err // and no half of an answer beside it: it holds secrets
	}
	return append(e.text, "}}"...), nil
}

// encoder appends members of an object: what stands before the value, then the
// value as encoding/json has it.
type encoder struct {
	text []byte
	err  error
}

func (e *encoder) number(before string, n int) {
	e.text = strconv.AppendInt(append(e.text, before...), int64(n), 10)
}

func (e *encoder) bool(before string, b bool) {
	e.text = strconv.AppendBool(append(e.text, before...), b)
}

func (e *encoder) time(before string, t time.Time) {
	text, err := t.AppendText(append(append(e.text, before...), '"'))
	if err != nil {
		e.err = fmt.Errorf("encoding a time: %w", err)
		return
	}
	e.text = append(text, '"')
}

func (e *encoder) strings(before string, all []string) {
	if all == nil {
		e.text = append(append(e.text, before...), "null"...)
		return
	}
	e.text = append(append(e.text, before...), '[')
	for i, s := range all {
		if i > 0 {
			e.text = append(e.text, ',')
		}
		e.string("", s)
	}
	e.text = append(e.text, ']')
}

func (e *encoder) string(before, s string) {
	e.text = append(e.text, before...)
	if isPlain(s) {
		e.text = append(e.text, '"')
		e.text = append(e.text, s...)
		e.text = append(e.text, '"')
		return
	}
	text, err := json.Marshal(s)
	if err != nil {
		e.err = err
	}
	e.text = append(e.text, text...)
}

// isPlain reports whether s stands in JSON as it is, for certain.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}
