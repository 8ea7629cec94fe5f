// Command minimal is package minimal as a Lambda function. ROLE_ARN is what it
// vends, CALLER_ARN whom it vends to.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/credvend/credvend/bench/minimal"
)

func main() {
	client, err := minimal.NewSTS(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "minimal:", err)
		os.Exit(1)
	}
	lambda.Start(minimal.New(client, os.Stdout, os.Getenv("ROLE_ARN"), os.Getenv("CALLER_ARN")))
}
