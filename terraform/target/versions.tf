terraform {
  # 1.9 is the first whose validations may look at other variables, as the
  # template's Rules do.
  required_version = ">= 1.9, < 2.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.29" # as terraform/broker has it
    }
  }
}
