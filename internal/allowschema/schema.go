// Package allowschema writes the JSON Schema of the allowlist, by which
// editors complete keys and mark slips while somebody types. The keys and their
// types are those of the document's Go types, so that the schema cannot know a
// key that the parser does not, or miss one.
//
// The schema is a help, and no gate: it accepts all that the compiler accepts,
// and more. It must never be linked into the function.
package allowschema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/route"
)

// object is a part of a schema. Its keys are written in alphabetical order.
type object = map[string]any

// JSON returns the schema, of draft 7, which every editor reads.
func JSON() ([]byte, error) {
	g := generator{definitions: object{}}
	root, err := g.of(reflect.TypeFor[allowlist.Document]())
	if err != nil {
		return nil, err
	}
	// The document itself is the schema, not a definition of it.
	name := strings.TrimPrefix(fmt.Sprint(root["$ref"]), "#/definitions/")
	schema, ok := g.definitions[name].(object)
	if !ok {
		return nil, fmt.Errorf("no definition of %s", name)
	}
	delete(g.definitions, name)
	schema["$schema"] = "http://json-schema.org/draft-07/schema#"
	schema["$id"] = "https://raw.githubusercontent.com/credvend/credvend/main/schema/allowlist.schema.json"
	schema["title"] = "credvend allowlist"
	schema["definitions"] = g.definitions
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(schema); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

type generator struct{ definitions object }

// of returns the schema of a type; of a struct, a reference to its definition.
func (g *generator) of(t reflect.Type) (object, error) {
	switch t.Kind() {
	case reflect.Pointer:
		return g.of(t.Elem())
	case reflect.String:
		return object{"type": "string", "minLength": 1}, nil
	case reflect.Bool:
		return object{"type": "boolean"}, nil
	case reflect.Int:
		return object{"type": "integer"}, nil
	case reflect.Slice:
		items, err := g.of(t.Elem())
		return object{"type": "array", "items": items, "minItems": 1, "uniqueItems": true}, err
	case reflect.Map:
		values, err := g.of(t.Elem())
		return object{"type": "object", "additionalProperties": values, "minProperties": 1}, err
	case reflect.Struct:
		return g.structure(t)
	default:
		return nil, fmt.Errorf("%s has no form in a schema", t)
	}
}

func (g *generator) structure(t reflect.Type) (object, error) {
	name := strings.ToLower(t.Name())
	ref := object{"$ref": "#/definitions/" + name}
	if g.definitions[name] != nil {
		return ref, nil
	}
	properties, required := object{}, []string{}
	for i := range t.NumField() {
		f := t.Field(i)
		key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		property, err := g.of(f.Type)
		if err != nil {
			return nil, err
		}
		about, known := keys()[name+"."+key]
		if !known {
			return nil, fmt.Errorf("%s.%s is not described", name, key)
		}
		for k, v := range about.more {
			property[k] = v
		}
		if ref := property["$ref"]; ref != nil { // beside a reference nothing counts in draft 7
			property = object{"allOf": []any{object{"$ref": ref}}}
		}
		property["description"] = about.text
		properties[key] = property
		if options != "omitempty" {
			required = append(required, key)
		}
	}
	definition := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		definition["required"] = required
	}
	for k, v := range structures()[name] {
		definition[k] = v
	}
	g.definitions[name] = definition
	return ref, nil
}

// structures are what the keys of a mapping ask of one another.
func structures() map[string]object {
	only := func(keys ...string) []any {
		var all []any
		for _, k := range keys {
			all = append(all, object{"required": []string{k}})
		}
		return all
	}
	return map[string]object{
		"caller":    {"oneOf": only("iam", "jwt")},
		"iamcaller": {"oneOf": only("role", "user", "account"), "dependencies": object{"role_id": []string{"role"}, "user_id": []string{"user"}}},
		"rule": {
			"if":   object{"properties": object{"effect": object{"const": allowlist.Deny}}, "required": []string{"effect"}},
			"then": object{"not": object{"required": []string{"max_duration"}}},
			"else": object{"required": []string{"routes"}},
		},
	}
}

// key is what is known of a key besides its type.
type key struct {
	text string
	more object
}

const (
	accountForm  = `[0-9]{12}`
	durationForm = `^[0-9hmsun.]*[1-9][0-9hmsun.]*[hms]$`
)

