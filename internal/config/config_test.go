package config

import (
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/credvend/credvend/internal/identity"
)

// env is the least that a function needs, with changes to it.
func env(changes map[string]string) func(string) string {
	vars := map[string]string{"AWS_REGION": "us-east-1", "CREDVEND_FRONT_DOORS": "a1b2c3=iam"}
	maps.Copy(vars, changes)
	return func(name string) string { return vars[name] }
}

func TestDefaults(t *testing.T) {
	got, err := Load(env(nil))
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Allowlist: Allowlist{Scheme: "file", Path: "allowlist.json"},
		MaxAge:    time.Minute, MaxStale: time.Hour,
		FrontDoors: identity.Doors{"a1b2c3": {ID: "a1b2c3", Kind: identity.IAM}},
		STSRegions: []string{"us-east-1"}, STSAttemptTimeout: 400 * time.Millisecond, STSTotalTimeout: 850 * time.Millisecond,
		Cache: true, Rate: Rate{PerSecond: 10, Burst: 20},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestGoodValues(t *testing.T) {
	for _, tt := range []struct {
		name, value string
		get         func(Config) any
		want        any
	}{
		{AllowlistVar, "file:/opt/lists/a b.json", func(c Config) any { return c.Allowlist }, Allowlist{Scheme: "file", Path: "/opt/lists/a b.json"}},
		{AllowlistVar, "file:c:x", func(c Config) any { return c.Allowlist.Path }, "c:x"},
		{AllowlistVar, "appconfig:credvend/prod/allow-list_1.2", func(c Config) any { return c.Allowlist }, Allowlist{Scheme: "appconfig", Application: "credvend", Environment: "prod", Profile: "allow-list_1.2"}},
		{MaxAgeVar, "1s", func(c Config) any { return c.MaxAge }, time.Second},
		{MaxAgeVar, "1h", func(c Config) any { return c.MaxAge }, time.Hour},
		{MaxStaleVar, "1m", func(c Config) any { return c.MaxStale }, time.Minute},
		{MaxStaleVar, "24h", func(c Config) any { return c.MaxStale }, 24 * time.Hour},
		{FrontDoorsVar, "a1b2c3=iam d4e5f6=jwt url:xyz=iam r7s8t9=rest-iam,base=/prod", func(c Config) any { return len(c.FrontDoors) }, 4},
		{STSRegionsVar, "eu-west-1", func(c Config) any { return c.STSRegions }, []string{"eu-west-1"}},
		{STSRegionsVar, "us-east-1 us-west-2", func(c Config) any { return c.STSRegions }, []string{"us-east-1", "us-west-2"}},
		{STSRegionsVar, " us-west-2,us-east-1 , ap-southeast-2\n", func(c Config) any { return c.STSRegions }, []string{"us-west-2", "us-east-1", "ap-southeast-2"}},
		{STSRegionsVar, "us-gov-west-1 us-gov-east-1", func(c Config) any { return len(c.STSRegions) }, 2},
		{STSRegionsVar, "cn-north-1,cn-northwest-1", func(c Config) any { return len(c.STSRegions) }, 2},
		{STSTimeoutVar, "1s,1s", func(c Config) any { return [2]time.Duration{c.STSAttemptTimeout, c.STSTotalTimeout} }, [2]time.Duration{time.Second, time.Second}},
		{STSTimeoutVar, "1ms,29s", func(c Config) any { return c.STSTotalTimeout }, 29 * time.Second},
		{CacheVar, "on", func(c Config) any { return c.Cache }, true},
		{CacheVar, "off", func(c Config) any { return c.Cache }, false},
		{RateVar, "off", func(c Config) any { return c.Rate }, Rate{Off: true}},
		{RateVar, "0.5/s,1", func(c Config) any { return c.Rate }, Rate{PerSecond: 0.5, Burst: 1}},
		{RateVar, "100/s,1000", func(c Config) any { return c.Rate }, Rate{PerSecond: 100, Burst: 1000}},
		{"AWS_LAMBDA_LOG_LEVEL", "ERROR", func(c Config) any { return c.Cache }, true}, // the format is Text
	} {
		t.Run(tt.name+"="+tt.value, func(t *testing.T) {
			c, err := Load(env(map[string]string{tt.name: tt.value}))
			if err != nil {
				t.Fatal(err)
			}
			if got := tt.get(c); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestBadValues(t *testing.T) {
	const (
		allowlistForm = " is not file:PATH or appconfig:APPLICATION/ENVIRONMENT/PROFILE; write for example file:allowlist.json"
		appConfigForm = " is not file:PATH or appconfig:APPLICATION/ENVIRONMENT/PROFILE (names or ids of letters, digits, dots, hyphens and underscores); write for example appconfig:credvend/prod/allowlist"
		ageForm       = " is not a duration of 1s or more; write for example 1m, or 1h30m"
		timeoutForm   = " is not ATTEMPT,TOTAL, two durations above 0, ATTEMPT at most TOTAL, and TOTAL at most 29s; write for example 400ms,850ms"
		rateForm      = " is not RATE/s,BURST; write for example 10/s,20, or off"
		regionForm    = " is not a region of the partitions aws, aws-cn or aws-us-gov; write for example us-east-1 us-west-2"
	)
	for _, tt := range []struct{ name, value, want string }{
		{AllowlistVar, "allowlist.json", `CREDVEND_ALLOWLIST: "allowlist.json"` + allowlistForm},
		{AllowlistVar, "file:", `CREDVEND_ALLOWLIST: "file:"` + allowlistForm},
		{AllowlistVar, "s3:bucket/key", `CREDVEND_ALLOWLIST: "s3:bucket/key"` + allowlistForm},
		{AllowlistVar, "FILE:x", `CREDVEND_ALLOWLIST: "FILE:x"` + allowlistForm},
		{AllowlistVar, "file:a\nb", `CREDVEND_ALLOWLIST: "file:a\nb"` + allowlistForm},
		{AllowlistVar, "appconfig:a/b", `CREDVEND_ALLOWLIST: "appconfig:a/b"` + appConfigForm},
		{AllowlistVar, "appconfig:a/b/c/d", `CREDVEND_ALLOWLIST: "appconfig:a/b/c/d"` + appConfigForm},
		{AllowlistVar, "appconfig:a//c", `CREDVEND_ALLOWLIST: "appconfig:a//c"` + appConfigForm},
		{AllowlistVar, "appconfig:a/../c", `CREDVEND_ALLOWLIST: "appconfig:a/../c"` + appConfigForm},
		{AllowlistVar, "appconfig:a/b?x/c", `CREDVEND_ALLOWLIST: "appconfig:a/b?x/c"` + appConfigForm},
		{MaxAgeVar, "60", `CREDVEND_ALLOWLIST_MAX_AGE: "60"` + ageForm},
		{MaxAgeVar, "0s", `CREDVEND_ALLOWLIST_MAX_AGE: "0s"` + ageForm},
		{MaxAgeVar, "999ms", `CREDVEND_ALLOWLIST_MAX_AGE: "999ms"` + ageForm},
		{MaxAgeVar, "-1m", `CREDVEND_ALLOWLIST_MAX_AGE: "-1m"` + ageForm},
		{MaxStaleVar, "forever", `CREDVEND_ALLOWLIST_MAX_STALE: "forever"` + ageForm},
		{MaxStaleVar, "59s", `CREDVEND_ALLOWLIST_MAX_STALE: 59s is less than CREDVEND_ALLOWLIST_MAX_AGE, 1m0s; make it as long or longer`},
		{MaxAgeVar, "61m", `CREDVEND_ALLOWLIST_MAX_STALE: 1h0m0s is less than CREDVEND_ALLOWLIST_MAX_AGE, 1h1m0s; make it as long or longer`},
		{FrontDoorsVar, "", `CREDVEND_FRONT_DOORS: it is not set, and no event is believed without it; write the id and kind of each front door, for example a1b2c3=iam d4e5f6=jwt url:xyz=iam r7s8t9=rest-iam,base=/prod`},
		{STSRegionsVar, "us-east-1 cn-north-1", `CREDVEND_STS_REGIONS: us-east-1 is of the partition aws and cn-north-1 of aws-cn; write regions of one partition, since credentials of one are unknown in another`},
		{STSRegionsVar, "us-gov-west-1,us-west-1", `CREDVEND_STS_REGIONS: us-gov-west-1 is of the partition aws-us-gov and us-west-1 of aws; write regions of one partition, since credentials of one are unknown in another`},
		{STSRegionsVar, "us-east-1 us-west-2 us-east-1", `CREDVEND_STS_REGIONS: us-east-1 stands twice; write each region once`},
		{STSRegionsVar, "us-east", `CREDVEND_STS_REGIONS: "us-east"` + regionForm},
		{STSRegionsVar, "us-east-1a", `CREDVEND_STS_REGIONS: "us-east-1a"` + regionForm},
		{STSRegionsVar, "US-EAST-1", `CREDVEND_STS_REGIONS: "US-EAST-1"` + regionForm},
		{STSRegionsVar, "us-east-1;eu-west-1", `CREDVEND_STS_REGIONS: "us-east-1;eu-west-1"` + regionForm},
		{STSRegionsVar, "us-iso-east-1", `CREDVEND_STS_REGIONS: "us-iso-east-1"` + regionForm},
		{STSRegionsVar, "eusc-de-east-1", `CREDVEND_STS_REGIONS: "eusc-de-east-1"` + regionForm},
		{STSRegionsVar, "x.evil.example/-a-1", `CREDVEND_STS_REGIONS: "x.evil.example/-a-1"` + regionForm},
		{STSRegionsVar, "--1", `CREDVEND_STS_REGIONS: "--1"` + regionForm},
		{STSRegionsVar, " , ", `CREDVEND_STS_REGIONS: " , " is not a list of regions; write for example us-east-1 us-west-2`},
		{"AWS_REGION", "nowhere", `AWS_REGION: "nowhere"` + regionForm},
		{"AWS_REGION", "us-east-1 us-west-2", `AWS_REGION: "us-east-1 us-west-2" is not one region; write for example us-east-1`},
		{"AWS_REGION", "", `CREDVEND_STS_REGIONS: neither it nor AWS_REGION is set; write the regions whose STS to ask, for example us-east-1 us-west-2`},
		{STSTimeoutVar, "400ms", `CREDVEND_STS_TIMEOUT: "400ms"` + timeoutForm},
		{STSTimeoutVar, "400,850", `CREDVEND_STS_TIMEOUT: "400,850"` + timeoutForm},
		{STSTimeoutVar, "0s,850ms", `CREDVEND_STS_TIMEOUT: "0s,850ms"` + timeoutForm},
		{STSTimeoutVar, "-1s,1s", `CREDVEND_STS_TIMEOUT: "-1s,1s"` + timeoutForm},
		{STSTimeoutVar, "2s,1s", `CREDVEND_STS_TIMEOUT: "2s,1s"` + timeoutForm},
		{STSTimeoutVar, "1s,30s", `CREDVEND_STS_TIMEOUT: "1s,30s"` + timeoutForm},
		{STSTimeoutVar, "1s,2s,3s", `CREDVEND_STS_TIMEOUT: "1s,2s,3s"` + timeoutForm},
		{STSTimeoutVar, "1s, 2s", `CREDVEND_STS_TIMEOUT: "1s, 2s"` + timeoutForm},
		{CacheVar, "true", `CREDVEND_CACHE: "true" is neither on nor off; write one of the two`},
		{CacheVar, "OFF", `CREDVEND_CACHE: "OFF" is neither on nor off; write one of the two`},
		{RateVar, "10", `CREDVEND_RATE: "10"` + rateForm},
		{RateVar, "10/s", `CREDVEND_RATE: "10/s"` + rateForm},
		{RateVar, "0/s,20", `CREDVEND_RATE: "0/s,20"` + rateForm},
		{RateVar, "-1/s,20", `CREDVEND_RATE: "-1/s,20"` + rateForm},
		{RateVar, "10/s,0", `CREDVEND_RATE: "10/s,0"` + rateForm},
		{RateVar, "10/m,20", `CREDVEND_RATE: "10/m,20"` + rateForm},
		{RateVar, "Inf/s,20", `CREDVEND_RATE: "Inf/s,20"` + rateForm},
		{RateVar, "NaN/s,20", `CREDVEND_RATE: "NaN/s,20"` + rateForm},
		{RateVar, "1e3/s,20", `CREDVEND_RATE: "1e3/s,20"` + rateForm},
		{RateVar, "./s,20", `CREDVEND_RATE: "./s,20"` + rateForm},
		{RateVar, "/s,", `CREDVEND_RATE: "/s,"` + rateForm},
		{RateVar, "10/s, 20", `CREDVEND_RATE: "10/s, 20"` + rateForm},
		{RateVar, "10/s,99999999999999999999", `CREDVEND_RATE: "10/s,99999999999999999999"` + rateForm},
		{"GO_API_HOST", "https://evil.example", `GO_API_HOST: "https://evil.example" would replace the host of every request; unset it`},
	} {
		t.Run(tt.name+"="+tt.value, func(t *testing.T) {
			c, err := Load(env(map[string]string{tt.name: tt.value}))
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			if !reflect.DeepEqual(c, Config{}) {
				t.Errorf("a config beside an error: %+v", c)
			}
		})
	}
}

func TestFrontDoorErrorsNameTheVariable(t *testing.T) {
	for _, value := range []string{" ", "a1b2c3", "a1b2c3=none", "a1b2c3=iam a1b2c3=jwt", "a\nb=\x00"} {
		_, err := Load(env(map[string]string{FrontDoorsVar: value}))
		if err == nil || !strings.HasPrefix(err.Error(), "CREDVEND_FRONT_DOORS: ") {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestRegionFallsBack(t *testing.T) {
	c, err := Load(env(map[string]string{"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-1"}))
	if err != nil || !reflect.DeepEqual(c.STSRegions, []string{"eu-west-1"}) {
		t.Errorf("%v %v", c.STSRegions, err)
	}
	c, err = Load(env(map[string]string{"AWS_REGION": "eu-west-2", "AWS_DEFAULT_REGION": "eu-west-1"}))
	if err != nil || !reflect.DeepEqual(c.STSRegions, []string{"eu-west-2"}) {
		t.Errorf("%v %v", c.STSRegions, err)
	}
}

// TestLogLevel: Lambda drops JSON lines below its level, the audit trail's
// among them.
func TestLogLevel(t *testing.T) {
	for _, tt := range []struct {
		format, level string
		ok            bool
	}{
		{"", "", true},
		{"JSON", "", true},
		{"JSON", "TRACE", true},
		{"JSON", "DEBUG", true},
		{"JSON", "INFO", true},
		{"json", "info", true},
		{"Text", "FATAL", true},
		{"", "FATAL", true},
		{"JSON", "WARN", false},
		{"JSON", "ERROR", false},
		{"JSON", "FATAL", false},
		{"json", "warn", false},
		{"Json", "Error", false},
		{"JSON", "SOMETHING", false},
	} {
		_, err := Load(env(map[string]string{"AWS_LAMBDA_LOG_FORMAT": tt.format, "AWS_LAMBDA_LOG_LEVEL": tt.level}))
		if (err == nil) != tt.ok {
			t.Errorf("%s %s: %v", tt.format, tt.level, err)
		}
		if want := `AWS_LAMBDA_LOG_LEVEL: "` + tt.level + `" makes Lambda drop the audit trail, whose lines are INFO; set the function's application log level to INFO or below, or its log format to Text`; err != nil && err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func TestAllowlistString(t *testing.T) {
	for _, s := range []string{"file:allowlist.json", "appconfig:a/b/c"} {
		a, err := parseAllowlist(s)
		if err != nil || a.String() != s {
			t.Errorf("%s: %v %v", s, a, err)
		}
	}
}

// TestAnyValue: whatever stands in the environment, the answer is a sound
// config, or one line that names a variable.
func TestAnyValue(t *testing.T) {
	names := []string{AllowlistVar, MaxAgeVar, MaxStaleVar, FrontDoorsVar, STSRegionsVar, STSTimeoutVar, CacheVar, RateVar, "AWS_REGION", "AWS_LAMBDA_LOG_LEVEL", "GO_API_HOST"}
	values := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9./smh,:=a-z\n -]{0,20}`), rapid.StringMatching(`[0-9]{1,3}(\.[0-9])?(/s|ms|s|m),?[0-9]{0,3}(ms|s)?`))
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(names).Draw(t, "name")
		c, err := Load(env(map[string]string{name: values.Draw(t, "value"), "AWS_LAMBDA_LOG_FORMAT": "JSON"}))
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\n\x1b") || len(err.Error()) > 1000 || !strings.Contains(err.Error(), ": ") {
				t.Fatalf("not one line: %q", err)
			}
			return
		}
		sound := c.MaxAge >= time.Second && c.MaxStale >= c.MaxAge && len(c.FrontDoors) > 0 && len(c.STSRegions) > 0 &&
			c.STSAttemptTimeout > 0 && c.STSTotalTimeout >= c.STSAttemptTimeout && c.STSTotalTimeout <= 29*time.Second &&
			(c.Rate.Off || c.Rate.PerSecond > 0 && c.Rate.Burst > 0) && c.Allowlist.Scheme != ""
		if !sound {
			t.Fatalf("unsound: %+v", c)
		}
	})
}
