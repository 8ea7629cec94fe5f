// Package vendtest is the harness that the tests of several packages share: a
// fake STS that fails on order, a builder of events as front doors send them,
// and a capturing audit trail. It is linked into tests alone.
package vendtest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/credvend/credvend/internal/assume"
)

// Secrets that the fake STS hands out begin with these, so that a test can
// look for them where they must not be.
const (
	SecretKeyMark    = mark + "secretKEY"
	SessionTokenMark = mark + "sessionTOKEN"
)

// Fault is how a call of the fake STS goes wrong. It may wait, and it says
// what comes back in place of the answer; issue makes the credentials that
// STS would have made, for faults that happen after the fact.
type Fault func(ctx context.Context, issue func() *sts.AssumeRoleOutput) (*sts.AssumeRoleOutput, error)

// STS is a fake of several regions' STS. The zero STS issues to everyone.
type STS struct {
	Now func() time.Time // nil: time.Now

	mu     sync.Mutex
	faults map[string]Fault // by region; "": every region
	calls  []Call
	issued int
}

// Call is one call that the fake STS got.
type Call struct {
	Region string
	Input  *sts.AssumeRoleInput
}

// Order makes a region's calls go wrong from now on; "" stands for every
// region and nil for no fault.
func (s *STS) Order(region string, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults == nil {
		s.faults = map[string]Fault{}
	}
	s.faults[region] = f
}

// Calls returns the calls so far.
func (s *STS) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

// Region is the client of one region.
func (s *STS) Region(name string) assume.Region {
	return assume.Region{Name: name, Client: client{s, name}}
}

type client struct {
	sts    *STS
	region string
}

// AssumeRole implements assume.Client.
func (c client) AssumeRole(ctx context.Context, in *sts.AssumeRoleInput, _ ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	c.sts.mu.Lock()
	c.sts.calls = append(c.sts.calls, Call{c.region, in})
	f := c.sts.faults[c.region]
	if f == nil {
		f = c.sts.faults[""]
	}
	c.sts.mu.Unlock()
	issue := func() *sts.AssumeRoleOutput { return c.sts.issue(in) }
	if f == nil {
		return issue(), nil
	}
	return f(ctx, issue)
}

func (s *STS) issue(in *sts.AssumeRoleInput) *sts.AssumeRoleOutput {
	s.mu.Lock()
	s.issued++
	n := s.issued
	s.mu.Unlock()
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	return &sts.AssumeRoleOutput{
		AssumedRoleUser: &types.AssumedRoleUser{
			Arn:           aws.String(fmt.Sprintf("arn:aws:sts::111122223333:assumed-role/orders-invoke/%s", aws.ToString(in.RoleSessionName))),
			AssumedRoleId: aws.String("AROAEXAMPLEORDERS000:" + aws.ToString(in.RoleSessionName)),
		},
		Credentials: &types.Credentials{
			AccessKeyId:     aws.String(fmt.Sprintf("ASIAEXAMPLE%09d", n)),
			SecretAccessKey: aws.String(fmt.Sprintf("%s%d", SecretKeyMark, n)),
			SessionToken:    aws.String(fmt.Sprintf("%s%d", SessionTokenMark, n)),
			Expiration:      aws.Time(now().Add(time.Duration(aws.ToInt32(in.DurationSeconds)) * time.Second).Truncate(time.Second)),
		},
		PackedPolicySize: aws.Int32(14), //nolint:staticcheck // what STS answers still
		SourceIdentity:   in.SourceIdentity,
	}
}

// Refuse answers with an error code and status, as STS does.
func Refuse(status int, code, message string) Fault {
	return func(context.Context, func() *sts.AssumeRoleOutput) (*sts.AssumeRoleOutput, error) {
		return nil, &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}},
			Err:      &smithy.GenericAPIError{Code: code, Message: message},
		}
	}
}

// Denied is what STS says to a broker that the role does not trust.
func Denied() Fault {
	return Refuse(http.StatusForbidden, "AccessDenied", "User: arn:aws:sts::444455556666:assumed-role/broker/credvend is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/orders-invoke")
}

// Hang waits until the caller gives up.
func Hang() Fault {
	return func(ctx context.Context, _ func() *sts.AssumeRoleOutput) (*sts.AssumeRoleOutput, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
}

// Reset breaks the connection before anything is issued.
func Reset() Fault {
	return func(context.Context, func() *sts.AssumeRoleOutput) (*sts.AssumeRoleOutput, error) {
		return nil, &smithy.OperationError{ServiceID: "STS", OperationName: "AssumeRole", Err: syscall.ECONNRESET}
	}
}

// Lost issues, and breaks the connection before the answer arrives.
func Lost() Fault {
	return func(_ context.Context, issue func() *sts.AssumeRoleOutput) (*sts.AssumeRoleOutput, error) {
		issue()
		return nil, &smithy.OperationError{ServiceID: "STS", OperationName: "AssumeRole", Err: syscall.ECONNRESET}
	}
}

// Garbage answers with something that is no answer, quoting a planted secret
// as decoders do.
func Garbage() Fault {
	return func(_ context.Context, issue func() *sts.AssumeRoleOutput) (*sts.AssumeRoleOutput, error) {
		return nil, errors.New("deserialization failed near " + aws.ToString(issue().Credentials.SecretAccessKey))
	}
}

// Panics panics with a planted secret.
func Panics() Fault {
	return func(_ context.Context, issue func() *sts.AssumeRoleOutput) (*sts.AssumeRoleOutput, error) {
		panic("near " + aws.ToString(issue().Credentials.SessionToken)) //nolint:forbidigo // it is the fault that was ordered
	}
}

// Wait holds each call until gate is closed, then issues.
func Wait(gate <-chan struct{}) Fault {
	return func(ctx context.Context, issue func() *sts.AssumeRoleOutput) (*sts.AssumeRoleOutput, error) {
		select {
		case <-gate:
			return issue(), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
