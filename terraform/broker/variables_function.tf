# The function, its behaviour and its logs. Names, defaults and constraints are
# those of template.yaml.

variable "package" {
  description = "Path of the zip with bootstrap and allowlist.json in it: `make package` writes build/credvend-vend.zip."
  type        = string
  nullable    = false

  validation {
    condition     = endswith(var.package, ".zip") && fileexists(var.package)
    error_message = "package: there is no such zip. Run `make package`, then give the path of build/credvend-vend.zip."
  }
}

variable "function_name" {
  description = "Name of the function. Its role can be used from the function of this name alone."
  type        = string
  default     = "credvend-vend"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,48}$", var.function_name))
    error_message = "function_name: write up to 48 of letters, digits, hyphens and underscores: credvend-vend"
  }
}

variable "architecture" {
  description = "Processor of the function. For x86_64 run `make package` with GOARCH=amd64 in the environment."
  type        = string
  default     = "arm64"
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture: write one of arm64, x86_64."
  }
}

variable "memory_size" {
  description = "MiB. The function needs some 30; Lambda gives processor time in proportion to this."
  type        = number
  default     = 256
  nullable    = false

  validation {
    condition     = var.memory_size >= 128 && var.memory_size <= 10240
    error_message = "memory_size: write a number from 128 to 10240."
  }
}

variable "timeout" {
  description = "Seconds. API Gateway itself gives up after 30 (REST API 29). A vend takes well under one."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.timeout >= 3 && var.timeout <= 29
    error_message = "timeout: write a number from 3 to 29."
  }
}

variable "reserved_concurrency" {
  description = "Executions at one moment, at most, kept free for the function. null shares those of the account; 0 switches the service off. A young account with a quota of 10 cannot reserve any."
  type        = number
  default     = null

  validation {
    condition     = var.reserved_concurrency == null ? true : var.reserved_concurrency >= 0 && var.reserved_concurrency <= 9999 && floor(var.reserved_concurrency) == var.reserved_concurrency
    error_message = "reserved_concurrency: write a whole number of at most four digits, or null."
  }
}

variable "log_format" {
  description = "How Lambda writes its own lines. The audit trail is JSON either way."
  type        = string
  default     = "JSON"
  nullable    = false

  validation {
    condition     = contains(["JSON", "Text"], var.log_format)
    error_message = "log_format: write one of JSON, Text."
  }
}

variable "log_level" {
  description = "Lambda drops lines below it (log_format JSON only). Nothing above INFO, the level of the audit trail."
  type        = string
  default     = "INFO"
  nullable    = false

  validation {
    condition     = contains(["TRACE", "DEBUG", "INFO"], var.log_level)
    error_message = "log_level: write one of TRACE, DEBUG, INFO. Above INFO Lambda would drop the audit trail."
  }
}

variable "tracing" {
  description = "X-Ray. When true, the role may send traces, a permission that AWS grants on the resource \"*\" only."
  type        = bool
  default     = false
  nullable    = false
}

variable "app_config_layer_arn" {
  description = "Optional. Makes an AppConfig application for the allowlist and reads it from there, through AWS's Lambda extension, whose layer for this region and architecture this is."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(arn:aws(-cn|-us-gov)?:lambda:[a-z]{2}(-gov)?-(central|(north|south)(east|west)?|east|west)-[1-9]:[0-9]{12}:layer:AWS-AppConfig-Extension(-Arm64)?:[0-9]{1,6})?$", var.app_config_layer_arn))
    error_message = "app_config_layer_arn: write the ARN of AWS-AppConfig-Extension or AWS-AppConfig-Extension-Arm64 with its version, as AWS lists it for your region, or nothing."
  }
}

variable "allowlist_max_age" {
  description = "An older allowlist is reloaded before it serves."
  type        = string
  default     = "1m"
  nullable    = false

  validation {
    condition     = can(regex("^([1-9][0-9]{0,3}[hms]){1,3}$", var.allowlist_max_age))
    error_message = "allowlist_max_age: write a duration of a second or more: 1m"
  }
}

variable "allowlist_max_stale" {
  description = "Up to this age it serves where a reload failed. As long as allowlist_max_age, or longer."
  type        = string
  default     = "1h"
  nullable    = false

  validation {
    condition     = can(regex("^([1-9][0-9]{0,3}[hms]){1,3}$", var.allowlist_max_stale))
    error_message = "allowlist_max_stale: write a duration as long as allowlist_max_age or longer: 1h"
  }
}

variable "sts_regions" {
  description = "Optional. Regions whose STS to ask, in order of preference; the provider's region if empty."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for r in var.sts_regions : can(regex("^[a-z]{2}(-gov)?-(central|(north|south)(east|west)?|east|west)-[1-9]$", r))])
    error_message = "sts_regions: write regions of this partition, with no blanks in them: [\"us-east-1\", \"us-west-2\"]"
  }
}

variable "sts_timeout" {
  description = "The longest for one attempt at STS, and for the whole call. Clients give up after one or two seconds."
  type        = string
  default     = "400ms,850ms"
  nullable    = false

  validation {
    condition     = can(regex("^[1-9][0-9]{0,4}m?s,[1-9][0-9]{0,4}m?s$", var.sts_timeout))
    error_message = "sts_timeout: write two durations, the first at most the second: 400ms,850ms"
  }
}

variable "cache" {
  description = "Reuse of vended credentials for the same caller and the same request, in memory."
  type        = bool
  default     = true
  nullable    = false
}

variable "rate" {
  description = "STS calls a second and at one moment, for each caller in each execution environment; or off."
  type        = string
  default     = "10/s,20"
  nullable    = false

  validation {
    condition     = can(regex("^(off|([1-9][0-9]{0,3}(\\.[0-9]{1,3})?|0\\.[0-9]{0,2}[1-9])/s,[1-9][0-9]{0,4})$", var.rate))
    error_message = "rate: write RATE/s,BURST or off: 10/s,20"
  }
}

variable "log_retention_days" {
  description = "How long the audit trail and the access logs are kept."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = contains([30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days: write one of 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653."
  }
}

variable "log_kms_key_arn" {
  description = "Optional. A KMS key of this region for the logs. Its key policy must let CloudWatch Logs use it."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(arn:aws(-cn|-us-gov)?:kms:[a-z]{2}(-gov)?-(central|(north|south)(east|west)?|east|west)-[1-9]:[0-9]{12}:key/[A-Za-z0-9-]{1,64})?$", var.log_kms_key_arn))
    error_message = "log_kms_key_arn: write the ARN of a key, not of an alias, or nothing: arn:aws:kms:us-east-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }
}

variable "rest_access_logs" {
  description = "Access logs of the REST API. They need API Gateway's CloudWatch role, which is set once for each account and region; without it AWS refuses them. HTTP APIs always have theirs."
  type        = bool
  default     = true
  nullable    = false
}

variable "alarm_topic_arn" {
  description = "Optional. An SNS topic that hears of the alarms. Without one they show in CloudWatch only."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(arn:aws(-cn|-us-gov)?:sns:[a-z]{2}(-gov)?-(central|(north|south)(east|west)?|east|west)-[1-9]:[0-9]{12}:[A-Za-z0-9_-]{1,256})?$", var.alarm_topic_arn))
    error_message = "alarm_topic_arn: write the ARN of an SNS topic, or nothing: arn:aws:sns:us-east-1:444455556666:alarms"
  }
}
