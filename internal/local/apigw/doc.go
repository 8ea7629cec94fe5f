// Package apigw plays the front doors of AWS on loopback: API Gateway's HTTP
// APIs (with AWS_IAM and with JWT authorizers) and REST APIs (with AWS_IAM and a
// resource policy), and Lambda's function URLs. Each is an http.Handler that
// verifies the caller as AWS does, hands the function the event that AWS would,
// and turns the function's answer into HTTP.
//
// It judges the rest of the repository, so its event and answer types are its
// own, written from AWS's documentation, and it imports no package that reads
// or writes them on our side. It must refuse what AWS refuses, with AWS's
// status and words and no more of them: why a request was refused goes to
// Trace, never over the wire. It makes no allowance for a loopback host beyond
// one: signatures are made for the host that the client called, while events
// carry the domain name that AWS would have given the door.
//
// Where AWS does not say how it behaves, the choice is marked "unsure" beside
// the code that makes it.
package apigw
