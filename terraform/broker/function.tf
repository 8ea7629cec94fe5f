# The function, and the logs of it and of its doors.

locals {
  # Only events of these doors are believed, each as what it is. If the only
  # door is a URL without its id, one that does not exist is believed: nobody.
  front_doors = compact([
    var.iam_door ? "${aws_apigatewayv2_api.iam[0].id}=iam" : "",
    local.has_jwt ? "${aws_apigatewayv2_api.jwt[0].id}=jwt" : "",
    var.function_url ? "url:${var.function_url_id == "" ? "unknown" : var.function_url_id}=iam" : "",
    var.rest_api ? "${aws_api_gateway_rest_api.rest[0].id}=rest-iam" : "",
  ])

  environment = {
    CREDVEND_ALLOWLIST           = local.has_app_config ? "appconfig:${local.app_config.application}/${local.app_config.environment}/${local.app_config.profile}" : "file:allowlist.json"
    CREDVEND_ALLOWLIST_MAX_AGE   = var.allowlist_max_age
    CREDVEND_ALLOWLIST_MAX_STALE = var.allowlist_max_stale
    CREDVEND_FRONT_DOORS         = join(" ", local.front_doors)
    CREDVEND_STS_REGIONS         = length(var.sts_regions) > 0 ? join(",", var.sts_regions) : local.region
    CREDVEND_STS_TIMEOUT         = var.sts_timeout
    CREDVEND_CACHE               = var.cache ? "on" : "off"
    CREDVEND_RATE                = var.rate
  }
}

# Whoever may invoke it directly may be anyone: no permission below is without
# its door.
resource "aws_lambda_function" "vend" {
  function_name                  = var.function_name
  description                    = "Vends credentials to callers on the allowlist. Whoever may invoke it directly may be anyone."
  filename                       = var.package
  source_code_hash               = filebase64sha256(var.package)
  handler                        = "bootstrap"
  runtime                        = "provided.al2023"
  architectures                  = [var.architecture]
  memory_size                    = var.memory_size
  timeout                        = var.timeout
  reserved_concurrent_executions = var.reserved_concurrency
  role                           = aws_iam_role.broker.arn
  layers                         = local.has_app_config ? [var.app_config_layer_arn] : null

  tracing_config {
    mode = var.tracing ? "Active" : "PassThrough"
  }

  logging_config {
    log_group             = aws_cloudwatch_log_group.vend.name
    log_format            = var.log_format
    application_log_level = var.log_format == "JSON" ? var.log_level : null
    system_log_level      = var.log_format == "JSON" ? "INFO" : null
  }

  environment {
    variables = merge(local.environment, {
      # Have the extension fetch the list before the first request asks.
      for name in local.has_app_config ? ["AWS_APPCONFIG_EXTENSION_PREFETCH_LIST"] : [] :
      name => "/applications/${local.app_config.application}/environments/${local.app_config.environment}/configurations/${local.app_config.profile}"
    })
  }

  # What the first invocation says must reach the audit trail.
  depends_on = [aws_iam_role_policy.log]
}

# Logs outlive this: who got credentials must stay known.
resource "aws_cloudwatch_log_group" "vend" {
  name_prefix       = "${var.function_name}-audit-"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_kms_key_arn == "" ? null : var.log_kms_key_arn
  skip_destroy      = true
}

# What the doors themselves refused never reaches the function; it is here.
resource "aws_cloudwatch_log_group" "access" {
  name_prefix       = "${var.function_name}-access-"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_kms_key_arn == "" ? null : var.log_kms_key_arn
  skip_destroy      = true
}

locals {
  # No header, no query and no path as it was sent: those can hold secrets.
  access_log = {
    time             = "$context.requestTime"
    requestId        = "$context.requestId"
    status           = "$context.status"
    bytes            = "$context.responseLength"
    latencyMs        = "$context.responseLatency"
    sourceIp         = "$context.identity.sourceIp"
    error            = "$context.error.message"
    integrationError = "$context.integrationErrorMessage"
  }
}
