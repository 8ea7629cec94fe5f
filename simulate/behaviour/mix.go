package behaviour

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Share is a kind's part of a fleet.
type Share struct {
	Kind Kind
	Part float64 // all parts of a mix are 1 together
}

// DefaultMix is a fleet of services in several languages, as they come, and a
// few people with the AWS CLI. Nobody measured it: your fleet has its own.
const DefaultMix = "go=30,boto3=30,js=20,java=15,cli=5"

// Honouring is the same fleet where everybody keeps to refreshAfter: services
// by package client or by credvend exec --server, people by credvend process.
const Honouring = "client=95,process=5"

// ParseMix reads "go=30,boto3=70": kinds and their weights.
func ParseMix(text string) ([]Share, error) {
	var all []Share
	total := 0.0
	seen := map[string]bool{}
	for part := range strings.SplitSeq(text, ",") {
		name, weight, given := strings.Cut(strings.TrimSpace(part), "=")
		k, err := Find(name)
		if err != nil {
			return nil, err
		}
		w := 1.0
		if given {
			if w, err = strconv.ParseFloat(weight, 64); err != nil || !(w > 0 && w < 1e9) {
				return nil, fmt.Errorf("the weight of %s is %q; write a number above 0: go=30,boto3=70", name, weight)
			}
		}
		if seen[name] {
			return nil, fmt.Errorf("%s stands twice in the mix", name)
		}
		seen[name] = true
		all = append(all, Share{k, w})
		total += w
	}
	if total == 0 {
		return nil, errors.New("the mix is empty; write kinds and weights: go=30,boto3=70")
	}
	for i := range all {
		all[i].Part /= total
	}
	return all, nil
}
