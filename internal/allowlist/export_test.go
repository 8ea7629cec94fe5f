package allowlist

import "github.com/credvend/credvend/internal/identity"

// Candidates is how many callers of the list are looked at for an identity.
func (l *List) Candidates(c identity.Caller) int { return len(l.index.candidates(nil, &c)) }

// WithoutMemo is the list without its memo: each decision is worked out anew.
func (l *List) WithoutMemo() *List {
	without := *l
	without.memo = nil
	return &without
}

// Kept is how many plans stand in the memo.
func (l *List) Kept() (n int) {
	for i := range l.memo.slots {
		if l.memo.slots[i].Load() != nil {
			n++
		}
	}
	return n
}

// Read and ParseAny are the two ways in which Parse reads.
func Read(text string) (*Document, bool) { return read(text) }

// ParseAny is the one that words errors.
func ParseAny(text []byte) (*Document, error) { return parseAny(text) }
