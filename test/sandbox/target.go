//go:build conformance

package main

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// vendedWant is what credentials look like, from every front door.
func vendedWant() want {
	return want{
		status: http.StatusOK, typed: "application/json", header: map[string]string{"Cache-Control": "no-store"},
		json: map[string]string{
			"Version": "1", "AccessKeyId": "~ASIA[A-Z0-9]{12,}", "AccountId": `~\d{12}`, "RoleArn": `~arn:[a-z-]+:iam::\d{12}:role/.+`,
			"Grant.packedPolicyPercent": `~[1-9]\d?`, "Grant.endpoint": "~https?://.+", "Grant.receipt": "~.+",
		},
	}
}

// targetNeeds are what it takes to hold vended credentials.
func targetNeeds() []string {
	return []string{"TARGET_URL", "URL", "CALLER_PROFILE", "TARGET", "ALLOWED", "DENIED"}
}

// withVended is a check of one request to Account A's API, signed with
// credentials for the given routes; none: the whole grant.
func withVended(id, says string, routes []string, change func(b *bench, q *request), w want, facts ...string) check {
	return check{id: id, says: says, needs: targetNeeds(), facts: facts, try: func(ctx context.Context, b *bench) (finding, error) {
		v, err := b.vend(ctx, routes...)
		if err != nil {
			return finding{}, err
		}
		q := request{base: b.settings.get("TARGET_URL"), method: b.settings.allowed.method, path: b.settings.allowed.path, as: &v.identity, service: "execute-api"}
		if change != nil {
			change(b, &q)
		}
		a, err := b.send(ctx, q)
		if err != nil {
			return finding{}, err
		}
		return w.compare(a), nil
	}}
}

// sibling is a path beside the allowed one.
func sibling(path string) string { return path + "-other" }

// targetChecks are those of a vended session at Account A's API.
func targetChecks(s *settings) []check {
	f, ok := forbidden(), want{status: http.StatusOK}
	only := []string{s.allowed.String()}
	return []check{
		{
			id: "target.vend", says: "The front door vends, and STS says how full the policy is.", needs: []string{"URL", "CALLER_PROFILE", "TARGET"},
			try: func(ctx context.Context, b *bench) (finding, error) {
				a, err := b.send(ctx, request{base: b.settings.get("URL"), method: http.MethodPost, path: credentialsPath, body: b.askBody(), as: b.who["CALLER_PROFILE"], service: "execute-api"})
				if err != nil {
					return finding{}, err
				}
				b.read(a, &vended{})
				f := vendedWant().compare(a)
				f.learned = "packedPolicyPercent " + member(a.body, "Grant.packedPolicyPercent")
				return f, nil
			},
		},
		{
			id: "target.identity", says: "STS knows a vended session as assumed-role/ROLE/CALLER@RECEIPT of Account A.", needs: []string{"URL", "CALLER_PROFILE", "TARGET"},
			try: func(ctx context.Context, b *bench) (finding, error) {
				v, err := b.vend(ctx)
				if err != nil {
					return finding{}, err
				}
				a, err := b.send(ctx, stsCall(b.sts, &v.identity, "GetCallerIdentity", nil))
				if err != nil {
					return finding{}, err
				}
				role := v.doc.RoleArn[strings.LastIndexByte(v.doc.RoleArn, '/')+1:]
				return want{status: http.StatusOK, typed: "text/xml", like: `.*:assumed-role/` + quote(role+"/"+v.doc.Grant.Caller+"@"+v.doc.Grant.Receipt) + `</Arn>.*`}.compare(a), nil
			},
		},
		withVended("target.allowed", "A granted route is answered.", nil, nil, ok),
		withVended("target.denied", "A route that is not granted is refused, without a word why.", nil, func(b *bench, q *request) {
			q.method, q.path = b.settings.denied.method, b.settings.denied.path
		}, f),
		withVended("target.narrow-allowed", "Credentials for one route do that route.", only, nil, ok),
		withVended("target.narrow-denied", "Credentials for one route do no other.", only, func(_ *bench, q *request) { q.path = sibling(q.path) }, f),
		withVended("target.unsigned", "An unsigned request is refused: the route has AWS_IAM.", nil, func(_ *bench, q *request) { q.as = nil }, f),
		withVended("target.callers-own-keys", "The caller's own keys of Account B are refused: an HTTP API has no policy to admit them by.", nil, func(b *bench, q *request) { q.as = b.who["CALLER_PROFILE"] }, f),
		withVended("target.tampered-path", "A signature for another path is refused.", nil, func(_ *bench, q *request) { q.signedPath, q.path = q.path, sibling(q.path) }, f),
		withVended("target.wrong-service", "A signature for another service is refused.", nil, func(_ *bench, q *request) { q.service = "lambda" }, f),
		withVended("target.wrong-region", "A signature for another region is refused.", nil, func(b *bench, q *request) { q.region = elsewhere(b) }, f),
		withVended("target.wrong-session-token", "A session token that is not the key's is refused.", nil, func(_ *bench, q *request) {
			i := *q.as
			i.credentials.SessionToken = "none"
			q.as = &i
		}, f),
		withVended("target.signature-too-old", "A signature of twenty minutes ago is refused.", nil, func(_ *bench, q *request) { q.late = 20 * time.Minute }, f),
		withVended("target.presigned", "A presigned request to a granted route is answered.", nil, func(_ *bench, q *request) { q.presign = time.Minute }, ok),
		withVended("target.query", "The query is no part of what IAM judges.", only, func(_ *bench, q *request) { q.path += "?expand=lines&x=%2Fadmin" }, ok),
		withVended("target.head", "HEAD is a method of its own: a grant of GET does not cover it.", nil, func(_ *bench, q *request) { q.method = http.MethodHead }, want{status: http.StatusForbidden}),
		preflight("target.preflight", "TARGET_URL", "/", http.StatusForbidden, http.StatusNotFound, http.StatusNoContent),
		withVended("target.odd-method", "A method outside API Gateway's seven is not routed.", nil, func(_ *bench, q *request) { q.method = "PROPFIND" },
			notFound(), "other-methods"),
		withVended("target.other-stage", "A path with another stage's name before it is another path.", nil, func(_ *bench, q *request) { q.path = "/staging" + q.path }, f),
		withVended("target.long-header", "Over 10,240 bytes of request line and headers are refused.", nil, func(_ *bench, q *request) {
			q.header = http.Header{"X-Filler": {strings.Repeat("x", 10240)}}
		}, want{status: http.StatusRequestHeaderFieldsTooLarge, text: `{"message":"Request Header Fields Too Large"}`}),
		{
			id: "target.sts", says: "A vended session cannot assume anything: its session policy holds execute-api:Invoke alone.", needs: []string{"URL", "CALLER_PROFILE", "TARGET"},
			try: func(ctx context.Context, b *bench) (finding, error) {
				v, err := b.vend(ctx)
				if err != nil {
					return finding{}, err
				}
				a, err := b.send(ctx, assume(b.sts, &v.identity, v.doc.RoleArn, nil))
				if err != nil {
					return finding{}, err
				}
				return notAuthorized().compare(a), nil
			},
		},
	}
}

