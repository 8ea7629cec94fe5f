# shellcheck shell=bash
# For suites that are shell scripts: what refusals.tsv says, and whether it is so.

refusals=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/refusals.tsv

# refusal ENDPOINT CASE: the row's three last columns in $want; 1 if there is none.
refusal() {
	local row
	row=$(grep "^$1	$2	" "$refusals") || return
	# shellcheck disable=SC2034 # its caller reads it
	want=("$(cut -f 3 <<<"$row")" "$(cut -f 4 <<<"$row")" "$(cut -f 5 <<<"$row")")
}

# like TEXT PATTERN: only "*" is special in the pattern.
like() {
	local pattern=${2//\\/\\\\}
	pattern=${pattern//\?/\\?}
	pattern=${pattern//\[/\\[}
	# shellcheck disable=SC2053 # a pattern it shall be
	[[ $1 == $pattern ]]
}
