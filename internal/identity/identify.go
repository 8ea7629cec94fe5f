package identity

import (
	"strings"

	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/fault"
)

// Identify returns who calls, as the front door verified it, and the door.
// Exactly the block of the door's configured kind must be there, and no other
// authorizer's: an event that could be read two ways is read no way.
//
// All its errors are *fault.Error of the kind Unauthenticated. The door comes
// back beside an error too once it is known, for the audit line; the Caller is
// then zero.
//
// The event's sender is not verified here and cannot be: whoever may call
// lambda:InvokeFunction directly can write any event. That permission is the
// trust boundary; the checks below keep what comes through a real front door
// from being read as somebody else.
func (d Doors) Identify(e *Event) (Caller, Door, error) {
	if e == nil {
		return Caller{}, Door{}, refuse("there is no event; %s", nextStep)
	}
	door, err := d.find(e)
	if err != nil {
		return Caller{}, Door{}, err
	}
	c, err := identify(door, e)
	if err != nil {
		return Caller{}, door, err
	}
	c.Kind, c.Door, c.SourceIP = door.Kind, door.Name(), e.SourceIP
	return c, door, nil
}

// find returns the configured door that e came through. A function URL's
// events say so by their domain, which AWS writes; its door believes only such
// events, and an API's door none of them, so that an id that both have does not
// lend one's kind to the other.
func (d Doors) find(e *Event) (Door, error) {
	if !isAPIID(e.APIID) {
		return Door{}, refuse("the event names no API id; %s", nextStep)
	}
	came := Door{ID: e.APIID, URL: !e.REST && strings.HasPrefix(strings.ToLower(e.Domain), e.APIID+".lambda-url.")}
	door, ok := d[came.Name()]
	if !ok || door.Name() != came.Name() {
		return Door{}, refuse("the front door %q is not configured; its operator must name it in CREDVEND_FRONT_DOORS, with its kind", came.Name())
	}
	return door, nil
}

// identify reads the block of the door's kind. The error is nil or a
// *fault.Error.
func identify(door Door, e *Event) (Caller, error) {
	if e.REST != (door.Kind == RESTIAM) {
		shape := "an HTTP API or function URL (payload format 2.0)"
		if e.REST {
			shape = "a REST API"
		}
		return Caller{}, refuse("the event is of %s, but the front door %q is configured as %s; its operator must correct the kind in CREDVEND_FRONT_DOORS", shape, door.Name(), door.Kind)
	}
	switch door.Kind {
	case IAM:
		block, err := authorizer(e, "iam", "set the route's authorization to AWS_IAM and sign the request with SigV4")
		if err != nil {
			return Caller{}, err
		}
		return iamCaller(block)
	case JWT:
		block, err := authorizer(e, "jwt", "give the route a JWT authorizer and send a token in the Authorization header")
		if err != nil {
			return Caller{}, err
		}
		return jwtCaller(block, e.Headers)
	case RESTIAM:
		return restCaller(e)
	default:
		return Caller{}, refuse("the front door %q has no kind; its operator must give it one in CREDVEND_FRONT_DOORS", door.Name())
	}
}

// authorizer returns the named block of a payload 2.0 event, if it is an object
// and the only one.
func authorizer(e *Event, name, remedy string) (value, error) {
	blocks := e.authorizer
	if blocks.shape != object && !blocks.none() {
		return value{}, refuse("the event's authorizer block is not an object; %s", nextStep)
	}
	for _, m := range blocks.members {
		if m.name != name && !m.value.none() {
			return value{}, refuse("the event carries another authorizer's block (%q) where %s is configured; %s", clip(m.name), name, remedy)
		}
	}
	block := blocks.get(name)
	if block.shape != object {
		return value{}, refuse("the event carries no identity verified by %s; %s", name, remedy)
	}
	return block, nil
}

