package gateway

import (
	"context"
	"net/http"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"
)

// bridge hands requests to an http.Handler through aws-lambda-go-api-proxy.
// The library is archived upstream, so this file is all that knows it.
//
// It is fenced in on every side (see docs/adr/0004): it never sees the event,
// only a new one made of text that was checked; that has a fixed host, no
// client header but the content type and no identity; and its errors, which
// quote whole URLs, are dropped. The identity travels in the context.
type bridge struct{ adapter *httpadapter.HandlerAdapterV2 }

func newBridge(h http.Handler) bridge { return bridge{httpadapter.NewV2(h)} }

func (b bridge) serve(ctx context.Context, req request) (response, error) {
	var event events.APIGatewayV2HTTPRequest
	event.Version = "2.0"
	event.RawPath = req.path
	event.RawQueryString = req.query
	event.Body = req.body
	event.RequestContext.DomainName = "credvend.invalid"
	event.RequestContext.HTTP.Method = req.method
	if req.contentType != "" {
		event.Headers = map[string]string{"content-type": req.contentType}
	}
	answer, err := b.adapter.ProxyWithContext(ctx, event)
	if err != nil {
		return response{}, err
	}
	return response{answer.StatusCode, answer.Headers, answer.Body, answer.IsBase64Encoded}, nil
}
