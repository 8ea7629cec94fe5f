# What credvend may hand out, and who can come in. Names, defaults and
# constraints are those of template.yaml; lists are lists here, and switches
# are booleans.

variable "target_role_arns" {
  description = "Roles in Account A that credvend may assume, as their ARNs. They are the roles of the targets in allowlist.yaml."
  type        = list(string)
  nullable    = false

  validation {
    condition = length(var.target_role_arns) > 0 && alltrue([
      for arn in var.target_role_arns : can(regex("^arn:aws(-cn|-us-gov)?:iam::[0-9]{12}:role/([\\w+=.@-]+/)*[\\w+=.@-]{1,64}$", arn))
    ])
    error_message = "target_role_arns: write whole role ARNs, all of this partition, without wildcards and blanks: [\"arn:aws:iam::111122223333:role/orders-invoke\"]"
  }
  validation {
    condition     = length(distinct([for arn in var.target_role_arns : element(split(":", arn), 1)])) <= 1
    error_message = "target_role_arns: write whole role ARNs, all of this partition; these are of more than one."
  }
  validation {
    condition     = length(join(",", var.target_role_arns)) <= 4096
    error_message = "target_role_arns: these are more than 4096 characters together, which a policy of the role does not hold; split the targets among two brokers."
  }
}

variable "broker_role_name" {
  description = "Name of the role that the function runs as. Account A trusts it by this name, so it stays the same when all of this is made anew."
  type        = string
  default     = "credvend-broker"
  nullable    = false

  validation {
    condition     = can(regex("^[\\w+=.@-]{1,64}$", var.broker_role_name))
    error_message = "broker_role_name: write the name of a role, up to 64 of letters, digits and +=.@_-: credvend-broker"
  }
}

variable "permissions_boundary_arn" {
  description = "Optional. A managed policy that bounds the function's role, where your organisation asks for one."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(arn:aws(-cn|-us-gov)?:iam::([0-9]{12}|aws):policy/[\\w+=,.@/-]{1,512})?$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn: write the ARN of a managed policy, or nothing: arn:aws:iam::444455556666:policy/boundary"
  }
}

variable "iam_door" {
  description = "An HTTP API with AWS_IAM, for roles and users of this account."
  type        = bool
  default     = true
  nullable    = false

  validation {
    condition     = var.iam_door || var.jwt_issuer != "" || var.function_url || var.rest_api
    error_message = "There is no front door. Set iam_door, function_url or rest_api to true, or give a jwt_issuer."
  }
}

variable "jwt_issuer" {
  description = "Optional. Opens an HTTP API for bearers of tokens of this issuer, for people, phones and CI. The issuer's keys must be reachable from the internet and RSA."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(https://[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)*(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*/?)?$", var.jwt_issuer))
    error_message = "jwt_issuer: write the issuer exactly as its tokens have it, an https URL without query, with a slash at its end only if they have one, or nothing: https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Example"
  }
}

variable "jwt_audience" {
  description = "The audiences (aud, or client_id where there is no aud) to accept. Needed with jwt_issuer."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(var.jwt_audience) <= 50 && alltrue([for a in var.jwt_audience : can(regex("^[A-Za-z0-9._~:/@+-]+$", a))])
    error_message = "jwt_audience: write up to 50 audiences, with no blanks in them: [\"1example23456789\"]"
  }
  # Both stand here, since two variables' validations may not look at one another.
  validation {
    condition     = var.jwt_issuer == "" || length(var.jwt_audience) > 0
    error_message = "jwt_issuer needs jwt_audience. Without one, every token of that issuer would be let in, whomever it was made for."
  }
  validation {
    condition     = length(var.jwt_audience) == 0 || var.jwt_issuer != ""
    error_message = "jwt_audience is given without jwt_issuer. Give both, or neither."
  }
}

variable "cors_origins" {
  description = "Optional. Web origins whose pages may call the JWT front door. Apps that are no browser need none."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for o in var.cors_origins : can(regex("^https://[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)*(:[0-9]{1,5})?$", o))])
    error_message = "cors_origins: write https origins, without path and without wildcard: [\"https://shop.example.com\"]"
  }
  validation {
    condition     = length(var.cors_origins) == 0 || var.jwt_issuer != ""
    error_message = "cors_origins is given without jwt_issuer. Only the JWT front door serves browsers; give jwt_issuer and jwt_audience too."
  }
}

variable "function_url" {
  description = "A function URL with AWS_IAM, for callers of other accounts (admitted_accounts). It has no throttle but reserved_concurrency."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.function_url || var.reserved_concurrency != null
    error_message = "A function URL has no throttle of its own. Set reserved_concurrency to a number, for example 20."
  }
}

variable "function_url_id" {
  description = "The id of that URL. AWS makes it with the URL, so leave it empty at first, then apply again with the output function_url_id. Until then the function refuses what comes in by the URL."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]{0,64}$", var.function_url_id))
    error_message = "function_url_id: write the first part of the host name of the function URL, which the output function_url_id shows, or nothing."
  }
  validation {
    condition     = var.function_url_id == "" || var.function_url
    error_message = "function_url_id is given, and function_url is false. Set it to true, or leave out the id."
  }
}

variable "rest_api" {
  description = "A REST API with AWS_IAM and a resource policy, for callers of other accounts (admitted_accounts)."
  type        = bool
  default     = false
  nullable    = false
}

variable "admitted_accounts" {
  description = "Optional. Up to five other accounts that the function URL and the REST API admit. Who of them gets what is still the allowlist's to say."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(var.admitted_accounts) <= 5 && alltrue([for a in var.admitted_accounts : can(regex("^[0-9]{12}$", a))])
    error_message = "admitted_accounts: write up to five account ids of twelve digits, in quotes: [\"777788889999\"]"
  }
  validation {
    condition     = length(var.admitted_accounts) == 0 || var.function_url || var.rest_api
    error_message = "admitted_accounts is given, and no door that could admit them. Set function_url or rest_api to true."
  }
}

variable "throttle_rate" {
  description = "Requests a second, on every route of each API."
  type        = number
  default     = 50
  nullable    = false

  validation {
    condition     = var.throttle_rate >= 1 && var.throttle_rate <= 10000
    error_message = "throttle_rate: write a number from 1 to 10000."
  }
}

variable "throttle_burst" {
  description = "Requests at one moment, on every route of each API."
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = var.throttle_burst >= 1 && var.throttle_burst <= 5000
    error_message = "throttle_burst: write a number from 1 to 5000."
  }
}
