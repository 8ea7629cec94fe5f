# The allowlist in AppConfig, if asked for. Its versions are pushed with the AWS
# CLI; until the first is deployed the function answers 503.

locals {
  has_app_config = var.app_config_layer_arn != ""

  app_config = {
    application = one(aws_appconfig_application.allowlist[*].id)
    environment = one(aws_appconfig_environment.allowlist[*].environment_id)
    profile     = one(aws_appconfig_configuration_profile.allowlist[*].configuration_profile_id)
  }
}

resource "aws_appconfig_application" "allowlist" {
  count = local.has_app_config ? 1 : 0

  name        = var.function_name
  description = "The allowlist of credvend."
}

resource "aws_appconfig_environment" "allowlist" {
  count = local.has_app_config ? 1 : 0

  application_id = aws_appconfig_application.allowlist[0].id
  name           = "live"
}

resource "aws_appconfig_configuration_profile" "allowlist" {
  count = local.has_app_config ? 1 : 0

  application_id = aws_appconfig_application.allowlist[0].id
  name           = "allowlist"
  location_uri   = "hosted"
  type           = "AWS.Freeform"
}
