#!/usr/bin/env bash
# The parts of the documents that need more than Go: their pictures, drawn in
# headless Chromium, and their commands that call the AWS CLI and curl. The
# rest is go test ./test/docs.
#
#   test/docs/run.sh           checks; pictures go to test/docs/shots
#
# Needs Go, make, node 18 or later, npm, /usr/bin/chromium (or CHROMIUM=PATH),
# curl and the AWS CLI. As root on Debian it installs what is missing.
set -euo pipefail

cd "$(dirname "$0")"
export CHROMIUM=${CHROMIUM:-/usr/bin/chromium}

missing=()
[[ -x $CHROMIUM ]] || missing+=(chromium)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
command -v curl >/dev/null || missing+=(curl ca-certificates)
command -v aws >/dev/null || missing+=(awscli)
if ((${#missing[@]})); then
	if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
		echo "test/docs needs ${missing[*]}: install them, or run it as root on Debian" >&2
		exit 2
	fi
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" fonts-dejavu-core >/dev/null
fi

if ! cmp -s package-lock.json node_modules/.lock-of-the-install; then
	npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
	cp package-lock.json node_modules/.lock-of-the-install
fi
mkdir -p shots
node pictures.mjs

# -count=1: what these commands call is no part of the test's key.
CREDVEND_DOCS_TOOLS=1 go test -count=1 -timeout 10m -run '^TestCommands$' -v . 2>&1 | grep -v '^=== '
