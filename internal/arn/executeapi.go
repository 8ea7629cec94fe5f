package arn

import (
	"fmt"
	"strings"
)

// Stage is one stage of an HTTP API, the thing a target points at.
type Stage struct {
	Partition string
	Region    string
	Account   string
	API       string // the API's id
	Name      string // the stage's name; $default for the default stage
}

// ParseStage reads arn:aws:execute-api:REGION:ACCOUNT:API/STAGE. A wildcard
// anywhere is an error: it would scope credentials to APIs nobody named.
func ParseStage(s string) (Stage, error) {
	a, err := split(s)
	if err != nil {
		return Stage{}, err
	}
	if strings.ContainsAny(s, "*?") {
		return Stage{}, fmt.Errorf("ARN %q has a wildcard; name one API and one stage", clip(s))
	}
	if a.service != "execute-api" {
		return Stage{}, fmt.Errorf("ARN %q is of the service %q; write arn:%s:execute-api:REGION:ACCOUNT:API_ID/STAGE", clip(s), clip(a.service), a.partition)
	}
	if p := PartitionOf(a.region); p == "" || p != a.partition {
		return Stage{}, fmt.Errorf("ARN %q: %q is no region of the partition %s", clip(s), clip(a.region), a.partition)
	}
	if !IsAccount(a.account) {
		return Stage{}, fmt.Errorf("ARN %q needs an account of 12 digits", clip(s))
	}
	api, stage, ok := strings.Cut(a.resource, "/")
	if !ok || strings.Contains(stage, "/") {
		return Stage{}, fmt.Errorf("ARN %q must end in API_ID/STAGE, the default stage being $default, and no route after it", clip(s))
	}
	if !isAPIID(api) {
		return Stage{}, fmt.Errorf("ARN %q: %q is not the id of an API (lower-case letters and digits)", clip(s), clip(api))
	}
	if !isStage(stage) {
		return Stage{}, fmt.Errorf("ARN %q: %q is not a stage ($default, or 1 to 128 letters, digits, - and _)", clip(s), clip(stage))
	}
	return Stage{a.partition, a.region, a.account, api, stage}, nil
}

// ARN returns the stage's ARN without a trailing slash.
func (s Stage) ARN() string {
	return "arn:" + s.Partition + ":execute-api:" + s.Region + ":" + s.Account + ":" + s.API + "/" + s.Name
}

// Endpoint returns the URL that API Gateway gives the stage.
func (s Stage) Endpoint() string {
	suffix := "amazonaws.com"
	if s.Partition == "aws-cn" {
		suffix += ".cn"
	}
	u := "https://" + s.API + ".execute-api." + s.Region + "." + suffix
	if s.Name != "$default" {
		u += "/" + s.Name
	}
	return u
}

func isAPIID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		if (s[i] < 'a' || s[i] > 'z') && (s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return true
}

func isStage(s string) bool {
	if s == "$default" {
		return true
	}
	if s == "" || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
