# Names, defaults and constraints are those of accounts/target.yaml; lists are
# lists here.

variable "api_id" {
  description = "Id of the HTTP API, the first part of its host name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]{10}$", var.api_id))
    error_message = "api_id: write the ten lower-case letters and digits of one API, without wildcards: a1b2c3d4e5"
  }
}

variable "stage" {
  description = "The API's stage."
  type        = string
  default     = "$default"
  nullable    = false

  validation {
    condition     = can(regex("^(\\$default|[A-Za-z0-9_-]{1,128})$", var.stage))
    error_message = "stage: write the name of one stage, without wildcards: $default"
  }
}

variable "api_region" {
  description = "The API's region; that of the provider if empty."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([a-z]{2}(-gov)?-(central|(north|south)(east|west)?|east|west)-[1-9])?$", var.api_region))
    error_message = "api_region: write one region, or nothing: us-east-1"
  }
}

variable "target_name" {
  description = "The target's name in the allowlist. Only the output allowlist_entry uses it."
  type        = string
  default     = "orders"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9_-]{0,63}$", var.target_name))
    error_message = "target_name: write up to 64 lower-case letters, digits, hyphens and underscores, a letter first: orders"
  }
}

variable "broker_role_arns" {
  description = "The roles that credvend runs as (its output broker_role_arn), all of one account, Account B. A role that is made anew under its name is trusted again."
  type        = list(string)
  nullable    = false

  validation {
    condition = length(var.broker_role_arns) >= 1 && length(var.broker_role_arns) <= 10 && alltrue([
      for arn in var.broker_role_arns : can(regex("^arn:aws(-cn|-us-gov)?:iam::[0-9]{12}:role/([\\w+=.@-]+/)*[\\w+=.@-]{1,64}$", arn))
    ])
    error_message = "broker_role_arns: write up to ten whole role ARNs, all of one account of this partition, without wildcards and blanks: [\"arn:aws:iam::444455556666:role/credvend-broker\"]"
  }
  # The template can say this of the partition alone, not of the account.
  validation {
    condition     = length(distinct([for arn in var.broker_role_arns : element(split("role/", arn), 0)])) <= 1
    error_message = "broker_role_arns: write whole role ARNs, all of one account of this partition. For brokers in two accounts make two roles."
  }
}

variable "broker_role_ids" {
  description = "Optional. Unique ids of those roles (output broker_role_id). Pins the trust; a role that is made anew is then a stranger until its id stands here."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(var.broker_role_ids) <= 10 && alltrue([for id in var.broker_role_ids : can(regex("^AROA[A-Z0-9]{12,28}$", id))])
    error_message = "broker_role_ids: write unique ids of roles, which begin with AROA, or none: [\"AROAEXAMPLEBROKER000\"]"
  }
}

variable "external_id" {
  description = "What credvend must say to assume the role; external_id of the target in the allowlist. No secret, but choose one that is nobody else's."
  type        = string
  nullable    = false

  validation {
    condition     = length(var.external_id) >= 2 && length(var.external_id) <= 1224 && can(regex("^[\\w+=.@:/-]+$", var.external_id))
    error_message = "external_id: write 2 to 1224 of letters, digits and +=.@:/_-, which is what STS takes, without comma: orders-7f3c9a"
  }
}

variable "next_external_id" {
  description = "Optional. A second external id that is taken too, to change it without a gap. First give the new one here; then change it in the allowlist; then move it to external_id and empty this."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = length(var.next_external_id) <= 1224 && can(regex("^([\\w+=.@:/-][\\w+=.@:/-]+)?$", var.next_external_id))
    error_message = "next_external_id: write 2 to 1224 of letters, digits and +=.@:/_-, which is what STS takes, without comma, or nothing: orders-91be02"
  }
  validation {
    condition     = var.next_external_id == "" || var.next_external_id != var.external_id
    error_message = "next_external_id is the same as external_id. Give a new one, or leave it empty."
  }
}

variable "role_name" {
  description = "Name of the role; role of the target in the allowlist."
  type        = string
  default     = "orders-invoke"
  nullable    = false

  validation {
    condition     = can(regex("^[\\w+=.@-]{1,64}$", var.role_name))
    error_message = "role_name: write the name of a role, up to 64 of letters, digits and +=.@_-: orders-invoke"
  }
}

variable "permissions_boundary_arn" {
  description = "Optional. A managed policy that bounds the role, where your organisation asks for one. It must let execute-api:Invoke through."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(arn:aws(-cn|-us-gov)?:iam::([0-9]{12}|aws):policy/[\\w+=,.@/-]{1,512})?$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn: write the ARN of a managed policy, or nothing: arn:aws:iam::111122223333:policy/boundary"
  }
}
