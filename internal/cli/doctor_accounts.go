package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/credvend/credvend/internal/allowlist/yamldoc"
	"github.com/credvend/credvend/internal/arn"
	"github.com/credvend/credvend/internal/doctor"
)

// listed adds what the operator's allowlist says of a target, and returns its
// external id; nil without a list.
func (w *walk) listed(t *doctor.TargetFacts) *string {
	if w.how.allowlist == "" {
		return nil
	}
	text, err := os.ReadFile(w.how.allowlist)
	if err != nil {
		w.warn(fmt.Errorf("the allowlist cannot be read: %w", err))
		return nil
	}
	list, _, err := yamldoc.Load(w.how.allowlist, text)
	if err != nil {
		w.warn(fmt.Errorf("the allowlist %s has problems, and is not compared; see credvend allowlist lint", w.how.allowlist))
		return nil
	}
	target, found := list.Doc.Targets[t.Name]
	if !found {
		w.warn(fmt.Errorf("the allowlist %s has no target %s: it is another one than credvend's", w.how.allowlist, t.Name))
		return nil
	}
	if target.Role != t.RoleARN {
		w.warn(fmt.Errorf("the allowlist %s names another role for %s than credvend does: it is another list, or not deployed yet", w.how.allowlist, t.Name))
		return nil
	}
	t.APIARN = target.API
	return &target.ExternalID
}

// reader is an operator's profile.
type reader struct {
	profile string
	account string
	cfg     aws.Config
}

// readers looks roles up, with the profile of each role's account.
type readers struct {
	walk     *walk
	readers  []reader
	problems []string
}

// accounts are the operator's profiles, each with the account that STS says it
// is of.
func (w *walk) accounts(ctx context.Context) doctor.Accounts {
	all := &readers{walk: w}
	for _, profile := range w.how.operators {
		cfg, err := settings{profile: profile, url: w.caller.url}.loadAWS(w.cmd)
		if err != nil {
			all.problems = append(all.problems, plain(err))
			continue
		}
		who := w.askSTS(ctx, cfg)
		switch {
		case who == nil:
			all.problems = append(all.problems, fmt.Sprintf("STS did not say whose the profile %s is", profile))
		case who.ARN == "":
			all.problems = append(all.problems, fmt.Sprintf("STS refuses the profile %s: %s", profile, who.Code))
		default:
			all.readers = append(all.readers, reader{profile, strings.SplitN(who.ARN+":::::", ":", 6)[4], cfg})
		}
	}
	return all
}

// Role implements doctor.Accounts.
func (r *readers) Role(ctx context.Context, role string) (doctor.Role, error) {
	p, err := arn.ParseTargetRole(role)
	if err != nil {
		return doctor.Role{}, errors.New("its ARN is not one of a role")
	}
	for _, reader := range r.readers {
		if reader.account == p.Account {
			return r.walk.readRole(ctx, reader, p)
		}
	}
	err = fmt.Errorf("%w %s", doctor.ErrNoReader, p.Account)
	for _, problem := range r.problems {
		err = fmt.Errorf("%w; %s", err, problem)
	}
	return doctor.Role{}, err
}

// The answers of IAM's query API, as far as they are read.
type (
	getRoleAnswer struct {
		ARN        string `xml:"GetRoleResult>Role>Arn"`
		ID         string `xml:"GetRoleResult>Role>RoleId"`
		Trust      string `xml:"GetRoleResult>Role>AssumeRolePolicyDocument"`
		Boundary   string `xml:"GetRoleResult>Role>PermissionsBoundary>PermissionsBoundaryArn"`
		MaxSession string `xml:"GetRoleResult>Role>MaxSessionDuration"`
	}
	listRolePoliciesAnswer struct {
		Names  []string `xml:"ListRolePoliciesResult>PolicyNames>member"`
		More   bool     `xml:"ListRolePoliciesResult>IsTruncated"`
		Marker string   `xml:"ListRolePoliciesResult>Marker"`
	}
	getRolePolicyAnswer struct {
		Document string `xml:"GetRolePolicyResult>PolicyDocument"`
	}
	listAttachedAnswer struct {
		ARNs   []string `xml:"ListAttachedRolePoliciesResult>AttachedPolicies>member>PolicyArn"`
		More   bool     `xml:"ListAttachedRolePoliciesResult>IsTruncated"`
		Marker string   `xml:"ListAttachedRolePoliciesResult>Marker"`
	}
	getPolicyAnswer struct {
		Version string `xml:"GetPolicyResult>Policy>DefaultVersionId"`
	}
	getPolicyVersionAnswer struct {
		Document string `xml:"GetPolicyVersionResult>PolicyVersion>Document"`
	}
)

