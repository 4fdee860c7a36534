# SPDX-License-Identifier: GPL-2.0-or-later
# The schemas and what validates by them.

load ../lib/runup

validate() { # ARGUMENTS…, the document on standard input
	run "$PYTHON" "$RUNUP_SOURCE/tests/validate.py" "$@"
	echo "$output"
}

@test "schemas: each is valid and strict, and so is its example" {
	validate --examples
	[[ $status -eq 0 && -z $output ]]
}

@test "schemas: what the commands may print has one each" {
	local name
	for name in apply capacity check doctor profiles rollback run status watch; do
		[[ -s $RUNUP_SOURCE/schemas/$name.schema.json ]]
		[[ -s $RUNUP_SOURCE/schemas/examples/$name.json || -s $RUNUP_SOURCE/schemas/examples/$name.jsonl ]]
	done
}

@test "validate: a wrong type, a missing and an unknown field are named" {
	local example=$RUNUP_SOURCE/schemas/examples/check.json
	validate check < <(sed 's/"fail": 1/"fail": "1"/' "$example")
	[[ $status -eq 1 && $output == *'$.counts.fail'* ]]
	validate check < <(sed '/"ready"/d' "$example")
	[[ $status -eq 1 && $output == *"'ready' is a required property"* ]]
	validate check < <(sed 's/"ready"/"readiness"/' "$example")
	[[ $status -eq 1 && $output == *readiness* ]]
	validate rollback < <(sed 's/"drifted"/"in_force"/' "$RUNUP_SOURCE/schemas/examples/rollback.json")
	[[ $status -eq 1 && $output == *in_force* ]]
}

@test "validate: what is not JSON is not" {
	validate check <<<'{"schema": NaN}'
	[[ $status -eq 1 ]]
	validate check <<<'{"schema": 1, "schema": 2}'
	[[ $status -eq 1 && $output == *twice* ]]
	validate check </dev/null
	[[ $status -eq 1 ]]
}

@test "validate: lines are documents of their own" {
	local line
	line=$(tr -d '\n' <"$RUNUP_SOURCE/schemas/examples/doctor.json")
	validate --lines doctor <<<"$line"$'\n'"$line"
	[[ $status -eq 0 ]]
	validate --lines doctor <<<"$line"$'\n'"{}"
	[[ $status -eq 1 && $output == *'line 2'* ]]
	validate --lines doctor </dev/null
	[[ $status -eq 1 ]]
}
