#!/usr/bin/env bash
# credvend from a caller's side, with programs that are not ours.
#
#   test/callers/run.sh browser            a page vends and signs, in headless Chromium
#   test/callers/run.sh refresh            how often stock clients fetch, and what refusals
#                                          do to them, must be what docs/callers.md says
#   test/callers/run.sh refresh --update   writes it into docs/callers.md
#
# Both need Go, node 18 or later and npm, and what `make build` makes; browser
# needs /usr/bin/chromium (or CHROMIUM=PATH), refresh an AWS CLI 2 and a python3
# with boto3. As root, or in CI with sudo, what is missing is installed first.
set -euo pipefail
cd "$(dirname "$0")"

usage() {
	sed -n '4,7s/^# *//p' run.sh >&2
	exit 2
}

have() { command -v "$1" >/dev/null 2>&1; }

boto3() {
	local python
	for python in "${PYTHON:-python3}" python3 /usr/bin/python3; do
		if "$python" -c 'import boto3' >/dev/null 2>&1; then
			return 0
		fi
	done
	return 1
}

aws2() {
	local program
	for program in $(type -aP aws) /usr/bin/aws /usr/local/bin/aws; do
		if "$program" --version 2>&1 | grep -q '^aws-cli/2\.'; then
			return 0
		fi
	done
	return 1
}

missing=()
have node || missing+=(nodejs)
have npm || missing+=(npm)
chromium=${CHROMIUM:-/usr/bin/chromium}
case ${1:-} in
browser)
	[[ $# -eq 1 ]] || usage
	[[ -x $chromium ]] || missing+=(chromium)
	;;
refresh)
	[[ $# -eq 1 || $# -eq 2 && $2 == --update ]] || usage
	boto3 || missing+=(python3-boto3)
	aws2 || missing+=(awscli)
	;;
*) usage ;;
esac
if ((${#missing[@]})); then
	sudo=""
	if [[ $(id -u) != 0 ]]; then
		sudo="sudo -n"
	fi
	if ! have apt-get || { [[ -n $sudo ]] && ! { [[ ${CI:-} == true ]] && have sudo; }; }; then
		echo "test/callers/run.sh $1 needs ${missing[*]}: install them, or run it as root on Debian" >&2
		exit 2
	fi
	$sudo apt-get update -qq
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
if [[ ! -x ../../build/credvend ]]; then
	echo "there is no build/credvend: run make build first, or make $1" >&2
	exit 2
fi

if ! cmp -s package-lock.json node_modules/.lock-of-the-install; then
	npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
	cp package-lock.json node_modules/.lock-of-the-install
fi

if [[ $1 == browser ]]; then
	CREDVEND_CALLERS_BROWSER=$chromium go test -count=1 -timeout 5m -run '^TestInBrowser$' -v . 2>&1 | grep -v '^=== '
else
	CREDVEND_CALLERS_CLIENTS=1 go test -count=1 -timeout 10m -parallel 4 -run '^TestRefresh$' -v . ${2:+-update} 2>&1 | grep -v '^=== '
fi
