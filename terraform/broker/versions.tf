terraform {
  # 1.9 is the first whose validations may look at other variables, as the
  # template's Rules do.
  required_version = ">= 1.9, < 2.0"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # 6.29 is the first that can write the condition InvokedViaFunctionUrl.
      version = "~> 6.29"
    }
  }
}
