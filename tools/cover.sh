#!/bin/sh
# tools/cover.sh GO PROFILE: runs all tests and writes one profile of all our
# packages, whichever package's tests reached them. vendtest is left out: it is
# test code in files of another name.
set -eu
go=$1
profile=$2
mkdir -p "$(dirname "$profile")"
packages=$("$go" list ./... | grep -v '/internal/vendtest$' | paste -s -d , -)
code=0
"$go" test -coverprofile="$profile" -coverpkg="$packages" ./... >"$profile.txt" || code=$?
# With -coverpkg each line would repeat the list of all packages.
sed 's/[[:space:]]*coverage: [0-9.]*% of statements.*//' "$profile.txt"
exit "$code"
