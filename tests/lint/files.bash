# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For the rules: what belongs to the tree, also outside git (a tarball) and before it is committed.

# Files whose names match a glob of `case`, one a line: tree_files '*.c' '*.h'
tree_files() {
	local file glob
	all_files | while IFS= read -r file; do
		for glob; do
			# shellcheck disable=SC2053 # a glob is wanted
			if [[ $file == $glob && -f $file ]]; then
				printf '%s\n' "$file"
				break
			fi
		done
	done
}

all_files() {
	if [[ -e .git ]] && command -v git >/dev/null 2>&1; then
		git -c safe.directory='*' ls-files --cached --others --exclude-standard
	else
		find . -type f -not -path './build*' | sed 's|^\./||'
	fi | sort -u
}
