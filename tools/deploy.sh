#!/bin/sh
# tools/deploy.sh: builds the function and deploys template.yaml into the
# account of the AWS identity of this shell, with the SAM CLI. `make deploy`
# calls it with a fresh build/credvend.
#
#   STACK=NAME              the stack (samconfig.toml's, else credvend)
#   GUIDED=1                ask for every parameter, also where samconfig.toml is
#   EXAMPLE_ACCOUNTS=allow  deploy an allowlist with example accounts all the same
set -eu
cd "$(dirname "$0")/.."

# The allowlist first: a list that does not compile, or that is still the
# example, is not worth a question.
mkdir -p build
build/credvend allowlist build allowlist.yaml -o build/allowlist.json
examples=$(tools/examples.sh allowlist.yaml)
if [ -n "$examples" ] && [ "${EXAMPLE_ACCOUNTS:-}" != allow ]; then
	{
		echo "make deploy: allowlist.yaml still names accounts of AWS's documentation, which are nobody's or somebody else's:"
		echo "$examples"
		echo "Put your own accounts, roles and APIs there. To deploy it as it is: make deploy EXAMPLE_ACCOUNTS=allow"
	} >&2
	exit 2
fi
. tools/stack.sh
need_sam deploy "Install it, or take the zip of make package to tools of your own."

guided=
if [ ! -f samconfig.toml ] || [ -n "${GUIDED:-}" ]; then guided=--guided; fi
if [ -f samconfig.toml ] && [ -z "${GOARCH:-}" ] && grep -q 'Architecture=[\\"]*x86_64' samconfig.toml; then
	GOARCH=amd64
fi
export GOARCH="${GOARCH:-arm64}"

echo
echo "make deploy:"
echo "  builds      bootstrap for linux/$GOARCH and allowlist.json (sam build, into .aws-sam/)"
echo "  deploys     the stack $stack of template.yaml: function, role, front doors, logs, alarms"
echo "  in account  ${account:-that of your AWS identity (aws sts get-caller-identity did not answer)}"
echo "  in region   ${region:-the one that sam asks for}"
if [ -n "$guided" ]; then
	echo "  asks        for each parameter and for your consent before anything changes, and keeps the answers in samconfig.toml"
else
	echo "  takes       its parameters from samconfig.toml (GUIDED=1 asks for them again)"
fi
if [ "$GOARCH" = amd64 ]; then echo "  note        the parameter Architecture must be x86_64"; fi
echo

sam build --template-file template.yaml
# The role has a name, so that Account A can trust it by name: CloudFormation
# wants to be told that this is meant, and SAM's own default does not say so.
set -- --capabilities CAPABILITY_NAMED_IAM --stack-name "$stack"
if [ -n "$region" ]; then set -- "$@" --region "$region"; fi
if [ -n "$guided" ]; then
	sam deploy --guided "$@"
else
	sam deploy "$@"
fi
echo
echo "Deployed. docs/deploy.md goes on with Account A: accounts/target.yaml wants the outputs above."
