#!/usr/bin/env bash
# Stock clients against the local stack: starts `credvend local` on free ports,
# lets each client's suite talk to every endpoint that the client can talk to,
# and prints a table. `make conformance` calls it after `make build`.
#
#   test/clients/run.sh              every client
#   test/clients/run.sh curl js      these only
#   test/clients/run.sh --update …   and writes what it saw into docs/callers.md
#
# It exits 0 only if each check passed. A client that is missing is a failure,
# never a skip; as root (in CI by sudo too) what is missing is installed first.
# An AWS CLI of version 1 and one of version 2 are two clients, where both are.
# The lines of each suite are left in build/clients/CLIENT.log. What docs/callers.md
# says of a client must be what was seen of it.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
here=test/clients
work=build/clients

# Which endpoints each client must have shown something at. A suite that ends
# early, or loses a part, is noticed by this.
endpoints="sts http-api function-url rest-api jwt target container container-file process"
must() {
	case $1 in
	aws-cli*) echo sts container container-file process ;;             # signs for AWS's own services alone
	curl | newman) echo sts http-api function-url rest-api jwt target ;; # fetch no credentials
	*) echo "$endpoints" ;;
	esac
}

# What each client must have shown at each endpoint that refusals.tsv has.
cases="allowed unsigned refused expired tampered clock-behind clock-ahead wrong-service wrong-region"

all="aws-cli boto3 curl go js newman"
update=""
if [ "${1:-}" = --update ]; then
	update=yes
	shift
fi
clients=${*:-$all}
for client in $clients; do
	case " $all " in
	*" $client "*) ;;
	*)
		echo "run.sh: there is no client $client; there are: $all" >&2
		exit 2
		;;
	esac
done

tmp=$(mktemp -d) || exit 2
stack=""
stop() {
	if [ -n "$stack" ]; then
		kill "$stack" 2>/dev/null && wait "$stack" 2>/dev/null
	fi
	rm -rf "$tmp"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The results, a line each: client, ok or FAIL, endpoint, the rest.
results=$tmp/results
: >"$results"
fail() { # fail CLIENT ENDPOINT TEXT
	printf '%s\tFAIL\t%s\t%s\n' "$1" "$2" "$3" >>"$results"
	echo "FAIL $1: $2: $3"
}

# --- what is needed -----------------------------------------------------------

have() { command -v "$1" >/dev/null 2>&1; }

updated=""
apt_install() { # apt_install PACKAGE...: 1 if it cannot
	local sudo=""
	have apt-get || return 1
	if [ "$(id -u)" -ne 0 ]; then
		{ [ "${CI:-}" = true ] && have sudo; } || return 1
		sudo="sudo -n"
	fi
	echo "installing $*"
	if [ -z "$updated" ]; then
		$sudo apt-get -qq update >>"$work/install.log" 2>&1 </dev/null
		updated=yes
	fi
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >>"$work/install.log" 2>&1 </dev/null
}

# Each need_CLIENT makes the client ready, or says in $why how a person can.
why=""

need_aws_cli() {
	find_aws || { apt_install awscli && find_aws; } || true
	why="there is no AWS CLI 2; version 1 is tried where there is one (Debian: apt-get install awscli)"
	grep -q '^aws-cli-2	' <<<"$aws_programs" || return
	have faketime || apt_install faketime || true
	why="there is no faketime, to put the AWS CLI's clock wrong (Debian and Ubuntu: apt-get install faketime)"
	have faketime
}

# find_aws lists the AWS CLIs, one of each major version: lines of client,
# program.
find_aws() {
	local program version
	aws_programs=""
	for program in $(type -aP aws) /usr/bin/aws /usr/local/bin/aws; do
		version=$("$program" --version 2>&1 | sed -n 's:^aws-cli/\([0-9]*\)\..*:\1:p')
		case $aws_programs in
		*"aws-cli-$version	"*) continue ;; # that one is there
		esac
		[ -z "$version" ] || aws_programs="${aws_programs}aws-cli-$version	$program
"
	done
	grep -q '^aws-cli-2	' <<<"$aws_programs"
}

# Debian's boto3 belongs to its own python3, which need not be the first.
need_boto3() {
	find_python || { apt_install python3-boto3 && find_python; }
	why="no python3 has boto3: python3 -m pip install boto3, or apt-get install python3-boto3; PYTHON=… names another python"
	[ -n "$python" ]
}

