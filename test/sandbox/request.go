//go:build conformance

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// identity is somebody who signs.
type identity struct {
	credentials aws.Credentials
	arn         string // as STS says it; "" for credentials that STS was not asked about
	account     string
	userID      string
}

// String keeps the secrets of the credentials out of any text.
func (i identity) String() string { return i.arn }

// GoString is String: "%#v" must not print secrets either.
func (i identity) GoString() string { return i.arn }

// request is one request, and what was done to it on purpose.
type request struct {
	base         string
	method, path string // the path as it goes over the wire, with its query
	body         []byte
	header       http.Header

	as      *identity // nil: unsigned
	service string
	region  string        // "": the sandbox's
	late    time.Duration // the signature is so old
	presign time.Duration // > 0: signed into the query, for so long

	// What the signature is made for, where that is not what is sent.
	signedMethod, signedPath string
	signedBody               []byte

	// tamper changes the signed request.
	tamper func(*http.Request)
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	text   string // the body; of STS's errors, "Type Code: Message"
	body   []byte
}

// maxAnswer is the most that is read of an answer.
const maxAnswer = 1 << 20

// send signs and sends, and follows no redirect.
func (b *bench) send(ctx context.Context, q request) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	req, err := b.build(ctx, q)
	if err != nil {
		return answer{}, err
	}
	resp, err := b.client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // the URL of a presigned request holds the session token
		}
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return answer{}, err
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: body, text: readable(body)}, nil
}

func (b *bench) build(ctx context.Context, q request) (*http.Request, error) {
	write := func(method, path string, body []byte) (*http.Request, error) {
		req, err := http.NewRequestWithContext(ctx, method, q.base+path, bytes.NewReader(body))
		if err != nil {
			return nil, fmt.Errorf("the request %s %s: %w", method, path, err)
		}
		for name, values := range q.header {
			req.Header[name] = values
		}
		if len(body) > 0 && req.Header.Get("Content-Type") == "" {
			req.Header.Set("Content-Type", "application/json")
		}
		return req, nil
	}
	req, err := write(q.method, q.path, q.body)
	if err != nil || q.as == nil {
		if err == nil && q.tamper != nil {
			q.tamper(req)
		}
		return req, err
	}
	method, path, body := q.method, q.path, q.body
	if q.signedMethod != "" {
		method = q.signedMethod
	}
	if q.signedPath != "" {
		path = q.signedPath
	}
	if q.signedBody != nil {
		body = q.signedBody
	}
	signed, err := write(method, path, body)
	if err != nil {
		return nil, err
	}
	if q.signedBody != nil {
		signed.ContentLength = req.ContentLength // the length is right: the hash alone tells
	}
	if err := b.sign(ctx, q, req, signed, body); err != nil {
		return nil, err
	}
	if q.tamper != nil {
		q.tamper(req)
	}
	return req, nil
}

// sign signs one request and puts the signature on another: what is sent goes
// over the wire as it was written, however the signer would write it.
func (b *bench) sign(ctx context.Context, q request, req, signed *http.Request, body []byte) error {
	region := q.region
	if region == "" {
		region = b.settings.get("REGION")
	}
	sum := sha256.Sum256(body)
	hash, at := hex.EncodeToString(sum[:]), b.now().Add(-q.late)
	signer := v4.NewSigner()
	if q.presign == 0 {
		if err := signer.SignHTTP(ctx, q.as.credentials, signed, hash, q.service, region, at); err != nil {
			return fmt.Errorf("signing: %w", err)
		}
		for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token"} {
			if v, ok := signed.Header[name]; ok {
				req.Header[name] = v
			}
		}
		return nil
	}
	query := signed.URL.Query()
	query.Set("X-Amz-Expires", fmt.Sprint(int(q.presign.Seconds())))
	signed.URL.RawQuery = query.Encode()
	presigned, _, err := signer.PresignHTTP(ctx, q.as.credentials, signed, hash, q.service, region, at)
	if err != nil {
		return fmt.Errorf("signing: %w", err)
	}
	_, req.URL.RawQuery, _ = strings.Cut(presigned, "?")
	return nil
}

// readable is a body as it is compared: of STS's errors their type, code and
// message.
func readable(body []byte) string {
	var e struct {
		XMLName xml.Name `xml:"ErrorResponse"`
		Error   struct{ Type, Code, Message string }
	}
	if xml.Unmarshal(body, &e) == nil && e.Error.Code != "" {
		return strings.TrimSpace(e.Error.Type + " " + e.Error.Code + ": " + e.Error.Message)
	}
	return strings.TrimSpace(string(body))
}
