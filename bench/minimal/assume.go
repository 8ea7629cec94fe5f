package minimal

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// STS is the part of *sts.Client that the handler uses.
type STS interface {
	AssumeRole(ctx context.Context, in *sts.AssumeRoleInput, opts ...func(*sts.Options)) (*sts.AssumeRoleOutput, error)
}

// NewSTS is the SDK's client with its own configuration.
func NewSTS(ctx context.Context) (*sts.Client, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	return sts.NewFromConfig(cfg), nil
}

func (v *vendor) assume(ctx context.Context, session string) (*sts.AssumeRoleOutput, error) {
	out, err := v.sts.AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn:         aws.String(v.role),
		RoleSessionName: aws.String(session),
		Policy:          aws.String(policy),
		DurationSeconds: aws.Int32(int32(lifetime / time.Second)),
	})
	if err != nil {
		return nil, err
	}
	if c := out.Credentials; c == nil || c.AccessKeyId == nil || c.SecretAccessKey == nil || c.SessionToken == nil || c.Expiration == nil {
		return nil, errors.New("the answer has no credentials")
	}
	return out, nil
}

// credentials is the answer, in the form of credvend's.
type credentials struct {
	Version         int
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Token           string
	Expiration      time.Time
	AccountID       string `json:"AccountId"`
	RoleARN         string `json:"RoleArn"`
	Grant           grant
}

type grant struct {
	RequestID           string    `json:"requestId"`
	Receipt             string    `json:"receipt"`
	Reused              bool      `json:"reused"`
	Caller              string    `json:"caller"`
	Target              string    `json:"target"`
	Endpoint            string    `json:"endpoint"`
	Region              string    `json:"region"`
	Routes              []string  `json:"routes"`
	DeniedRoutes        []string  `json:"deniedRoutes"`
	Rules               []string  `json:"rules"`
	RequestedSeconds    int       `json:"requestedSeconds"`
	GrantedSeconds      int       `json:"grantedSeconds"`
	DurationLimitedBy   string    `json:"durationLimitedBy"`
	RefreshAfter        time.Time `json:"refreshAfter"`
	ServerTime          time.Time `json:"serverTime"`
	PackedPolicyPercent int       `json:"packedPolicyPercent"`
}

func newCredentials(out *sts.AssumeRoleOutput, role, requestID, session string) credentials {
	c, now := out.Credentials, time.Now().UTC().Truncate(time.Second)
	left := c.Expiration.Sub(now)
	return credentials{
		Version:         1,
		AccessKeyID:     *c.AccessKeyId,
		SecretAccessKey: *c.SecretAccessKey,
		SessionToken:    *c.SessionToken,
		Token:           *c.SessionToken,
		Expiration:      c.Expiration.UTC(),
		AccountID:       "111122223333",
		RoleARN:         role,
		Grant: grant{
			RequestID: requestID, Receipt: session, Caller: "billing-service", Target: target, Endpoint: endpoint, Region: region,
			Routes: []string{"GET /orders", "GET /orders/*"}, DeniedRoutes: []string{"DELETE /*"}, Rules: []string{"billing-reads-orders"},
			RequestedSeconds: int(lifetime.Seconds()), GrantedSeconds: int(left.Seconds()), DurationLimitedBy: "default of target orders",
			RefreshAfter: now.Add(left / 2), ServerTime: now,
			PackedPolicyPercent: int(aws.ToInt32(out.PackedPolicySize)), //nolint:staticcheck // what STS answers still
		},
	}
}
