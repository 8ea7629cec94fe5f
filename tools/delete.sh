#!/bin/sh
# tools/delete.sh: deletes the stack that make deploy made, after asking.
#
#   STACK=NAME  the stack (samconfig.toml's, else credvend)
#   YES=1       do not ask
set -eu
cd "$(dirname "$0")/.."
. tools/stack.sh
need_sam delete "Without it: aws cloudformation delete-stack --stack-name $stack"
if [ -z "$region" ]; then
	echo "make delete: no region is known; give it: make delete AWS_REGION=us-east-1" >&2
	exit 2
fi

echo "make delete:"
echo "  deletes     the stack $stack: front doors, function, the role it runs as, alarms, the callers' policy"
echo "  in account  ${account:-that of your AWS identity (aws sts get-caller-identity did not answer)}"
echo "  in region   $region"
echo "  keeps       the log groups, which hold the audit trail, until their retention ends;"
echo "              everything in Account A: its role goes on trusting a role of this name, so delete accounts/target.yaml's stack there too;"
echo "              credentials that were vended: they live up to an hour (docs/operate.md, revoking)"
echo "  first       detach the callers' policy from your roles, or CloudFormation cannot delete it"
if [ -z "${YES:-}" ]; then
	printf 'Delete it? Write the name of the stack: '
	if ! read -r answer && [ -z "$answer" ]; then
		echo
		echo "make delete: nobody answered, so nothing was deleted; say YES=1 if you mean it" >&2
		exit 2
	fi
	if [ "$answer" != "$stack" ]; then
		echo "make delete: that is not $stack, so nothing was deleted" >&2
		exit 2
	fi
fi
exec sam delete --stack-name "$stack" --region "$region" --no-prompts
