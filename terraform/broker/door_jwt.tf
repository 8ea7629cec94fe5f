# Front door: HTTP API with JWT, for people, phones and CI.

locals {
  has_jwt = var.jwt_issuer != ""

  # Whatever else a bearer asks for is credvend's to answer too, with its own 404
  # or 405. Not by $default or ANY: those take OPTIONS as well, and a browser's
  # preflight, which bears no token, would end at the authorizer. Where no route
  # takes OPTIONS, API Gateway answers the preflight itself. Nor does {proxy+}
  # stand for nothing: the root is a route of its own.
  jwt_routes = merge(local.routes, [for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] : {
    "${method}_any_path" = "${method} /{proxy+}"
    "${method}_root"     = "${method} /"
  }]...)
}

resource "aws_apigatewayv2_api" "jwt" {
  count = local.has_jwt ? 1 : 0

  name          = "${var.function_name}-jwt"
  description   = "credvend for bearers of a token (JWT)."
  protocol_type = "HTTP"

  dynamic "cors_configuration" {
    for_each = length(var.cors_origins) > 0 ? [var.cors_origins] : []

    content {
      allow_origins     = cors_configuration.value
      allow_methods     = ["GET", "POST"]
      allow_headers     = ["authorization", "content-type"]
      expose_headers    = ["retry-after"] # with 429 and 503; a page sees no other of ours
      allow_credentials = false           # the token is a header that the page sets, never a cookie
      max_age           = 600
    }
  }
}

resource "aws_apigatewayv2_authorizer" "jwt" {
  count = local.has_jwt ? 1 : 0

  api_id          = aws_apigatewayv2_api.jwt[0].id
  name            = "issuer"
  authorizer_type = "JWT"
  # The function re-reads the token from this header and no other place.
  identity_sources = ["$request.header.Authorization"]

  jwt_configuration {
    issuer   = var.jwt_issuer
    audience = var.jwt_audience
  }
}

resource "aws_apigatewayv2_integration" "jwt" {
  count = local.has_jwt ? 1 : 0

  api_id                 = aws_apigatewayv2_api.jwt[0].id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.vend.arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "jwt" {
  for_each = local.has_jwt ? local.jwt_routes : {}

  api_id             = aws_apigatewayv2_api.jwt[0].id
  route_key          = each.value
  authorization_type = "JWT"
  authorizer_id      = aws_apigatewayv2_authorizer.jwt[0].id
  target             = "integrations/${aws_apigatewayv2_integration.jwt[0].id}"
}

resource "aws_apigatewayv2_stage" "jwt" {
  count = local.has_jwt ? 1 : 0

  api_id      = aws_apigatewayv2_api.jwt[0].id
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
      door            = "jwt"
      route           = "$context.routeKey"
      authorizerError = "$context.authorizer.error"
    }))
  }
}

# By any route of this one API: all of them have the authorizer.
resource "aws_lambda_permission" "jwt" {
  count = local.has_jwt ? 1 : 0

  function_name  = aws_lambda_function.vend.function_name
  action         = "lambda:InvokeFunction"
  principal      = "apigateway.amazonaws.com"
  source_account = local.account
  source_arn     = "${aws_apigatewayv2_api.jwt[0].execution_arn}/$default/*"
}
