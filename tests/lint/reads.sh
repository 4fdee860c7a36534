#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Only src/sys opens files of the host, so that a captured one can stand in for it, and only
# src/tune writes a setting, after the journal has it. (/proc/self/exe is the program, not the host.)

set -uo pipefail
. tests/lint/files.bash
bad=0

mapfile -t all < <(tree_files 'src/*.[ch]' 'checks/*.[ch]')
outside() { # REGEX: the files that do not match it
	printf '%s\n' "${all[@]}" | grep -vE "$1"
}
mapfile -t files < <(outside '^src/sys/')
# Calls may run over several lines: one line per call, with its file in front.
if perl -0777 -ne '
	s{/\*.*?\*/}{my $c = $&; $c =~ tr/\n//cd; $c}gse; s{//[^\n]*}{}g;
	while (/\b((?:f|fd)?open(?:at2?|dir)?|creat|readlink(?:at)?|f?stat(?:at|x|fs)?|lstat|f?access(?:at)?|opendir|realpath)\s*\((?:[^;]*?)"\/(proc(?!\/self\/exe)|sys)\b/gs) {
		my $line = 1 + (substr($_, 0, $-[0]) =~ tr/\n//);
		print "$ARGV:$line: $1() of /$2 outside src/sys: use sys/file.h\n";
		$bad = 1;
	}
	END { exit !$bad }' "${files[@]}"; then
	bad=1
fi

# What calls a function by one of these names outside of the places that may.
calls() { # NAMES PLACES
	outside "$2" | xargs -d '\n' grep -nE "(^|[^a-z_])($1)[[:space:]]*\("
}

if calls 'sysctl_write|sysfs_write|ethtool_set' '^src/tune/|^src/sys/(sysctl|sysfs|nl_ethtool_set)\.[ch]$'; then
	echo '^ only src/tune writes settings of the host'
	bad=1
fi
if calls 'system|popen|tmpnam|mktemp' '^$'; then
	echo '^ no shell, no racy names'
	bad=1
fi
if calls 'printf|puts|putchar|perror|exit' '^src/cli/|\.h$'; then
	echo '^ only src/cli prints and picks exit codes'
	bad=1
fi
exit "$bad"
