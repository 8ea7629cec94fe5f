package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// planOf works a module out with one input, and gives its answer as JSON.
func planOf(t *testing.T, text, in string) string {
	t.Helper()
	var out strings.Builder
	if err := run([]string{"-plan", write(t, text)}, strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out.String())
}

const told = `"known": {"data.aws_region.current": {"region": "eu-west-1"}, "aws_appconfig_application.one": {"id": "i"}, "aws_appconfig_application.one[\"b\"]": {"id": "j"}, "aws_iam_role.some": {"arn": "arn"}}`

func TestPlan(t *testing.T) {
	var got struct {
		Variables map[string]any
		Resources map[string]map[string]any
		Outputs   map[string]any
	}
	if err := json.Unmarshal([]byte(planOf(t, sound, `{"variables": {"names": ["a", "b"]}, `+told+`}`)), &got); err != nil {
		t.Fatal(err)
	}
	if app := got.Resources[`aws_appconfig_application.one["a"]`]; app["name"] != "a" || app["description"] != "in eu-west-1" || app["id"] != "i" {
		t.Errorf("the application is %v", app)
	}
	if role := got.Resources["aws_iam_role.some[0]"]; role["assume_role_policy"] != `{"names":["i","j"]}` || role["max_session_duration"] != nil {
		t.Errorf("the role is %v", role)
	}
	if got.Outputs["role"] != "arn" {
		t.Errorf("the outputs are %v", got.Outputs)
	}
}

func TestPlanRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, in, want string }{
		{"a validation", sound, `{"variables": {"names": ["A"]}, ` + told + `}`, `"refused":["names: write lower-case letters, not A"]`},
		{"no value", sound, `{}`, `it has no default`},
		{"an unknown variable", sound, `{"variables": {"names": [], "name": 1}}`, `there is no variable of this name`},
		{"a wrong type", sound, `{"variables": {"names": "a"}}`, `"refused":["names: `},
		{"what AWS was not said to tell", sound, `{"variables": {"names": ["a", "b"]}, "known": {"data.aws_region.current": {"region": "eu-west-1"}}}`, `"problem":`},
		{"a circle", versions + "locals {\n  a = local.b\n  b = local.a\n}\noutput \"x\" {\n  value = local.a\n}\n", `{}`, `depends on itself`},
		{"a precondition", versions + `resource "aws_appconfig_application" "x" {
  name = "x"
  lifecycle {
    precondition {
      condition     = length("x") > 1
      error_message = "too short"
    }
  }
}
`, `{}`, `"refused":["too short"]`},
		{"null where there must be a value", versions + "variable \"x\" {\n  type = string\n  nullable = false\n}\n", `{"variables": {"x": null}}`, `it must have a value`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := planOf(t, c.text, c.in); !strings.Contains(got, c.want) {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// TestDynamicBlocks: as many blocks as the list has elements.
func TestDynamicBlocks(t *testing.T) {
	const text = versions + `variable "on" {
  type = bool
}
resource "aws_apigatewayv2_api" "x" {
  name          = "x"
  protocol_type = "HTTP"
  dynamic "cors_configuration" {
    for_each = var.on ? [600] : []
    content {
      max_age = cors_configuration.value
    }
  }
}
`
	if got := planOf(t, text, `{"variables": {"on": true}}`); !strings.Contains(got, `"max_age":600`) {
		t.Errorf("on: %s", got)
	}
	if got := planOf(t, text, `{"variables": {"on": false}}`); !strings.Contains(got, `"cors_configuration":[]`) {
		t.Errorf("off: %s", got)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"-plan"}, {"-plan", "a", "b"}, {t.TempDir()}} {
		if err := run(args, strings.NewReader(""), &strings.Builder{}); err == nil {
			t.Errorf("%q: want an error", args)
		}
	}
}
