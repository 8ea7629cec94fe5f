#!/bin/sh
# tools/cover.sh GO PROFILE: runs the tests of every package that has code, all
# of their random cases among them, and writes one profile, whichever package's
# tests reached a line. A package of tests alone (test/…) drives programs, or
# accounts that the tested packages hold as well: make test runs it. vendtest is
# not measured: it is test code in files of another name. bench is left out: it
# counts allocations, which the counters of a profile may change.
set -eu
go=$1
profile=$2
mkdir -p "$(dirname "$profile")"
packages=$("$go" list -f '{{if .GoFiles}}{{.ImportPath}}{{end}}' ./... | grep -v '/credvend/bench')
measured=$(echo "$packages" | grep -v '/internal/vendtest$' | paste -s -d , -)
code=0
# shellcheck disable=SC2086 # one word for each package
"$go" test -coverprofile="$profile" -coverpkg="$measured" $packages >"$profile.txt" || code=$?
# With -coverpkg each line would repeat the list of all packages.
sed 's/[[:space:]]*coverage: [0-9.]*% of statements.*//' "$profile.txt"
exit "$code"
