// Package sts plays AWS's Security Token Service: AssumeRole, GetCallerIdentity
// and GetWebIdentityToken in the query protocol, with AWS's XML, status codes
// and sentences, and with faults that tests and the story can order.
//
// It judges what the rest of the repository sends, so it shares no code with it.
// It verifies no signature itself: an Authenticator does, and without one every
// request is refused. It is for loopback, never for production.
package sts
