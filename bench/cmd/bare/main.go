// Command bare is the least that aws-lambda-go can be: bytes in, the same few
// bytes out. It is the floor that every Go function stands on.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
)

type handler struct{}

// Invoke implements lambda.Handler.
func (handler) Invoke(context.Context, []byte) ([]byte, error) { //nolint:unparam // the interface's
	return []byte(`{"statusCode":200,"headers":{"Content-Type":"application/json"},"body":"{}"}`), nil
}

func main() { lambda.Start(handler{}) }
