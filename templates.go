// Package credvend holds the templates that credvend is deployed with, so that
// an installed tool can play them on one machine. It holds nothing else, and
// the function never links it.
package credvend

import _ "embed" // the templates

// BrokerTemplate is template.yaml: Account B, where credvend runs.
//
//go:embed template.yaml
var BrokerTemplate []byte

// TargetTemplate is accounts/target.yaml: Account A, one stack a target.
//
//go:embed accounts/target.yaml
var TargetTemplate []byte
