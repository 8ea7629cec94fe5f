locals {
  alarms = {
    errors = {
      description = "credvend's function failed outright, which it never should; refusals and troubles with STS are answers. See its log group."
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = aws_lambda_function.vend.function_name }
      of          = 1
      wanted      = null
    }
    throttles = {
      description = "credvend's function was wanted more often at one moment than it may run. Raise ReservedConcurrency, or find who calls so often."
      namespace   = "AWS/Lambda"
      metric      = "Throttles"
      dimensions  = { FunctionName = aws_lambda_function.vend.function_name }
      of          = 1
      wanted      = null
    }
    # The audit trail's own metrics. Their namespace is that of all brokers of
    # this account and region.
    targets = {
      description = "STS refused the broker a target's role. The trust of that role, or the allowlist's external id, changed; nothing mends itself. See outcomes with the code target_misconfigured in the log group."
      namespace   = "credvend"
      metric      = "requests"
      dimensions  = { code = "target_misconfigured" }
      of          = 1
      wanted      = null
    }
    unavailable = {
      description = "For three minutes of five credvend could not serve, as STS or the allowlist could not be had. Callers try again by themselves; see outcomes with the code unavailable in the log group."
      namespace   = "credvend"
      metric      = "requests"
      dimensions  = { code = "unavailable" }
      of          = 5
      wanted      = 3
    }
    allowlist = {
      description = "credvend could not load its allowlist. The last good one serves until it is as old as AllowlistMaxStale, then every request is refused. See \"the allowlist could not be loaded\" in the log group."
      namespace   = "credvend"
      metric      = local.allowlist_failures
      dimensions  = null
      of          = 1
      wanted      = null
    }
  }

  allowlist_failures = "${var.function_name}-allowlist-failures"
}

resource "aws_cloudwatch_metric_alarm" "vend" {
  for_each = local.alarms

  alarm_name          = "${var.function_name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = each.value.of
  datapoints_to_alarm = each.value.wanted
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arn == "" ? null : [var.alarm_topic_arn]
}

# A list that cannot be reloaded still serves, for allowlist_max_stale, and no
# caller notices. So the line that tells of it counts.
resource "aws_cloudwatch_log_metric_filter" "allowlist_failures" {
  name           = local.allowlist_failures
  log_group_name = aws_cloudwatch_log_group.vend.name
  pattern        = "\"the allowlist could not be loaded\""

  metric_transformation {
    namespace = "credvend"
    name      = local.allowlist_failures
    value     = "1"
  }
}
