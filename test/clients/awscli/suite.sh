#!/usr/bin/env bash
# The AWS CLI against the local stack. It signs for AWS's own services alone, so
# that it meets STS directly, the HTTP API through `credential_process`, and the
# JWT door as container credentials.
#
# Prints a line for each check, "ok DOOR: WHAT" or "FAIL DOOR: WHAT: why".
# AWS CLI 2.9 reads no AWS_ENDPOINT_URL_STS and none of version 1 AWS_REGION:
# both are given as options.
set -uo pipefail

failed=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

sts() {
	aws sts "$@" --endpoint-url "$AWS_ENDPOINT_URL_STS" --region "$AWS_REGION" --output text --cli-connect-timeout 5 --cli-read-timeout 20
}

# arn_is NAME PREFIX COMMAND...: it succeeds and prints an ARN that begins so.
arn_is() {
	local name=$1 prefix=$2 got
	shift 2
	if ! got=$("$@" 2>"$tmp/err"); then
		fail "$name" "it fails with $(code_of "$tmp/err")"
	elif [[ $got != "$prefix"* ]]; then
		fail "$name" "it names $got, want $prefix…"
	else
		echo "ok $name"
	fi
}

# code_is NAME CODE COMMAND...: it fails with that error code.
code_is() {
	local name=$1 want=$2 got
	shift 2
	if "$@" >/dev/null 2>"$tmp/err"; then
		fail "$name" "it succeeds, want $want"
	elif got=$(code_of "$tmp/err") && [[ $got != "$want" ]]; then
		fail "$name" "it fails with $got, want $want"
	else
		echo "ok $name"
	fi
}

# code_of prints the error's code alone: the rest of the text could hold anything.
code_of() {
	local code
	code=$(sed -n 's/.*An error occurred (\([A-Za-z]*\)).*/\1/p' "$1" | head -n 1)
	echo "${code:-no error code of AWS}"
}

fail() {
	failed=1
	echo "FAIL $1: $2"
}

value_of() { # value_of PROFILE KEY
	awk -v profile="[$1]" -v key="$2" '/^\[/ { here = $0 == profile } here && $1 == key { print $3 }' "$AWS_SHARED_CREDENTIALS_FILE"
}

wrong_secret() {
	AWS_ACCESS_KEY_ID=$(value_of billing-service aws_access_key_id) AWS_SESSION_TOKEN=$(value_of billing-service aws_session_token) \
		AWS_SECRET_ACCESS_KEY=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx sts get-caller-identity
}

# exported runs a command with the credentials that `configure
# export-credentials` prints for a profile: the way for tools that know none.
exported() {
	local profile=$1 lines
	shift
	lines=$(aws configure export-credentials --profile "$profile" --format env) || return
	(eval "$lines" && "$@")
}

token() { # token SUB
	curl -sS --max-time 20 -d "sub=$1" -d groups=shoppers "$CREDVEND_ISSUER_URL/token"
}

contained() {
	AWS_CONTAINER_CREDENTIALS_FULL_URI="$CREDVEND_JWT_URL/v1/credentials/orders" AWS_CONTAINER_AUTHORIZATION_TOKEN=$(token shopper-1) "$@"
}

echo "version $(aws --version 2>&1 | cut -d ' ' -f 1)"
whoami=(sts get-caller-identity --query Arn)
assumed=arn:aws:sts::111122223333:assumed-role/orders-invoke

for profile in billing-service stranger; do
	arn_is "sts: $profile is named" "arn:aws:sts::444455556666:assumed-role/$profile/" "${whoami[@]}" --profile "$profile"
done
code_is "sts: a wrong secret is SignatureDoesNotMatch" SignatureDoesNotMatch wrong_secret
code_is "sts: orders-invoke cannot be assumed directly" AccessDenied \
	sts assume-role --role-arn arn:aws:iam::111122223333:role/orders-invoke --role-session-name direct --profile billing-service
arn_is "container: the session is the token's" "$assumed/shopper@" contained "${whoami[@]}"
arn_is "process: the session is billing-service's" "$assumed/billing-service@" "${whoami[@]}" --profile orders
case $(aws --version 2>&1) in
aws-cli/1.*) ;; # has no `configure export-credentials`
*) arn_is "process: exported, it is the same" "$assumed/billing-service@" exported orders "${whoami[@]}" ;;
esac
exit "$failed"
