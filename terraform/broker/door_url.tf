# Front door: function URL, for admitted accounts. Each of them needs two
# permissions, and the second would let it write its own events but for its
# condition.

resource "aws_lambda_function_url" "vend" {
  count = var.function_url ? 1 : 0

  function_name      = aws_lambda_function.vend.function_name
  authorization_type = "AWS_IAM"
  invoke_mode        = "BUFFERED"
}

resource "aws_lambda_permission" "url_caller" {
  for_each = toset(var.function_url ? var.admitted_accounts : [])

  function_name          = aws_lambda_function.vend.function_name
  action                 = "lambda:InvokeFunctionUrl"
  principal              = each.value
  function_url_auth_type = "AWS_IAM"
}

resource "aws_lambda_permission" "url_invoke" {
  for_each = toset(var.function_url ? var.admitted_accounts : [])

  function_name            = aws_lambda_function.vend.function_name
  action                   = "lambda:InvokeFunction"
  principal                = each.value
  invoked_via_function_url = true
}
