package sts

import (
	"bytes"
	"compress/flate"
	"encoding/json"
)

// DefaultPackedAllotment is the space, in bytes, that PackedPolicySize is a
// percentage of. AWS publishes neither the format nor the space, so this is an
// estimate. Nine tags of 250 characters were reported as 498 %, which makes 460
// bytes if tags are stored as they are. How policies shrink is not known: the
// estimate compresses them, which is kind to policies that repeat themselves. One
// team's began to fail at 1,050 characters; set a smaller allotment to play that.
const DefaultPackedAllotment = 460

// packingDictionary holds words of every policy: whatever AWS packs with, it
// will not spend its space on them.
const packingDictionary = `"arn:aws:iam::aws:policy/"Condition":{"StringEquals":{"NotAction":"Principal":"*/./*"*/../*"*//*"` +
	`/$default/DELETE/PATCH/POST/PUT/HEAD/OPTIONS/GET/"arn:aws:execute-api:us-east-1:"Resource":["execute-api:Invoke",` +
	`{"Version":"2012-10-17","Statement":[{"Sid":"","Effect":"Deny","Effect":"Allow","Action":"`

// packedPercent estimates PackedPolicySize for the session policy, the managed
// policies' ARNs and the tags, inherited ones included. It rounds up: 100 fits,
// 101 does not.
func packedPercent(policy string, policyARNs []string, tags map[string]string, allotment int) (percent int, tagsAlone bool) {
	if policy == "" && len(policyARNs) == 0 && len(tags) == 0 {
		return 0, false
	}
	size := 0
	if policy != "" {
		size += packedText(policy)
	}
	for _, arn := range policyARNs {
		size += len(arn) + 2
	}
	for k, v := range tags {
		size += len(k) + len(v) + 2
	}
	return (size*100 + allotment - 1) / allotment, policy == "" && len(policyARNs) == 0
}

func packedText(policy string) int {
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(policy)); err != nil {
		return len(policy)
	}
	var packed bytes.Buffer
	w, err := flate.NewWriterDict(&packed, flate.BestCompression, []byte(packingDictionary))
	if err != nil {
		return compact.Len()
	}
	if _, err := w.Write(compact.Bytes()); err != nil {
		return compact.Len()
	}
	if err := w.Close(); err != nil {
		return compact.Len()
	}
	return packed.Len()
}