// escaped writes every letter and digit of the last segment as %XX.
func escaped(path string) string {
	i := strings.LastIndexByte(path, '/') + 1
	var b strings.Builder
	b.WriteString(path[:i])
	for _, c := range []byte(path[i:]) {
		b.WriteByte('%')
		b.WriteByte("0123456789ABCDEF"[c>>4])
		b.WriteByte("0123456789ABCDEF"[c&15])
	}
	return b.String()
}

// pathChecks are about the form of a path that IAM judges. The credentials are
// good for the parent with a wildcard and, beside it, for one path alone.
func pathChecks(s *settings) []check {
	f, ok := forbidden(), want{status: http.StatusOK}
	only := []string{s.allowed.String()}
	i := strings.LastIndexByte(s.allowed.path, '/')
	if i < 0 {
		i = 0
	}
	parent, last := s.allowed.path[:i], strings.TrimPrefix(s.allowed.path[i:], "/")
	to := func(path, signed string) func(b *bench, q *request) {
		return func(_ *bench, q *request) { q.path, q.signedPath = path, signed }
	}
	return []check{
		withVended("path.escaped-letters", "IAM judges the decoded path: "+escaped(s.allowed.path)+" is "+s.allowed.path+".", only, to(escaped(s.allowed.path), ""), ok, "path-form"),
		withVended("path.escaped-slash", "An escaped slash is a slash to IAM: "+parent+"%2F"+last+" is "+s.allowed.path+".", only, to(parent+"%2F"+last, ""), ok, "path-form"),
		withVended("path.lower-case-escape", "Escapes may be in lower case.", only, to(parent+"%2f"+last, ""), ok, "path-form"),
		withVended("path.doubly-escaped", "What is escaped twice is decoded once.", only, to(parent+"%252F"+last, ""), f, "path-form"),
		withVended("path.dot-segments", "Dot segments are refused by the session policy.", nil, to(parent+"/../admin", "/admin"), f),
		withVended("path.dot-segments-inside", "So are those that stay inside the grant.", nil, to(parent+"/x/../"+last, parent+"/"+last), f),
		withVended("path.escaped-dot-segments", "So are escaped ones.", nil, to(parent+"/%2e%2e/x", ""), f),
		withVended("path.upper-case-escaped-dots", "In upper case too.", nil, to(parent+"/%2E%2E/x", ""), f),
		withVended("path.escaped-slash-and-dots", "And those whose slash is escaped.", nil, to(parent+"/..%2Fx", ""), f),
		withVended("path.single-dot", "A single dot is refused by the session policy.", nil, to(parent+"/./"+last, parent+"/"+last), f),
		withVended("path.double-slash", "A doubled slash is refused by the session policy.", nil, to(parent+"//"+last, parent+"/"+last), f),
		withVended("path.trailing-slash", "A trailing slash is another path: one route's credentials do not cover it.", only, func(_ *bench, q *request) { q.path += "/" }, f),
		withVended("path.trailing-slash-in-wildcard", "A wildcard covers it.", nil, func(_ *bench, q *request) { q.path += "/" }, ok),
		withVended("path.upper-case", "Paths are told apart by case.", only, func(_ *bench, q *request) { q.path = strings.ToUpper(q.path) }, f),
		withVended("path.wildcard-spans-slashes", "The wildcard of a grant spans slashes.", nil, func(_ *bench, q *request) { q.path += "/lines/1" }, ok),
		withVended("path.literal-star", "A star in a path is a letter like any other.", only, to(parent+"/*", ""), f),
	}
}
