package scope

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"

	"github.com/credvend/credvend/internal/identity"
)

// sizes of a source identity: STS takes 64 characters in all.
const (
	hashLength     = 16 // of base32: 80 bits
	readableLength = 64 - 1 - hashLength
)

// SourceIdentity names one individual: a part that people can read, a dot, and
// 80 bits of a hash over everything that tells individuals apart. The hash
// always stands there, so that nobody can choose a name that reads like
// another's. For an IAM role the individual is its session label, which is
// self-asserted.
func SourceIdentity(c identity.Caller) string {
	readable := c.Subject
	if c.Kind != identity.JWT && readable == "" {
		readable = c.Principal.Name
	}
	var room [512]byte
	all := room[:0]
	for _, part := range [...]string{kind(c), c.Issuer, canonical(c), c.UniqueID, c.Subject} {
		// Lengths first: parts must not be able to run into one another.
		all = binary.BigEndian.AppendUint64(all, uint64(len(part)))
		all = append(all, part...)
	}
	sum := sha256.Sum256(all)
	var text [64]byte
	id := append(readablePart(text[:0], readable), '.')
	id = base32.StdEncoding.AppendEncode(id, sum[:hashLength*5/8])
	for i := len(id) - hashLength; i < len(id); i++ {
		if id[i] >= 'A' { // else a digit
			id[i] += 'a' - 'A'
		}
	}
	return string(id)
}

func canonical(c identity.Caller) string {
	if c.Kind == identity.JWT {
		return ""
	}
	return c.Principal.Canonical()
}

// readablePart appends to b, which is empty, what source identity and tag
// values both take of s, cut to length. A leading "aws" needs no care: STS
// forbids "aws:", and a colon is not kept.
func readablePart(b []byte, s string) []byte {
	for i := 0; i < len(s) && len(b) < readableLength; i++ {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("_+=.@-", c) >= 0 {
			b = append(b, c)
		} else {
			b = append(b, '-')
		}
	}
	if len(b) == 0 {
		return append(b, '-')
	}
	return b
}

// kind is iam or jwt: one principal is one individual, whichever kind of API
// it comes through.
func kind(c identity.Caller) string {
	if c.Kind == identity.JWT {
		return c.Kind.String()
	}
	return identity.IAM.String()
}
