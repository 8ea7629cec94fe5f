package analysis

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/identity"
)

// offline is the front door that callers come in by here.
const offline = "offline"

// ARNCaller is the caller of an ARN: of a role's session, a role or a user.
// uniqueID may be empty: then no caller that pins one matches.
func ARNCaller(text, uniqueID string) (identity.Caller, error) {
	p, err := arn.ParsePrincipal(text)
	if err != nil {
		return identity.Caller{}, err
	}
	if uniqueID != "" && (!arn.IsUniqueID(uniqueID) || strings.HasPrefix(uniqueID, "AROA") != (p.Type == arn.Role)) {
		return identity.Caller{}, fmt.Errorf("%q is not the unique id of a %s: a role's begins with AROA, a user's with AIDA", clip(uniqueID), p.Type)
	}
	return identity.Caller{Kind: identity.IAM, Door: offline, Principal: p, UniqueID: uniqueID, Subject: p.Session}, nil
}

// JSONCaller is the caller of an event, as a front door sends it, or of a
// token's claims. Both go the way that the function takes them: claims as the
// event of an HTTP API with a JWT authorizer that verified them.
func JSONCaller(raw []byte) (identity.Caller, error) {
	if len(raw) > maxJSON {
		return identity.Caller{}, fmt.Errorf("%d bytes; an event or a token's claims have at most %d", len(raw), maxJSON)
	}
	var shape struct {
		RequestContext *struct {
			APIID      string                     `json:"apiId"`
			DomainName string                     `json:"domainName"`
			Authorizer map[string]json.RawMessage `json:"authorizer"`
		} `json:"requestContext"`
	}
	if err := json.Unmarshal(raw, &shape); err != nil {
		return identity.Caller{}, errors.New("neither an event nor claims: it is no JSON object of either form")
	}
	if shape.RequestContext == nil {
		event, err := tokenEvent(raw)
		if err != nil {
			return identity.Caller{}, err
		}
		return identified(event, identity.Door{ID: offline, Kind: identity.JWT})
	}
	door := identity.Door{ID: shape.RequestContext.APIID, Kind: identity.IAM}
	door.URL = strings.HasPrefix(strings.ToLower(shape.RequestContext.DomainName), door.ID+".lambda-url.")
	if _, jwt := shape.RequestContext.Authorizer["jwt"]; jwt {
		door.Kind = identity.JWT
	}
	return identified(raw, door)
}

// maxJSON bounds an event or claims.
const maxJSON = 8 << 20

// identified reads an event as one of a door, or as a REST API's if that is
// what it is. The error's text is the one that a caller would get.
func identified(raw []byte, door identity.Door) (identity.Caller, error) {
	event, err := identity.ParseEvent(raw)
	if err != nil {
		return identity.Caller{}, publicly(err)
	}
	if event.REST {
		door.Kind, door.URL = identity.RESTIAM, false
	}
	c, _, err := identity.Doors{door.Name(): door}.Identify(event)
	if err != nil {
		return identity.Caller{}, publicly(err)
	}
	return c, nil
}

// tokenEvent is the event of a request with a token of these claims.
func tokenEvent(claims []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(claims))
	d.UseNumber()
	var values map[string]any
	if err := d.Decode(&values); err != nil {
		return nil, errors.New("a token's claims are one JSON object")
	}
	verified := make(map[string]any, len(values))
	for name, v := range values {
		if v != nil {
			verified[name] = rendered(v)
		}
	}
	enc := base64.RawURLEncoding
	token := enc.EncodeToString([]byte(`{"alg":"none"}`)) + "." + enc.EncodeToString(claims) + "." + enc.EncodeToString([]byte("offline"))
	return json.Marshal(map[string]any{
		"version": "2.0", "rawPath": "/v1/credentials", "headers": map[string]string{"authorization": token},
		"requestContext": map[string]any{
			"apiId": offline, "stage": "$default", "http": map[string]string{"method": "GET"},
			"authorizer": map[string]any{"jwt": map[string]any{"claims": verified}},
		},
	})
}

// rendered writes a claim as an HTTP API does.
func rendered(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i, one := range v {
			switch one.(type) {
			case []any, map[string]any:
				return jsonText(v)
			case nil:
				parts[i] = "<nil>"
			default:
				parts[i] = rendered(one)
			}
		}
		return "[" + strings.Join(parts, " ") + "]"
	default:
		return jsonText(v)
	}
}

func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "" // not so: it was read as JSON
	}
	return string(text)
}

// publicly is an error with the text that a caller would get.
func publicly(err error) error {
	return errors.New(faultText(err))
}

func clip(s string) string {
	const limit = 120
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}
