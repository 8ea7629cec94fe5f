package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const versions = `terraform {
  required_version = ">= 1.9, < 2.0"
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 6.29" }
  }
}
`

// sound is a module without problems.
const sound = versions + `
variable "names" {
  description = "Names."
  type        = list(string)

  validation {
    condition     = alltrue([for n in var.names : can(regex("^[a-z]+$", n))])
    error_message = "names: write lower-case letters, not ${join(",", var.names)}"
  }
}

variable "other" {
  description = "Another."
  type        = string
  default     = ""

  validation {
    condition     = var.other == "" || length(var.names) > 0
    error_message = "other: nothing, or with names"
  }
}

data "aws_region" "current" {}

locals {
  region = data.aws_region.current.region
}

resource "aws_appconfig_application" "one" {
  for_each = toset(var.names)

  name        = each.value
  description = "in ${local.region}${var.other}"
}

resource "aws_iam_role" "some" {
  count = length(var.names) > 1 ? 1 : 0

  assume_role_policy = jsonencode({ names = [for n in var.names : aws_appconfig_application.one[n].id] })
}

output "role" {
  description = "The role."
  value       = one(aws_iam_role.some[*].arn)
}
`

func write(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// problemsOf are what loading and checking say of a module.
func problemsOf(t *testing.T, text string) string {
	t.Helper()
	known, err := loadSchema()
	if err != nil {
		t.Fatal(err)
	}
	m, err := loadModule(write(t, text))
	if err != nil {
		return err.Error()
	}
	return strings.Join(m.check(known), "\n")
}

func TestCheck(t *testing.T) {
	if found := problemsOf(t, sound); found != "" {
		t.Fatalf("a sound module: %s", found)
	}
	for _, c := range []struct{ name, old, with, want string }{
		{"no HCL", "locals {", "locals", "block definition required"},
		{"another block", "locals {", "import {", "is not understood here"},
		{"unformatted", "  region = data", "  region   = data", "not formatted"},
		{"an unpinned Terraform", `">= 1.9, < 2.0"`, `">= 1.9"`, "required_version"},
		{"an unpinned provider", `version = "~> 6.29"`, `version = ">= 6.0"`, "provider aws is not pinned"},
		{"no description of a variable", "  description = \"Names.\"\n", "", "var.names has no description"},
		{"no type", "  type        = list(string)\n", "", "var.names has no type"},
		{"a variable unused", "toset(var.names)", `toset(["a"])`, ""},
		{"a local unused", "in ${local.region}", "here", "local.region is not used"},
		{"a data source unused", "data.aws_region.current.region", `"us-east-1"`, "data.aws_region.current is not used"},
		{"no such variable", "toset(var.names)", "toset(var.name)", "there is no var.name"},
		{"no such local", "local.region}", "local.regions}", "there is no local.regions"},
		{"no such resource", "aws_iam_role.some[*].arn", "aws_iam_role.any[*].arn", "there is no aws_iam_role.any"},
		{"no such attribute", "aws_iam_role.some[*].arn", "aws_iam_role.some[*].arm", "no such attribute"},
		{"no such attribute of an instance", "one[n].id", "one[n].ids", "no such attribute"},
		{"no index", "aws_appconfig_application.one[n].id", "aws_appconfig_application.one.id", "has an index where"},
		{"an unknown type", `"aws_appconfig_application"`, `"aws_appconfig_applications"`, "schema.json has no aws_appconfig_applications"},
		{"an unknown argument", "  description = \"in", "  describe    = \"in", "no argument describe"},
		{"a required argument missing", "  name        = each.value\n", "", "the argument name is missing"},
		{"an unknown block", "  count = length", "  x {}\n  count = length", "no block x"},
		{"an unknown function", "toset(var.names)", "setunion(var.names)", "the function setunion is not understood"},
		{"a validation that looks elsewhere", "for n in var.names : can", `for n in ["a"] : can`, "does not look at it"},
		{"validations in a circle", "condition     = alltrue(", "condition     = var.other == \"\" || alltrue(", "validations look at one another: var.names, var.other, var.names"},
		{"count and for_each", "  for_each = toset(var.names)\n", "  for_each = toset(var.names)\n  count    = 1\n", "exclude one another"},
		{"a name twice", "output \"role\" {", "output \"role\" {\n  value = 1\n}\noutput \"role\" {", "stands twice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(sound, c.old) {
				t.Fatalf("the sound module has no %q", c.old)
			}
			found := problemsOf(t, strings.Replace(sound, c.old, c.with, 1))
			if c.want == "" {
				if found != "" {
					t.Errorf("got %q, want nothing", found)
				}
			} else if !strings.Contains(found, c.want) {
				t.Errorf("got %q, want %q", found, c.want)
			}
		})
	}
}

// TestOurModules: what stands under terraform/ has no problems.
func TestOurModules(t *testing.T) {
	var out strings.Builder
	if err := run([]string{"../../terraform/broker", "../../terraform/target"}, nil, &out); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
}
