package gateway

import (
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/credvend/credvend/api"
	"github.com/credvend/credvend/internal/fault"
	"github.com/credvend/credvend/internal/route"
	"github.com/credvend/credvend/internal/vend"
)

// endpoint is one path of the service: what each method does. Methods that are
// not in it are 405, HEAD included; ServeMux would serve HEAD where GET is.
type endpoint map[string]func(ctx context.Context, call *vend.Call, r *http.Request) ([]byte, error)

// routes is the service as an http.Handler.
func (h *Handler) routes() http.Handler {
	mux := http.NewServeMux()
	for path, e := range map[string]endpoint{
		api.CredentialsPath:               {http.MethodPost: h.postCredentials},
		api.CredentialsPath + "/{target}": {http.MethodGet: h.getCredentials},
		api.TargetsPath:                   {http.MethodGet: h.getTargets},
		api.WhoAmIPath:                    {http.MethodGet: h.getWhoAmI},
	} {
		mux.Handle(path, h.serve(e))
	}
	mux.Handle("/", h.serve(nil))
	return mux
}

// serve runs the endpoint's method and writes its answer or its failure.
func (h *Handler) serve(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		call := callFrom(ctx)
		serve, ok := e[r.Method]
		switch {
		case e == nil:
			h.refusal(ctx, call, fault.New(fault.NotFound, "there is nothing at this path; see POST %s, GET %s and GET %s", api.CredentialsPath, api.TargetsPath, api.WhoAmIPath)).write(w)
			return
		case !ok:
			h.refusal(ctx, call, methodNotAllowed(strings.Join(e.methods(), ", "))).write(w)
			return
		}
		body, err := serve(ctx, call, r)
		if err != nil {
			// What the service refused is recorded; what was refused on the way
			// to it is recorded here.
			h.refusal(ctx, call, err).write(w)
			return
		}
		send(w, http.StatusOK, body)
	})
}

func (e endpoint) methods() (all []string) {
	for m := range e {
		all = append(all, m)
	}
	slices.Sort(all)
	return all
}

func (h *Handler) postCredentials(ctx context.Context, call *vend.Call, r *http.Request) ([]byte, error) {
	call.Asks("", nil)
	if _, err := queryFields(r.URL); err != nil {
		return nil, err
	}
	if ct := r.Header.Get("Content-Type"); ct != "" && ct != "application/json" {
		if media, _, err := mime.ParseMediaType(ct); err != nil || media != "application/json" {
			return nil, fault.New(fault.UnsupportedMediaType, "the body must be JSON; send Content-Type: application/json")
		}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, api.MaxBody+1))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "reading the body")
	}
	req, err := api.DecodeCredentialsRequest(body)
	call.Asks(req.Target, req.Routes)
	if err != nil {
		return nil, fault.New(fault.InvalidRequest, "%s", err)
	}
	return h.vend(ctx, call, req)
}

func (h *Handler) getCredentials(ctx context.Context, call *vend.Call, r *http.Request) ([]byte, error) {
	call.Asks(r.PathValue("target"), r.URL.Query()["route"]) // also if the query is refused
	query, err := queryFields(r.URL, "route", "durationSeconds")
	if err != nil {
		return nil, err
	}
	// A body here would be somebody's idea of narrowing the request: ignored,
	// it would be answered with more than was meant.
	if n, err := io.Copy(io.Discard, r.Body); err != nil || n > 0 {
		return nil, fault.New(fault.InvalidRequest, "a GET takes no body; ask by query parameters, or POST %s", api.CredentialsPath)
	}
	req := api.CredentialsRequest{Target: r.PathValue("target"), Routes: query["route"]}
	if d := query["durationSeconds"]; len(d) > 0 {
		if len(d) > 1 {
			return nil, fault.New(fault.InvalidRequest, "durationSeconds stands twice in the query")
		}
		if req.DurationSeconds, err = api.ParseDurationSeconds(d[0]); err != nil {
			return nil, fault.New(fault.InvalidRequest, "%s", err)
		}
	}
	return h.vend(ctx, call, req)
}

func (h *Handler) vend(ctx context.Context, call *vend.Call, req api.CredentialsRequest) ([]byte, error) {
	ask := vend.Ask{Target: req.Target, Duration: time.Duration(req.DurationSeconds) * time.Second}
	if len(req.Routes) > api.MaxRoutes {
		return nil, fault.New(fault.InvalidRequest, "%d routes; at most %d are taken: merge them with wildcards", len(req.Routes), api.MaxRoutes)
	}
	for _, text := range req.Routes {
		parsed, err := route.Parse(text)
		if err != nil {
			return nil, fault.New(fault.InvalidRequest, "%s", err)
		}
		ask.Routes = append(ask.Routes, parsed)
	}
	vended, err := h.service.Vend(ctx, call, ask)
	if err != nil {
		return nil, err
	}
	return credentials(call, vended).Encode()
}

func (h *Handler) getTargets(ctx context.Context, call *vend.Call, r *http.Request) ([]byte, error) {
	if _, err := queryFields(r.URL); err != nil {
		return nil, err
	}
	listing, err := h.service.Targets(ctx, call)
	if err != nil {
		return nil, err
	}
	return json.Marshal(targets(call, listing))
}

func (h *Handler) getWhoAmI(ctx context.Context, call *vend.Call, r *http.Request) ([]byte, error) {
	if _, err := queryFields(r.URL); err != nil {
		return nil, err
	}
	who, err := h.service.WhoAmI(ctx, call)
	if err != nil {
		return nil, err
	}
	return json.Marshal(whoAmI(call, who))
}

// queryFields refuses query parameters that a path does not take: a misspelt
// one would ask for more than was meant.
func queryFields(u *url.URL, known ...string) (url.Values, error) {
	if u.RawQuery == "" {
		return nil, nil
	}
	query := u.Query()
	for name := range query {
		if slices.Contains(known, name) {
			continue
		}
		if len(known) == 0 {
			return nil, fault.New(fault.InvalidRequest, "this path takes no query parameters; POST %s takes its fields in the body", api.CredentialsPath)
		}
		return nil, fault.New(fault.InvalidRequest, "unknown query parameter; known are %s", strings.Join(known, " and "))
	}
	return query, nil
}
