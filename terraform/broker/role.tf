# The role. What it may do is all that a hole in the function could do.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id
  region    = data.aws_region.current.region

  # Spelt out, since the role and the REST API need it before the function is.
  function_arn = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.function_name}"
}

resource "aws_iam_role" "broker" {
  name                 = var.broker_role_name
  description          = "credvend's function. It may assume the roles of its targets, and nothing else of consequence."
  permissions_boundary = var.permissions_boundary_arn == "" ? null : var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "LambdaAlone"
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })

  lifecycle {
    precondition {
      condition     = alltrue([for arn in var.target_role_arns : element(split(":", arn), 1) == local.partition])
      error_message = "target_role_arns: these roles are not of the partition ${local.partition}, in which credvend is about to run. Credentials of one partition are unknown in another; write roles of this one."
    }
  }
}

# The condition makes the role useless in another function, to whoever may pass
# roles.
resource "aws_iam_role_policy" "vend" {
  name = "vend"
  role = aws_iam_role.broker.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AssumeTheTargetsRoles"
      Effect    = "Allow"
      Action    = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
      Resource  = var.target_role_arns
      Condition = { ArnEquals = { "lambda:SourceFunctionArn" = local.function_arn } }
    }]
  })
}

# The streams of one group: Lambda chooses their names.
resource "aws_iam_role_policy" "log" {
  name = "log"
  role = aws_iam_role.broker.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "WriteTheAuditTrail"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.vend.arn}:*"
    }]
  })
}

resource "aws_iam_role_policy" "allowlist" {
  count = local.has_app_config ? 1 : 0

  name = "allowlist"
  role = aws_iam_role.broker.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "ReadTheAllowlist"
      Effect   = "Allow"
      Action   = ["appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"]
      Resource = "arn:${local.partition}:appconfig:${local.region}:${local.account}:application/${local.app_config.application}/environment/${local.app_config.environment}/configuration/${local.app_config.profile}"
    }]
  })
}

# X-Ray knows no resource to name. This is the only "*", and the condition
# holds it to this region.
resource "aws_iam_role_policy" "trace" {
  count = var.tracing ? 1 : 0

  name = "trace"
  role = aws_iam_role.broker.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "SendTraces"
      Effect    = "Allow"
      Action    = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
      Resource  = "*"
      Condition = { StringEquals = { "aws:RequestedRegion" = local.region } }
    }]
  })
}
