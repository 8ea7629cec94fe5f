# Read by deploy.sh and delete.sh: which stack is meant, and where. Both say so
# before they do anything.
#
# STACK and AWS_REGION come first, then samconfig.toml, which `sam deploy
# --guided` writes, then credvend and the region of the AWS CLI's profile.

# setting NAME prints a text of samconfig.toml.
setting() {
	[ -f samconfig.toml ] || return 0
	sed -n "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*\"\([^\"]*\)\".*/\1/p" samconfig.toml | head -n 1
}

# limited COMMAND... runs a question to AWS that must not hold anybody up.
limited() {
	if command -v timeout >/dev/null 2>&1; then timeout 20 "$@"; else "$@"; fi
}

stack=${STACK:-$(setting stack_name)}
stack=${stack:-credvend}
region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(setting region)}}
account=
if command -v aws >/dev/null 2>&1; then
	[ -n "$region" ] || region=$(limited aws configure get region 2>/dev/null || true)
	account=$(limited aws sts get-caller-identity --query Account --output text 2>/dev/null || true)
fi
case $account in
*[!0-9]* | '') account= ;;
esac

# need_sam COMMAND ends with 2 where sam is missing.
need_sam() {
	command -v sam >/dev/null 2>&1 && return 0
	echo "make $1: the SAM CLI (sam) is not installed: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/install-sam-cli.html" >&2
	echo "$2" >&2
	exit 2
}
