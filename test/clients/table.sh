# shellcheck shell=bash disable=SC2154
# For run.sh: the table of docs/callers.md, client by way. It is sourced; it needs
# $results, $clients, $tmp, $update and fail.
#
# The document has the rows of every client that somebody has seen. Each that
# this run has seen must be there as it was seen, whatever its version, save one:
# a client that reads no token file yet has a row of its own, which names the
# first version that does. A row that the document lacks is a failure, unless
# the client can do everything: then its version is only newer than what was
# there when the document was written.

page=docs/callers.md
begin='<!-- made by test/clients/run.sh --update -->'
end='<!-- end of what test/clients/run.sh made -->'

# rows prints the rows that this run has seen.
rows() {
	awk -F '\t' -v clients="$clients" '
	BEGIN {
		c = split(clients, client, " ")
		name["aws-cli-1"] = "AWS CLI 1"; name["aws-cli-2"] = "AWS CLI 2"; name["boto3"] = "boto3, botocore"; name["curl"] = "curl `--aws-sigv4`"
		name["go"] = "AWS SDK for Go v2"; name["js"] = "AWS SDK for JavaScript v3"; name["newman"] = "Postman, by newman"
	}
	{ seen[$1, $3, $4] = $2; any[$1, $3] = 1 }
	$4 ~ /^reads no file before / { sub(/.* /, "", $4); since[$1] = $4 }
	function done(who, way, what) { return seen[who, way, what] == "ok" }
	function fetched(who, way) {
		if (!any[who, way]) return "no"
		return done(who, way, "an allowed route is answered 200") && done(who, way, "another route is refused 403") ? "200 · 403" : "FAIL"
	}
	function rotated(who,   cell) {
		if (since[who]) return done(who, "container-file", "reads no file before " since[who]) ? "no" : "FAIL"
		cell = fetched(who, "container-file")
		return cell != "200 · 403" || done(who, "container-file", "the second token is used") && done(who, "container-file", "the first token is used no more") ? cell : "FAIL"
	}
	function signed(who) {
		if (!any[who, "target"]) return "no"
		return done(who, "http-api", "allowed") && done(who, "target", "allowed") && done(who, "target", "refused") ? "200 · 403" : "FAIL"
	}
	END {
		for (i = 1; i <= c; i++) {
			who = client[i]
			if (name[who] == "") continue # aws-cli, where there is none
			printf "| %s%s | %s | %s | %s | %s |\n", name[who], since[who] ? ", before " since[who] : "",
				fetched(who, "process"), fetched(who, "container"), rotated(who), signed(who)
		}
	}' "$results"
}

written() { # the rows that the document has
	awk -v begin="$begin" -v end="$end" '$0 == end { here = 0 } here && /^\|/ && ++n > 2; $0 == begin { here = 1 }' "$page"
}

label() {
	cut -d '|' -f 2 <<<"$1"
}

hold_to_the_document() {
	local row old
	rows >"$tmp/seen"
	written >"$tmp/written"
	if ! grep -qxF -- "$begin" "$page" || ! grep -qxF -- "$end" "$page"; then
		fail callers.md table "$page has no line $begin, or none that ends what follows it"
		return
	fi
	if [ -n "$update" ]; then
		while IFS= read -r row; do
			grep -qF -- "|$(label "$row")|" "$tmp/seen" || printf '%s\n' "$row" >>"$tmp/seen"
		done <"$tmp/written"
		sort -o "$tmp/seen" "$tmp/seen"
		awk -v begin="$begin" -v end="$end" -v rows="$tmp/seen" '
			$0 == end { here = 0 }
			!here
			$0 == begin {
				here = 1
				print "| client | `credential_process` | container, token in a variable | container, token in a file that changes | signs for credvend and for the API |"
				print "|---|---|---|---|---|"
				while ((getline row <rows) > 0) print row
			}' "$page" >"$tmp/page" && cat "$tmp/page" >"$page"
		echo "$page has the table as it was seen"
		return
	fi
	while IFS= read -r row; do
		old=$(grep -F -- "|$(label "$row")|" "$tmp/written")
		if [ "$old" = "$row" ]; then
			continue
		elif [ -n "$old" ]; then
			fail callers.md table "$page has \"$old\", and \"$row\" was seen; if that is right: test/clients/run.sh --update"
		elif [[ $row == *FAIL* || $(label "$row") == *", before "* ]]; then
			fail callers.md table "$page lacks \"$row\": test/clients/run.sh --update"
		else
			echo "note: $page has no row for$(label "$row")yet: test/clients/run.sh --update writes it"
		fi
	done <"$tmp/seen"
}
