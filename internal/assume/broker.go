package assume

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go/logging"

	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/scope"
)

const (
	// restTime is how long a region that failed is left alone.
	restTime = 30 * time.Second
	// answerReserve is what is kept of the invocation's deadline to audit the
	// outcome and to write the answer.
	answerReserve = 50 * time.Millisecond
)

// Client is the part of *sts.Client that a Broker uses. It must return soon
// after ctx ends.
type Client interface {
	AssumeRole(ctx context.Context, in *sts.AssumeRoleInput, opts ...func(*sts.Options)) (*sts.AssumeRoleOutput, error)
}

// Region is one regional STS endpoint.
type Region struct {
	Name   string // us-east-1
	Client Client // signs for that region
}

// Config is what a Broker is made of.
type Config struct {
	Regions        []Region         // in order of preference; all of one partition
	AttemptTimeout time.Duration    // of one attempt in one region
	TotalTimeout   time.Duration    // of a whole call, all regions together
	Now            func() time.Time // nil: time.Now
}

// Broker assumes roles. It is safe for concurrent use.
type Broker struct {
	regions        []Region
	attempt, total time.Duration
	now            func() time.Time

	mu    sync.Mutex
	rests map[string]time.Time // region → when it may be tried again
}

// New returns a broker, or an error if cfg could not work.
func New(cfg Config) (*Broker, error) {
	if len(cfg.Regions) == 0 {
		return nil, errors.New("assume: no STS region; name at least one")
	}
	seen := make(map[string]bool, len(cfg.Regions))
	for _, r := range cfg.Regions {
		if r.Name == "" || r.Client == nil || seen[r.Name] {
			return nil, fmt.Errorf("assume: STS region %q has no name, no client, or stands twice", r.Name)
		}
		seen[r.Name] = true
	}
	if cfg.AttemptTimeout <= 0 || cfg.TotalTimeout < cfg.AttemptTimeout {
		return nil, fmt.Errorf("assume: the attempt timeout %v must be above 0 and at most the total timeout %v", cfg.AttemptTimeout, cfg.TotalTimeout)
	}
	b := &Broker{
		regions: append([]Region(nil), cfg.Regions...),
		attempt: cfg.AttemptTimeout,
		total:   cfg.TotalTimeout,
		now:     cfg.Now,
		rests:   make(map[string]time.Time, len(cfg.Regions)),
	}
	if b.now == nil {
		b.now = time.Now
	}
	return b, nil
}

// Assume asks STS for credentials of one scope. It makes one attempt in each
// region at most, in order, and stops at the first that issues or refuses.
// The attempts are reported whatever the result: one whose outcome is unknown
// may have issued credentials that nobody holds.
//
// Errors are *fault.Error: InvalidRequest (the policy packs too large),
// TargetMisconfigured (STS refused), Unavailable (no region answered in time,
// or the broker's own credentials are refused), Internal (a policy that STS
// cannot read, or a scope that must not be sent).
func (b *Broker) Assume(ctx context.Context, s scope.Scope, receipt string) (Issued, []Attempt, error) {
	in, err := newInput(s, receipt)
	if err != nil {
		return Issued{}, nil, fault.Wrap(fault.Internal, err, "the scope cannot be sent to STS")
	}
	end := b.end(ctx)

	var attempts []Attempt
	var failed []verdict
	for _, t := range b.order() {
		if !b.timeLeft(ctx, end) {
			break
		}
		issued, a, v := b.try(ctx, end, t.Region, in)
		attempts = append(attempts, a)
		switch {
		case a.Outcome == OutcomeIssued:
			issued.Receipt = receipt
			return issued, attempts, nil
		case v.class.definite():
			return Issued{}, attempts, refusal(s, v, attempts, t.passedOver)
		}
		failed = append(failed, v)
	}
	return Issued{}, attempts, unavailable(failed, attempts)
}

// end is when a call must have ended: after the total timeout, or as early as
// the invocation's own deadline makes it.
func (b *Broker) end(ctx context.Context) time.Time {
	end := time.Now().Add(b.total)
	if d, ok := ctx.Deadline(); ok && d.Add(-answerReserve).Before(end) {
		end = d.Add(-answerReserve)
	}
	return end
}

// timeLeft reports whether an attempt is worth its while: one that is given
// less than an eighth of its time would only end as unknown.
func (b *Broker) timeLeft(ctx context.Context, end time.Time) bool {
	return ctx.Err() == nil && time.Until(end) >= b.attempt/8
}

