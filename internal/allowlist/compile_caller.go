package allowlist

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/credvend/credvend/internal/arn"
)

// caller checks a caller and adds it to the list.
func (c *compiler) caller(name string, doc Caller) {
	here := c.at("callers", name)
	if !isCallerName(name) {
		here.name().fail(fmt.Sprintf("%q is not a caller name", clip(name)), "use a lower-case letter, then up to 31 lower-case letters, digits and -; it stands in session names")
	}
	k := &caller{name: name, place: int32(len(c.list.callers))} //nolint:gosec // as for targets
	switch {
	case doc.IAM != nil && doc.JWT != nil:
		here.fail("the caller has both iam and jwt", "make two callers of it and name both in the rules")
	case doc.IAM != nil:
		k.iam = here.under("iam").iamCaller(doc.IAM)
	case doc.JWT != nil:
		k.jwt = here.under("jwt").jwtCaller(doc.JWT)
	default:
		here.fail("the caller has neither iam nor jwt", "say who it is: iam for AWS principals, jwt for tokens")
	}
	k.tags = here.under("tags").tags(doc)
	c.list.callers = append(c.list.callers, k)
	c.callers[name] = k
}

func (p place) iamCaller(doc *IAMCaller) *principalPattern {
	if n := count(doc.Role != "", doc.User != "", doc.Account != ""); n != 1 {
		p.fail(fmt.Sprintf("iam has %d of role, user and account", n), "give exactly one")
		return nil
	}
	var pattern principalPattern
	var err error
	key, idKey, id, prefix := "account", "", "", ""
	switch {
	case doc.Role != "":
		key, idKey, id, prefix = "role", "role_id", doc.RoleID, "AROA"
		pattern, err = parsePrincipalPattern(doc.Role, arn.Role)
	case doc.User != "":
		key, idKey, id, prefix = "user", "user_id", doc.UserID, "AIDA"
		pattern, err = parsePrincipalPattern(doc.User, arn.User)
	default:
		pattern.account = doc.Account
		if !arn.IsAccount(doc.Account) {
			err = fmt.Errorf("%q is not an account id", clip(doc.Account))
		}
	}
	if err != nil {
		p.under(key).fail(err.Error(), map[string]string{
			"role":    "write arn:aws:iam::ACCOUNT:role/NAME without a path; * may stand in the name",
			"user":    "write arn:aws:iam::ACCOUNT:user/NAME; * may stand in the name",
			"account": `write its 12 digits in quotes, such as "777788889999"`,
		}[key])
	}
	if doc.RoleID != "" && key != "role" {
		p.under("role_id").fail("role_id stands beside "+key, "it pins a role alone; remove it")
	}
	if doc.UserID != "" && key != "user" {
		p.under("user_id").fail("user_id stands beside "+key, "it pins a user alone; remove it")
	}
	if id == "" {
		return &pattern
	}
	switch {
	case !arn.IsUniqueID(id) || id[:4] != prefix:
		p.under(idKey).fail(fmt.Sprintf("%q is not the unique id of a %s", clip(id), key), fmt.Sprintf("copy the id that begins with %s from `aws iam get-%s`", prefix, key))
	case pattern.wild():
		p.under(idKey).fail("a unique id stands beside a wildcard", "an id belongs to one "+key+": write its name out, or remove the id")
	}
	pattern.uniqueID = id
	return &pattern
}

func (p place) jwtCaller(doc *JWTCaller) *jwtPattern {
	if !isLiteral(doc.Issuer) {
		p.under("issuer").fail("the issuer is missing or has a wildcard or a space", "write the token's iss claim out, such as https://idp.example.com")
	}
	if !isLiteral(doc.Audience) {
		p.under("audience").fail("the audience is missing or has a wildcard or a space", "write the token's aud claim out, or its client_id where it has no aud; a token made for another service must not open this one")
	}
	// The list keeps nothing of the document: who changes that later changes
	// no decision.
	claims := make(map[string][]string, len(doc.Claims))
	for _, name := range slices.Sorted(maps.Keys(doc.Claims)) {
		p.under("claims", name).claim(name, doc.Claims[name])
		claims[name] = slices.Clone(doc.Claims[name])
	}
	return &jwtPattern{issuer: doc.Issuer, audience: doc.Audience, claims: claims}
}

// claim checks the values that a claim may have.
func (p place) claim(name string, values []string) {
	switch {
	case name == "iss" || name == "aud":
		p.name().fail(fmt.Sprintf("the claim %q is matched already", name), "use issuer and audience")
	case name == "" || len(name) > 128 || !isText(name):
		p.name().fail("a claim's name has 1 to 128 characters", "write the claim as it stands in the token")
	case len(values) == 0:
		p.fail(fmt.Sprintf("the claim %q has no value, so no token would match", name), "list the values of which any will do")
	}
	seen := make(map[string]bool, len(values))
	for i, v := range values {
		switch {
		case v == "":
			p.under(i).fail("an empty value matches nothing worth allowing", "write the claim's value")
		case strings.Contains(v, "*"):
			p.under(i).fail(fmt.Sprintf("%q: claims are matched literally, `*` is no wildcard", clip(v)), "list the values out")
		case !isText(v):
			p.under(i).fail(fmt.Sprintf("%q is not whole UTF-8 text", clip(v)), "write the claim's value as it stands in the token")
		case seen[v]:
			p.under(i).fail(fmt.Sprintf("%q stands twice", clip(v)), "remove one")
		}
		seen[v] = true
	}
}
