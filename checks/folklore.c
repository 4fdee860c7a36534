/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings that old guides recommend and that harm or do nothing. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/check.h"
#include "sys/meminfo.h"
#include "sys/proc.h"
#include "sys/sysctl.h"

enum belief { FINE, FOLKLORE, NOT_KNOWN };

struct folklore {
	struct check_member member;
	const char *key;
	enum belief (*judge)(const struct host *h, const char *value);
	const char *predicts[2]; /* cause ids; none: it does nothing */
};

static enum belief folklore_if(bool found)
{
	return found ? FOLKLORE : FINE;
}

static enum belief below_60(const struct host *h, const char *value)
{
	int n;

	(void)h;
	return folklore_if(sscanf(value, "%d", &n) == 1 && n < 60);
}

static enum belief is_zero(const struct host *h, const char *value)
{
	int n;

	(void)h;
	return folklore_if(sscanf(value, "%d", &n) == 1 && n == 0);
}

static enum belief is_set(const struct host *h, const char *value)
{
	int n;

	(void)h;
	return folklore_if(sscanf(value, "%d", &n) == 1 && n != 0);
}

/* Three equal values, or a limit of more pages than there is memory: bytes were meant. */
static enum belief bad_tcp_mem(const struct host *h, const char *value)
{
	uint64_t low, pressure, high;
	struct meminfo m;
	struct err ignored;

	if (sscanf(value, "%" SCNu64 " %" SCNu64 " %" SCNu64, &low, &pressure, &high) != 3)
		return NOT_KNOWN;
	if (low == pressure && pressure == high)
		return FOLKLORE;
	/* A page has at least 4 KiB; larger ones make the limit larger still. */
	return folklore_if(meminfo_read(h, &m, &ignored) == 0 && high > m.total_kib / 4);
}

static bool number(const char *value, uint64_t *ret)
{
	return sscanf(value, "%" SCNu64, ret) == 1;
}

/*
 * tcp_sk_init() (tcp_ipv4.c) makes both half of the entries of the established hash, which
 * tcp_ehash_entries shows since 6.1: negative where a namespace shares the host's. Before, the
 * kernel's own choice cannot be told from what somebody wrote.
 */
static enum belief below_default(const struct host *h, const char *value)
{
	char text[SYSCTL_VALUE_MAX];
	int64_t entries;
	uint64_t n;
	struct err ignored;

	if (!number(value, &n) ||
	    sysctl_read(h, "net.ipv4.tcp_ehash_entries", text, &ignored) < 0 ||
	    sscanf(text, "%" SCNd64, &entries) != 1)
		return NOT_KNOWN;
	return folklore_if(n < (uint64_t)(entries < 0 ? -entries : entries) / 2);
}

/*
 * files_maxfiles_init() (fs/file_table.c) takes a tenth of the memory in KiB, less what was in use
 * at boot; systemd then raises it to the largest number there is. Half of that tenth leaves room
 * for memory that was taken at boot or added since.
 */
static enum belief below_memory(const struct host *h, const char *value)
{
	struct meminfo m;
	struct err ignored;
	uint64_t n;

	if (!number(value, &n) || meminfo_read(h, &m, &ignored) < 0)
		return NOT_KNOWN;
	return folklore_if(n < m.total_kib / 10 / 2);
}

/*
 * The ceiling alone harms nothing, and systemd may raise it itself; processes that inherit a limit
 * as high do (moby/moby#45534, containerd/containerd#7566).
 */
static enum belief huge_in_force(const struct host *h, const char *value)
{
	const uint64_t usual = 1 << 20; /* the kernel's default, fs/file.c sysctl_nr_open */
	struct proc_limit limit;
	struct err ignored;
	uint64_t n;

	if (!number(value, &n))
		return NOT_KNOWN;
	if (n <= usual)
		return FINE;
	if (proc_limit(h, 0, "Max open files", &limit, &ignored) < 0)
		return NOT_KNOWN;
	return folklore_if(limit.soft > usual);
}

