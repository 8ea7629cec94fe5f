#!/bin/sh
# tools/examples.sh FILE: prints the lines of an allowlist, comments apart, that
# name an account of AWS's documentation. Nothing printed: there are none.
set -eu
sed 's/^[[:space:]]*#.*//; s/[[:space:]]#.*//' "$1" |
	grep -nE '(^|[^0-9])(111122223333|444455556666|777788889999|123456789012|111111111111|222222222222|000000000000)([^0-9]|$)' |
	sed 's/^\([0-9]*\):[[:space:]]*/  line \1: /' || true
