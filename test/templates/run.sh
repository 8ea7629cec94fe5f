#!/bin/sh
# Checks template.yaml and accounts/target.yaml with AWS's own tools: cfn-lint
# and SAM's transform. --all lints every combination of parameters.
#
#   test/templates/run.sh [--all]
#
# Needs Python 3 with cfn-lint and aws-sam-translator (python3 -m pip install
# cfn-lint aws-sam-translator). Without them it says so and fails: go test
# ./test/templates covers the essentials with Go alone.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
PYTHON=${PYTHON:-python3}
if ! "$PYTHON" -c 'import cfnlint, samtranslator' 2>/dev/null; then
	echo "test/templates/run.sh: $PYTHON lacks cfn-lint or aws-sam-translator; python3 -m pip install cfn-lint aws-sam-translator" >&2
	exit 2
fi
exec "$PYTHON" "$here/check.py" "$@"
