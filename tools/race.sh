#!/bin/sh
# tools/race.sh GO test ARGS...: runs GO test -race ARGS where the race
# detector can be linked (it needs a C compiler on most systems), and without
# it, saying so, where it cannot.
set -eu
go=$1
shift 2
# A package of the standard library decides, so that a fault in our own code
# is never mistaken for a missing compiler.
if "$go" test -race -run '^$' errors >/dev/null 2>&1; then
	set -- -race "$@"
else
	echo "note: no race detector here (it needs a C compiler, such as gcc): testing without it" >&2
fi
echo "$go test $*"
exec "$go" test "$@"
