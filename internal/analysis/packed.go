package analysis

import (
	"compress/flate"
	"io"

	"github.com/credvend/credvend/internal/allowlist"
	"github.com/credvend/credvend/internal/scope"
)

// packedSpace is the space, in bytes, that PackedPolicySize is taken to be a
// percentage of. AWS publishes neither the space nor the form.
const packedSpace = 460

// everyPolicy holds the words of every session policy, which AWS is taken to
// pack into nothing.
const everyPolicy = `"*/../*"*/..."*/./*"*//*"*%2e*"*%2E*"*%2f*"*%2F*"arn:aws:execute-api:*:*:/$default/GETHEADPOSTPUTPATCHDELETEOPTIONS` +
	`{"Version":"2012-10-17","Statement":[{"Effect":"Deny",{"Effect":"Allow","Action":"execute-api:Invoke","Resource":["arn:aws:execute-api:us-east-1:`

// Sizes are what a session takes of STS's limits.
type Sizes struct {
	PolicyCharacters int `json:"policyCharacters"`
	PolicyLimit      int `json:"policyLimit"` // STS's, for the plain text
	// PackedPercentEstimate is a guess at PackedPolicySize: the policy
	// compressed and the tags as they are. Only STS knows, and says so in each
	// answer's packedPolicyPercent. Above 100 it refuses.
	PackedPercentEstimate int `json:"packedPercentEstimate"`
	Tags                  int `json:"tags"`
	TagLimit              int `json:"tagLimit"`
}

// SizesOf measures a session policy and its tags.
func SizesOf(policy string, tags []scope.Tag) Sizes {
	size := 0
	for _, t := range tags {
		size += len(t.Key) + len(t.Value) + 2
	}
	counted := &counter{}
	w, err := flate.NewWriterDict(counted, flate.BestCompression, []byte(everyPolicy))
	if err == nil {
		_, err = io.WriteString(w, policy)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil { // not so: the level is one, and a counter never fails
		counted.n = len(policy)
	}
	size += counted.n
	return Sizes{
		PolicyCharacters: len(policy), PolicyLimit: allowlist.MaxPolicy,
		PackedPercentEstimate: (size*100 + packedSpace - 1) / packedSpace,
		Tags:                  len(tags), TagLimit: 50,
	}
}

type counter struct{ n int }

func (c *counter) Write(b []byte) (int, error) {
	c.n += len(b)
	return len(b), nil
}
