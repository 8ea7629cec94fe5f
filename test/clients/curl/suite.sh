#!/usr/bin/env bash
# curl --aws-sigv4 against the local stack: nothing but curl and a shell.
#
# Prints a line for each check, "ok DOOR: WHAT" or "FAIL DOOR: WHAT: why". Keys
# reach curl in files of mode 0600, so that no list of processes shows them.
# Older curls (7.88, say) sign a query as it stands: names in order, and what
# AWS escapes escaped, "%2F" for "/".
set -uo pipefail
umask 077

failed=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

value_of() { # value_of PROFILE KEY
	awk -v profile="[$1]" -v key="$2" '/^\[/ { here = $0 == profile } here && $1 == key { print $3 }' "$AWS_SHARED_CREDENTIALS_FILE"
}

keys() { # keys NAME ID SECRET TOKEN: a file that makes curl sign
	printf 'user = "%s:%s"\nheader = "x-amz-security-token: %s"\n' "$2" "$3" "$4" >"$tmp/$1.keys"
}

profile_keys() { # profile_keys PROFILE
	keys "$1" "$(value_of "$1" aws_access_key_id)" "$(value_of "$1" aws_secret_access_key)" "$(value_of "$1" aws_session_token)"
	keys "$1-wrong" "$(value_of "$1" aws_access_key_id)" xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx "$(value_of "$1" aws_session_token)"
}

# send KEYS SERVICE CURL-ARGUMENTS...: the status in $status, the body in
# $tmp/body. KEYS "-" sends without a signature.
send() {
	local who=$1 service=$2
	shift 2
	local sign=()
	if [[ $who != - ]]; then
		sign=(--aws-sigv4 "aws:amz:$AWS_REGION:$service" -K "$tmp/$who.keys")
	fi
	: >"$tmp/body"
	status=$(curl -sS --max-time 20 -o "$tmp/body" -w '%{http_code}' "${sign[@]+"${sign[@]}"}" "$@" 2>"$tmp/err") || status="curl's error ${status:-}"
}

vend=(-H 'Content-Type: application/json' -d '{"target":"orders"}')

field() { # field NAME: a JSON string of the last body
	sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" "$tmp/body" | head -n 1
}

# said is what of an answer may be shown.
said() {
	echo "$status $(field code) $(field message)$(field Message)"
}

# status_is NAME STATUS [TEXT]: so ended the last send, with the text in its body.
status_is() {
	if [[ $status != "$2" ]]; then
		fail "$1" "got $(said), want $2"
	elif [[ -n ${3:-} ]] && ! grep -qF -- "$3" "$tmp/body"; then
		fail "$1" "the answer does not hold $3"
	else
		echo "ok $1"
	fi
}

# The doors refuse in their own words, the service with a code.
refused_by_the_door() {
	if [[ $status != 403 || -n $(field code) ]]; then
		fail "$1" "got $(said), want the door's own 403"
	else
		echo "ok $1"
	fi
}

fail() {
	failed=1
	echo "FAIL $1: $2"
}

echo "version $(curl --version | awk 'NR == 1 { print $1, $2 }')"
for profile in billing-service stranger outsider; do
	profile_keys "$profile"
done

whoami=(-d Action=GetCallerIdentity -d Version=2011-06-15 "$AWS_ENDPOINT_URL_STS/")
for profile in billing-service stranger; do
	send "$profile" sts "${whoami[@]}"
	status_is "sts: $profile is named" 200 "<Arn>arn:aws:sts::444455556666:assumed-role/$profile/"
done
send billing-service-wrong sts "${whoami[@]}"
status_is "sts: a wrong secret is SignatureDoesNotMatch" 403 "<Code>SignatureDoesNotMatch</Code>"
send billing-service sts -d Action=AssumeRole -d Version=2011-06-15 -d RoleSessionName=direct \
	-d RoleArn=arn:aws:iam::111122223333:role/orders-invoke "$AWS_ENDPOINT_URL_STS/"
status_is "sts: orders-invoke cannot be assumed directly" 403 "<Code>AccessDenied</Code>"

