// Command vend is the Lambda function: bootstrap, once built.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/credvend/credvend/internal/function"
)

func main() {
	if err := function.Run(context.Background(), os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, "credvend:", err)
		os.Exit(1)
	}
}
