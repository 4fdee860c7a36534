#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The man page and the completion name every command and option that `runup help --tsv` prints from
# the tables, and no others.

set -uo pipefail
build=$1
bad=0

complain() {
	printf '%s\n' "$*"
	bad=1
}

tsv=$("$build/runup" help --tsv) || { echo 'runup help --tsv failed'; exit 1; }
commands=$(awk -F'\t' '$1 == "command" { print $2 }' <<<"$tsv" | sort -u)
[[ -n $commands ]] || { echo 'runup help --tsv names no command'; exit 1; }

options_of() { # COMMAND, or * for those in front of it
	awk -F'\t' -v c="$1" '$1 == "option" && $2 == c { print $3 }' <<<"$tsv" | sort -u
}

differ() { # WHAT WANTED FOUND
	local line
	while IFS= read -r line; do
		complain "$1: $line is missing"
	done < <(comm -23 <(sort -u <<<"$2") <(sort -u <<<"$3") | grep .)
	while IFS= read -r line; do
		complain "$1: $line is not one of runup's"
	done < <(comm -13 <(sort -u <<<"$2") <(sort -u <<<"$3") | grep .)
}

# The completion is asked as bash would ask it.
complete_words() { # WORD…: prints what the last one can become
	bash -c '. completion/runup.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
		_runup; printf "%s\n" "${COMPREPLY[@]}"' bash "$@" | sed 's/[ =]*$//'
}

differ 'completion: commands' "$commands" "$(complete_words runup '')"
differ 'completion: options of runup' "$(options_of '*')" "$(complete_words runup -)"
for command in $commands; do
	differ "completion: options of $command" "$(options_of "$command")" "$(complete_words runup "$command" -)"
done

page=man/runup.8
[[ -e $page ]] || { echo "$page is not there"; exit 1; }
text=$(mandoc -T ascii -O width=1000 "$page" | sed 's/.\x08//g')
listed=$(grep -oE -- '(^|[^A-Za-z0-9-])--[a-z][a-z-]*[a-z]' <<<"$text" | sed 's/^[^-]//' | sort -u)
known=$(awk -F'\t' '$1 == "option" && $3 ~ /^--/ { print $3 }' <<<"$tsv" | sort -u)
differ "$page: options" "$known" "$listed"
while IFS= read -r letter; do
	grep -qE -- "(^|[^A-Za-z0-9-])$letter([^A-Za-z0-9-]|$)" <<<"$text" || complain "$page: $letter is missing"
done < <(awk -F'\t' '$1 == "option" && $3 ~ /^-[A-Za-z]$/ { print $3 }' <<<"$tsv" | sort -u)
# Each command has an entry, `.It Cm check …`, and what has such an entry is a command.
entries=$(sed -nE 's/^\.(It|Ss) (Nm runup )?Cm ([a-z]+)( .*)?$/\3/p' "$page" | sort -u)
differ "$page: commands" "$commands" "$entries"
exit "$bad"
