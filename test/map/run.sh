#!/usr/bin/env bash
# The map of an allowlist in headless Chromium: small, of 100 and of 2,000 rules.
#
#   test/map/run.sh           checks; screenshots go to test/map/shots
#
# Needs Go, node 18 or later, npm and /usr/bin/chromium (or CHROMIUM=PATH). As
# root on Debian it installs what is missing.
set -euo pipefail

cd "$(dirname "$0")"
chromium=${CHROMIUM:-/usr/bin/chromium}

missing=()
[[ -x $chromium ]] || missing+=(chromium)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
if ((${#missing[@]})); then
	if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
		echo "test/map needs ${missing[*]}: install them, or run it as root on Debian" >&2
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
CREDVEND_MAP_BROWSER=$chromium go test -count=1 -timeout 5m -run '^TestInBrowser$' -v . 2>&1 | grep -v '^=== '
