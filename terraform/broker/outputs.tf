# The outputs of template.yaml under the same names. One of a door that is shut
# is null.

locals {
  url_id = var.function_url ? aws_lambda_function_url.vend[0].url_id : null
}

output "iam_url" {
  description = "Front door for this account (SigV4, service execute-api)."
  value       = one(aws_apigatewayv2_api.iam[*].api_endpoint)
}

output "jwt_url" {
  description = "Front door for bearers of a token."
  value       = one(aws_apigatewayv2_api.jwt[*].api_endpoint)
}

output "function_url" {
  description = "Front door for admitted accounts (SigV4, service lambda)."
  value       = one(aws_lambda_function_url.vend[*].function_url)
}

output "function_url_id" {
  description = "The URL's id. Apply again with the variable function_url_id set to it, if it is not yet."
  value       = local.url_id
}

output "next_step" {
  description = "The function refuses what comes in by its URL until it is told the id."
  value       = var.function_url && var.function_url_id == "" ? "terraform apply -var function_url=true -var function_url_id=${local.url_id}, and the other variables as before" : null
}

output "rest_url" {
  description = "Front door for this and the admitted accounts (SigV4, service execute-api)."
  value       = one(aws_api_gateway_stage.rest[*].invoke_url)
}

output "broker_role_id" {
  description = "For terraform/target, variable broker_role_ids, if Account A is to trust this very role and none that is made anew under its name."
  value       = aws_iam_role.broker.unique_id
}

output "broker_role_arn" {
  description = "For terraform/target, variable broker_role_arns. The role that asks STS for the targets' roles."
  value       = aws_iam_role.broker.arn
}

output "vend_function_arn" {
  description = "The function. Nobody but its front doors may invoke it."
  value       = aws_lambda_function.vend.arn
}

output "caller_policy_arn" {
  description = "The policy for callers of this account: attach it to their roles."
  value       = one(aws_iam_policy.caller[*].arn)
}

output "function_url_caller_policy" {
  description = "The policy for callers by the function URL, to put into their own account."
  value = var.function_url ? jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Action    = "lambda:InvokeFunctionUrl"
        Resource  = aws_lambda_function.vend.arn
        Condition = { StringEquals = { "lambda:FunctionUrlAuthType" = "AWS_IAM" } }
      },
      {
        Effect    = "Allow"
        Action    = "lambda:InvokeFunction"
        Resource  = aws_lambda_function.vend.arn
        Condition = { Bool = { "lambda:InvokedViaFunctionUrl" = "true" } }
      },
    ]
  }) : null
}

output "rest_caller_policy" {
  description = "The policy for callers by the REST API, to put into their own account."
  value = var.rest_api ? jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "execute-api:Invoke"
      Resource = [for route in local.route_arns : "${aws_api_gateway_rest_api.rest[0].execution_arn}/prod/${route}"]
    }]
  }) : null
}

output "log_group_name" {
  description = "The audit trail."
  value       = aws_cloudwatch_log_group.vend.name
}

output "access_log_group_name" {
  description = "What the doors let in and refused."
  value       = aws_cloudwatch_log_group.access.name
}

output "allowlist_location" {
  description = "Application, environment and profile of the allowlist in AppConfig."
  value       = local.has_app_config ? "${local.app_config.application}/${local.app_config.environment}/${local.app_config.profile}" : null
}
