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
	h := sha256.New()
	for _, part := range []string{kind(c), c.Issuer, canonical(c), c.UniqueID, c.Subject} {
		// Lengths first: parts must not be able to run into one another.
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		h.Write(length[:])
		h.Write([]byte(part))
	}
	hash := base32.StdEncoding.EncodeToString(h.Sum(nil))[:hashLength]
	return readablePart(readable) + "." + strings.ToLower(hash)
}

func canonical(c identity.Caller) string {
	if c.Kind == identity.JWT {
		return ""
	}
	return c.Principal.Canonical()
}

// readablePart keeps what source identity and tag values both take, and cuts
// it to length. A leading "aws" needs no care: STS forbids "aws:", and a colon
// is not kept.
func readablePart(s string) string {
	var b strings.Builder
	for i := 0; i < len(s) && b.Len() < readableLength; i++ {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("_+=.@-", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteByte('-')
		}
	}
	if b.Len() == 0 {
		return "-"
	}
	return b.String()
}

// kind is iam or jwt: one principal is one individual, whichever kind of API
// it comes through.
func kind(c identity.Caller) string {
	if c.Kind == identity.JWT {
		return c.Kind.String()
	}
	return identity.IAM.String()
}
