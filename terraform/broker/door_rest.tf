# Front door: REST API with AWS_IAM and a resource policy, for this account and
# the admitted ones.

locals {
  rest_integration = {
    type       = "aws_proxy"
    httpMethod = "POST"
    uri        = "arn:${local.partition}:apigateway:${local.region}:lambda:path/2015-03-31/functions/${local.function_arn}/invocations"
  }
  rest_operation = {
    security                          = [{ sigv4 = [] }]
    "x-amazon-apigateway-integration" = local.rest_integration
  }

  # Callers of this account need no more than their own policy. Others need the
  # second statement too. The first stands whatever comes.
  rest_policy = {
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "NobodyElse"
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = "execute-api:Invoke"
        Resource  = "execute-api:/prod/*"
        Condition = { StringNotEquals = { "aws:PrincipalAccount" = concat([local.account], var.admitted_accounts) } }
      }],
      [for accounts in length(var.admitted_accounts) > 0 ? [var.admitted_accounts] : [] : {
        Sid       = "AdmittedAccounts"
        Effect    = "Allow"
        Principal = { AWS = accounts }
        Action    = "execute-api:Invoke"
        Resource  = [for route in local.route_arns : "execute-api:/prod/${route}"]
      }],
    )
  }

  rest_body = {
    openapi                      = "3.0.1"
    info                         = { title = "${var.function_name}-rest", version = "1" }
    "x-amazon-apigateway-policy" = local.rest_policy
    components = {
      securitySchemes = {
        sigv4 = { type = "apiKey", name = "Authorization", in = "header", "x-amazon-apigateway-authtype" = "awsSigv4" }
      }
    }
    security = [{ sigv4 = [] }]
    paths = {
      "/v1/credentials" = { post = local.rest_operation }
      "/v1/credentials/{target}" = {
        get = merge(local.rest_operation, {
          parameters = [{ name = "target", in = "path", required = true, schema = { type = "string" } }]
        })
      }
      "/v1/targets" = { get = local.rest_operation }
      "/v1/whoami"  = { get = local.rest_operation }
    }
  }
}

resource "aws_api_gateway_rest_api" "rest" {
  count = var.rest_api ? 1 : 0

  name        = "${var.function_name}-rest"
  description = "credvend for callers of this and of the admitted accounts (AWS_IAM)."
  body        = jsonencode(local.rest_body)

  endpoint_configuration {
    types = ["REGIONAL"]
  }
}

# A REST API serves its last deployment. Without a new one at each change an
# account that is struck off the list would stay admitted.
resource "aws_api_gateway_deployment" "rest" {
  count = var.rest_api ? 1 : 0

  rest_api_id = aws_api_gateway_rest_api.rest[0].id
  triggers    = { body = sha256(aws_api_gateway_rest_api.rest[0].body) }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_stage" "rest" {
  count = var.rest_api ? 1 : 0

  rest_api_id          = aws_api_gateway_rest_api.rest[0].id
  deployment_id        = aws_api_gateway_deployment.rest[0].id
  stage_name           = "prod"
  xray_tracing_enabled = var.tracing
  # A cache knows no identity: it would hand one caller's keys to the next.
  cache_cluster_enabled = false

  dynamic "access_log_settings" {
    for_each = var.rest_access_logs ? ["on"] : []

    content {
      destination_arn = aws_cloudwatch_log_group.access.arn
      format = jsonencode(merge(local.access_log, {
        door   = "rest-iam"
        route  = "$context.httpMethod $context.resourcePath"
        caller = "$context.identity.userArn"
      }))
    }
  }
}

resource "aws_api_gateway_method_settings" "rest" {
  count = var.rest_api ? 1 : 0

  rest_api_id = aws_api_gateway_rest_api.rest[0].id
  stage_name  = aws_api_gateway_stage.rest[0].stage_name
  method_path = "*/*"

  settings {
    caching_enabled        = false
    data_trace_enabled     = false # it would write credentials into the log
    logging_level          = "OFF"
    metrics_enabled        = true
    throttling_rate_limit  = var.throttle_rate
    throttling_burst_limit = var.throttle_burst
  }
}

resource "aws_lambda_permission" "rest" {
  count = var.rest_api ? 1 : 0

  function_name  = aws_lambda_function.vend.function_name
  action         = "lambda:InvokeFunction"
  principal      = "apigateway.amazonaws.com"
  source_account = local.account
  source_arn     = "${aws_api_gateway_rest_api.rest[0].execution_arn}/prod/*/v1/*"
}
