// Package minimal is the vending function that a good engineer would write in
// an afternoon, with the libraries that credvend uses: one role, one session
// policy and one caller, all fixed. It is what credvend's figures stand beside.
//
// It does its own work as well as it can and nothing else: no allowlist, no
// narrowing, no reuse, no second region. Nothing of credvend is in it, and it
// must be neither slowed down nor spared anything, or the ratios would lie.
package minimal

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"        //nolint:depguard // what it is measured with
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter" //nolint:depguard // what it is measured with
)

const (
	target   = "orders"
	endpoint = "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"
	region   = "us-east-1"
	// policy is the session policy: two routes of one API.
	policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":[` +
		`"arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default/GET/orders",` +
		`"arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default/GET/orders/*"]}]}`
	lifetime = 30 * time.Minute
	maxBody  = 8 << 10
)

// vendor vends credentials of one role to one caller.
type vendor struct {
	sts    STS
	log    *slog.Logger
	role   string // ARN
	caller string // ARN of the one role session's role: arn:aws:sts::…:assumed-role/NAME
}

// New returns a Lambda handler for the events of an HTTP API with AWS_IAM. It
// answers POST /v1/credentials {"target":"orders"} of sessions of caller, in
// the form arn:aws:sts::444455556666:assumed-role/NAME, with credentials of
// role, and refuses everyone else. It writes two lines of JSON a vend to log.
func New(client STS, log io.Writer, role, caller string) lambda.Handler {
	v := &vendor{sts: client, log: slog.New(slog.NewJSONHandler(log, nil)), role: role, caller: caller}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/credentials", v.vend)
	return lambda.NewHandler(httpadapter.NewV2(mux).ProxyWithContext)
}

func (v *vendor) vend(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	var requestID string
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		requestID = lc.AwsRequestID
	}
	event, ok := core.GetAPIGatewayV2ContextFromContext(ctx) //nolint:forbidigo // ProxyWithContext put it there, no header
	if !ok || event.Authorizer == nil || event.Authorizer.IAM == nil {
		v.refuse(w, requestID, http.StatusUnauthorized, "unauthenticated", "the request has no verified identity")
		return
	}
	user := event.Authorizer.IAM.UserARN
	if !strings.HasPrefix(user, v.caller+"/") {
		v.log.InfoContext(ctx, "refused", slog.String("requestId", requestID), slog.String("principal", user), slog.String("sourceIp", event.HTTP.SourceIP))
		v.refuse(w, requestID, http.StatusForbidden, "denied", "no rule allows it")
		return
	}
	var ask struct {
		Target string `json:"target"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&ask); err != nil || ask.Target != target {
		v.refuse(w, requestID, http.StatusBadRequest, "invalid_request", `the body must be {"target":"`+target+`"}`)
		return
	}
	session := "billing-service@" + strings.ReplaceAll(requestID, "-", "")
	v.log.InfoContext(ctx, "intent", slog.String("requestId", requestID), slog.String("principal", user), slog.String("sourceIp", event.HTTP.SourceIP),
		slog.String("target", target), slog.String("role", v.role), slog.String("session", session), slog.Int("durationSeconds", int(lifetime.Seconds())))
	start := time.Now()
	out, err := v.assume(ctx, session)
	if err != nil {
		v.log.ErrorContext(ctx, "failed", slog.String("requestId", requestID), slog.Any("error", err))
		v.refuse(w, requestID, http.StatusBadGateway, "target_misconfigured", "STS refused")
		return
	}
	v.log.InfoContext(ctx, "issued", slog.String("requestId", requestID), slog.String("principal", user), slog.String("sourceIp", event.HTTP.SourceIP),
		slog.String("target", target), slog.String("role", v.role), slog.String("session", session), slog.String("accessKeyId", *out.Credentials.AccessKeyId),
		slog.Time("expiration", *out.Credentials.Expiration), slog.Int64("latencyMs", time.Since(start).Milliseconds()))
	v.answer(w, requestID, http.StatusOK, newCredentials(out, v.role, requestID, session))
}

func (v *vendor) refuse(w http.ResponseWriter, requestID string, status int, code, message string) {
	v.answer(w, requestID, status, map[string]string{
		"code": code, "message": message, "Code": code, "Message": message, "requestId": requestID,
	})
}

func (v *vendor) answer(w http.ResponseWriter, requestID string, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		v.log.Error("the answer was not written", slog.String("requestId", requestID), slog.Any("error", err))
	}
}
