/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A profile as a shell script that also undoes it.
 *
 * For hosts without runup: POSIX sh, tr, sed and the like, no sysctl(8). The rules are those of
 * apply and rollback: nothing is written that satisfies already, the value before is recorded
 * before each write, what is read back decides, and undo leaves alone what somebody else has
 * changed.
 */
#include <string.h>

#include "base/cleanup.h"
#include "core/sysctl_tied.h"
#include "report/export_part.h"

#define MARK "\t# "

static const char usage[] =
	"# Use: sh THIS apply [RECORD]   set what is not so already\n"
	"#      sh THIS undo [RECORD]    put back what was there\n"
	"# RECORD is where the values before are kept; /run forgets it at a reboot, as the\n"
	"# kernel forgets the settings. Exit status: 0 done; 1 undo left a value that somebody\n"
	"# else has changed; 2 wrong use; 3 it could not be done, and what was set is put back.\n"
	"\nset -u\numask 077\n";

/* Reading and combining values. */
static const char part_values[] =
	"# The value in force, with single blanks.\n"
	"now() { # FILE\n"
	"\ttr -s '\\t ' '  ' <\"$1\"\n"
	"}\n"
	"\n"
	"# Field by field the larger or the smaller of two lists of numbers.\n"
	"merge_numbers() { # least|most NOW WANT\n"
	"\trest=$2\n"
	"\tmerged=\n"
	"\tfor want in $3; do\n"
	"\t\thave=${rest%% *}\n"
	"\t\trest=${rest#\"$have\"}\n"
	"\t\trest=${rest# }\n"
	"\t\tcase $1:$have in\n"
	"\t\t*:) ;;\n"
	"\t\tleast:*) if [ \"$have\" -gt \"$want\" ]; then want=$have; fi ;;\n"
	"\t\tmost:*) if [ \"$have\" -lt \"$want\" ]; then want=$have; fi ;;\n"
	"\t\tesac\n"
	"\t\tmerged=\"${merged:+$merged }$want\"\n"
	"\tdone\n"
	"}\n"
	"\n"
	"# The lower low and the higher high of two ranges.\n"
	"merge_ranges() { # NOW WANT\n"
	"\tlow=${2%% *}\n"
	"\thigh=${2##* }\n"
	"\tif [ \"${1%% *}\" -lt \"$low\" ]; then low=${1%% *}; fi\n"
	"\tif [ \"${1##* }\" -gt \"$high\" ]; then high=${1##* }; fi\n"
	"\tmerged=\"$low $high\"\n"
	"}\n"
	"\n"
	"# What of WANT the list does not hold is added; the kernel joins what overlaps.\n"
	"merge_sets() { # NOW WANT\n"
	"\tmerged=$1\n"
	"\tIFS=,\n"
	"\tfor item in $2; do\n"
	"\t\tcase \",$merged,\" in\n"
	"\t\t*\",$item,\"*) ;;\n"
	"\t\t*) merged=\"${merged:+$merged,}$item\" ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tunset IFS\n"
	"}\n"
	"\n"
	"# Into $merged: what has to be there so that the wish is fulfilled and nothing is lost.\n"
	"merge() { # exact|least|least_or_0|most|range|set NOW WANT\n"
	"\tcase $1 in\n"
	"\texact) merged=$3 ;;\n"
	"\tleast | most) merge_numbers \"$1\" \"$2\" \"$3\" ;;\n"
	"\tleast_or_0) if [ \"$2\" = 0 ]; then merged=0; else merge_numbers least \"$2\" \"$3\"; "
	"fi ;;\n"
	"\trange) merge_ranges \"$2\" \"$3\" ;;\n"
	"\tset) merge_sets \"$2\" \"$3\" ;;\n"
	"\tesac\n"
	"}\n";

/*
 * A record is FILE|before|expected|after; the last field is there once the write is done. A set is
 * read back joined, so what decides is whether merging it once more changes anything.
 */
static const char part_setting[] =
	"\n"
	"setting() { # needed|optional WISH FILE WANT\n"
	"\tif [ ! -e \"$3\" ]; then\n"
	"\t\techo \"missing    $3\"\n"
	"\t\t[ \"$1\" = optional ]\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tif ! before=$(now \"$3\"); then\n"
	"\t\techo \"failed     $3: cannot be read\" >&2\n"
	"\t\treturn 1\n"
	"\tfi\n"
	"\tmerge \"$2\" \"$before\" \"$4\"\n"
	"\tif [ \"$merged\" = \"$before\" ]; then\n"
	"\t\techo \"satisfied  $3 = $before\"\n"
	"\t\treturn 0\n"
	"\tfi\n"
	"\t# Opened, not asked for its mode: some shells hold root to be above that.\n"
	"\tif [ \"$1\" = optional ] && ! (: >>\"$3\") 2>/dev/null; then\n"
	"\t\techo \"missing    $3 = $before: may not be written here\"\n"
	"\t\treturn 0\n"
	"\tfi\n"
	"\tprintf '%s|%s|%s|' \"$3\" \"$before\" \"$merged\" >>\"$record\" || return 1\n"
	"\tprintf '%s\\n' \"$merged\" >\"$3\" || { echo >>\"$record\"; return 1; }\n"
	"\tafter=$(now \"$3\")\n"
	"\tprintf '%s\\n' \"$after\" >>\"$record\" || return 1\n"
	"\twritten=$merged\n"
	"\tmerge \"$2\" \"$after\" \"$4\"\n"
	"\tif [ \"$after\" != \"$written\" ] && [ \"$after\" != \"$merged\" ] && "
	"[ \"$2\" != set ]; then\n"
	"\t\techo \"failed     $3: the kernel kept $after\" >&2\n"
	"\t\treturn 1\n"
	"\tfi\n"
	"\techo \"written    $3: $before -> $after\"\n"
	"}\n";