// ask calls IAM, which is one for a whole partition.
func (w *walk) ask(ctx context.Context, r reader, partition, action string, parameters map[string]string, into any) error {
	at := map[string][2]string{
		"aws":        {"https://iam.amazonaws.com", "us-east-1"},
		"aws-cn":     {"https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1"},
		"aws-us-gov": {"https://iam.us-gov.amazonaws.com", "us-gov-west-1"},
	}[partition]
	form := url.Values{"Action": {action}, "Version": {"2010-05-08"}}
	for name, value := range parameters {
		if value != "" {
			form.Set(name, value)
		}
	}
	err := w.query(ctx, r.cfg, endpointOf(r.cfg, "AWS_ENDPOINT_URL_IAM", at[0]), "iam", at[1], form, into)
	var refused *awsError
	if errors.As(err, &refused) && refused.Code == "NoSuchEntity" && action == "GetRole" {
		return doctor.ErrNoRole
	}
	if err != nil {
		return fmt.Errorf("profile %s: %w", r.profile, err)
	}
	return nil
}

// readRole reads a role with all its policies.
func (w *walk) readRole(ctx context.Context, r reader, p arn.Principal) (doctor.Role, error) {
	name := p.Name[strings.LastIndexByte(p.Name, '/')+1:]
	var got getRoleAnswer
	if err := w.ask(ctx, r, p.Partition, "GetRole", map[string]string{"RoleName": name}, &got); err != nil {
		return doctor.Role{}, err
	}
	if got.ARN != p.Canonical() {
		// IAM finds a role by its name alone; STS wants the path too.
		return doctor.Role{}, fmt.Errorf("%w; there is %s", doctor.ErrNoRole, got.ARN)
	}
	role := doctor.Role{ARN: got.ARN, ID: got.ID}
	role.MaxSession, _ = strconv.Atoi(got.MaxSession)
	var err error
	if role.Trust, err = url.PathUnescape(got.Trust); err != nil {
		return doctor.Role{}, errors.New("its trust policy is not in IAM's form")
	}
	if err := w.readInline(ctx, r, p.Partition, name, &role); err != nil {
		return doctor.Role{}, err
	}
	if err := w.readAttached(ctx, r, p.Partition, name, &role); err != nil {
		return doctor.Role{}, err
	}
	if got.Boundary != "" {
		boundary, err := w.readManaged(ctx, r, p.Partition, got.Boundary)
		if err != nil {
			return doctor.Role{}, err
		}
		role.Boundary = &boundary
	}
	return role, nil
}

func (w *walk) readInline(ctx context.Context, r reader, partition, name string, role *doctor.Role) error {
	for marker, more := "", true; more; {
		var list listRolePoliciesAnswer
		if err := w.ask(ctx, r, partition, "ListRolePolicies", map[string]string{"RoleName": name, "Marker": marker}, &list); err != nil {
			return err
		}
		for _, policy := range list.Names {
			var got getRolePolicyAnswer
			if err := w.ask(ctx, r, partition, "GetRolePolicy", map[string]string{"RoleName": name, "PolicyName": policy}, &got); err != nil {
				return err
			}
			if err := add(role, policy, got.Document); err != nil {
				return err
			}
		}
		marker, more = list.Marker, list.More && list.Marker != ""
	}
	return nil
}

func (w *walk) readAttached(ctx context.Context, r reader, partition, name string, role *doctor.Role) error {
	for marker, more := "", true; more; {
		var list listAttachedAnswer
		if err := w.ask(ctx, r, partition, "ListAttachedRolePolicies", map[string]string{"RoleName": name, "Marker": marker}, &list); err != nil {
			return err
		}
		for _, policy := range list.ARNs {
			d, err := w.readManaged(ctx, r, partition, policy)
			if err != nil {
				return err
			}
			role.Policies = append(role.Policies, d)
		}
		marker, more = list.Marker, list.More && list.Marker != ""
	}
	return nil
}

func (w *walk) readManaged(ctx context.Context, r reader, partition, policy string) (doctor.Document, error) {
	var got getPolicyAnswer
	if err := w.ask(ctx, r, partition, "GetPolicy", map[string]string{"PolicyArn": policy}, &got); err != nil {
		return doctor.Document{}, err
	}
	var version getPolicyVersionAnswer
	if err := w.ask(ctx, r, partition, "GetPolicyVersion", map[string]string{"PolicyArn": policy, "VersionId": got.Version}, &version); err != nil {
		return doctor.Document{}, err
	}
	text, err := url.PathUnescape(version.Document)
	if err != nil {
		return doctor.Document{}, fmt.Errorf("the policy %s is not in IAM's form", policy)
	}
	return doctor.Document{Name: policy, Text: text}, nil
}

func add(role *doctor.Role, name, document string) error {
	text, err := url.PathUnescape(document)
	if err != nil {
		return fmt.Errorf("the policy %s is not in IAM's form", name)
	}
	role.Policies = append(role.Policies, doctor.Document{Name: name, Text: text})
	return nil
}
