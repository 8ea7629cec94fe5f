# Front door: HTTP API with AWS_IAM, for this account.

locals {
  routes = {
    post_credentials = "POST /v1/credentials"
    get_credentials  = "GET /v1/credentials/{target}"
    get_targets      = "GET /v1/targets"
    get_whoami       = "GET /v1/whoami"
  }

  # The same routes as IAM names them, after an API's stage.
  route_arns = [for key in sort(values(local.routes)) : replace(replace(key, " ", ""), "{target}", "*")]
}

resource "aws_apigatewayv2_api" "iam" {
  count = var.iam_door ? 1 : 0

  name          = "${var.function_name}-iam"
  description   = "credvend for roles and users of this account (AWS_IAM)."
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_integration" "iam" {
  count = var.iam_door ? 1 : 0

  api_id                 = aws_apigatewayv2_api.iam[0].id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.vend.arn
  payload_format_version = "2.0"
}

# Whatever else a caller asks for is credvend's to answer too, with its own 404
# or 405, once the signature is good: by $default. The other routes name
# themselves in the access log and in the metrics.
resource "aws_apigatewayv2_route" "iam" {
  for_each = var.iam_door ? merge(local.routes, { any_other = "$default" }) : {}

  api_id             = aws_apigatewayv2_api.iam[0].id
  route_key          = each.value
  authorization_type = "AWS_IAM"
  target             = "integrations/${aws_apigatewayv2_integration.iam[0].id}"
}

resource "aws_apigatewayv2_stage" "iam" {
  count = var.iam_door ? 1 : 0

  api_id      = aws_apigatewayv2_api.iam[0].id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit    = var.throttle_rate
    throttling_burst_limit   = var.throttle_burst
    detailed_metrics_enabled = true
  }

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format = jsonencode(merge(local.access_log, {
      door   = "iam"
      route  = "$context.routeKey"
      caller = "$context.identity.userArn"
    }))
  }
}

# By any route of this one API: all of them have AWS_IAM. In the source ARN the
# route $default is $default/$default, after the stage of that name.
resource "aws_lambda_permission" "iam" {
  count = var.iam_door ? 1 : 0

  function_name  = aws_lambda_function.vend.function_name
  action         = "lambda:InvokeFunction"
  principal      = "apigateway.amazonaws.com"
  source_account = local.account
  source_arn     = "${aws_apigatewayv2_api.iam[0].execution_arn}/$default/*"
}

# The policy that callers of this account need. Attach it to their roles. All of
# this API is credvend's: beyond its four routes it answers 404 and 405, and a
# caller who mistypes one should read that, not API Gateway's bare 403.
resource "aws_iam_policy" "caller" {
  count = var.iam_door ? 1 : 0

  name_prefix = "${var.function_name}-caller-"
  description = "May ask credvend for credentials. What it answers is for its allowlist to say."

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "AskCredvend"
      Effect   = "Allow"
      Action   = "execute-api:Invoke"
      Resource = "${aws_apigatewayv2_api.iam[0].execution_arn}/$default/*"
    }]
  })
}
