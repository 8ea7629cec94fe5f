#!/usr/bin/env bash
# The AWS CLI against the local stack. It signs for AWS's own services alone, so
# that it meets STS directly, the HTTP API through `credential_process`, and the
# JWT door as container credentials. Given a model of Account A's API, as `aws
# configure add-model` takes it (orders-api.json), it calls that too.
#
# Prints a line for each check, "ok DOOR: WHAT" or "FAIL DOOR: WHAT: why".
# AWS CLI 2.9 reads no AWS_ENDPOINT_URL_STS and none of version 1 AWS_REGION:
# both are given as options. AWS_CLI names the program, if it is not "aws".
set -uo pipefail

failed=0
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# shellcheck source=test/clients/refusals.sh
. "$here/../refusals.sh"

aws() {
	command "${AWS_CLI:-aws}" "$@"
}

sts() { # sts COMMAND...: SERVICE and REGION may say what it signs for
	aws "${SERVICE:-sts}" "$@" --endpoint-url "$AWS_ENDPOINT_URL_STS" --region "${REGION:-$AWS_REGION}" --output text --cli-connect-timeout 5 --cli-read-timeout 20
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

# refused_as_aws_does CASE COMMAND...: it fails as refusals.tsv says. Of the status
# the CLI tells nothing.
refused_as_aws_does() {
	local case=$1 code message want=()
	shift
	if ! refusal sts "$case"; then
		fail "sts: $case" "refusals.tsv does not have it"
		return
	fi
	code=${want[1]}
	message=$(sed -e 's/^<Message>//' -e 's:</Message>$::' <<<"${want[2]}")
	if "$@" >/dev/null 2>"$tmp/err"; then
		fail "sts: $case" "it succeeds, want $code"
	elif [[ $(code_of "$tmp/err") != "$code" ]]; then
		fail "sts: $case" "it fails with $(code_of "$tmp/err"), want $code"
	elif like "$(sed -n 's/.*An error occurred (.*) when calling the [A-Za-z]* operation: //p' "$tmp/err")" "$message"; then
		echo "ok sts: $case"
	else
		fail "sts: $case" "the message is $(sed -n 's/.*when calling the [A-Za-z]* operation: //p' "$tmp/err"), want $message"
	fi
}

# code_of prints the error's code alone: the rest of the text could hold anything.
code_of() {
	local code
	code=$(sed -n 's/.*An error occurred (\([A-Za-z0-9]*\)).*/\1/p' "$1" | head -n 1)
	echo "${code:-no error code of AWS}"
}

fail() {
	failed=1
	echo "FAIL $1: $2"
}

value_of() { # value_of PROFILE KEY
	awk -v profile="[$1]" -v key="$2" '/^\[/ { here = $0 == profile } here && $1 == key { print $3 }' "$AWS_SHARED_CREDENTIALS_FILE"
}

with_keys() { # with_keys ID SECRET TOKEN COMMAND...
	local id=$1 secret=$2 token=$3
	shift 3
	AWS_ACCESS_KEY_ID=$id AWS_SECRET_ACCESS_KEY=$secret AWS_SESSION_TOKEN=$token "$@"
}

# clock SHIFT COMMAND...: a machine whose clock is off.
clock() {
	local shift=$1 preload
	shift
	# shellcheck disable=SC2016 # faketime's shell expands it
	preload=$(faketime -f "$shift" sh -c 'echo "$LD_PRELOAD"') || return
	LD_PRELOAD=$preload FAKETIME=$shift "$@"
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

contained_file() {
	AWS_CONTAINER_CREDENTIALS_FULL_URI="$CREDVEND_JWT_URL/v1/credentials/orders" AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=$tmp/token "$@"
}

# orders calls Account A's API, by the model of it.
orders() {
	AWS_DATA_PATH=$tmp/models aws orders-api "$@" --endpoint-url "$CREDVEND_TARGET_URL" --region "$AWS_REGION" --output text --cli-connect-timeout 5 --cli-read-timeout 20
}

answered() { # answered NAME COMMAND...
	local name=$1
	shift
	if "$@" >/dev/null 2>"$tmp/err"; then
		echo "ok $name"
	else
		fail "$name" "it fails with $(code_of "$tmp/err")"
	fi
}

# forbidden NAME COMMAND...: the API says 403, which is all that the CLI tells.
forbidden() {
	local name=$1
	shift
	if "$@" >/dev/null 2>"$tmp/err"; then
		fail "$name" "it is answered"
	elif [[ $(code_of "$tmp/err") != 403 ]]; then
		fail "$name" "it fails with $(code_of "$tmp/err"), want 403"
	else
		echo "ok $name"
	fi
}

# before MAJOR.MINOR...: this AWS CLI is older than all versions from these on,
# the one of its own major version being meant.
before() {
	local version first
	version=$(aws --version 2>&1 | sed -n 's:^aws-cli/\([0-9.]*\).*:\1:p')
	for first; do
		if [[ ${first%%.*} == "${version%%.*}" ]]; then
			[[ $version != "$first" && $(printf '%s\n' "$version" "$first" | sort -t . -k 1,1n -k 2,2n -k 3,3n | head -n 1) == "$version" ]] || return
			since=$first
			return 0
		fi
	done
	return 1
}

echo "version $(aws --version 2>&1 | cut -d ' ' -f 1)"
whoami=(sts get-caller-identity --query Arn)
assumed=arn:aws:sts::111122223333:assumed-role/orders-invoke

arn_is "sts: allowed" arn:aws:sts::444455556666:assumed-role/billing-service/ "${whoami[@]}" --profile billing-service
AWS_ACCESS_KEY_ID='' AWS_SECRET_ACCESS_KEY='' refused_as_aws_does unsigned sts get-caller-identity --no-sign-request
refused_as_aws_does refused \
	sts assume-role --role-arn arn:aws:iam::111122223333:role/orders-invoke --role-session-name direct --profile billing-service
refused_as_aws_does expired "${whoami[@]}" --profile expired
# It cannot be made to change what it has signed: another secret has to do.
id=$(value_of billing-service aws_access_key_id)
token=$(value_of billing-service aws_session_token)
refused_as_aws_does tampered with_keys "$id" xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx "$token" "${whoami[@]}"
refused_as_aws_does clock-behind clock -1h "${whoami[@]}" --profile billing-service
refused_as_aws_does clock-ahead clock +1h "${whoami[@]}" --profile billing-service
REGION=eu-nowhere-1 refused_as_aws_does wrong-region "${whoami[@]}" --profile billing-service
# A model of a service of one's own, as `aws configure add-model` takes it: STS
# under the name that API Gateway signs for.
mkdir -p "$tmp/models/misnamed-sts/2011-06-15"
cp "$here/misnamed-sts.json" "$tmp/models/misnamed-sts/2011-06-15/service-2.json"
AWS_DATA_PATH=$tmp/models SERVICE=misnamed-sts refused_as_aws_does wrong-service "${whoami[@]}" --profile billing-service

mkdir -p "$tmp/models/orders-api/2026-01-01"
cp "$here/orders-api.json" "$tmp/models/orders-api/2026-01-01/service-2.json"
arn_is "container: the session is the token's" "$assumed/shopper@" contained "${whoami[@]}"
answered "container: an allowed route is answered 200" contained orders get-profile --user shopper-1
forbidden "container: another route is refused 403" contained orders get-profile --user shopper-2

# The first to read AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, by AWS's table for EKS
# Pod Identity. An older one asks without a token.
token shopper-1 >"$tmp/token"
since=""
if before 1.30.0 2.15.0; then
	if contained_file orders get-profile --user shopper-1 >/dev/null 2>&1; then
		fail "container-file: reads no file before $since" "it does"
	else
		echo "ok container-file: reads no file before $since"
	fi
else
	answered "container-file: an allowed route is answered 200" contained_file orders get-profile --user shopper-1
	forbidden "container-file: another route is refused 403" contained_file orders get-profile --user shopper-2
	token shopper-2 >"$tmp/token"
	answered "container-file: the second token is used" contained_file orders get-profile --user shopper-2
	forbidden "container-file: the first token is used no more" contained_file orders get-profile --user shopper-1
fi

arn_is "process: the session is billing-service's" "$assumed/billing-service@" "${whoami[@]}" --profile orders
answered "process: an allowed route is answered 200" orders get-order --id 42 --profile orders
forbidden "process: another route is refused 403" orders create-order --profile orders
case $(aws --version 2>&1) in
aws-cli/1.*) ;; # has no `configure export-credentials`
*) arn_is "process: exported, it is the same" "$assumed/billing-service@" exported orders "${whoami[@]}" ;;
esac
exit "$failed"
