#!/bin/sh
# tools/race.sh GO test ARGS...: runs GO test -race -short ARGS where the race
# detector can be linked (it needs a C compiler on most systems), and without
# both, saying so, where it cannot.
#
# -short skips nothing here: random and combined cases are a fifth, since the
# detector makes each five to ten times as slow and finds its races in the
# first. tools/cover.sh tries all of them.
set -eu
go=$1
shift 2
# A package of the standard library decides, so that a fault in our own code
# is never mistaken for a missing compiler.
if "$go" test -race -run '^$' errors >/dev/null 2>&1; then
	set -- -race -short "$@"
	# A program under the detector sleeps before it exits, a second unless told
	# otherwise, to see what still runs; the scripts of internal/cli start some
	# three hundred programs.
	export GORACE="${GORACE:-atexit_sleep_ms=20}"
else
	echo "note: no race detector here (it needs a C compiler, such as gcc): testing without it" >&2
fi
echo "$go test $*"
exec "$go" test "$@"
