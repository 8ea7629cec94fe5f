package doctor

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// Token is what a JWT says of itself. Nothing in it was verified: it is for
// telling a person what they sent, and nothing else.
type Token struct {
	Algorithm string
	Issuer    string
	Audience  []string
	ClientID  string // stands for the audience where there is none
	Expires   time.Time
	NotBefore time.Time
}

// ReadToken decodes a JWT without its signature. Its errors repeat nothing of it.
func ReadToken(raw string) (Token, error) {
	const most = 9 << 10 // API Gateway takes 10,240 bytes of request line and headers
	switch {
	case raw == "":
		return Token{}, errors.New("it is empty")
	case len(raw) > most:
		return Token{}, fmt.Errorf("it has %d bytes, and API Gateway does not take one above %d", len(raw), most)
	case strings.ContainsFunc(raw, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._~+/=", r)
	}):
		return Token{}, errors.New("it holds a blank, a newline or another character that no JWT has")
	}
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return Token{}, fmt.Errorf("it has %d parts between dots, and a JWT has 3", len(parts))
	}
	var header struct {
		Alg string `json:"alg"`
	}
	var claims struct {
		Issuer    string          `json:"iss"`
		Audience  json.RawMessage `json:"aud"`
		ClientID  string          `json:"client_id"`
		Expires   *float64        `json:"exp"`
		NotBefore *float64        `json:"nbf"`
	}
	if !decodePart(parts[0], &header) {
		return Token{}, errors.New("its first part is not the header of a JWT")
	}
	if !decodePart(parts[1], &claims) {
		return Token{}, errors.New("its second part does not hold the claims of a JWT")
	}
	t := Token{Algorithm: clip(header.Alg), Issuer: clip(claims.Issuer), ClientID: clip(claims.ClientID), Expires: moment(claims.Expires), NotBefore: moment(claims.NotBefore)}
	var single string
	if json.Unmarshal(claims.Audience, &single) == nil && single != "" {
		t.Audience = []string{clip(single)}
	}
	var several []string
	if json.Unmarshal(claims.Audience, &several) == nil {
		for _, a := range several {
			t.Audience = append(t.Audience, clip(a))
		}
	}
	return t, nil
}

func decodePart(part string, into any) bool {
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(part, "="))
	return err == nil && json.Unmarshal(text, into) == nil
}

func moment(seconds *float64) time.Time {
	if seconds == nil || math.IsNaN(*seconds) || math.Abs(*seconds) > 1e11 {
		return time.Time{}
	}
	return time.Unix(int64(*seconds), 0).UTC()
}

// For is whom the token is for.
func (t Token) For() string {
	switch {
	case len(t.Audience) > 0:
		return strings.Join(t.Audience, ", ")
	case t.ClientID != "":
		return t.ClientID + " (client_id)"
	default:
		return "nobody"
	}
}

func newToken(what string) string {
	return "get a new token from the issuer" + what + ", and put it where this one came from"
}

func (t Token) expired(evidence string) Candidate {
	says := "the token has expired"
	if !t.Expires.IsZero() {
		says += ", at " + t.Expires.Format(time.RFC3339)
	}
	return Candidate{Cause: ExpiredToken, Side: Caller, Says: says, Evidence: evidence, Do: newToken("")}
}

func (t Token) early(evidence string) Candidate {
	return Candidate{Cause: TokenNotYetValid, Side: Caller, Says: "the token is not valid before " + t.NotBefore.Format(time.RFC3339), Evidence: evidence, Do: "wait until then, or set the clock of whoever issues the tokens"}
}

// TokenStep judges what can be seen of a token without asking anybody.
func TokenStep(raw string, now time.Time) (Token, Step) {
	t, err := ReadToken(raw)
	if err != nil {
		return t, wrong(StepToken, "what would be sent is not a JWT: "+err.Error(),
			Candidate{Cause: BadToken, Side: Caller, Says: "the file or variable holds something else than a JWT, or more or less than one", Evidence: "its form", Do: newToken(", three parts with dots between, on one line")})
	}
	audience := t.For()
	facts := fmt.Sprintf("issuer %s, audience %s", orElse(t.Issuer, "(none)"), audience)
	clock := Candidate{Cause: Clock, Side: Caller, Says: "or this machine's clock is wrong, which a later step shows", Do: "set the clock"}
	switch {
	case t.Expires.IsZero():
		return t, wrong(StepToken, facts+"; it has no expiry (exp), which API Gateway asks for",
			Candidate{Cause: BadToken, Side: Caller, Says: "the token has no exp", Evidence: "the token", Do: newToken("")})
	case !now.Before(t.Expires):
		return t, wrong(StepToken, fmt.Sprintf("%s; it expired %s ago", facts, span(now.Sub(t.Expires))), t.expired("its exp"), clock)
	case now.Before(t.NotBefore):
		return t, wrong(StepToken, facts+"; it is not valid yet", t.early("its nbf"), clock)
	case !strings.HasPrefix(t.Algorithm, "RS"):
		return t, wrong(StepToken, fmt.Sprintf("%s; it is signed with %s, and API Gateway takes RSA (RS256) alone", facts, orElse(t.Algorithm, "nothing")),
			Candidate{Cause: BadToken, Side: Caller, Says: "the issuer signs with an algorithm that API Gateway does not take", Evidence: "the token's alg", Do: "have the issuer sign this client's tokens with RS256"})
	case audience == "nobody":
		return t, wrong(StepToken, facts+"; API Gateway compares aud, or client_id",
			Candidate{Cause: WrongAudience, Side: Caller, Says: "the token has neither aud nor client_id", Evidence: "the token", Do: newToken(", asking for the audience that the operator tells you")})
	}
	return t, ok(StepToken, fmt.Sprintf("%s, good for another %s", facts, span(t.Expires.Sub(now))))
}

// span writes a duration as people say it.
func span(d time.Duration) string {
	if d >= 48*time.Hour {
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
	d = d.Round(time.Second)
	if d >= time.Hour {
		d = d.Round(time.Minute)
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