func keys() map[string]key {
	callerName := object{"pattern": `^([a-z][a-z0-9-]{0,31}|\*)$`}
	duration := object{"pattern": durationForm, "examples": []string{"15m", "30m", "45m", "1h"}}
	list := func(items object) object {
		items["type"] = "string"
		return object{"items": items}
	}
	return map[string]key{
		"document.version": {"The version of the format: 1.", object{"const": allowlist.Version}},
		"document.targets": {"The HTTP APIs in Account A that credentials are for, by names of your choice.", object{"propertyNames": object{"pattern": `^[a-z][a-z0-9_-]{0,63}$`}}},
		"document.callers": {"Who may ask, by names of your choice. The names stand in the names of sessions.", object{"propertyNames": object{"pattern": `^[a-z][a-z0-9-]{0,31}$`}}},
		"document.rules":   {"Who may use what. Whatever no rule allows is denied, and a deny rule beats every allow rule.", nil},

		"target.role":             {"ARN of the role in Account A to assume. It may have a path.", object{"pattern": `^arn:aws[a-z-]*:iam::` + accountForm + `:role/.+$`}},
		"target.api":              {"The API and its stage: arn:aws:execute-api:REGION:ACCOUNT:API_ID/STAGE. The default stage is $default. No wildcards.", object{"pattern": `^arn:aws[a-z-]*:execute-api:[a-z0-9-]+:` + accountForm + `:[A-Za-z0-9]+/[^/*?]+$`}},
		"target.endpoint":         {"Where callers send requests, if the API has a domain of its own: https://HOST, with the base path that the domain maps.", object{"pattern": `^https?://[^?#]*[^/?#]$`}},
		"target.external_id":      {"What the role's trust policy asks for in sts:ExternalId.", object{"minLength": 2, "maxLength": 1224, "pattern": `^[A-Za-z0-9_+=,.@:/-]+$`}},
		"target.default_duration": {"Life of credentials for a request that names none, 15m to 1h. 30m if it is left out.", duration},
		"target.max_duration":     {"The longest life that anybody gets, 15m to 1h. 1h if it is left out.", duration},
		"target.require_routes":   {"A request must name the routes it wants. For grants too large for one session policy.", nil},
		"target.source_identity":  {"false: send no SourceIdentity. The trust policy then needs no sts:SetSourceIdentity.", nil},
		"target.session_tags":     {"false: send no session tags. An identity that several callers match is then refused.", nil},

		"caller.iam":  {"An AWS principal. A caller has either iam or jwt.", nil},
		"caller.jwt":  {"The bearer of a token. A caller has either iam or jwt.", nil},
		"caller.tags": {"Session tags, for aws:PrincipalTag/KEY in Account A. Values may hold templates.", object{"maxProperties": 48, "additionalProperties": object{"type": "string"}, "propertyNames": object{"minLength": 1, "maxLength": 128}, "minProperties": 1}},

		"iamcaller.role":    {"arn:aws:iam::ACCOUNT:role/NAME, every session of that role. No path. A * in the name stands for any text without slashes.", object{"pattern": `^arn:aws[a-z-]*:iam::` + accountForm + `:role/[A-Za-z0-9_+=,.@*-]+$`}},
		"iamcaller.role_id": {"The role's unique id, AROA…: a role that is deleted and made again is a stranger.", object{"pattern": `^AROA[A-Z0-9]+$`}},
		"iamcaller.user":    {"arn:aws:iam::ACCOUNT:user/NAME, with the user's path. A * stands for any text without slashes.", object{"pattern": `^arn:aws[a-z-]*:iam::` + accountForm + `:user/.+$`}},
		"iamcaller.user_id": {"The user's unique id, AIDA…", object{"pattern": `^AIDA[A-Z0-9]+$`}},
		"iamcaller.account": {"12 digits, in quotes: every role and user of the account. Never root, federated users or guests.", object{"pattern": `^` + accountForm + `$`}},

		"jwtcaller.issuer":   {"The token's iss, to the letter.", object{"pattern": `^[^*\s]+$`}},
		"jwtcaller.audience": {"The token's aud, or one of them; its client_id if it has no aud.", object{"pattern": `^[^*\s]+$`}},
		"jwtcaller.claims":   {"Claims that must be there, each with the literal values of which any will do.", object{"propertyNames": object{"minLength": 1, "maxLength": 128, "not": object{"enum": []string{"iss", "aud"}}}}},

		"rule.id":           {"The rule's name in answers and in the audit trail; each its own.", object{"pattern": `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`}},
		"rule.effect":       {"allow, or deny; allow if it is left out.", object{"enum": []string{allowlist.Allow, allowlist.Deny}}},
		"rule.callers":      {`Caller names; ["*"], standing alone, is every caller of this document.`, list(callerName)},
		"rule.target":       {"The target that the routes are of.", object{"pattern": `^[a-z][a-z0-9_-]{0,63}$`}},
		"rule.routes":       {"METHOD PATH, such as GET /orders/*. A * in the path stands for any text, slashes too. A deny rule without routes denies the whole target.", list(object{"pattern": `^(` + strings.Join(route.Methods(), "|") + `|\*) /[^?%\s]*$|^(` + strings.Join(route.Methods(), "|") + `|\*) /.*\$\{claims\["`, "maxLength": route.MaxLength})},
		"rule.max_duration": {"The longest life of credentials that the rule contributes to, 15m to 1h. Not in a deny rule.", duration},
	}
}
