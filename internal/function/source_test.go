package function

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/audit"
	"github.com/credvend/credvend/internal/config"
	"github.com/credvend/credvend/internal/source"
	"github.com/credvend/credvend/internal/vendtest"
)

// TestAppConfig: the allowlist comes through the extension, and what goes wrong
// there is told to the operator and counted, and is 503 to the caller.
func TestAppConfig(t *testing.T) {
	list := string(vendtest.Document().JSON())
	for name, c := range map[string]struct {
		status       int
		body         string
		want         int
		says, counts string
	}{
		"there":        {http.StatusOK, list, http.StatusOK, "allowlist loaded", loadsMetric},
		"not deployed": {http.StatusNotFound, "PLANTED", http.StatusServiceUnavailable, "has a version been deployed?", failuresMetric},
		"garbage":      {http.StatusOK, "<html>PLANTED", http.StatusServiceUnavailable, "the allowlist cannot be read", failuresMetric},
	} {
		t.Run(name, func(t *testing.T) {
			extension := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/applications/credvend/environments/live/configurations/allowlist" {
					t.Errorf("asks %s", r.URL.Path)
				}
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			defer extension.Close()
			sdkEnv(t, answer)
			w := newWorld(t, map[string]string{
				config.AllowlistVar: "appconfig:credvend/live/allowlist", config.STSTimeoutVar: "5s,9s",
				source.AppConfigPortVar: extension.URL[strings.LastIndexByte(extension.URL, ':')+1:],
			})
			if a := w.invoke(t, vendtest.IAM("a1b2c3", vendtest.Billing(), vendtest.Ask(`{"target":"orders"}`))); a.Status != c.want {
				t.Errorf("%d %s", a.Status, a.Field("message"))
			}
			log := text(t, w.operator)
			if !strings.Contains(log, c.says) || strings.Contains(log, "PLANTED") {
				t.Errorf("the operator's log:\n%s", log)
			}
			first, _, _ := strings.Cut(log, "\n")
			var line map[string]any
			if err := json.Unmarshal([]byte(first), &line); err != nil || line[c.counts] != 1.0 || line[audit.MetricsKey] == nil {
				t.Errorf("counts nothing (%v): %s", err, first)
			}
		})
	}
}

// TestAppConfigWithoutItsLayer: a variable without a listener.
func TestAppConfigWithoutItsLayer(t *testing.T) {
	sdkEnv(t, func(http.ResponseWriter, *http.Request) { t.Error("STS is asked") })
	w := newWorld(t, map[string]string{config.AllowlistVar: "appconfig:a/b/c", source.AppConfigPortVar: "1"})
	a := w.invoke(t, vendtest.IAM("a1b2c3", vendtest.Billing(), vendtest.Ask(`{"target":"orders"}`)))
	if log := text(t, w.operator); a.Status != http.StatusServiceUnavailable || !strings.Contains(log, "AppConfigLayerArn") {
		t.Errorf("%d\n%s", a.Status, log)
	}
}
