package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/credvend/credvend/api"
)

const (
	attemptTimeout = 30 * time.Second // API Gateway's own limit
	maxTries       = 3
	maxAnswer      = 1 << 20 // bytes; a real one has a few thousand
	backoff        = 500 * time.Millisecond
	maxWait        = 10 * time.Second // longer is left to the caller
)

// call makes a request and gives the body of its answer to read. It tries again
// what may be tried again: after 429, after 503 that says when, and after a
// connection that was never made.
func (c *Client) call(ctx context.Context, method, path string, body []byte, read func([]byte) error) error {
	for try := 1; ; try++ {
		err := c.try(ctx, method, path, body, read)
		if err == nil || try == maxTries {
			return err
		}
		wait, again := retry(err, try)
		if !again || wait > maxWait {
			return err
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
			return err // better now than after the wait
		}
		if stopped := c.sleep(ctx, wait); stopped != nil {
			return fmt.Errorf("stopped while waiting to try again: %w: %w", stopped, err)
		}
	}
}

// retry says whether an error may be tried again, and after how long.
func retry(err error, try int) (time.Duration, bool) {
	wait := backoff << (try - 1)
	var answer *Error
	if errors.As(err, &answer) {
		switch {
		case answer.Status == http.StatusTooManyRequests:
			return max(wait, answer.RetryAfter), true
		case answer.Status == http.StatusServiceUnavailable && answer.RetryAfter > 0:
			return answer.RetryAfter, true
		}
		return 0, false
	}
	// Only the system call that would have made the connection: whatever fails
	// later may have been served.
	var op *net.OpError
	var system *os.SyscallError
	return wait, errors.As(err, &op) && op.Op == "dial" && !op.Timeout() && errors.As(op, &system)
}

// try makes one attempt, with a proof of its own.
func (c *Client) try(ctx context.Context, method, path string, body []byte, read func([]byte) error) error {
	r, err := http.NewRequestWithContext(ctx, method, c.base.JoinPath(path).String(), bytes.NewReader(body))
	if err != nil {
		return errors.New("the service's URL cannot be called")
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", c.userAgent)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	secrets, err := c.proof.authorize(ctx, r, body, c.now())
	if err != nil {
		return err
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return unreachable(ctx, c.base.Host, err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return unreachable(ctx, c.base.Host, err)
	}
	return c.judge(resp, answer, secrets, read)
}

// judge takes the answer that was asked for, and makes everything else an
// *Error.
func (c *Client) judge(resp *http.Response, body []byte, secrets []string, read func([]byte) error) error {
	media, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case err != nil:
		media = ""
	case len(media) > 60:
		media = "of another type"
	}
	foreign := func(format string, args ...any) error {
		return &Error{Status: resp.StatusCode, Message: fmt.Sprintf(format, args...), Hint: hintURL, RetryAfter: c.retryAfter(resp)}
	}
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return foreign("the answer is a redirect, which is not followed: a proof of identity is for the host that was named")
	case len(body) > maxAnswer:
		return foreign("the answer is not credvend's: it has more than 1 MiB")
	case len(body) == 0:
		return foreign("the answer is not credvend's: it is empty")
	case media == "":
		return foreign("the answer is not credvend's: it does not say its content type")
	case media != "application/json":
		return foreign("the answer is not credvend's: it is %s, not JSON", media)
	case !json.Valid(body):
		return foreign("the answer is not credvend's: it is not JSON, although it says so")
	case resp.StatusCode != http.StatusOK:
		return c.failure(resp, body, secrets)
	}
	if err := read(body); err != nil {
		return foreign("%s", err)
	}
	return nil
}

// failure reads an error of the service, or of the front door before it.
func (c *Client) failure(resp *http.Response, body []byte, secrets []string) error {
	e := &Error{Status: resp.StatusCode, RetryAfter: c.retryAfter(resp)}
	var ours api.Error
	if resp.StatusCode < 400 || json.Unmarshal(body, &ours) != nil {
		e.Message, e.Hint = errForeign.Error(), hintURL
		return e
	}
	if word(ours.Code) && ours.Message != "" && ours.RequestID != "" {
		e.Code, e.Message, e.RequestID = ours.Code, clean(ours.Message, secrets), clip(clean(ours.RequestID, secrets))
		e.Hint = hint(ours.Code)
		return e
	}
	// API Gateway says "message", a function URL "Message"; both put their id
	// of the request into a header.
	_, signed := c.proof.(*signer)
	e.Message, e.Hint = "the front door answered without a reason", frontDoorHint(resp.StatusCode, signed)
	said := ours.Message
	if said == "" {
		said = ours.MessageAWS
	}
	if said = clean(said, secrets); said != "" {
		e.Message = fmt.Sprintf("the front door answered %q", said)
	}
	for _, name := range []string{"Apigw-Requestid", "X-Amzn-Requestid"} {
		if id := resp.Header.Get(name); id != "" {
			e.RequestID = clip(clean(id, secrets))
			break
		}
	}
	return e
}

// word reports whether s looks like one of the service's codes.
func word(s string) bool {
	return s != "" && len(s) <= 40 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") == ""
}

// clip shortens what should be a word or two.
func clip(s string) string {
	const limit = 100
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}

// retryAfter reads the header of that name: seconds, or a date.
func (c *Client) retryAfter(resp *http.Response) time.Duration {
	value := resp.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		const day = 86400
		return time.Duration(min(max(seconds, 0), day)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(c.now()), 0)
	}
	return 0
}

// unreachable says why no answer came. Errors that quote what the other side
// sent are not passed on.
func unreachable(ctx context.Context, host string, err error) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	var (
		timeout     net.Error
		name        *net.DNSError
		op          *net.OpError
		certificate *tls.CertificateVerificationError
		alert       tls.AlertError
	)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s was not heard to the end: %w", host, context.Cause(ctx))
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("%s did not answer in time; check the URL and the network, then try again", host)
	case errors.As(err, &name):
		return fmt.Errorf("the host of the URL cannot be found: %w; check the URL and the network", name)
	case errors.As(err, &certificate):
		return fmt.Errorf("the certificate of %s is not trusted: %w; check the URL, or name the CA's certificate in AWS_CA_BUNDLE", host, certificate)
	case errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("%s speaks plain http, not https; check the URL", host)
	case errors.As(err, &op), errors.As(err, &alert):
		return fmt.Errorf("%s cannot be reached: %w; check the URL and the network", host, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s broke off its answer; try again", host)
	default:
		return fmt.Errorf("%s, or a proxy on the way, gave no usable HTTP answer; check the URL", host)
	}
}
