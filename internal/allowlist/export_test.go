package allowlist

import "github.com/credvend/credvend/internal/identity"

// Candidates is how many callers of the list are looked at for an identity.
func (l *List) Candidates(c identity.Caller) int { return len(l.index.candidates(c)) }
