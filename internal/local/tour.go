package local

import (
	"context"
	"errors"
	"io"

	"github.com/credvend/credvend/internal/local/story"
)

// Tour plays the story against the stack and tells it to w.
func (s *Stack) Tour(ctx context.Context, w io.Writer) error {
	if !s.plan.story {
		return errors.New("the story plays with its own allowlist: leave --allowlist out, or --tour")
	}
	keys := func(profile string) story.Keys { return story.NewKeys(s.World.Profiles[profile].Reveal()) }
	return story.Play(ctx, w, story.World{
		Region:      s.World.Region,
		IAM:         s.World.URL,
		JWT:         s.World.JWTURL,
		FunctionURL: s.World.FunctionURL,
		REST:        s.World.RESTURL,
		Issuer:      s.World.IssuerURL,
		Target:      s.World.Targets[0].URL,
		Billing:     keys("billing-service"),
		Stranger:    keys("stranger"),
		Outsider:    keys("outsider"),
		Invoke:      s.Invoke,
	})
}
