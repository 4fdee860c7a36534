#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# No mutable state at file scope: what the linker would put into .data or .bss, but for the list.

set -uo pipefail
build=$1
[[ -e $build/librunup.a ]] || { echo "$build/librunup.a is not there: build first"; exit 1; }

# log.o verbose: whether -v was given, set once by main.
objdump -t "$build/librunup.a" "$build/src/cli/main.o" | awk '
	/file format/ { object = $1; sub(/:$/, "", object); next }
	# value flags section size name; constants that hold addresses are in .data.rel.ro
	{
		for (i = 2; i <= NF; i++) if ($i ~ /^\.(data|bss|tdata|tbss)/ || $i == "*COM*") break
		if (i > NF || $i ~ /^\.data\.rel\.ro/) next
		size = $(i + 1); name = $NF
		if (size ~ /^0+$/ || name ~ /^\./) next
		if (object == "log.o" && name == "verbose") next
		print object ": " name " is mutable and at file scope (" $i ")"
		bad = 1
	}
	END { exit bad }'
