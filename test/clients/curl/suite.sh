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
# shellcheck source=test/clients/refusals.sh
. "$(dirname "$0")/../refusals.sh"

value_of() { # value_of PROFILE KEY
	awk -v profile="[$1]" -v key="$2" '/^\[/ { here = $0 == profile } here && $1 == key { print $3 }' "$AWS_SHARED_CREDENTIALS_FILE"
}

keys() { # keys NAME ID SECRET TOKEN: a file that makes curl sign
	printf 'user = "%s:%s"\nheader = "x-amz-security-token: %s"\n' "$2" "$3" "$4" >"$tmp/$1.keys"
}

profile_keys() { # profile_keys PROFILE
	[[ -n $(value_of "$1" aws_session_token) ]] || fail "sts: profile $1" "it is not there"
	keys "$1" "$(value_of "$1" aws_access_key_id)" "$(value_of "$1" aws_secret_access_key)" "$(value_of "$1" aws_session_token)"
}

# stamp SECONDS is the time so many seconds from now, as AWS writes it. GNU's
# date and BSD's differ in how they are told a time.
stamp() {
	local at=$(($(date +%s) + $1))
	date -u -d "@$at" +%Y%m%dT%H%M%SZ 2>/dev/null || date -u -r "$at" +%Y%m%dT%H%M%SZ
}