static const char part_undo[] =
	"\n"
	"# The record's first line, into $first. What is no record is neither read on nor removed.\n"
	"read_first() {\n"
	"\tIFS= read -r first <\"$record\"\n"
	"\tcase $first in\n"
	"\t*-*-*-*-*' net:['*']') return 0 ;;\n"
	"\tesac\n"
	"\techo \"$record is no record of this script: name another file\" >&2\n"
	"\treturn 1\n"
	"}\n"
	"\n"
	"# The last change first. Lines before FIRST belong to an earlier apply.\n"
	"undo_from() { # FIRST\n"
	"\tsed -n \"$1,\\$p\" \"$record\" | sed '1!G;h;$!d' | (\n"
	"\t\tresult=0\n"
	"\t\twhile IFS='|' read -r file before expected after; do\n"
	"\t\t\tif ! known \"$file\"; then\n"
	"\t\t\t\techo \"not known  $file: not one of this script's\" >&2\n"
	"\t\t\t\tresult=3\n"
	"\t\t\t\tcontinue\n"
	"\t\t\tfi\n"
	"\t\t\t[ -e \"$file\" ] || { echo \"gone       $file\"; continue; }\n"
	"\t\t\tpresent=$(now \"$file\")\n"
	"\t\t\tif [ \"$present\" = \"$before\" ]; then\n"
	"\t\t\t\techo \"unchanged  $file = $before\"\n"
	"\t\t\telif [ \"$present\" != \"${after:-$expected}\" ]; then\n"
	"\t\t\t\techo \"drifted    $file: $present, not ${after:-$expected}; left alone\" >&2\n"
	"\t\t\t\t[ \"$result\" -ne 0 ] || result=1\n"
	"\t\t\telif printf '%s\\n' \"$before\" >\"$file\" && [ \"$(now \"$file\")\" = "
	"\"$before\" ]; then\n"
	"\t\t\t\techo \"restored   $file: $present -> $before\"\n"
	"\t\t\telse\n"
	"\t\t\t\techo \"failed     $file: could not be put back to $before\" >&2\n"
	"\t\t\t\tresult=3\n"
	"\t\t\tfi\n"
	"\t\tdone\n"
	"\t\texit \"$result\"\n"
	"\t)\n"
	"}\n"
	"\n"
	"undo() {\n"
	"\t[ -s \"$record\" ] || { echo 'nothing to undo'; return 0; }\n"
	"\tread_first || return 3\n"
	"\tif [ \"${first%% *}\" != \"$boot\" ]; then\n"
	"\t\techo 'the host was restarted since, which undid it'\n"
	"\t\trm -f \"$record\"\n"
	"\t\treturn 0\n"
	"\tfi\n"
	"\tif [ \"$first\" != \"$boot $netns\" ]; then\n"
	"\t\techo \"$record was made in another network namespace: undo it there\" >&2\n"
	"\t\treturn 3\n"
	"\tfi\n"
	"\tundo_from 2\n"
	"\tstatus=$?\n"
	"\t[ \"$status\" -eq 3 ] || rm -f \"$record\"\n"
	"\treturn \"$status\"\n"
	"}\n";