// iamCaller reads requestContext.authorizer.iam. accessKey says nothing about
// the identity; principalOrgId has been seen null and as a placeholder.
func iamCaller(block value) (Caller, error) {
	var f fields
	c, err := principal(f.text(block, "accountId"), f.text(block, "userArn"), f.text(block, "callerId"), f.text(block, "userId"))
	if err != nil {
		return Caller{}, err
	}
	if cognito := f.object(block, "cognitoIdentity"); cognito.shape == object {
		authenticated, ok := isAuthenticated(cognito.get("amr"))
		if !ok {
			f.fail("amr")
		}
		c.Guest = !authenticated
	}
	if f.wrong != "" {
		return Caller{}, refuse("the event's iam block has a field %s of the wrong type; %s", f.wrong, nextStep)
	}
	return c, nil
}

// isAuthenticated reads the authentication methods of a Cognito identity, a
// list of strings. What does not clearly say "authenticated" is a guest.
func isAuthenticated(amr value) (authenticated, ok bool) {
	if amr.shape != list {
		return false, amr.none()
	}
	guest := false
	for _, m := range amr.members {
		switch {
		case m.value.shape != text:
			return false, false
		case m.value.is("authenticated"):
			authenticated = true
		case m.value.is("unauthenticated"):
			guest = true
		}
	}
	return authenticated && !guest, true
}

// testStage is the stage of the console's test call: it goes round the
// method's authorization and the API's resource policy.
const testStage = "test-invoke-stage"

// restCaller reads requestContext.identity, which a REST API writes for every
// method; without AWS_IAM its members of the caller are null.
func restCaller(e *Event) (Caller, error) {
	if a := e.authorizer; !a.none() && (a.shape != object || len(a.members) > 0) {
		return Caller{}, refuse("the event carries another authorizer's block where rest-iam is configured; set the method's authorization to AWS_IAM")
	}
	if e.Stage == testStage {
		return Caller{}, refuse("this is the console's test call, which no front door verifies; call a deployed stage, signed with SigV4")
	}
	var f fields
	c, err := principal(f.text(e.identity, "accountId"), f.text(e.identity, "userArn"), f.text(e.identity, "caller"), f.text(e.identity, "user"))
	if err != nil {
		return Caller{}, err
	}
	// A guest of an identity pool: any sign of Cognito without the word.
	auth := f.text(e.identity, "cognitoAuthenticationType")
	cognito := auth != "" || f.text(e.identity, "cognitoIdentityId") != "" || f.text(e.identity, "cognitoIdentityPoolId") != ""
	c.Guest = cognito && auth != "authenticated"
	if f.wrong != "" {
		return Caller{}, refuse("the event's identity has a field %s of the wrong type; %s", f.wrong, nextStep)
	}
	return c, nil
}

// principal reads the four facts that IAM states about a caller, two of them
// twice. They must all be there and say the same: then no single one of them,
// misread, makes a different caller.
func principal(account, userARN, callerID, userID string) (Caller, error) {
	if account == "" || userARN == "" || callerID == "" || userID == "" {
		return Caller{}, refuse("the event carries no identity verified by IAM; set the authorization to AWS_IAM and sign the request with SigV4")
	}
	p, err := arn.ParsePrincipal(userARN)
	if err != nil {
		return Caller{}, fault.Wrap(fault.Unauthenticated, err, "the caller's ARN is none that credvend knows; call as a role, a user or a federated user")
	}
	c := Caller{Principal: p, Subject: p.Session}
	uniqueID, rest, hasRest := strings.Cut(userID, ":")
	agree := p.Account == account && callerID == userID
	switch p.Type {
	case arn.Role:
		// Without a session the ARN names the role itself, which calls nobody.
		agree = agree && p.Session != "" && rest == p.Session && isUniqueID(uniqueID, "AROA")
		c.UniqueID = uniqueID
	case arn.User:
		agree = agree && !hasRest && isUniqueID(uniqueID, "AIDA")
		c.UniqueID = uniqueID
	case arn.Root:
		agree = agree && userID == account
	case arn.FederatedUser:
		agree = agree && userID == account+":"+p.Name
	default:
		agree = false
	}
	if !agree {
		return Caller{}, refuse("the event's account, ARN and ids of the caller contradict each other; %s", nextStep)
	}
	return c, nil
}

func isUniqueID(s, prefix string) bool { return strings.HasPrefix(s, prefix) && arn.IsUniqueID(s) }
