#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# base <- sys <- core <- { checks, tune, watch, report, gen } <- cli, and nothing else.

set -uo pipefail
. tests/lint/files.bash

tree_files 'src/*.[ch]' 'checks/*.[ch]' | xargs grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]' /dev/null | awk -F: '
	BEGIN {
		may["base"] = " base "
		may["sys"] = " base sys "
		may["core"] = " base sys core "
		n = split("checks tune watch report gen", middle, " ")
		for (i = 1; i <= n; i++) may[middle[i]] = " base sys core " middle[i] " "
		may["cli"] = " base sys core checks tune watch report gen cli "
	}
	{
		file = $1
		text = $0
		sub(/^[^:]*:[0-9]+:/, "", text)
		split(file, part, "/")
		layer = part[1] == "src" ? part[2] : part[1]
		if (!(layer in may)) { print file ": no such layer: " layer; bad = 1; next }
		if (text !~ /"/) next
		split(text, quoted, "\"")
		target = quoted[2]
		if (target !~ /\//) {
			print file ":" $2 ": include \"" target "\": say its folder"
			bad = 1
			next
		}
		# A skeleton is made in the build folder; only the file that loads the program sees it.
		if (target ~ /\.skel\.h$/) {
			own = file
			sub(/\.c$/, ".skel.h", own)
			if (target != own) {
				print file ":" $2 ": only the .c beside the program may include \"" target "\""
				bad = 1
			}
			next
		}
		into = target
		sub(/\/.*/, "", into)
		if (index(may[layer], " " into " ") == 0) {
			print file ":" $2 ": " layer " may not include " into " (\"" target "\")"
			bad = 1
		}
		# Programs of the kernel side see the record both sides share, and other BPF headers.
		if (file ~ /\.bpf\.[ch]$/) {
			own = file
			sub(/^src\//, "", own)
			sub(/\.bpf\.[ch]$/, ".h", own)
			if (target != own && target !~ /\.bpf\.h$/) {
				print file ":" $2 ": a BPF program may include " own " and *.bpf.h, not \"" target "\""
				bad = 1
			}
		} else if (target ~ /\.bpf\.h$/) {
			print file ":" $2 ": only BPF programs include \"" target "\""
			bad = 1
		}
	}
	END { exit bad }'
