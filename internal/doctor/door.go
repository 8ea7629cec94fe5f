package doctor

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/credvend/credvend/api"
)

// Answer is what came of a call without proof of identity.
type Answer struct {
	Err    error // no answer came; Reach says why
	Status int
	Header http.Header
	Body   []byte // its beginning
}

// Kind is what kind of front door answers, as far as its refusal shows.
type Kind string

// The kinds of front door.
const (
	KindUnknown     Kind = ""
	KindIAM         Kind = "HTTP API with AWS_IAM"
	KindJWT         Kind = "HTTP API with JWT"
	KindREST        Kind = "REST API with AWS_IAM"
	KindFunctionURL Kind = "function URL with AWS_IAM"
)

// Door is the front door and how the caller comes to it.
type Door struct {
	URL     string
	Kind    Kind
	Token   bool   // the caller sends a token; else it signs
	Service string // signed for
	Region  string // signed for

	RegionSaid  bool // by a flag, a variable or the configuration
	RegionShown bool // by the URL itself
}

// said is the text of an error answer and whether it is credvend's own.
func said(body []byte) (text string, ours api.Error, isOurs bool) {
	if json.Unmarshal(body, &ours) != nil {
		return "", api.Error{}, false
	}
	text = ours.Message
	if text == "" {
		text = ours.MessageAWS
	}
	return clip(text), ours, ours.Code != "" && ours.Message != "" && ours.RequestID != ""
}

