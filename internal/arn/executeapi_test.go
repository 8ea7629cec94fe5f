package arn_test

import (
	"strings"
	"testing"

	"github.com/credvend/credvend/internal/arn"
)

func TestParseStage(t *testing.T) {
	tests := []struct {
		name, in, endpoint string
		want               arn.Stage
	}{
		{"default stage", "arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default",
			"https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
			arn.Stage{Partition: "aws", Region: "us-east-1", Account: "111122223333", API: "a1b2c3d4e5", Name: "$default"}},
		{"named stage", "arn:aws:execute-api:eu-central-1:111122223333:a1b2c3d4e5/Prod_v-2",
			"https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/Prod_v-2",
			arn.Stage{Partition: "aws", Region: "eu-central-1", Account: "111122223333", API: "a1b2c3d4e5", Name: "Prod_v-2"}},
		{"China", "arn:aws-cn:execute-api:cn-northwest-1:111122223333:a1b2c3d4e5/$default",
			"https://a1b2c3d4e5.execute-api.cn-northwest-1.amazonaws.com.cn",
			arn.Stage{Partition: "aws-cn", Region: "cn-northwest-1", Account: "111122223333", API: "a1b2c3d4e5", Name: "$default"}},
		{"GovCloud", "arn:aws-us-gov:execute-api:us-gov-east-1:111122223333:a/dev",
			"https://a.execute-api.us-gov-east-1.amazonaws.com/dev",
			arn.Stage{Partition: "aws-us-gov", Region: "us-gov-east-1", Account: "111122223333", API: "a", Name: "dev"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := arn.ParseStage(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			if got.ARN() != tt.in {
				t.Errorf("ARN %q, want %q", got.ARN(), tt.in)
			}
			if got.Endpoint() != tt.endpoint {
				t.Errorf("endpoint %q, want %q", got.Endpoint(), tt.endpoint)
			}
		})
	}
}

func TestParseStageRefuses(t *testing.T) {
	const pre, wildcard = "arn:aws:execute-api:us-east-1:111122223333:", "has a wildcard; name one API and one stage"
	const stage, form = "is not a stage", "must end in API_ID/STAGE"
	tests := []struct{ name, in, want string }{
		{"empty", "", "is not an ARN"},
		{"an endpoint", "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com", "is not an ARN"},
		{"unknown partition", "arn:aws-iso:execute-api:us-iso-east-1:111122223333:a/dev", "unknown partition"},
		{"any API", pre + "*/dev", wildcard},
		{"any stage", pre + "a/*", wildcard},
		{"one letter open", pre + "a/d?v", wildcard},
		{"any region", "arn:aws:execute-api:*:111122223333:a/dev", wildcard},
		{"any account", "arn:aws:execute-api:us-east-1:*:a/dev", wildcard},
		{"any service", "arn:aws:*:us-east-1:111122223333:a/dev", wildcard},
		{"management ARN", "arn:aws:apigateway:us-east-1::/apis/a/stages/dev", `of the service "apigateway"; write arn:aws:execute-api:REGION:ACCOUNT:API_ID/STAGE`},
		{"no region", "arn:aws:execute-api::111122223333:a/dev", `"" is no region of the partition aws`},
		{"region in capitals", "arn:aws:execute-api:US-EAST-1:111122223333:a/dev", "is no region"},
		{"region with a host", "arn:aws:execute-api:us-east-1.evil.example/:111122223333:a/dev", "is no region"},
		{"China's region elsewhere", "arn:aws:execute-api:cn-north-1:111122223333:a/dev", `"cn-north-1" is no region of the partition aws`},
		{"region elsewhere in China", "arn:aws-cn:execute-api:us-east-1:111122223333:a/dev", "is no region of the partition aws-cn"},
		{"region of an isolated partition", "arn:aws:execute-api:us-iso-east-1:111122223333:a/dev", "is no region"},
		{"no account", "arn:aws:execute-api:us-east-1::a/dev", "needs an account of 12 digits"},
		{"no stage", pre + "a1b2c3d4e5", form},
		{"empty stage", pre + "a1b2c3d4e5/", stage},
		{"a route", pre + "a/$default/GET/orders", "and no route after it"},
		{"slash behind", pre + "a/dev/", form},
		{"no API", pre + "/dev", `"" is not the id of an API`},
		{"API in capitals", pre + "A1/dev", "is not the id of an API"},
		{"API with a dot", pre + "a.evil/dev", "is not the id of an API"},
		{"API with a colon", pre + "a:b/dev", "is not the id of an API"},
		{"API of 65", pre + strings.Repeat("a", 65) + "/dev", "is not the id of an API"},
		{"other dollar stage", pre + "a/$latest", stage},
		{"stage with a variable", pre + "a/${x}", stage},
		{"stage with a dot", pre + "a/..", stage},
		{"stage with an escape", pre + "a/d%2fv", stage},
		{"stage of 129", pre + "a/" + strings.Repeat("s", 129), stage},
		{"stage with a line break", pre + "a/dev\n", stage},
		{"endless", pre + "a/" + strings.Repeat("s", 3000), "AWS's have at most 2048"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := arn.ParseStage(tt.in)
			if err == nil {
				t.Fatalf("parsed as %+v", got)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q; want %q in it", err, tt.want)
			}
			if got != (arn.Stage{}) {
				t.Errorf("a stage beside an error: %+v", got)
			}
		})
	}
}

func TestPartitionOf(t *testing.T) {
	for region, want := range map[string]string{
		"us-east-1": "aws", "ap-southeast-5": "aws", "mx-central-1": "aws", "me-south-1": "aws", "eu-central-10": "aws",
		"cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov",
		"us-iso-east-1": "", "us-isob-east-1": "", "eu-isoe-west-1": "", "eusc-de-east-1": "",
		"": "", "us": "", "us-east": "", "us-east-": "", "-east-1": "", "us--1": "", "us-east-a": "", "us-east-1a": "", "us-1-1": "", "US-east-1": "",
		"us-east-1-": "", "us east-1": "", "us-east-1\n": "", "*-*-1": "", "aa-" + strings.Repeat("b", 40) + "-1": "",
	} {
		if got := arn.PartitionOf(region); got != want {
			t.Errorf("%q is of the partition %q, want %q", region, got, want)
		}
	}
}

// FuzzParseStage: what parses prints as it was, and its endpoint is a URL of
// AWS and of nobody else.
func FuzzParseStage(f *testing.F) {
	for _, s := range []string{
		"arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/$default", "arn:aws-cn:execute-api:cn-north-1:111122223333:a/prod",
		"arn:aws-us-gov:execute-api:us-gov-west-1:111122223333:a/prod", "arn:aws:execute-api:us-east-1:111122223333:*/*", "arn:aws:execute-api:us-east-1:111122223333:a/b/GET/c", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		s, err := arn.ParseStage(in)
		if err != nil {
			if s != (arn.Stage{}) {
				t.Errorf("%+v beside %v", s, err)
			}
			return
		}
		if s.ARN() != in {
			t.Errorf("%q prints as %q", in, s.ARN())
		}
		host, path, _ := strings.Cut(strings.TrimPrefix(s.Endpoint(), "https://"), "/")
		bare := strings.TrimSuffix(strings.TrimSuffix(host, ".cn"), ".amazonaws.com")
		if bare != s.API+".execute-api."+s.Region || strings.ContainsAny(host+path, "*?$#%@:/\\ ") || arn.PartitionOf(s.Region) != s.Partition {
			t.Errorf("%q has the endpoint %q", in, s.Endpoint())
		}
	})
}
