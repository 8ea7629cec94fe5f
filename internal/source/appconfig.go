package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

// AppConfigPortVar names the extension's port, and DefaultAppConfigPort is what
// it listens on where the variable is not set.
const (
	AppConfigPortVar     = "AWS_APPCONFIG_EXTENSION_HTTP_PORT"
	DefaultAppConfigPort = 2772
)

// AppConfig loads the allowlist through the HTTP interface that AWS's AppConfig
// extension for Lambda has on loopback. The extension asks AppConfig itself, in
// the background, and answers from its memory: a change takes the extension's
// poll interval longer than with a File.
//
// A document's version is the digest of its bytes, as a File's: the labels that
// AppConfig gives are chosen by people, who may give one twice.
type AppConfig struct {
	Application, Environment, Profile string // names or ids that may stand in a path as they are
	Port                              int    // 0: DefaultAppConfigPort
}

// loopback asks the extension alone. It heeds no proxy variable, and a transport
// by itself follows no redirect: the list of who may do what comes from nowhere
// else. It keeps no connection, which a freeze would cut.
func loopback() *http.Transport {
	return &http.Transport{DisableKeepAlives: true, DisableCompression: true}
}

func (a AppConfig) url() string {
	port := a.Port
	if port == 0 {
		port = DefaultAppConfigPort
	}
	return "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) +
		"/applications/" + a.Application + "/environments/" + a.Environment + "/configurations/" + a.Profile
}

// Load asks the extension.
func (a AppConfig) Load(ctx context.Context, version string) (Payload, error) {
	return a.load(ctx, version, MaxSize)
}

func (a AppConfig) load(ctx context.Context, version string, limit int64) (Payload, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url(), nil)
	if err != nil {
		return Payload{}, fmt.Errorf("the AppConfig extension cannot be asked: %w", err)
	}
	answer, err := loopback().RoundTrip(request)
	if err != nil {
		var refused *net.OpError
		if errors.As(err, &refused) && refused.Op == "dial" {
			return Payload{}, fmt.Errorf("no AppConfig extension listens; add its layer to the function (template parameter AppConfigLayerArn): %w", err)
		}
		return Payload{}, fmt.Errorf("the AppConfig extension does not answer: %w", err)
	}
	defer func() { _ = answer.Body.Close() }() // all that counts has been read
	if answer.StatusCode != http.StatusOK {
		// Its text stays out of the log: it is somebody else's, of any length.
		return Payload{}, fmt.Errorf("the AppConfig extension answers %d%s", answer.StatusCode, remedy(answer.StatusCode))
	}
	document, err := io.ReadAll(io.LimitReader(answer.Body, limit+1))
	if err != nil {
		return Payload{}, fmt.Errorf("the AppConfig extension's answer breaks off: %w", err)
	}
	if int64(len(document)) > limit {
		return Payload{}, fmt.Errorf("the allowlist in AppConfig has more than %d bytes; it may have no more", limit)
	}
	if len(document) == 0 {
		return Payload{}, errors.New("the allowlist in AppConfig is empty; deploy a version that `credvend allowlist build` wrote")
	}
	sum := sha256.Sum256(document)
	if found := hex.EncodeToString(sum[:]); found != version {
		return Payload{Document: document, Version: found}, nil
	}
	return Payload{Version: version, Unchanged: true}, nil
}

// remedy is what to look at first, for what the extension passes on of AppConfig.
func remedy(status int) string {
	switch status {
	case http.StatusBadRequest, http.StatusNotFound:
		return ": is there such an application, environment and profile, and has a version been deployed?"
	case http.StatusUnauthorized, http.StatusForbidden:
		return ": the function's role needs appconfig:StartConfigurationSession and appconfig:GetLatestConfiguration"
	default:
		return ": AppConfig cannot be reached, or the extension is not ready"
	}
}
