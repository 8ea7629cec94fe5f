package apigw

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/credvend/credvend/internal/local/iam"
	"github.com/credvend/credvend/internal/local/sigv4"
)

// Limits that AWS documents for the doors.
const (
	maxHeaderBytes = 10240    // request line and header lines together, of an HTTP API; header values of a REST API
	maxAPIBody     = 10 << 20 // payload of an HTTP or REST API
	maxURLBody     = 6 << 20  // payload of a function URL
	maxEventBytes  = 6291556  // event or answer of a synchronous Lambda invocation

	httpAPITimeout = 30 * time.Second // integration timeout of an HTTP API
	restAPITimeout = 29 * time.Second // integration timeout of a REST API
	lambdaTimeout  = 15 * time.Minute // the longest timeout of a Lambda function
)

// Invoker invokes a Lambda function synchronously, under the trace that TraceOf
// finds in ctx. functionError is Lambda's word for a function that failed
// ("Unhandled"); err is a refusal of Lambda itself, or ctx's own error. It must
// be safe for concurrent use and return when ctx ends, but, as on AWS, a gateway
// that gives up waiting does not stop the function.
type Invoker interface {
	Invoke(ctx context.Context, payload []byte) (answer []byte, functionError string, err error)
}

// Door is what all kinds of front door are told.
type Door struct {
	ID      string // the API's or the URL's id, as it stands in its domain name
	Region  string
	Account string // the account that owns the door, 12 digits

	// World knows the credentials that callers sign with. It may be nil for a
	// door that checks no signatures.
	World *iam.World

	// OrgID is reported as principalOrgId; empty reports null, as AWS does for
	// accounts outside an organization.
	OrgID string

	// Throttle is the door's request rate and burst; nil: unlimited.
	Throttle *rate.Limiter

	// Trace, if not nil, is told of each request once its answer has been
	// written. It holds no secret. It must be safe for concurrent use.
	Trace func(Trace)

	Now    func() time.Time // nil: time.Now
	Random io.Reader        // of request ids, safe for concurrent use; nil: crypto/rand

	// Timeout replaces AWS's integration timeout; 0 keeps it.
	Timeout time.Duration
}

// Trace tells what became of one request.
type Trace struct {
	Kind      string // "http-api", "function-url" or "rest-api"
	ID        string // the door's id
	At        time.Time
	Elapsed   time.Duration
	RequestID string // the door's own, as in the event
	TraceID   string // X-Ray's header, as the function is invoked with it; no two requests have the same
	Method    string
	Path      string // as sent, without the query, which may hold a presigned token
	SourceIP  string

	Caller      string // ARN of the verified signer; "" if nobody was verified
	AccessKeyID string // of the verified signer
	Subject     string // the verified token's sub

	Allowed bool    // whether the door let the request in
	Reason  string  // why not, or what went wrong behind the door; AWS would not say so
	Checks  []Check // the permissions that were asked for, in order
	Status  int     // of the answer
}

// Check is one permission that was evaluated.
type Check struct {
	Action, Resource  string
	Allowed           bool
	Reason, Statement string // as iam.Result has them
}

var (
	idForm      = regexp.MustCompile(`^[a-z0-9]{1,64}$`)
	accountForm = regexp.MustCompile(`^[0-9]{12}$`)
	regionForm  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
)

// core is what the doors share at run time.
type core struct {
	Door
	kind     string
	verifier sigv4.Verifier
}

func newCore(kind, service string, d Door) (*core, error) {
	switch {
	case !idForm.MatchString(d.ID):
		return nil, fmt.Errorf("%s: %q is not an id: lower-case letters and digits", kind, d.ID)
	case !accountForm.MatchString(d.Account):
		return nil, fmt.Errorf("%s %s: %q is not an account of 12 digits", kind, d.ID, d.Account)
	case !regionForm.MatchString(d.Region):
		return nil, fmt.Errorf("%s %s: %q is not a region", kind, d.ID, d.Region)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Random == nil {
		d.Random = rand.Reader
	}
	return &core{Door: d, kind: kind, verifier: sigv4.Verifier{
		Keys: worldKeys{d.World}, Now: d.Now, Service: service, Regions: []string{d.Region},
	}}, nil
}

// partition and suffix follow from the region.
func (c *core) partition() string {
	switch {
	case strings.HasPrefix(c.Region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(c.Region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

func (c *core) executeAPIDomain() string {
	domain := c.ID + ".execute-api." + c.Region + ".amazonaws.com"
	if c.partition() == "aws-cn" {
		domain += ".cn"
	}
	return domain
}

// executeAPIARN is the resource of execute-api:Invoke. path begins with a slash.
func (c *core) executeAPIARN(stage, method, path string) string {
	return "arn:" + c.partition() + ":execute-api:" + c.Region + ":" + c.Account + ":" + c.ID + "/" + stage + "/" + method + path
}
