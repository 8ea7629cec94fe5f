package process

import (
	"crypto/tls"
	"crypto/x509"
	"maps"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// TestFunctionFlags: what is measured is built as what ships.
func TestFunctionFlags(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^FUNCTION_FLAGS\s*:?=\s*(.*)$`).FindStringSubmatch(string(text))
	if m == nil || m[1] != FunctionFlags {
		t.Errorf("the Makefile's FUNCTION_FLAGS are %q and FunctionFlags here %q; make them one", m, FunctionFlags)
	}
}

func TestSplitFlags(t *testing.T) {
	for flags, want := range map[string][]string{
		FunctionFlags:        {"-tags", "lambda.norpc,nethttpomithttp2", "-trimpath", "-ldflags", "-s -w"},
		"":                   nil,
		"-a  -b 'c  d' -e":   {"-a", "-b", "c  d", "-e"},
		"'-X main.v=1' -pgo": {"-X main.v=1", "-pgo"},
	} {
		if got := slices.DeleteFunc(splitFlags(flags), func(s string) bool { return s == "" }); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", flags, got, want)
		}
	}
}

func TestSTS(t *testing.T) {
	authority, err := newAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	text, err := os.ReadFile(authority.variables["SSL_CERT_FILE"])
	if err != nil || !roots.AppendCertsFromPEM(text) {
		t.Fatal("no roots", err)
	}
	for name, cert := range map[string]*tls.Certificate{"http": nil, "https": {Certificate: authority.chain, PrivateKey: authority.key}} {
		t.Run(name, func(t *testing.T) {
			s, err := newSTS(cert)
			if err != nil {
				t.Fatal(err)
			}
			defer s.close()
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
			defer transport.CloseIdleConnections()
			client := sts.New(sts.Options{
				Region: "us-east-1", BaseEndpoint: aws.String(s.url()), HTTPClient: &http.Client{Transport: transport},
				Credentials: credentials.NewStaticCredentialsProvider("ASIAEXAMPLEBROKER000", "x", "y"),
			})
			for _, session := range []string{"billing-service@abc", "a+b=c,d.e-f_g"} {
				out, err := client.AssumeRole(t.Context(), &sts.AssumeRoleInput{
					RoleArn: aws.String("arn:aws:iam::111122223333:role/orders-invoke"), RoleSessionName: aws.String(session),
					SourceIdentity: aws.String("billing." + session), DurationSeconds: aws.Int32(900), Policy: aws.String(`{"a&b":"=c"}`),
				})
				if err != nil {
					t.Fatal(err)
				}
				left := time.Until(*out.Credentials.Expiration)
				if !strings.HasSuffix(*out.AssumedRoleUser.Arn, "/"+session) || *out.SourceIdentity != "billing."+session ||
					left > 900*time.Second || left < 850*time.Second || len(*out.Credentials.SessionToken) < 1000 || *out.PackedPolicySize == 0 { //nolint:staticcheck // what STS answers still
					t.Errorf("%s: an answer of another session, or of another length: %v", session, left)
				}
			}
			if _, err := client.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err == nil {
				t.Error("another action is answered")
			}
			if n := s.issued.Load(); n != 2 {
				t.Errorf("%d were issued, not 2", n)
			}
		})
	}
}

func TestFormValue(t *testing.T) {
	form := []byte("Action=AssumeRole&XRoleSessionName=no&RoleSessionName=a%40b%2Bc&Empty=&Bad=%zz")
	for name, want := range map[string]string{"RoleSessionName": "a@b+c", "Action": "AssumeRole", "Empty": "", "Missing": "", "Bad": "", "SessionName": ""} {
		if got := formValue(form, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestQuantile(t *testing.T) {
	for _, c := range []struct {
		values []float64
		share  float64
		want   float64
	}{
		{nil, 0.5, 0}, {[]float64{7}, 0.99, 7}, {[]float64{3, 1, 2}, 0.5, 2}, {[]float64{4, 1, 3, 2}, 0.5, 2.5}, {[]float64{1, 2, 3}, 1, 3}, {[]float64{1, 2, 3}, 0, 1},
	} {
		if got := quantile(c.values, c.share); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%v at %v: %v, want %v", c.values, c.share, got, c.want)
		}
	}
}

// TestRatio: a round in which the machine was slow for both changes nothing,
// and neither does one in which it was slow for one of them.
func TestRatio(t *testing.T) {
	var a, b samples
	for _, slow := range []time.Duration{1, 50, 1, 9, 1} {
		a.add([]time.Duration{2 * slow * time.Millisecond})
		b.add([]time.Duration{slow * time.Millisecond})
	}
	a.add([]time.Duration{time.Second})
	b.add([]time.Duration{time.Millisecond})
	if got := a.ratio(&b); math.Abs(got-2) > 1e-9 {
		t.Errorf("%v, want 2", got)
	}
}

func TestParseInits(t *testing.T) {
	got := parseInits(`{"level":"INFO"}
init runtime @0.038 ms, 0.13 ms clock, 0 bytes, 0 allocs
init internal/godebug @0.48 ms, 0.065 ms clock, 2744 bytes, 31 allocs
not init x @1 ms, 2 ms clock
init net/http @1.5 ms, 0.5 ms clock, 1 bytes, 1 allocs`)
	if want := map[string]float64{"runtime": 130, "internal/godebug": 65, "net/http": 500}; !maps.EqualFunc(got, want, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }) {
		t.Errorf("%v, want %v", got, want)
	}
}
