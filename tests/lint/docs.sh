#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Man pages are well-formed; every check id and profile key is documented; shipped profiles load;
# every schema is valid, strict and has a valid example.

set -uo pipefail
. tests/lint/files.bash
build=$1
bad=0

complain() {
	printf '%s\n' "$*"
	bad=1
}

rendered() { # PAGE
	mandoc -T ascii -O width=1000 "$1" 2>/dev/null | sed 's/.\x08//g'
}

has_word() { # TEXT WORD
	grep -qE "(^|[^A-Za-z0-9_.])${2//./\\.}([^A-Za-z0-9_]|$)" <<<"$1"
}

for page in man/runup.8 man/runup-profile.5; do
	if [[ ! -e $page ]]; then
		complain "$page is not there"
		continue
	fi
	mandoc -T lint -W warning "$page" || bad=1
done
manual=$(rendered man/runup.8)
profile_manual=$(rendered man/runup-profile.5)

# The exit codes are a contract; the page that scripts are written from names each.
for code in 0 1 2 3 120 121 125 126 127; do
	has_word "$manual" "$code" || complain "man/runup.8: exit code $code is not documented"
done
while IFS= read -r id; do
	has_word "$manual" "$id" || complain "man/runup.8: check $id is not documented"
done < <(tree_files 'checks/*.c' | xargs sed -nE 's/^\t\.id = "([a-z_.]+)",.*/\1/p' | sort -u)
while IFS= read -r key; do
	has_word "$profile_manual" "$key" || complain "man/runup-profile.5: key $key of [load] is not documented"
done < <(awk '/^const struct load_key load_keys\[\]/ { on = 1 } on && /^};/ { on = 0 }
	on && match($0, /\{"[a-z_]+"/) { print substr($0, RSTART + 2, RLENGTH - 3) }' src/core/load.c)
while IFS= read -r path; do
	grep -qF -- "$path" <<<"$profile_manual" || complain "man/runup-profile.5: $path of [sysfs] is not documented"
done < <(sed -nE 's/^\t\t\.pattern = "([^"]+)",.*/\1/p' src/core/sysfs_key.c)
while IFS= read -r key; do
	has_word "$profile_manual" "$key" || complain "man/runup-profile.5: key $key of [nic] is not documented"
done < <(sed -nE 's/^\t\t\.name = "([a-z_]+)",.*/\1/p' src/core/nic_key.c)
for word in profile load sysctl sysfs nic max all check summary include auto covers; do
	has_word "$profile_manual" "$word" || complain "man/runup-profile.5: $word is not documented"
done

for profile in profiles/*.ini; do
	"$build/runup" profiles "$PWD/$profile" >/dev/null || complain "$profile: does not load"
	# Every line that wants something says why, above it or behind it.
	awk '/^;/ { said = 1; next } /^$/ { said = 0; next }
		/^\[/ { want = !/^\[(profile|load)\]$/; said = 0; next }
		want && !said && !/[ \t];/ { print FILENAME ":" FNR ": no reason: " $0; bad = 1 }
		END { exit bad }' "$profile" || bad=1
done
for word in 'make preflight' 'make test'; do
	grep -q "$word" README.md 2>/dev/null || complain "README.md: does not name $word"
done
tests/validate.py --examples || bad=1
exit "$bad"