// clip makes a text from outside fit for a line.
func clip(s string) string {
	const limit = 300
	s, _, _ = strings.Cut(s, "\n\n") // after it, API Gateway repeats the canonical request
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > limit {
		return strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return s
}

func isJSON(a Answer) bool {
	media, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	return err == nil && strings.HasSuffix(media, "json") && json.Valid(a.Body)
}

const functionURLText = "For troubleshooting Function URL authorization"

// kindOf reads the kind from how a call without proof is refused.
func kindOf(a Answer) Kind {
	text, _, _ := said(a.Body)
	switch {
	case a.Status == http.StatusUnauthorized:
		return KindJWT
	case a.Status != http.StatusForbidden:
		return KindUnknown
	case strings.Contains(text, functionURLText):
		return KindFunctionURL
	case text == "Forbidden":
		return KindIAM
	case text == "Missing Authentication Token", a.Header.Get("X-Amzn-Errortype") != "":
		return KindREST
	default:
		return KindUnknown
	}
}

// FrontDoor judges what a front door answers to a call without proof, which it
// must refuse, and returns the door with its kind.
func FrontDoor(d Door, a Answer) (Door, Step) {
	if a.Err != nil {
		return d, Reach(StepDoor, d.URL, a.Err, Caller)
	}
	text, ours, isOurs := said(a.Body)
	status := fmt.Sprintf("HTTP %d", a.Status)
	url := Candidate{Cause: WrongURL, Side: Caller, Says: "the URL is not that of a credvend front door, or lacks its stage or base path", Do: "take the URL from the operator: an output of credvend's stack, such as IamUrl"}
	switch {
	case isOurs && a.Status == http.StatusUnauthorized:
		return d, wrong(StepDoor, "a call without any proof reached credvend, which refused it itself",
			Candidate{Cause: DoorOpen, Side: AccountB, Says: "this route of the front door has no authorizer, so that AWS verifies nobody", Evidence: "credvend's own answer to an unsigned call", Do: "give the route AuthorizationType AWS_IAM or JWT, as template.yaml does"})
	case isOurs && a.Status != http.StatusOK:
		return d, wrong(StepDoor, fmt.Sprintf("a call without any proof reached credvend, which answered %s %s", status, ours.Code),
			Candidate{Cause: DoorOpen, Side: AccountB, Says: "this route of the front door has no authorizer, so that AWS verifies nobody", Evidence: "credvend's own answer to an unsigned call", Do: "give the route AuthorizationType AWS_IAM or JWT, as template.yaml does"}, url)
	case a.Status >= 300 && a.Status < 400, !isJSON(a) && a.Status != http.StatusForbidden, a.Status == http.StatusOK:
		foreign := url
		foreign.Cause, foreign.Says = ForeignAnswer, "something else than credvend answers at this URL: another site, or a proxy or login page on the way"
		foreign.Do = "open the URL in a browser to see what it is; then mend the URL, or the proxy (HTTPS_PROXY, NO_PROXY)"
		return d, wrong(StepDoor, fmt.Sprintf("the answer is not credvend's: %s, %s", status, orElse(clip(a.Header.Get("Content-Type")), "without a content type")), foreign, url)
	case a.Status == http.StatusNotFound:
		return d, wrong(StepDoor, fmt.Sprintf("the front door has no such route: %s %q", status, text), url,
			Candidate{Cause: DoorDown, Side: AccountB, Says: "the API has no deployed stage with the routes /v1/…", Do: "deploy the stage, or set AutoDeploy"})
	case a.Status == http.StatusTooManyRequests:
		return d, wrong(StepDoor, fmt.Sprintf("the front door is throttled: %s", status),
			Candidate{Cause: Throttled, Side: AccountB, Says: "the stage's throttle, or the account's, lets nothing more through", Do: "try again in a moment; then look at ThrottleBurst and ThrottleRate of credvend's stack"})
	case a.Status >= 500:
		return d, wrong(StepDoor, fmt.Sprintf("the front door fails: %s %q", status, text),
			Candidate{Cause: DoorDown, Side: AccountB, Says: "API Gateway may not invoke the function, or the function does not start", Do: "look at the function's log and at its resource policy: it needs a permission for this API"})
	}
	if text == "Forbidden" && strings.HasPrefix(a.Header.Get("X-Amzn-Errortype"), "ForbiddenException") {
		// A REST API says so of a stage that it does not have; of a call without
		// a signature it says something else.
		return d, wrong(StepDoor, fmt.Sprintf("the REST API here has no such stage: %s %q", status, text), url,
			Candidate{Cause: ResourcePolicy, Side: AccountB, Says: "a web application firewall or the custom domain's mapping refuses the call", Do: "look at the domain's mappings and at the firewall's log"})
	}
	d.Kind = kindOf(a)
	if step, bad := mismatched(d); bad {
		return d, step
	}
	kind := string(d.Kind)
	if d.Kind == KindUnknown {
		kind = "of a kind that its refusal does not show"
	}
	return d, ok(StepDoor, fmt.Sprintf("reached; refuses a call without proof (%s): %s", status, kind))
}

// mismatched finds a proof that a door of this kind never takes.
func mismatched(d Door) (Step, bool) {
	switch {
	case d.Token && d.Kind != KindJWT && d.Kind != KindUnknown:
		return wrong(StepDoor, fmt.Sprintf("this is a %s, which takes a signature, and a token would be sent", d.Kind),
			Candidate{Cause: WrongDoor, Side: Caller, Says: "the URL is of another front door than the one for tokens", Evidence: "how it refuses a call without proof", Do: "give the URL of the door for tokens (output JwtUrl) with --url, or sign with --profile"}), true
	case !d.Token && d.Kind == KindJWT:
		return wrong(StepDoor, "this is a front door for tokens, and the call would be signed",
			Candidate{Cause: WrongDoor, Side: Caller, Says: "the URL is of another front door than the one for AWS identities", Evidence: "how it refuses a call without proof", Do: "give the URL of a door for AWS identities (output IamUrl) with --url, or a JWT with --token-file"}), true
	}
	want := "execute-api"
	if d.Kind == KindFunctionURL {
		want = "lambda"
	}
	if d.Token || d.Kind == KindUnknown || d.Service == want {
		return Step{}, false
	}
	return wrong(StepDoor, fmt.Sprintf("this is a %s, whose calls are signed for %s, and yours are signed for %s", d.Kind, want, d.Service),
		Candidate{Cause: WrongService, Side: Caller, Says: "the service that is signed for is not this door's", Evidence: "how it refuses a call without proof", Do: "give --service " + want + " (CREDVEND_SERVICE, or service: in the configuration)"}), true
}

// maxSkew is how far a signature's time may lie from AWS's.
const maxSkew = 5 * time.Minute

// Skew is how far a clock is ahead of another's Date header, which has whole
// seconds; false without a date.
func Skew(sent, received time.Time, date string) (time.Duration, bool) {
	at, err := http.ParseTime(date)
	if err != nil {
		return 0, false
	}
	switch {
	case sent.After(at.Add(time.Second)):
		return sent.Sub(at.Add(time.Second)), true
	case received.Before(at):
		return received.Sub(at), true
	default:
		return 0, true
	}
}

// ClockStep judges how far this machine's clock is off.
func ClockStep(skew time.Duration, known bool) Step {
	if !known {
		return Step{Name: StepClock, Status: Unclear, Says: "the front door told no date to compare with"}
	}
	word := "ahead"
	if skew < 0 {
		skew, word = -skew, "behind"
	}
	off := skew.Round(time.Second)
	switch {
	case off == 0:
		return ok(StepClock, "the same as the front door's, to the second")
	case skew < maxSkew:
		return ok(StepClock, fmt.Sprintf("%s %s of the front door's; AWS takes up to 5m0s", off, word))
	}
	return wrong(StepClock, fmt.Sprintf("%s %s of the front door's; AWS takes up to 5m0s", off, word),
		Candidate{Cause: Clock, Side: Caller, Says: "this machine's clock is wrong, so that AWS takes its signatures for old or forged ones", Evidence: "the Date of the front door's answer", Do: "set the clock: timedatectl set-ntp true, w32tm /resync, or restart the virtual machine that slept"})
}

// errIs is errors.As with the target as the result.
func errIs[T error](err error) (T, bool) {
	var target T
	found := errors.As(err, &target)
	return target, found
}
