// Package api is the wire contract of credvend: what is asked for, what comes
// back, and how errors read. The service and the client package share these
// types, so they cannot disagree.
//
// It holds no behaviour beyond encoding. Secrets in it do not print; the one
// way to write them out is Credentials.Encode.
package api

import "time"

// CredentialProcessVersion is the Version that AWS's credential_process
// contract asks for.
const CredentialProcessVersion = 1

// Credentials is the answer of POST /v1/credentials and of
// GET /v1/credentials/{target}. One document serves credential_process
// (Version, SessionToken), the container credentials protocol (Token) and
// plain JSON.
type Credentials struct {
	Version         int
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey Secret
	SessionToken    Secret
	Token           Secret    // the session token again, under the container protocol's name
	Expiration      time.Time // UTC, whole seconds
	AccountID       string    `json:"AccountId"`
	RoleARN         string    `json:"RoleArn"`
	Grant           Grant
}

// Grant says what the credentials are good for, and why.
type Grant struct {
	RequestID           string    `json:"requestId"`
	Receipt             string    `json:"receipt"` // id of the issuance; stands in the session name
	Reused              bool      `json:"reused"`  // issued for an earlier request
	Caller              string    `json:"caller"`  // the caller name in the session name
	Target              string    `json:"target"`
	Endpoint            string    `json:"endpoint"` // URL of the target's API
	Region              string    `json:"region"`   // to sign for, with the service execute-api
	Routes              []string  `json:"routes"`
	DeniedRoutes        []string  `json:"deniedRoutes"`
	Rules               []string  `json:"rules"` // ids of the rules that allow it
	RequestedSeconds    int       `json:"requestedSeconds"`
	GrantedSeconds      int       `json:"grantedSeconds"` // life left at ServerTime
	DurationLimitedBy   string    `json:"durationLimitedBy"`
	RefreshAfter        time.Time `json:"refreshAfter"` // ask again from this moment
	ServerTime          time.Time `json:"serverTime"`
	PackedPolicyPercent int       `json:"packedPolicyPercent"` // of STS's budget; above 100 fails
}
