package local

import (
	"context"

	"github.com/credvend/credvend/internal/local/apigw"
	"github.com/credvend/credvend/internal/local/runtime"
)

// invoker is the function as front doors invoke it.
type invoker struct{ function *runtime.Function }

// Invoke implements apigw.Invoker.
func (i invoker) Invoke(ctx context.Context, payload []byte) ([]byte, string, error) {
	// The trace joins the audit trail's lines to the door's report of the request.
	answer, err := i.function.Invoke(runtime.WithTraceID(ctx, apigw.TraceOf(ctx)), payload)
	return answer.Payload, answer.FunctionError, err
}