static const char part_apply[] =
	"\n"
	"# A record of this boot and namespace is carried on: undo then goes back to its start.\n"
	"open_record() {\n"
	"\tfirst=\n"
	"\tif [ -s \"$record\" ]; then read_first || return 1; fi\n"
	"\tif [ \"$first\" = \"$boot $netns\" ]; then\n"
	"\t\t[ -z \"$(tail -c 1 \"$record\")\" ] || echo >>\"$record\"\n"
	"\t\treturn 0\n"
	"\tfi\n"
	"\tif [ \"${first%% *}\" = \"$boot\" ]; then\n"
	"\t\techo \"$record is of another network namespace: name another file\" >&2\n"
	"\t\treturn 1\n"
	"\tfi\n"
	"\t[ ! -f \"$record\" ] || rm -f \"$record\"\n"
	"\t# Made, not opened: a link that somebody laid there is not followed.\n"
	"\t(set -C; printf '%s\\n' \"$boot $netns\" >\"$record\")\n"
	"}\n"
	"\n"
	"apply() {\n"
	"\topen_record || return 3\n"
	"\tlines=$(wc -l <\"$record\")\n"
	"\tif settings; then\n"
	"\t\t[ \"$(wc -l <\"$record\")\" -gt 1 ] || rm -f \"$record\"\n"
	"\t\treturn 0\n"
	"\tfi\n"
	"\techo 'not applied: what was set is put back' >&2\n"
	"\tundo_from $((lines + 1)) && [ \"$lines\" -eq 1 ] && rm -f \"$record\"\n"
	"\treturn 3\n"
	"}\n"
	"\n"
	"boot=$(cat /proc/sys/kernel/random/boot_id)\n"
	"netns=$(readlink /proc/self/ns/net)\n"
	"case ${1-} in\n"
	"apply | undo) \"$1\" ;;\n"
	"*)\n"
	"\techo \"use: $0 apply|undo [RECORD]\" >&2\n"
	"\texit 2\n"
	"\t;;\n"
	"esac\n";

/* One word of sh, whatever it holds. */
static void add_quoted(const char *text, struct strbuf *out)
{
	strbuf_add(out, "'");
	for (; *text; text++) {
		if (*text == '\'')
			strbuf_add(out, "'\\''");
		else
			strbuf_addn(out, text, 1);
	}
	strbuf_add(out, "'");
}

/* net.ipv4.conf.eth0/100.rp_filter is the file net/ipv4/conf/eth0.100/rp_filter (sysctl.d(5)). */
static void add_path(const struct want *w, struct strbuf *out)
{
	cleanup_with(strbuf_done) struct strbuf path = {0};

	strbuf_addf(&path, "/proc/sys/%s", w->key);
	for (size_t i = strlen("/proc/sys/"); i < path.len; i++) {
		if (path.text[i] == '.')
			path.text[i] = '/';
		else if (path.text[i] == '/')
			path.text[i] = '.';
	}
	add_quoted(strbuf_get(&path), out);
}

static const char *wish_word(const struct want *w)
{
	switch (w->op) {
	case OP_AT_LEAST:
		return w->sysctl && w->sysctl->zero_is_unlimited ? "least_or_0" : "least";
	case OP_AT_MOST:
		return "most";
	case OP_COVERS:
		return w->value_kind == VALUE_SET ? "set" : "range";
	case OP_EXACT:
		break;
	}
	return "exact";
}

/* What this script promises to undo it may only write where that is possible, as `apply` does. */
static const char *not_undone(const struct want *w)
{
	const char *why = export_no_sysctl(w);

	if (why)
		return why;
	why = sysctl_side_effect(w->key);
	if (!why && sysctl_counterpart(w->key))
		why = "its counterpart becomes 0 when it is written; set it before, in sysctl.d";
	return why;
}

/* undo writes to no other file, whatever the record says. */
static void write_known(const struct export *x, struct strbuf *out)
{
	strbuf_add(out, "\n");
	strbuf_add(out, "known() { # FILE\n\tcase $1 in\n");
	for (size_t i = 0; i < x->len; i++) {
		if (not_undone(x->want[i]))
			continue;
		strbuf_add(out, "\t");
		add_path(x->want[i], out);
		strbuf_add(out, ") return 0 ;;\n");
	}
	strbuf_add(out, "\tesac\n\treturn 1\n}\n");
}

static void write_settings(const struct export *x, struct strbuf *out)
{
	strbuf_add(out, "\nsettings() {\n");
	for (size_t i = 0; i < x->len; i++) {
		const struct want *w = x->want[i];
		cleanup_with(strbuf_done) struct strbuf value = {0};

		if (not_undone(w))
			continue;
		export_reason(MARK, w, out);
		export_value(w, &value);
		strbuf_addf(out, "\tsetting %s %s ", w->optional ? "optional" : "needed",
			    wish_word(w));
		add_path(w, out);
		strbuf_add(out, " ");
		add_quoted(strbuf_get(&value), out);
		strbuf_add(out, " || return 1\n\n");
	}
	strbuf_add(out, "\treturn 0\n}\n");
}

static void write_file(const struct export *x, struct strbuf *out)
{
	char slug[EXPORT_SLUG_MAX];

	strbuf_add(out, "#!/bin/sh\n");
	export_head(x, out);
	export_rest(x, not_undone, out);
	strbuf_addf(out, "#\n%srecord=${2:-/run/runup-%s.undo}\n\n", usage, export_slug(x, slug));
	strbuf_add(out, part_values);
	strbuf_add(out, part_setting);
	write_known(x, out);
	write_settings(x, out);
	strbuf_add(out, part_undo);
	strbuf_add(out, part_apply);
}

const struct export_format export_shell = {"shell", write_file};