# send KEYS SERVICE CURL-ARGUMENTS...: the status in $status, the body in
# $tmp/body, the headers in $tmp/headers. KEYS "-" sends without a signature.
send() {
	local who=$1 service=$2
	shift 2
	local sign=()
	if [[ $who != - ]]; then
		sign=(--aws-sigv4 "aws:amz:${region:-$AWS_REGION}:$service" -K "$tmp/$who.keys")
	fi
	: >"$tmp/body"
	: >"$tmp/headers"
	status=$(curl -sS --max-time 20 -o "$tmp/body" -D "$tmp/headers" -w '%{http_code}' "${sign[@]+"${sign[@]}"}" "$@" 2>"$tmp/err") || status="curl's error ${status:-}"
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

# refused_as_aws_does ENDPOINT CASE: so refusals.tsv has the last answer.
refused_as_aws_does() {
	local kind body want=()
	if ! refusal "$1" "$2"; then
		fail "$1: $2" "refusals.tsv does not have it"
		return
	fi
	if [[ $1 == sts ]]; then
		kind=$(sed -n 's:.*<Code>\(.*\)</Code>.*:\1:p' "$tmp/body")
		body=$(sed -n -e "s/&#39;/'/g" -e 's:.*\(<Message>.*</Message>\).*:\1:p' "$tmp/body")
	else
		kind=$(tr -d '\r' <"$tmp/headers" | sed -n -e 's/^[Xx]-[Aa]mzn-[Ee]rror[Tt]ype: //p' -e 's/^[Ww][Ww][Ww]-[Aa]uthenticate: //p')
		body=$(<"$tmp/body")
	fi
	local got=("$status" "${kind:--}" "$body") part=0 name
	for name in status error body; do
		if ! like "${got[part]}" "${want[part]}"; then
			[[ $status != 2* ]] || got[part]=withheld
			fail "$1: $2" "$name is ${got[part]:0:300}, want ${want[part]}"
			return
		fi
		part=$((part + 1))
	done
	echo "ok $1: $2"
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
for profile in billing-service stranger outsider expired; do
	profile_keys "$profile"
done

# seven_cases ENDPOINT KEYS SERVICE OTHER-SERVICE CURL-ARGUMENTS...: the cases of
# README.md, but for two that each endpoint has its own way of.
seven_cases() {
	local door=$1 who=$2 service=$3 other=$4
	shift 4
	send - - "$@"
	refused_as_aws_does "$door" unsigned
	send expired "$service" "$@"
	refused_as_aws_does "$door" expired
	dated -3600 "$who" "$service" "$@"
	refused_as_aws_does "$door" clock-behind
	dated 3600 "$who" "$service" "$@"
	refused_as_aws_does "$door" clock-ahead
	dated -240 "$who" "$service" "$@"
	status_is "$door: a clock that is four minutes behind is allowed" 200
	send "$who" "$other" "$@"
	refused_as_aws_does "$door" wrong-service
	region=eu-nowhere-1 send "$who" "$service" "$@"
	refused_as_aws_does "$door" wrong-region
}

# replayable keeps the signature of the last request, which -v showed.
replayable() {
	tr -d '\r' <"$tmp/err" | sed -n -e 's/^> \([Aa]uthorization: .*\)/header = "\1"/p' -e 's/^> \([Xx]-[Aa]mz-.*\)/header = "\1"/p' | sort -u >"$tmp/replayed"
}

# dated SECONDS KEYS SERVICE CURL-ARGUMENTS...: sends as a machine does whose
# clock is off by so many seconds. curl signs for the date of a header that it is
# given, but 7.88 sends this header twice: what it signed is sent again, with one.
dated() {
	local seconds=$1 who=$2 service=$3
	shift 3
	send "$who" "$service" -v -H "X-Amz-Date: $(stamp "$seconds")" "$@"
	replayable
	send - - -K "$tmp/replayed" "$@"
}

# tampered ENDPOINT KEYS SERVICE GOOD BAD CURL-ARGUMENTS...: replays a good
# request's signature over another; GOOD and BAD are a URL or a body, which the
# last argument of curl is.
tampered() {
	local door=$1 who=$2 service=$3 good=$4 bad=$5
	shift 5
	send "$who" "$service" -v "$@" "$good"
	replayable
	local first=$status
	send - - -K "$tmp/replayed" "$@" "$good"
	if [[ $first != 200 || $status != 200 ]]; then
		fail "$door: tampered" "the untouched request got $first, once more $(said)"
		return
	fi
	send - - -K "$tmp/replayed" "$@" "$bad"
	refused_as_aws_does "$door" tampered
}

whoami=(-d Action=GetCallerIdentity "$AWS_ENDPOINT_URL_STS/" -d Version=2011-06-15)
send billing-service sts "${whoami[@]}"
status_is "sts: allowed" 200 "<Arn>arn:aws:sts::444455556666:assumed-role/billing-service/"
seven_cases sts billing-service sts execute-api "${whoami[@]}"
tampered sts billing-service sts Version=2011-06-15 "Version=2011-06-15&Extra=1" -d Action=GetCallerIdentity "$AWS_ENDPOINT_URL_STS/" -d
send billing-service sts -d Action=AssumeRole -d Version=2011-06-15 -d RoleSessionName=direct \
	-d RoleArn=arn:aws:iam::111122223333:role/orders-invoke "$AWS_ENDPOINT_URL_STS/"
refused_as_aws_does sts refused
send stranger sts "${whoami[@]}"
status_is "sts: stranger is named" 200 "<Arn>arn:aws:sts::444455556666:assumed-role/stranger/"

send billing-service execute-api "${vend[@]}" "$CREDVEND_URL/v1/credentials"
status_is "http-api: allowed" 200 '"SecretAccessKey"'
keys vended "$(field AccessKeyId)" "$(field SecretAccessKey)" "$(field SessionToken)"

# signed_door is what holds at each front door with AWS_IAM. REFUSED are the keys
# of somebody whom the door turns away.
signed_door() { # signed_door ENDPOINT URL KEYS SERVICE OTHER-SERVICE REFUSED
	seven_cases "$1" "$3" "$4" "$5" "${vend[@]}" "$2/v1/credentials"
	tampered "$1" "$3" "$4" '{"target":"orders"}' '{"target":"0rders"}' -H 'Content-Type: application/json' "$2/v1/credentials" -d
	send "$6" "$4" "${vend[@]}" "$2/v1/credentials"
	refused_as_aws_does "$1" refused
}

for door in function-url rest-api; do
	url=$CREDVEND_FUNCTION_URL service=lambda other=execute-api
	if [[ $door == rest-api ]]; then
		url=$CREDVEND_REST_URL service=execute-api other=lambda
	fi
	send outsider "$service" "${vend[@]}" "$url/v1/credentials"
	status_is "$door: allowed" 200 '"SecretAccessKey"'
	signed_door "$door" "$url" outsider "$service" "$other" vended
done
signed_door http-api "$CREDVEND_URL" billing-service execute-api lambda outsider
send stranger execute-api "${vend[@]}" "$CREDVEND_URL/v1/credentials"
status_is "http-api: stranger is denied" 403 '"code":"denied"'
send billing-service execute-api "$CREDVEND_URL/v1/credentials/orders?route=GET%20%2Forders%2F42"
status_is "http-api: a GET with a route vends that route alone" 200 '"routes":["GET /orders/42"]'
send billing-service execute-api "$CREDVEND_URL/v1/whoami"
status_is "http-api: whoami names the caller" 200 '"principal":"arn:aws:iam::444455556666:role/billing-service"'

bearer() { # bearer NAME TOKEN
	printf 'header = "Authorization: Bearer %s"\n' "$2" >"$tmp/$1.bearer"
}

token() { # token SUB FORM-FIELD...
	local sub=$1 field fields=()
	shift
	for field in "$@"; do
		fields+=(-d "$field")
	done
	curl -sS --max-time 20 -d "sub=$sub" -d groups=shoppers "${fields[@]+"${fields[@]}"}" "$CREDVEND_ISSUER_URL/token"
}

with_token() { # with_token TOKEN: vends
	bearer one "$1"
	send - - -K "$tmp/one.bearer" "${vend[@]}" "$CREDVEND_JWT_URL/v1/credentials"
}

mine=$(token shopper-1)
others=$(token shopper-2)
with_token "$mine"
status_is "jwt: allowed" 200 '"routes":["GET /users/shopper-1/*"]'
send - - "${vend[@]}" "$CREDVEND_JWT_URL/v1/credentials"
refused_as_aws_does jwt unsigned
# Another's claims under this one's signature.
with_token "${mine%%.*}.$(cut -d . -f 2 <<<"$others").${mine##*.}"
refused_as_aws_does jwt tampered
with_token "$(curl -sS --max-time 20 -d sub=shopper-1 -d groups=nobody "$CREDVEND_ISSUER_URL/token")"
refused_as_aws_does jwt refused
with_token "$(token shopper-1 exp=-60)"
refused_as_aws_does jwt expired
with_token "$(token shopper-1 iat=-7200 exp=-3600)"
refused_as_aws_does jwt clock-behind
with_token "$(token shopper-1 iat=3600 nbf=3600 exp=7200)"
refused_as_aws_does jwt clock-ahead
with_token "$(token shopper-1 aud=another-app)"
refused_as_aws_does jwt wrong-service
with_token "$(token shopper-1 iss=https://issuer.example.com)"
refused_as_aws_does jwt wrong-region

send vended execute-api "$CREDVEND_TARGET_URL/orders/42"
status_is "target: allowed" 200
seven_cases target vended execute-api lambda "$CREDVEND_TARGET_URL/orders/42"
tampered target vended execute-api "$CREDVEND_TARGET_URL/orders/42" "$CREDVEND_TARGET_URL/orders/43"
send vended execute-api -d '{}' "$CREDVEND_TARGET_URL/orders"
refused_as_aws_does target refused
send billing-service execute-api "$CREDVEND_TARGET_URL/orders/42"
refused_by_the_door "target: billing-service's own signature is refused"
exit "$failed"
