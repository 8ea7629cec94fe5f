# The outputs of accounts/target.yaml under the same names.

output "role_arn" {
  description = "For terraform/broker, variable target_role_arns."
  value       = aws_iam_role.target.arn
}

output "role_id" {
  description = "Unique id of the role. It begins the user id of every session in this account's logs."
  value       = aws_iam_role.target.unique_id
}

output "api_arn" {
  description = "The stage, for the target's entry in the allowlist."
  value       = local.api_arn
}

output "allowlist_entry" {
  description = "What to write under targets in allowlist.yaml."
  value       = <<-EOT
    targets:
      ${var.target_name}:
        role: ${aws_iam_role.target.arn}
        api: ${local.api_arn}
        external_id: "${var.external_id}"
  EOT
}