# tampered DOOR URL PROFILE SERVICE: replays a good request's signature over
# another body.
tampered() {
	local name="$1: a tampered body is refused"
	send "$3" "$4" -v "${vend[@]}" "$2/v1/credentials"
	if [[ $status != 200 ]]; then
		fail "$name" "the untouched request got $(said)"
		return
	fi
	tr -d '\r' <"$tmp/err" | sed -n -e 's/^> \([Aa]uthorization: .*\)/header = "\1"/p' -e 's/^> \([Xx]-[Aa]mz-.*\)/header = "\1"/p' >"$tmp/replayed"
	send - - -K "$tmp/replayed" "${vend[@]}" "$2/v1/credentials"
	if [[ $status != 200 ]]; then
		fail "$name" "the same request once more got $(said)"
		return
	fi
	send - - -K "$tmp/replayed" -H 'Content-Type: application/json' -d '{"target":"0rders"}' "$2/v1/credentials"
	refused_by_the_door "$name"
}

# signed_door is what holds at each door with AWS_IAM.
signed_door() { # signed_door DOOR URL PROFILE SERVICE OTHER-SERVICE
	send "$3" "$4" "${vend[@]}" "$2/v1/credentials"
	status_is "$1: $3 vends" 200 '"SecretAccessKey"'
	send - - "${vend[@]}" "$2/v1/credentials"
	refused_by_the_door "$1: unsigned is refused"
	send "$3-wrong" "$4" "${vend[@]}" "$2/v1/credentials"
	refused_by_the_door "$1: a wrong secret is refused"
	send "$3" "$5" "${vend[@]}" "$2/v1/credentials"
	refused_by_the_door "$1: another service's signature is refused"
	tampered "$@"
}

signed_door function-url "$CREDVEND_FUNCTION_URL" outsider lambda execute-api
signed_door rest-api "$CREDVEND_REST_URL" outsider execute-api lambda
signed_door http-api "$CREDVEND_URL" billing-service execute-api lambda
send stranger execute-api "${vend[@]}" "$CREDVEND_URL/v1/credentials"
status_is "http-api: stranger is denied" 403 '"code":"denied"'
send outsider execute-api "${vend[@]}" "$CREDVEND_URL/v1/credentials"
refused_by_the_door "http-api: outsider is refused"
send billing-service execute-api "$CREDVEND_URL/v1/credentials/orders?route=GET%20%2Forders%2F42"
status_is "http-api: a GET with a route vends that route alone" 200 '"routes":["GET /orders/42"]'
send billing-service execute-api "$CREDVEND_URL/v1/whoami"
status_is "http-api: whoami names the caller" 200 '"principal":"arn:aws:iam::444455556666:role/billing-service"'

bearer() { # bearer NAME TOKEN
	printf 'header = "Authorization: Bearer %s"\n' "$2" >"$tmp/$1.bearer"
}

token() { # token SUB
	curl -sS --max-time 20 -d "sub=$1" -d groups=shoppers "$CREDVEND_ISSUER_URL/token"
}

mine=$(token shopper-1)
others=$(token shopper-2)
bearer mine "$mine"
bearer forged "${mine%%.*}.$(cut -d . -f 2 <<<"$others").${mine##*.}" # another's claims under this one's signature
send - - -K "$tmp/mine.bearer" "${vend[@]}" "$CREDVEND_JWT_URL/v1/credentials"
status_is "jwt: a token vends" 200 '"routes":["GET /users/shopper-1/*"]'
send - - "${vend[@]}" "$CREDVEND_JWT_URL/v1/credentials"
status_is "jwt: without a token is refused" 401
send - - -K "$tmp/forged.bearer" "${vend[@]}" "$CREDVEND_JWT_URL/v1/credentials"
status_is "jwt: a forged token is refused" 401

send billing-service execute-api "${vend[@]}" "$CREDVEND_URL/v1/credentials"
keys vended "$(field AccessKeyId)" "$(field SecretAccessKey)" "$(field SessionToken)"
send vended execute-api "$CREDVEND_TARGET_URL/orders/42"
status_is "target: GET /orders/42 is answered" 200
send vended execute-api -d '{}' "$CREDVEND_TARGET_URL/orders"
refused_by_the_door "target: POST /orders is refused"
send - - "$CREDVEND_TARGET_URL/orders/42"
refused_by_the_door "target: unsigned is refused"
send billing-service execute-api "$CREDVEND_TARGET_URL/orders/42"
refused_by_the_door "target: billing-service's own signature is refused"
exit "$failed"
