package deploy

import (
	"fmt"
	"maps"
	"slices"

	"github.com/credvend/credvend/internal/local/iam"
)

// AddTo makes the stack's managed policies and roles in the accounts.
func (s *Stack) AddTo(w *iam.World) error {
	for _, arn := range slices.Sorted(maps.Keys(s.Managed)) {
		if err := w.AddManagedPolicy(arn, s.Managed[arn]); err != nil {
			return err
		}
	}
	for _, role := range s.Roles {
		if s.Function != nil && role.ARN == s.Function.Role {
			// Lambda renews its role's sessions as long as the function lives;
			// here one session serves the whole run.
			role.MaxSession = iam.LongestMaxSession
		}
		if err := w.AddRole(role); err != nil {
			return fmt.Errorf("making a role: %w", err)
		}
	}
	return nil
}

// Join makes one role of several that have one name: it trusts whom any of them
// trusts and may do what any of them may. AWS would refuse the second stack; a
// list whose targets share a role needs one that somebody made by hand.
func Join(a, b iam.Role) iam.Role {
	a.Trust = iam.Merge(a.Trust, b.Trust)
	a.Policies = append(slices.Clone(a.Policies), b.Policies...)
	return a
}