// try makes one attempt in one region.
func (b *Broker) try(ctx context.Context, end time.Time, r Region, in *sts.AssumeRoleInput) (Issued, Attempt, verdict) {
	left := time.Until(end)
	cutShort := left < b.attempt*9/10
	one, cancel := context.WithTimeout(ctx, min(left, b.attempt))
	defer cancel()

	var sent transmission
	start := b.now()
	out, err := r.Client.AssumeRole(sent.watch(one), in, oneTry)
	now := b.now()
	var issued Issued
	var v verdict
	if err == nil {
		issued, v = readAnswer(out, in, now)
	} else {
		v = judge(err, one.Err(), &sent)
	}
	issued.Region = r.Name
	v.region = r.Name
	// The region is not to blame for a caller who went away, nor for the end
	// of a call whose time other regions used up.
	if blameless := v.code == codeCanceled || v.code == codeTimeout && cutShort; !blameless {
		b.note(r.Name, v.outcome != OutcomeIssued && !v.class.definite())
	}
	return issued, Attempt{r.Name, v.outcome, v.code, v.requestID, now.Sub(start)}, v
}

// oneTry makes the SDK try once and log nothing, however its client was made:
// its own retries back off for longer than any caller waits, and its log of
// response bodies would hold the credentials. The call's transmission sees how
// far it gets.
func oneTry(o *sts.Options) {
	o.Retryer = aws.NopRetryer{}
	o.RetryMaxAttempts = 0
	o.ClientLogMode = 0
	o.Logger = logging.Nop{}
	o.APIOptions = append(o.APIOptions, watched)
}

// turn is a region to try.
type turn struct {
	Region
	passedOver bool // a region before it failed lately and is left alone
}

// order is the regions to try. Those left alone are not among them, unless all
// are: a blip in the only region must not become half a minute of outage.
func (b *Broker) order() []turn {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.wall()
	turns := make([]turn, 0, len(b.regions))
	passedOver := false
	for _, r := range b.regions {
		if now.Before(b.rests[r.Name]) {
			passedOver = true
			continue
		}
		turns = append(turns, turn{r, passedOver})
	}
	if len(turns) == 0 {
		for _, r := range b.regions {
			turns = append(turns, turn{Region: r})
		}
	}
	return turns
}

// note records how a region did.
func (b *Broker) note(region string, failed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if failed {
		b.rests[region] = b.wall().Add(restTime)
	} else {
		delete(b.rests, region)
	}
}

// wall is the time without its monotonic reading, which stands still while
// Lambda freezes the environment.
func (b *Broker) wall() time.Time { return b.now().Round(0) }

// Limits of STS that newInput holds a scope to once more. Package scope checks
// them with texts for the caller; here they are the last gate before the wire,
// where a session policy forgotten would confer the whole role.
const (
	maxPolicy   = 2048
	minDuration = 900 * time.Second
	maxDuration = 3600 * time.Second // role chaining
	minName     = 2
	maxName     = 64
)

func newInput(s scope.Scope, receipt string) (*sts.AssumeRoleInput, error) {
	name := s.SessionName(receipt)
	switch {
	case s.RoleARN == "":
		return nil, errors.New("assume: no role")
	case s.Policy == "" || len(s.Policy) > maxPolicy:
		return nil, fmt.Errorf("assume: session policy of %d characters; STS takes up to %d, and none is never sent", len(s.Policy), maxPolicy)
	case s.Duration < minDuration || s.Duration > maxDuration || s.Duration%time.Second != 0:
		return nil, fmt.Errorf("assume: duration %v; STS takes whole seconds from %v to %v here", s.Duration, minDuration, maxDuration)
	case receipt == "" || len(name) < minName || len(name) > maxName:
		return nil, fmt.Errorf("assume: session name of %d characters; STS takes %d to %d", len(name), minName, maxName)
	}
	// The input points into s, which is this call's own copy, and at its tags,
	// which nobody writes to.
	in := &sts.AssumeRoleInput{
		RoleArn:         &s.RoleARN,
		RoleSessionName: &name,
		DurationSeconds: aws.Int32(int32(s.Duration / time.Second)),
		Policy:          &s.Policy,
	}
	if s.ExternalID != "" {
		in.ExternalId = &s.ExternalID
	}
	if s.SourceIdentity != "" {
		in.SourceIdentity = &s.SourceIdentity
	}
	if len(s.Tags) > 0 {
		in.Tags = make([]types.Tag, len(s.Tags))
		for i := range s.Tags {
			in.Tags[i] = types.Tag{Key: &s.Tags[i].Key, Value: &s.Tags[i].Value}
		}
	}
	return in, nil
}
