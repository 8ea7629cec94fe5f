# Account A: the role that credvend, in Account B, assumes to vend credentials
# for one HTTP API of this account. The API's routes must have AWS_IAM: one
# without it is open to everybody, whatever stands here.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  region  = var.api_region == "" ? data.aws_region.current.region : var.api_region
  api_arn = "arn:${data.aws_partition.current.partition}:execute-api:${local.region}:${data.aws_caller_identity.current.account_id}:${var.api_id}/${var.stage}"

  # The account is the principal and the role a condition: a role named as
  # principal is kept by its id, and trust ends when it is made anew.
  broker    = split(":", var.broker_role_arns[0])
  principal = { AWS = "arn:${local.broker[1]}:iam::${local.broker[4]}:root" }
  is_broker = { ArnEquals = { "aws:PrincipalArn" = var.broker_role_arns } }

  # A session of a role is its id, a colon and the session's name.
  is_pinned = { for key, ids in { StringLike = var.broker_role_ids } : key => { "aws:userid" = [for id in ids : "${id}:*"] } if length(ids) > 0 }
}

resource "aws_iam_role" "target" {
  name                 = var.role_name
  description          = "credvend vends sessions of this role, each narrowed to what its caller may call of API ${var.api_id}."
  max_session_duration = 3600 # AWS's limit for a session that is made from a session, too
  permissions_boundary = var.permissions_boundary_arn == "" ? null : var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "BrokerAssumes"
        Effect    = "Allow"
        Principal = local.principal
        Action    = "sts:AssumeRole"
        Condition = merge(local.is_broker, local.is_pinned, {
          StringEquals = { "sts:ExternalId" = compact([var.external_id, var.next_external_id]) }
        })
      },
      # Apart, since the external id belongs to AssumeRole. Alone these two give
      # nobody a session.
      {
        Sid       = "BrokerLabels"
        Effect    = "Allow"
        Principal = local.principal
        Action    = ["sts:TagSession", "sts:SetSourceIdentity"]
        Condition = merge(local.is_broker, local.is_pinned)
      },
    ]
  })

  lifecycle {
    precondition {
      condition     = local.broker[1] == data.aws_partition.current.partition
      error_message = "broker_role_arns: these roles are not of the partition ${data.aws_partition.current.partition} of this account, and could never assume the role. Write roles of this partition."
    }
  }
}

# Every route of one stage of one API. credvend narrows it for each session to
# what the caller is granted.
resource "aws_iam_role_policy" "invoke" {
  name = "invoke"
  role = aws_iam_role.target.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "InvokeTheApi"
      Effect   = "Allow"
      Action   = "execute-api:Invoke"
      Resource = "${local.api_arn}/*"
    }]
  })
}
