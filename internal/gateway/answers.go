package gateway

import (
	"time"

	"github.com/credvend/credvend/api"
	"github.com/credvend/credvend/internal/identity"
	"github.com/credvend/credvend/internal/route"
	"github.com/credvend/credvend/internal/vend"
)

// credentials is the answer to a vend. Its secrets print nowhere but in
// api.Credentials.Encode.
func credentials(call *vend.Call, v vend.Vended) api.Credentials {
	token := api.NewSecret(v.Issued.SessionToken())
	return api.Credentials{
		Version:         api.CredentialProcessVersion,
		AccessKeyID:     v.Issued.AccessKeyID(),
		SecretAccessKey: api.NewSecret(v.Issued.SecretAccessKey()),
		SessionToken:    token,
		Token:           token,
		Expiration:      second(v.Issued.Expiration),
		AccountID:       v.Scope.AccountID,
		RoleARN:         v.Scope.RoleARN,
		Grant: api.Grant{
			RequestID:           call.RequestID,
			Receipt:             v.Issued.Receipt,
			Reused:              v.Reused,
			Caller:              v.Scope.CallerName,
			Target:              v.Scope.Target,
			Endpoint:            v.Scope.Endpoint,
			Region:              v.Scope.Region,
			Routes:              texts(v.Scope.Routes),
			DeniedRoutes:        texts(v.Scope.Denied),
			Rules:               v.Scope.Rules,
			RequestedSeconds:    int(v.Scope.RequestedDuration / time.Second),
			GrantedSeconds:      int(v.Left / time.Second),
			DurationLimitedBy:   v.Scope.DurationLimitedBy,
			RefreshAfter:        second(v.RefreshAfter),
			ServerTime:          second(v.Now),
			PackedPolicyPercent: v.Issued.PackedPolicyPercent,
		},
	}
}

func targets(call *vend.Call, l vend.Listing) api.Targets {
	answer := api.Targets{RequestID: call.RequestID, Targets: []api.Target{}}
	for _, d := range l.Decisions {
		g := d.Grant
		answer.Targets = append(answer.Targets, api.Target{
			Target:            g.Target.Name,
			Endpoint:          g.Target.Endpoint,
			Region:            g.Target.Stage.Region,
			AccountID:         g.Target.AccountID,
			RoleARN:           g.Target.RoleARN,
			Routes:            texts(g.Routes),
			DeniedRoutes:      texts(g.Denied),
			Rules:             g.Rules,
			DefaultSeconds:    int(min(g.Target.DefaultDuration, g.MaxDuration) / time.Second),
			MaxSeconds:        int(g.MaxDuration / time.Second),
			DurationLimitedBy: g.LimitedBy,
			RequiresRoutes:    g.Target.RequireRoutes,
		})
	}
	return answer
}

func whoAmI(call *vend.Call, who vend.Identity) api.WhoAmI {
	c := call.Caller
	answer := api.WhoAmI{
		RequestID:       call.RequestID,
		Kind:            c.Kind.String(),
		FrontDoor:       call.FrontDoor,
		SourceIdentity:  who.SourceIdentity,
		Callers:         who.Callers,
		AllowlistDigest: who.Digest,
		ServerTime:      second(who.Now),
	}
	if c.Kind == identity.JWT {
		answer.Issuer, answer.Subject = c.Issuer, c.Subject
		return answer
	}
	answer.Principal, answer.Account = c.Principal.Canonical(), c.Principal.Account
	answer.UniqueID, answer.Session = c.UniqueID, c.Principal.Session
	return answer
}

// second is a moment as answers carry it: UTC, whole seconds.
func second(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

func texts(routes []route.Route) []string {
	out := make([]string, len(routes))
	for i, r := range routes {
		out[i] = r.String()
	}
	return out
}
