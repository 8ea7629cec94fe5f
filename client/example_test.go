package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/credvend/credvend/client"
)

// pretend stands in for a service, so that the examples run.
func pretend(status int, body string) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
}

func granted() string {
	now := time.Now().UTC()
	stamp := func(d time.Duration) string { return now.Add(d).Format(time.RFC3339) }
	return fmt.Sprintf(`{"Version":1,"AccessKeyId":"ASIAEXAMPLEVENDED000","SecretAccessKey":"example","SessionToken":"example",
		"Expiration":%q,"AccountId":"111122223333","Grant":{"requestId":"r","target":"orders","routes":["GET /orders/*"],
		"refreshAfter":%q,"serverTime":%q}}`, stamp(30*time.Minute), stamp(12*time.Minute), stamp(0))
}

// Credentials that renew themselves, for anything that takes an aws.Config.
func ExampleClient_Provider() {
	service := pretend(http.StatusOK, granted())
	defer service.Close()

	// In real life: config.LoadDefaultConfig(ctx).
	caller := aws.Config{
		Region:      "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLECALLER000", "example", ""),
	}
	c, err := client.New(client.WithURL(service.URL), client.WithAWSConfig(caller))
	if err != nil {
		fmt.Println(err)
		return
	}

	target := caller.Copy()
	target.Credentials = c.Provider("orders", client.Routes("GET /orders/*"))
	creds, err := target.Credentials.Retrieve(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(creds.AccessKeyID, "of account", creds.AccountID)
	// Output: ASIAEXAMPLEVENDED000 of account 111122223333
}

// An http.Client that signs what it sends to a target.
func ExampleClient_Transport() {
	orders := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		_, _ = fmt.Fprintln(w, r.Method, r.URL.Path, "signed with", scheme)
	}))
	defer orders.Close()
	service := pretend(http.StatusOK, strings.Replace(granted(), `"Grant":{`, `"Grant":{"endpoint":"`+orders.URL+`","region":"us-east-1",`, 1))
	defer service.Close()

	c, err := client.New(client.WithURL(service.URL), client.WithBearerToken("header.payload.signature"))
	if err != nil {
		fmt.Println(err)
		return
	}
	target := c.Transport("orders")
	vended, err := target.Vended(context.Background()) // says where the target is
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := (&http.Client{Transport: target}).Get(vended.Grant.Endpoint + "/orders/42")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	fmt.Print(string(text), err)
	// Output:
	// GET /orders/42 signed with AWS4-HMAC-SHA256
	// <nil>
}

// A caller with a JWT, as a mobile backend or a CI job has one.
func ExampleClient_Vend() {
	service := pretend(http.StatusOK, granted())
	defer service.Close()

	c, err := client.New(client.WithURL(service.URL), client.WithBearerToken("header.payload.signature"))
	if err != nil {
		fmt.Println(err)
		return
	}
	creds, err := c.Vend(context.Background(), "orders", client.Duration(30*time.Minute))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(creds.AccessKeyID, creds.Grant.Routes)
	fmt.Println("printing a secret shows", creds.SecretAccessKey)
	// Output:
	// ASIAEXAMPLEVENDED000 [GET /orders/*]
	// printing a secret shows [redacted]
}

// Telling a refusal from an outage.
func ExampleError() {
	service := pretend(http.StatusForbidden, `{"code":"denied","message":"no rule lets this caller use the target payments","requestId":"7f3c9a"}`)
	defer service.Close()

	c, err := client.New(client.WithURL(service.URL), client.WithBearerToken("header.payload.signature"))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = c.Vend(context.Background(), "payments")
	var answer *client.Error
	if errors.As(err, &answer) && answer.Refused() {
		fmt.Println(answer.Code+":", answer.Message)
		fmt.Println("request", answer.RequestID)
	}
	// Output:
	// denied: no rule lets this caller use the target payments
	// request 7f3c9a
}
