//go:build conformance

package main

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// These checks look at events: EVENT_URL is an HTTP API whose function answers
// the event that it got, less the headers that hold secrets.

func eventChecks() []check {
	needs := []string{"EVENT_URL", "ROLE_PROFILE"}
	is := func(id, says string, change func(b *bench, q *request), members map[string]string, facts ...string) check {
		c := ask("event."+id, says, needs, func(b *bench) request {
			q := request{base: b.settings.get("EVENT_URL"), method: http.MethodGet, path: "/x", as: b.who["ROLE_PROFILE"], service: "execute-api"}
			if change != nil {
				change(b, &q)
			}
			return q
		}, want{status: http.StatusOK, json: members})
		c.facts = facts
		return c
	}
	path := func(p string) func(b *bench, q *request) { return func(_ *bench, q *request) { q.path = p } }
	iam := func(name string) string { return "requestContext.authorizer.iam." + name }
	post := func(contentType, body string) func(b *bench, q *request) {
		return func(_ *bench, q *request) {
			q.method, q.body, q.header = http.MethodPost, []byte(body), http.Header{"Content-Type": {contentType}}
		}
	}
	return []check{
		is("format", "An HTTP API sends payload format 2.0, and names the route, the stage and the method.", nil, map[string]string{
			"version": "2.0", "routeKey": "$default", "requestContext.stage": "$default", "requestContext.http.method": "GET", "requestContext.http.protocol": "HTTP/1.1",
			"isBase64Encoded": "false", "body": "-", "cookies": "-", "queryStringParameters": "-", "pathParameters": "-",
		}),
		{
			id: "event.identity", says: "authorizer.iam names the session as STS does, and authorizer holds nothing else.", needs: needs,
			try: func(ctx context.Context, b *bench) (finding, error) {
				who := b.who["ROLE_PROFILE"]
				a, err := b.send(ctx, request{base: b.settings.get("EVENT_URL"), method: http.MethodGet, path: "/x", as: who, service: "execute-api"})
				if err != nil {
					return finding{}, err
				}
				return want{status: http.StatusOK, json: map[string]string{
					iam("userArn"): who.arn, iam("accountId"): who.account, iam("callerId"): who.userID, iam("userId"): who.userID,
					iam("accessKey"): who.credentials.AccessKeyID, iam("cognitoIdentity"): "null", "requestContext.authorizer.jwt": "-", "requestContext.authorizer.lambda": "-",
				}}.compare(a), nil
			},
		},
		withLearned(is("org-id", "principalOrgId is null, or the id of the caller's organization.", nil, map[string]string{iam("principalOrgId"): `~null|o-[a-z0-9]{10,32}`}, "org-id"), iam("principalOrgId")),
		is("escaped-slash", "rawPath is decoded: /a%2Fb arrives as /a/b.", path("/a%2Fb"), map[string]string{"rawPath": "/a/b", "requestContext.http.path": "/a/b"}),
		is("escaped-space", "So is a space.", path("/a%20b"), map[string]string{"rawPath": "/a b"}),
		is("escaped-unicode", "So are letters outside ASCII.", path("/%C3%A4"), map[string]string{"rawPath": "/ä"}),
		is("plus", "A plus in the path is a plus.", path("/a+b"), map[string]string{"rawPath": "/a+b"}),
		is("trailing-slash", "A trailing slash stays.", path("/a/"), map[string]string{"rawPath": "/a/"}),
		is("query", "rawQueryString is as it was sent; repeated parameters are joined by a comma.", path("/x?b=2&a=1&a=3&c=%20"), map[string]string{
			"rawQueryString": "b=2&a=1&a=3&c=%20", "queryStringParameters.a": "1,3", "queryStringParameters.b": "2", "queryStringParameters.c": " ",
		}),
		is("headers", "Headers are in lower case; repeated ones are joined by a comma.", func(_ *bench, q *request) {
			q.header = http.Header{"X-Probe": {"one", "two"}}
		}, map[string]string{"headers.x-probe": "one,two", "headers.X-Probe": "-"}),
		is("cookies", "Cookies leave the headers for a field of their own.", func(_ *bench, q *request) {
			q.header = http.Header{"Cookie": {"a=1; b=2"}}
		}, map[string]string{"cookies": `["a=1","b=2"]`, "headers.cookie": "-"}),
		is("json-body", "A JSON body is passed as text.", post("application/json", `{"a":1}`), map[string]string{"body": `{"a":1}`, "isBase64Encoded": "false"}),
		is("form-body", "A form is passed in base64.", post("application/x-www-form-urlencoded", "a=1"), map[string]string{"body": "YT0x", "isBase64Encoded": "true"}),
		is("binary-body", "So are bytes.", post("application/octet-stream", "\x00\xff"), map[string]string{"body": "AP8=", "isBase64Encoded": "true"}),
		is("forwarded-for", "A client's own X-Forwarded-For stays, left of the address that AWS saw.", func(_ *bench, q *request) {
			q.header = http.Header{"X-Forwarded-For": {"203.0.113.9"}}
		}, map[string]string{"headers.x-forwarded-for": `~203\.0\.113\.9, [0-9a-f.:]+`, "headers.x-forwarded-proto": "https", "headers.x-forwarded-port": "443"}),
		basePath(),
	}
}

// withLearned notes a member of the answer for the table of facts.
func withLearned(c check, name string) check {
	id := c.id
	return check{id: id, says: c.says, needs: c.needs, facts: c.facts, try: func(ctx context.Context, b *bench) (finding, error) {
		a, err := b.send(ctx, request{base: b.settings.get("EVENT_URL"), method: http.MethodGet, path: "/x", as: b.who["ROLE_PROFILE"], service: "execute-api"})
		if err != nil {
			return finding{}, err
		}
		f := want{status: http.StatusOK, json: map[string]string{name: `~null|o-[a-z0-9]{10,32}`}}.compare(a)
		f.learned = "principalOrgId is " + member(a.body, name)
		return f, nil
	}}
}

// basePath looks at the same event through a custom domain with a mapping key.
func basePath() check {
	return check{
		id: "event.base-path", says: "A custom domain's mapping key stands in rawPath.", needs: []string{"DOMAIN_URL", "ROLE_PROFILE"}, facts: []string{"base-path"},
		try: func(ctx context.Context, b *bench) (finding, error) {
			u, err := url.Parse(b.settings.get("DOMAIN_URL"))
			if err != nil {
				return finding{}, err
			}
			if strings.Trim(u.Path, "/") == "" {
				return finding{}, skipped("set " + prefix + "_DOMAIN_URL to a domain with its mapping key: without one there is nothing to see")
			}
			a, err := b.send(ctx, request{base: b.settings.get("DOMAIN_URL"), method: http.MethodGet, path: "/x", as: b.who["ROLE_PROFILE"], service: "execute-api"})
			if err != nil {
				return finding{}, err
			}
			f := want{status: http.StatusOK, json: map[string]string{"rawPath": u.Path + "/x"}}.compare(a)
			f.learned = "rawPath of " + u.Path + "/x is " + member(a.body, "rawPath")
			return f, nil
		},
	}
}
