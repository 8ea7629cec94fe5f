package arn

import (
	"fmt"
	"strings"
)

// maxLength bounds any ARN read here; AWS's own limit for a role's ARN is
// 2,048.
const maxLength = 2048

// parts are the six fields of an ARN.
type parts struct{ partition, service, region, account, resource string }

// split cuts s into its fields and checks what all ARNs share.
func split(s string) (parts, error) {
	if len(s) > maxLength {
		return parts{}, fmt.Errorf("ARN of %d characters; AWS's have at most %d", len(s), maxLength)
	}
	f := strings.SplitN(s, ":", 6)
	if len(f) != 6 || f[0] != "arn" {
		return parts{}, fmt.Errorf("%q is not an ARN (arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE)", clip(s))
	}
	if !IsPartition(f[1]) {
		return parts{}, fmt.Errorf("ARN %q is of the unknown partition %q; known are aws, aws-cn, aws-us-gov", clip(s), clip(f[1]))
	}
	return parts{f[1], f[2], f[3], f[4], f[5]}, nil
}

// IsPartition reports whether s is a partition credvend knows.
func IsPartition(s string) bool { return s == "aws" || s == "aws-cn" || s == "aws-us-gov" }

// PartitionOf returns the partition that holds a region, or "" if region has
// not the form of one (us-east-1, us-gov-west-1, cn-north-1).
func PartitionOf(region string) string {
	f := strings.Split(region, "-")
	if len(f) < 3 || len(region) > 32 {
		return ""
	}
	for i, part := range f {
		if part == "" {
			return ""
		}
		for j := range len(part) {
			letter, digit := part[j] >= 'a' && part[j] <= 'z', part[j] >= '0' && part[j] <= '9'
			if last := i == len(f)-1; last && !digit || !last && !letter {
				return ""
			}
		}
	}
	switch {
	case f[0] == "eusc" || strings.HasPrefix(f[1], "iso"):
		return "" // partitions of their own, with hosts that credvend does not know
	case f[0] == "cn":
		return "aws-cn"
	case f[0] == "us" && f[1] == "gov":
		return "aws-us-gov"
	default:
		return "aws"
	}
}

// clip shortens text from outside before it stands in an error.
func clip(s string) string {
	const limit = 128
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "…"
}
