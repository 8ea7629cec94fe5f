package blackbox

import (
	"strings"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/config"
)

// TestBadConfiguration: a variable that is missing or malformed stops the
// function at start with one line that names it, before any event.
func TestBadConfiguration(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range []struct {
		names string // the variable that the line must name
		env   map[string]string
	}{
		{config.FrontDoorsVar, map[string]string{config.FrontDoorsVar: "-"}},
		{config.FrontDoorsVar, map[string]string{config.FrontDoorsVar: ""}},
		{config.FrontDoorsVar, map[string]string{config.FrontDoorsVar: "a1b2c3"}},
		{config.FrontDoorsVar, map[string]string{config.FrontDoorsVar: "a1b2c3=anyone"}},
		{config.FrontDoorsVar, map[string]string{config.FrontDoorsVar: "a1b2c3=iam a1b2c3=jwt"}},
		{config.FrontDoorsVar, map[string]string{config.FrontDoorsVar: "a1b2c3=rest-iam,base=prod/../x"}},
		{config.AllowlistVar, map[string]string{config.AllowlistVar: "allowlist.json"}},
		{config.AllowlistVar, map[string]string{config.AllowlistVar: "s3:bucket/key"}},
		{config.AllowlistVar, map[string]string{config.AllowlistVar: "appconfig:only/two"}},
		{config.MaxAgeVar, map[string]string{config.MaxAgeVar: "60"}},
		{config.MaxAgeVar, map[string]string{config.MaxAgeVar: "-1m"}},
		{config.MaxStaleVar, map[string]string{config.MaxStaleVar: "never"}},
		{config.MaxStaleVar, map[string]string{config.MaxAgeVar: "2h"}},
		{config.STSRegionsVar, map[string]string{config.STSRegionsVar: "us-east-1 cn-north-1"}},
		{config.STSRegionsVar, map[string]string{config.STSRegionsVar: "evil.example/#"}},
		{config.STSRegionsVar, map[string]string{"AWS_REGION": "-", "AWS_DEFAULT_REGION": "-"}},
		{"AWS_REGION", map[string]string{"AWS_REGION": "everywhere"}},
		{config.STSTimeoutVar, map[string]string{config.STSTimeoutVar: "400ms"}},
		{config.STSTimeoutVar, map[string]string{config.STSTimeoutVar: "2s,1s"}},
		{config.CacheVar, map[string]string{config.CacheVar: "yes"}},
		{config.RateVar, map[string]string{config.RateVar: "10"}},
		{config.RateVar, map[string]string{config.RateVar: "0/s,0"}},
		{"AWS_LAMBDA_LOG_LEVEL", map[string]string{"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "WARN"}},
		{"AWS_LAMBDA_LOG_LEVEL", map[string]string{"AWS_LAMBDA_LOG_FORMAT": "json", "AWS_LAMBDA_LOG_LEVEL": "fatal"}},
		{"GO_API_HOST", map[string]string{"GO_API_HOST": "https://evil.example"}},
		{"AWS_LAMBDA_RUNTIME_API", map[string]string{"AWS_LAMBDA_RUNTIME_API": "-"}},
		{"AWS_MAX_ATTEMPTS", map[string]string{"AWS_MAX_ATTEMPTS": "many"}}, // the SDK's own
		// A value with line feeds must not make a second line, which could pass
		// for another's.
		{config.CacheVar, map[string]string{config.CacheVar: "x\n{\"event\":\"outcome\"}"}},
		{config.FrontDoorsVar, map[string]string{config.FrontDoorsVar: "a1b2c3=iam\nx\x1b[2J=y"}},
		{config.AllowlistVar, map[string]string{config.AllowlistVar: "file:a\nb"}},
	} {
		seen[c.names] = true
		t.Run(c.names, func(t *testing.T) {
			f := start(t, setup{env: c.env})
			select {
			case <-f.exited:
			case <-f.api.polled:
				t.Fatal("the function asks for events")
			case <-time.After(patience):
				t.Fatal("the function neither goes nor asks for events")
			}
			if code := f.cmd.ProcessState.ExitCode(); code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			if text := read(t, f.out); text != "" {
				t.Errorf("standard output is the audit trail's, and holds %q", text)
			}
			text := read(t, f.errs)
			if strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") {
				t.Errorf("not one line: %q", text)
			}
			if !strings.HasPrefix(text, "credvend: ") || !strings.Contains(text, c.names) {
				t.Errorf("the line does not name %s: %q", c.names, text)
			}
			if strings.ContainsAny(text, "\x1b\r") {
				t.Errorf("the line commands the terminal: %q", text)
			}
		})
	}
	for _, name := range []string{
		config.AllowlistVar, config.MaxAgeVar, config.MaxStaleVar, config.FrontDoorsVar, config.STSRegionsVar, config.STSTimeoutVar, config.CacheVar, config.RateVar,
	} {
		if !seen[name] {
			t.Errorf("no case for %s", name)
		}
	}
}

// TestGoodConfiguration: what is documented starts, and vends.
func TestGoodConfiguration(t *testing.T) {
	for _, c := range []struct {
		name string
		env  map[string]string
	}{
		{"defaults", nil},
		{"everything set", map[string]string{
			config.MaxAgeVar: "30s", config.MaxStaleVar: "2h", config.STSRegionsVar: "us-east-1 us-west-2", config.STSTimeoutVar: "5s,10s",
			config.CacheVar: "off", config.RateVar: "off",
		}},
		{"empty is unset", map[string]string{config.MaxAgeVar: "", config.STSRegionsVar: "", config.STSTimeoutVar: "", config.CacheVar: "", config.RateVar: ""}},
		{"regions without Lambda's", map[string]string{config.STSRegionsVar: "eu-west-1", "AWS_REGION": "-", "AWS_DEFAULT_REGION": "-"}},
		{"JSON logs at INFO", map[string]string{"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}},
		{"text logs, whatever the level", map[string]string{"AWS_LAMBDA_LOG_FORMAT": "Text", "AWS_LAMBDA_LOG_LEVEL": "FATAL"}},
		{"the SDK logs everything", map[string]string{"AWS_SDK_LOG_LEVEL": "debug", "AWS_LOG_LEVEL": "debug", "GODEBUG": "http2debug=2"}},
		{"managed instances", map[string]string{"AWS_LAMBDA_MAX_CONCURRENCY": "4"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := up(t, setup{env: c.env})
			if a := f.invoke(t, billing(askOrders)); a.Status != 200 || a.Field("AccessKeyId") != "ASIAEXAMPLE000000001" {
				t.Errorf("%d %s", a.Status, a.Field("message"))
			}
		})
	}
}

// TestAllowlistBesideTheProgram: by default the list lies in the working
// directory, as Lambda sets it: the folder of the package.
func TestAllowlistBesideTheProgram(t *testing.T) {
	f := up(t, setup{env: map[string]string{config.AllowlistVar: "-"}})
	if a := f.invoke(t, billing(askOrders)); a.Status != 200 {
		t.Errorf("%d %s", a.Status, a.Field("message"))
	}
}
