package apigw

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/credvend/credvend/internal/local/iam"
	"github.com/credvend/credvend/internal/local/sigv4"
)

const kindFunctionURL = "function-url"

// FunctionURLOptions describe the URL of a Lambda function.
type FunctionURLOptions struct {
	Door

	// FunctionARN is the function, or the alias, that the URL belongs to.
	FunctionARN string

	// Policy is the function's resource-based policy; nil: none. Nobody of
	// another account gets in without one.
	Policy *iam.Policy

	// Open is AuthType NONE: a mistake to plant. Lambda then asks the resource
	// policy alone, which must still allow everybody both actions.
	Open bool

	Invoker Invoker // called with payload format 2.0
}

// FunctionURL is a Lambda function URL.
type FunctionURL struct {
	core *core
	opt  FunctionURLOptions
}

// NewFunctionURL checks the options.
func NewFunctionURL(o FunctionURLOptions) (*FunctionURL, error) {
	c, err := newCore(kindFunctionURL, "lambda", o.Door)
	if err != nil {
		return nil, err
	}
	prefix := "arn:" + c.partition() + ":lambda:" + c.Region + ":" + c.Account + ":function:"
	if name, ok := strings.CutPrefix(o.FunctionARN, prefix); !ok || name == "" {
		return nil, fmt.Errorf("%s %s: the function's ARN must begin with %s", kindFunctionURL, o.ID, prefix)
	}
	if o.Invoker == nil {
		return nil, fmt.Errorf("%s %s: it needs an Invoker", kindFunctionURL, o.ID)
	}
	if o.World == nil && !o.Open {
		return nil, fmt.Errorf("%s %s: it needs a World to verify signatures with", kindFunctionURL, o.ID)
	}
	return &FunctionURL{core: c, opt: o}, nil
}

// ServeHTTP plays one request.
func (u *FunctionURL) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k := u.core.begin(w, r)
	w.Header().Set("X-Amzn-Requestid", k.requestID)
	switch {
	case !strings.HasPrefix(k.path, "/"):
		k.trace.Reason = "the request target is not a path"
		k.refuseURL(http.StatusBadRequest, "BadRequestException", "Bad Request")
		return
	case k.throttled():
		k.trace.Reason = "throttled"
		k.refuseURL(http.StatusTooManyRequests, "TooManyRequestsException", "Rate Exceeded.")
		return
	}
	if status := k.readBody(maxURLBody); status != 0 {
		k.refuseURLBody(status)
		return
	}
	authorizer, ok := u.authorize(k)
	if !ok {
		return
	}
	k.trace.Allowed = true
	event := k.httpEvent(u.domain(), DefaultRoute, "$default", k.path, nil, nil, authorizer)
	if u.opt.Open {
		event.RequestContext.AccountID = "anonymous" // as recorded events of type NONE have it
	}
	payload, err := k.invoke(u.opt.Invoker, event, lambdaTimeout)
	var ans answer
	if err == nil {
		ans, err = parseHTTPAnswer(payload, "application/json")
	}
	switch {
	case errors.Is(err, errTooLarge):
		k.trace.Reason = err.Error()
		k.refuseURLBody(http.StatusRequestEntityTooLarge)
	case err != nil:
		k.trace.Reason = err.Error()
		w.Header().Set("Content-Type", "application/json") // over plain text: that is what Lambda sends
		k.reply(http.StatusBadGateway, []byte("Internal Server Error"))
	default:
		ans.copyTo(w.Header())
		w.Header().Set("X-Amzn-Trace-Id", "Root="+k.traceID)
		k.reply(ans.status, ans.body)
	}
}

// authorize asks for both permissions that Lambda has asked for since October
// 2025: to call the URL, and to invoke the function by way of it.
func (u *FunctionURL) authorize(k *call) (*httpAuthorizer, bool) {
	s, authType := signer{}, "NONE"
	if !u.opt.Open {
		authType = "AWS_IAM"
		var err error
		if s, err = k.verify(); err != nil {
			k.replyRefusal(sigv4.FunctionURLAnswer(err))
			return nil, false
		}
	}
	for _, permission := range []struct {
		action string
		facts  iam.Context
	}{
		{"lambda:InvokeFunctionUrl", iam.Context{"lambda:functionurlauthtype": {authType}}},
		{"lambda:InvokeFunction", iam.Context{"lambda:invokedviafunctionurl": {"true"}}},
	} {
		if !k.permitted(s, u.opt.Policy, permission.action, u.opt.FunctionARN, permission.facts).Allowed {
			k.replyRefusal(sigv4.FunctionURLForbidden())
			return nil, false
		}
	}
	if u.opt.Open {
		return nil, true
	}
	return k.httpIdentity(s), true
}

func (u *FunctionURL) domain() string {
	if u.core.partition() == "aws-cn" {
		return u.opt.ID + ".lambda-url." + u.opt.Region + ".on.amazonwebservices.com.cn"
	}
	return u.opt.ID + ".lambda-url." + u.opt.Region + ".on.aws"
}

func (k *call) refuseURL(status int, errorType, text string) {
	k.w.Header().Set("X-Amzn-Errortype", errorType)
	k.replyJSON(status, "Message", text)
}

func (k *call) refuseURLBody(status int) {
	if status == http.StatusRequestEntityTooLarge {
		k.refuseURL(status, "RequestEntityTooLargeException", fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", maxEventBytes))
		return
	}
	k.refuseURL(status, "BadRequestException", "Bad Request")
}
