#!/bin/sh
# tools/fuzz.sh GO FUZZTIME: runs every fuzz target for FUZZTIME, each in the
# package that holds it (go test fuzzes one target of one package at a time).
# Finding no target at all is a failure: a fuzz run that fuzzes nothing looks
# just like one that finds nothing.
set -eu
go=$1
fuzztime=$2
mkdir -p build
if ! "$go" test -list '^Fuzz' ./... >build/fuzz.list; then
	cat build/fuzz.list
	exit 1
fi
# go test prints the names of a package's targets, then a line "ok <package>".
awk '/^Fuzz/ { names[++n] = $1 }
     /^ok/ { for (i = 1; i <= n; i++) print $2, names[i]; n = 0 }' build/fuzz.list >build/fuzz.targets
if ! [ -s build/fuzz.targets ]; then
	echo "fuzz: no fuzz target found: they are functions named Fuzz... in _test.go files" >&2
	exit 1
fi
count=0
while read -r package target; do
	# Minimising is bounded: by default Go may spend a minute on each input.
	echo "== $target in $package for $fuzztime"
	"$go" test -run '^$' -fuzz "^$target\$" -fuzztime "$fuzztime" -fuzzminimizetime 20x "$package" </dev/null
	count=$((count + 1))
done <build/fuzz.targets
echo "fuzz: $count targets, $fuzztime each, nothing found"