static const struct folklore rows[] = {
	{
		.member =
			{
				.id = "folklore.tcp_fin_timeout",
				.title = "tcp_fin_timeout lowered",
				.why = "it does not shorten TIME_WAIT, which is 60 s by compile "
				       "time; it only drops orphaned connections in FIN_WAIT_2 "
				       "earlier",
				.fix = "leave it at 60; for ports see tcp.tw_reuse",
			},
		.key = "net.ipv4.tcp_fin_timeout",
		.judge = below_60,
	},
	{
		.member =
			{
				.id = "folklore.tcp_syncookies",
				.title = "SYN cookies off",
				.why = "without SYN cookies a full SYN queue drops connection "
				       "attempts",
				.fix = "sysctl -w net.ipv4.tcp_syncookies=1",
			},
		.key = "net.ipv4.tcp_syncookies",
		.predicts = {"listen.syn_overflow"},
		.judge = is_zero,
	},
	{
		.member =
			{
				.id = "folklore.tcp_abort_on_overflow",
				.title = "tcp_abort_on_overflow on",
				.why = "a full accept queue then answers with a reset, where the "
				       "client would otherwise have tried again",
				.fix = "sysctl -w net.ipv4.tcp_abort_on_overflow=0",
			},
		.key = "net.ipv4.tcp_abort_on_overflow",
		.predicts = {"tcp.reset"},
		.judge = is_set,
	},
	{
		.member =
			{
				.id = "folklore.tcp_tw_recycle",
				.title = "tcp_tw_recycle on",
				.why = "it drops connections of clients behind one NAT address "
				       "(removed in Linux 4.12; on later kernels setting it is an "
				       "error)",
				.fix = "sysctl -w net.ipv4.tcp_tw_recycle=0",
			},
		.key = "net.ipv4.tcp_tw_recycle",
		.judge = is_set,
	},
	{
		.member =
			{
				.id = "folklore.tcp_max_tw_buckets",
				.title = "tcp_max_tw_buckets lowered",
				.why = "connections above it skip TIME_WAIT and its protection "
				       "against stray segments, with a counter and no log line; "
				       "the kernel's own documentation says not to lower it",
				.fix = "give the kernel's default back (half of "
				       "net.ipv4.tcp_ehash_entries); for ports see tcp.tw_reuse",
			},
		.key = "net.ipv4.tcp_max_tw_buckets",
		.predicts = {"timewait.overflow"},
		.judge = below_default,
	},
	{
		.member =
			{
				.id = "folklore.tcp_max_orphans",
				.title = "tcp_max_orphans lowered",
				.why = "closed connections that still have data to send are reset "
				       "above it, so clients lose the ends of answers",
				.fix = "give the kernel's default back (half of "
				       "net.ipv4.tcp_ehash_entries)",
			},
		.key = "net.ipv4.tcp_max_orphans",
		.predicts = {"tcp.orphans"},
		.judge = below_default,
	},
	{
		.member =
			{
				.id = "folklore.tcp_mem",
				.title = "tcp_mem with equal values, or in bytes",
				.why = "three equal values take away the pressure phase: at the "
				       "limit memory is refused without warning; and the unit is "
				       "pages, so a number of bytes is a limit above all memory, "
				       "which is none",
				.fix = "give the kernel's defaults back: they follow the memory "
				       "size",
			},
		.key = "net.ipv4.tcp_mem",
		.predicts = {"tcp.memory"},
		.judge = bad_tcp_mem,
	},
	{
		.member =
			{
				.id = "folklore.tcp_window_scaling",
				.title = "window scaling off",
				.why = "no connection then has more than 64 KiB under way, "
				       "whatever its buffers are",
				.fix = "sysctl -w net.ipv4.tcp_window_scaling=1",
			},
		.key = "net.ipv4.tcp_window_scaling",
		.judge = is_zero,
	},
	{
		.member =
			{
				.id = "folklore.tcp_sack",
				.title = "selective acknowledgements off",
				.why = "after one lost segment everything behind it is sent again "
				       "or waited for",
				.fix = "sysctl -w net.ipv4.tcp_sack=1",
			},
		.key = "net.ipv4.tcp_sack",
		.judge = is_zero,
	},
	{
		.member =
			{
				.id = "folklore.tcp_low_latency",
				.title = "tcp_low_latency on",
				.why = "it does nothing since Linux 4.14, which took the "
				       "prequeue away; the key is kept for old scripts",
				.fix = "take it out of the configuration",
			},
		.key = "net.ipv4.tcp_low_latency",
		.judge = is_set,
	},
	{
		.member =
			{
				.id = "folklore.tcp_fack",
				.title = "tcp_fack on",
				.why = "it does nothing since Linux 4.15, which recovers losses by "
				       "time (RACK); the key is kept for old scripts",
				.fix = "take it out of the configuration",
			},
		.key = "net.ipv4.tcp_fack",
		.judge = is_set,
	},
	{
		.member =
			{
				.id = "folklore.file_max",
				.title = "file-max lowered",
				.why = "the kernel takes a tenth of the memory in KiB and systemd "
				       "far more, so the number from a guide is the lower one; at "
				       "the limit the whole host fails with ENFILE",
				.fix = "take it out of the configuration: the default is enough",
			},
		.key = "fs.file-max",
		.predicts = {"fd.exhausted"},
		.judge = below_memory,
	},
	{
		.member =
			{
				.id = "folklore.nr_open",
				.title = "a huge nr_open, and a limit that uses it",
				.why = "programs that close or look at every descriptor they may "
				       "have (daemons at their start, old language runtimes) take "
				       "seconds or gigabytes with a limit of hundreds of millions",
				.fix = "keep the soft limit of open files near what the load "
				       "needs (ulimit -Sn)",
			},
		.key = "fs.nr_open",
		.judge = huge_in_force,
	},
};

static const struct check_member *member(size_t i)
{
	return i < ARRAY_LEN(rows) ? &rows[i].member : NULL;
}

static void judge_row(const struct check_input *in, const struct folklore *row,
		      struct findings *out)
{
	char value[SYSCTL_VALUE_MAX];
	struct err e;
	int r = sysctl_read(in->host, row->key, value, &e);

	if (r == -ENOENT)
		return; /* not in this namespace, or gone from this kernel: nothing to find */

	struct finding *f = finding_add(out, row->member.id, FINDING_PASS, row->key);

	f->predicts = row->predicts[0] ? row->predicts : NULL;
	f->observed = finding_value(out, r < 0 ? e.msg : value);
	if (r < 0) {
		f->status = FINDING_UNKNOWN;
		return;
	}
	switch (row->judge(in->host, value)) {
	case FINE:
		break;
	case FOLKLORE:
		f->status = FINDING_WARN;
		f->why = row->member.why;
		f->fix = row->member.fix;
		check_name_origin(in, row->key, f, out);
		break;
	case NOT_KNOWN:
		f->status = FINDING_NA;
		f->why = "what the kernel itself would have chosen cannot be told here";
		break;
	}
}

static int run(const struct check_input *in, struct findings *out, struct err *e)
{
	(void)e;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		judge_row(in, &rows[i], out);
	return 0;
}

const struct check check_folklore = {
	.id = "folklore",
	.title = "no settings from old guides that harm or do nothing",
	.why = "Many guides hand on settings that once helped, never did, or were misread: "
	       "tcp_fin_timeout against TIME_WAIT, tcp_tw_recycle, SYN cookies off, equal tcp_mem "
	       "values. They are named here with what they really do.",
	.member = member,
	.run = run,
};