find_python() {
	for python in "${PYTHON:-python3}" /usr/bin/python3; do
		"$python" -c 'import boto3' >/dev/null 2>&1 && return
	done
	python=""
	return 1
}

need_curl() {
	have curl || apt_install curl ca-certificates || true
	# 7.81 leaves the session token's header out of the signature, which AWS refuses.
	why="curl 7.88 or newer with --aws-sigv4 is needed (apt-get install curl)"
	have curl && curl --version | awk 'NR == 1 { split($2, v, "."); exit !(v[1] > 7 || v[1] == 7 && v[2] >= 88) }'
}

need_go() {
	why="the Go program does not build (build/clients/install.log)"
	"${GO:-go}" build -buildvcs=false -tags conformance -o "$work/go-suite" "./$here/go" 2>>"$work/install.log"
}

need_js() { need_npm js; }

need_newman() { need_npm newman; }

# need_npm FOLDER installs what a suite's lock file names beside a copy of it.
need_npm() {
	{ have node && have npm; } || apt_install nodejs npm || true
	why="node 18 or newer with npm is needed (apt-get install nodejs npm)"
	have node && have npm && [ "$(node -p 'Number(process.versions.node.split(".")[0]) >= 18')" = true ] || return
	why="npm ci could not install what $here/$1/package-lock.json names (build/clients/install.log)"
	mkdir -p "$work/$1" && cp "$here/$1"/* "$work/$1/" || return
	cmp -s "$here/$1/package-lock.json" "$work/$1/installed.json" && return # by an earlier run
	(cd "$work/$1" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >>"$work/install.log" 2>&1 </dev/null &&
		cp "$here/$1/package-lock.json" "$work/$1/installed.json"
}

mkdir -p "$work" || exit 2
rm -f "$work"/*.log # of an earlier run
: >"$work/install.log"
for file in build/credvend build/bootstrap; do
	if [ ! -x "$file" ]; then
		echo "run.sh: there is no $file: run make build first, or make conformance" >&2
		exit 2
	fi
done
ready=""
for client in $clients; do
	if "need_${client/-/_}"; then
		ready="$ready $client"
	else
		fail "$client" missing "$why"
	fi
done
# The suite of aws-cli asks the issuer with curl. From here on each AWS CLI is a
# client of its own.
case " $ready " in
*" aws-cli "*)
	need_curl || fail aws-cli missing "$why"
	columns=$(cut -f 1 <<<"$aws_programs" | sort | xargs)
	ready=" $ready "
	ready=${ready/ aws-cli / $columns }
	clients=" $clients "
	clients=${clients/ aws-cli / $columns }
	;;
esac

# --- the stack ----------------------------------------------------------------

# Nothing of this shell's own AWS set-up may reach the clients; nor may a proxy
# come between them and the loopback addresses.
for name in $(compgen -e); do
	case $name in
	AWS_* | CREDVEND_* | http_proxy | https_proxy | all_proxy | HTTP_PROXY | HTTPS_PROXY | ALL_PROXY) unset "$name" ;;
	esac
done

build/credvend local --port 0 --dir "$tmp/stack" --bootstrap build/bootstrap >"$tmp/stack.out" 2>&1 </dev/null &
stack=$!
for _ in $(seq 300); do
	grep -qx ready "$tmp/stack.out" && break
	kill -0 "$stack" 2>/dev/null || break
	sleep 0.1
done
if ! grep -qx ready "$tmp/stack.out"; then
	cat "$tmp/stack.out" >&2
	echo "run.sh: the local stack did not get ready" >&2
	exit 1
fi
# shellcheck source=/dev/null
. "$tmp/stack/local.env"
export AWS_EC2_METADATA_DISABLED=true AWS_PAGER="" PYTHONDONTWRITEBYTECODE=1
export REFUSALS="$PWD/$here/refusals.tsv" POSTMAN="$PWD/postman"
if ! grep -qx '\[expired\]' "$AWS_SHARED_CREDENTIALS_FILE"; then
	fail stack expired "the stack writes no profile named expired, whose session has ended"
fi

awk '$1 ~ /^aws_(secret_access_key|session_token)$/ { print $3 }' "$AWS_SHARED_CREDENTIALS_FILE" >"$tmp/secrets"

# --- the suites ---------------------------------------------------------------

run_suite() { # run_suite CLIENT
	case $1 in
	aws-cli-*)
		AWS_CLI=$(sed -n "s/^$1	//p" <<<"$aws_programs")
		export AWS_CLI
		set -- "$here/awscli/suite.sh"
		;;
	boto3) set -- "$python" "$here/boto3/suite.py" ;;
	curl) set -- "$here/curl/suite.sh" ;;
	go) set -- "$work/go-suite" ;;
	js | newman) set -- node "$work/$1/suite.mjs" ;;
	esac
	if have timeout; then # a client that hangs must not hang CI
		set -- timeout 180 "$@"
	fi
	"$@"
}

for client in $ready; do
	out=$tmp/$client.out
	run_suite "$client" >"$out" 2>"$tmp/$client.err" </dev/null
	code=$?
	echo "$client: $(sed -n 's/^version //p' "$out")"
	awk -v client="$client" -v OFS='\t' '
		/^(ok|FAIL) [a-z-]+: / {
			verdict = $1; door = $2; sub(/:$/, "", door); sub(/^[^ ]* [^ ]* /, ""); print client, verdict, door, $0 }' "$out" >>"$results"
	sed -n "s/^FAIL /FAIL $client: /p" "$out" | grep -vFf "$tmp/secrets"
	if [ "$code" -ne 0 ] && ! grep -q '^FAIL ' "$out"; then
		fail "$client" suite "it ended with exit $code; see $work/$client.log"
	fi
	for door in $(must "$client"); do
		grep -Eq "^(ok|FAIL) $door: " "$out" || fail "$client" "$door" "the suite shows nothing here"
		grep -q "^$door	" "$here/refusals.tsv" || continue
		for case in $cases; do
			grep -Eq "^(ok|FAIL) $door: $case(:|\$)" "$out" || fail "$client" "$door" "$case: the suite does not show it"
		done
	done
	if grep -qFf "$tmp/secrets" "$out" "$tmp/$client.err" || grep -q '"SecretAccessKey"' "$out" "$tmp/$client.err"; then
		fail "$client" secrets "its output holds a secret"
	else
		cat "$out" "$tmp/$client.err" >"$work/$client.log"
	fi
done
for file in "$tmp/stack.out" "$tmp/stack/audit.jsonl" "$tmp/stack/function.log"; do
	if grep -qFf "$tmp/secrets" "$file"; then
		fail stack secrets "$(basename "$file") holds a secret"
	fi
done

# --- the table ----------------------------------------------------------------

# table HEADING ROWS COLUMN prints rows of ROWS, and any others if COLUMN is the
# endpoint's (3); else of what a check is called (4).
table() {
	awk -F '\t' -v clients="$clients" -v heading="$1" -v rows="$2" -v column="$3" '
	BEGIN { c = split(clients, client, " "); for (i = 1; i <= c; i++) shows[client[i]] = 1 }
	$1 in shows {
		name = $column
		if (column == 4) sub(/: .*/, "", name)
		seen[name SUBSEP $1]++
		if ($2 == "FAIL") bad[name SUBSEP $1]++
		if ($3 == "missing") missing[$1] = 1
		if (!known[name]++) order[++n] = name
	}
	function row(name,   i, k, cell) {
		printf "%-15s", name
		for (i = 1; i <= c; i++) {
			k = name SUBSEP client[i]
			cell = !seen[k] ? (missing[client[i]] ? "missing" : "-") : bad[k] ? "FAIL " bad[k] "/" seen[k] : "ok " seen[k]
			printf "%-11s", cell
		}
		print ""
	}
	END {
		printf "%-15s", heading
		for (i = 1; i <= c; i++) printf "%-11s", client[i]
		print ""
		d = split(rows, listed, " ")
		for (i = 1; i <= d; i++) { shown[listed[i]] = 1; row(listed[i]) }
		if (column == 3) for (i = 1; i <= n; i++) if (!shown[order[i]]) row(order[i])
	}' "$results" | sed 's/ *$//'
}

echo
table endpoint "$endpoints" 3
echo "(- : the client has no way to call it)"
echo
echo "How each is answered as AWS answers it, at how many endpoints (README.md):"
table case "$cases" 4
echo
# shellcheck source=test/clients/table.sh
. "$here/table.sh"
hold_to_the_document
passed=$(grep -c "$(printf '\tok\t')" "$results")
failed=$(grep -c "$(printf '\tFAIL\t')" "$results")
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
