package callers_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"

	ours "github.com/credvend/credvend/client"
)

// address is where the stand-in would be. In a bubble of synctest there is no
// network, and an hour passes at once.
const address = "http://127.0.0.1:1"

// wire hands requests to a handler.
type wire struct{ to http.Handler }

// RoundTrip implements http.RoundTripper.
func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	w.to.ServeHTTP(answer, r)
	return answer.Result(), nil
}

// goSDK is a program with the AWS SDK for Go that finds the container's
// variables.
func goSDK(t *testing.T, s *standIn) client {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", address+"/v1/credentials/orders")
	t.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "token")
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", t.TempDir()+"/none")
	return client{label: "AWS SDK for Go v2", fresh: func() signer {
		cfg, err := config.LoadDefaultConfig(context.Background(), config.WithRegion("us-east-1"),
			config.WithEndpointCredentialOptions(func(o *endpointcreds.Options) { o.HTTPClient = &http.Client{Transport: wire{s}} }))
		if err != nil {
			return func(time.Duration) error { return err }
		}
		return retrieves(cfg.Credentials)
	}}
}

// ourPackage is a program with the package client of this module.
func ourPackage(s *standIn) client {
	return client{label: "Go package `client`", fresh: func() signer {
		c, err := ours.New(ours.WithURL(address), ours.WithBearerToken("header.claims.signature"), ours.WithHTTPClient(&http.Client{Transport: wire{s}}))
		if err != nil {
			return func(time.Duration) error { return err }
		}
		return retrieves(c.Provider("orders"))
	}}
}

// retrieves signs in the bubble's time. A provider may fetch beside what it
// answers: that is waited for.
func retrieves(p aws.CredentialsProvider) signer {
	began := time.Now()
	return func(at time.Duration) error {
		time.Sleep(time.Until(began.Add(at)))
		got, err := p.Retrieve(context.Background())
		if err == nil && got.Expired() {
			err = errors.New("it signs with what has ended")
		}
		synctest.Wait()
		return err
	}
}

// measureGo measures the Go clients, in no time.
func measureGo(t *testing.T) (sessions []session, refusals []refusal) {
	t.Helper()
	for _, which := range []func(*testing.T, *standIn) client{goSDK, func(_ *testing.T, s *standIn) client { return ourPackage(s) }} {
		s := &standIn{now: time.Now, stamp: time.Now}
		c := which(t, s)
		synctest.Test(t, func(t *testing.T) { sessions = append(sessions, c.session(t, s)) })
		for _, status := range statuses {
			// Delays are drawn by lot: the longest of many.
			var longest refusal
			for range 100 {
				synctest.Test(t, func(t *testing.T) {
					if r := c.refused(t, s, status); r.waits >= longest.waits {
						longest = r
					}
				})
			}
			longest.says = plain(longest.says, address)
			refusals = append(refusals, longest)
		}
	}
	return sessions, refusals
}

var statuses = []int{http.StatusForbidden, http.StatusTooManyRequests, http.StatusServiceUnavailable}

// TestGoClients: what docs/callers.md says of the Go clients is so. A half
// hour's credentials are fetched once for ten signings.
func TestGoClients(t *testing.T) {
	sessions, refusals := measureGo(t)
	for _, row := range sessions {
		if row.half != 1 {
			t.Errorf("%s: ten signings with credentials of 30 minutes cost %d fetches", row.label, row.half)
		}
	}
	holdToDocument(t, sessions, refusals)
}
